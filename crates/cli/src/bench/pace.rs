//! When a worker's operations are due.

use std::time::{Duration, Instant};

/// A worker's schedule.
#[derive(Debug)]
pub enum Pace {
    /// Each operation follows the last.
    Closed,
    /// One operation in each interval, however long others take.
    Open {
        /// When the next one is due.
        due: Instant,
        /// Between two.
        interval: Duration,
    },
}

impl Pace {
    /// The schedule of worker `number` of `workers` that together do `rate` operations per second;
    /// they take turns. No rate: as fast as each can.
    pub fn of_worker(rate: Option<u32>, number: u32, workers: u32, now: Instant) -> Self {
        match rate {
            None => Self::Closed,
            Some(rate) => {
                let of_all = Duration::from_secs(1) / rate.max(1);
                Self::Open {
                    due: now + of_all * number,
                    interval: of_all * workers,
                }
            }
        }
    }

    /// Waits until the next operation is due. Its latency counts from the result: a worker that is
    /// late has kept the operation waiting since it was due.
    pub async fn next(&mut self, now: Instant) -> Instant {
        let Self::Open { due, interval } = self else {
            return now;
        };
        let this = *due;
        *due += *interval;
        if this <= now {
            return this;
        }
        tokio::time::sleep_until(this.into()).await;
        // The timer's lateness is not the cluster's.
        Instant::now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_a_rate_nothing_waits() {
        let now = Instant::now();
        let mut pace = Pace::of_worker(None, 3, 4, now);
        assert_eq!(pace.next(now).await, now);
        assert_eq!(pace.next(now).await, now);
    }

    #[tokio::test]
    async fn workers_take_turns() {
        let now = Instant::now();
        let mut pace = Pace::of_worker(Some(1_000), 3, 4, now);
        let first = pace.next(now).await;
        assert!(first >= now + Duration::from_millis(3));
        assert!(pace.next(first).await >= now + Duration::from_millis(7));
    }

    #[tokio::test]
    async fn a_late_worker_counts_from_when_it_was_due() {
        let now = Instant::now();
        let mut pace = Pace::of_worker(Some(1_000), 0, 1, now);
        let late = now + Duration::from_secs(5);
        for number in 0..3 {
            assert_eq!(
                pace.next(late).await,
                now + Duration::from_millis(1) * number
            );
        }
    }
}
