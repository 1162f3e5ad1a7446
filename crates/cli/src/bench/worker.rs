//! The loops that make load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hdrhistogram::Histogram;
use pegasus_client::{
    ClientError, Cluster, MultiGetOptions, NewRecord, RecordKey, ScanOptions, Table, Ttl,
};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

use super::distribution::{Distribution, KeyChooser};
use super::key_space::KeySpace;
use super::pace::Pace;
use super::workload::{Step, Workload};
use super::{BenchCommand, BenchError};

/// The longest latency that the histogram tells apart, in nanoseconds.
const LATENCY_MAX_NS: u64 = 60_000_000_000;
/// Values are windows of this much random data.
const VALUE_POOL_BYTES: usize = 1 << 20;
/// Records of one `multi_get`.
const MULTI_GET_RECORDS: u64 = 10;
/// Records of the longest scan.
const SCAN_RECORDS_MAX: u64 = 100;
/// Records that one loader writes at a time.
const LOAD_BATCH: u64 = 64;

/// What all workers have in common.
#[derive(Debug)]
pub struct Plan {
    pub(super) workload: Workload,
    pub(super) distribution: Distribution,
    pub(super) space: KeySpace,
    pub(super) value_size: usize,
    pub(super) seed: u64,
    /// Records that exist; grows with inserts.
    pub(super) inserted: AtomicU64,
}

/// What a phase does.
#[derive(Clone, Copy, Debug)]
pub enum Task {
    /// Writes every record once.
    Load,
    /// Runs the workload for this long, unmeasured.
    Warmup(Duration),
    /// Runs the workload for this long.
    Run(Duration),
}

impl Task {
    /// Sets the random choices of the phases apart: a measured run that repeated the keys of its
    /// warm-up would find them all in the caches.
    fn seed(self) -> u64 {
        match self {
            Self::Load => 0,
            Self::Warmup(_) => 1,
            Self::Run(_) => 2,
        }
    }
}

/// Counts for the progress line, and the loaders' shared position.
#[derive(Debug, Default)]
pub struct Counters {
    pub(super) operations: AtomicU64,
    pub(super) failures: AtomicU64,
    next_record: AtomicU64,
}

/// What a phase has measured.
#[derive(Debug)]
pub struct Outcome {
    /// Latencies of successful operations, in nanoseconds.
    pub(super) latencies: Histogram<u64>,
    pub(super) operations: u64,
    pub(super) failures: u64,
    pub(super) first_failure: Option<ClientError>,
    /// From the first operation to the end of the last.
    pub(super) elapsed: Duration,
}

impl Default for Outcome {
    fn default() -> Self {
        Self {
            latencies: Histogram::new_with_bounds(1, LATENCY_MAX_NS, 3)
                .expect("the bounds of the histogram are constants that it accepts"),
            operations: 0,
            failures: 0,
            first_failure: None,
            elapsed: Duration::ZERO,
        }
    }
}

impl Outcome {
    /// Adds what another thread or worker measured at the same time.
    pub fn add(&mut self, other: Self) {
        self.latencies
            .add(other.latencies)
            .expect("all histograms have the same bounds");
        self.operations += other.operations;
        self.failures += other.failures;
        self.first_failure = self.first_failure.take().or(other.first_failure);
        self.elapsed = self.elapsed.max(other.elapsed);
    }

    fn note(&mut self, latency: Duration, result: Result<(), ClientError>, counters: &Counters) {
        match result {
            Ok(()) => {
                self.operations += 1;
                counters.operations.fetch_add(1, Ordering::Relaxed);
                let nanoseconds = u64::try_from(latency.as_nanos()).unwrap_or(LATENCY_MAX_NS);
                self.latencies.saturating_record(nanoseconds);
            }
            Err(error) => {
                self.failures += 1;
                counters.failures.fetch_add(1, Ordering::Relaxed);
                self.first_failure.get_or_insert(error);
            }
        }
    }
}

/// Runs the given workers on a runtime of this thread.
pub fn run_thread(
    command: &BenchCommand,
    plan: &Arc<Plan>,
    task: Task,
    workers: impl Iterator<Item = u32>,
    counters: &Arc<Counters>,
    stop: &Arc<AtomicBool>,
) -> Result<Outcome, BenchError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| BenchError::Thread(error.to_string()))?;
    runtime.block_on(async {
        let values = value_pool(plan);
        let mut opened = Vec::new();
        for number in workers {
            let cluster = Cluster::connect(&command.meta, command.client_options()).await?;
            opened.push((number, cluster.table(&command.table).await?));
        }
        let started = Instant::now();
        let mut running = tokio::task::JoinSet::new();
        for (number, table) in opened {
            let seed = plan.seed.wrapping_mul(3).wrapping_add(task.seed());
            let seed = seed.wrapping_mul(1_000_003);
            let seed = seed.wrapping_add(u64::from(number));
            let worker = Worker {
                table,
                pace: Pace::of_worker(command.rate, number, command.connections, started),
                plan: plan.clone(),
                values: values.clone(),
                rng: SmallRng::seed_from_u64(seed),
                counters: counters.clone(),
                stop: stop.clone(),
                outcome: Outcome::default(),
            };
            running.spawn(worker.work(task));
        }
        let mut total = Outcome::default();
        while let Some(outcome) = running.join_next().await {
            total.add(outcome.map_err(|error| BenchError::Thread(error.to_string()))?);
        }
        total.elapsed = started.elapsed();
        Ok(total)
    })
}

