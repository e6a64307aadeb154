//! Which message of a child may follow which: `hello`, `started`, any number of `progress`, then `result`. An `error`
//! may come instead of any of them; nothing may follow it.

use super::errors::{Fault, excerpt};
use crate::measure::Measurement;
use crate::untrusted::Untrusted;
use crate::worker::protocol::{Failure, Hello, Message, PROTOCOL_VERSION, Progress};

/// Largest `hello` of an unknown protocol version in which the version number is still looked for, in bytes.
const FOREIGN_HELLO_BYTES: usize = 64 * 1024;

/// Checks the order of a child's messages.
pub(super) struct Conversation {
    stage: Stage,
    /// Version of the queue, as in `hello`.
    version: Untrusted,
    messages_left: u64,
    /// Whether lines before the first message are skipped.
    preamble: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Silent,
    Greeted,
    Started,
    Over,
}

/// What a line means for the caller.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    /// Nothing to do; read on.
    Onward,
    /// Counts so far.
    Progress(Progress),
    /// The last message: a result or a failure.
    Over(Result<Box<Measurement>, Failure>),
}

impl Conversation {
    /// Allows at most `messages` messages.
    pub(super) fn new(messages: u64) -> Self {
        Self { stage: Stage::Silent, version: Untrusted::default(), messages_left: messages, preamble: false }
    }

    /// Sets whether the child may print other lines before its first message; they count as messages.
    pub(super) fn with_preamble(self, preamble: bool) -> Self {
        Self { preamble, ..self }
    }

    /// Checks the child's next line.
    ///
    /// # Errors
    /// [`Fault::Protocol`] if the line is not a message, or not one that may come now.
    pub(super) fn hear(&mut self, line: &[u8]) -> Result<Said, Fault> {
        let Some(left) = self.messages_left.checked_sub(1) else {
            return Err(Fault::bad_line("the child sends too many messages", line));
        };
        self.messages_left = left;
        if self.preamble && self.stage == Stage::Silent && !line.starts_with(b"{") {
            return Ok(Said::Onward);
        }
        let message = parse(line)?;
        let (stage, said) = match (self.stage, message) {
            (Stage::Silent, Message::Hello(hello)) => {
                check_version(&hello)?;
                self.version = hello.version;
                (Stage::Greeted, Said::Onward)
            }
            (Stage::Greeted, Message::Started) => (Stage::Started, Said::Onward),
            (Stage::Started, Message::Progress(progress)) => (Stage::Started, Said::Progress(progress)),
            (Stage::Started, Message::Result(measurement)) => {
                // A result of another version would enter the report under the wrong one.
                if measurement.queue_version != self.version {
                    let (said, now) = (
                        excerpt(self.version.as_given().as_bytes()),
                        excerpt(measurement.queue_version.as_given().as_bytes()),
                    );
                    let problem = format!("the result is of version `{now}`, hello was of version `{said}`");
                    return Err(Fault::protocol(problem));
                }
                (Stage::Over, Said::Over(Ok(measurement)))
            }
            // Allowed before `hello`, too: a child that cannot understand the request can only answer with an error.
            (Stage::Silent | Stage::Greeted | Stage::Started, Message::Error(failure)) => {
                (Stage::Over, Said::Over(Err(failure)))
            }
            (stage, message) => return Err(out_of_turn(stage, &message, line)),
        };
        self.stage = stage;
        Ok(said)
    }
}

/// The result of a child that wrote `output`; `None` if its last message is missing. For tests that make the output up.
///
/// # Errors
/// As [`ChildDriver`](super::ChildDriver): a breach of the protocol, or what the child says of itself.
#[cfg(feature = "internals")]
pub fn hear_all(output: &[u8], limits: super::Limits) -> Result<Option<Box<Measurement>>, Fault> {
    let mut lines = super::lines::LineSplitter::new(limits.line_bytes);
    let mut conversation = Conversation::new(limits.messages);
    lines.feed(output);
    while let Some(line) = lines.next_line().map_err(|long| Fault::bad_line("the line is too long", &long.head))? {
        if let Said::Over(last) = conversation.hear(line)? {
            return last.map(Some).map_err(Fault::from);
        }
    }
    Ok(None)
}

