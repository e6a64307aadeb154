//! The names of fields as JSON has them: each static name is made once, and copied from then on.

use super::json::push_text;
use super::record::Name;
use std::cell::RefCell;
use std::ptr;

/// Names that are kept. Two names that fall on the same place take turns in it.
const PLACES: usize = 64;

/// Length of a kept text; a longer one is made anew each time.
const ROOM: usize = 32;

/// Names of the fields that this thread wrote last.
pub(super) struct Names([Kept; PLACES]);

/// A name, and its text: `,"name":`.
#[derive(Clone, Copy)]
struct Kept {
    name: &'static str,
    text: [u8; ROOM],
    /// 0: the text is too long to be kept.
    length: usize,
}

impl Kept {
    /// Nothing is kept here. A name that lies where this empty one does is made anew each time.
    const NONE: Self = Self { name: "", text: [0; ROOM], length: 0 };
}

thread_local! {
    static NAMES: RefCell<Names> = const { RefCell::new(Names([Kept::NONE; PLACES])) };
}

impl Names {
    /// Lends those of this thread. `write` must run no code of a user, which could write another line meanwhile.
    #[inline]
    pub(super) fn with<R>(write: impl FnOnce(&mut Self) -> R) -> R {
        NAMES.with_borrow_mut(write)
    }

    /// Appends a comma, the name in quotation marks, and a colon.
    #[inline]
    pub(super) fn push(&mut self, out: &mut Vec<u8>, name: Name<'_>) {
        let Name::Static(name) = name else { return push_name(out, name.as_str()) };
        let kept = &mut self.0[place(name)];
        // A static text never changes, so its address and length stand for it.
        if !ptr::eq(kept.name, name) {
            *kept = keep(name);
        }
        if kept.length == 0 {
            return push_name(out, name);
        }
        // All of it, since that needs no call; what is too much is cut off.
        out.extend_from_slice(&kept.text);
        out.truncate(out.len() - (ROOM - kept.length));
    }
}

/// Where a name is kept.
#[inline]
fn place(name: &'static str) -> usize {
    // Fibonacci hashing (Knuth, The Art of Computer Programming, vol. 3, 6.4): names lie close together in memory.
    let hash = (name.as_ptr().addr() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (hash >> 32) as usize % PLACES
}

#[cold]
fn keep(name: &'static str) -> Kept {
    let mut made = Vec::new();
    push_name(&mut made, name);
    let mut kept = Kept { name, ..Kept::NONE };
    if made.len() <= ROOM {
        kept.text[..made.len()].copy_from_slice(&made);
        kept.length = made.len();
    }
    kept
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
        // Names that begin at the same address and share a place; and one after the other, so that each drives out others.
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
}
