//! `cargo run -p pegasus-sim -- --seeds A..B`: simulates clusters, and says which seeds fail.

#![allow(clippy::print_stdout, reason = "this is a command for people")]

use std::ops::Range;
use std::process::ExitCode;

use clap::Parser;
use pegasus_sim::campaign::{Campaign, Report, UntilFailure, trace_seed};
use pegasus_sim::planted::Planted;

/// Simulates whole clusters with everything that goes wrong.
#[derive(Debug, Parser)]
struct Options {
    /// Which seeds: `A..B`, or one.
    #[arg(long, value_parser = parse_seeds, default_value = "0..1000")]
    seeds: Range<u64>,
    /// Print every step of each seed.
    #[arg(long)]
    trace: bool,
    /// Stop at the first failure.
    #[arg(long)]
    stop: bool,
    /// Switch a bug on; `list` names them, `all` tries each until it is found.
    #[arg(long)]
    planted: Option<String>,
    /// Threads; the default is one for each core.
    #[arg(long)]
    threads: Option<usize>,
    /// Run each seed twice that this number divides.
    #[arg(long, default_value_t = 100)]
    twice_every: u64,
}

fn parse_seeds(text: &str) -> Result<Range<u64>, String> {
    let number = |text: &str| {
        text.trim()
            .parse::<u64>()
            .map_err(|error| error.to_string())
    };
    match text.split_once("..") {
        Some((first, end)) => Ok(number(first)?..number(end)?),
        None => number(text).map(|seed| seed..seed + 1),
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    if options.trace {
        return trace(options.seeds);
    }
    // What fails is reported at the end, not where it fails.
    std::panic::set_hook(Box::new(|_| {}));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let campaign = Campaign {
        threads: options.threads.unwrap_or(threads),
        twice_every: options.twice_every,
        planted: None,
        until_failure: if options.stop {
            UntilFailure::Stop
        } else {
            UntilFailure::GoOn
        },
    };
    match options.planted.as_deref() {
        None => report(&campaign.run(options.seeds, |failure| println!("{failure}"))),
        Some("list") => {
            for bug in Planted::all() {
                println!("{}", bug.name());
            }
            ExitCode::SUCCESS
        }
        Some("all") => hunt(campaign, &Planted::all(), &options.seeds),
        Some(name) => match Planted::of_name(name) {
            Some(bug) => hunt(campaign, &[bug], &options.seeds),
            None => {
                println!("no bug has the name {name}; see --planted list");
                ExitCode::FAILURE
            }
        },
    }
}

/// Looks for each bug until a seed finds it.
fn hunt(campaign: Campaign, bugs: &[Planted], seeds: &Range<u64>) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for bug in bugs {
        let campaign = Campaign {
            planted: Some(*bug),
            until_failure: UntilFailure::Stop,
            ..campaign
        };
        let report = campaign.run(seeds.clone(), |_| {});
        match report.failures.first() {
            Some(failure) => println!(
                "{:<40} {:>5} seeds  {:.140} (seed {})",
                bug.name(),
                report.seeds,
                failure.headline(),
                failure.seed
            ),
            None => {
                println!("{:<40} not found in {} seeds", bug.name(), report.seeds);
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

fn trace(seeds: Range<u64>) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for seed in seeds {
        let (lines, outcome) = trace_seed(seed);
        for line in lines {
            println!("{line}");
        }
        match outcome {
            Ok(summary) => println!("seed {seed}: {summary:?}"),
            Err(what) => {
                println!("seed {seed} fails: {what}");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

fn report(report: &Report) -> ExitCode {
    println!("{report}");
    let unreached = pegasus_sim::reach_marks::unreached();
    for mark in &unreached {
        println!("not reached: {mark}");
    }
    if report.failures.is_empty() && unreached.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
