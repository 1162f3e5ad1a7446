//! Groups of replicas under random interleavings and faults; I1–I3, I5, I7, I8 and the survival of
//! every answered write are checked at each step.
//!
//! `PACIFICA_SEED=n` repeats one run, and with `PACIFICA_TELL=1` tells it; `PACIFICA_RUNS=n` sets how
//! many fresh seeds are tried.

mod model;

use std::hash::{BuildHasher, RandomState};
use std::panic::catch_unwind;

use model::choice::Choices;
use model::reach::Reach;
use model::{Size, World, small_options};
use proptest::prelude::*;

const STEPS: u64 = 3_000;

/// One run; a failure names its seed.
fn run_seed(seed: u64) -> World {
    let is_told = environment("PACIFICA_TELL").is_some();
    let run = || World::run_seed(seed, STEPS, is_told);
    catch_unwind(run).unwrap_or_else(|cause| {
        let text = cause
            .downcast_ref::<String>()
            .map_or("(see above)", String::as_str);
        panic!("{text}\nrepeat: PACIFICA_SEED={seed} cargo test -p pegasus-pacifica --test group")
    })
}

fn environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn fixed_seeds_keep_every_invariant() {
    let mut answered = 0;
    let mut reach = Reach::default();
    for seed in 0..1_000 {
        let world = run_seed(seed);
        answered += world.checks.answered.len();
        reach.add(&world.reach);
    }
    println!("{answered} writes answered, {:#?}", reach.counts);
    let is_rare = |&&what: &&&str| reach.counts.get(what).is_none_or(|&count| count < 10);
    let rare: Vec<_> = Reach::WANTED.iter().filter(is_rare).collect();
    assert!(rare.is_empty(), "hardly reached: {rare:?}");
    assert!(
        answered > 15_000,
        "the runs do little: {answered} writes answered"
    );
}

#[test]
fn fresh_seeds_keep_every_invariant() {
    if let Some(seed) = environment("PACIFICA_SEED") {
        run_seed(seed);
        return;
    }
    let start = RandomState::new().hash_one("pacifica");
    for run in 0..environment("PACIFICA_RUNS").unwrap_or(1_000) {
        run_seed(start.wrapping_add(run));
    }
}

#[test]
fn the_same_seed_gives_the_same_states() {
    let fingerprints = |world: &World| -> Vec<Option<u64>> {
        let replicas = world.nodes.iter().map(|node| node.replica.as_ref());
        replicas
            .map(|replica| replica.map(pegasus_pacifica::Replica::fingerprint))
            .collect()
    };
    for seed in 0..5 {
        assert_eq!(fingerprints(&run_seed(seed)), fingerprints(&run_seed(seed)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// The same world, with choices that can be shrunk to a short story.
    #[test]
    fn short_stories_keep_every_invariant(list in prop::collection::vec(any::<u16>(), 8..1200)) {
        let mut world = World::new(Size::of_members(3), small_options());
        world.run(&mut Choices::List(list.into_iter()), u64::MAX);
    }
}
