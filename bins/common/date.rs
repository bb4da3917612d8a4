//! Times as certificates have them.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

/// A time to the second, in the form in which OpenSSL prints it: `Dec 29 09:55:37 2027 GMT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    seconds: i64,
}

impl Date {
    /// Returns the present.
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// Returns how many seconds it is after the beginning of 1970.
    pub fn unix(self) -> i64 {
        self.seconds
    }

    /// Returns the whole days until then; negative once it is past.
    pub fn days_from(self, now: Self) -> i64 {
        (self.seconds - now.seconds).div_euclid(DAY)
    }
}

impl From<SystemTime> for Date {
    fn from(time: SystemTime) -> Self {
        let seconds = match time.duration_since(UNIX_EPOCH) {
            Ok(since) => since.as_secs().cast_signed(),
            Err(before) => {
                let before = before.duration();
                -before.as_secs().cast_signed() - i64::from(before.subsec_nanos() > 0)
            }
        };
        Self { seconds }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.seconds.div_euclid(DAY), self.seconds.rem_euclid(DAY));
        // Years that begin in March, so that the day of a leap year is the last; 400 of them have
        // always as many days.
        let days = days + DAYS_TO_1970;
        let (era, day) = (
            days.div_euclid(DAYS_OF_400_YEARS),
            days.rem_euclid(DAYS_OF_400_YEARS),
        );
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let year = 400 * era + year + i64::from(month >= 10);
        let name = MONTHS[(month as usize + 2) % 12];
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(
            f,
            "{name} {day:2} {hour:02}:{minute:02}:{second:02} {year} GMT"
        )
    }
}

const DAY: i64 = 86_400;

/// From the first of March of the year 0.
const DAYS_TO_1970: i64 = 719_468;

const DAYS_OF_400_YEARS: i64 = 146_097;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use openssl::asn1::Asn1Time;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// From the year 1 to the year 9999.
        #[test]
        fn it_prints_what_openssl_prints(seconds in -62_135_596_800_i64..253_402_300_800) {
            let expected = Asn1Time::from_unix(seconds).unwrap().to_string();
            prop_assert_eq!(Date { seconds }.to_string(), expected);
        }
    }

    #[test]
    fn the_ends_of_years_are_right() {
        for (seconds, text) in [
            (0, "Jan  1 00:00:00 1970 GMT"),
            (-1, "Dec 31 23:59:59 1969 GMT"),
            (951_782_400, "Feb 29 00:00:00 2000 GMT"),
            (951_868_800, "Mar  1 00:00:00 2000 GMT"),
            (4_107_542_400, "Mar  1 00:00:00 2100 GMT"),
            (253_402_300_799, "Dec 31 23:59:59 9999 GMT"),
        ] {
            assert_eq!(Date { seconds }.to_string(), text);
        }
    }

    #[test]
    fn a_fraction_of_a_second_and_of_a_day_is_cut() {
        let at = |seconds| Date { seconds };
        let half = Duration::from_millis(500);
        assert_eq!(Date::from(UNIX_EPOCH + half), at(0));
        assert_eq!(Date::from(UNIX_EPOCH - half), at(-1));
        for (seconds, days) in [(0, 0), (DAY - 1, 0), (DAY, 1), (-1, -1), (-DAY, -1)] {
            assert_eq!(at(seconds).days_from(at(0)), days);
        }
    }
}
