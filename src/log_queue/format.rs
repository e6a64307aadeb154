//! Numbers and times as text.

use super::bytes::push_bytes;
use super::time::Moment;
use std::cell::Cell;

/// Appends an integer.
#[inline]
pub(super) fn push_integer(out: &mut Vec<u8>, value: impl itoa::Integer) {
    push_bytes(out, itoa::Buffer::new().format(value).as_bytes());
}

/// Appends a finite number: the shortest text that reads back as the same number.
#[inline]
pub(super) fn push_float(out: &mut Vec<u8>, value: f64) {
    let thousandths = value * 1_000.0;
    // Most measured values have at most three decimals. The division is rounded correctly, so this decimal reads back
    // as `value`. No two decimals with at most 15 digits read back as the same number, so there is no shorter one.
    if thousandths.abs() < 1e14 && thousandths as i64 as f64 / 1_000.0 == value && value.is_sign_positive() {
        return push_thousandths(out, thousandths as u64);
    }
    push_bytes(out, zmij::Buffer::new().format_finite(value).as_bytes());
}

fn push_thousandths(out: &mut Vec<u8>, thousandths: u64) {
    push_integer(out, thousandths / 1_000);
    let part = (thousandths % 1_000) as u32;
    let mut text = [b'.', b'0' + (part / 100) as u8, b'0', b'0'];
    digits(&mut text[2..], part % 100);
    let zeros = if part.is_multiple_of(100) { 2 } else { usize::from(part.is_multiple_of(10)) };
    out.extend_from_slice(&text);
    out.truncate(out.len() - zeros);
}

const DAY: i64 = 86_400;
/// The first second of the years that RFC 3339 can write. Years below 0 have a sign, as in jiff.
const FIRST: i64 = -377_705_116_800;
const LAST: i64 = 253_402_300_799;
/// The beginning of the year 0.
const YEAR_0: i64 = -62_167_219_200;

/// Appends the time in RFC 3339, in UTC, without trailing zeros; false if RFC 3339 cannot write its year.
pub(super) fn push_time(out: &mut Vec<u8>, moment: Moment) -> bool {
    if !push_second(out, moment.seconds) {
        return false;
    }
    if moment.nanoseconds > 0 {
        let mut buffer = itoa::Buffer::new();
        let digits = nine_digits(&mut buffer, moment.nanoseconds);
        let last = digits.iter().rposition(|&digit| digit != b'0').unwrap_or(0);
        out.push(b'.');
        push_bytes(out, &digits[..=last]);
    }
    out.push(b'Z');
    true
}

/// [`push_time`] with all nine decimals, so that lines are aligned.
pub(super) fn push_time_aligned(out: &mut Vec<u8>, moment: Moment) -> bool {
    if !push_second(out, moment.seconds) {
        return false;
    }
    out.push(b'.');
    push_bytes(out, nine_digits(&mut itoa::Buffer::new(), moment.nanoseconds));
    out.push(b'Z');
    true
}

/// The nine decimals of a number of nanoseconds below a second.
#[inline]
fn nine_digits(buffer: &mut itoa::Buffer, nanoseconds: u32) -> &[u8] {
    // The 1 in front keeps the zeros after it.
    &buffer.format(1_000_000_000 + nanoseconds).as_bytes()[1..]
}

/// Appends date and time of day, as long as RFC 3339 can write the year.
fn push_second(out: &mut Vec<u8>, seconds: i64) -> bool {
    if !(FIRST..=LAST).contains(&seconds) {
        return false;
    }
    thread_local! {
        /// The last second that was written, and its text: many records share a second.
        static SECOND: Cell<(i64, [u8; 19])> = const { Cell::new((i64::MIN, [0; 19])) };
    }
    let (last, mut text) = SECOND.get();
    if last != seconds {
        text = whole_second(seconds);
        SECOND.set((seconds, text));
    }
    if seconds < YEAR_0 {
        out.extend_from_slice(b"-00");
    }
    out.extend_from_slice(&text);
    true
}