/// Takes the first line of a child that is only asked what it can do.
///
/// # Errors
/// The line is neither a `hello` of this protocol version nor an `error`.
pub(super) fn hear_hello(line: &[u8]) -> Result<Result<Hello, Failure>, Fault> {
    match parse(line)? {
        Message::Hello(hello) => check_version(&hello).map(|()| Ok(hello)),
        Message::Error(failure) => Ok(Err(failure)),
        message => Err(out_of_turn(Stage::Silent, &message, line)),
    }
}

fn parse(line: &[u8]) -> Result<Message, Fault> {
    serde_json::from_slice(line).map_err(|error| match foreign_version(line) {
        Some(version) => wrong_version(version),
        // The parser's message may quote any amount of the line, so it is cut.
        None => Fault::bad_line(
            format!("a line of the child is not a message ({})", excerpt(error.to_string().as_bytes())),
            line,
        ),
    })
}

/// The protocol version in a `hello` that this version cannot parse; `None` if there is none.
fn foreign_version(line: &[u8]) -> Option<u64> {
    if line.len() > FOREIGN_HELLO_BYTES {
        return None;
    }
    let value: serde_json::Value = serde_json::from_slice(line).ok()?;
    let version = value.get("hello")?.get("protocol")?.as_u64()?;
    (version != u64::from(PROTOCOL_VERSION)).then_some(version)
}

fn check_version(hello: &Hello) -> Result<(), Fault> {
    if hello.protocol == PROTOCOL_VERSION { Ok(()) } else { Err(wrong_version(hello.protocol.into())) }
}

fn wrong_version(version: u64) -> Fault {
    Fault::protocol(format!("the child speaks version {version} of the protocol, not {PROTOCOL_VERSION}"))
}

