//! The result of a benchmark.

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::BenchCommand;
use super::worker::Outcome;

/// Everything needed to repeat a run, and what came of it.
#[derive(Debug)]
pub struct Report {
    value: Value,
    text: String,
}

impl Report {
    /// Sums a run up.
    #[must_use]
    pub fn new(command: &BenchCommand, outcome: &Outcome) -> Self {
        let workload = name(&command.workload);
        let distribution = name(&command.plan().distribution);
        let seconds = outcome.elapsed.as_secs_f64();
        #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = outcome.operations as f64 / seconds.max(f64::EPSILON);
        let latencies = &outcome.latencies;
        let failure = outcome.first_failure.as_ref().map(ToString::to_string);
        let value = json!({
            "workload": workload,
            "distribution": distribution,
            "table": command.table,
            "connections": command.connections,
            "rate": command.rate,
            "threads": command.threads,
            "value_size": command.value_size,
            "keys": command.keys,
            "seed": command.seed,
            "seconds": round(seconds),
            "operations": outcome.operations,
            "failures": outcome.failures,
            "first_failure": failure,
            "operations_per_second": round(rate),
            "latency_us": {
                "mean": round(latencies.mean() / 1000.0),
                "p50": percentile(latencies, 50.0),
                "p99": percentile(latencies, 99.0),
                "p99_9": percentile(latencies, 99.9),
                "max": microseconds(latencies.max()),
            },
        });
        let text = format!(
            "workload {workload}, {distribution} keys, {} connections on {} threads, values of {} \
             bytes, {} records\n\
             {} operations in {seconds:.1} s: {rate:.0} ops/s, {} failed{}\n\
             latency in us: mean {:.0}, p50 {:.0}, p99 {:.0}, p99.9 {:.0}, max {:.0}",
            command.connections,
            command.threads,
            command.value_size,
            command.keys,
            outcome.operations,
            outcome.failures,
            failure.map_or(String::new(), |error| format!("; the first: {error}")),
            latencies.mean() / 1000.0,
            percentile(latencies, 50.0),
            percentile(latencies, 99.0),
            percentile(latencies, 99.9),
            microseconds(latencies.max()),
        );
        Self { value, text }
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> String {
        format!("{:#}", self.value)
    }
}

fn name(choice: &impl clap::ValueEnum) -> String {
    let name = choice.to_possible_value();
    name.map_or(String::new(), |name| name.get_name().to_owned())
}

fn percentile(latencies: &Histogram<u64>, percentile: f64) -> f64 {
    microseconds(latencies.value_at_percentile(percentile))
}

#[allow(clippy::cast_precision_loss, reason = "a latency for people")]
fn microseconds(nanoseconds: u64) -> f64 {
    round(nanoseconds as f64 / 1000.0)
}

/// One decimal.
fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
