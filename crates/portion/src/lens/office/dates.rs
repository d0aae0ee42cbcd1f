//! Dates: a number that a cell's format shows as one (ECMA-376 part 1, 18.17.4 and 18.8.30).

/// What a number format shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shows {
    Number,
    Date,
    Time,
    Both,
}

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;
/// Days from 1970-01-01 to the day before 1900-01-01 becomes 1, were 1900 no leap year, and to 1904-01-01.
const EPOCH_1900: i64 = -25_569;
const EPOCH_1904: i64 = -24_107;
/// 9999-12-31, in days since 1970-01-01.
const LAST: i64 = 2_932_896;

impl Shows {
    /// By the formats that have a number and no text.
    pub(crate) fn builtin(id: u32) -> Shows {
        match id {
            14..=17 | 27..=31 | 34..=36 | 50..=54 | 57..=58 => Shows::Date,
            18..=21 | 32..=33 | 45 | 47 | 55..=56 => Shows::Time,
            22 => Shows::Both,
            _ => Shows::Number,
        }
    }

    /// By a format's text, as `yyyy\-mm\-dd`. Durations (`[h]:mm`) are numbers.
    pub(crate) fn of(code: &str) -> Shows {
        // The first of up to four sections, for positive numbers.
        let (mut date, mut time, mut months) = (false, false, false);
        let mut chars = code.chars();
        while let Some(c) = chars.next() {
            match c.to_ascii_lowercase() {
                '"' => drop(chars.by_ref().find(|c| *c == '"')),
                '\\' | '_' | '*' => drop(chars.next()),
                '[' => {
                    let inside: String = chars.by_ref().take_while(|c| *c != ']').collect();
                    if !inside.is_empty() && inside.chars().all(|c| matches!(c.to_ascii_lowercase(), 'h' | 'm' | 's')) {
                        return Shows::Number;
                    }
                }
                ';' => break,
                'g' if code.to_ascii_lowercase().starts_with("general") => return Shows::Number,
                'd' | 'y' => date = true,
                'h' | 's' => time = true,
                'm' => months = true,
                '0' | '#' | '?' if !(date || time || months) => return Shows::Number,
                _ => {}
            }
        }
        match (date || (months && !time), time) {
            (true, true) => Shows::Both,
            (true, false) => Shows::Date,
            (false, true) => Shows::Time,
            (false, false) => Shows::Number,
        }
    }
}

/// The date that a number is, to the millisecond; `None` where it is none that can be written back.
pub(crate) fn to_iso(serial: &str, shows: Shows, is_1904: bool) -> Option<String> {
    let serial: f64 = serial.parse().ok()?;
    if shows == Shows::Number || !(0.0..3_000_000.0).contains(&serial) {
        return None;
    }
    let all = (serial * DAY as f64).round() as i64;
    let (day, time) = (all / DAY, all % DAY);
    if day == 0 && shows == Shows::Time {
        return Some(clock(time));
    }
    let day = match (is_1904, day) {
        (true, day) => day + EPOCH_1904,
        // 60 is the 29th of February 1900, which never was.
        (false, 0 | 60) => return None,
        (false, day) if day < 60 => day + EPOCH_1900 + 1,
        (false, day) => day + EPOCH_1900,
    };
    if day > LAST {
        return None;
    }
    let (year, month, day) = civil(day);
    let date = format!("{year:04}-{month:02}-{day:02}");
    Some(if time == 0 && shows == Shows::Date { date } else { format!("{date}T{}", clock(time)) })
}

/// The number that a date is: `2024-01-31`, `2024-01-31T10:00:00`, `10:00:00`.
pub(crate) fn from_iso(text: &str, is_1904: bool) -> Option<String> {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (Some(date), Some(time)),
        None if text.contains(':') => (None, Some(text)),
        None => (Some(text), None),
    };
    let time = time.map_or(Some(0), milliseconds)?;
    let day = match date {
        None => 0,
        Some(date) => {
            let mut fields = date.split('-').map(|field| field.parse::<i64>().ok());
            let days = days(fields.next()??, fields.next()??, fields.next()??);
            match (is_1904, days - EPOCH_1900) {
                (true, _) => days - EPOCH_1904,
                (false, day) if day <= 60 => day - 1,
                (false, day) => day,
            }
        }
    };
    let all = day as f64 + time as f64 / DAY as f64;
    (day >= 0).then(|| all.to_string())
}

