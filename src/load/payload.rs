//! The content of a log: a message, typed fields, and the stamp by which the sink identifies the log.

use super::contents::Content;
use super::context::Context;
use crate::log_queue::Level;
use std::fmt;
use std::sync::LazyLock;

/// Which part of the repeat a log belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its logs are sent and delivered, but not recorded.
    WarmUp,
    /// Its logs are recorded.
    Window,
}

/// The identity of one log, and when its call began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The part of the repeat.
    pub phase: Phase,
    /// The task that sent it, from 0.
    pub task: u32,
    /// Position in the task's schedule, from 0.
    pub sequence: u64,
    /// Start of the call, in nanoseconds on the clock of the load.
    pub at: u64,
}

const TASK_BITS: u32 = 14;
const SEQUENCE_BITS: u32 = 48;
/// Length of a stamp as text: two words of 16 hexadecimal digits and a dash.
const TEXT_LENGTH: usize = 33;

impl Stamp {
    /// The name of the field that carries a stamp as text.
    pub const FIELD: &str = "stamp";

    /// The stamp as two words, for queues that carry integers: identity, time.
    #[inline]
    pub fn to_words(self) -> (u64, u64) {
        let phase = u64::from(self.phase == Phase::Window);
        let task = u64::from(self.task) & ((1 << TASK_BITS) - 1);
        let sequence = self.sequence & ((1 << SEQUENCE_BITS) - 1);
        ((phase << (TASK_BITS + SEQUENCE_BITS)) | (task << SEQUENCE_BITS) | sequence, self.at)
    }

    /// The inverse of [`Self::to_words`]; `None` if no stamp has these words.
    #[inline]
    pub fn from_words(identity: u64, at: u64) -> Option<Self> {
        let phase = match identity >> (TASK_BITS + SEQUENCE_BITS) {
            0 => Phase::WarmUp,
            1 => Phase::Window,
            _ => return None,
        };
        let task = ((identity >> SEQUENCE_BITS) & ((1 << TASK_BITS) - 1)) as u32;
        Some(Self { phase, task, sequence: identity & ((1 << SEQUENCE_BITS) - 1), at })
    }

    /// Finds the last stamp in a formatted line: `stamp=…`, `stamp="…"`, or `"stamp":"…"` as in JSON. It searches from
    /// the end, because the stamp is the last field; the message may contain anything.
    pub fn find(line: &[u8]) -> Option<Self> {
        let name = Self::FIELD.as_bytes();
        let mut ends = (name.len()..=line.len()).rev().filter(|&end| line[..end].ends_with(name));
        ends.find_map(|end| Self::after_name(&line[end..]))
    }

    /// The stamp in the text after its field's name; `None` if there is none.
    fn after_name(rest: &[u8]) -> Option<Self> {
        let between = rest.iter().take(5).position(u8::is_ascii_hexdigit)?;
        let is_separator = matches!(&rest[..between], b"=" | b"=\"" | b"\":\"" | b"\": \"");
        let text = rest.get(between..between + TEXT_LENGTH).filter(|text| is_separator && text[16] == b'-')?;
        Self::from_words(hexadecimal(&text[..16])?, hexadecimal(&text[17..])?)
    }

    /// A hash of all parts. If the sums of the hashes of two sets of stamps are equal, the sets are almost certainly
    /// the same.
    ///
    /// It is the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), applied to both words.
    #[inline]
    pub fn hash(self) -> u64 {
        let (identity, at) = self.to_words();
        mix(mix(identity ^ 0x9e37_79b9_7f4a_7c15).wrapping_add(at))
    }
}

/// Parses hexadecimal digits only: `u64::from_str_radix` would also accept a sign.
fn hexadecimal(digits: &[u8]) -> Option<u64> {
    let digit = |&digit: &u8| char::from(digit).to_digit(16).map(u64::from);
    digits.iter().try_fold(0, |word: u64, byte| Some(word << 4 | digit(byte)?))
}

#[inline]
pub(super) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (identity, at) = self.to_words();
        write!(f, "{identity:016x}-{at:016x}")
    }
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// An unsigned integer.
    U64(u64),
    /// A text.
    Str(&'static str),
    /// A floating-point number.
    F64(f64),
    /// A boolean.
    Bool(bool),
}

/// Largest number of fields in a log.
pub const MAX_FIELDS: usize = 64;

/// The names of the fields: first four typical ones of a request log, then numbered ones.
static FIELD_NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let first = ["user_id", "route", "duration_ms", "cached"].map(str::to_owned);
    first.into_iter().chain((4..MAX_FIELDS).map(|n| format!("field_{n}"))).collect()
});

/// The first four fields, each with its own type. Logging macros need this, because their fields are fixed at compile
/// time. A field is `None` if the case has fewer fields.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Typed {
    /// The first field.
    pub user_id: Option<u64>,
    /// The second field.
    pub route: Option<&'static str>,
    /// The third field.
    pub duration_ms: Option<f64>,
    /// The fourth field.
    pub cached: Option<bool>,
}

impl Typed {
    /// Number of these fields.
    pub const COUNT: u32 = 4;

