//! Time. Two kinds that must never be mixed: *monotonic* time measures how long something lasts
//! (leases, deadlines), *wall* time says when it happened (timestamps, expiry).
//!
//! Pure code takes these types as arguments; only drivers call the `now` functions.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

/// Seconds from 1970-01-01 to 2016-01-01 UTC, the zero of expiry times (data-semantics.md section 2).
pub const PEGASUS_EPOCH_UNIX_SECONDS: i64 = 1_451_606_400;

/// A reading of the machine's monotonic clock, in microseconds since its boot.
///
/// It counts the time that the machine was suspended too (`CLOCK_BOOTTIME`): a lease must not
/// outlast a sleep that the lease's giver did not share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonotonicMicros(pub u64);

/// A reading of the machine's monotonic clock, in milliseconds since its boot; for leases,
/// deadlines and timers, where microseconds only make the numbers longer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonotonicMillis(pub u64);

impl MonotonicMicros {
    /// Reads the clock (about 20 ns, no system call).
    #[must_use]
    pub fn now() -> Self {
        let time = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
        Self(seconds * 1_000_000 + nanos / 1_000)
    }

    /// The same instant in milliseconds.
    #[must_use]
    pub const fn to_millis(self) -> MonotonicMillis {
        MonotonicMillis(self.0 / 1_000)
    }

    /// Time passed since `earlier`; zero when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// This instant moved forward; stays at the end of time instead of wrapping.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(micros))
    }
}

impl MonotonicMillis {
    /// Reads the clock.
    #[must_use]
    pub fn now() -> Self {
        MonotonicMicros::now().to_millis()
    }

    /// Time passed since `earlier`; zero when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// This instant moved forward; stays at the end of time instead of wrapping.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }
}

/// Wall time in microseconds since 1970-01-01 UTC. May step in either direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallMicros(pub i64);

impl WallMicros {
    /// Reads the clock. A machine whose clock stands before 1970 reads as 1970.
    #[must_use]
    pub fn now() -> Self {
        let since_1970 = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        Self(i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX))
    }

    /// Milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub const fn to_unix_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Seconds since 2016-01-01 UTC, as expiry times have it.
    #[must_use]
    pub fn to_epoch_seconds(self) -> EpochSeconds {
        let seconds = self.0.div_euclid(1_000_000) - PEGASUS_EPOCH_UNIX_SECONDS;
        EpochSeconds(u32::try_from(seconds.max(0)).unwrap_or(u32::MAX))
    }
}

/// Seconds since 2016-01-01 00:00:00 UTC: the unit of expiry. In an expiry field 0 is "never".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpochSeconds(pub u32);

impl EpochSeconds {
    /// Reads the wall clock.
    #[must_use]
    pub fn now() -> Self {
        WallMicros::now().to_epoch_seconds()
    }

    /// Seconds since 1970-01-01 UTC.
    #[must_use]
    pub const fn to_unix_seconds(self) -> i64 {
        self.0 as i64 + PEGASUS_EPOCH_UNIX_SECONDS
    }
}

/// Hands out the timestamps of one replica's mutations: wall time, but strictly increasing even
/// where the wall clock repeats a reading or steps back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MutationClock {
    last: WallMicros,
}

impl MutationClock {
    /// A clock that continues after `last`, the timestamp of the newest known mutation.
    #[must_use]
    pub const fn starting_after(last: WallMicros) -> Self {
        Self { last }
    }

    /// The next timestamp: `now`, or one microsecond after the previous one if that is later.
    pub fn next(&mut self, now: WallMicros) -> WallMicros {
        self.last = now.max(WallMicros(self.last.0.saturating_add(1)));
        self.last
    }

    /// Takes note of a timestamp given out by another server (an earlier primary).
    pub fn observe(&mut self, seen: WallMicros) {
        self.last = self.last.max(seen);
    }
}

/// Writes a wall time as `2026-11-21 23:15:02.123456` (UTC).
///
/// The civil date is computed here, in ten lines, because a log line should not cost a time
/// library.
impl fmt::Display for WallMicros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = CivilDate::of_unix_seconds(self.0.div_euclid(1_000_000));
        let micros = self.0.rem_euclid(1_000_000);
        write!(
            f,
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{micros:06}",
            date.year, date.month, date.day, date.hour, date.minute, date.second
        )
    }
}

/// A UTC date and time in calendar fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CivilDate {
    /// The year of the Gregorian calendar.
    pub year: i64,
    /// 1..=12.
    pub month: i64,
    /// 1..=31.
    pub day: i64,
    /// 0..=23.
    pub hour: i64,
    /// 0..=59.
    pub minute: i64,
    /// 0..=59.
    pub second: i64,
}

impl CivilDate {
    /// The calendar fields of a number of seconds since 1970-01-01 UTC.
    ///
    /// Counts in eras of 400 years that begin on 1 March, so that the leap day is a year's last.
    #[must_use]
    pub const fn of_unix_seconds(seconds: i64) -> Self {
        let days = seconds.div_euclid(86_400);
        let second_of_day = seconds.rem_euclid(86_400);
        let day_since_era_zero = days + 719_468;
        let era = day_since_era_zero.div_euclid(146_097);
        let day_of_era = day_since_era_zero.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        Self {
            year: year_of_era + era * 400 + (month <= 2) as i64,
            month,
            day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
            hour: second_of_day / 3_600,
            minute: second_of_day / 60 % 60,
            second: second_of_day % 60,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mutation_timestamps_strictly_increase() {
        let mut clock = MutationClock::starting_after(WallMicros(100));
        assert_eq!(clock.next(WallMicros(50)), WallMicros(101));
        assert_eq!(clock.next(WallMicros(500)), WallMicros(500));
        assert_eq!(clock.next(WallMicros(500)), WallMicros(501));
        clock.observe(WallMicros(900));
        assert_eq!(clock.next(WallMicros(600)), WallMicros(901));
    }

    #[test]
    fn epoch_seconds_start_in_2016_and_never_wrap() {
        let start = PEGASUS_EPOCH_UNIX_SECONDS * 1_000_000;
        assert_eq!(WallMicros(start).to_epoch_seconds(), EpochSeconds(0));
        assert_eq!(
            WallMicros(start + 5_999_999).to_epoch_seconds(),
            EpochSeconds(5)
        );
        assert_eq!(WallMicros(0).to_epoch_seconds(), EpochSeconds(0));
        assert_eq!(WallMicros(i64::MAX).to_epoch_seconds().0, u32::MAX);
        assert_eq!(
            EpochSeconds(5).to_unix_seconds(),
            PEGASUS_EPOCH_UNIX_SECONDS + 5
        );
    }

    #[test]
    fn wall_time_prints_as_a_utc_date() {
        assert_eq!(WallMicros(0).to_string(), "1970-01-01 00:00:00.000000");
        assert_eq!(
            WallMicros(1_709_210_096_000_007).to_string(),
            "2024-02-29 12:34:56.000007"
        );
        assert_eq!(
            WallMicros(4_102_444_799_999_999).to_string(),
            "2099-12-31 23:59:59.999999"
        );
    }

    #[test]
    fn monotonic_time_does_not_go_back() {
        let earlier = MonotonicMicros::now();
        let later = MonotonicMicros::now();
        assert!(later >= earlier);
        assert_eq!(
            earlier.since(later.after(Duration::from_secs(1))),
            Duration::ZERO
        );
        assert_eq!(MonotonicMillis(5).after(Duration::from_millis(7)).0, 12);
        assert_eq!(MonotonicMillis(u64::MAX).after(Duration::MAX).0, u64::MAX);
    }
}
