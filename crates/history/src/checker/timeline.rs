//! The records in the order of time.

use std::rc::Rc;

use crate::model::{Call, Model};
use crate::moment::Moment;
use crate::record::{Outcome, Record};

/// An answer comes.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    /// To which record.
    pub(super) record: usize,
    /// When.
    pub(super) at: Moment,
    /// What can take effect before it.
    pub(super) under_way: UnderWay,
}

/// The operations that can take effect, by index.
#[derive(Clone, Debug, Default)]
pub(super) struct UnderWay {
    /// Reads whose answers have not come.
    pub(super) reads: Vec<usize>,
    /// Writes whose answers have not come.
    pub(super) writes: Vec<usize>,
    /// Writes of unknown outcome.
    pub(super) open: Rc<Vec<OpenWrite>>,
}

/// A write of unknown outcome.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenWrite {
    pub(super) index: usize,
    /// The last equal one that was sent before: it is used first.
    pub(super) twin: Option<usize>,
}

/// What happens at a moment. Of things that happen at the same one, operations begin first: they
/// are then taken as concurrent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Begin(usize),
    End(usize),
}

/// The answers in the order in which they came.
pub(super) fn endings<M: Model>(
    model: &M,
    records: &[Record<M::Operation, M::Answer>],
) -> Vec<Ending> {
    let mut under_way = UnderWay::default();
    let mut endings = Vec::new();
    for (at, event) in events(model, records) {
        match event {
            Event::Begin(index) => begin(model, records, index, &mut under_way),
            Event::End(record) => {
                endings.push(Ending {
                    record,
                    at,
                    under_way: under_way.clone(),
                });
                under_way.reads.retain(|&other| other != record);
                under_way.writes.retain(|&other| other != record);
            }
        }
    }
    endings
}

/// What matters of the records: nothing of what was surely not done, nor of reads without an
/// answer.
fn events<M: Model>(
    model: &M,
    records: &[Record<M::Operation, M::Answer>],
) -> Vec<(Moment, Event)> {
    let mut events = Vec::with_capacity(2 * records.len());
    for (index, record) in records.iter().enumerate() {
        match &record.outcome {
            Outcome::Failed => {}
            Outcome::Unknown if model.is_read(Call::from(record)) => {}
            Outcome::Unknown => events.push((record.invoked, Event::Begin(index))),
            Outcome::Ok(_) => {
                events.push((record.invoked, Event::Begin(index)));
                events.push((record.latest_effect(), Event::End(index)));
            }
        }
    }
    events.sort_unstable();
    events
}

fn begin<M: Model>(
    model: &M,
    records: &[Record<M::Operation, M::Answer>],
    index: usize,
    under_way: &mut UnderWay,
) {
    let record = &records[index];
    if record.answer().is_none() {
        let before = under_way.open.iter().rev().map(|open| open.index);
        let is_equal = |other: &usize| records[*other].operation == record.operation;
        let twin = before.into_iter().find(is_equal);
        Rc::make_mut(&mut under_way.open).push(OpenWrite { index, twin });
    } else if model.is_read(Call::from(record)) {
        under_way.reads.push(index);
    } else {
        under_way.writes.push(index);
    }
}
