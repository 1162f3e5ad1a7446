//! One line each second, on standard error, so that the result alone is on standard output.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::worker::{Counters, Task};

/// Prints a line for the person who waits. Nobody reading it is no failure.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Prints the present speed, once a second, until aborted.
pub async fn each_second(counters: Arc<Counters>, task: Task) {
    let what = match task {
        Task::Load => "load",
        Task::Warmup(_) => "warm",
        Task::Run(_) => "run",
    };
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.tick().await;
    let mut before = 0;
    for second in 1_u64.. {
        ticks.tick().await;
        let operations = counters.operations.load(Ordering::Relaxed);
        let failures = counters.failures.load(Ordering::Relaxed);
        let speed = operations - before;
        before = operations;
        note(&format!(
            "{what} {second:>4} s  {speed:>9} ops/s  {operations:>11} in all  {failures} failed"
        ));
    }
}
