//! A member's directory: what is durable, and what a crash takes away.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use openraft::AsyncRuntime as _;
use openraft_rt_sim::SimRuntime;
use parking_lot::Mutex;
use pegasus_metastore::embedded::content::{Content, Record};
use pegasus_metastore::embedded::journal::{Flushed, Journal};
use pegasus_metastore::embedded::types::MemberId;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// What a disk is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One flush in fifty takes long.
    Usual,
    /// All take long.
    Slow,
    /// It says that records are durable when it has only taken them: a bug, which must be found.
    AcknowledgesEarly,
}

impl Kind {
    fn flush_time(self, random: &mut StdRng) -> Duration {
        let is_slow = self == Self::Slow || random.random_bool(0.02);
        let range = match self {
            Self::Slow => 100_000..450_000,
            _ if is_slow => 20_000..300_000,
            _ => 100..4_000,
        };
        Duration::from_micros(random.random_range(range))
    }
}

struct Batch {
    number: u64,
    records: Vec<Record>,
    flushed: Option<Flushed>,
}

/// One member's directory.
pub struct Disk {
    durable: Content,
    waiting: VecDeque<Batch>,
    last_number: u64,
    /// Which process has it open.
    life: u64,
    random: StdRng,
    kind: Kind,
}

impl Disk {
    pub fn new(member: MemberId, seed: u64, kind: Kind) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self {
            durable: Content {
                member: Some(member),
                ..Content::default()
            },
            waiting: VecDeque::new(),
            last_number: 0,
            life: 0,
            random: StdRng::seed_from_u64(seed),
            kind,
        }))
    }

    /// A process opens it; an earlier one is gone.
    pub fn open(disk: &Arc<Mutex<Self>>) -> (SimJournal, Content) {
        let mut this = disk.lock();
        this.life += 1;
        let journal = SimJournal {
            disk: Arc::clone(disk),
            life: this.life,
        };
        (journal, this.durable.clone())
    }

    /// The machine loses power: of what was not flushed some of the oldest is there, or nothing.
    pub fn crash(&mut self) {
        self.life += 1;
        let survivors = self.random.random_range(0..=self.waiting.len());
        for batch in self.waiting.drain(..).take(survivors).collect::<Vec<_>>() {
            self.keep(batch.records);
        }
    }

    fn keep(&mut self, records: Vec<Record>) {
        for record in records {
            self.durable.apply(record).unwrap();
        }
    }

    /// Everything up to a batch is durable now.
    fn flush(&mut self, number: u64) -> Vec<Flushed> {
        let mut answers = Vec::new();
        while self
            .waiting
            .front()
            .is_some_and(|batch| batch.number <= number)
        {
            let batch = self.waiting.pop_front().unwrap();
            self.keep(batch.records);
            answers.extend(batch.flushed);
        }
        answers
    }
}

/// One process's way to its directory.
pub struct SimJournal {
    disk: Arc<Mutex<Disk>>,
    life: u64,
}

impl Journal for SimJournal {
    fn append(&self, records: Vec<Record>, flushed: Option<Flushed>) {
        let mut disk = self.disk.lock();
        if disk.life != self.life {
            drop(disk);
            if let Some(flushed) = flushed {
                flushed(Err(io::Error::other("the machine is gone")));
            }
            return;
        }
        disk.last_number += 1;
        let number = disk.last_number;
        let is_early = disk.kind == Kind::AcknowledgesEarly;
        let (now, later) = if is_early {
            (flushed, None)
        } else {
            (None, flushed)
        };
        let is_flushed = now.is_some() || later.is_some();
        disk.waiting.push_back(Batch {
            number,
            records,
            flushed: later,
        });
        let kind = disk.kind;
        let time = kind.flush_time(&mut disk.random);
        drop(disk);
        if let Some(flushed) = now {
            flushed(Ok(()));
        }
        if is_flushed {
            let (disk, life) = (Arc::clone(&self.disk), self.life);
            drop(SimRuntime::spawn(async move {
                SimRuntime::sleep(time).await;
                let answers = {
                    let mut disk = disk.lock();
                    if disk.life == life {
                        disk.flush(number)
                    } else {
                        Vec::new()
                    }
                };
                for answer in answers {
                    answer(Ok(()));
                }
            }));
        }
    }

    fn close(&self) {
        let mut disk = self.disk.lock();
        if disk.life == self.life {
            let last = disk.last_number;
            let answers = disk.flush(last);
            disk.life += 1;
            drop(disk);
            for answer in answers {
                answer(Ok(()));
            }
        }
    }
}
