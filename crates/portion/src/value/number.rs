//! Numbers, exact on their digits.

use std::cmp::Ordering;
use std::fmt;

/// The most digits that a hexadecimal, octal or binary number may have to be compared with a decimal one: conversion takes
/// the square of them. Longer ones equal only themselves.
const MAX_RADIX_DIGITS: usize = 1024;

/// A number as it was written: `1`, `1.0`, `1e3`, `0x10`, `9007199254740993`, `inf`, `nan`.
///
/// Equal when the exact mathematical values are equal (`1`, `1.0` and `1e0`; `0x10` and `16`), computed on the decimal
/// digits, never through `f64`. All NaNs are equal to each other, and `-0` is `0`. The forms of JSON, TOML and YAML 1.2 are understood.
#[derive(Debug, Clone)]
pub struct Number(String);

impl Number {
    /// Keeps `written` as it stands. The caller has checked that it is a number in its own format.
    pub fn new(written: impl Into<String>) -> Self {
        Number(written.into())
    }

    /// The written form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads text as a number where it is sure to mean one and to be written back the same: no leading zeros or plus, no
    /// infinity, no white space. `0x`, `0o`, `0b` and underscores between digits are understood.
    pub fn read(text: &str) -> Option<Number> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let sure = match digits.as_bytes() {
            [b'0', b'x' | b'o' | b'b', ..] => digits.len() == text.len(),
            [b'0', b'0'..=b'9' | b'_', ..] => false,
            [b'0'..=b'9', .., last] => last.is_ascii_digit(),
            [b'0'..=b'9'] => true,
            _ => false,
        };
        let finite = matches!(normal(text), Normal::Finite { .. });
        (sure && finite && !digits.contains("._")).then(|| Number::new(text))
    }

    /// Whether it is written in the notation that all formats have, and not as `0x10` or `1_000`.
    pub(crate) fn is_decimal(&self) -> bool {
        !self.0.contains(['x', 'o', 'b', '_'])
    }

    /// The number in JSON's notation (RFC 8259): the written form where it is one, otherwise the same digits without what JSON
    /// does not have. `None` for infinity and NaN, which JSON cannot say.
    pub fn to_json(&self) -> Option<String> {
        if is_json(self.0.as_bytes()) {
            return Some(self.0.clone());
        }
        if !matches!(normal(&self.0), Normal::Finite { .. }) {
            return None;
        }
        let sign = if self.0.starts_with('-') { "-" } else { "" };
        let plain: String = self.0.trim_start_matches(['+', '-']).chars().filter(|c| *c != '_').collect();
        if let Some((radix, digits)) = radix(&plain) {
            return Some(format!("{sign}{}", to_decimal(digits, radix)?));
        }
        let (mantissa, exponent) = match plain.find(['e', 'E']) {
            Some(at) => plain.split_at(at),
            None => (plain.as_str(), ""),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, "")) => (whole, ".0".to_owned()),
            Some((whole, fraction)) => (whole, format!(".{fraction}")),
            None => (mantissa, String::new()),
        };
        let whole = whole.trim_start_matches('0');
        let whole = if whole.is_empty() { "0" } else { whole };
        let json = format!("{sign}{whole}{fraction}{exponent}");
        is_json(json.as_bytes()).then_some(json)
    }

    /// Which of two is larger, exactly; `None` where one is no number that is understood.
    pub(crate) fn compare(&self, other: &Number) -> Option<Ordering> {
        // A sign, infinities above all, the place of the first digit, and the digits: as a tuple that compares as the number does.
        let rank = |number: &Number| match normal(&number.0) {
            Normal::Infinite { negative } => Some((negative, 2, 0, String::new())),
            Normal::Finite { digits, .. } if digits.is_empty() => Some((false, 0, 0, digits)),
            Normal::Finite { negative, digits, exponent } => {
                Some((negative, 1, exponent.saturating_add(digits.len() as i64), digits))
            }
            Normal::Nan | Normal::Other(_) => None,
        };
        let ((a_negative, a_kind, a_place, a_digits), (b_negative, b_kind, b_place, b_digits)) =
            (rank(self)?, rank(other)?);
        let magnitude = (a_kind, a_place, a_digits).cmp(&(b_kind, b_place, b_digits));
        Some(match (a_negative, b_negative) {
            (false, false) => magnitude,
            (true, true) => magnitude.reverse(),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        })
    }

    /// The number in a form that equal numbers share and unequal ones do not.
    pub(crate) fn normal(&self) -> String {
        match normal(&self.0) {
            Normal::Nan => "nan".to_owned(),
            Normal::Infinite { negative: false } => "inf".to_owned(),
            Normal::Infinite { negative: true } => "-inf".to_owned(),
            Normal::Finite { digits, .. } if digits.is_empty() => "0".to_owned(),
            Normal::Finite { negative, digits, exponent } => {
                format!("{}{digits}e{exponent}", if negative { "-" } else { "" })
            }
            Normal::Other(text) => format!("?{text}"),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || normal(&self.0) == normal(&other.0)
    }
}

