//! What operations do to the state of one key, one after the other.

use std::fmt;
use std::hash::Hash;

use crate::moment::Moment;
use crate::record::Record;

/// An operation as the model sees it.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a, O, A> {
    /// When it was sent.
    pub invoked: Moment,
    /// Until when it may have taken effect.
    pub returned: Moment,
    /// What was asked.
    pub operation: &'a O,
    /// The answer; `None` if it is unknown.
    pub answer: Option<&'a A>,
}

impl<'a, O, A> From<&'a Record<O, A>> for Call<'a, O, A> {
    fn from(record: &'a Record<O, A>) -> Self {
        Self {
            invoked: record.invoked,
            returned: record.latest_effect(),
            operation: &record.operation,
            answer: record.answer(),
        }
    }
}

/// The meaning of operations, one after the other, on the state of one key. Pure.
pub trait Model {
    /// What a key holds.
    type State: Clone + Eq + Hash + fmt::Display;
    /// What can be asked.
    type Operation: Eq + fmt::Display;
    /// What can be answered.
    type Answer: Eq + fmt::Display;

    /// What a key holds before the first operation.
    fn initial(&self) -> Self::State;

    /// Pushes every state that the operation can leave behind when it is done at `state` and gives
    /// the call's answer (any answer, if it is unknown). Pushes nothing if it cannot give it there.
    /// Most operations push at most one state; where time decides (expiry), there can be several.
    fn step(
        &self,
        state: &Self::State,
        call: Call<'_, Self::Operation, Self::Answer>,
        next: &mut Vec<Self::State>,
    );

    /// Whether the operation, given its answer, leaves every state as it is.
    fn is_read(&self, call: Call<'_, Self::Operation, Self::Answer>) -> bool;

    /// Whether the order of the two never matters, neither to their answers nor to the state.
    /// `false` is always right; `true` spares the checker work.
    fn are_independent(&self, one: &Self::Operation, other: &Self::Operation) -> bool;
}