fn out_of_turn(stage: Stage, message: &Message, line: &[u8]) -> Fault {
    let what = match message {
        Message::Hello(_) => "hello",
        Message::Started => "started",
        Message::Progress(_) => "progress",
        Message::Result(_) => "result",
        Message::Error(_) => "error",
    };
    let expected = match stage {
        Stage::Silent => "hello or error comes first",
        Stage::Greeted => "started or error comes after hello",
        Stage::Started => "progress, result or error comes after started",
        Stage::Over => "nothing comes after the result",
    };
    Fault::bad_line(format!("the child says {what} where {expected}"), line)
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::worker::protocol::FailureKind;

    fn problem(lines: &[&str]) -> String {
        let mut conversation = Conversation::new(100);
        for line in &lines[..lines.len() - 1] {
            conversation.hear(line.as_bytes()).unwrap_or_else(|fault| panic!("{line}: {fault:?}"));
        }
        match conversation.hear(lines[lines.len() - 1].as_bytes()) {
            Err(Fault::Protocol { problem, .. }) => problem.as_given().to_owned(),
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn a_preamble_is_passed_over_up_to_the_first_message() {
        let hello = fixture::HELLO.trim_end().as_bytes();
        for (preamble, lines, heard) in [
            (true, &[b"".as_slice(), b"running 1 test", hello][..], true),
            (false, &[b"running 1 test".as_slice()][..], false),
            (true, &[hello, b"running 1 test"][..], false),
        ] {
            let mut conversation = Conversation::new(10).with_preamble(preamble);
            let all: Result<Vec<Said>, Fault> = lines.iter().map(|line| conversation.hear(line)).collect();
            assert_eq!(all.is_ok(), heard, "{preamble} {lines:?}");
        }
        let mut endless = Conversation::new(2).with_preamble(true);
        assert!(endless.hear(b"a").is_ok() && endless.hear(b"b").is_ok() && endless.hear(b"c").is_err());
    }

    #[test]
    fn a_whole_conversation() {
        let mut conversation = Conversation::new(100);
        let result = fixture::result_line(&fixture::measurement());
        assert_eq!(conversation.hear(fixture::HELLO.as_bytes()), Ok(Said::Onward));
        assert_eq!(conversation.hear(fixture::STARTED.as_bytes()), Ok(Said::Onward));
        let said = conversation.hear(fixture::PROGRESS.as_bytes());
        assert!(matches!(said, Ok(Said::Progress(progress)) if progress.attempted == 7), "{said:?}");
        let over = conversation.hear(result.as_bytes());
        assert_eq!(over, Ok(Said::Over(Ok(Box::new(fixture::measurement())))));
    }

    #[test]
    fn an_error_may_come_at_any_time() {
        let error = r#"{"error":{"kind":"not_built","message":"no such file"}}"#;
        let failure = Failure { kind: FailureKind::NotBuilt, message: "no such file".into() };
        for before in [&[][..], &[fixture::HELLO], &[fixture::HELLO, fixture::STARTED]] {
            let mut conversation = Conversation::new(100);
            for line in before {
                conversation.hear(line.as_bytes()).expect("in turn");
            }
            assert_eq!(conversation.hear(error.as_bytes()), Ok(Said::Over(Err(failure.clone()))));
        }
    }

    #[test]
    fn nothing_is_taken_out_of_turn() {
        let result = fixture::result_line(&fixture::measurement());
        let (hello, started, progress) = (fixture::HELLO, fixture::STARTED, fixture::PROGRESS);
        for lines in [
            &[started][..],
            &[result.as_str()],
            &[hello, r#"{"error":{"kind":"hung","message":"x"}}"#, r#"{"error":{"kind":"hung","message":"x"}}"#],
            &[r#"{"error":{"kind":"hung","message":"x"}}"#, hello],
            &[hello, hello],
            &[hello, progress],
            &[hello, &result],
            &[hello, started, started],
            &[hello, started, hello],
            &[hello, started, &result, &result],
            &[hello, started, &result, progress],
        ] {
            assert!(problem(lines).contains(" where "), "{lines:?}");
        }
    }

    #[test]
    fn rubbish_is_refused() {
        let infinite = fixture::result_line(&fixture::measurement()).replacen("1000.0", "1e999", 1);
        for line in ["", "hi", "{}", "[]", r#"{"progress":{}}"#, r#"{"hello":null}"#, "\"started\" x", "NaN"] {
            assert!(problem(&[line]).contains("not a message"), "{line}");
        }
        assert!(infinite.contains("1e999"), "{infinite}");
        assert!(problem(&[fixture::HELLO, fixture::STARTED, &infinite]).contains("not a message"));
        let long = format!("{{\"{}\":1}}", "x".repeat(100_000));
        assert!(problem(&[&long]).len() < 2_000);
    }

    #[test]
    fn another_version_is_named_even_when_its_hello_cannot_be_read() {
        for line in [
            r#"{"hello":{"protocol":2,"name":"x","version":"1"}}"#,
            r#"{"hello":{"protocol":2,"who":{"name":"x"},"capabilities":[]}}"#,
        ] {
            assert_eq!(problem(&[line]), "the child speaks version 2 of the protocol, not 1");
        }
    }

    #[test]
    fn the_number_of_messages_is_bounded() {
        let mut conversation = Conversation::new(3);
        for line in [fixture::HELLO, fixture::STARTED, fixture::PROGRESS] {
            conversation.hear(line.as_bytes()).expect("in turn");
        }
        let fault = conversation.hear(fixture::PROGRESS.as_bytes()).expect_err("one too many");
        assert!(fault.sentence().as_given().contains("too many messages"), "{fault:?}");
    }
}
