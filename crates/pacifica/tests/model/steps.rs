//! The random driver: one choice after the other decides what happens next.

use pegasus_pacifica::{ConfigurationSource, Lease, Standing};

use super::choice::Choices;
use super::{World, address, index_of};

/// How often faults and changes happen, in 1000 steps; everything else is ordinary work.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    pub crash: usize,
    pub reconnect: usize,
    pub silent_loss: usize,
    pub move_primary: usize,
    pub remove: usize,
    pub stale_message: usize,
    pub stale_configuration: usize,
    pub lease: usize,
    /// So many of 100 deliveries do not happen yet.
    pub delay: usize,
}

impl Faults {
    /// Draws a mix (swarm testing: a run with few kinds of faults gets further into each).
    pub fn draw(choices: &mut Choices) -> Option<Self> {
        let mut rate = |rates: [usize; 4]| choices.below(4).map(|index| rates[index]);
        Some(Self {
            crash: rate([0, 2, 8, 20])?,
            reconnect: rate([0, 5, 15, 40])?,
            silent_loss: rate([0, 0, 5, 20])?,
            move_primary: rate([0, 2, 8, 20])?,
            remove: rate([0, 0, 0, 1])?,
            stale_message: rate([0, 20, 60, 150])?,
            stale_configuration: rate([0, 5, 10, 20])?,
            lease: rate([0, 0, 3, 10])?,
            delay: rate([0, 30, 60, 85])?,
        })
    }

    fn total(&self) -> usize {
        self.crash
            + self.reconnect
            + self.silent_loss
            + self.move_primary
            + self.remove
            + self.stale_message
            + self.stale_configuration
            + self.lease
    }
}

impl World {
    /// One random step; `None` when there are no more choices.
    pub fn step(&mut self, faults: &Faults, choices: &mut Choices) -> Option<()> {
        self.steps += 1;
        let count = self.nodes.len();
        let index = choices.below(count)?;
        let mut what = choices.below(1000)?;
        if what < faults.total() {
            return self.fault(what, index, faults, choices);
        }
        what = choices.below(100)?;
        match what {
            0..40 => {
                let link = choices.below(count * count)?;
                if choices.below(100)? >= faults.delay {
                    self.deliver_any(link);
                }
            }
            40..56 => self.flush_log(index, 1 + choices.below(4)?),
            56..72 => self.apply(index),
            72..80 => {
                let _refused = self.write(index);
            }
            80..86 => {
                let primary = self.meta.configuration.primary.map_or(index, index_of);
                let _refused = self.write(primary);
            }
            86..88 => self.flush_storage(index, choices.below(20)?),
            88..92 => self.config_sync(index),
            92..94 => self.group_check(index),
            94 => self.input(index, |replica, out| replica.on_reconfiguration_timer(out)),
            95..97 => self.restart(index, Standing::Proven),
            _ => self.answer_request(),
        }
        Some(())
    }

    /// Delivers a message, if any is under way.
    fn deliver_any(&mut self, link: usize) {
        if let Some((from, to)) = self.busy_link(link) {
            self.deliver(from, to);
        }
    }

    /// The given link, or the next one that has messages.
    fn busy_link(&self, link: usize) -> Option<(usize, usize)> {
        let count = self.nodes.len();
        let links = (0..count * count).map(|offset| (link + offset) % (count * count));
        let mut pairs = links.map(|link| (link / count, link % count));
        pairs.find(|&(from, to)| self.network.waiting(from, to) > 0)
    }

    fn fault(
        &mut self,
        mut what: usize,
        index: usize,
        faults: &Faults,
        choices: &mut Choices,
    ) -> Option<()> {
        let mut is = |rate: usize| {
            let hit = what < rate;
            what = what.saturating_sub(rate);
            hit
        };
        let other = (index + 1 + choices.below(self.nodes.len() - 1)?) % self.nodes.len();
        if is(faults.crash) {
            self.crash(index, choices.below(4)?);
        } else if is(faults.reconnect) {
            self.reconnect(index, other);
        } else if is(faults.silent_loss) {
            self.lose_silently(index, other);
        } else if is(faults.move_primary) {
            self.meta.move_primary(address(index));
        } else if is(faults.remove) {
            self.meta.remove(address(index));
        } else if is(faults.stale_message) {
            self.stale_message(choices)?;
        } else if is(faults.stale_configuration) {
            let old = choices.below(self.meta.history.len())?;
            let old = self.meta.history[old].clone();
            self.configure(index, &old, ConfigurationSource::Proposal);
        } else {
            let lease = [Lease::Held, Lease::Held, Lease::NotHeld][choices.below(3)?];
            self.lease(index, lease);
        }
        Some(())
    }

    fn stale_message(&mut self, choices: &mut Choices) -> Option<()> {
        let link = choices.below(self.nodes.len() * self.nodes.len())?;
        if choices.below(2)? == 0 {
            if let Some((from, to)) = self.busy_link(link) {
                self.network.copy_for_later(from, to);
            }
        } else if let Some((from, to, message)) = self.network.take_stale(choices.below(64)?) {
            self.input(to, |replica, out| {
                replica.on_message(address(from), message, out);
            });
        }
        Some(())
    }

    /// A whole run: birth, random steps, healing.
    pub fn run(&mut self, choices: &mut Choices, steps: u64) {
        let Some(faults) = Faults::draw(choices) else {
            return;
        };
        while self.steps < steps && self.step(&faults, choices).is_some() {}
        self.heal();
        self.checks.at_rest(&self.nodes, &self.meta);
    }
}
