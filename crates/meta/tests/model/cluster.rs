//! The cluster: the real meta server's core, its store, the pretended servers, and what lies between
//! them.

use std::collections::BTreeMap;

use pegasus_common::clock::MonotonicMillis;
use pegasus_common::{Gpid, RpcAddress};
use pegasus_meta::config::MetaServerConfig;
use pegasus_meta::core::{MetaCore, MetaOptions, Now};
use pegasus_meta::effect::{Effect, RequestToken};
use pegasus_meta::stored;
use pegasus_metastore::{Epoch, MemoryStore};
use pegasus_wire::meta_admin::{ConfigType, ConfigurationCreateAppRequest, CreateAppOptions};

use crate::random::Random;
use crate::replica::Replica;
use crate::replica_server::ReplicaServer;
use crate::traffic::{Arrival, Asker};

const STEP: u64 = 10;
pub const TICK: u64 = 50;
pub const MEMBERS: usize = 3;
pub const TABLE: &str = "temp";

pub struct Cluster {
    pub random: Random,
    pub now: u64,
    pub options: MetaOptions,
    pub store: MemoryStore,
    pub epoch: Epoch,
    pub core: Option<MetaCore>,
    pub reign: u64,
    /// The meta server does nothing until then.
    pub meta_away_until: u64,
    pub next_tick: u64,
    pub servers: Vec<ReplicaServer>,
    /// No message passes between a server and meta until then.
    pub cut_until: Vec<u64>,
    pub arrivals: BTreeMap<(u64, u64), Arrival>,
    pub sequence: u64,
    pub askers: BTreeMap<RequestToken, Asker>,
    pub committed: BTreeMap<Gpid, u64>,
    pub faults: bool,
    /// Whether everything that happens is printed.
    pub is_loud: bool,
    /// What the core did that it must not do.
    pub misdeed: Option<String>,
}

