//! The exhaustive explorer: breadth-first through every state that a small world can be in, with
//! bounded faults.
//!
//! What commutes with everything else is done at once: what is committed is applied, and a flush makes
//! the whole log safe. Where leases do not lapse, a server that comes back has its lease at once, and
//! hears at once what it asks meta. Meta acts by its own rules, when it will. Messages keep their
//! order on a link; they are lost with their connection.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pegasus_pacifica::{Lease, Role};

use super::event::Event;
use super::fingerprint::fingerprint;
use super::meta::Copies;
use super::{Size, World, small_options};

/// How much may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    pub writes: u64,
    pub crashes: u32,
    pub lapses: u32,
    pub proposals: u32,
    pub reconnects: u32,
    pub suspicions: u32,
    pub losses: u32,
    pub moves: u32,
}

/// A state: the world, and what may still happen to it.
#[derive(Clone, Hash)]
struct State {
    world: World,
    left: Bounds,
    leases_lapse: bool,
}

/// How a state was reached first.
#[derive(Clone, Copy)]
struct Origin {
    parent: u32,
    event: Event,
    depth: u16,
}

/// What an exploration saw.
#[derive(Clone, Debug, Default)]
pub struct Explored {
    pub states: usize,
    pub transitions: u64,
    pub depth: u16,
    /// Every state within the bounds was seen.
    pub is_complete: bool,
    /// What was violated, and the shortest way there.
    pub violation: Option<(String, Vec<Event>)>,
}

/// The exploration.
pub struct Explorer {
    root: State,
    origins: Vec<Origin>,
    seen: HashSet<u128>,
    /// The states on the way to the one that was looked at last.
    trail: Vec<(u32, State)>,
    result: Explored,
}

impl Explorer {
    /// Nothing but the birth of a group.
    pub fn new(size: Size, bounds: Bounds) -> Self {
        let mut world = World::new(size, small_options());
        for index in 0..size.members {
            world.config_sync(index);
        }
        world.settle();
        let root = State {
            world,
            left: bounds,
            leases_lapse: bounds.lapses > 0,
        };
        Self {
            seen: HashSet::from([fingerprint(&root)]),
            origins: vec![Origin {
                parent: 0,
                event: Event::ClearPrimary,
                depth: 0,
            }],
            trail: vec![(0, root.clone())],
            root,
            result: Explored::default(),
        }
    }

    /// Goes through the states, at most so many.
    pub fn explore(mut self, states_max: usize) -> Explored {
        let mut next = 0;
        while next < self.origins.len() && self.result.violation.is_none() {
            if self.origins.len() >= states_max {
                break;
            }
            self.expand(u32::try_from(next).expect("fewer than 2^32 states"));
            next += 1;
        }
        self.result.is_complete = next == self.origins.len() && self.result.violation.is_none();
        self.result.states = self.origins.len();
        self.result.depth = self.origins.last().map_or(0, |origin| origin.depth);
        self.result
    }

    fn expand(&mut self, id: u32) {
        let state = self.state(id).clone();
        for event in state.events() {
            self.result.transitions += 1;
            let mut after = state.clone();
            let outcome = catch_unwind(AssertUnwindSafe(|| after.take(event)));
            if let Err(cause) = outcome {
                let text = cause.downcast_ref::<String>().cloned();
                let text = text.or_else(|| cause.downcast_ref::<&str>().map(ToString::to_string));
                let mut path = self.path(id);
                path.push(event);
                self.result.violation = Some((text.unwrap_or_default(), path));
                return;
            }
            if self.seen.insert(fingerprint(&after)) {
                let depth = self.origins[id as usize].depth + 1;
                self.origins.push(Origin {
                    parent: id,
                    event,
                    depth,
                });
            }
        }
    }

    /// The events that lead to a state.
    fn path(&self, mut id: u32) -> Vec<Event> {
        let mut path = Vec::new();
        while id != 0 {
            let origin = self.origins[id as usize];
            path.push(origin.event);
            id = origin.parent;
        }
        path.reverse();
        path
    }

    /// A state again: states are not kept, but those that are looked at one after the other have most
    /// of their way in common.
    fn state(&mut self, id: u32) -> &State {
        let mut missing = Vec::new();
        let mut at = id;
        while !self.trail.iter().any(|&(kept, _)| kept == at) {
            missing.push(at);
            at = self.origins[at as usize].parent;
        }
        while self.trail.last().is_some_and(|&(kept, _)| kept != at) {
            self.trail.pop();
        }
        for id in missing.into_iter().rev() {
            let before = self.trail.last().map_or(&self.root, |(_, state)| state);
            let mut state = before.clone();
            state.take(self.origins[id as usize].event);
            self.trail.push((id, state));
        }
        self.trail.last().map_or(&self.root, |(_, state)| state)
    }
}

impl State {
    /// Lets it happen, and what follows at once.
    fn take(&mut self, event: Event) {
        self.pay(event);
        self.world.act(event);
        match event {
            Event::Restart { at } if !self.leases_lapse => {
                self.world.beacon(at);
                self.world.notice_lease(at);
            }
            Event::Ask { at } if !self.leases_lapse => self.world.take_notice(at),
            _ => {}
        }
        for index in 0..self.world.nodes.len() {
            while !self.world.nodes[index].to_apply.is_empty() {
                self.world.apply(index);
            }
        }
    }

    fn pay(&mut self, event: Event) {
        let left = &mut self.left;
        match event {
            Event::Write { .. } => left.writes -= 1,
            Event::Crash { .. } => left.crashes -= 1,
            Event::Lapse { .. } => left.lapses -= 1,
            Event::Propose { kind, .. } if is_move(kind) => left.moves -= 1,
            Event::Propose { .. } => left.proposals -= 1,
            Event::Reconnect { .. } => left.reconnects -= 1,
            Event::Suspect { .. } => left.suspicions -= 1,
            Event::LoseTail { .. } | Event::Wipe { .. } => left.losses -= 1,
            _ => {}
        }
    }

