//! The layout of a record in a slot: raw values in words of eight bytes, written by the caller and read by the worker.
//!
//! | word | holds |
//! |---|---|
//! | 0 | when it was logged, as a [`super::time::Ticker`] counts |
//! | 1 | level, flags, number of fields, length of the message |
//! | 2… | with [`OWN_TIME`] seconds and nanoseconds; the message; the fields |
//!
//! A field is a word with its kind and lengths, the address of its name (or, if it is not static, the name itself), and the
//! value (or the text itself). Texts are padded to whole words. With [`SPILLED`], word 2 is the address of a block that
//! holds what belongs there, and word 3 its length.

#![expect(unsafe_code, reason = "values are copied raw; each block says why it stays within its slot")]

use super::record::{Field, Fields, Level, Name, Record, Value};
use super::time::{Moment, Wall};
use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::slice;
use std::str;
use std::time::SystemTime;

/// Size of a slot, in words: four cache lines.
pub(super) const WORDS: usize = 32;
/// Size of a cache line, in words.
#[cfg(all(target_arch = "x86_64", not(miri), not(all(test, loom_models))))]
const LINE: usize = 8;
/// Words before the content.
const HEAD: usize = 2;
/// Words for the content of a record that lies in its slot.
pub(super) const ROOM: usize = WORDS - HEAD;

/// The record has a time of its own.
const OWN_TIME: u8 = 1;
/// The content lies elsewhere.
const SPILLED: u8 = 2;
/// Part of the record was left out.
const CUT: u8 = 4;

const BOOL: u8 = 0;
const I64: u8 = 1;
const U64: u8 = 2;
const F64: u8 = 3;
const STR: u8 = 4;
/// Added to the kind of a field whose name is copied.
const NAMED: u8 = 8;

/// Number of words for this many bytes.
const fn words(bytes: usize) -> usize {
    bytes.div_ceil(8)
}

