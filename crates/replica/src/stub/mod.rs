//! What a replica server decides as a whole (upstream: `replica_stub`): which meta server to ask, the
//! lease, which configurations its replicas hear of, and which replicas have to go.
//!
//! [`Stub`] is plain code: its inputs are what happened and when, its effects ([`StubEffect`]) say
//! what the driver has to do now. It owns no socket, thread or clock, so the control thread of the
//! server and the simulator drive the same decisions. The [`Lease`] that it extends is the one that
//! readers on other threads look at.
//!
//! | Decision | File |
//! |---|---|
//! | which meta server is asked | [`meta_servers`] |
//! | beacons, the lease, the goodbye | [`beacons`] |
//! | what the meta server lists, against what is here | [`config_sync`], [`unlisted`] |
//! | requests of replicas for a new configuration | [`waiting_requests`] |
//! | what a proposal of the meta server means | [`instruction`] |
//! | what the driver does, and reports back | [`effect`] |

pub mod beacons;
pub mod config_sync;
pub mod effect;
pub mod instruction;
mod meta_servers;
pub mod options;
mod unlisted;
pub mod waiting_requests;

use std::collections::BTreeMap;
use std::sync::Arc;

use pegasus_common::Room;
use pegasus_common::RpcAddress;
use pegasus_common::clock::MonotonicMillis;
use pegasus_pacifica::LeaseTerm;

use self::beacons::Beacons;
use self::beacons::SentBeacon;
use self::config_sync::AskedSync;
use self::config_sync::ConfigSync;
pub use self::effect::CallFailure;
pub use self::effect::CallId;
pub use self::effect::HeldReplica;
pub use self::effect::MetaAnswer;
pub use self::effect::MetaCall;
pub use self::effect::MetaQuestion;
pub use self::effect::StubEffect;
pub use self::instruction::Instruction;
use self::meta_servers::MetaServers;
pub use self::options::StubOptions;
use self::waiting_requests::AskedRequest;
pub use self::waiting_requests::ReplicaRequest;
use self::waiting_requests::WaitingRequests;
use crate::lease::Lease;

/// What the server is doing as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It holds its data directories and reads them in. It has no roles to confirm.
    Loading,
    /// Its replicas take part.
    Serving,
    /// It has closed its lease and says goodbye until somebody has heard it, or until then.
    Leaving {
        /// When it stops trying.
        until: MonotonicMillis,
    },
    /// Nothing more is decided.
    Left,
}

/// Whether the meta server that is asked now answers at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MetaStanding {
    /// The last thing heard of it is an answer.
    Answering,
    /// It is not reached, or it does not answer in time. What can wait does.
    Silent,
}

/// A question to a meta server that has no answer yet.
#[derive(Debug)]
enum Outstanding {
    Beacon(SentBeacon),
    ConfigSync(AskedSync),
    Request(AskedRequest),
    /// Told, and not repeated: the next config sync shows what came of it.
    LostReplica,
}

/// The decisions of one replica server.
#[derive(Debug)]
pub struct Stub {
    options: StubOptions,
    lease: Arc<Lease>,
    phase: Phase,
    room: Room,
    metas: MetaServers,
    standing: MetaStanding,
    beacons: Beacons,
    sync: ConfigSync,
    requests: WaitingRequests,
    outstanding: BTreeMap<CallId, Outstanding>,
    last_call: CallId,
}

impl Stub {
    /// A server that holds its data directories and reads them in. Its first beacon is due at once.
    #[must_use]
    pub fn new(options: StubOptions, lease: Arc<Lease>, now: MonotonicMillis) -> Self {
        Self {
            metas: MetaServers::new(options.metas.clone()),
            phase: Phase::Loading,
            room: Room::Left,
            standing: MetaStanding::Silent,
            beacons: Beacons::new(now),
            sync: ConfigSync::new(now),
            requests: WaitingRequests::default(),
            outstanding: BTreeMap::new(),
            last_call: CallId(0),
            options,
            lease,
        }
    }

    /// When [`Stub::on_timer`] wants to be called next; the answer changes with every input.
    #[must_use]
    pub fn next_timer(&self) -> MonotonicMillis {
        let wishes = [
            self.next_beacon_timer(),
            self.next_sync_timer(),
            self.next_request_timer(),
        ];
        let end_of_time = MonotonicMillis(u64::MAX);
        wishes.into_iter().flatten().min().unwrap_or(end_of_time)
    }

    /// Whether the server has space for more. The next beacon says so.
    pub const fn on_room(&mut self, room: Room) {
        self.room = room;
    }

    /// Time has passed.
    pub fn on_timer(&mut self, now: MonotonicMillis, out: &mut Vec<StubEffect>) {
        self.notice_lapse(now, out);
        self.send_due_beacons(now, out);
        self.begin_due_sync(now, out);
        self.send_due_requests(now, out);
    }

    /// The data directories are read in: from now on replicas take part.
    pub fn on_loaded(&mut self, now: MonotonicMillis, out: &mut Vec<StubEffect>) {
        if self.phase == Phase::Loading {
            self.phase = Phase::Serving;
            self.send_beacon(now, out);
            self.sync_at_once(now, out);
        }
    }

    /// What became of a question to a meta server. The driver reports each call once, also long
    /// after the stub has stopped waiting for it.
    pub fn on_answer(
        &mut self,
        now: MonotonicMillis,
        id: CallId,
        answer: Result<MetaAnswer, CallFailure>,
        out: &mut Vec<StubEffect>,
    ) {
        let Some(call) = self.outstanding.remove(&id) else {
            return;
        };
        match (call, answer) {
            (Outstanding::Beacon(sent), Ok(MetaAnswer::Beacon(ack))) => {
                self.on_beacon_ack(now, sent, &ack, out);
            }
            (Outstanding::Beacon(sent), _) => self.on_beacon_failure(now, sent),
            (Outstanding::ConfigSync(asked), Ok(MetaAnswer::ConfigSync(answer))) => {
                self.on_sync_answer(now, &asked, *answer, out);
            }
            (Outstanding::ConfigSync(_), _) => self.on_sync_failure(now),
            (Outstanding::Request(asked), Ok(MetaAnswer::Reconfigured(answer))) => {
                self.on_request_answer(now, asked, &answer, out);
            }
            (Outstanding::Request(asked), _) => self.on_request_failure(now, asked),
            (Outstanding::LostReplica, _) => {}
        }
    }

    /// The meta server that is asked now.
    #[must_use]
    pub fn meta(&self) -> RpcAddress {
        self.metas.asked()
    }

    /// Asks the present meta server something, with a number by which the answer is known.
    fn call(
        &mut self,
        question: MetaQuestion,
        outstanding: Outstanding,
        out: &mut Vec<StubEffect>,
    ) -> CallId {
        let id = CallId(self.last_call.0 + 1);
        self.last_call = id;
        self.outstanding.insert(id, outstanding);
        out.push(StubEffect::Call(MetaCall {
            id,
            to: self.metas.asked(),
            patience: question.patience(&self.options),
            question,
        }));
        id
    }

    /// The term in which a question is asked now; term 0 without a lease.
    fn asking_term(&self, now: MonotonicMillis) -> LeaseTerm {
        self.lease.held_term(now).unwrap_or(LeaseTerm::NEVER)
    }
}

#[cfg(test)]
mod tests;