/// Random bytes, a window of which is a value.
fn value_pool(plan: &Plan) -> Bytes {
    let mut pool = vec![0; VALUE_POOL_BYTES + plan.value_size];
    SmallRng::seed_from_u64(plan.seed).fill(pool.as_mut_slice());
    pool.into()
}

struct Worker {
    table: Table,
    pace: Pace,
    plan: Arc<Plan>,
    values: Bytes,
    rng: SmallRng,
    counters: Arc<Counters>,
    stop: Arc<AtomicBool>,
    outcome: Outcome,
}

impl Worker {
    async fn work(mut self, task: Task) -> Outcome {
        match task {
            Task::Load => self.load().await,
            Task::Warmup(duration) | Task::Run(duration) => self.run(duration).await,
        }
        self.outcome
    }

    async fn run(&mut self, duration: Duration) {
        let chooser = self.chooser();
        let mut now = Instant::now();
        let deadline = now + duration;
        loop {
            now = self.pace.next(now).await;
            if now >= deadline || self.stop.load(Ordering::Relaxed) {
                return;
            }
            let step = self.plan.workload.draw(&mut self.rng);
            let result = self.step(step, &chooser).await;
            // The end of one operation is the begin of the next: one look at the clock each.
            let end = Instant::now();
            self.outcome.note(end - now, result, &self.counters);
            now = end;
        }
    }

    fn chooser(&self) -> KeyChooser {
        let plan = &self.plan;
        let keys = match plan.workload {
            // Scans and multi_gets choose among hash keys.
            Workload::MultiGet | Workload::Scan | Workload::YcsbE => plan.space.hash_keys(),
            _ => plan.space.records(),
        };
        if plan.workload.prefers_new() && plan.distribution == Distribution::Zipfian {
            KeyChooser::latest(keys)
        } else {
            KeyChooser::new(plan.distribution, keys)
        }
    }

    async fn step(&mut self, step: Step, chooser: &KeyChooser) -> Result<(), ClientError> {
        let inserted = self.plan.inserted.load(Ordering::Relaxed);
        let record = chooser.draw(inserted, &mut self.rng);
        match step {
            Step::Read => self.read(record).await,
            Step::Update => self.write(record).await,
            Step::Insert => {
                let record = self.plan.inserted.fetch_add(1, Ordering::Relaxed);
                self.write(record).await
            }
            Step::ReadModifyWrite => {
                self.read(record).await?;
                self.write(record).await
            }
            Step::MultiGet => self.multi_get(self.first_of_hash_key(record)).await,
            Step::Scan => self.scan(self.first_of_hash_key(record)).await,
        }
    }

    fn first_of_hash_key(&self, hash_key: u64) -> u64 {
        hash_key * self.plan.workload.sort_keys_per_hash_key()
    }

    async fn read(&self, record: u64) -> Result<(), ClientError> {
        let space = &self.plan.space;
        let (hash_key, sort_key) = (space.hash_key(record), space.sort_key(record));
        self.table.get(&hash_key, &sort_key).await.map(drop)
    }

    async fn write(&mut self, record: u64) -> Result<(), ClientError> {
        let value = self.value();
        let space = &self.plan.space;
        let (hash_key, sort_key) = (space.hash_key(record), space.sort_key(record));
        self.table.set(&hash_key, &sort_key, value).await
    }

    async fn multi_get(&mut self, first: u64) -> Result<(), ClientError> {
        let space = self.plan.space;
        let sort_keys = (first..first + MULTI_GET_RECORDS)
            .map(|record| Bytes::copy_from_slice(&space.sort_key(record)))
            .collect();
        let hash_key = space.hash_key(first);
        let options = MultiGetOptions::new();
        let records = self.table.multi_get(&hash_key, sort_keys, &options);
        records.await.map(drop)
    }

    async fn scan(&mut self, first: u64) -> Result<(), ClientError> {
        let length = self.rng.random_range(1..=SCAN_RECORDS_MAX);
        let batch = u32::try_from(length).unwrap_or(u32::MAX);
        let options = ScanOptions::new().batch_size(batch);
        let hash_key = self.plan.space.hash_key(first);
        let mut scanner = self.table.hash_scanner(&hash_key, b"", b"", &options)?;
        for _ in 0..length {
            if scanner.next().await.transpose()?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn value(&mut self) -> Bytes {
        let start = self.rng.random_range(0..VALUE_POOL_BYTES);
        self.values.slice(start..start + self.plan.value_size)
    }

    /// Writes records in blocks until all are written or one fails.
    async fn load(&mut self) {
        let space = self.plan.space;
        while self.outcome.failures == 0 && !self.stop.load(Ordering::Relaxed) {
            let first = self
                .counters
                .next_record
                .fetch_add(LOAD_BATCH, Ordering::Relaxed);
            if first >= space.records() {
                return;
            }
            let block = first..(first + LOAD_BATCH).min(space.records());
            let records = block.map(|record| NewRecord {
                key: RecordKey {
                    hash_key: Bytes::copy_from_slice(&space.hash_key(record)),
                    sort_key: Bytes::copy_from_slice(&space.sort_key(record)),
                },
                value: self.value(),
                ttl: Ttl::Forever,
            });
            let records: Vec<_> = records.collect();
            let started = Instant::now();
            for result in self.table.batch_set(records).await {
                self.outcome.note(started.elapsed(), result, &self.counters);
            }
        }
    }
}
