//! A whole group in one thread: replicas, their logs and storages, the network between them and a meta
//! server, all as models that can lose what real ones can lose. Random drivers choose the next
//! step; scenario tests choose by hand. [`checks`] watches every step.

#![allow(dead_code, reason = "each test binary uses its part")]

pub mod checks;
pub mod choice;
pub mod meta;
pub mod network;
pub mod node;
pub mod steps;

use bytes::Bytes;
use pegasus_common::{Ballot, Decree, Gpid, RpcAddress};
use pegasus_pacifica::prepare_list::HistoryLimits;
use pegasus_pacifica::{
    Configuration, ConfigurationSource, Effect, Effects, Lease, Message, Options, Replica,
    Standing, WriteRefusal,
};

use checks::Checks;
use meta::Meta;
use network::Network;
use node::{Node, Record};

/// The partition under test.
pub const GPID: Gpid = Gpid::new(2, 5);

/// The address of the n-th server.
pub fn address(index: usize) -> RpcAddress {
    RpcAddress::from_u64(0x0a00_0001_0000_0001 + ((index as u64) << 32))
}

/// The server of an address.
pub fn index_of(address: RpcAddress) -> usize {
    usize::try_from((address.to_u64() >> 32) - 0x0a00_0001).expect("few servers")
}

/// Small limits, so that every one of them is met.
pub fn small_options() -> Options {
    Options {
        mutation_2pc_min_replica_count: 1,
        window_mutations: 6,
        window_bytes: 1 << 10,
        prepared_max: 16,
        history: HistoryLimits {
            mutations_max: 4,
            bytes_max: 64,
        },
        digest_history: 8,
    }
}

/// The group and its surroundings.
pub struct World {
    pub nodes: Vec<Node>,
    pub network: Network,
    pub meta: Meta,
    pub checks: Checks,
    pub options: Options,
    pub writes: u64,
    pub steps: u64,
    out: Effects,
}

impl World {
    /// `count` empty replicas under ballot 1, the first of them primary; none has heard of it.
    pub fn new(count: usize, options: Options) -> Self {
        let nodes = (0..count).map(|index| Node::new(address(index), options));
        Self {
            nodes: nodes.collect(),
            network: Network::new(count),
            meta: Meta::new(Configuration {
                ballot: Ballot(1),
                max_replica_count: 3,
                primary: Some(address(0)),
                secondaries: (1..count).map(address).collect(),
            }),
            checks: Checks::new(count),
            options,
            writes: 0,
            steps: 0,
            out: Effects::new(),
        }
    }

    /// The replica of a server that must be up.
    pub fn replica(&self, index: usize) -> &Replica {
        self.nodes[index]
            .replica
            .as_ref()
            .expect("the server is up")
    }

    /// Gives one input to a replica, if it is up, and executes the effects.
    pub fn input(&mut self, index: usize, act: impl FnOnce(&mut Replica, &mut Effects)) {
        let mut out = std::mem::take(&mut self.out);
        if let Some(replica) = &mut self.nodes[index].replica {
            act(replica, &mut out);
            for effect in out.drain() {
                self.execute(index, effect);
            }
        }
        self.out = out;
        self.checks.after_step(&self.nodes, &self.meta);
    }

    fn execute(&mut self, index: usize, effect: Effect) {
        let node = &mut self.nodes[index];
        match effect {
            Effect::Append { mutation } => node.log.push(Record::Mutation(mutation)),
            Effect::AppendBallot { ballot } => node.log.push(Record::Ballot(ballot)),
            Effect::Send { to, message } => self.send(index, to, message),
            Effect::Broadcast { to, message } => {
                for &to in to.iter() {
                    self.send(index, to, message.clone());
                }
            }
            Effect::Commit { mutation, digest } => {
                self.checks.on_commit(index, &mutation, digest);
                node.to_apply.push_back((mutation, digest));
            }
            Effect::RefuseAfter { committed } => node.refuse_after(committed),
            Effect::RequestReconfiguration(request) => self.meta.ask(index, request),
            Effect::RoleChanged { .. } => {}
            Effect::NeedsLearning { .. } => self.checks.on_needs_learning(),
            Effect::DigestMismatch { peer, theirs } => {
                panic!("I8: {} and {peer} differ: {theirs:?}", node.address)
            }
        }
    }

    fn send(&mut self, from: usize, to: RpcAddress, message: Message) {
        if let Message::PrepareAck(ack) = &message {
            self.checks.on_acknowledgement(&self.nodes[from], ack);
        }
        self.network.send(from, index_of(to), message);
    }

    /// A client writes at this server. The payload names the write, and the write that the server
    /// had last: what this one was evaluated after.
    pub fn write(&mut self, index: usize) -> Result<Decree, WriteRefusal> {
        self.writes += 1;
        let after = self.nodes[index].replica.as_ref().map_or(0, |replica| {
            let last = replica.prepare_list().get(replica.prepared());
            last.map_or_else(|| self.checks.newest_write(), checks::name_of)
        });
        let payload = Bytes::from([self.writes.to_le_bytes(), after.to_le_bytes()].concat());
        let mut result = Err(WriteRefusal::NotPrimary);
        self.input(index, |replica, out| {
            let timestamp = replica.latest_timestamp_us() + 1;
            result = replica.propose(timestamp, payload, out);
        });
        if let Ok(decree) = result {
            self.nodes[index].waiting_clients.push(decree);
        }
        result
    }

    /// Delivers the oldest message of a link.
    pub fn deliver(&mut self, from: usize, to: usize) {
        if let Some(message) = self.network.take(from, to) {
            self.input(to, |replica, out| {
                replica.on_message(address(from), message, out);
            });
        }
    }

