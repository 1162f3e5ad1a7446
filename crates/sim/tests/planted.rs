//! The simulator finds bugs: each of these is switched on and must be found within so many seeds.
//! Prints the table of docs/testing.md.

#![cfg(feature = "planted")]

use pegasus_sim::campaign::{Campaign, UntilFailure};
use pegasus_sim::planted::Planted;

/// Within so many seeds each bug is found.
const SEEDS_MAX: u64 = 1_000;

/// Bugs that whole clusters do not show within these seeds, and what finds them instead.
const FOUND_ELSEWHERE: [&str; 0] = [];

#[test]
fn every_planted_bug_is_found() {
    std::panic::set_hook(Box::new(|_| {}));
    let mut missed = Vec::new();
    for bug in Planted::all() {
        let name = bug.name();
        if FOUND_ELSEWHERE.contains(&name.as_str()) {
            continue;
        }
        let campaign = Campaign {
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            twice_every: 0,
            until_failure: UntilFailure::Stop,
            planted: Some(bug),
        };
        let report = campaign.run(0..SEEDS_MAX, |_| {});
        match report.failures.first() {
            Some(failure) => {
                let line = failure.what.lines().next().unwrap_or_default();
                println!("| {name} | {} | {line:.100} |", failure.seed + 1);
            }
            None => missed.push(name),
        }
    }
    drop(std::panic::take_hook());
    assert!(missed.is_empty(), "not found: {missed:?}");
}
