//! The power goes at any operation of a random life of a log: what was acknowledged is there.
//!
//! With the feature `planted` the same campaign shows that it finds bugs:
//! `cargo test -p pegasus-log --features planted --test power_cut -- --nocapture`.

mod support;

use std::sync::Arc;

use pegasus_common::Decree;
use pegasus_log::{LogOptions, OpenMode, Record, Suspects};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use support::power::PowerDisk;
use support::{Image, Running, gpid, mutation, quick, scratch};

/// One replica's life as a test sees it.
#[derive(Default)]
struct Life {
    submitted: Vec<Record>,
    acknowledged: usize,
    flushed: i64,
}

/// Writes until the power goes, or for long enough.
fn live(running: &mut Running, disk: &PowerDisk, random: &mut StdRng) -> Life {
    let mut life = Life::default();
    let mut decree = 0;
    for _ in 0..40 {
        if random.random_ratio(1, 10) {
            disk.full_after(0);
        }
        let batch: Vec<Record> = (0..random.random_range(1..4))
            .map(|_| {
                decree += 1;
                mutation(0, 1, decree, random.random_range(0..1500))
            })
            .collect();
        let Ok(ticket) = running.handle.submit(batch.clone()) else {
            return life;
        };
        life.submitted.extend(batch);
        while running.shard.safe() < ticket {
            if running.log.failure().is_some() {
                return life;
            }
            std::thread::yield_now();
        }
        life.acknowledged = life.submitted.len();
        if random.random_ratio(1, 4) {
            life.flushed = random.random_range(life.flushed..=decree);
            running.log.set_flushed(gpid(0), Decree(life.flushed));
        }
    }
    life
}

/// One life and its end; an error says what was wrong.
fn run(seed: u64) -> Result<(), String> {
    let mut random = StdRng::seed_from_u64(seed);
    let scratch = scratch();
    let directory = scratch.path().join("log");
    let disk = PowerDisk::lasting(random.random_range(20..250));
    let options = LogOptions {
        files: Arc::new(disk.clone()),
        ..quick(&directory)
    };
    let Ok(mut running) = Running::try_open(options, OpenMode::Create) else {
        return Ok(()); // nothing was promised yet
    };
    let life = live(&mut running, &disk, &mut random);
    drop(running);
    disk.cut(&mut random);
    check(&life, &directory, scratch.path()).map_err(|problem| format!("seed {seed}: {problem}"))
}

fn check(
    life: &Life,
    directory: &std::path::Path,
    scratch: &std::path::Path,
) -> Result<(), String> {
    let image = Image::of(directory);
    let opened = image.try_open(scratch).map_err(|error| error.to_string())?;
    if let Some(damage) = opened.report.damages.first() {
        return Err(damage.to_string());
    }
    if opened.report.doubts != Suspects::none() {
        return Err(format!("doubts about {}", opened.report.doubts));
    }
    let flushed = usize::try_from(life.flushed).expect("not negative");
    let lost = life.submitted[flushed..life.acknowledged.max(flushed)]
        .iter()
        .find(|record| !opened.replayed.contains(record));
    match lost {
        Some(record) => Err(format!("{record:?} was acknowledged")),
        None => Ok(()),
    }
}

// The bugs are switched on for the whole process.
#[cfg(not(feature = "planted"))]
#[test]
fn whenever_the_power_goes_nothing_acknowledged_is_lost() {
    for seed in 0..300 {
        run(seed).unwrap();
    }
}

#[cfg(feature = "planted")]
#[test]
#[allow(clippy::print_stdout, reason = "the table is the result")]
fn every_planted_bug_is_found() {
    use pegasus_log::planted::{PlantedBug, plant};

    for bug in PlantedBug::ALL {
        plant(Some(bug));
        let found = (0..1000).find_map(|seed| {
            let outcome = std::panic::catch_unwind(|| run(seed));
            let problem = outcome.unwrap_or_else(|_| Err("panic".to_owned())).err();
            problem.map(|problem| (seed + 1, problem))
        });
        plant(None);
        let Some((seeds, problem)) = found else {
            panic!("{bug:?} is not found");
        };
        println!("{bug:?}: found after {seeds} seeds: {problem:.120}");
    }
}