/// The beginning of `text` that has at most `most` bytes.
fn shortened(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// Takes the fields of a record, one after the other.
pub trait Put {
    /// Writes a field.
    fn field(&mut self, field: &Field<'_>);
}

/// Space that a field takes, in words.
#[inline(always)]
pub(super) fn words_of(field: &Field<'_>) -> usize {
    let name = match field.name {
        Name::Static(_) => 1,
        Name::Copied(name) => words(name.len()),
    };
    let value = match field.value {
        Value::Str(text) => words(text.len()),
        _ => 1,
    };
    1 + name + value
}

/// Whether the first word of a field can say how long its name and its text are.
fn can_be_described(field: &Field<'_>) -> bool {
    let text = match field.value {
        Value::Str(text) => text.len(),
        _ => 0,
    };
    field.name.as_str().len() <= u16::MAX.into() && text <= u32::MAX as usize
}

/// Writes a field, and returns where the next one goes.
///
/// # Safety
///
/// At `at` there are as many words as [`words_of`] says, and the field [`can_be_described`].
#[inline(always)]
unsafe fn put_field(at: *mut u64, field: &Field<'_>) -> *mut u64 {
    let name = field.name.as_str();
    let (kind, text) = match field.value {
        Value::Bool(_) => (BOOL, 0),
        Value::I64(_) => (I64, 0),
        Value::U64(_) => (U64, 0),
        Value::F64(_) => (F64, 0),
        Value::Str(text) => (STR, text.len() as u64),
    };
    let named = if matches!(field.name, Name::Copied(_)) { NAMED } else { 0 };
    // SAFETY: these are the words that `words_of` counts.
    unsafe {
        let at = put(at, u64::from(kind | named) | (name.len() as u64) << 16 | text << 32);
        let at = match field.name {
            Name::Static(name) => put(at, name.as_ptr()),
            Name::Copied(name) => put_text(at, name),
        };
        match field.value {
            Value::Bool(value) => put(at, u64::from(value)),
            Value::I64(value) => put(at, value),
            Value::U64(value) => put(at, value),
            Value::F64(value) => put(at, value),
            Value::Str(text) => put_text(at, text),
        }
    }
}

/// Writes a value, and returns where the next one goes.
///
/// # Safety
///
/// At `at` there is space for `T`, which is not larger than a word.
#[inline(always)]
unsafe fn put<T>(at: *mut u64, value: T) -> *mut u64 {
    // SAFETY: the caller's promise. `at` is aligned for a word.
    unsafe {
        at.cast::<T>().write(value);
        at.add(1)
    }
}

/// Writes a text, and returns where the next value goes.
///
/// # Safety
///
/// At `at` there is space for the text.
#[inline(always)]
unsafe fn put_text(at: *mut u64, text: &str) -> *mut u64 {
    // SAFETY: the caller's promise; what is borrowed does not overlap with a slot that is being written.
    unsafe {
        at.cast::<u8>().copy_from_nonoverlapping(text.as_ptr(), text.len());
        at.add(words(text.len()))
    }
}

/// Writes the fields of a record that fits into its slot. It checks nothing, so that a call has little code: code that is
/// not in the cache costs more than what it does.
struct Whole {
    at: *mut u64,
    count: u64,
}

impl Put for Whole {
    #[inline(always)]
    fn field(&mut self, field: &Field<'_>) {
        self.count += 1;
        // SAFETY: whoever made this promised that there is space. What lies in a slot is short.
        self.at = unsafe { put_field(self.at, field) };
    }
}

/// Writes the content of a record into a limited number of words. Leaves a field out, or shortens its text, if there is no
/// space for it.
struct Limited {
    at: *mut u64,
    left: usize,
    count: u16,
    cut: bool,
}

impl Limited {
    /// # Safety
    ///
    /// There is space for the value.
    unsafe fn word(&mut self, value: u64) {
        // SAFETY: the caller's promise.
        self.at = unsafe { put(self.at, value) };
        self.left -= 1;
    }

    /// Writes a field that does not fit: a text is shortened, anything else is left out.
    #[cold]
    fn cut(&mut self, field: &Field<'_>) {
        self.cut = true;
        let rest = Field { value: Value::Str(""), ..*field };
        let fits = words_of(&rest) < self.left && can_be_described(&rest);
        if let (Value::Str(text), true) = (field.value, fits && self.count < u16::MAX) {
            let most = ((self.left - words_of(&rest)) * 8).min(u32::MAX as usize);
            self.field(&Field { value: Value::Str(shortened(text, most)), ..*field });
        }
    }
}

impl Put for Limited {
    fn field(&mut self, field: &Field<'_>) {
        let needed = words_of(field);
        if needed > self.left || !can_be_described(field) || self.count == u16::MAX {
            return self.cut(field);
        }
        self.count += 1;
        self.left -= needed;
        // SAFETY: that many words were left.
        self.at = unsafe { put_field(self.at, field) };
    }
}

impl<F: Fields> Record<'_, F> {
    /// Space that its content takes, in words.
    #[inline(always)]
    pub(super) fn words(&self, has_time: bool) -> usize {
        let time = if has_time { 2 } else { 0 };
        time + words(self.message.len()) + self.fields.words()
    }

    /// Whether it fits into a slot, and gets the time of its call.
    #[inline(always)]
    pub(super) fn is_plain(&self) -> bool {
        self.time.is_none() && self.words(false) <= ROOM
    }

    /// Writes a record that [is plain](Self::is_plain) into the slot.
    ///
    /// # Safety
    ///
    /// `slot` has [`WORDS`] words, and nobody else reads or writes them meanwhile.
    #[inline(always)]
    pub(super) unsafe fn write_whole(&self, slot: *mut u64, ticks: u64) {
        // SAFETY: the caller's promise.
        unsafe {
            let mut writer = Whole { at: put_text(slot.add(HEAD), self.message), count: 0 };
            self.fields.write(&mut writer);
            slot.write(ticks);
            slot.add(1).write(self.level as u64 | writer.count << 16 | (self.message.len() as u64) << 32);
        }
    }

    /// Writes the record into the slot; what does not fit is left out.
    ///
    /// # Safety
    ///
    /// `slot` has [`WORDS`] words, and nobody else reads or writes them meanwhile.
    pub(super) unsafe fn write(&self, slot: *mut u64, ticks: u64, time: Option<SystemTime>) -> bool {
        // SAFETY: the caller's promise.
        unsafe {
            let (head, cut) = self.write_content(slot.add(HEAD), ROOM, time);
            slot.write(ticks);
            slot.add(1).write(head);
            cut
        }
    }

    /// Writes the record, whose content takes `words`, with the content in a block of its own. The slot owns the block
    /// until [`release`].
    ///
    /// # Safety
    ///
    /// As of [`Self::write`].
    pub(super) unsafe fn write_spilled(
        &self,
        slot: *mut u64,
        ticks: u64,
        time: Option<SystemTime>,
        words: usize,
    ) -> bool {
        let mut block = vec![0; words].into_boxed_slice();
        // SAFETY: the block has that many words; the rest is the caller's promise.
        unsafe {
            let (head, cut) = self.write_content(block.as_mut_ptr(), words, time);
            slot.write(ticks);
            slot.add(1).write(head | u64::from(SPILLED) << 8);
            slot.add(2).cast::<*mut u64>().write(Box::into_raw(block).cast());
            slot.add(3).write(words as u64);
            cut
        }
    }

    /// Writes the content. Returns the word that describes it, and whether anything was left out.
    ///
    /// # Safety
    ///
    /// `at` has `left` words, and nobody else reads or writes them meanwhile.
    unsafe fn write_content(&self, at: *mut u64, left: usize, time: Option<SystemTime>) -> (u64, bool) {
        let mut writer = Limited { at, left, count: 0, cut: false };
        let mut flags = 0;
        // SAFETY: each text and word is written only if there is space for it.
        let message = unsafe {
            if let Some(time) = time.filter(|_| left >= 2) {
                let moment = Moment::from(time);
                flags |= OWN_TIME;
                writer.word(moment.seconds as u64);
                writer.word(moment.nanoseconds.into());
            }
            let mut message = self.message;
            if words(message.len()) > writer.left || message.len() > u32::MAX as usize {
                // The message gets half of the space, so that some is left for the fields.
                message = shortened(message, (writer.left * 4).min(u32::MAX as usize));
                writer.cut = true;
            }
            writer.at = put_text(writer.at, message);
            writer.left -= words(message.len());
            message.len() as u64
        };
        self.fields.write(&mut writer);
        if writer.cut {
            flags |= CUT;
        }
        let head = self.level as u64 | u64::from(flags) << 8 | u64::from(writer.count) << 16 | message << 32;
        (head, writer.cut)
    }

    /// Passes the record to `look` as a sink would see it, with the current time if it has none. Use it to test sinks,
    /// or to write a record that was refused.
    pub fn read<R>(&self, look: impl FnOnce(&RecordRef<'_>) -> R) -> R {
        let wall = Wall::fixed(SystemTime::now());
        let mut slot = [0; WORDS];
        // SAFETY: the slot is ours, and is released after the last look at it.
        unsafe {
            self.write_spilled(slot.as_mut_ptr(), 0, self.time, self.words(self.time.is_some()));
            let _guard = Release(slot.as_mut_ptr());
            look(&RecordRef::new(slot.as_ptr(), &wall))
        }
    }
}

/// Releases a slot even if the look at it panics.
struct Release(*mut u64);

impl Drop for Release {
    fn drop(&mut self) {
        // SAFETY: made for a slot that was written and is not released elsewhere.
        unsafe { release(self.0) };
    }
}

/// Asks the processor for the cache lines of a slot, to be written soon. Without that, a caller waits for each line that
/// the worker has read; where the CPUs are far from each other, that takes longer than all the rest of a call.
#[inline(always)]
pub(super) fn fetch(slot: *mut u64) {
    #[cfg(all(target_arch = "x86_64", not(miri), not(all(test, loom_models))))]
    for line in 0..WORDS / LINE {
        // `_mm_prefetch` fetches for writing only where the compiler may assume PREFETCHW; otherwise for reading, which
        // does not help. A processor with an invariant TSC that lacks the instruction skips it.
        // SAFETY: a hint: it changes nothing, and does not fault whatever the address.
        unsafe {
            core::arch::asm!(
                "prefetchw byte ptr [{}]",
                in(reg) slot.wrapping_add(line * LINE).addr(),
                options(nomem, nostack, preserves_flags)
            );
        }
    }
    let _ = slot;
}

/// When the record in the slot was logged.
///
/// # Safety
///
/// The slot holds a record.
#[inline]
pub(super) unsafe fn ticks_of(slot: *const u64) -> u64 {
    // SAFETY: the caller's promise.
    unsafe { slot.read() }
}

/// Frees the memory that the record has outside of its slot, and returns its size in bytes.
///
/// # Safety
///
/// The slot holds a record that nobody looks at any more, and is not released twice.
#[inline]
pub(super) unsafe fn release(slot: *mut u64) -> usize {
    // SAFETY: the caller's promise; `write_spilled` has put a boxed slice of that length there.
    unsafe {
        if (slot.add(1).read() >> 8) as u8 & SPILLED == 0 {
            return 0;
        }
        let length = slot.add(3).read() as usize;
        let block = slot.add(2).cast::<*mut u64>().read();
        drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(block, length)));
        length * 8
    }
}

