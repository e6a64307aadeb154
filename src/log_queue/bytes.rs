//! Short texts: copied without a call of `memcpy`, and searched for what a format escapes, 16 bytes at a time.
//!
//! A line has some twenty parts, most of them shorter than 16 bytes. A call for each would cost more than the bytes.

/// Bytes that are handled at once.
const BLOCK: usize = 16;

/// Appends a text.
#[inline(always)]
pub(super) fn push_bytes(out: &mut Vec<u8>, text: &[u8]) {
    push_blocks(out, text, false);
}

/// Appends a text, and says whether JSON escapes a byte of it: a control character, a quotation mark or a backslash.
#[inline(always)]
pub(super) fn push_seeking(out: &mut Vec<u8>, text: &[u8]) -> bool {
    push_blocks(out, text, true)
}

/// Appends a text in blocks. If it is to `seek`, it says whether JSON escapes a byte of it.
#[inline(always)]
fn push_blocks(out: &mut Vec<u8>, text: &[u8], seek: bool) -> bool {
    let Some(last) = text.last_chunk() else {
        push_short(out, text);
        return seek && block_has::<0x20, false>(&block_of(text));
    };
    let mut found = false;
    let (blocks, rest) = text.as_chunks();
    for block in blocks {
        out.extend_from_slice(block);
        found |= seek && block_has::<0x20, false>(block);
    }
    if !rest.is_empty() {
        // It overlaps the one before it.
        out.truncate(out.len() - (BLOCK - rest.len()));
        out.extend_from_slice(last);
        found |= seek && block_has::<0x20, false>(last);
    }
    found
}

/// Appends a text shorter than a block: its first and its last bytes, which may overlap.
#[inline(always)]
fn push_short(out: &mut Vec<u8>, text: &[u8]) {
    if let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        push_both(out, first, last, text.len());
    } else if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        push_both(out, first, last, text.len());
    } else {
        out.extend_from_slice(&few(text).to_le_bytes());
        out.truncate(out.len() - (4 - text.len()));
    }
}

/// Appends a text of this length, of which `first` and `last` are the two ends.
#[inline(always)]
fn push_both<const N: usize>(out: &mut Vec<u8>, first: &[u8; N], last: &[u8; N], length: usize) {
    out.extend_from_slice(first);
    out.truncate(out.len() - (2 * N - length));
    out.extend_from_slice(last);
}

/// Whether a line of text has the text as it is: it has no control character, quotation mark, backslash, or `=`. A
/// text that is not ASCII is not plain either: what it has must be looked at as characters.
#[inline(always)]
pub(super) fn is_plain(text: &[u8]) -> bool {
    !has::<0x20>(text)
}

/// [`is_plain`], and there is no space in it.
#[inline(always)]
pub(super) fn is_plain_word(text: &[u8]) -> bool {
    !has::<0x21>(text)
}

/// Whether the text has a byte below `BELOW`, a quotation mark, a backslash, `=`, or a byte from 0x7F on.
#[inline(always)]
fn has<const BELOW: u8>(text: &[u8]) -> bool {
    match text.last_chunk() {
        Some(last) => text.as_chunks().0.iter().any(block_has::<BELOW, true>) || block_has::<BELOW, true>(last),
        None => block_has::<BELOW, true>(&block_of(text)),
    }
}

/// A block with the bytes of a text shorter than a block, some of them twice, and otherwise digits, which no format looks
/// for.
#[inline(always)]
fn block_of(text: &[u8]) -> [u8; BLOCK] {
    const DIGITS: u64 = u64::from_le_bytes([b'0'; 8]);
    let pair = |low: u64, high: u64| u128::from(low) | u128::from(high) << 64;
    let block = if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        pair(u64::from_le_bytes(*first), u64::from_le_bytes(*last))
    } else if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        pair(u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32, DIGITS)
    } else {
        pair(u64::from(few(text)) | DIGITS << (8 * text.len()), DIGITS)
    };
    block.to_le_bytes()
}

/// A text of less than four bytes, the first of them lowest.
#[inline(always)]
fn few(text: &[u8]) -> u32 {
    text.iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte))
}

