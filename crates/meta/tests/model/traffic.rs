//! What lies between the servers: messages that take time, get lost or come twice, and the disk of the
//! metadata store.

use pegasus_common::ErrorCode;
use pegasus_meta::effect::{Answer, CommitToken, CreateCall, Effect, RequestToken};
use pegasus_metastore::Transaction;
use pegasus_wire::layer2::PartitionConfiguration;
use pegasus_wire::meta_admin::{ConfigurationQueryByNodeResponse, ConfigurationUpdateRequest};

use crate::cluster::{Cluster, TICK};
use crate::replica::Question;

/// Something that arrives later.
#[derive(Clone, Debug)]
pub enum Arrival {
    Question {
        from: usize,
        incarnation: i64,
        asked_in: u64,
        question: Question,
    },
    BeaconAck {
        to: usize,
        incarnation: i64,
        sent: u64,
    },
    SyncAnswer {
        to: usize,
        incarnation: i64,
        asked_in: u64,
        answer: Box<ConfigurationQueryByNodeResponse>,
    },
    UpdateAnswer {
        to: usize,
        asker: Asker,
        err: ErrorCode,
        config: Box<PartitionConfiguration>,
    },
    Proposal {
        to: usize,
        request: Box<ConfigurationUpdateRequest>,
    },
    Durable {
        reign: u64,
        token: CommitToken,
        transaction: Transaction,
    },
    Created {
        reign: u64,
        call: CreateCall,
    },
}

/// The asker of a request that the core answers later.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    pub server: usize,
    pub incarnation: i64,
    pub asked_in: u64,
    /// The ballot that was asked for.
    pub ballot: i64,
}

impl Cluster {
    pub fn later(&mut self, delay: u64, arrival: Arrival) {
        self.sequence += 1;
        self.arrivals
            .insert((self.now + delay, self.sequence), arrival);
    }

    pub fn delay(&mut self) -> u64 {
        match self.random.below(20) {
            0 if self.faults => self.random.between(10, 1_500),
            _ => self.random.between(0, 20),
        }
    }

    pub fn is_lost(&mut self, server: usize) -> bool {
        self.cut_until[server] > self.now || (self.faults && self.random.chance(3))
    }

    pub fn ask(&mut self, from: usize, question: Question) {
        let (incarnation, asked_in) = (self.servers[from].incarnation, self.servers[from].term);
        let arrival = Arrival::Question {
            from,
            incarnation,
            asked_in,
            question,
        };
        if !self.is_lost(from) {
            if self.faults
                && matches!(
                    arrival,
                    Arrival::Question {
                        question: Question::Beacon(_),
                        ..
                    }
                )
                && self.random.chance(5)
            {
                let delay = self.random.between(100, 4_000);
                self.later(delay, arrival.clone());
            }
            let delay = self.delay();
            self.later(delay, arrival);
        }
    }

    pub fn arrive(&mut self, arrival: Arrival) -> Result<(), String> {
        let now = self.now;
        self.note("arrives", &arrival);
        match arrival {
            Arrival::Question { .. } if !self.meta_runs() => {
                if self.core.is_some() {
                    self.later(TICK, arrival);
                }
            }
            Arrival::Question {
                from,
                incarnation,
                asked_in,
                question,
            } => {
                let asker = Asker {
                    server: from,
                    incarnation,
                    asked_in,
                    ballot: question.ballot(),
                };
                self.answer(asker, &question);
            }
            Arrival::Durable { .. } | Arrival::Created { .. } if !self.meta_runs() => {
                self.later(TICK, arrival);
            }
            Arrival::Durable {
                reign,
                token,
                transaction,
            } if reign == self.reign => {
                let version = self.store.commit_now(self.epoch, &transaction);
                let version = version.map_err(|error| error.to_string())?;
                self.with_core(|core, now, out| core.on_committed(now, token, version, out));
            }
            Arrival::Created { reign, call } if reign == self.reign => {
                let server = self
                    .servers
                    .iter_mut()
                    .find(|server| server.address == call.node);
                let is_there = server.is_some_and(|server| server.create(now, call.pid));
                let lost = (ErrorCode::NetworkFailure, String::new());
                let outcome = if is_there { Ok(()) } else { Err(lost) };
                self.with_core(|core, now, out| core.on_replica_created(now, call, outcome, out));
            }
            Arrival::Durable { .. } | Arrival::Created { .. } => {}
            to_server => self.arrive_at_server(to_server),
        }
        self.check_proposals()
    }

