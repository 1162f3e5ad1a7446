//! The random driver: one choice after the other decides what happens next.

use pegasus_pacifica::{ProposalKind, ReplicaStatus};

use super::choice::Choices;
use super::event::Event;
use super::meta::Copies;
use super::{Size, World, address, index_of, small_options};

/// How often faults and changes happen, in 1000 steps; everything else is ordinary work.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    pub crash: usize,
    pub lose_tail: usize,
    pub corrupt: usize,
    pub wipe: usize,
    pub reconnect: usize,
    pub silent_loss: usize,
    pub copies: usize,
    pub old_configuration: usize,
    pub lapse: usize,
    pub declare_dead: usize,
    pub any_proposal: usize,
    pub suspect: usize,
    pub fail_fetch: usize,
    /// So many of 100 deliveries do not happen yet.
    pub delay: usize,
    /// So many of 100 times meta does not cure what is ill.
    pub neglect: usize,
    /// What this server sends takes long.
    pub slow_sender: usize,
    /// What this server is sent takes long.
    pub slow_receiver: usize,
    /// What this server and meta say to each other takes long, but for beacons.
    pub hard_of_hearing: usize,
}

/// So many of 100 deliveries of a slow server happen.
const SLOW_DELIVERIES: usize = 8;

impl Faults {
    /// Draws a mix (swarm testing: a run with few kinds of faults gets further into each).
    pub fn draw(choices: &mut Choices) -> Option<Self> {
        let mut rate = |rates: [usize; 4]| choices.below(4).map(|index| rates[index]);
        Some(Self {
            crash: rate([0, 1, 3, 10])?,
            lose_tail: rate([0, 0, 1, 4])?,
            corrupt: rate([0, 0, 1, 3])?,
            wipe: rate([0, 0, 2, 10])?,
            reconnect: rate([0, 2, 10, 40])?,
            silent_loss: rate([0, 0, 5, 20])?,
            copies: rate([0, 20, 60, 150])?,
            old_configuration: rate([0, 5, 10, 20])?,
            lapse: rate([0, 1, 3, 10])?,
            declare_dead: rate([0, 5, 20, 60])?,
            any_proposal: rate([0, 2, 8, 20])?,
            suspect: rate([0, 0, 3, 10])?,
            fail_fetch: rate([0, 0, 3, 10])?,
            delay: rate([0, 30, 60, 85])?,
            neglect: rate([0, 0, 50, 90])?,
            slow_sender: choices.below(8)?,
            slow_receiver: choices.below(8)?,
            hard_of_hearing: choices.below(8)?,
        })
    }
}

impl World {
    /// One random step; `None` when there are no more choices.
    pub fn step(&mut self, faults: &Faults, choices: &mut Choices) -> Option<()> {
        let event = match self.draw_fault(faults, choices)? {
            Some(event) => Some(event),
            None => self.draw_work(faults, choices)?,
        };
        if let Some(event) = event {
            self.reach.tell(&event);
            self.act(event);
        }
        Some(())
    }

    fn draw_work(&self, faults: &Faults, choices: &mut Choices) -> Option<Option<Event>> {
        let count = self.nodes.len();
        let at = choices.below(count)?;
        let primary = self.meta.configuration.primary.map_or(at, index_of);
        let hears = at != faults.hard_of_hearing || choices.below(100)? < SLOW_DELIVERIES;
        let event = match choices.below(100)? {
            67..77 if !hears => return Some(None),
            0..30 => {
                let link = choices.below(count * count)?;
                let luck = choices.below(100)?;
                let is_due = |&(from, to): &(usize, usize)| {
                    let is_slow = from == faults.slow_sender || to == faults.slow_receiver;
                    luck >= if is_slow {
                        100 - SLOW_DELIVERIES
                    } else {
                        faults.delay
                    }
                };
                let link = self.busy_link(link).filter(is_due);
                return Some(link.map(|(from, to)| Event::Deliver { from, to }));
            }
            30..42 => Event::FlushLog {
                at,
                records: 1 + choices.below(4)?,
            },
            42..52 => Event::Apply { at },
            52..56 => Event::Write { at },
            56..65 => Event::Write { at: primary },
            65..67 => Event::FlushStorage {
                at,
                records: choices.below(20)?,
            },
            67..71 => Event::Ask {
                at: self.eager_to_ask(at, faults),
            },
            71..77 => Event::Notice { at },
            77..79 => Event::GroupCheck { at: primary },
            79 => Event::Reconfigure { at },
            80 => Event::Progress { at },
            81..83 => Event::Restart { at },
            83..86 => Event::Beacon { at },
            86..88 => Event::NoticeLease { at },
            88..91 => Event::Teach { at },
            91 => Event::Fetch { at },
            92..94 => return self.draw_cure(faults, choices),
            94 => Event::ClearPrimary,
            95 => Event::DropCheckpoints { at },
            _ => self.draw_answer(choices)?,
        };
        Some(Some(event))
    }

    /// A server that has been told to ask, or the given one.
    fn eager_to_ask(&self, at: usize, faults: &Faults) -> usize {
        let mut nodes = 0..self.nodes.len();
        let eager =
            nodes.find(|&index| self.nodes[index].wants_sync && index != faults.hard_of_hearing);
        eager.unwrap_or(at)
    }

    fn draw_answer(&self, choices: &mut Choices) -> Option<Event> {
        let copies = [Copies::Last, Copies::Last, Copies::Last, Copies::More];
        let which = [0, 0, 0, 1, 2][choices.below(5)?];
        Some(Event::Answer {
            which,
            copies: copies[choices.below(4)?],
        })
    }