/// Whether the block has a byte below `BELOW`, a quotation mark or a backslash; and for a line of text, `=`, or a byte from
/// 0x7F on. The compiler does not find these instructions by itself.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[expect(unsafe_code, reason = "instructions of the processor have no safe form")]
fn block_has<const BELOW: u8, const TEXT: bool>(block: &[u8; BLOCK]) -> bool {
    use core::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_max_epu8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8,
    };
    let [low, high] = words(block).map(u64::cast_signed);
    // SAFETY: these instructions are SSE2, which every x86-64 processor has, and touch no memory.
    unsafe {
        let block = _mm_set_epi64x(high, low);
        let all = |byte: u8| _mm_set1_epi8(byte.cast_signed());
        let equal = |byte: u8| _mm_cmpeq_epi8(block, all(byte));
        let below = _mm_cmpeq_epi8(_mm_min_epu8(block, all(BELOW - 1)), block);
        let mut found = _mm_or_si128(below, _mm_or_si128(equal(b'"'), equal(b'\\')));
        if TEXT {
            let above = _mm_cmpeq_epi8(_mm_max_epu8(block, all(0x7F)), block);
            found = _mm_or_si128(found, _mm_or_si128(above, equal(b'=')));
        }
        _mm_movemask_epi8(found) != 0
    }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn block_has<const BELOW: u8, const TEXT: bool>(block: &[u8; BLOCK]) -> bool {
    words(block).into_iter().any(word_has::<BELOW, TEXT>)
}

#[inline(always)]
fn words(block: &[u8; BLOCK]) -> [u64; 2] {
    let word = u128::from_le_bytes(*block);
    [word as u64, (word >> 64) as u64]
}

/// [`block_has`] of eight bytes, without such instructions.
///
/// Subtracting `n` from a byte borrows if the byte is below `n`. A byte equal to `c` is 0, so below 1, after an
/// exclusive or with `c`. Bytes from 0x80 on are masked out. A borrow may make the byte after a hit look like a hit,
/// but never without one.
#[cfg(any(test, not(target_arch = "x86_64")))]
#[inline(always)]
fn word_has<const BELOW: u8, const TEXT: bool>(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let below = |word: u64, n: u8| word.wrapping_sub(ONES * u64::from(n)) & !word;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let mut found = below(word, BELOW) | equal(b'"') | equal(b'\\');
    if TEXT {
        found |= equal(b'=') | equal(0x7F) | word;
    }
    found & TOPS != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_any_length_is_copied_whole() {
        let text: Vec<u8> = (0..100).collect();
        for from in 0..5 {
            for to in from..text.len() {
                let mut out = b"before".to_vec();
                push_bytes(&mut out, &text[from..to]);
                assert_eq!(out.strip_prefix(b"before").unwrap(), &text[from..to]);
            }
        }
    }

    #[test]
    fn every_character_is_found_at_every_place_of_a_text_of_any_length() {
        let escaped = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
        let not_plain = |byte: u8| escaped(byte) || byte == b'=' || byte >= 0x7F;
        let mut out = Vec::new();
        for length in (1..20).chain([31, 32, 33, 50]) {
            for filler in [b' ', 0x7F, 0x80, 0xFF, b'#', b'!', b'[', b'>', b'<', b'~'] {
                let mut text = vec![filler; length];
                for at in 0..length {
                    for byte in 0..=u8::MAX {
                        text[at] = byte;
                        let any = |is: &dyn Fn(u8) -> bool| text.iter().any(|&byte| is(byte));
                        out.clear();
                        let told = (push_seeking(&mut out, &text), !is_plain(&text), !is_plain_word(&text));
                        let expected = (any(&escaped), any(&not_plain), any(&|b| not_plain(b) || b == b' '));
                        assert_eq!(told, expected, "{byte:#x} at {at} of {length}, in {filler:#x}");
                        assert_eq!(out, text);
                    }
                    text[at] = filler;
                }
            }
        }
        assert!(!push_seeking(&mut out, b"") && is_plain(b"") && is_plain_word(b""));
    }

    #[test]
    fn what_has_no_instructions_of_its_own_finds_the_same() {
        for filler in [b' ', 0x7F, 0x80, 0xFF, b'#', b'!', b'[', b'>', b'<', b'~'] {
            for (at, byte) in (0..8).flat_map(|at| (0..=u8::MAX).map(move |byte| (at, byte))) {
                let mut text = [filler; BLOCK];
                (text[at], text[at + 8]) = (byte, byte);
                let word = u64::from_le_bytes(*text.first_chunk().unwrap());
                let told = [word_has::<0x20, false>(word), word_has::<0x20, true>(word), word_has::<0x21, true>(word)];
                let expected =
                    [block_has::<0x20, false>(&text), block_has::<0x20, true>(&text), block_has::<0x21, true>(&text)];
                assert_eq!(told, expected, "{byte:#x} at {at}, in {filler:#x}");
            }
        }
    }
}
