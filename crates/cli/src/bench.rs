//! `pegasus bench`: a load generator. Every connection has one operation under way, as fast as the
//! cluster answers or at a given rate; keys are computed and values are taken from a random buffer,
//! so that the generator costs little beside the client library.

mod distribution;
mod key_space;
mod pace;
mod progress;
mod report;
mod worker;
mod workload;

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pegasus_client::{ClientError, ClientOptions, Cluster};

use crate::cluster_options::ONEBOX_METAS;

use self::distribution::Distribution;
use self::key_space::KeySpace;
use self::report::Report;
use self::worker::{Counters, Outcome, Plan, Task};
use self::workload::Workload;

/// `pegasus bench`: measures throughput and latency of a cluster
#[derive(Clone, Debug, clap::Args)]
pub struct BenchCommand {
    /// Meta servers: host:port,host:port
    #[arg(long, default_value = ONEBOX_METAS)]
    meta: String,
    /// Table to work on
    #[arg(long, default_value = "temp")]
    table: String,
    /// What to do
    #[arg(long, value_enum, default_value_t)]
    workload: Workload,
    /// Clients, each with its own connections and one operation under way
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    /// Operations per second over all connections, where latencies count from the time at which an
    /// operation was due; as many as possible if not given
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: Option<u32>,
    /// Threads that drive them
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    threads: u32,
    /// Bytes of each value
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(..=900_000))]
    value_size: u32,
    /// Records in the key space
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    keys: u64,
    /// Seconds to measure
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    duration: u64,
    /// Seconds to run before measuring
    #[arg(long, default_value_t = 1)]
    warmup: u64,
    /// How keys are chosen; the ycsb workloads are zipfian (d: latest) unless this says uniform
    #[arg(long, value_enum)]
    distribution: Option<Distribution>,
    /// Makes the choice of keys repeatable
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write every record of the key space first
    #[arg(long)]
    load: bool,
    /// Deadline of each operation
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u64).range(1..))]
    timeout_ms: u64,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Why a benchmark has no result.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The table cannot be opened.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Loading failed.
    #[error("loading the key space: {0}")]
    Load(ClientError),
    /// A thread could not start or died.
    #[error("benchmark thread: {0}")]
    Thread(String),
    /// The result could not be printed.
    #[error("standard output: {0}")]
    Output(std::io::Error),
    /// No operation succeeded.
    #[error("all operations failed; the last failure: {0}")]
    NothingSucceeded(String),
}

impl BenchCommand {
    /// Loads if asked to, runs the workload, and prints its result.
    ///
    /// # Errors
    /// See [`BenchError`]. Single failed operations are counted, not fatal.
    pub async fn run(self) -> Result<(), BenchError> {
        // Fails early, before threads start.
        let options = self.client_options();
        let cluster = Cluster::connect(&self.meta, options).await?;
        cluster.table(&self.table).await?;
        let plan = Arc::new(self.plan());
        if self.load {
            let started = Instant::now();
            let outcome = self.run_phase(&plan, Task::Load).await?;
            if let Some(error) = outcome.first_failure {
                return Err(BenchError::Load(error));
            }
            progress::note(&format!(
                "loaded {} records in {:.1} s",
                self.keys,
                started.elapsed().as_secs_f64()
            ));
        }
        if self.warmup > 0 {
            let task = Task::Warmup(Duration::from_secs(self.warmup));
            self.run_phase(&plan, task).await?;
        }
        let task = Task::Run(Duration::from_secs(self.duration));
        let outcome = self.run_phase(&plan, task).await?;
        let report = Report::new(&self, &outcome);
        let text = if self.json {
            report.json()
        } else {
            report.text().to_owned()
        };
        writeln!(std::io::stdout(), "{text}").map_err(BenchError::Output)?;
        match outcome.first_failure {
            Some(error) if outcome.operations == 0 => {
                Err(BenchError::NothingSucceeded(error.to_string()))
            }
            _ => Ok(()),
        }
    }

    fn client_options(&self) -> ClientOptions {
        ClientOptions::new().operation_timeout(Duration::from_millis(self.timeout_ms))
    }

    fn plan(&self) -> Plan {
        let sort_keys = self.workload.sort_keys_per_hash_key();
        Plan {
            workload: self.workload,
            distribution: self
                .distribution
                .unwrap_or_else(|| self.workload.usual_distribution()),
            space: KeySpace::new(self.keys, sort_keys),
            value_size: self.value_size as usize,
            seed: self.seed,
            inserted: AtomicU64::new(self.keys),
        }
    }

    /// Runs one phase on all threads and gathers what they measured.
    async fn run_phase(&self, plan: &Arc<Plan>, task: Task) -> Result<Outcome, BenchError> {
        let counters = Arc::new(Counters::default());
        let stop = Arc::new(AtomicBool::new(false));
        let threads = self.threads.min(self.connections);
        let mut running = Vec::new();
        for thread in 0..threads {
            let (command, plan) = (self.clone(), plan.clone());
            let (counters, stop) = (counters.clone(), stop.clone());
            let (done, outcome) = tokio::sync::oneshot::channel();
            let started = std::thread::Builder::new()
                .name(format!("bench-{thread}"))
                .spawn(move || {
                    let workers = (thread..command.connections).step_by(threads as usize);
                    let result =
                        worker::run_thread(&command, &plan, task, workers, &counters, &stop);
                    // Nobody listens only when another thread has failed already.
                    let _ = done.send(result);
                });
            started.map_err(|error| BenchError::Thread(error.to_string()))?;
            running.push(outcome);
        }
        let reporter = tokio::spawn(progress::each_second(counters, task));
        let mut total = Outcome::default();
        let mut failure = None;
        for outcome in running {
            match outcome.await {
                Ok(Ok(outcome)) => total.add(outcome),
                Ok(Err(error)) => failure = Some(error),
                Err(_) => failure = Some(BenchError::Thread("it died".to_owned())),
            }
            if failure.is_some() {
                stop.store(true, Ordering::Relaxed);
            }
        }
        reporter.abort();
        failure.map_or(Ok(total), Err)
    }
}
