//! Ends range reads that would take too much: records, bytes, time.

use std::time::{Duration, Instant};

/// Looks at the clock happen about this many times per full range.
const CLOCK_LOOKS: u32 = 10;

/// What one range read may cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Records visited; `None` = unlimited.
    pub(super) visited_max: Option<u32>,
    /// Records returned.
    pub(super) returned_max: u32,
    /// Bytes returned; 0 = unlimited.
    pub(super) bytes_max: u64,
    /// Records between two looks at the clock are a tenth of this.
    pub(super) sampling_base: u32,
    /// Wall-clock time.
    pub(super) time_max: Option<Duration>,
}

/// Counts what a range read costs against its budget.
#[derive(Debug)]
pub(super) struct Limiter {
    budget: Budget,
    visited: u32,
    returned: u32,
    bytes: u64,
    started: Instant,
    overran: bool,
}

impl Limiter {
    pub(super) fn start(budget: Budget) -> Self {
        Self {
            budget,
            visited: 0,
            returned: 0,
            bytes: 0,
            started: Instant::now(),
            overran: false,
        }
    }

    /// Whether another record may be visited. Looks at the clock now and then.
    pub(super) fn admits(&mut self) -> bool {
        let may_visit = self.budget.visited_max.is_none_or(|max| self.visited < max);
        may_visit && !self.is_full() && !self.is_late()
    }

    /// Whether no further record fits the answer.
    pub(super) const fn is_full(&self) -> bool {
        let Budget {
            returned_max,
            bytes_max,
            ..
        } = self.budget;
        self.returned >= returned_max || (bytes_max != 0 && self.bytes >= bytes_max)
    }

    /// A record was looked at, whatever came of it.
    pub(super) fn visited(&mut self) {
        self.visited = self.visited.saturating_add(1);
    }

    /// A record goes into the answer.
    pub(super) fn returned(&mut self, bytes: usize) {
        self.returned = self.returned.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    /// Looks at the clock a last time, after a range that was not finished.
    pub(super) fn check_time(&mut self) {
        self.overran |= self
            .budget
            .time_max
            .is_some_and(|max| self.started.elapsed() > max);
    }

    /// Whether the time was up.
    pub(super) const fn overran(&self) -> bool {
        self.overran
    }

    /// Records in the answer.
    pub(super) const fn returned_count(&self) -> u32 {
        self.returned
    }

    /// Whether the time is up. Looks at the clock now and then.
    pub(super) fn is_late(&mut self) -> bool {
        let every = (self.budget.sampling_base / CLOCK_LOOKS).max(1);
        if self.visited.wrapping_add(1).is_multiple_of(every) {
            self.check_time();
        }
        self.overran
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: Budget = Budget {
        visited_max: Some(5),
        returned_max: 3,
        bytes_max: 10,
        sampling_base: 30,
        time_max: None,
    };

    fn admitted(budget: Budget, visit: impl Fn(&mut Limiter)) -> usize {
        let mut limiter = Limiter::start(budget);
        (0..100)
            .take_while(|_| {
                let admits = limiter.admits();
                visit(&mut limiter);
                admits
            })
            .count()
    }

    #[test]
    fn each_limit_ends_the_range() {
        assert_eq!(admitted(BUDGET, Limiter::visited), 5);
        assert_eq!(admitted(BUDGET, |limiter| limiter.returned(1)), 3);
        assert_eq!(admitted(BUDGET, |limiter| limiter.returned(9)), 2);
        let unlimited = Budget {
            visited_max: None,
            returned_max: u32::MAX,
            bytes_max: 0,
            ..BUDGET
        };
        assert_eq!(admitted(unlimited, |limiter| limiter.returned(9)), 100);
    }

    #[test]
    fn time_is_looked_at_every_tenth_of_the_range() {
        let budget = Budget {
            visited_max: None,
            time_max: Some(Duration::ZERO),
            ..BUDGET
        };
        assert_eq!(admitted(budget, Limiter::visited), 2);
        let mut limiter = Limiter::start(budget);
        assert!(limiter.admits());
        assert!(!limiter.overran());
        limiter.check_time();
        assert!(limiter.overran());
    }
}
