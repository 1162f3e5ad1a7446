//! The ways to go on from a configuration that end with a given operation.

use std::collections::VecDeque;

use super::configuration::{Configuration, Frontier};
use super::timeline::{OpenWrite, UnderWay};
use crate::model::{Call, Model};
use crate::record::Record;

/// The limits are met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutOfSteps;

/// Lets operations take effect, and counts the work.
pub(super) struct Stepper<'a, M: Model> {
    pub(super) model: &'a M,
    pub(super) records: &'a [Record<M::Operation, M::Answer>],
    /// Steps of the model that are left.
    pub(super) steps_left: u64,
}

impl<M: Model> Stepper<'_, M> {
    /// The configurations right after an operation has taken effect.
    fn apply(
        &mut self,
        configuration: &Configuration<M::State>,
        index: usize,
        reads: &[usize],
    ) -> Result<Vec<Configuration<M::State>>, OutOfSteps> {
        let states = self.step(&configuration.state, index)?;
        let is_open = self.records[index].answer().is_none();
        let mut configurations = Vec::with_capacity(states.len());
        for state in states {
            if is_open && state == configuration.state {
                // Used up for nothing.
                continue;
            }
            let mut next = Configuration {
                state,
                ..configuration.clone()
            };
            if is_open {
                next.used.insert(index);
            } else {
                next.writes.insert(index);
            }
            self.settle_reads(&mut next, reads)?;
            configurations.push(next);
        }
        Ok(configurations)
    }

    fn apply_to_all(
        &mut self,
        configurations: &[Configuration<M::State>],
        index: usize,
        reads: &[usize],
    ) -> Result<Vec<Configuration<M::State>>, OutOfSteps> {
        let mut all = Vec::new();
        for configuration in configurations {
            all.extend(self.apply(configuration, index, reads)?);
        }
        Ok(all)
    }

    /// Lets every one of these reads take effect whose answer fits.
    pub(super) fn settle_reads(
        &mut self,
        configuration: &mut Configuration<M::State>,
        reads: &[usize],
    ) -> Result<(), OutOfSteps> {
        for &index in reads {
            if !configuration.reads.contains(index)
                && !self.step(&configuration.state, index)?.is_empty()
            {
                configuration.reads.insert(index);
            }
        }
        Ok(())
    }

    fn step(&mut self, state: &M::State, index: usize) -> Result<Vec<M::State>, OutOfSteps> {
        self.steps_left = self.steps_left.checked_sub(1).ok_or(OutOfSteps)?;
        let mut next = Vec::new();
        let call = Call::from(&self.records[index]);
        self.model.step(state, call, &mut next);
        Ok(next)
    }
}

/// A configuration on the way, and what has taken effect since the begin of the way.
#[derive(Debug)]
struct Node<S> {
    configuration: Configuration<S>,
    way: Vec<usize>,
}

/// The ways from one configuration to the end of one operation, found one by one, shortest first.
#[derive(Debug)]
pub(super) struct Ways<S> {
    from: Configuration<S>,
    target: usize,
    /// The operations that matter to the target, directly or through others.
    reads: Vec<usize>,
    writes: Vec<usize>,
    open: Vec<OpenWrite>,
    seen: Frontier<S>,
    nodes: VecDeque<Node<S>>,
    /// Its ends have been found; where it leads has not.
    visited: Option<Node<S>>,
    ends: Vec<Configuration<S>>,
}

impl<S: Clone + Eq + std::hash::Hash> Ways<S> {
    /// No way is found yet. `from` has settled its reads and not done the target.
    pub(super) fn new<M: Model<State = S>>(
        stepper: &Stepper<'_, M>,
        from: Configuration<S>,
        target: usize,
        under_way: &UnderWay,
    ) -> Self {
        let relevant = relevant(stepper, &from, target, under_way);
        let is_relevant = |index: usize| relevant.contains(&index);
        let mut seen = Frontier::new();
        seen.insert(&from);
        let reads = under_way.reads.iter().copied();
        let writes = under_way.writes.iter().copied();
        let open = under_way.open.iter().copied();
        Self {
            target,
            reads: reads.filter(|&index| is_relevant(index)).collect(),
            writes: writes
                .filter(|&index| index != target && is_relevant(index))
                .collect(),
            open: open.filter(|open| is_relevant(open.index)).collect(),
            seen,
            nodes: VecDeque::from([Node {
                configuration: from.clone(),
                way: Vec::new(),
            }]),
            visited: None,
            ends: Vec::new(),
            from,
        }
    }

