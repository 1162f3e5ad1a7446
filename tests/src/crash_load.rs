//! Load for crash tests: writers that remember what was acknowledged, and afterwards look for it.

use std::ops::Range;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use pegasus_client::{ClientError, ClientOptions, Cluster, IncrTtl, Table, Ttl};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::{Onebox, client_runtime};

const WRITERS: u64 = 12;
const KEYS_PER_WRITER: usize = 24;
/// The kill comes this long after the load has begun. Milliseconds.
const LOAD_MS: Range<u64> = 20..1_500;
const VALUE_BYTES: Range<usize> = 0..2_000;

/// Writers on table `temp`, over any number of crashes.
#[derive(Debug)]
pub struct CrashLoad {
    seed: u64,
    round: u64,
    runtime: Runtime,
    writers: Vec<Writer>,
}

impl CrashLoad {
    /// Begins with an empty table. The seed decides what is written and when the crashes come.
    ///
    /// # Panics
    /// The system has no threads left.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            round: 0,
            runtime: client_runtime(),
            writers: (0..WRITERS).map(|id| Writer::new(id, seed)).collect(),
        }
    }

    /// One round: writes, kills every process at some instant, starts them again, and checks that
    /// everything that was acknowledged is there.
    ///
    /// # Panics
    /// It is not, or the cluster does not serve again.
    pub fn round(&mut self, onebox: &Onebox) {
        let context = format!("round {}, seed {}", self.round, self.seed);
        let mut random = StdRng::seed_from_u64(self.seed.wrapping_add(self.round));
        let load = Duration::from_millis(random.random_range(LOAD_MS));
        let acknowledged_before = acknowledged(&self.writers);
        let writers = std::mem::take(&mut self.writers);
        self.writers = write_until_killed(onebox, &self.runtime, writers, load);
        let news = acknowledged(&self.writers) - acknowledged_before;
        assert!(news > 0, "{context}: nothing was written in {load:?}");

        onebox.start_all();
        self.runtime.block_on(async {
            let table = connect(onebox).await;
            for writer in &mut self.writers {
                writer.verify(&table, &context).await;
            }
        });
        self.round += 1;
    }
}

fn acknowledged(writers: &[Writer]) -> u64 {
    writers.iter().map(|writer| writer.acknowledged).sum()
}

async fn connect(onebox: &Onebox) -> Table {
    let options = ClientOptions::new().operation_timeout(Duration::from_secs(30));
    let cluster = Cluster::connect(&onebox.meta_list(), options)
        .await
        .expect("the cluster answers");
    cluster.table("temp").await.expect("the table exists")
}

/// Runs all writers on a thread of their own, kills every process after `load`, and returns the
/// writers with what they know.
fn write_until_killed(
    onebox: &Onebox,
    runtime: &Runtime,
    writers: Vec<Writer>,
    load: Duration,
) -> Vec<Writer> {
    let table = runtime.block_on(connect(onebox));
    let (stop, stopped) = watch::channel(false);
    thread::scope(|scope| {
        let writing = scope.spawn(|| runtime.block_on(write_all(table, writers, stopped)));
        thread::sleep(load);
        onebox.kill_all();
        stop.send(true).expect("the writers listen");
        writing.join().expect("no writer panics")
    })
}

async fn write_all(
    table: Table,
    writers: Vec<Writer>,
    stopped: watch::Receiver<bool>,
) -> Vec<Writer> {
    let start = |mut writer: Writer| {
        let (table, mut stopped) = (table.clone(), stopped.clone());
        tokio::spawn(async move {
            // Giving up in the midst of a write leaves its fate open, as a crash of the client would.
            tokio::select! {
                () = writer.write_for_ever(&table) => {}
                _ = stopped.wait_for(|is_stopped| *is_stopped) => {}
            }
            writer
        })
    };
    let tasks: Vec<_> = writers.into_iter().map(start).collect();
    let mut writers = Vec::new();
    for task in tasks {
        writers.push(task.await.expect("no writer panics"));
    }
    writers
}

/// What may be found under one key: the last acknowledged number, and those written since without
/// an acknowledgement. 0 is "no record".
#[derive(Debug)]
struct Possible(Vec<u64>);

