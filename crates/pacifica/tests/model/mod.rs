//! A whole group in one thread: replicas, their logs, storages and leases, the network between them
//! and a meta server, all as models that can lose what real ones can lose. Random drivers and the
//! explorer choose the next [`event::Event`]; scenario tests choose by hand. [`checks`] watches
//! every step.

#![allow(dead_code, reason = "each test binary uses its part")]

pub mod checks;
pub mod choice;
pub mod event;
pub mod explorer;
pub mod fingerprint;
pub mod guardian;
pub mod healing;
pub mod meta;
pub mod meta_link;
pub mod network;
pub mod node;
pub mod reach;
pub mod steps;
pub mod teaching;

use bytes::Bytes;
use pegasus_common::{Ballot, Decree, Gpid, RpcAddress};
use pegasus_pacifica::prepare_list::HistoryLimits;
use pegasus_pacifica::{
    AbsentAnswer, Configuration, Effect, Effects, LeaseTerm, Message, Options, Recovered, Replica,
    WriteRefusal, absent,
};

use checks::Checks;
use meta::{Meta, Question};
use network::Network;
use node::{Fetch, Node, Record, TeachingWork};
use reach::Reach;

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

/// How many servers there are, and how many of them are members at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub nodes: usize,
    pub members: usize,
}

impl Size {
    /// As many servers as members.
    pub fn of_members(members: usize) -> Self {
        Self {
            nodes: members,
            members,
        }
    }
}

/// The group and its surroundings.
#[derive(Clone, Hash)]
pub struct World {
    pub nodes: Vec<Node>,
    pub network: Network,
    pub meta: Meta,
    pub checks: Checks,
    pub options: Options,
    pub writes: u64,
    pub reach: Reach,
}

impl World {
    /// Empty replicas under ballot 1, the first of them primary; none has heard of it. Servers that
    /// are not members have nothing.
    pub fn new(size: Size, options: Options) -> Self {
        let mut nodes: Vec<Node> = (0..size.nodes)
            .map(|index| Node::new(address(index), options))
            .collect();
        for node in &mut nodes[..size.members] {
            node.open(Recovered::empty());
        }
        let configuration = Configuration {
            ballot: Ballot(1),
            max_replica_count: 3,
            primary: Some(address(0)),
            secondaries: (1..size.members).map(address).collect(),
        };
        Self {
            nodes,
            network: Network::new(size.nodes),
            meta: Meta::new(configuration, size.nodes),
            checks: Checks::new(size.nodes),
            options,
            writes: 0,
            reach: Reach::default(),
        }
    }

    /// The replica of a server that must have one.
    pub fn replica(&self, index: usize) -> &Replica {
        self.nodes[index]
            .replica
            .as_ref()
            .expect("the server has a replica")
    }

    /// Gives one input to a replica, if there is one, and executes the effects.
    pub fn input(&mut self, index: usize, act: impl FnOnce(&mut Replica, &mut Effects)) {
        let mut out = Effects::new();
        if let Some(replica) = &mut self.nodes[index].replica {
            act(replica, &mut out);
            for effect in out.drain() {
                self.execute(index, effect);
            }
        }
        self.checks.after_step(&self.nodes, &self.meta);
    }

    fn execute(&mut self, index: usize, effect: Effect) {
        self.reach.note(&effect);
        self.reach.tell(&(index, &effect));
        let node = &mut self.nodes[index];
        match effect {
            Effect::Append { mutation } => node.log.push(Record::Mutation(mutation)),
            Effect::AppendBallot { ballot } => node.log.push(Record::Ballot(ballot)),
            Effect::Vouch { .. } => node.log.push(Record::Vouch),
            Effect::Send { to, message } => self.send(index, to, message),
            Effect::Broadcast { to, message } => {
                for &to in to.iter() {
                    self.send(index, to, message.clone());
                }
            }
            Effect::Commit { mutation, digest } => {
                self.checks.on_commit(node, &mutation, digest);
                node.to_apply.push_back((mutation, digest));
            }
            Effect::RefuseAfter { committed } => node.refuse_after(committed),
            Effect::RequestReconfiguration(request) => {
                let asked_in = node.lease.term().unwrap_or(LeaseTerm::NEVER);
                self.meta.ask(Question {
                    from: index,
                    request,
                    asked_in,
                });
            }
            Effect::SupplyLearner {
                to,
                signature,
                after,
                through,
            } => node.add_work(TeachingWork {
                to,
                signature,
                range: Some((after, through)),
            }),
            Effect::MakeCheckpoint { to, signature } => node.add_work(TeachingWork {
                to,
                signature,
                range: None,
            }),
            Effect::FetchCheckpoint {
                from,
                signature,
                configuration,
                offer,
            } => {
                node.fetch = Some(Fetch {
                    from,
                    signature,
                    configuration,
                    offer,
                });
            }
            Effect::NeedsConfirmation => node.wants_sync = true,
            Effect::RoleChanged { .. } | Effect::NeedsLearning { .. } => {}
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
        let node = &self.nodes[index];
        let Some(replica) = &node.replica else {
            return Err(WriteRefusal::NotPrimary);
        };
        replica.admit_write()?;
        if !node.may_read() {
            return Err(WriteRefusal::NotPrimary);
        }
        let last = replica.prepare_list().get(replica.prepared());
        let after = last.map_or_else(|| self.checks.name_at(replica.prepared()), checks::name_of);
        self.writes += 1;
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
            self.receive(from, to, message);
        }
    }

    /// A message arrives.
    pub fn receive(&mut self, from: usize, to: usize, message: Message) {
        let node = &mut self.nodes[to];
        if !node.is_up {
            return;
        }
        if node.replica.is_none()
            && let Message::GroupCheck(check) = &message
        {
            match absent::on_group_check(node.address, check) {
                AbsentAnswer::Reply(reply) => {
                    self.send(to, address(from), Message::GroupCheckReply(reply));
                }
                AbsentAnswer::MakeEmptyForLearning => {
                    self.reach.mark("made empty");
                    node.make_empty();
                }
                AbsentAnswer::Ignore => {}
            }
        }
        self.input(to, |replica, out| {
            replica.on_message(address(from), message, out);
        });
    }

    /// Makes `records` more records of a log safe and reports them, in order.
    pub fn flush_log(&mut self, index: usize, records: usize) {
        for report in self.nodes[index].flush_log(records) {
            self.input(index, |replica, out| match report {
                Record::Ballot(ballot) => replica.on_ballot_safe(ballot, out),
                Record::Mutation(mutation) => {
                    replica.on_log_safe(mutation.ballot, mutation.decree, out);
                }
                Record::Vouch => {}
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

    /// The server comes back with what its log and its storage hold. It has no lease yet.
    pub fn restart(&mut self, index: usize) {
        if self.nodes[index].is_up {
            return;
        }
        let replayed = self.nodes[index].restart();
        for replayed in replayed {
            let node = &self.nodes[index];
            self.checks
                .on_commit(node, &replayed.mutation, replayed.digest);
        }
        self.checks.on_restart(&self.nodes[index]);
        for other in (0..self.nodes.len()).filter(|&other| other != index) {
            self.reconnect(index, other);
        }
    }

    /// Time for a group check.
    pub fn group_check(&mut self, index: usize) {
        self.input(index, Replica::on_group_check_timer);
    }

    /// Time to look who is stuck.
    pub fn progress(&mut self, index: usize) {
        self.input(index, Replica::on_progress_timer);
    }
}
