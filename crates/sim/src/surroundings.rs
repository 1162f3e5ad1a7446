//! What every process of a run acts in: time, network, chance, and the record of what happens.

use std::time::Duration;

use crate::checks::Checks;
use crate::client::ClientEvent;
use crate::faults::Fault;
use crate::meta_node::MetaEvent;
use crate::network::{Arrival, Network, Sent};
use crate::packet::{CallId, Packet, Place, Request, Response};
use crate::plan::Plan;
use crate::random::Random;
use crate::scheduler::Scheduler;
use crate::server::ServerEvent;
use crate::time::SimTime;
use crate::trace::Trace;

/// Tells the lives of a process apart: what is meant for an earlier one does not reach it.
pub type Life = u32;

/// Something that happens.
#[derive(Debug)]
pub enum Event {
    /// A message comes to its receiver.
    Arrival(Box<Arrival>),
    /// A server tries to make a link to another one.
    Connect {
        /// Who.
        from: usize,
        /// In which life.
        life: Life,
        /// To whom.
        to: Place,
    },
    /// In a server.
    Server {
        /// Which one.
        index: usize,
        /// In which life.
        life: Life,
        /// What.
        event: ServerEvent,
    },
    /// In the meta server.
    Meta {
        /// In which life.
        life: Life,
        /// What.
        event: MetaEvent,
    },
    /// In a client.
    Client {
        /// Which one.
        index: usize,
        /// What.
        event: ClientEvent,
    },
    /// Something goes wrong, or right again.
    Fault(Fault),
}

/// Everything around the processes.
pub struct Surroundings {
    /// What happens next.
    pub scheduler: Scheduler<Event>,
    /// The network.
    pub network: Network,
    /// Chance, for everything that has no generator of its own.
    pub random: Random,
    /// What happened.
    pub trace: Trace,
    /// What must hold.
    pub checks: Checks,
    /// What the run is like.
    pub plan: Plan,
}

impl Surroundings {
    /// True time.
    #[must_use]
    pub fn now(&self) -> SimTime {
        self.scheduler.now()
    }

    /// Notes a step for the record.
    pub fn note(&mut self, kind: &'static str, about: [u64; 3], text: impl FnOnce() -> String) {
        self.trace.note(self.scheduler.now(), kind, about, text);
    }

    /// Sends a message. `life` is that of the sender, if it is a server.
    pub fn send(&mut self, from: Place, life: Life, to: Place, packet: Packet) {
        let about = [from.number(), to.number(), 0];
        let now = self.now();
        if matches!(packet, Packet::Peer { .. }) {
            let packet = &packet;
            self.trace.note(now, "send", about, || {
                format!("{from} -> {to} {}", describe(packet))
            });
        }
        match self.network.send(now, from, to, packet) {
            Sent::Arrives(arrivals) => self.deliver(arrivals),
            Sent::Breaks { retry_at } | Sent::Opens { at: retry_at } => {
                if let Place::Server(from) = from {
                    self.scheduler
                        .at(retry_at, Event::Connect { from, life, to });
                }
            }
            Sent::Nothing => {}
        }
    }

    /// Lets messages arrive.
    pub fn deliver(&mut self, arrivals: Vec<(SimTime, Arrival)>) {
        for (at, arrival) in arrivals {
            self.scheduler.at(at, Event::Arrival(Box::new(arrival)));
        }
    }

    /// Sends a call.
    pub fn call(&mut self, from: Place, to: Place, id: CallId, request: Request) {
        let request = Box::new(request);
        self.send(from, 0, to, Packet::Call { id, request });
    }

    /// Answers a call.
    pub fn answer(&mut self, from: Place, to: Place, id: CallId, answer: Response) {
        if from == Place::Meta {
            self.note("answer", [to.number(), id.0, 0], || {
                format!("to {to}, call {}: {answer:?}", id.0)
            });
        }
        let answer = Box::new(answer);
        self.send(from, 0, to, Packet::Answer { id, answer });
    }

    /// Lets something happen in a server after a while.
    pub fn in_server(&mut self, index: usize, life: Life, delay: Duration, event: ServerEvent) {
        let event = Event::Server { index, life, event };
        self.scheduler.after(delay, event);
    }
}

/// A message in a few words.
#[must_use]
pub fn describe(packet: &Packet) -> String {
    match packet {
        Packet::Peer { gpid, message } => format!("{gpid} {message:?}"),
        other => format!("{other:?}"),
    }
}
