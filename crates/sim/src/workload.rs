//! What clients ask for: few keys, many kinds of operations, values that tell every write apart.

use std::sync::Arc;

use pegasus_history::Moment;
use pegasus_history::key_value::{Check, Expiry, Operation, SubWrite, Text};

use crate::plan::LoadPlan;
use crate::random::Random;
use crate::time::SimTime;

/// The kinds of operations, in the order of `LoadPlan::mix`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Get,
    Set,
    Delete,
    Increment,
    CheckAndSet,
    CheckAndMutate,
    MultiSet,
    GetAll,
    SetWithTtl,
}

const KINDS: [Kind; 9] = [
    Kind::Get,
    Kind::Set,
    Kind::Delete,
    Kind::Increment,
    Kind::CheckAndSet,
    Kind::CheckAndMutate,
    Kind::MultiSet,
    Kind::GetAll,
    Kind::SetWithTtl,
];

/// Longest time to live that is asked for, in seconds.
const TTL_MAX: u64 = 4;

/// Something to do.
#[derive(Clone, Debug)]
pub struct Task {
    /// On which hash key.
    pub hash_key: String,
    /// What.
    pub operation: Operation,
    /// When a value that is written expires, in seconds of the simulation; 0 is never.
    pub expires_at_second: u64,
}

/// Draws tasks.
#[derive(Debug)]
pub struct Workload {
    plan: LoadPlan,
    /// Tells the values of different clients apart.
    client: u64,
    random: Random,
    written: u64,
}

impl Workload {
    /// A workload of its own seed.
    #[must_use]
    pub fn new(plan: LoadPlan, client: u64, random: Random) -> Self {
        Self {
            plan,
            client,
            random,
            written: 0,
        }
    }

    /// Every hash key that is used.
    pub fn hash_keys(plan: &LoadPlan) -> impl Iterator<Item = String> + use<> {
        (0..plan.hash_keys).map(hash_key)
    }

    /// The next task.
    pub fn next(&mut self, now: SimTime) -> Task {
        let kind = self.kind();
        let hash_key = hash_key(self.random.below(self.plan.hash_keys));
        let mut expires_at_second = 0;
        let sort_key = self.sort_key();
        let operation = match kind {
            Kind::Get => Operation::Get { sort_key },
            Kind::GetAll => match self.random.below(2) {
                0 => Operation::Count,
                _ => Operation::GetAll,
            },
            Kind::Set => Operation::set(sort_key, self.value()),
            Kind::SetWithTtl => {
                expires_at_second = now.0 / 1_000_000 + self.random.between(1, TTL_MAX);
                let at = Moment::from_nanos(expires_at_second * 1_000_000_000);
                let expiry = Some(Expiry {
                    not_before: at,
                    not_after: at,
                });
                let value = self.value();
                Operation::Set {
                    sort_key,
                    value,
                    expiry,
                }
            }
            Kind::Delete if self.random.chance(500) => Operation::Delete { sort_key },
            Kind::Delete => Operation::MultiDelete {
                sort_keys: vec![sort_key, self.sort_key()],
            },
            Kind::Increment => {
                let by = self.random.around_zero(5);
                Operation::Increment { sort_key, by }
            }
            Kind::CheckAndSet => Operation::CheckAndSet {
                check_sort_key: self.sort_key(),
                check: self.check(),
                sort_key,
                value: self.value(),
            },
            Kind::CheckAndMutate => Operation::CheckAndMutate {
                check_sort_key: self.sort_key(),
                check: self.check(),
                writes: self.sub_writes(),
            },
            Kind::MultiSet => Operation::MultiSet {
                records: self.records(),
            },
        };
        Task {
            hash_key,
            operation,
            expires_at_second,
        }
    }

    fn kind(&mut self) -> Kind {
        let total: u32 = self.plan.mix.iter().sum();
        let mut drawn = self.random.below(u64::from(total));
        for (kind, share) in KINDS.into_iter().zip(self.plan.mix) {
            let share = u64::from(share);
            if drawn < share {
                return kind;
            }
            drawn -= share;
        }
        Kind::Get
    }

    fn sort_key(&mut self) -> Text {
        Arc::from(format!("s{}", self.random.below(self.plan.sort_keys)))
    }

    /// A number that was never written before, so that it can be added to as well.
    fn value(&mut self) -> Text {
        self.written += 1;
        self.value_number(self.written)
    }

    fn value_number(&self, number: u64) -> Text {
        Arc::from((number * 100_000 + self.client * 1_000).to_string())
    }

    fn check(&mut self) -> Check {
        match self.random.below(3) {
            0 => Check::Absent,
            1 => Check::Present,
            _ => {
                let seen = self
                    .random
                    .between(self.written.saturating_sub(3), self.written);
                Check::ValueIs(self.value_number(seen))
            }
        }
    }

    fn records(&mut self) -> Vec<(Text, Text)> {
        let value = self.value();
        let count = self.random.between(1, self.plan.sort_keys);
        (0..count)
            .map(|index| (Arc::from(format!("s{index}")), Arc::clone(&value)))
            .collect()
    }

    fn sub_writes(&mut self) -> Vec<SubWrite> {
        let sort_key = self.sort_key();
        if self.random.chance(300) {
            return vec![SubWrite::Delete { sort_key }];
        }
        let value = self.value();
        vec![SubWrite::Set { sort_key, value }]
    }
}

fn hash_key(number: u64) -> String {
    format!("h{number}")
}
