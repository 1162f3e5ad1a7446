//! A client as real ones are: it knows where partitions were, asks again when that is wrong, repeats
//! what surely has not happened, and does not repeat what perhaps has.

use std::time::Duration;

use pegasus_common::{ErrorCode, Gpid, partition_hash};
use pegasus_history::key_value::{Answer, Operation};
use pegasus_history::{ClientId, Histories, Moment, Outcome, Ticket};

use crate::packet::{CallId, Packet, Place, Request, Response};
use crate::random::Random;
use crate::surroundings::{Event, Surroundings};
use crate::time::SimTime;
use crate::workload::{Task, Workload};

/// What all clients have done.
pub type History = Histories<Operation, Answer>;

/// How long a client tries one operation.
const PATIENCE: Duration = Duration::from_secs(6);
const BACKOFF_MIN: Duration = Duration::from_millis(2);
const BACKOFF_MAX: Duration = Duration::from_millis(100);

/// Something in a client.
#[derive(Clone, Copy, Debug)]
pub enum ClientEvent {
    /// Time for the next operation.
    Next,
    /// A call was not answered in time.
    CallTimeout(CallId),
    /// Time to try the operation again.
    Retry(CallId),
}

/// One client.
pub struct Client {
    index: usize,
    name: ClientId,
    workload: Workload,
    random: Random,
    routes: Option<Routes>,
    current: Option<Current>,
    last_call: u64,
    is_stopping: bool,
    /// Operations that were done.
    pub done: u64,
}

struct Routes {
    app_id: i32,
    primaries: Vec<Option<Place>>,
}

struct Current {
    task: Task,
    ticket: Ticket,
    until: SimTime,
    waits_for: CallId,
    /// Whether the call is one to a server, which may have taken effect without an answer.
    is_sent: bool,
}

/// Clients' names are never used again after an operation whose end is unknown.
const NAMES_PER_CLIENT: u32 = 1_000_000;

impl Client {
    /// A client that knows nothing.
    #[must_use]
    pub fn new(index: usize, workload: Workload, random: Random) -> Self {
        let first = u32::try_from(index).unwrap_or(0) * NAMES_PER_CLIENT;
        Self {
            index,
            name: ClientId(first),
            workload,
            random,
            routes: None,
            current: None,
            last_call: 0,
            is_stopping: false,
            done: 0,
        }
    }

    fn place(&self) -> Place {
        Place::Client(self.index)
    }

    /// After what it does now it does nothing more.
    pub fn stop(&mut self) {
        self.is_stopping = true;
    }

