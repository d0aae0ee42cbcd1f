//! The `Range` header, one range of bytes (RFC 9110, section 14.1.2).

use std::ops::Range;

/// What a header asks for, of a file of `size` bytes. `Ok(None)`: all of it, as also for units and sets of ranges that we do not
/// serve. `Err(())`: nothing of it is in the file.
pub(crate) fn parse(header: &str, size: u64) -> Result<Option<Range<u64>>, ()> {
    let Some(spec) = header.trim().strip_prefix("bytes=") else { return Ok(None) };
    let Some((first, last)) = spec.trim().split_once('-') else { return Ok(None) };
    let number = |text: &str| -> Option<u64> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Some(first), None) if last.is_empty() => first..size,
        (None, Some(count)) if first.is_empty() => size.saturating_sub(count)..size,
        _ => return Ok(None),
    };
    if range.start < range.end { Ok(Some(range)) } else { Err(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (header, size, expected) in [
            ("bytes=0-9", 100, Ok(Some(0..10))),
            ("bytes=90-", 100, Ok(Some(90..100))),
            ("bytes=90-1000", 100, Ok(Some(90..100))),
            ("bytes=-10", 100, Ok(Some(90..100))),
            ("bytes=-1000", 100, Ok(Some(0..100))),
            ("bytes=99-99999999999999999999999999", 100, Ok(Some(99..100))),
            ("bytes=100-", 100, Err(())),
            ("bytes=-0", 100, Err(())),
            ("bytes=0-", 0, Err(())),
            ("bytes=9-1", 100, Ok(None)),
            ("bytes=0-1,5-6", 100, Ok(None)),
            ("bytes=a-b", 100, Ok(None)),
            ("bytes=-", 100, Ok(None)),
            ("lines=0-1", 100, Ok(None)),
            ("", 100, Ok(None)),
        ] {
            assert_eq!(parse(header, size), expected, "{header}");
        }
    }
}
