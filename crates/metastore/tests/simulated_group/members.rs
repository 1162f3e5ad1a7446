//! The members: processes that start, crash and start again on their disks.

use std::sync::Arc;
use std::time::Duration;

use openraft::AsyncRuntime as _;
use openraft::async_runtime::instant::Instant as _;
use openraft_rt_sim::{SimInstant, SimRuntime};
use parking_lot::Mutex;
use pegasus_common::clock::MonotonicMillis;
use pegasus_metastore::MetadataStore as _;
use pegasus_metastore::embedded::types::MemberId;
use pegasus_metastore::embedded::{GroupOptions, GroupParts};
use rand::Rng as _;
use rand::rngs::StdRng;

use crate::disk::{Disk, Kind};
use crate::wires::{Plug, Store, Wires};

/// How far a clock may be off, in parts of a thousand: two may run 5 % apart.
const DRIFT_PERMILLE: u64 = 24;

/// True time since the start of the course.
pub fn now() -> Duration {
    SimInstant::now().elapsed_since_start()
}

struct Machine {
    disk: Arc<Mutex<Disk>>,
    /// Its clock's rate, in parts of a thousand.
    rate_permille: u64,
}

/// All of them.
pub struct Members {
    machines: Vec<Machine>,
    pub wires: Arc<Mutex<Wires>>,
    options: GroupOptions,
    list: Vec<String>,
}

impl Members {
    pub fn new(count: usize, wires: Wires, random: &mut StdRng, disks: Kind) -> Self {
        let machine = |random: &mut StdRng| Machine {
            disk: Disk::new(MemberId(random.random()), random.random(), disks),
            rate_permille: random.random_range(1_000 - DRIFT_PERMILLE..=1_000 + DRIFT_PERMILLE),
        };
        Self {
            machines: (0..count).map(|_| machine(random)).collect(),
            wires: Arc::new(Mutex::new(wires)),
            options: GroupOptions {
                snapshot_entries: random.random_range(10..200),
                ..GroupOptions::default()
            },
            list: (0..count).map(|member| member.to_string()).collect(),
        }
    }

    pub fn count(&self) -> usize {
        self.machines.len()
    }

    pub fn store(&self, member: usize) -> Option<Arc<Store>> {
        self.wires.lock().listening.get(&member).cloned()
    }

    pub async fn start(&self, member: usize) {
        let machine = &self.machines[member];
        let (journal, content) = Disk::open(&machine.disk);
        let rate = machine.rate_permille;
        let clock = move || {
            let micros = u64::try_from(now().as_micros()).unwrap();
            MonotonicMillis(micros * rate / 1_000_000)
        };
        let parts = GroupParts {
            content,
            journal: Arc::new(journal),
            link: Arc::new(Plug {
                wires: Arc::clone(&self.wires),
                own: member,
            }),
            clock: Arc::new(clock),
            options: self.options,
        };
        let store = Arc::new(Store::start(parts).await.unwrap());
        self.wires
            .lock()
            .listening
            .insert(member, Arc::clone(&store));
        let list = self.list.clone();
        drop(SimRuntime::spawn(async move {
            if store.join_group(&list[member], &list).await.is_ok() {
                drop(store.campaign().await);
            }
        }));
    }

    /// Power loss. Nothing that the process does from now on has an effect on others.
    pub fn crash(&self, member: usize) {
        let store = self.wires.lock().listening.remove(&member);
        self.machines[member].disk.lock().crash();
        if let Some(store) = store {
            drop(SimRuntime::spawn(async move { store.close().await }));
        }
    }
}