impl Cluster {
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let address = |number: u16| -> RpcAddress {
            format!("127.0.0.1:{}", 34_800 + number).parse().unwrap()
        };
        let server_count = u16::try_from(random.between(3, 5)).unwrap();
        let mut config = MetaServerConfig::default();
        config.meta_server.settle_after_election_ms = 500;
        config.meta_server.max_succssive_unstable_restart = 0;
        config.meta_server.replica_assign_delay_ms_for_dropouts = random.between(1, 10) * 1_000;
        let options = config.core_options(address(0));
        let store = MemoryStore::single();
        let epoch = store.campaign_now().unwrap();
        let mut cluster = Self {
            now: 1_000_000,
            core: None,
            reign: 0,
            meta_away_until: 0,
            next_tick: 0,
            servers: (1..=server_count)
                .map(address)
                .map(ReplicaServer::new)
                .collect(),
            cut_until: vec![0; usize::from(server_count)],
            arrivals: BTreeMap::new(),
            sequence: 0,
            askers: BTreeMap::new(),
            committed: BTreeMap::new(),
            faults: false,
            is_loud: std::env::var_os("MODEL_TRACE").is_some(),
            misdeed: None,
            random,
            options,
            store,
            epoch,
        };
        cluster.begin_reign();
        cluster.create_table();
        cluster
    }

    fn create_table(&mut self) {
        for _ in 0..100 {
            self.step().expect("nothing has happened yet");
        }
        let partition_count = 1 << self.random.below(4);
        let request = ConfigurationCreateAppRequest {
            app_name: TABLE.to_owned(),
            options: CreateAppOptions {
                partition_count,
                replica_count: i32::try_from(MEMBERS).unwrap(),
                app_type: "pegasus".to_owned(),
                is_stateful: true,
                ..CreateAppOptions::default()
            },
        };
        for index in 0..partition_count {
            self.committed.insert(Gpid::new(1, index), 0);
        }
        self.with_core(|core, now, out| core.create_app(now, RequestToken(0), &request, out));
    }

    pub fn run_with_faults(&mut self, millis: u64) -> Result<(), String> {
        self.wait_until_well(20_000)?;
        self.faults = true;
        let end = self.now + millis;
        while self.now < end {
            self.step()?;
        }
        Ok(())
    }

    pub fn heal(&mut self, millis: u64) -> Result<(), String> {
        self.faults = false;
        self.wait_until_well(millis)
    }

    fn wait_until_well(&mut self, millis: u64) -> Result<(), String> {
        let end = self.now + millis;
        while self.now < end {
            self.step()?;
            if self.unwell().is_none() {
                return Ok(());
            }
        }
        Err(format!(
            "not well in time: {}",
            self.unwell().unwrap_or_default()
        ))
    }

    fn step(&mut self) -> Result<(), String> {
        self.now += STEP;
        if self.faults {
            self.break_something();
            self.administer();
        } else {
            self.put_right();
        }
        self.wake_up();
        while let Some(entry) = self.arrivals.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let arrival = entry.remove();
            self.arrive(arrival)?;
        }
        if self.meta_runs() && self.next_tick <= self.now {
            self.next_tick = self.now + TICK;
            self.with_core(MetaCore::on_tick);
            self.check_proposals()?;
        }
        self.run_servers();
        self.write()?;
        self.check()
    }

    pub fn note(&self, what: &str, details: &dyn std::fmt::Debug) {
        if self.is_loud {
            eprintln!("{} {what} {details:?}", self.now);
        }
    }

    pub fn meta_runs(&self) -> bool {
        self.core.is_some() && self.meta_away_until <= self.now
    }

    pub fn begin_reign(&mut self) {
        self.reign += 1;
        self.note("reign", &self.reign);
        let entries = self.store.cluster().entries(stored::CATALOGUE_PREFIX);
        let state = stored::load(&entries).unwrap();
        self.core = Some(MetaCore::new(self.options.clone(), state, self.time()));
        self.next_tick = self.now;
    }

    fn run_servers(&mut self) {
        for index in 0..self.servers.len() {
            if !self.servers[index].runs(self.now) {
                continue;
            }
            for question in self.servers[index].questions(self.now) {
                self.ask(index, question);
            }
            self.promote_learners(index);
        }
    }

    fn promote_learners(&mut self, primary: usize) {
        let now = self.now;
        let pids: Vec<_> = self.committed.keys().copied().collect();
        for pid in pids {
            let serves = self.servers[primary].can_serve(now, pid);
            let Some(replica) = self.servers[primary].replicas.get_mut(&pid) else {
                continue;
            };
            let due = replica
                .learner
                .filter(|&(_, at)| at <= now && replica.pending.is_none());
            let Some((address, _)) = due else {
                continue;
            };
            replica.learner = None;
            let from = replica.clone();
            let learner = self
                .servers
                .iter_mut()
                .find(|server| server.address == address);
            let learner = learner.filter(|learner| serves && learner.can_learn(now, &from));
            if let Some(learner) = learner {
                let learned = Replica::learned(learner.replicas.get(&pid), &from);
                learner.replicas.insert(pid, learned);
                let kind = ConfigType::CT_UPGRADE_TO_SECONDARY;
                let replica = self.servers[primary].replicas.get_mut(&pid).unwrap();
                let question = replica.ask(now, kind, address, |next| {
                    next.secondaries.push(address);
                });
                self.ask(primary, question);
            }
        }
    }

    pub fn time(&self) -> Now {
        Now {
            monotonic: MonotonicMillis(self.now),
            unix_seconds: i64::try_from(self.now / 1_000).unwrap(),
        }
    }

    pub fn with_core<T>(
        &mut self,
        input: impl FnOnce(&mut MetaCore, Now, &mut Vec<Effect>) -> T,
    ) -> Option<T> {
        let now = self.time();
        let mut out = Vec::new();
        let output = input(self.core.as_mut()?, now, &mut out);
        for effect in out {
            self.execute(effect);
        }
        Some(output)
    }
}
