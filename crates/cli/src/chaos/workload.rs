//! Clients that do operations at random and record them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pegasus_client::Table;
use pegasus_history::key_value::{Answer, Operation};
use pegasus_history::{ClientId, Histories, Moment, Outcome, Record};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::watch;

use super::operations;

/// Hash keys in use at a time: few, so that clients meet.
const KEYS_AT_A_TIME: u64 = 8;
/// Operations after which others take their place: short histories are checked quickly.
const OPERATIONS_PER_GENERATION: u64 = 4_000;
/// Most operations wait out a failover; some give up before.
const PATIENCE: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
/// Between two operations of a client. Milliseconds.
const PAUSE_MS: std::ops::Range<u64> = 0..40;

/// What all clients have in common.
#[derive(Debug)]
pub struct Workload {
    started: Instant,
    operations: AtomicU64,
    histories: Mutex<Histories<Operation, Answer>>,
}

impl Workload {
    /// Nothing is done yet.
    pub fn new(started: Instant) -> Self {
        Self {
            started,
            operations: AtomicU64::new(0),
            histories: Mutex::new(Histories::new()),
        }
    }

    /// The time on the histories' clock.
    pub fn now(&self) -> Moment {
        Moment::from(self.started.elapsed())
    }

    /// One client: one operation after the other until told to stop.
    pub async fn run_client(
        self: Arc<Self>,
        client: ClientId,
        table: Table,
        seed: u64,
        stop: watch::Receiver<bool>,
    ) {
        let mut random = SmallRng::seed_from_u64(seed ^ (u64::from(client.0) << 32));
        while !*stop.borrow() {
            let number = self.operations.fetch_add(1, Ordering::Relaxed);
            let generation = number / OPERATIONS_PER_GENERATION;
            let hash_key = format!(
                "key-{generation}-{}",
                random.random_range(0..KEYS_AT_A_TIME)
            );
            let operation = operations::draw(&mut random, format!("{}.{number}", client.0));
            let patience = PATIENCE[random.random_range(0..PATIENCE.len())];
            let table = table.with_timeout(patience);
            self.perform(client, &table, hash_key, operation).await;
            let pause = Duration::from_millis(random.random_range(PAUSE_MS));
            tokio::time::sleep(pause).await;
        }
    }

    /// Reads every key as it is in the end: what was acknowledged must be there.
    pub async fn read_everything(&self, table: &Table) -> Result<(), String> {
        for key in self.keys() {
            let reader = ClientId(u32::MAX);
            let outcome = self
                .perform(reader, table, key.clone(), Operation::GetAll)
                .await;
            if !matches!(outcome, Outcome::Ok(_)) {
                return Err(format!("'{key}' cannot be read in the healed cluster"));
            }
        }
        Ok(())
    }

    fn keys(&self) -> Vec<String> {
        let histories = self.histories.lock();
        histories.iter().map(|(key, _)| key.to_owned()).collect()
    }

    /// What was recorded, and nothing more is.
    pub fn take_histories(&self) -> Histories<Operation, Answer> {
        std::mem::take(&mut *self.histories.lock())
    }

    async fn perform(
        &self,
        client: ClientId,
        table: &Table,
        hash_key: String,
        operation: Operation,
    ) -> Outcome<Answer> {
        let invoked = self.now();
        let outcome = operations::perform(table, &hash_key, &operation).await;
        let record = Record {
            client,
            invoked,
            returned: Some(self.now()),
            operation,
            outcome: outcome.clone(),
        };
        self.histories.lock().push(hash_key, record);
        outcome
    }
}
