//! The network between processes: delay, loss, cuts in one direction or both, and connections between
//! servers that carry messages in order until they break.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pegasus_common::reach;

use crate::packet::{Packet, Place};
use crate::plan::NetworkPlan;
use crate::random::Random;
use crate::time::SimTime;

/// Between two tries to make a link that broke.
const RECONNECT_MIN: Duration = Duration::from_millis(20);
const RECONNECT_MAX: Duration = Duration::from_secs(1);
/// A message may come once more after at most this time.
const LATE_COPY_MAX: Duration = Duration::from_secs(10);
/// A connection through a cut lives on for a while.
const CUT_CONNECTION_LIFE: Duration = Duration::from_secs(6);

/// A connection from one server to another.
#[derive(Debug, Default)]
struct Link {
    /// Counts the connections: what was sent on an earlier one does not arrive.
    generation: u64,
    is_up: bool,
    /// Messages overtake nothing.
    last_arrival: SimTime,
    /// What waits at a cut, oldest first.
    held: Vec<Packet>,
}

/// A message on its way.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Who sent it.
    pub from: Place,
    /// Who gets it.
    pub to: Place,
    /// On which connection; `None` for what needs none.
    pub generation: Option<u64>,
    /// The message.
    pub packet: Packet,
}

/// What a send leads to.
#[derive(Debug)]
pub enum Sent {
    /// It arrives at these times, unless its connection breaks before.
    Arrives(Vec<(SimTime, Arrival)>),
    /// The connection breaks with it: the sender notices after a while, and tries to make it anew.
    Breaks {
        /// When it is tried.
        retry_at: SimTime,
    },
    /// There is no connection: it is dropped, and one is made.
    Opens {
        /// When it is tried.
        at: SimTime,
    },
    /// It waits at a cut, or is lost.
    Nothing,
}

/// All links.
#[derive(Debug)]
pub struct Network {
    plan: NetworkPlan,
    random: Random,
    links: BTreeMap<(Place, Place), Link>,
    cuts: BTreeSet<(Place, Place)>,
    is_calm: bool,
}

impl Network {
    /// No links yet.
    #[must_use]
    pub fn new(plan: NetworkPlan, random: Random) -> Self {
        Self {
            plan,
            random,
            links: BTreeMap::new(),
            cuts: BTreeSet::new(),
            is_calm: false,
        }
    }

    fn delay(&mut self) -> Duration {
        let (low, high) = (self.plan.delay_min, self.plan.delay_max);
        self.random.duration(low, high)
    }

    fn is_unlucky(&mut self, per_mille: u32) -> bool {
        !self.is_calm && per_mille > 0 && self.random.chance(per_mille)
    }

    /// Sends one message.
    pub fn send(&mut self, now: SimTime, from: Place, to: Place, packet: Packet) -> Sent {
        match packet {
            Packet::Hello | Packet::Peer { .. } => self.send_on_link(now, from, to, packet),
            _ => self.send_alone(now, from, to, packet),
        }
    }

    /// Calls, answers and proposals: each has its own fate.
    fn send_alone(&mut self, now: SimTime, from: Place, to: Place, packet: Packet) -> Sent {
        if self.cuts.contains(&(from, to)) || self.is_unlucky(self.plan.loss) {
            return Sent::Nothing;
        }
        let at = now.after(self.delay());
        let arrival = Arrival {
            from,
            to,
            generation: None,
            packet,
        };
        Sent::Arrives(vec![(at, arrival)])
    }

    fn send_on_link(&mut self, now: SimTime, from: Place, to: Place, packet: Packet) -> Sent {
        let (breaks, copies) = (self.plan.breaks, self.plan.late_copies);
        let is_cut = self.cuts.contains(&(from, to));
        let breaks = self.is_unlucky(breaks);
        let is_copied = self.is_unlucky(copies);
        let delay = self.delay();
        let reconnect = self.random.duration(RECONNECT_MIN, RECONNECT_MAX);
        let Some(link) = self.links.get_mut(&(from, to)) else {
            self.links.insert((from, to), Link::default());
            return Sent::Opens {
                at: now.after(delay),
            };
        };
        if !link.is_up {
            return Sent::Nothing;
        }
        if breaks {
            reach!("network: a link breaks");
            link.break_off();
            return Sent::Breaks {
                retry_at: now.after(reconnect),
            };
        }
        if is_cut {
            link.held.push(packet);
            return Sent::Nothing;
        }
        let at = now.after(delay).max(link.last_arrival);
        link.last_arrival = at;
        let arrival = Arrival {
            from,
            to,
            generation: Some(link.generation),
            packet,
        };
        let mut arrivals = vec![(at, arrival)];
        if is_copied {
            reach!("network: a message comes twice");
            let late = self.random.duration(delay, LATE_COPY_MAX);
            let copy = Arrival {
                generation: None,
                ..arrivals[0].1.clone()
            };
            arrivals.push((at.after(late), copy));
        }
        Sent::Arrives(arrivals)
    }