    pub fn arrive_at_server(&mut self, arrival: Arrival) {
        let now = self.now;
        let (Arrival::BeaconAck { to, .. }
        | Arrival::SyncAnswer { to, .. }
        | Arrival::UpdateAnswer { to, .. }
        | Arrival::Proposal { to, .. }) = arrival
        else {
            return;
        };
        if self.servers[to].is_up && self.servers[to].away_until > now {
            // It lies in the socket until the process goes on.
            let pause = self.servers[to].away_until - now;
            return self.later(pause, arrival);
        }
        let learn_millis = self.random.between(100, 1_500);
        let server = &mut self.servers[to];
        let is_same = |incarnation| server.is_up && server.incarnation == incarnation;
        let questions = match arrival {
            Arrival::BeaconAck {
                incarnation, sent, ..
            } if is_same(incarnation) => {
                server.on_beacon_acknowledged(now, sent);
                Vec::new()
            }
            Arrival::SyncAnswer {
                incarnation,
                asked_in,
                answer,
                ..
            } if is_same(incarnation) => server.on_sync_answered(now, asked_in, &answer),
            Arrival::UpdateAnswer {
                asker, err, config, ..
            } if is_same(asker.incarnation) => {
                server.on_update_answered(now, asker.asked_in, asker.ballot, err, &config);
                Vec::new()
            }
            Arrival::Proposal { request, .. } if server.is_up => server
                .on_proposal(now, &request, learn_millis)
                .into_iter()
                .collect(),
            _ => Vec::new(),
        };
        for question in questions {
            self.ask(to, question);
        }
    }

    pub fn answer(&mut self, asker: Asker, question: &Question) {
        let Asker {
            server: to,
            incarnation,
            asked_in,
            ..
        } = asker;
        let answer = match question {
            Question::Beacon(beacon) => {
                let ack = self
                    .with_core(|core, now, out| core.beacon(now, beacon, out))
                    .flatten();
                ack.filter(|ack| ack.allowed).map(|ack| Arrival::BeaconAck {
                    to,
                    incarnation,
                    sent: u64::try_from(ack.time).unwrap(),
                })
            }
            Question::Sync(request) => {
                let answer = self.with_core(|core, now, out| core.config_sync(now, request, out));
                answer.map(|answer| Arrival::SyncAnswer {
                    to,
                    incarnation,
                    asked_in,
                    answer: Box::new(answer),
                })
            }
            Question::Update(request) => {
                self.sequence += 1;
                let token = RequestToken(self.sequence);
                self.askers.insert(token, asker);
                self.with_core(|core, _, out| core.update_configuration(token, request, out));
                None
            }
        };
        if let Some(answer) = answer.filter(|_| !self.is_lost(to)) {
            let delay = self.delay();
            self.later(delay, answer);
        }
    }

    pub fn execute(&mut self, effect: Effect) {
        let reign = self.reign;
        match effect {
            Effect::Commit { token, transaction } => {
                let delay = if self.faults && self.random.chance(10) {
                    // The disk is slow for once.
                    self.random.between(100, 1_500)
                } else {
                    self.random.between(0, 30)
                };
                self.later(
                    delay,
                    Arrival::Durable {
                        reign,
                        token,
                        transaction,
                    },
                );
            }
            Effect::Reply {
                to,
                answer: Answer::UpdateConfiguration(response),
            } => {
                let Some(asker) = self.askers.remove(&to) else {
                    return;
                };
                let answer = Arrival::UpdateAnswer {
                    to: asker.server,
                    asker,
                    err: response.err,
                    config: Box::new(response.config),
                };
                if !self.is_lost(asker.server) {
                    let delay = self.delay();
                    self.later(delay, answer);
                }
            }
            Effect::Reply { .. } | Effect::Alert(_) => {}
            Effect::CreateReplica { call, .. } => {
                let delay = self.random.between(0, 100);
                self.later(delay, Arrival::Created { reign, call });
            }
            Effect::Propose { node, request } => {
                let to = self
                    .servers
                    .iter()
                    .position(|server| server.address == node);
                let to = to.filter(|&to| !self.is_lost(to));
                self.judge_proposal(node, &request);
                if let Some(to) = to {
                    let delay = self.delay();
                    self.later(delay, Arrival::Proposal { to, request });
                }
            }
        }
    }
}