/// Date and time of day, without the sign of the year.
#[cold]
fn whole_second(seconds: i64) -> [u8; 19] {
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    let second = seconds.rem_euclid(DAY) as u32;
    let year = year.unsigned_abs() as u32;
    let mut text = *b"0000-00-00T00:00:00";
    digits(&mut text[0..2], year / 100);
    digits(&mut text[2..4], year % 100);
    digits(&mut text[5..7], month);
    digits(&mut text[8..10], day);
    digits(&mut text[11..13], second / 3_600);
    digits(&mut text[14..16], second / 60 % 60);
    digits(&mut text[17..19], second % 60);
    text
}

/// Writes a number below 100.
#[inline]
fn digits(two: &mut [u8], number: u32) {
    two[0] = b'0' + (number / 10) as u8;
    two[1] = b'0' + (number % 10) as u8;
}

/// Year, month and day of a day that is counted from 1970-01-01, in the Gregorian calendar.
///
/// Days are counted from 0000-03-01, so that a leap day ends its year; 400 years always have 146,097 days. From there
/// year and day of the year follow, and the month from the lengths of the months from March on, which repeat every five
/// months: 153 days.
fn civil(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (year + era * 400 + next, month as u32, day as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use proptest::prelude::*;

    fn text(seconds: i64, nanoseconds: u32) -> Option<String> {
        let mut out = Vec::new();
        push_time(&mut out, Moment { seconds, nanoseconds }).then(|| String::from_utf8(out).expect("ASCII"))
    }

    fn theirs(seconds: i64, nanoseconds: u32) -> String {
        let whole = Timestamp::from_second(seconds).expect("within the calendar");
        let part = jiff::SignedDuration::from_nanos(nanoseconds.into());
        whole.checked_add(part).expect("within the calendar").to_string()
    }

    #[test]
    fn the_ends_of_the_calendar_are_known() {
        assert_eq!(text(0, 0).as_deref(), Some("1970-01-01T00:00:00Z"));
        assert_eq!(text(LAST, 999_999_999).as_deref(), Some("9999-12-31T23:59:59.999999999Z"));
        assert_eq!(text(LAST + 1, 0), None);
        assert_eq!(text(FIRST - 1, 0), None);
        assert_eq!(text(i64::MIN, 0), None);
    }

    #[test]
    fn zero_keeps_its_sign_and_its_point() {
        for (float, expected) in
            [(0.0, "0.0"), (-0.0, "-0.0"), (5.0, "5.0"), (0.001, "0.001"), (12.5, "12.5"), (1e14, "100000000000000.0")]
        {
            let mut out = Vec::new();
            push_float(&mut out, float);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }

    proptest! {
        #[test]
        fn a_time_is_what_jiff_writes(
            seconds in prop_oneof![FIRST + DAY * 2..LAST - DAY * 2, 0..4_000_000_000_i64],
            nanoseconds in prop_oneof![0..1_000_000_000_u32, (0..1_000_u32).prop_map(|n| n * 1_000_000)],
        ) {
            let theirs = theirs(seconds, nanoseconds);
            let mut aligned = Vec::new();
            let is_written = push_time_aligned(&mut aligned, Moment { seconds, nanoseconds });
            prop_assert!(is_written);
            let whole = theirs.split(['.', 'Z']).next().expect("a time").to_owned();
            prop_assert_eq!(String::from_utf8_lossy(&aligned), format!("{whole}.{nanoseconds:09}Z"));
            prop_assert_eq!(text(seconds, nanoseconds), Some(theirs));
        }

        #[test]
        fn numbers_are_what_serde_json_writes(integer in any::<i64>(), float in any::<f64>()) {
            let mut out = Vec::new();
            push_integer(&mut out, integer);
            prop_assert_eq!(&out, &integer.to_string().into_bytes());
            for float in [float, integer as f64 / 4e12, f64::from(integer as i32) / 1_000.0, f64::from(integer as i16)] {
                if float.is_finite() {
                    out.clear();
                    push_float(&mut out, float);
                    prop_assert_eq!(&out, &serde_json::to_vec(&float).expect("a number"), "{}", float);
                }
            }
        }

        #[test]
        fn short_decimals_are_written_as_they_are(whole in 0..100_000_000_000_u64, part in 0..1_000_u32) {
            let float = whole as f64 + f64::from(part) / 1_000.0;
            let mut out = Vec::new();
            push_float(&mut out, float);
            prop_assert_eq!(out, serde_json::to_vec(&float).expect("a number"));
        }
    }
}