    /// Whether a message that has come is still wanted: its connection has not broken meanwhile.
    #[must_use]
    pub fn arrives(&self, arrival: &Arrival) -> bool {
        let link = self.links.get(&(arrival.from, arrival.to));
        arrival
            .generation
            .is_none_or(|sent_on| link.is_some_and(|link| link.generation == sent_on && link.is_up))
    }

    /// Tries to make a link. `None`: nothing reaches the other side; when to try again.
    pub fn connect(&mut self, now: SimTime, from: Place, to: Place) -> Option<SimTime> {
        let is_cut = self.cuts.contains(&(from, to)) || self.cuts.contains(&(to, from));
        if is_cut {
            return Some(self.retry_at(now));
        }
        let link = self.links.entry((from, to)).or_default();
        link.generation += 1;
        link.is_up = true;
        link.last_arrival = now;
        None
    }

    /// When a link that could not be made is tried again.
    pub fn retry_at(&mut self, now: SimTime) -> SimTime {
        now.after(self.random.duration(RECONNECT_MIN, RECONNECT_MAX))
    }

    /// Whether a link stands.
    #[must_use]
    pub fn is_up(&self, from: Place, to: Place) -> bool {
        self.links.get(&(from, to)).is_some_and(|link| link.is_up)
    }

    /// Breaks a link that stands. Returns when its owner tries to make it anew.
    pub fn break_link(&mut self, now: SimTime, from: Place, to: Place) -> Option<SimTime> {
        let link = self.links.get_mut(&(from, to)).filter(|link| link.is_up)?;
        link.break_off();
        Some(self.retry_at(now))
    }

    /// The process has ended, and all its connections with it. Returns those who had one to it: they
    /// notice sooner or later.
    pub fn end_process(&mut self, place: Place) -> Vec<Place> {
        let mut bereft = Vec::new();
        for ((from, to), link) in &mut self.links {
            let was_up = link.is_up;
            if *from == place || *to == place {
                link.break_off();
            }
            if was_up && *to == place {
                bereft.push(*from);
            }
        }
        // A new process makes its links on first use.
        self.links.retain(|(from, _), _| *from != place);
        bereft
    }

    /// From now on nothing goes from `from` to `to`.
    pub fn cut(&mut self, from: Place, to: Place) {
        self.cuts.insert((from, to));
    }

    /// Ends a cut. What waited there arrives now, if its connection has lived so long.
    pub fn heal(&mut self, now: SimTime, from: Place, to: Place) -> Sent {
        self.cuts.remove(&(from, to));
        let delay = self.delay();
        let Some(link) = self.links.get_mut(&(from, to)).filter(|link| link.is_up) else {
            return Sent::Nothing;
        };
        let at = now.after(delay).max(link.last_arrival);
        link.last_arrival = at;
        let generation = Some(link.generation);
        let held = std::mem::take(&mut link.held);
        let arrivals = held.into_iter().map(|packet| {
            let arrival = Arrival {
                from,
                to,
                generation,
                packet,
            };
            (at, arrival)
        });
        Sent::Arrives(arrivals.collect())
    }

    /// How long a connection through a cut lives.
    pub fn cut_connection_life(&mut self) -> Duration {
        self.random
            .duration(Duration::from_millis(200), CUT_CONNECTION_LIFE)
    }

    /// Cuts that are not healed.
    #[must_use]
    pub fn cuts(&self) -> Vec<(Place, Place)> {
        self.cuts.iter().copied().collect()
    }

    /// Whether nothing goes from `from` to `to`.
    #[must_use]
    pub fn is_cut(&self, from: Place, to: Place) -> bool {
        self.cuts.contains(&(from, to))
    }

    /// From now on nothing gets lost by chance.
    pub fn calm(&mut self) {
        self.is_calm = true;
    }
}

impl Link {
    fn break_off(&mut self) {
        self.generation += 1;
        self.is_up = false;
        self.held.clear();
    }
}
