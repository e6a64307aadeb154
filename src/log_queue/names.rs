//! The names of fields as JSON has them: a static name is made once, if there is a place for it, and copied from then on.

use super::json::push_text;
use super::record::Name;
use std::cell::RefCell;
use std::ptr;

/// Places for names.
const PLACES: usize = 128;

/// Places in a row in which a name may be kept. When all have another name, it is made anew each time: that costs less than to
/// take turns in one place.
const LOOKS: usize = 8;

/// Length of a kept text; a longer one is made anew each time.
const ROOM: usize = 32;

/// Names of the fields that this thread wrote first.
pub(super) struct Names([Kept; PLACES]);

/// A name, and its text: `,"name":`.
#[derive(Clone, Copy)]
struct Kept {
    name: Option<&'static str>,
    text: [u8; ROOM],
    length: usize,
}

impl Kept {
    const NONE: Self = Self { name: None, text: [0; ROOM], length: 0 };

    /// Whether it is this name. A static text never changes, so its address and length stand for it.
    #[inline]
    fn is(&self, name: &'static str) -> bool {
        self.name.is_some_and(|kept| ptr::eq(kept, name))
    }
}

thread_local! {
    static NAMES: RefCell<Names> = const { RefCell::new(Names::NONE) };
}

impl Names {
    const NONE: Self = Self([Kept::NONE; PLACES]);

    /// Lends those of this thread. `write` must run no code of a user, which could write another line meanwhile.
    #[inline]
    pub(super) fn with<R>(write: impl FnOnce(&mut Self) -> R) -> R {
        NAMES.with_borrow_mut(write)
    }

    /// Appends a comma, the name in quotation marks, and a colon.
    #[inline]
    pub(super) fn push(&mut self, out: &mut Vec<u8>, name: Name<'_>) {
        let Name::Static(name) = name else { return push_name(out, name.as_str()) };
        let Some(kept) = self.find(name) else { return self.make(out, name) };
        // All of it, since that needs no call; what is too much is cut off.
        out.extend_from_slice(&kept.text);
        out.truncate(out.len() - (ROOM - kept.length));
    }

    /// The name, if it is kept.
    #[inline]
    fn find(&self, name: &'static str) -> Option<&Kept> {
        places(name).map(|place| &self.0[place]).find(|kept| kept.is(name))
    }

    /// Appends a name that is not kept, and keeps it if there is a place for it.
    #[cold]
    fn make(&mut self, out: &mut Vec<u8>, name: &'static str) {
        let from = out.len();
        push_name(out, name);
        let made = &out[from..];
        let Some(place) = places(name).find(|&place| self.0[place].name.is_none()) else { return };
        if made.len() <= ROOM {
            let kept = &mut self.0[place];
            kept.text[..made.len()].copy_from_slice(made);
            (kept.name, kept.length) = (Some(name), made.len());
        }
    }
}

/// Where a name can be kept: open addressing (Knuth, The Art of Computer Programming, vol. 3, 6.4), linear, from the place that
/// Fibonacci hashing gives, as names lie close together in memory.
#[inline]
fn places(name: &'static str) -> impl Iterator<Item = usize> {
    let hash = (name.as_ptr().addr() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let first = (hash >> 32) as usize;
    (first..first + LOOKS).map(|place| place % PLACES)
}

#[cold]
fn push_name(out: &mut Vec<u8>, name: &str) {
    out.push(b',');
    push_text(out, name);
    out.push(b':');
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All names after each other.
    fn pushed(names: &[Name<'_>]) -> String {
        let mut out = Vec::new();
        Names::with(|kept| names.iter().for_each(|name| kept.push(&mut out, *name)));
        String::from_utf8(out).expect("JSON is UTF-8")
    }

    #[test]
    fn a_name_is_the_same_whether_it_is_kept_or_made() {
        let all: &'static str = match () {
            () if cfg!(miri) => "0\"\n",
            () => "0123456789 0123456789 0123456789 0123456789\"\n",
        };
        // Far more names than places, and many that begin at the same address.
        for round in 0..3 {
            for from in 0..all.len() {
                for to in from..=all.len() {
                    let name = &all[from..to];
                    let expected = format!(",{}:", serde_json::to_string(name).expect("a text"));
                    let told = pushed(&[Name::Static(name), Name::Static(name), Name::Copied(name)]);
                    assert_eq!(told, expected.repeat(3), "round {round}");
                }
            }
        }
    }

    /// Where a program's names lie differs from build to build, and from process to process.
    #[test]
    fn sixteen_names_are_kept_wherever_they_lie() {
        static TEXT: [u8; 2048] = [b'x'; 2048];
        let text = str::from_utf8(&TEXT).expect("ASCII");
        for from in 0..if cfg!(miri) { 3 } else { 1000 } {
            for step in [1, 5, 8, 13, 24, 61] {
                let names = (0..16).map(|index| &text[from + index * step..][..7]);
                let mut kept = Names::NONE;
                names.clone().for_each(|name| kept.push(&mut Vec::new(), Name::Static(name)));
                let lost: Vec<_> = names.filter(|name| kept.find(name).is_none()).collect();
                assert!(lost.is_empty(), "{} names {step} bytes apart, from {from} on", lost.len());
            }
        }
    }
}