    fn draw_cure(&self, faults: &Faults, choices: &mut Choices) -> Option<Option<Event>> {
        let choice = choices.below(8)?;
        let cares = choices.below(100)? >= faults.neglect;
        let cure = self.cure(choice).filter(|_| cares);
        Some(cure.map(|(to, kind, node)| Event::Propose { to, kind, node }))
    }

    /// The given link, or the next one that has messages.
    fn busy_link(&self, link: usize) -> Option<(usize, usize)> {
        let count = self.nodes.len();
        let links = (0..count * count).map(|offset| (link + offset) % (count * count));
        let mut pairs = links.map(|link| (link / count, link % count));
        pairs.find(|&(from, to)| self.network.waiting(from, to) > 0)
    }

    fn draw_fault(&self, faults: &Faults, choices: &mut Choices) -> Option<Option<Event>> {
        let mut what = choices.below(1000)?;
        let mut is = |rate: usize| {
            let hit = what < rate;
            what = if hit {
                usize::MAX
            } else {
                what.saturating_sub(rate)
            };
            hit
        };
        let count = self.nodes.len();
        let at = choices.below(count)?;
        let other = (at + 1 + choices.below((count - 1).max(1))?) % count;
        let number = choices.below(64)?;
        let first = |wanted: &dyn Fn(usize) -> bool| (0..count).find(|&index| wanted(index));
        let is_even = number.is_multiple_of(2);
        let primary = self.meta.configuration.primary.map(index_of);
        let learner = first(&|index| {
            let replica = self.nodes[index].replica.as_ref();
            replica.is_some_and(|replica| replica.status() == ReplicaStatus::PotentialSecondary)
        });
        let event = if is(faults.crash) {
            Event::Crash {
                at: learner.filter(|_| number < 16).unwrap_or(at),
                surviving: number % 4,
            }
        } else if is(faults.corrupt) {
            Event::Corrupt { at }
        } else if is(faults.lose_tail) {
            Event::LoseTail {
                at: learner.filter(|_| is_even).unwrap_or(at),
                records: 1 + number % 6,
            }
        } else if is(faults.wipe) {
            let down = first(&|index| !self.nodes[index].is_up);
            Event::Wipe {
                at: down.unwrap_or(at),
            }
        } else if is(faults.reconnect) {
            Event::Reconnect { one: at, other }
        } else if is(faults.silent_loss) {
            Event::Lose {
                from: at,
                to: other,
            }
        } else if is(faults.copies) {
            self.draw_copy(number, choices.below(count * count)?)
        } else if is(faults.old_configuration) {
            Event::OldConfiguration { at, which: number }
        } else if is(faults.lapse) {
            Event::Lapse {
                at: primary.filter(|_| is_even).unwrap_or(at),
            }
        } else if is(faults.declare_dead) {
            let due = first(&|index| self.may_declare_dead(index));
            Event::DeclareDead {
                at: due.unwrap_or(at),
            }
        } else if is(faults.any_proposal) {
            self.draw_proposal(at, other, number)
        } else if is(faults.suspect) {
            Event::Suspect { at, peer: other }
        } else if is(faults.fail_fetch) {
            Event::FailFetch { at }
        } else {
            return Some(None);
        };
        Some(Some(event).filter(|&event| self.is_possible(event)))
    }

    fn draw_copy(&self, number: usize, link: usize) -> Event {
        match self.busy_link(link).filter(|_| number.is_multiple_of(2)) {
            Some((from, to)) => Event::Copy { from, to },
            None => Event::Stale { which: number },
        }
    }

    fn draw_proposal(&self, at: usize, other: usize, number: usize) -> Event {
        let kinds = ProposalKind::ALL;
        // Meta chooses the truth by its own rules only.
        let kind = kinds[1 + number % (kinds.len() - 1)];
        let primary = self.meta.configuration.primary.map_or(at, index_of);
        if number < 32 {
            return Event::Propose {
                to: primary,
                kind: ProposalKind::DowngradeToSecondary,
                node: address(primary),
            };
        }
        let node = if number < 48 { at } else { other };
        let to = if kind == ProposalKind::UpgradeToPrimary {
            node
        } else {
            primary
        };
        Event::Propose {
            to,
            kind,
            node: address(node),
        }
    }

    /// Whether a fault keeps to what is promised: nothing that was committed is lost everywhere, and
    /// nobody is dead who holds a lease.
    pub fn is_possible(&self, event: Event) -> bool {
        match event {
            Event::LoseTail { at, .. } | Event::Corrupt { at } => self.can_lose(at),
            Event::Wipe { at } => !self.nodes[at].is_up && self.can_lose(at),
            Event::DeclareDead { at } => self.may_declare_dead(at),
            Event::Reconnect { one, other } => one != other,
            _ => true,
        }
    }

    /// A whole run from a seed, which also decides how large the group is.
    pub fn run_seed(seed: u64, steps: u64, is_told: bool) -> Self {
        let mut choices = Choices::Seed(seed);
        let (nodes, members) = match choices.below(8) {
            Some(0) => (2, 1),
            Some(1) => (3, 2),
            Some(2..5) => (4, 3),
            _ => (3, 3),
        };
        let mut world = Self::new(Size { nodes, members }, small_options());
        world.reach.is_told = is_told;
        world.run(&mut choices, steps);
        world
    }

    /// A whole run: birth, random steps, healing.
    pub fn run(&mut self, choices: &mut Choices, steps: u64) {
        let Some(faults) = Faults::draw(choices) else {
            return;
        };
        for _ in 0..steps {
            if self.step(&faults, choices).is_none() {
                break;
            }
        }
        self.heal();
        self.checks.at_rest(&self.nodes, &self.meta);
    }
}
