//! The metadata group in simulated time: members that crash with what they had not flushed, messages
//! that are late, lost, doubled or cut off in one direction, clocks that drift. What clients saw must be
//! linearizable, an epoch that has passed must never write again, and nobody may surely lead for longer
//! after a successor than the store says. The same seed gives the same course.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that panics has failed, as it should; its figures go into docs/testing.md"
)]

mod clients;
mod course;
mod disk;
mod members;
mod wires;

use course::{Course, run, run_undisturbed};
use disk::Kind;

/// Seeds in CI; `METASTORE_SEEDS=n` tries more, from `METASTORE_FIRST_SEED` on.
const SEEDS: u64 = 60;
/// Within so many seeds the planted bug is found; it showed with the sixth.
const SEEDS_TO_FIND: u64 = 200;

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(default, |text| text.parse().unwrap())
}

#[test]
fn groups_are_linearizable_and_fenced_whatever_goes_wrong() {
    let first = number("METASTORE_FIRST_SEED", 0);
    let mut total = Course::default();
    for seed in first..first + number("METASTORE_SEEDS", SEEDS) {
        match run(seed, Kind::Usual) {
            Ok(course) => total.add(&course),
            Err(violation) => panic!("METASTORE_FIRST_SEED={seed} METASTORE_SEEDS=1: {violation}"),
        }
    }
    println!("{total:?}");
    assert!(total.reigns > 0 && total.commits > 0 && total.crashes > 0);
}

#[test]
fn the_same_seed_gives_the_same_course() {
    for seed in 0..5 {
        assert_eq!(
            run(seed, Kind::Usual).unwrap(),
            run(seed, Kind::Usual).unwrap()
        );
    }
}

#[test]
fn a_disk_that_acknowledges_too_early_is_found_out() {
    let bug = Kind::AcknowledgesEarly;
    let found = (0..SEEDS_TO_FIND).find_map(|seed| run(seed, bug).err().zip(Some(seed)));
    let (violation, seed) = found.expect("the bug shows");
    println!("seed {seed}: {violation:.200}");
}

/// `cargo test -p pegasus-metastore --features planted --test simulated_group`.
#[cfg(feature = "planted")]
#[test]
fn every_planted_bug_is_found() {
    use pegasus_metastore::planted::{PlantedBug, plant};

    for bug in PlantedBug::ALL {
        plant(Some(bug));
        let found =
            (0..SEEDS_TO_FIND).find_map(|seed| run(seed, Kind::Usual).err().zip(Some(seed)));
        plant(None);
        let (violation, seed) = found.unwrap_or_else(|| panic!("{bug:?} is not found"));
        println!("{bug:?}: found by seed {seed}: {violation:.200}");
    }
}

/// A leader that answers late because its disks write is still the leader.
#[test]
fn slow_disks_depose_nobody() {
    for seed in 0..10 {
        let course = run_undisturbed(seed, Kind::Slow).unwrap();
        println!("seed {seed}: {course:?}");
        assert_eq!(course.reigns, 1, "seed {seed}: {course:?}");
        assert!(course.commits > 20, "seed {seed}: {course:?}");
    }
}