/// Whether the text is a date, a time or both, of the calendar and of a day.
pub(crate) fn is_one(text: &str) -> bool {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None if text.contains(':') => ("", Some(text)),
        None => (text, None),
    };
    let is_date = || {
        let fields: Vec<i64> = date.split('-').filter_map(|field| field.parse().ok()).collect();
        matches!(fields[..], [year, month, day] if (0..=9999).contains(&year) && (1..=12).contains(&month)
            && (1..=31).contains(&day) && civil(days(year, month, day)) == (year, month, day))
    };
    looks_like_one(text) && (date.is_empty() || is_date()) && time.is_none_or(|time| milliseconds(time).is_some())
}

/// Whether the text looks like a date or a time.
pub(crate) fn looks_like_one(text: &str) -> bool {
    let digits = |at: usize, count: usize| {
        text.len() >= at + count && text.as_bytes()[at..at + count].iter().all(u8::is_ascii_digit)
    };
    let at = |at: usize, byte: u8| text.as_bytes().get(at) == Some(&byte);
    (digits(0, 4)
        && at(4, b'-')
        && digits(5, 2)
        && at(7, b'-')
        && digits(8, 2)
        && matches!(text.as_bytes().get(10), None | Some(b'T')))
        || (digits(0, 2) && at(2, b':') && digits(3, 2) && (text.len() == 5 || at(5, b':')))
}

fn clock(milliseconds: i64) -> String {
    let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    match rest {
        0 => clock,
        rest => format!("{clock}.{rest:03}"),
    }
}

fn milliseconds(clock: &str) -> Option<i64> {
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut fields = clock.split(':').map(|field| field.parse::<i64>().ok());
    let (hours, minutes, seconds) = (fields.next()??, fields.next()??, fields.next().unwrap_or(Some(0))?);
    let fraction: i64 = format!("{:0<3}", fraction.get(..3).unwrap_or(fraction)).parse().ok()?;
    let all = ((hours * 60 + minutes) * 60 + seconds) * 1000 + fraction;
    (0..DAY).contains(&all).then_some(all)
}

/// Days since 1970-01-01 of a date in the Gregorian calendar (Hinnant, chrono-compatible low-level date algorithms).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn formats() {
        for (code, shows) in [
            ("General", Shows::Number),
            ("0.00", Shows::Number),
            ("#,##0\\ \"days\"", Shows::Number),
            ("yyyy\\-mm\\-dd", Shows::Date),
            ("mmm yy", Shows::Date),
            ("[$-409]d\\-mmm;@", Shows::Date),
            ("h:mm AM/PM", Shows::Time),
            ("mm:ss.0", Shows::Time),
            ("[h]:mm:ss", Shows::Number),
            ("dd/mm/yyyy hh:mm", Shows::Both),
            ("[Red]0;\"dd\"", Shows::Number),
            ("@", Shows::Number),
        ] {
            assert_eq!(Shows::of(code), shows, "{code}");
        }
    }

    #[test]
    fn serials() {
        for (serial, shows, is_1904, iso) in [
            ("1", Shows::Date, false, Some("1900-01-01")),
            ("59", Shows::Date, false, Some("1900-02-28")),
            ("60", Shows::Date, false, None),
            ("61", Shows::Date, false, Some("1900-03-01")),
            ("45292", Shows::Date, false, Some("2024-01-01")),
            ("45292.5", Shows::Date, false, Some("2024-01-01T12:00:00")),
            ("45292", Shows::Both, false, Some("2024-01-01T00:00:00")),
            ("0.75", Shows::Time, false, Some("18:00:00")),
            ("0", Shows::Date, true, Some("1904-01-01")),
            ("43830", Shows::Date, true, Some("2024-01-01")),
            ("2958465", Shows::Date, false, Some("9999-12-31")),
            ("2958466", Shows::Date, false, None),
            ("-1", Shows::Date, false, None),
            ("0.5", Shows::Date, false, None),
        ] {
            assert_eq!(to_iso(serial, shows, is_1904).as_deref(), iso, "{serial}");
            if let Some(iso) = iso {
                assert_eq!(from_iso(iso, is_1904).as_deref(), Some(serial), "{iso}");
            }
        }
        for none in ["", "x", "2024", "2024-01", "2024-01-01Tx", "25:00:00", "1899-12-30"] {
            assert_eq!(from_iso(none, false), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn there_and_back(ms in 0i64..2_958_465 * DAY, is_1904: bool) {
            let serial = (ms as f64 / DAY as f64).to_string();
            if let Some(iso) = to_iso(&serial, Shows::Both, is_1904) {
                let again = from_iso(&iso, is_1904).unwrap();
                prop_assert_eq!(to_iso(&again, Shows::Both, is_1904), Some(iso));
            }
        }

        #[test]
        fn any_text(text in "[-0-9T:.]{0,24}") {
            let _ = (from_iso(&text, false), looks_like_one(&text), Shows::of(&text), to_iso(&text, Shows::Date, false));
        }
    }
}
