//! The campaign of seeds that CI runs each time, and the seeds that once failed.
//!
//! `SIM_SEEDS=n` sets how many seeds are run; `SIM_FIRST=n` where they begin. With the feature `reach`
//! the campaign must also take every branch of `pegasus_sim::reach_marks::REQUIRED`.

use pegasus_sim::campaign::{Campaign, UntilFailure, run_seed};

/// Seeds of CI's campaign.
const SEEDS: u64 = 2_000;

fn environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn campaign() -> Campaign {
    Campaign {
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        twice_every: 100,
        until_failure: UntilFailure::GoOn,
        planted: None,
    }
}

#[test]
#[cfg_attr(
    not(feature = "reach"),
    ignore = "minutes; CI runs it with the feature `reach`"
)]
fn no_seed_of_the_campaign_fails() {
    let first = environment("SIM_FIRST").unwrap_or(0);
    let count = environment("SIM_SEEDS").unwrap_or(SEEDS);
    let report = campaign().run(first..first + count, |_| {});
    println!("{report}");
    let failures: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(
        report.operations > count * 50,
        "the clients do little: {} operations",
        report.operations
    );
    let unreached = pegasus_sim::reach_marks::unreached();
    assert!(unreached.is_empty(), "not reached: {unreached:?}");
}

#[test]
fn seeds_that_once_failed_do_not_fail_again() {
    let seeds = include_str!("../regressions.txt").lines();
    let seeds = seeds.filter_map(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    for seed in seeds {
        if let Err(what) = run_seed(seed) {
            panic!("seed {seed}: {what}");
        }
    }
}
