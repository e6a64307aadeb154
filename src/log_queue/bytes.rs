//! Short texts: copied without a call of `memcpy`, and searched for what a format does not write as it is, 16 bytes at a
//! time.
//!
//! A line has some twenty parts, most of them shorter than 16 bytes. A call for each would cost more than the bytes.

/// Appends a text.
#[inline(always)]
pub(super) fn push_bytes(out: &mut Vec<u8>, text: &[u8]) {
    let (blocks, rest) = text.as_chunks::<16>();
    for block in blocks {
        out.extend_from_slice(block);
    }
    // The last block may overlap the one before it.
    if !rest.is_empty() && !push_last::<16>(out, text, rest.len()) {
        push_short(out, rest);
    }
}

/// Appends a text of less than 16 bytes.
#[inline(always)]
fn push_short(out: &mut Vec<u8>, text: &[u8]) {
    if let Some(first) = text.first_chunk::<8>() {
        out.extend_from_slice(first);
        push_last::<8>(out, text, text.len() - 8);
    } else if let Some(first) = text.first_chunk::<4>() {
        out.extend_from_slice(first);
        push_last::<4>(out, text, text.len() - 4);
    } else {
        text.iter().for_each(|&byte| out.push(byte));
    }
}

/// Appends the last `rest` bytes of a text, of which everything before them has been appended, by a copy of its last `N`
/// bytes; false if it is shorter.
#[inline(always)]
fn push_last<const N: usize>(out: &mut Vec<u8>, text: &[u8], rest: usize) -> bool {
    let Some(last) = text.last_chunk::<N>() else { return false };
    out.truncate(out.len() - (N - rest));
    out.extend_from_slice(last);
    true
}

/// Whether JSON escapes a byte of the text: a control character, a quotation mark or a backslash.
#[inline(always)]
pub(super) fn has_special(text: &[u8]) -> bool {
    has::<0x20, false>(text)
}

/// Whether a line of text has the text as it is: it has no control character, quotation mark, backslash, or `=`. A
/// text that is not ASCII is not plain either: what it has must be looked at as characters.
#[inline(always)]
pub(super) fn is_plain(text: &[u8]) -> bool {
    !has::<0x20, true>(text)
}

/// [`is_plain`], and there is no space in it.
#[inline(always)]
pub(super) fn is_plain_word(text: &[u8]) -> bool {
    !has::<0x21, true>(text)
}

/// Whether the text has a byte below `BELOW`, a quotation mark or a backslash; and for a line of text, `=`, or a byte from 0x7F
/// on.
#[inline(always)]
fn has<const BELOW: u8, const TEXT: bool>(text: &[u8]) -> bool {
    let (blocks, rest) = text.as_chunks::<16>();
    if blocks.is_empty() {
        return has_short::<BELOW, TEXT>(text);
    }
    // The compiler does this with one instruction for all 16.
    let mut found = [0_u8; 16];
    for block in blocks.iter().chain(text.last_chunk::<16>().filter(|_| !rest.is_empty())) {
        for (found, &byte) in found.iter_mut().zip(block) {
            *found |= u8::from(byte < BELOW) | u8::from(byte == b'"') | u8::from(byte == b'\\');
            if TEXT {
                *found |= u8::from(byte >= 0x7F) | u8::from(byte == b'=');
            }
        }
    }
    u128::from_ne_bytes(found) != 0
}

/// [`has`] of less than 16 bytes.
#[inline(always)]
fn has_short<const BELOW: u8, const TEXT: bool>(text: &[u8]) -> bool {
    let halves =
        match (text.first_chunk::<8>(), text.last_chunk::<8>(), text.first_chunk::<4>(), text.last_chunk::<4>()) {
            (Some(first), Some(last), ..) => [u64::from_le_bytes(*first), u64::from_le_bytes(*last)],
            (.., Some(first), Some(last)) => {
                let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
                [u64::from(first) | u64::from(last) << 32, FILLER]
            }
            _ => [text.iter().fold(FILLER, |word, &byte| word << 8 | u64::from(byte)), FILLER],
        };
    halves.into_iter().any(word_has::<BELOW, TEXT>)
}

/// Eight digits, which no format looks for.
const FILLER: u64 = 0x3030_3030_3030_3030;

/// [`has`] of eight bytes.
///
/// Subtracting `n` from a byte borrows if the byte is below `n`. A byte equal to `c` is 0, so below 1, after an
/// exclusive or with `c`. Bytes from 0x80 on are masked out. A borrow may make the byte after a hit look like a hit,
/// but never without one.
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
        for length in (1..20).chain([31, 32, 33, 50]) {
            for filler in [b' ', 0x7F, 0x80, 0xFF, b'#', b'!', b'[', b'>', b'<', b'~'] {
                let mut text = vec![filler; length];
                for at in 0..length {
                    for byte in 0..=u8::MAX {
                        text[at] = byte;
                        let any = |is: &dyn Fn(u8) -> bool| text.iter().any(|&byte| is(byte));
                        let told = (has_special(&text), !is_plain(&text), !is_plain_word(&text));
                        let expected = (any(&escaped), any(&not_plain), any(&|b| not_plain(b) || b == b' '));
                        assert_eq!(told, expected, "{byte:#x} at {at} of {length}, in {filler:#x}");
                    }
                    text[at] = filler;
                }
            }
        }
        assert!(!has_special(b"") && is_plain(b"") && is_plain_word(b""));
    }
}
