//! The way through all records.

use super::configuration::{Configuration, Frontier};
use super::timeline::{self, Ending};
use super::violation::{KnownState, Violation};
use super::ways::{OutOfSteps, Stepper, Ways};
use super::{Limits, Verdict};
use crate::model::Model;
use crate::moment::Moment;
use crate::record::Record;

pub(super) struct Walk<'a, M: Model> {
    stepper: Stepper<'a, M>,
    endings: Vec<Ending>,
    /// For each ending, the configurations that have been tried before it.
    tried: Vec<Frontier<M::State>>,
    configurations_left: usize,
}

/// The ways on from a configuration before an ending.
enum Onward<S> {
    /// The operation has taken effect before: there is one.
    Done(Option<Configuration<S>>),
    Ways(Box<Ways<S>>),
}

impl<'a, M: Model> Walk<'a, M> {
    pub(super) fn new(
        model: &'a M,
        records: &'a [Record<M::Operation, M::Answer>],
        limits: Limits,
    ) -> Self {
        let endings = timeline::endings(model, records);
        Self {
            stepper: Stepper {
                model,
                records,
                steps_left: limits.steps,
            },
            tried: endings.iter().map(|_| Frontier::new()).collect(),
            endings,
            configurations_left: limits.configurations,
        }
    }

    pub(super) fn run(mut self) -> Verdict {
        match self.is_explained() {
            Ok(true) => Verdict::Linearizable,
            Ok(false) => Verdict::Violation(Box::new(self.explain())),
            Err(OutOfSteps) => Verdict::Undecided(Box::new(self.explain())),
        }
    }

    /// Depth first: one level for each ending.
    fn is_explained(&mut self) -> Result<bool, OutOfSteps> {
        let mut levels = Vec::new();
        let mut next = Some(Configuration::initial(self.stepper.model.initial()));
        loop {
            if let Some(configuration) = next {
                if levels.len() == self.endings.len() {
                    return Ok(true);
                }
                if let Some(onward) = self.enter(levels.len(), configuration)? {
                    levels.push(onward);
                }
            }
            let Some(place) = levels.len().checked_sub(1) else {
                return Ok(false);
            };
            next = match &mut levels[place] {
                Onward::Done(configuration) => configuration.take(),
                Onward::Ways(ways) => ways.next(&mut self.stepper)?,
            };
            match &mut next {
                Some(configuration) => {
                    let record = self.endings[place].record;
                    configuration.writes.remove(record);
                    configuration.reads.remove(record);
                }
                None => {
                    levels.pop();
                }
            }
        }
    }

    /// Begins with a configuration before an ending, unless that has been tried.
    fn enter(
        &mut self,
        place: usize,
        mut configuration: Configuration<M::State>,
    ) -> Result<Option<Onward<M::State>>, OutOfSteps> {
        let ending = &self.endings[place];
        let reads = &ending.under_way.reads;
        self.stepper.settle_reads(&mut configuration, reads)?;
        if !self.tried[place].insert(&configuration) {
            return Ok(None);
        }
        self.configurations_left = self.configurations_left.checked_sub(1).ok_or(OutOfSteps)?;
        let is_done = configuration.writes.contains(ending.record)
            || configuration.reads.contains(ending.record);
        Ok(Some(if is_done {
            Onward::Done(Some(configuration))
        } else {
            let (target, under_way) = (ending.record, &ending.under_way);
            let ways = Ways::new(&self.stepper, configuration, target, under_way);
            Onward::Ways(Box::new(ways))
        }))
    }

    /// The furthest ending that was come to has no explanation.
    fn explain(&self) -> Violation {
        let furthest = self.tried.iter().rposition(|tried| tried.len() > 0);
        let furthest = furthest.unwrap_or(0);
        let known = (0..=furthest).rev().find_map(|place| {
            let mut states = self.tried[place].states();
            let state = states.next()?;
            states.all(|other| other == state).then(|| KnownState {
                at: self.moment_before(place),
                state: state.clone(),
            })
        });
        let known = known.unwrap_or_else(|| KnownState {
            at: Moment::default(),
            state: self.stepper.model.initial(),
        });
        Violation::explain(
            self.stepper.model,
            self.stepper.records,
            self.endings[furthest].record,
            &known,
            self.tried[furthest].states(),
        )
    }

    fn moment_before(&self, place: usize) -> Moment {
        let before = place
            .checked_sub(1)
            .and_then(|place| self.endings.get(place));
        before.map_or(Moment::default(), |ending| ending.at)
    }
}