    /// Whether it has nothing to do.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.current.is_none()
    }

    /// Begins this task as soon as it is idle. Used at the end, to read everything.
    pub fn begin(&mut self, task: Task, history: &mut History, around: &mut Surroundings) {
        debug_assert!(self.current.is_none(), "one operation at a time");
        let now = around.now();
        let operation = task.operation.clone();
        let ticket = history.begin(&task.hash_key, self.name, moment(now), operation);
        self.current = Some(Current {
            task,
            ticket,
            until: now.after(PATIENCE),
            waits_for: CallId(0),
            is_sent: false,
        });
        self.attempt(around);
    }

    /// Something happens.
    pub fn on_event(
        &mut self,
        event: ClientEvent,
        history: &mut History,
        around: &mut Surroundings,
    ) {
        match event {
            ClientEvent::Next => {
                if !self.is_stopping && self.current.is_none() {
                    let task = self.workload.next(around.now());
                    self.begin(task, history, around);
                }
            }
            ClientEvent::CallTimeout(id) => self.on_silence(id, history, around),
            ClientEvent::Retry(id) => {
                if self.waits_for(id) {
                    self.attempt(around);
                }
            }
        }
    }

    /// A message comes.
    pub fn on_packet(&mut self, packet: Packet, history: &mut History, around: &mut Surroundings) {
        match packet {
            Packet::Answer { id, answer } if self.waits_for(id) => match *answer {
                Response::QueryConfiguration(answer) if answer.err.is_ok() => {
                    let primaries = answer.partitions.iter();
                    self.routes = Some(Routes {
                        app_id: answer.app_id,
                        primaries: primaries
                            .map(|it| it.primary.valid().and_then(Place::of))
                            .collect(),
                    });
                    if self.knows_route() {
                        self.attempt(around);
                    } else {
                        self.retry(history, around);
                    }
                }
                Response::Data(Ok(answer)) => self.finish(Outcome::Ok(answer), history, around),
                Response::Data(Err(error)) => self.on_error(error, history, around),
                _ => self.retry(history, around),
            },
            Packet::Refused { id } if self.waits_for(id) => self.retry(history, around),
            _ => {}
        }
    }

    fn waits_for(&self, id: CallId) -> bool {
        self.current
            .as_ref()
            .is_some_and(|current| current.waits_for == id)
    }

    fn knows_route(&self) -> bool {
        let current = self.current.as_ref();
        let route = current.zip(self.routes.as_ref());
        route.is_some_and(|(current, routes)| routes.find(&current.task.hash_key).is_some())
    }

    fn next_call(&mut self) -> CallId {
        self.last_call += 1;
        CallId(self.last_call)
    }

    fn attempt(&mut self, around: &mut Surroundings) {
        let id = self.next_call();
        let from = self.place();
        let Some(current) = &mut self.current else {
            return;
        };
        current.waits_for = id;
        let route = self
            .routes
            .as_ref()
            .and_then(|routes| routes.find(&current.task.hash_key));
        let (to, request) = match route {
            Some((gpid, to)) => {
                let task = current.task.clone();
                current.is_sent = true;
                (to, Request::Data { gpid, task })
            }
            None => {
                current.is_sent = false;
                (Place::Meta, Request::QueryConfiguration)
            }
        };
        around.call(from, to, id, request);
        let event = Event::Client {
            index: self.index,
            event: ClientEvent::CallTimeout(id),
        };
        around
            .scheduler
            .after(around.plan.load.attempt_timeout, event);
    }

    /// It has surely not happened, or was only a question: once more, after asking where to.
    fn retry(&mut self, history: &mut History, around: &mut Surroundings) {
        self.routes = None;
        let id = self.next_call();
        let Some(current) = &mut self.current else {
            return;
        };
        if around.now() >= current.until {
            return self.finish(Outcome::Failed, history, around);
        }
        current.waits_for = id;
        let event = Event::Client {
            index: self.index,
            event: ClientEvent::Retry(id),
        };
        let backoff = self.random.duration(BACKOFF_MIN, BACKOFF_MAX);
        around.scheduler.after(backoff, event);
    }

    fn on_silence(&mut self, id: CallId, history: &mut History, around: &mut Surroundings) {
        if !self.waits_for(id) {
            return;
        }
        self.on_unknown(history, around);
    }

    fn on_error(&mut self, error: ErrorCode, history: &mut History, around: &mut Surroundings) {
        match error {
            ErrorCode::Timeout => self.on_unknown(history, around),
            _ => self.retry(history, around),
        }
    }

    /// A read is repeated; a write may have happened, so it is not.
    fn on_unknown(&mut self, history: &mut History, around: &mut Surroundings) {
        let Some(current) = &self.current else {
            return;
        };
        if !current.is_sent || current.task.operation.is_read() {
            return self.retry(history, around);
        }
        self.finish(Outcome::Unknown, history, around);
    }

    fn finish(
        &mut self,
        outcome: Outcome<Answer>,
        history: &mut History,
        around: &mut Surroundings,
    ) {
        let Some(current) = self.current.take() else {
            return;
        };
        let (now, name) = (around.now(), self.name);
        around.note("client", [u64::from(name.0), 0, 0], || {
            let Task {
                hash_key,
                operation,
                ..
            } = &current.task;
            format!("client{} {hash_key} {operation:?}: {outcome:?}", name.0)
        });
        match outcome {
            Outcome::Unknown => self.name = ClientId(name.0 + 1),
            Outcome::Ok(_) => self.done += 1,
            Outcome::Failed => {}
        }
        history.finish(current.ticket, moment(now), outcome);
        let pause = self
            .random
            .duration(Duration::from_micros(50), around.plan.load.pause_max);
        let event = Event::Client {
            index: self.index,
            event: ClientEvent::Next,
        };
        around.scheduler.after(pause, event);
    }
}

impl Routes {
    fn find(&self, hash_key: &str) -> Option<(Gpid, Place)> {
        let count = u32::try_from(self.primaries.len()).ok()?;
        let hash = partition_hash::of_parts(hash_key.as_bytes(), b"");
        let index = partition_hash::partition_index(hash, count);
        let place = (*self.primaries.get(usize::try_from(index).ok()?)?)?;
        Some((Gpid::new(self.app_id, i32::try_from(index).ok()?), place))
    }
}

/// True time as histories have it.
#[must_use]
pub fn moment(now: SimTime) -> Moment {
    Moment::from_nanos(now.0 * 1_000)
}