    /// The next configuration in which the target has just taken effect.
    pub(super) fn next<M: Model<State = S>>(
        &mut self,
        stepper: &mut Stepper<'_, M>,
    ) -> Result<Option<Configuration<S>>, OutOfSteps> {
        loop {
            if let Some(end) = self.ends.pop() {
                return Ok(Some(end));
            }
            if let Some(node) = self.visited.take() {
                self.expand(stepper, &node)?;
            }
            let Some(node) = self.nodes.pop_front() else {
                return Ok(None);
            };
            if self.reads.contains(&self.target) {
                if !node.configuration.reads.contains(self.target) {
                    self.visited = Some(node);
                } else if self.is_needed(stepper, &node.configuration, &node.way)? {
                    self.ends.push(node.configuration);
                }
            } else {
                for end in stepper.apply(&node.configuration, self.target, &self.reads)? {
                    let mut way = node.way.clone();
                    way.push(self.target);
                    if self.is_needed(stepper, &end, &way)? {
                        self.ends.push(end);
                    }
                }
                self.visited = Some(node);
            }
        }
    }

    fn expand<M: Model<State = S>>(
        &mut self,
        stepper: &mut Stepper<'_, M>,
        node: &Node<S>,
    ) -> Result<(), OutOfSteps> {
        for index in self.usable(&node.configuration) {
            for configuration in stepper.apply(&node.configuration, index, &self.reads)? {
                if self.seen.insert(&configuration) {
                    let mut way = node.way.clone();
                    way.push(index);
                    self.nodes.push_back(Node { configuration, way });
                }
            }
        }
        Ok(())
    }

    fn usable(&self, configuration: &Configuration<S>) -> Vec<usize> {
        let writes = self.writes.iter().copied();
        let writes = writes.filter(|&index| !configuration.writes.contains(index));
        let open = self.open.iter().filter(|open| {
            let used = &configuration.used;
            open.twin.is_none_or(|twin| used.contains(twin)) && !used.contains(open.index)
        });
        writes.chain(open.map(|open| open.index)).collect()
    }

    /// Whether nothing on the way can wait until after the target.
    fn is_needed<M: Model<State = S>>(
        &self,
        stepper: &mut Stepper<'_, M>,
        end: &Configuration<S>,
        way: &[usize],
    ) -> Result<bool, OutOfSteps> {
        for waiting in 0..way.len().saturating_sub(1) {
            let mut reached = vec![self.from.clone()];
            for &index in way[..waiting].iter().chain(&way[waiting + 1..]) {
                reached = stepper.apply_to_all(&reached, index, &self.reads)?;
            }
            let target = self.target;
            reached.retain(|other| other.reads.contains(target) || other.writes.contains(target));
            let last = stepper.apply_to_all(&reached, way[waiting], &self.reads)?;
            if last.contains(end) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The operations that can still take effect and matter to the target, directly or through others;
/// the target among them.
fn relevant<M: Model>(
    stepper: &Stepper<'_, M>,
    from: &Configuration<M::State>,
    target: usize,
    under_way: &UnderWay,
) -> Vec<usize> {
    let operation = |index: usize| &stepper.records[index].operation;
    let reads = under_way.reads.iter().copied();
    let writes = under_way.writes.iter().copied();
    let open = under_way.open.iter().map(|open| open.index);
    let mut waiting: Vec<usize> = reads
        .filter(|&index| !from.reads.contains(index))
        .chain(writes.filter(|&index| !from.writes.contains(index)))
        .chain(open.filter(|&index| !from.used.contains(index)))
        .filter(|&index| index != target)
        .collect();
    let mut found = vec![target];
    let mut next = 0;
    while let Some(&index) = found.get(next) {
        waiting.retain(|&other| {
            let can_swap = stepper
                .model
                .are_independent(operation(index), operation(other));
            if !can_swap {
                found.push(other);
            }
            can_swap
        });
        next += 1;
    }
    found
}
