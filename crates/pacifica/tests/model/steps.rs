//! The random driver: one choice after the other decides what happens next.

use pegasus_pacifica::{ConfigurationSource, Lease, Standing};

use super::choice::Choices;
use super::{World, address};

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
            stale_message: rate([0, 10, 30, 60])?,
            stale_configuration: rate([0, 5, 10, 20])?,
            lease: rate([0, 0, 3, 10])?,
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
                let from = choices.below(count)?;
                self.deliver(from, index);
            }
            40..60 => self.flush_log(index, 1 + choices.below(4)?),
            60..75 => self.apply(index),
            75..90 => {
                let _refused = self.write(index);
            }
            90..92 => self.flush_storage(index, choices.below(20)?),
            92..95 => self.config_sync(index),
            95..97 => self.group_check(index),
            97 => self.input(index, |replica, out| replica.on_reconfiguration_timer(out)),
            98 => self.restart(index, Standing::Proven),
            _ => self.answer_request(),
        }
        Some(())
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
            self.stale_message(index, other, choices)?;
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

    fn stale_message(&mut self, from: usize, to: usize, choices: &mut Choices) -> Option<()> {
        if choices.below(2)? == 0 {
            self.network.copy_for_later(from, to);
        } else if let Some((from, to, message)) = self.network.take_stale(choices.below(64)?) {
            self.input(to, |replica, out| {
                replica.on_message(address(from), message, out)
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