/// A record as a sink sees it: a view into the queue's memory.
#[derive(Clone, Copy)]
pub struct RecordRef<'a> {
    moment: Moment,
    level: Level,
    cut: bool,
    message: &'a str,
    fields: RecordFields<'a>,
}

impl<'a> RecordRef<'a> {
    /// # Safety
    ///
    /// The slot holds a record, and is neither changed nor released for `'a`.
    #[inline]
    pub(super) unsafe fn new(slot: *const u64, wall: &Wall) -> Self {
        // SAFETY: the caller's promise; what is read is what `write_content` wrote, in its order.
        unsafe {
            let head = slot.add(1).read();
            let flags = (head >> 8) as u8;
            let mut at = match flags & SPILLED == 0 {
                true => slot.add(HEAD),
                false => slot.add(2).cast::<*const u64>().read(),
            };
            let moment = match flags & OWN_TIME == 0 {
                true => wall.at(slot.read()),
                false => {
                    let moment = Moment { seconds: at.cast::<i64>().read(), nanoseconds: at.add(1).read() as u32 };
                    at = at.add(2);
                    moment
                }
            };
            let length = (head >> 32) as usize;
            let message = text(at.cast(), length);
            Self {
                moment,
                level: Level::ALL[head as u8 as usize],
                cut: flags & CUT != 0,
                message,
                fields: RecordFields { at: at.add(words(length)), left: (head >> 16) as u16, life: PhantomData },
            }
        }
    }

