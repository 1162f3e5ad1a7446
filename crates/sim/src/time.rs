//! Time in the simulation: one true time, and the clock of each process, which is a little wrong.

use std::time::Duration;

use pegasus_common::clock::{MonotonicMillis, WallMicros};

/// True time since the run began, in microseconds. Only the simulator knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimTime(pub u64);

impl SimTime {
    /// This time moved forward.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0 + micros(duration))
    }

    /// Time passed since `earlier`; zero when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// A duration in whole microseconds.
#[must_use]
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Wall time at which every run begins, microseconds since 1970: some day in 2027.
pub const WALL_START_US: i64 = 1_800_000_000_000_000;
const PER_MILLION: i64 = 1_000_000;

/// The clocks of one machine.
#[derive(Clone, Copy, Debug)]
pub struct MachineClock {
    /// What the monotonic clock shows at the begin of the run, in microseconds.
    pub offset_us: u64,
    /// How much it gains in a million; negative if it loses.
    pub drift_ppm: i64,
    /// How wrong the wall clock is.
    pub wall_error_us: i64,
}

impl MachineClock {
    /// What the monotonic clock shows.
    #[must_use]
    pub fn monotonic(&self, now: SimTime) -> MonotonicMillis {
        MonotonicMillis((self.offset_us + self.elapsed_us(now)) / 1_000)
    }

    /// What the wall clock shows. It is set right again and again, so it is wrong by a fixed amount.
    #[must_use]
    pub fn wall(&self, now: SimTime) -> WallMicros {
        let elapsed = i64::try_from(now.0).unwrap_or(i64::MAX / 2);
        WallMicros(WALL_START_US + self.wall_error_us + elapsed)
    }

    /// How long the machine takes to see `local` pass.
    #[must_use]
    pub fn true_duration(&self, local: Duration) -> Duration {
        let rate = u64::try_from(PER_MILLION + self.drift_ppm).unwrap_or(1);
        Duration::from_micros(micros(local).saturating_mul(1_000_000) / rate)
    }

    fn elapsed_us(&self, now: SimTime) -> u64 {
        let rate = u128::try_from(PER_MILLION + self.drift_ppm).unwrap_or(1);
        u64::try_from(u128::from(now.0) * rate / 1_000_000).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_clock_needs_longer() {
        let clock = MachineClock {
            offset_us: 5_000,
            drift_ppm: -20_000,
            wall_error_us: 0,
        };
        assert_eq!(clock.monotonic(SimTime(1_000_000)), MonotonicMillis(985));
        let true_second = clock.true_duration(Duration::from_secs(1));
        assert_eq!(true_second, Duration::from_micros(1_020_408));
    }
}
