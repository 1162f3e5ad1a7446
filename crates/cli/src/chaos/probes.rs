//! Writers that notice how long a partition takes no writes: to each partition one write every 5
//! ms, given up after 50 ms.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use pegasus_client::Table;
use pegasus_common::partition_hash;
use pegasus_history::Moment;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::workload::Workload;

/// Between two writes.
const PERIOD: Duration = Duration::from_millis(5);
/// How long one may take.
const PATIENCE: Duration = Duration::from_millis(50);

/// A time without a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// How long.
    pub length: Duration,
    /// The last success before it, or where the search began.
    pub since: Moment,
    /// Where.
    pub partition: usize,
}

/// When writes of each partition were acknowledged, in order.
#[derive(Debug)]
pub struct Probes {
    acknowledged: Vec<Mutex<Vec<Moment>>>,
}

impl Probes {
    /// For a table of so many partitions.
    pub fn new(partitions: usize) -> Self {
        Self {
            acknowledged: (0..partitions).map(|_| Mutex::default()).collect(),
        }
    }

    /// All of them.
    pub fn partitions(&self) -> Vec<usize> {
        (0..self.acknowledged.len()).collect()
    }

    /// Writes to one partition until told to stop.
    pub async fn run_writer(
        self: Arc<Self>,
        partition: usize,
        table: Table,
        clock: Arc<Workload>,
        mut stop: watch::Receiver<bool>,
    ) {
        let key = key_of(partition, self.acknowledged.len());
        let table = table.with_timeout(PATIENCE);
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            let (probes, table) = (self.clone(), table.clone());
            let (clock, key) = (clock.clone(), key.clone());
            tokio::spawn(async move {
                if table.set(key.as_bytes(), b"", "").await.is_ok() {
                    probes.acknowledged[partition].lock().push(clock.now());
                }
            });
        }
    }

    /// The longest time between `from` and `until` without an acknowledgement, in the worst of the
    /// partitions; counted from the last one before `from`, and up to the first one after `until`
    /// if there was none between.
    pub fn longest_gap(&self, partitions: &[usize], from: Moment, until: Moment) -> Option<Gap> {
        let gaps = partitions.iter().map(|&partition| {
            let acknowledged = self.acknowledged[partition].lock();
            let (length, since) = longest_gap(&acknowledged, from, until);
            Gap {
                length,
                since,
                partition,
            }
        });
        gaps.max_by_key(|gap| gap.length)
    }

    /// Whether every one of the partitions has taken a write since.
    pub fn have_all_since(&self, partitions: &[usize], since: Moment) -> bool {
        partitions.iter().all(|&partition| {
            let acknowledged = self.acknowledged[partition].lock();
            acknowledged.last().is_some_and(|&last| last > since)
        })
    }
}

fn longest_gap(acknowledged: &[Moment], from: Moment, until: Moment) -> (Duration, Moment) {
    let first = acknowledged.partition_point(|&moment| moment < from);
    let mut last = first
        .checked_sub(1)
        .map_or(from, |place| acknowledged[place]);
    let mut longest = (0, last);
    for &moment in &acknowledged[first..] {
        longest = longest.max((moment.as_nanos() - last.as_nanos(), last));
        last = moment;
        if moment > until {
            break;
        }
    }
    if last <= until {
        longest = longest.max((until.as_nanos().saturating_sub(last.as_nanos()), last));
    }
    (Duration::from_nanos(longest.0), longest.1)
}

/// A hash key that lies in a partition.
fn key_of(partition: usize, partitions: usize) -> String {
    let partitions = u32::try_from(partitions).unwrap_or(u32::MAX);
    let lies_there = |key: &String| {
        let hash = partition_hash::of_parts(key.as_bytes(), b"");
        partition_hash::partition_index(hash, partitions) as usize == partition
    };
    let mut keys = (0_u64..).map(|number| format!("probe-{number}"));
    keys.find(lies_there).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(moments: &[u64]) -> Vec<Moment> {
        moments
            .iter()
            .map(|&ms| Moment::from(Duration::from_millis(ms)))
            .collect()
    }

    /// How long, and since when.
    fn gap(moments: &[u64], from: u64, until: u64) -> (u64, u64) {
        let window = millis(&[from, until]);
        let (length, since) = longest_gap(&millis(moments), window[0], window[1]);
        let length = u64::try_from(length.as_millis()).unwrap();
        (length, since.as_nanos() / 1_000_000)
    }

    #[test]
    fn a_gap_begins_with_the_last_write_before_and_ends_with_the_first_one_after() {
        assert_eq!(gap(&[0, 5, 10, 900, 905, 910], 12, 905), (890, 10));
        assert_eq!(gap(&[0, 5, 10, 2_000, 2_005], 12, 1_000), (1_990, 10));
        assert_eq!(
            gap(&[0, 5, 10, 15, 500], 7, 16),
            (485, 15),
            "the window cuts no gap"
        );
    }

    #[test]
    fn a_partition_that_does_not_come_back_counts_to_the_end() {
        assert_eq!(gap(&[0, 5, 10], 12, 1_010), (1_000, 10));
        assert_eq!(gap(&[], 10, 50), (40, 10));
    }

    #[test]
    fn every_partition_has_a_key() {
        for partition in 0..8 {
            let key = key_of(partition, 8);
            let hash = partition_hash::of_parts(key.as_bytes(), b"");
            assert_eq!(partition_hash::partition_index(hash, 8) as usize, partition);
        }
    }
}
