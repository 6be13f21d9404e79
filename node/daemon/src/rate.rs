//! Rates as people write them.

use bytesize::ByteSize;

/// The least that a limit may be, in bytes per second: with less, nothing gets anywhere.
const LEAST: u64 = 1024;

/// Reads a rate in bytes per second: written in bytes such as `12.5MB`, or in bits such as `100mbit`; `/s` may follow. At
/// least 1 KiB per second. The error is in words.
pub fn parse_rate(text: &str) -> Result<u64, String> {
    let lower = text.trim().to_ascii_lowercase();
    let lower = lower.strip_suffix("/s").unwrap_or(&lower);
    let (number, per_byte) = match lower.strip_suffix("bit") {
        Some(bits) => (format!("{bits}b"), 8),
        None => (lower.to_owned(), 1),
    };
    match number.parse::<ByteSize>() {
        Ok(size) if size.as_u64() >= LEAST * per_byte => Ok(size.as_u64() / per_byte),
        Ok(_) => Err("a rate is at least 1KiB per second".into()),
        Err(_) => Err("not a rate; write bytes per second such as 12.5MB, or bits such as 100mbit".into()),
    }
}

/// Writes a rate so that [`parse_rate`] reads the very same.
pub(crate) fn show_rate(rate: u64) -> String {
    match rate {
        0 => "0B".into(),
        _ if rate.is_multiple_of(1_000_000) => format!("{}MB", rate / 1_000_000),
        _ if rate.is_multiple_of(1 << 20) => format!("{}MiB", rate >> 20),
        _ if rate.is_multiple_of(1000) => format!("{}KB", rate / 1000),
        _ => format!("{rate}B"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rates_are_bytes_or_bits() {
        assert_eq!(parse_rate("12.5MB"), Ok(12_500_000));
        assert_eq!(parse_rate("100mbit"), Ok(12_500_000));
        assert_eq!(parse_rate("100Mbit/s"), Ok(12_500_000));
        assert_eq!(parse_rate("1 MiB/s"), Ok(1 << 20));
        assert!(parse_rate("0").is_err() && parse_rate("fast").is_err() && parse_rate("-1mbit").is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(rate in LEAST..1 << 40, unit in prop::sample::select(vec![1, 1000, 1 << 20, 1_000_000])) {
            prop_assert_eq!(parse_rate(&show_rate(rate * unit)), Ok(rate * unit));
        }
    }
}