/// Writes its own keys, one operation at a time, and remembers what was acknowledged.
#[derive(Debug)]
struct Writer {
    hash_key: String,
    random: StdRng,
    last_number: u64,
    values: Vec<Possible>,
    /// The counter's acknowledged value, and how many increments are of unknown fate.
    counter: i64,
    open_increments: i64,
    acknowledged: u64,
}

const COUNTER: &[u8] = b"counter";

impl Writer {
    fn new(id: u64, seed: u64) -> Self {
        Self {
            hash_key: format!("writer-{id}"),
            random: StdRng::seed_from_u64(seed ^ (id << 32)),
            last_number: 0,
            values: (0..KEYS_PER_WRITER).map(|_| Possible(vec![0])).collect(),
            counter: 0,
            open_increments: 0,
            acknowledged: 0,
        }
    }

    async fn write_for_ever(&mut self, table: &Table) {
        loop {
            let outcome = match self.random.random_range(0..10) {
                0..7 => self.write_values(table, 1).await,
                7..9 => self.write_values(table, 3).await,
                _ => self.increment(table).await,
            };
            match outcome {
                Ok(()) => self.acknowledged += 1,
                // The fate is open; what was noted before the attempt says so. A dead cluster
                // refuses connections at once: let the others have the thread.
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }

    async fn write_values(&mut self, table: &Table, count: usize) -> Result<(), ClientError> {
        let first = self.random.random_range(0..=KEYS_PER_WRITER - count);
        let keys = first..first + count;
        self.last_number += 1;
        let number = self.last_number;
        for key in keys.clone() {
            self.values[key].0.push(number);
        }
        let value = value_of(number, self.random.random_range(VALUE_BYTES));
        let hash_key = self.hash_key.as_bytes();
        if count == 1 {
            table.set(hash_key, &sort_key(first), value).await?;
        } else {
            let records = keys.clone().map(|key| (sort_key(key), value.clone()));
            table.multi_set(hash_key, records, Ttl::Forever).await?;
        }
        for key in keys {
            self.values[key] = Possible(vec![number]);
        }
        Ok(())
    }

    async fn increment(&mut self, table: &Table) -> Result<(), ClientError> {
        self.open_increments += 1;
        let hash_key = self.hash_key.as_bytes();
        self.counter = table.incr(hash_key, COUNTER, 1, IncrTtl::Keep).await?;
        self.open_increments = 0;
        Ok(())
    }

    /// Checks every key against what is possible, and takes what is found as the new truth.
    async fn verify(&mut self, table: &Table, context: &str) {
        let hash_key = self.hash_key.as_bytes();
        for (key, possible) in self.values.iter_mut().enumerate() {
            let found = table.get(hash_key, &sort_key(key)).await;
            let found = found.unwrap_or_else(|error| panic!("{context}: {error}"));
            let number = found.as_deref().map_or(0, number_in);
            assert!(
                possible.0.contains(&number),
                "{context}: {} / {key} holds {number}, expected one of {possible:?}",
                self.hash_key
            );
            *possible = Possible(vec![number]);
        }
        let found = table.get(hash_key, COUNTER).await;
        let found = found.unwrap_or_else(|error| panic!("{context}: {error}"));
        let value = found
            .as_deref()
            .map_or(0, |text| number_in(text).cast_signed());
        let possible = self.counter..=self.counter + self.open_increments;
        assert!(
            possible.contains(&value),
            "{context}: the counter of {} holds {value}, expected {possible:?}",
            self.hash_key
        );
        self.counter = value;
        self.open_increments = 0;
    }
}

fn sort_key(key: usize) -> Bytes {
    Bytes::from(format!("key-{key:04}"))
}

/// A number and as many bytes that depend on it, so that a torn or mixed value is noticed.
fn value_of(number: u64, padding: usize) -> Bytes {
    let mut value = format!("{number} ").into_bytes();
    value.resize(value.len() + padding, padding_byte(number));
    Bytes::from(value)
}

fn padding_byte(number: u64) -> u8 {
    b'a' + u8::try_from(number % 26).expect("below 26")
}

fn number_in(value: &[u8]) -> u64 {
    let digits = value
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let text = std::str::from_utf8(&value[..digits]).expect("digits");
    let number = text
        .parse()
        .unwrap_or_else(|_| panic!("no number in {value:?}"));
    let padding = value.get(digits + 1..).unwrap_or_default();
    assert!(
        padding.iter().all(|byte| *byte == padding_byte(number)),
        "the value of {number} is mixed with another"
    );
    number
}
