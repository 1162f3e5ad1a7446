//! The random runs find every bug that can be planted. Prints a table of the seeds that it took.

#![cfg(feature = "planted")]

mod model;

use std::panic::{UnwindSafe, catch_unwind, set_hook};

use model::{Size, World, address, small_options};
use pegasus_pacifica::planted::{PlantedBug, plant};

const STEPS: u64 = 3_000;

/// `PACIFICA_SEEDS=n`: how many seeds are tried for each bug.
fn seeds_max() -> u64 {
    let given = std::env::var("PACIFICA_SEEDS").ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(2_000)
}

/// How many seeds it takes, and the first line of what is said then.
fn seeds_to_find(bug: PlantedBug) -> Option<(u64, String)> {
    plant(Some(bug));
    let found = (0..seeds_max()).find_map(|seed| {
        let failure = failure_of(|| drop(World::run_seed(seed, STEPS, false)))?;
        Some((seed + 1, failure))
    });
    plant(None);
    found
}

/// Whether the story fails with the bug, and only with it.
fn story_finds(bug: PlantedBug) -> Option<(u64, String)> {
    assert_eq!(failure_of(late_acknowledgement), None);
    plant(Some(bug));
    let failure = failure_of(late_acknowledgement);
    plant(None);
    failure.map(|text| (1, text))
}

fn failure_of(run: impl FnOnce() + UnwindSafe) -> Option<String> {
    let failure = catch_unwind(run).err()?;
    let text = failure.downcast_ref::<String>().cloned();
    let text = text.or_else(|| failure.downcast_ref::<&str>().map(ToString::to_string));
    Some(text.unwrap_or_default())
}

/// Two servers hear all that they have to say to each other.
fn talk(world: &mut World, one: usize, other: usize) {
    while world.network.waiting(one, other) + world.network.waiting(other, one) > 0 {
        world.deliver(one, other);
        world.deliver(other, one);
        world.flush_log(one, usize::MAX);
        world.flush_log(other, usize::MAX);
    }
}

/// A is primary, then B, then A again. In its first reign only C logs A's write; B proposes another in its
/// place, and A goes on with that. C's old acknowledgement reaches A in its second reign.
fn late_acknowledgement() {
    const A: usize = 0;
    const B: usize = 1;
    const C: usize = 2;
    let mut world = World::new(Size::of_members(3), small_options());
    for index in [A, B, C] {
        world.config_sync(index);
    }
    world.settle();
    world.write(A).expect("a healthy group takes writes");
    world.deliver(A, C);
    world.flush_log(C, usize::MAX);
    world.network.lose(A, B);
    for primary in [B, A] {
        world.meta.move_primary(address(primary));
        for index in [A, B] {
            world.config_sync(index);
            world.flush_log(index, usize::MAX);
        }
        talk(&mut world, A, B);
        if primary == B {
            world.write(B).expect("it took over nothing");
            talk(&mut world, A, B);
        }
    }
    while world.network.waiting(C, A) > 0 {
        world.deliver(C, A);
    }
}

#[test]
fn every_planted_bug_is_found() {
    set_hook(Box::new(|_| {}));
    let mut missed = Vec::new();
    for bug in PlantedBug::ALL {
        // Three changes of primary around one late message: a story finds it sooner than chance.
        let found = if bug == PlantedBug::StaleAckAccepted {
            story_finds(bug)
        } else {
            seeds_to_find(bug)
        };
        match found {
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