    /// When it was logged.
    #[must_use]
    pub fn timestamp(&self) -> SystemTime {
        self.moment.into()
    }

    pub(super) fn moment(&self) -> Moment {
        self.moment
    }

    /// Its level.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// Its message.
    #[must_use]
    pub fn message(&self) -> &'a str {
        self.message
    }

    /// Whether part of it was left out, because it was too large ([`super::Config::text_budget`]).
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// Its fields, in the order in which they were added.
    #[must_use]
    pub fn fields(&self) -> RecordFields<'a> {
        self.fields
    }

    /// The first field of that name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Value<'a>> {
        self.fields().find(|&(own, _)| own == name).map(|(_, value)| value)
    }
}

impl fmt::Debug for RecordRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordRef")
            .field("timestamp", &self.timestamp())
            .field("level", &self.level)
            .field("message", &self.message)
            .field("fields", &self.fields.collect::<Vec<_>>())
            .finish()
    }
}

/// The fields of a [`RecordRef`]: names and values.
#[derive(Clone, Copy, Debug)]
pub struct RecordFields<'a> {
    at: *const u64,
    left: u16,
    life: PhantomData<&'a u64>,
}

impl<'a> RecordFields<'a> {
    /// The next field. Whether its name is static is known only here.
    #[inline]
    pub(super) fn next_field(&mut self) -> Option<Field<'a>> {
        self.left = self.left.checked_sub(1)?;
        // SAFETY: that many fields were written, in this form, and whoever made this view promised that they stay. A name
        // whose address was written lives as long as the program.
        unsafe {
            let head = self.at.read();
            let length = (head >> 16) as u16 as usize;
            let (name, at) = match head as u8 & NAMED == 0 {
                true => (Name::Static(text(self.at.add(1).cast::<*const u8>().read(), length)), self.at.add(2)),
                false => (Name::Copied(text(self.at.add(1).cast(), length)), self.at.add(1 + words(length))),
            };
            let (value, at) = match head as u8 & !NAMED {
                BOOL => (Value::Bool(at.read() != 0), at.add(1)),
                I64 => (Value::I64(at.cast::<i64>().read()), at.add(1)),
                U64 => (Value::U64(at.read()), at.add(1)),
                F64 => (Value::F64(at.cast::<f64>().read()), at.add(1)),
                _ => {
                    let length = (head >> 32) as usize;
                    (Value::Str(text(at.cast(), length)), at.add(words(length)))
                }
            };
            self.at = at;
            Some(Field { name, value })
        }
    }
}

/// A text that lies at `at`.
///
/// # Safety
///
/// It is valid UTF-8, and stays for `'a`.
#[inline(always)]
unsafe fn text<'a>(at: *const u8, length: usize) -> &'a str {
    // SAFETY: the caller's promise.
    unsafe { str::from_utf8_unchecked(slice::from_raw_parts(at, length)) }
}

impl<'a> Iterator for RecordFields<'a> {
    type Item = (&'a str, Value<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let Field { name, value } = self.next_field()?;
        match name {
            Name::Static(name) => Some((name, value)),
            Name::Copied(name) => Some((name, value)),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left.into(), Some(self.left.into()))
    }
}

impl ExactSizeIterator for RecordFields<'_> {}
impl FusedIterator for RecordFields<'_> {}

#[cfg(all(test, not(miri), target_pointer_width = "64"))]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_more_than_four_gigabytes_has_no_description() {
        // Memory that nothing touches: only lengths are looked at.
        let zeros = vec![0_u8; (1 << 32) + 1];
        for (length, expected) in [(0, true), ((1 << 32) - 1, true), (1 << 32, false), ((1 << 32) + 1, false)] {
            // SAFETY: zeros are ASCII.
            let text = unsafe { str::from_utf8_unchecked(&zeros[..length]) };
            assert_eq!(can_be_described(&Field::new("text", text)), expected, "{length}");
        }
        let name = "n".repeat(usize::from(u16::MAX) + 1);
        assert!(!can_be_described(&Field::named(&name, 1)) && can_be_described(&Field::named(&name[1..], 1)));
    }
}
