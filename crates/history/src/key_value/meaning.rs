//! What each operation does to records of which it is clear whether they have expired
//! (data-semantics.md section 5).

use std::collections::BTreeMap;

use super::answer::Answer;
use super::operation::{Check, Operation, SubWrite};
use super::state::{HashKeyState, Stored};
use super::{Expiry, Text};

/// Does an operation and returns its answer.
pub(super) fn apply(state: &mut HashKeyState, operation: &Operation) -> Answer {
    match operation {
        Operation::Get { sort_key } => Answer::Value(value_of(state, sort_key)),
        Operation::GetAll => Answer::Records(all(state)),
        Operation::Count => Answer::Count(state.records.len() as u64),
        Operation::Set {
            sort_key,
            value,
            expiry,
        } => {
            set(state, sort_key, value, *expiry);
            Answer::Done
        }
        Operation::Delete { sort_key } => {
            state.records.remove(sort_key);
            Answer::Done
        }
        Operation::MultiSet { records } => {
            for (sort_key, value) in records {
                set(state, sort_key, value, None);
            }
            Answer::Done
        }
        Operation::MultiDelete { sort_keys } => {
            for sort_key in sort_keys {
                state.records.remove(sort_key);
            }
            Answer::Done
        }
        Operation::Increment { sort_key, by } => increment(state, sort_key, *by),
        Operation::CheckAndSet {
            check_sort_key,
            check,
            sort_key,
            value,
        } => if_passed(state, check_sort_key, check, |state| {
            set(state, sort_key, value, None);
        }),
        Operation::CheckAndMutate {
            check_sort_key,
            check,
            writes,
        } => if_passed(state, check_sort_key, check, |state| {
            for write in writes {
                sub_write(state, write);
            }
        }),
    }
}

fn value_of(state: &HashKeyState, sort_key: &Text) -> Option<Text> {
    state.get(sort_key).map(|stored| stored.value.clone())
}

fn all(state: &HashKeyState) -> BTreeMap<Text, Text> {
    let records = state.records.iter();
    records
        .map(|(sort_key, stored)| (sort_key.clone(), stored.value.clone()))
        .collect()
}

fn set(state: &mut HashKeyState, sort_key: &Text, value: &Text, expiry: Option<Expiry>) {
    let value = value.clone();
    let stored = Stored { value, expiry };
    state.records.insert(sort_key.clone(), stored);
}

fn increment(state: &mut HashKeyState, sort_key: &Text, by: i64) -> Answer {
    let old = state.get(sort_key);
    let number = match old.map(|stored| &*stored.value) {
        None | Some("") => Some(0),
        Some(text) => text.parse::<i64>().ok(),
    };
    let Some(sum) = number.and_then(|number| number.checked_add(by)) else {
        return Answer::InvalidArgument;
    };
    let expiry = old.and_then(|stored| stored.expiry);
    set(state, sort_key, &Text::from(sum.to_string()), expiry);
    Answer::Number(sum)
}

fn if_passed(
    state: &mut HashKeyState,
    sort_key: &Text,
    check: &Check,
    write: impl FnOnce(&mut HashKeyState),
) -> Answer {
    let found = value_of(state, sort_key);
    let passes = match check {
        Check::Absent => found.is_none(),
        Check::Present => found.is_some(),
        Check::ValueIs(value) => found.as_ref() == Some(value),
    };
    if !passes {
        return Answer::Refused { found };
    }
    write(state);
    Answer::Passed
}

fn sub_write(state: &mut HashKeyState, write: &SubWrite) {
    match write {
        SubWrite::Set { sort_key, value } => set(state, sort_key, value, None),
        SubWrite::Delete { sort_key } => {
            state.records.remove(sort_key);
        }
    }
}
