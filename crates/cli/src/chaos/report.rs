//! What a run has shown.

use std::time::Duration;

use serde_json::{Value, json};

use super::schedule::Events;

/// The outcome of a run.
#[derive(Debug)]
pub struct Report {
    /// From which all choices came.
    pub seed: u64,
    /// How long faults came.
    pub elapsed: Duration,
    /// Operations recorded.
    pub operations: usize,
    /// Of these, without a known outcome.
    pub unknown: usize,
    /// Keys checked.
    pub keys: usize,
    /// Tables that were made and that were dropped meanwhile.
    pub tables: (u64, u64),
    /// Partitions whose replicas were compared.
    pub partitions_compared: usize,
    /// Faults and gaps.
    pub events: Events,
    /// What must not be; empty after a good run.
    pub violations: Vec<String>,
}

impl Report {
    /// For programs.
    pub fn json(&self) -> Value {
        let faults = self.events.faults.iter();
        let faults: serde_json::Map<_, _> = faults
            .map(|(kind, count)| (kind.name().to_owned(), json!(count)))
            .collect();
        let gaps = self.events.write_gaps.iter();
        let gaps: serde_json::Map<_, _> = gaps
            .map(|(kind, gaps)| (kind.name().to_owned(), distribution(gaps)))
            .collect();
        json!({
            "seed": self.seed,
            "seconds": self.elapsed.as_secs_f64(),
            "operations": self.operations,
            "operations_of_unknown_outcome": self.unknown,
            "keys": self.keys,
            "partitions_compared": self.partitions_compared,
            "faults": faults,
            "write_gap_ms": gaps,
            "leader_gap_ms": distribution(&self.events.leader_gaps),
            "tables_made": self.tables.0,
            "tables_dropped": self.tables.1,
            "healing_ms": distribution(&self.events.healings),
            "violations": self.violations,
        })
    }

    /// For people.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "seed {}: {:.0} s, {} operations on {} keys, {} of unknown outcome, replicas of {} \
             partitions compared",
            self.seed,
            self.elapsed.as_secs_f64(),
            self.operations,
            self.keys,
            self.unknown,
            self.partitions_compared
        )];
        let faults = self.events.faults.iter();
        let faults: Vec<String> = faults
            .map(|(kind, count)| format!("{} {count}", kind.name()))
            .collect();
        lines.push(format!("faults: {}", faults.join(", ")));
        let (made, dropped) = self.tables;
        lines.push(format!("tables: {made} made, {dropped} dropped"));
        for (kind, gaps) in &self.events.write_gaps {
            lines.push(format!(
                "write gap after {:<8} {}",
                kind.name(),
                figures(gaps)
            ));
        }
        if !self.events.leader_gaps.is_empty() {
            lines.push(format!(
                "no leading meta server {}",
                figures(&self.events.leader_gaps)
            ));
        }
        if !self.events.healings.is_empty() {
            lines.push(format!(
                "all members back      {}",
                figures(&self.events.healings)
            ));
        }
        if self.violations.is_empty() {
            lines.push("no violation".to_owned());
        }
        for violation in &self.violations {
            lines.push(format!("VIOLATION: {violation}"));
        }
        lines
    }
}

fn figures(durations: &[Duration]) -> String {
    let sorted = sorted_ms(durations);
    format!(
        "p50 {} ms, p99 {} ms, max {} ms (of {})",
        percentile(&sorted, 50),
        percentile(&sorted, 99),
        percentile(&sorted, 100),
        sorted.len()
    )
}

/// The figures, and how many durations lie up to each of some bounds.
fn distribution(durations: &[Duration]) -> Value {
    const BOUNDS_MS: [u128; 10] = [10, 20, 50, 100, 200, 500, 1_000, 2_000, 3_000, 10_000];
    let sorted = sorted_ms(durations);
    let up_to = |bound: u128| sorted.iter().filter(|&&ms| ms <= bound).count();
    let histogram: Vec<Value> = BOUNDS_MS
        .iter()
        .map(|&bound| json!({"up_to_ms": bound, "count": up_to(bound)}))
        .collect();
    json!({
        "count": sorted.len(),
        "p50": percentile(&sorted, 50),
        "p99": percentile(&sorted, 99),
        "max": percentile(&sorted, 100),
        "histogram": histogram,
    })
}

fn sorted_ms(durations: &[Duration]) -> Vec<u128> {
    let mut sorted: Vec<u128> = durations.iter().map(Duration::as_millis).collect();
    sorted.sort_unstable();
    sorted
}

/// The smallest value that so many per cent of all do not exceed.
fn percentile(sorted: &[u128], percent: usize) -> u128 {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let sorted: Vec<u128> = (1..=200).collect();
        assert_eq!(percentile(&sorted, 50), 100);
        assert_eq!(percentile(&sorted, 99), 198);
        assert_eq!(percentile(&sorted, 100), 200);
        assert_eq!(percentile(&[7], 50), 7);
        assert_eq!(percentile(&[], 99), 0);
    }
}