    /// Everything that can happen now.
    fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for at in 0..self.world.nodes.len() {
            self.work_of(at, &mut events);
            self.faults_of(at, &mut events);
        }
        self.deliveries(&mut events);
        self.meta_events(&mut events);
        events
    }

    fn deliveries(&self, events: &mut Vec<Event>) {
        let count = self.world.nodes.len();
        for from in 0..count {
            for to in 0..count {
                if self.world.network.waiting(from, to) > 0 {
                    events.push(Event::Deliver { from, to });
                }
            }
        }
    }

    fn work_of(&self, at: usize, events: &mut Vec<Event>) {
        let node = &self.world.nodes[at];
        if !node.is_up {
            events.push(Event::Restart { at });
            return;
        }
        let Some(replica) = &node.replica else {
            events.extend((!node.inbox.is_empty()).then_some(Event::Notice { at }));
            return;
        };
        let is_starting =
            replica.ballot() == replica.known_ballot() && replica.configuration().is_none();
        let asks = (node.wants_sync || is_starting) && node.inbox.is_empty();
        let repeats =
            replica.request().is_some() && self.world.meta.requests() == 0 && node.inbox.is_empty();
        let can_write = self.left.writes > 0 && replica.admit_write().is_ok() && node.may_read();
        let possible = [
            (can_write, Event::Write { at }),
            (
                node.unflushed() > 0,
                Event::FlushLog {
                    at,
                    records: usize::MAX,
                },
            ),
            (!node.inbox.is_empty(), Event::Notice { at }),
            (asks && !self.has_heard(at), Event::Ask { at }),
            (node.told != node.lease, Event::NoticeLease { at }),
            (node.lease == Lease::NotHeld, Event::Beacon { at }),
            (repeats, Event::Reconfigure { at }),
            (self.is_group_check_due(at), Event::GroupCheck { at }),
            (!node.work.is_empty(), Event::Teach { at }),
            (node.fetch.is_some(), Event::Fetch { at }),
        ];
        events.extend(
            possible
                .iter()
                .filter(|(can, _)| *can)
                .map(|&(_, event)| event),
        );
    }

    /// A replica without a role has nothing new to hear.
    fn has_heard(&self, at: usize) -> bool {
        let node = &self.world.nodes[at];
        let now = self.world.meta.configuration.ballot;
        let replica = node.replica.as_ref();
        replica.is_some_and(|replica| {
            let is_waiting = matches!(
                replica.role(),
                Role::Inactive(pegasus_pacifica::InactiveReason::Starting)
            );
            !node.wants_sync && !is_waiting && replica.known_ballot() == now
        })
    }

    /// A group check is due when nothing else moves at this primary.
    fn is_group_check_due(&self, at: usize) -> bool {
        let world = &self.world;
        let is_quiet = (0..world.nodes.len()).all(|other| {
            world.network.waiting(at, other) == 0 && world.network.waiting(other, at) == 0
        });
        let replica = world.nodes[at].replica.as_ref();
        is_quiet
            && replica.is_some_and(|replica| {
                replica.wants_group_check() || replica.learners().next().is_some()
            })
    }

    fn faults_of(&self, at: usize, events: &mut Vec<Event>) {
        let world = &self.world;
        let node = &world.nodes[at];
        if node.is_up && self.left.crashes > 0 {
            events.push(Event::Crash { at, surviving: 0 });
        }
        if node.lease != Lease::NotHeld && self.left.lapses > 0 {
            events.push(Event::Lapse { at });
        }
        if world.may_declare_dead(at) {
            events.push(Event::DeclareDead { at });
        }
        if self.left.losses > 0 {
            let tail = Event::LoseTail { at, records: 1 };
            let wipe = Event::Wipe { at };
            events.extend(
                [tail, wipe]
                    .into_iter()
                    .filter(|&loss| world.is_possible(loss)),
            );
        }
        for other in 0..world.nodes.len() {
            let is_pair = at < other && node.is_up && world.nodes[other].is_up;
            let moves = world.network.waiting(at, other) + world.network.waiting(other, at) > 0;
            if is_pair && moves && self.left.reconnects > 0 {
                events.push(Event::Reconnect { one: at, other });
            }
            let leads = world.meta.configuration.primary == Some(super::address(at));
            if leads && at != other && self.left.suspicions > 0 {
                events.push(Event::Suspect { at, peer: other });
            }
        }
    }

    fn meta_events(&self, events: &mut Vec<Event>) {
        let world = &self.world;
        for which in 0..world.meta.requests() {
            events.push(Event::Answer {
                which,
                copies: Copies::Last,
            });
        }
        if world.may_clear_primary() {
            events.push(Event::ClearPrimary);
        }
        if self.left.proposals > 0 {
            for choice in 0..2 {
                let cure = world
                    .cure(choice)
                    .filter(|&(to, ..)| world.nodes[to].inbox.is_empty());
                let event = cure.map(|(to, kind, node)| Event::Propose { to, kind, node });
                events.extend(event.filter(|event| !events.contains(event)));
            }
        }
        if let Some(primary) = world
            .meta
            .configuration
            .primary
            .filter(|_| self.left.moves > 0)
        {
            events.push(Event::Propose {
                to: super::index_of(primary),
                kind: pegasus_pacifica::ProposalKind::DowngradeToSecondary,
                node: primary,
            });
        }
    }
}

fn is_move(kind: pegasus_pacifica::ProposalKind) -> bool {
    kind == pegasus_pacifica::ProposalKind::DowngradeToSecondary
}