    /// Makes `records` more records of a log safe and reports them, in order.
    pub fn flush_log(&mut self, index: usize, records: usize) {
        for report in self.nodes[index].flush_log(records) {
            self.input(index, |replica, out| match report {
                Record::Ballot(ballot) => replica.on_ballot_safe(ballot, out),
                Record::Mutation(mutation) => {
                    replica.on_log_safe(mutation.ballot, mutation.decree, out);
                }
            });
        }
    }

    /// Applies the next committed mutation; its client is answered.
    pub fn apply(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        let Some((mutation, digest)) = node.to_apply.pop_front() else {
            return;
        };
        node.apply(digest);
        if node.answer_client(mutation.decree) {
            self.checks.on_client_answered(&mutation);
        }
        self.input(index, |replica, _| replica.on_applied(mutation.decree));
    }

    /// Storage flushes what it has applied, and the log forgets up to `records` records.
    pub fn flush_storage(&mut self, index: usize, records: usize) {
        self.nodes[index].flush_storage();
        let durable = self.nodes[index].flushed.decree;
        self.input(index, |replica, _| replica.on_durable(durable));
        self.nodes[index].release_log(records);
    }

    /// The connections between two servers break; what was under way is lost.
    pub fn reconnect(&mut self, a: usize, b: usize) {
        self.network.lose(a, b);
        self.network.lose(b, a);
        self.input(a, |replica, out| replica.on_peer_connected(address(b), out));
        self.input(b, |replica, out| replica.on_peer_connected(address(a), out));
    }

    /// What is under way in one direction is lost, and nobody notices yet.
    pub fn lose_silently(&mut self, from: usize, to: usize) {
        self.network.lose(from, to);
    }

    /// The server dies; of what its log had not flushed, `surviving` records are still there.
    pub fn crash(&mut self, index: usize, surviving: usize) {
        self.nodes[index].crash(surviving);
        for other in 0..self.nodes.len() {
            self.network.lose(index, other);
            self.network.lose(other, index);
        }
    }

    /// The server comes back with what its log and its storage hold.
    pub fn restart(&mut self, index: usize, standing: Standing) {
        if self.nodes[index].replica.is_some() {
            return;
        }
        let replayed = self.nodes[index].restart(standing);
        for replayed in replayed {
            self.checks
                .on_commit(index, &replayed.mutation, replayed.digest);
        }
        self.checks.on_restart(&self.nodes[index]);
        for other in (0..self.nodes.len()).filter(|&other| other != index) {
            self.reconnect(index, other);
        }
    }

    /// The server asks meta for its configuration.
    pub fn config_sync(&mut self, index: usize) {
        let configuration = self.meta.configuration.clone();
        self.configure(index, &configuration, ConfigurationSource::Sync);
    }

    /// A configuration arrives, perhaps an old one.
    pub fn configure(
        &mut self,
        index: usize,
        configuration: &Configuration,
        source: ConfigurationSource,
    ) {
        self.input(index, |replica, out| {
            replica.on_configuration(configuration, source, out);
        });
    }

    /// Meta handles the oldest request and the answer arrives.
    pub fn answer_request(&mut self) {
        if let Some((index, configuration)) = self.meta.answer_oldest() {
            self.configure(index, &configuration, ConfigurationSource::Reply);
        }
    }

    /// The lease of a server begins or ends.
    pub fn lease(&mut self, index: usize, lease: Lease) {
        self.input(index, |replica, out| replica.on_lease(lease, out));
    }

    /// Time for a group check.
    pub fn group_check(&mut self, index: usize) {
        self.input(index, Replica::on_group_check_timer);
    }

    /// Everything under way arrives, is flushed and applied, until nothing moves.
    pub fn settle(&mut self) {
        for _ in 0..10_000 {
            if !self.settle_once() {
                return;
            }
        }
        panic!("the group never comes to rest");
    }

    fn settle_once(&mut self) -> bool {
        let count = self.nodes.len();
        let mut moved = false;
        for index in 0..count {
            moved |= self.nodes[index].unflushed() > 0 || !self.nodes[index].to_apply.is_empty();
            self.flush_log(index, usize::MAX);
            while !self.nodes[index].to_apply.is_empty() {
                self.apply(index);
            }
            for from in 0..count {
                while self.network.waiting(from, index) > 0 {
                    moved = true;
                    self.deliver(from, index);
                }
            }
        }
        while self.meta.has_requests() {
            moved = true;
            self.answer_request();
        }
        moved
    }

    /// Faults are over: everyone comes back, hears of the configuration, and the group must serve:
    /// also writes, more than what any replica may have left from older ballots.
    pub fn heal(&mut self) {
        for index in 0..self.nodes.len() {
            self.lease(index, Lease::Held);
            self.restart(index, Standing::Proven);
        }
        self.spread_configuration();
        let primary = self
            .meta
            .configuration
            .primary
            .map(index_of)
            .expect("there is a primary");
        for _ in 0..self.options.prepared_max {
            self.write(primary).expect("a healed group takes writes");
            self.settle();
        }
        self.group_check(primary);
        self.settle();
    }

    fn spread_configuration(&mut self) {
        for round in 0..3 {
            for index in 0..self.nodes.len() {
                self.config_sync(index);
            }
            self.settle();
            for index in 0..self.nodes.len() {
                self.group_check(index);
                self.input(index, |replica, out| {
                    if round == 0 {
                        replica.on_reconfiguration_timer(out);
                    }
                });
            }
            self.settle();
        }
    }
}
