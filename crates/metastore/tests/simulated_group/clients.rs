//! What is asked of the group, and what was seen.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use openraft::AsyncRuntime as _;
use openraft_rt_sim::SimRuntime;
use parking_lot::Mutex;
use pegasus_history::key_value::{Answer, KeyValue, Operation};
use pegasus_history::{ClientId, Limits, Moment, Outcome, Record, Verdict, check};
use pegasus_metastore::{CommitError, Epoch, MetadataStore, Transaction, Version};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::members::{Members, now};

const KEYS: u32 = 4;
const PAUSE_MILLIS_MAX: u64 = 30;
const LATE_MILLIS_MAX: u64 = 2_000;

/// What clients have seen so far.
#[derive(Default)]
pub struct Seen {
    pub records: Vec<Record<Operation, Answer>>,
    /// The epoch of every transaction that was acknowledged.
    pub commits: BTreeMap<Version, Epoch>,
    pub twice: Option<Version>,
    pub ends: bool,
}

/// How a client goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It uses an epoch as soon as it knows it.
    Prompt,
    /// Like a meta server that was busy and has not heard that its reign is over, it uses an epoch that
    /// may have passed.
    Late,
}

/// One client: asks whoever takes itself for the leader.
pub async fn client(
    id: u32,
    manner: Manner,
    seed: u64,
    members: Arc<Members>,
    seen: Arc<Mutex<Seen>>,
) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut last_value = 0;
    while !seen.lock().ends {
        let pause = random.random_range(0..PAUSE_MILLIS_MAX);
        SimRuntime::sleep(Duration::from_millis(pause)).await;
        let start = random.random_range(0..members.count());
        let candidates = (0..members.count()).map(|place| (start + place) % members.count());
        let stores: Vec<_> = candidates
            .filter_map(|member| members.store(member))
            .collect();
        let leads = |store: &Arc<crate::wires::Store>| store.leadership().borrow().epoch();
        let Some((store, epoch)) = stores.into_iter().find_map(|s| leads(&s).map(|e| (s, e)))
        else {
            continue;
        };
        if manner == Manner::Late {
            let late = random.random_range(0..LATE_MILLIS_MAX);
            SimRuntime::sleep(Duration::from_millis(late)).await;
        }
        let key = |random: &mut StdRng| format!("k{}", random.random_range(0..KEYS));
        let invoked = Moment::from(now());
        let patience = Duration::from_millis(random.random_range(20..2_000));
        last_value += 1;
        let value = format!("{id}-{last_value}");
        let (operation, outcome) = match random.random_range(0..10) {
            0..4 => {
                let key = key(&mut random);
                let operation = Operation::get(key.as_str());
                let asked = SimRuntime::timeout(patience, store.get(Bytes::from(key))).await;
                let Ok(Ok(entry)) = asked else { continue };
                let text = |value: Bytes| String::from_utf8(value.to_vec()).unwrap();
                let value = entry.map(|entry| text(entry.value).as_str().into());
                (operation, Outcome::Ok(Answer::Value(value)))
            }
            kind => {
                let (one, two) = (key(&mut random), key(&mut random));
                let (operation, transaction) = match kind {
                    4 => (
                        Operation::delete(one.as_str()),
                        Transaction::new().delete(one),
                    ),
                    5..7 => {
                        let pair = |key: &String| (key.as_str().into(), value.as_str().into());
                        let records = vec![pair(&one), pair(&two)];
                        let transaction = Transaction::new().put(one, value.clone());
                        (
                            Operation::MultiSet { records },
                            transaction.put(two, value.clone()),
                        )
                    }
                    _ => (
                        Operation::set(one.as_str(), value.as_str()),
                        Transaction::new().put(one, value.clone()),
                    ),
                };
                let asked = SimRuntime::timeout(patience, store.commit(epoch, transaction)).await;
                let outcome = match asked {
                    Ok(Ok(version)) => {
                        let mut seen = seen.lock();
                        if seen.commits.insert(version, epoch).is_some() {
                            seen.twice = Some(version);
                        }
                        Outcome::Ok(Answer::Done)
                    }
                    Ok(Err(CommitError::Deposed { .. })) => Outcome::Failed,
                    Ok(Err(_)) | Err(_) => Outcome::Unknown,
                };
                (operation, outcome)
            }
        };
        let returned = matches!(outcome, Outcome::Ok(_)).then(|| Moment::from(now()));
        seen.lock().records.push(Record {
            client: ClientId(id),
            invoked,
            returned,
            operation,
            outcome,
        });
    }
}

impl Seen {
    /// What clients may never see.
    pub fn judge(&self) -> Result<(), String> {
        if let Some(version) = self.twice {
            return Err(format!("version {version} was given twice"));
        }
        if !self.commits.values().is_sorted() {
            return Err(format!(
                "an epoch wrote after a later one: {:?}",
                self.commits
            ));
        }
        match check(&KeyValue::default(), &self.records, Limits::default()) {
            Verdict::Linearizable => Ok(()),
            Verdict::Violation(violation) | Verdict::Undecided(violation) => {
                Err(violation.to_string())
            }
        }
    }
}