    fn of(fields: &[(&'static str, Value)]) -> Self {
        fields.iter().take(Self::COUNT as usize).fold(Self::default(), |typed, &(_, value)| match value {
            Value::U64(value) => Self { user_id: Some(value), ..typed },
            Value::Str(value) => Self { route: Some(value), ..typed },
            Value::F64(value) => Self { duration_ms: Some(value), ..typed },
            Value::Bool(value) => Self { cached: Some(value), ..typed },
        })
    }
}

/// The content that all logs of a repeat share. It is made before the load begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    message: String,
    fields: Vec<(&'static str, Value)>,
    typed: Typed,
    context: Context,
}

impl Template {
    /// A message of `length` bytes and `fields` fields (at most [`MAX_FIELDS`]), with four types in turn.
    pub fn new(fields: u32, length: u64) -> Self {
        const WORDS: &str = "request served from the pool after authentication and routing ";
        let message = WORDS.chars().cycle().take(length as usize).collect();
        let value = |n: usize| match n % 4 {
            0 => Value::U64(1_000_000 + n as u64),
            1 => Value::Str("/api/v1/orders"),
            2 => Value::F64(12.75),
            _ => Value::Bool(true),
        };
        let fields = FIELD_NAMES.iter().take(fields as usize).enumerate();
        let fields: Vec<_> = fields.map(|(n, name)| (name.as_str(), value(n))).collect();
        Self { message, typed: Typed::of(&fields), fields, context: Context::default() }
    }

    /// The same with a context.
    pub fn within(self, context: Context) -> Self {
        Self { context, ..self }
    }
}

/// One log, as it is passed to a queue.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    template: &'a Template,
    message: &'a str,
    level: Level,
    /// The stamp that must reach the sink with the log.
    pub stamp: Stamp,
}

impl<'a> Entry<'a> {
    /// A log with the content of `template`, at the level `info`.
    pub fn new(template: &'a Template, stamp: Stamp) -> Self {
        Self { template, message: &template.message, level: Level::Info, stamp }
    }

    /// The same with a level of its own, and the beginning of the message, at most all of it.
    pub(crate) fn with(self, content: Content) -> Self {
        let message = self.message.get(..content.length as usize).unwrap_or(self.message);
        Self { message, level: content.level, ..self }
    }

    /// The level.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The message.
    pub fn message(&self) -> &'a str {
        self.message
    }

    /// The fields, without the stamp.
    pub fn fields(&self) -> &'a [(&'static str, Value)] {
        &self.template.fields
    }

    /// The fields of the context in which it is logged, from the outermost span; none, if the case asks for none.
    pub fn context(&self) -> &'a [(&'static str, &'static str)] {
        self.template.context.fields()
    }

    /// The first four fields, each with its own type.
    pub fn typed(&self) -> Typed {
        self.template.typed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_stamp() -> impl Strategy<Value = Stamp> {
        (any::<bool>(), 0u32..10_000, 0u64..1 << SEQUENCE_BITS, any::<u64>()).prop_map(
            |(window, task, sequence, at)| Stamp {
                phase: if window { Phase::Window } else { Phase::WarmUp },
                task,
                sequence,
                at,
            },
        )
    }

    proptest! {
        #[test]
        fn words_and_text_bring_a_stamp_back(stamp in any_stamp(), before in "[a-z ]{0,20}") {
            let (identity, at) = stamp.to_words();
            prop_assert_eq!(Stamp::from_words(identity, at), Some(stamp));
            for line in [
                format!("{before}stamp={stamp} more"),
                format!("{before}stamp=\"{stamp}\"\n"),
                format!("{{\"{before}\":0,\"stamp\":\"{stamp}\"}}"),
                format!("stamp=broken {before} \"stamp\": \"{stamp}\" stamp=0123"),
                format!("stamp={} {before}stamp={stamp}", Stamp { at: !stamp.at, ..stamp }),
            ] {
                prop_assert_eq!(Stamp::find(line.as_bytes()), Some(stamp), "{}", line);
            }
        }

        #[test]
        fn lines_without_a_stamp_give_none(line in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert_eq!(Stamp::find(&line), None);
            prop_assert_eq!(Stamp::find(&[b"stamp=", &line[..]].concat()), None);
        }

        #[test]
        fn every_part_moves_the_hash(stamp in any_stamp(), bit in 0u32..64) {
            let changed = Stamp { at: stamp.at ^ (1 << bit), ..stamp };
            prop_assert_ne!(stamp.hash(), changed.hash());
            let changed = Stamp { sequence: stamp.sequence ^ (1 << (bit % SEQUENCE_BITS)), ..stamp };
            prop_assert_ne!(stamp.hash(), changed.hash());
        }
    }

    #[test]
    fn a_truncated_or_foreign_stamp_is_none() {
        let text = Stamp { phase: Phase::Window, task: 1, sequence: 2, at: 3 }.to_string();
        assert_eq!(Stamp::find(format!("stamp={}", &text[..32]).as_bytes()), None);
        for foreign in [text.replace('-', "+"), text.replacen('0', "+", 1), text.replacen('0', "g", 1)] {
            assert_eq!(Stamp::find(format!("stamp={foreign}").as_bytes()), None, "{foreign}");
        }
        assert_eq!(Stamp::find(format!("stampede={text} stamp~{text} stamp=\x1b[0m{text}").as_bytes()), None);
        assert_eq!(Stamp::from_words(u64::MAX, 0), None);
    }

    #[test]
    fn template_has_the_size_asked_for() {
        let template = Template::new(64, 64);
        assert_eq!((template.message.len(), template.fields.len()), (64, 64));
        assert_eq!(Template::new(0, 0).message.len(), 0);
        let names: std::collections::HashSet<_> = template.fields.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), 64);
    }

    #[test]
    fn typed_fields_are_the_first_four() {
        let typed = |fields| Template::new(fields, 0).typed;
        assert_eq!(typed(0), Typed::default());
        assert_eq!(typed(2), Typed { user_id: Some(1_000_000), route: Some("/api/v1/orders"), ..Typed::default() });
        let all = typed(4);
        assert_eq!((all.duration_ms, all.cached), (Some(12.75), Some(true)));
        assert_eq!(typed(64), all);
    }
}
