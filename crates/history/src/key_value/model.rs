//! The model of a hash key for the checker.

use std::time::Duration;

use super::answer::Answer;
use super::operation::{Expiry, Operation, Touched};
use super::state::HashKeyState;
use super::{Text, meaning};
use crate::model::{Call, Model};

/// Most records of one state about which it can be in doubt at a time whether they have expired;
/// the doubt about more is settled in favour of presence.
const DOUBTS_MAX: usize = 8;

/// The model of a hash key.
///
/// A record that expires is present up to its expiry and absent from then on, by the clock of the
/// server that looks. At what instant within its call an operation looked, and by which clock, is
/// not known: near the expiry both answers are right.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyValue {
    /// How far any server's clock may be from that of the history.
    pub clock_error: Duration,
}

/// Whether a record is there for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Present,
    Expired,
    InDoubt,
}

type KeyValueCall<'a> = Call<'a, Operation, Answer>;

impl KeyValue {
    fn presence(&self, expiry: Option<Expiry>, call: &KeyValueCall<'_>) -> Presence {
        let Some(expiry) = expiry else {
            return Presence::Present;
        };
        let may_be_present = call.invoked.before(self.clock_error) < expiry.not_after;
        let may_have_expired = call.returned.after(self.clock_error) >= expiry.not_before;
        match (may_be_present, may_have_expired) {
            (true, false) => Presence::Present,
            (false, _) => Presence::Expired,
            (true, true) => Presence::InDoubt,
        }
    }

    /// The records that have surely expired, and those that may have, of those that matter to a
    /// call.
    fn expired(&self, state: &HashKeyState, call: &KeyValueCall<'_>) -> (Vec<Text>, Vec<Text>) {
        let touched = call.operation.touched();
        let mut surely = Vec::new();
        let mut perhaps = Vec::new();
        for (sort_key, stored) in &state.records {
            let matters = match &touched {
                Touched::All => true,
                Touched::Some(keys) => keys.contains(sort_key),
            };
            match self.presence(stored.expiry, call) {
                Presence::Expired if matters => surely.push(sort_key.clone()),
                Presence::InDoubt if matters && perhaps.len() < DOUBTS_MAX => {
                    perhaps.push(sort_key.clone());
                }
                _ => {}
            }
        }
        (surely, perhaps)
    }
}

impl Model for KeyValue {
    type State = HashKeyState;
    type Operation = Operation;
    type Answer = Answer;

    fn initial(&self) -> HashKeyState {
        HashKeyState::default()
    }

    fn step(&self, state: &HashKeyState, call: KeyValueCall<'_>, next: &mut Vec<HashKeyState>) {
        let (surely, perhaps) = self.expired(state, &call);
        for choice in 0..1_usize << perhaps.len() {
            let chosen = perhaps.iter().enumerate();
            let chosen = chosen.filter(|(place, _)| choice >> place & 1 == 1);
            let gone = surely.iter().chain(chosen.map(|(_, sort_key)| sort_key));
            let gone: Vec<&Text> = gone.collect();
            if let Some(after) = step_without(state, &gone, &call)
                && !next.contains(&after)
            {
                next.push(after);
            }
        }
    }

    fn is_read(&self, call: KeyValueCall<'_>) -> bool {
        let wrote_nothing = matches!(
            call.answer,
            Some(Answer::Refused { .. } | Answer::InvalidArgument)
        );
        call.operation.is_read() || wrote_nothing
    }

    fn are_independent(&self, one: &Operation, other: &Operation) -> bool {
        one.is_independent_of(other)
    }
}

/// The state after the call, if the `gone` records have expired and the answer fits. What it did
/// not write stays as it was, expired or not: another server's clock may see it otherwise.
fn step_without(
    state: &HashKeyState,
    gone: &[&Text],
    call: &KeyValueCall<'_>,
) -> Option<HashKeyState> {
    let mut after = state.clone();
    for sort_key in gone {
        after.records.remove(*sort_key);
    }
    let answer = meaning::apply(&mut after, call.operation);
    if call.answer.is_some_and(|expected| *expected != answer) {
        return None;
    }
    let is_effective = !matches!(answer, Answer::Refused { .. } | Answer::InvalidArgument);
    let written = call.operation.written();
    for sort_key in gone {
        if !(is_effective && written.contains(sort_key))
            && let Some(stored) = state.get(sort_key)
        {
            after.records.insert((*sort_key).clone(), stored.clone());
        }
    }
    Some(after)
}