impl Eq for Number {}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An exact value: `digits` (no zeros at either end, none at all for zero) times ten to the power of `exponent`.
#[derive(PartialEq, Eq)]
enum Normal {
    Nan,
    Infinite {
        negative: bool,
    },
    Finite {
        negative: bool,
        digits: String,
        exponent: i64,
    },
    /// Not understood, or out of bounds: equal only to itself.
    Other(String),
}

fn normal(written: &str) -> Normal {
    let other = || Normal::Other(written.to_owned());
    let (negative, unsigned) = match written.as_bytes().first() {
        Some(b'-') => (true, &written[1..]),
        Some(b'+') => (false, &written[1..]),
        _ => (false, written),
    };
    match unsigned {
        "inf" | ".inf" | ".Inf" | ".INF" => return Normal::Infinite { negative },
        "nan" | ".nan" | ".NaN" | ".NAN" => return Normal::Nan,
        _ => {}
    }
    let plain: String = unsigned.chars().filter(|c| *c != '_').collect();
    if let Some((radix, digits)) = radix(&plain) {
        return match to_decimal(digits, radix) {
            Some(decimal) => finite(negative, &decimal, 0),
            None => other(),
        };
    }
    let (mantissa, exponent) = match plain.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => match exponent.parse::<i64>() {
            // Far from the ends, so that adding a fraction's length cannot overflow.
            Ok(exponent) if exponent.unsigned_abs() < 1 << 60 => (mantissa, exponent),
            _ => return other(),
        },
        None => (plain.as_str(), 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !is_digits(whole) || !is_digits(fraction) {
        return other();
    }
    finite(negative, &format!("{whole}{fraction}"), exponent - fraction.len() as i64)
}

fn finite(negative: bool, digits: &str, exponent: i64) -> Normal {
    let significant = digits.trim_end_matches('0');
    let exponent = exponent + (digits.len() - significant.len()) as i64;
    let significant = significant.trim_start_matches('0');
    if significant.is_empty() {
        return Normal::Finite { negative: false, digits: String::new(), exponent: 0 };
    }
    Normal::Finite { negative, digits: significant.to_owned(), exponent }
}

/// The radix and the digits of `0x…`, `0o…`, `0b…`.
fn radix(plain: &str) -> Option<(u32, &str)> {
    let (prefix, digits) = plain.split_at_checked(2)?;
    let radix = match prefix {
        "0x" | "0X" => 16,
        "0o" | "0O" => 8,
        "0b" | "0B" => 2,
        _ => return None,
    };
    Some((radix, digits))
}

/// The decimal digits of a number in another radix.
fn to_decimal(digits: &str, radix: u32) -> Option<String> {
    if digits.is_empty() || digits.len() > MAX_RADIX_DIGITS {
        return None;
    }
    // Least significant limb first, each below 10^9.
    let mut limbs: Vec<u64> = vec![0];
    for c in digits.chars() {
        let mut carry = u64::from(c.to_digit(radix)?);
        for limb in &mut limbs {
            let sum = *limb * u64::from(radix) + carry;
            *limb = sum % 1_000_000_000;
            carry = sum / 1_000_000_000;
        }
        if carry > 0 {
            limbs.push(carry);
        }
    }
    let mut decimal = limbs.pop().unwrap_or(0).to_string();
    for limb in limbs.iter().rev() {
        decimal.push_str(&format!("{limb:09}"));
    }
    Some(decimal)
}

/// Whether the text is a number of RFC 8259, section 6.
pub(crate) fn is_json(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|b| b.is_ascii_digit()).count();
    let mut rest = text.strip_prefix(b"-").unwrap_or(text);
    match rest {
        [b'0', tail @ ..] => rest = tail,
        _ => match digits(rest) {
            0 => return false,
            n => rest = &rest[n..],
        },
    }
    if let [b'.', tail @ ..] = rest {
        match digits(tail) {
            0 => return false,
            n => rest = &tail[n..],
        }
    }
    if let [b'e' | b'E', tail @ ..] = rest {
        let tail = match tail {
            [b'+' | b'-', tail @ ..] => tail,
            _ => tail,
        };
        return !tail.is_empty() && digits(tail) == tail.len();
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equality_is_exact() {
        for (a, b, equal) in [
            ("1", "1.0", true),
            ("1", "1e0", true),
            ("100", "1E+2", true),
            ("0.001", "1e-3", true),
            ("0x10", "16", true),
            ("0o20", "1_6", true),
            ("0b1_0000", "+16", true),
            ("0xFFFFFFFFFFFFFFFFFFFF", "1208925819614629174706175", true),
            ("-0", "0.0", true),
            (".5", "5e-1", true),
            ("5.", "5", true),
            ("nan", ".NaN", true),
            ("nan", "-nan", true),
            ("inf", "+.inf", true),
            ("inf", "-inf", false),
            ("9007199254740993", "9007199254740992", false),
            ("0.1", "0.1000000000000000055511151231257827", false),
            ("1", "-1", false),
            ("1e99999999999999999999", "1e99999999999999999998", false),
            ("1e99999999999999999999", "1e99999999999999999999", true),
        ] {
            let (a, b) = (Number::new(a), Number::new(b));
            assert_eq!(a == b, equal, "{a} {b}");
            assert_eq!(a.normal() == b.normal(), equal, "{a} {b}");
        }
    }

    #[test]
    fn order_is_exact() {
        let ordered =
            ["-inf", "-1e3", "-2", "-1.5", "-0.001", "0", "1e-9", "0.9", "1", "1.1", "0x10", "100", "1e400", "inf"];
        for (at, a) in ordered.iter().enumerate() {
            for (other, b) in ordered.iter().enumerate() {
                assert_eq!(Number::new(*a).compare(&Number::new(*b)), Some(at.cmp(&other)), "{a} {b}");
            }
        }
        assert_eq!(Number::new("nan").compare(&Number::new("1")), None);
    }

    #[test]
    fn json_spelling_keeps_the_digits() {
        for (written, json) in [
            ("1", Some("1")),
            ("+1_000.50", Some("1000.50")),
            ("0x1F", Some("31")),
            (".5", Some("0.5")),
            ("-.5e3", Some("-0.5e3")),
            ("5.", Some("5.0")),
            ("0777", Some("777")),
            ("-00", Some("-0")),
            ("inf", None),
            ("nan", None),
            ("zonk", None),
        ] {
            assert_eq!(Number::new(written).to_json().as_deref(), json, "{written}");
        }
    }

    #[test]
    fn only_sure_text_is_read_as_a_number() {
        for text in ["0", "-1", "10", "1.5", "1e3", "-2.5E-7", "0x1f", "1_000"] {
            assert!(Number::read(text).is_some(), "{text}");
        }
        for text in
            ["", "-", "+1", "007", "1.", ".5", "1 ", "inf", "nan", "0x", "-0x1", "0xg", "1__", "1e", "١", "0_1", "1._5"]
        {
            assert!(Number::read(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn integers_compare_as_integers(a in any::<i64>(), b in any::<i64>(), shift in 0usize..20) {
            prop_assert_eq!(Number::new(a.to_string()) == Number::new(b.to_string()), a == b);
            let shifted = format!("{a}{}", "0".repeat(shift));
            prop_assert_eq!(Number::new(format!("{a}e{shift}")), Number::new(shifted));
            if a >= 0 {
                prop_assert_eq!(Number::new(format!("0x{a:x}")), Number::new(a.to_string()));
                prop_assert_eq!(Number::new(format!("0b{a:b}")), Number::new(a.to_string()));
            }
        }

        #[test]
        fn any_text_is_total(text in any::<String>()) {
            let number = Number::new(text.clone());
            let _ = number.normal();
            if let Some(json) = number.to_json() {
                prop_assert!(is_json(json.as_bytes()));
                prop_assert_eq!(Number::new(json), number);
            }
        }

        #[test]
        fn number_like_text_is_total(text in "[-+]?[0-9_.]{0,5}[eExob]?[-+]?[0-9a-f_.]{0,5}") {
            let number = Number::new(text.clone());
            if let Some(json) = number.to_json() {
                prop_assert_eq!(Number::new(json), number);
            }
            if let Some(read) = Number::read(&text) {
                prop_assert!(read.to_json().is_some(), "{}", text);
                prop_assert_eq!(read.as_str(), text);
            }
        }
    }
}
