//! Why records are not linearizable, for people.

use std::collections::BTreeSet;
use std::fmt;

use crate::model::Model;
use crate::moment::Moment;
use crate::record::{Outcome, Record};

/// Most states that are shown.
const STATES_SHOWN: usize = 6;
/// Most records that are shown.
const RECORDS_SHOWN: usize = 30;

/// The shortest stretch of records that no order explains: from the last moment at which the state
/// was beyond doubt to the answer that fits none of the states that were possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Index of the record whose answer has no explanation.
    pub record: usize,
    /// Indices of the records of the stretch, in the order of sending, the one above included.
    pub window: Vec<usize>,
    text: String,
}

/// A moment without doubt.
#[derive(Clone, Debug)]
pub(super) struct KnownState<S> {
    pub(super) at: Moment,
    pub(super) state: S,
}

impl Violation {
    pub(super) fn explain<'s, M: Model>(
        model: &M,
        records: &[Record<M::Operation, M::Answer>],
        record: usize,
        known: &KnownState<M::State>,
        states: impl Iterator<Item = &'s M::State>,
    ) -> Self
    where
        M::State: 's,
    {
        let failed = &records[record];
        let end = failed.latest_effect();
        let mut window: Vec<usize> = (0..records.len())
            .filter(|&index| {
                let other = &records[index];
                let is_in_time = other.latest_effect() >= known.at && other.invoked <= end;
                let matters = index == record
                    || other.latest_effect() < Moment::MAX
                    || !model.are_independent(&other.operation, &failed.operation);
                other.outcome != Outcome::Failed && is_in_time && matters
            })
            .collect();
        window.sort_by_key(|&index| (records[index].invoked, index));
        let text = describe(records, record, &window, known, states);
        Self {
            record,
            window,
            text,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn describe<'s, S, O, A>(
    records: &[Record<O, A>],
    record: usize,
    window: &[usize],
    known: &KnownState<S>,
    states: impl Iterator<Item = &'s S>,
) -> String
where
    S: fmt::Display + 's,
    O: fmt::Display,
    A: fmt::Display,
{
    let mut lines = vec![
        format!("no order of the operations explains: {}", records[record]),
        format!("the state at {} was surely {}", known.at, known.state),
    ];
    // The last ones are nearest to the failure.
    let hidden = window.len().saturating_sub(RECORDS_SHOWN);
    if hidden > 0 {
        lines.push(format!("  ({hidden} earlier operations not shown)"));
    }
    for &index in &window[hidden..] {
        let mark = if index == record { '>' } else { ' ' };
        lines.push(format!("{mark} {}", records[index]));
    }
    let possible: BTreeSet<String> = states.map(ToString::to_string).collect();
    let hidden = possible.len().saturating_sub(STATES_SHOWN);
    let possible: Vec<String> = possible.into_iter().take(STATES_SHOWN).collect();
    let mut line = format!("possible just before its answer: {}", possible.join(" | "));
    if hidden > 0 {
        line.push_str(&format!(" and {hidden} more"));
    }
    lines.push(line);
    lines.join("\n")
}
