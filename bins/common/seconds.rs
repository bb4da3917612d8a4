//! Times on the command line.

use std::time::Duration;

/// Parses a time in seconds, such as `10` or `0.5`.
///
/// # Errors
///
/// What is wrong with it, in words.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "not a number of seconds".to_owned())?;
    if !(0.001..=86_400.0 * 365.0).contains(&seconds) {
        return Err("it has to be from 0.001 to 31536000 seconds".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_whole_and_broken_seconds_and_nothing_else() {
        assert_eq!(seconds("10"), Ok(Duration::from_secs(10)));
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        for text in ["", "x", "0", "-1", "NaN", "inf", "1e300"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
