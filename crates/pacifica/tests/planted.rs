//! The random runs find every bug that can be planted. Prints a table of the seeds that it took.

#![cfg(feature = "planted")]

mod model;

use std::panic::{catch_unwind, set_hook};

use model::World;
use pegasus_pacifica::planted::{PlantedBug, plant};

const STEPS: u64 = 3_000;

/// `PACIFICA_SEEDS=n`: how many seeds are tried for each bug.
fn seeds_max() -> u64 {
    let given = std::env::var("PACIFICA_SEEDS").ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(10_000)
}

/// How many seeds it takes, and the first line of what is said then.
fn seeds_to_find(bug: PlantedBug) -> Option<(u64, String)> {
    plant(Some(bug));
    let found = (0..seeds_max()).find_map(|seed| {
        let failure = catch_unwind(|| World::run_seed(seed, STEPS, false)).err()?;
        let text = failure
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| failure.downcast_ref::<&str>().map(ToString::to_string));
        Some((seed + 1, text.unwrap_or_default()))
    });
    plant(None);
    found
}

#[test]
fn every_planted_bug_is_found() {
    set_hook(Box::new(|_| {}));
    let mut missed = Vec::new();
    for bug in PlantedBug::ALL {
        match seeds_to_find(bug) {
            Some((seeds, text)) => {
                let line = text.lines().next_back().unwrap_or_default();
                let line: String = line.chars().take(90).collect();
                println!("{:<30} {seeds:>5}  {line}", format!("{bug:?}"));
            }
            None => {
                println!("{:<30} never", format!("{bug:?}"));
                missed.push(bug);
            }
        }
    }
    drop(std::panic::take_hook());
    assert!(missed.is_empty(), "not found: {missed:?}");
}
