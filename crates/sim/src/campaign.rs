//! Many seeds: which of them fail, how fast they run, and what they have reached.

use std::any::Any;
use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::planted::{Planted, plant};
use crate::run::{Run, Summary};
use crate::trace::Verbosity;

/// A seed that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What does not hold.
    pub what: String,
}

impl Failure {
    /// What does not hold, in a line.
    #[must_use]
    pub fn headline(&self) -> &str {
        self.what.lines().next().unwrap_or_default()
    }
}

/// What does not hold, and the command that shows how it came to that.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, what } = self;
        writeln!(f, "seed {seed}: {what}")?;
        write!(f, "    cargo run -p pegasus-sim -- --trace --seeds {seed}")
    }
}

/// What many seeds came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Seeds that ran.
    pub seeds: u64,
    /// Those that failed, by seed.
    pub failures: Vec<Failure>,
    /// Steps of all runs.
    pub steps: u64,
    /// Simulated time of all runs.
    pub simulated: Duration,
    /// Operations of all clients that were answered.
    pub operations: u64,
    /// The longest healing.
    pub longest_healing: Duration,
    /// Keys whose histories were not explained to the end.
    pub undecided: u64,
    /// How long it took.
    pub took: Duration,
}

impl Report {
    fn add(&mut self, seed: u64, outcome: Result<Summary, String>) -> Option<&Failure> {
        self.seeds += 1;
        match outcome {
            Ok(summary) => {
                self.steps += summary.steps;
                self.simulated += summary.simulated;
                self.operations += summary.operations;
                self.undecided += summary.undecided;
                self.longest_healing = self.longest_healing.max(summary.healing);
            }
            Err(what) => {
                self.failures.push(Failure { seed, what });
                return self.failures.last();
            }
        }
        None
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = self.took.as_secs_f64().max(0.001);
        let simulated = self.simulated.as_secs_f64();
        let steps = self.steps as f64;
        write!(
            f,
            "{} seeds, {} failures; {simulated:.0} simulated seconds in {took:.1} s \
             ({:.0} times real time), {:.0} steps/s, {} operations, {} keys undecided, \
             longest healing {:.1} s",
            self.seeds,
            self.failures.len(),
            simulated / took,
            steps / took,
            self.operations,
            self.undecided,
            self.longest_healing.as_secs_f64(),
        )
    }
}

/// How a campaign is done.
#[derive(Clone, Copy, Debug)]
pub struct Campaign {
    /// Threads, each with one run at a time.
    pub threads: usize,
    /// Each seed that this number divides is run twice and must do the same; 0: none.
    pub twice_every: u64,
    /// Stop after the first failure.
    pub until_failure: UntilFailure,
    /// A bug that is switched on.
    pub planted: Option<Planted>,
}

/// Whether a campaign ends with the first failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UntilFailure {
    /// It does.
    Stop,
    /// It goes on.
    GoOn,
}

impl Campaign {
    /// Runs the seeds; `on_failure` hears of each that fails, when it does.
    #[must_use]
    pub fn run(&self, seeds: Range<u64>, on_failure: impl Fn(&Failure) + Sync) -> Report {
        let begin = Instant::now();
        let next = AtomicU64::new(seeds.start);
        let report = Mutex::new(Report::default());
        std::thread::scope(|scope| {
            for _ in 0..self.threads {
                scope.spawn(|| {
                    plant(self.planted);
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= seeds.end {
                            return;
                        }
                        let outcome = self.run_one(seed);
                        if outcome.is_err() && self.until_failure == UntilFailure::Stop {
                            next.store(seeds.end, Ordering::Relaxed);
                        }
                        let mut report = report.lock().expect("no thread panics with it");
                        if let Some(failure) = report.add(seed, outcome) {
                            on_failure(failure);
                        }
                    }
                });
            }
        });
        let mut report = report.into_inner().expect("no thread panics with it");
        report.failures.sort_by_key(|failure| failure.seed);
        report.took = begin.elapsed();
        report
    }

    fn run_one(&self, seed: u64) -> Result<Summary, String> {
        let first = run_seed(seed)?;
        if self.twice_every > 0 && seed.is_multiple_of(self.twice_every) && run_seed(seed)? != first
        {
            return Err("the same seed did something else the second time".to_owned());
        }
        Ok(first)
    }
}

/// Runs one seed.
///
/// # Errors
/// What does not hold.
pub fn run_seed(seed: u64) -> Result<Summary, String> {
    let run = || Run::new(seed, Verbosity::HashOnly).to_end();
    catch_unwind(run).map_err(|cause| text_of(&*cause))
}

/// Runs one seed and gives what happened, step by step.
pub fn trace_seed(seed: u64) -> (Vec<String>, Result<Summary, String>) {
    let mut run = Run::new(seed, Verbosity::Lines);
    let outcome = catch_unwind(AssertUnwindSafe(|| run.to_end()));
    let lines = run.world.around.trace.take_lines();
    (lines, outcome.map_err(|cause| text_of(&*cause)))
}

fn text_of(cause: &(dyn Any + Send)) -> String {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| cause.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without words").to_owned()
}
