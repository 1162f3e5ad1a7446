//! `check_and_set` and `check_and_mutate` (data-semantics.md sections 5.6 and 5.7).

use std::cmp::Ordering;

use bytes::Bytes;
use pegasus_wire::rrdb::{CheckAndMutateRequest, CheckAndSetRequest};

use super::Partition;
use super::filter::Filter;
use crate::answer::{Answer, INVALID_ARGUMENT, OK, TRY_AGAIN};
use crate::{integer, keys};

const MUTATE_PUT: i32 = 0;
const MUTATE_DELETE: i32 = 1;
const CHECK_TYPE_MAX: i32 = 17;

/// What both requests ask.
struct Check<'a> {
    hash_key: &'a [u8],
    sort_key: &'a [u8],
    check_type: i32,
    operand: &'a [u8],
    returns_value: bool,
}

impl Partition {
    pub(super) fn check_and_set(&mut self, request: &CheckAndSetRequest, now: u32) -> Answer {
        let check = Check {
            hash_key: &request.hash_key,
            sort_key: &request.check_sort_key,
            check_type: request.check_type.0,
            operand: &request.check_operand,
            returns_value: request.return_check_value,
        };
        let (error, answer) = self.check(&check, now);
        let set = if request.set_diff_sort_key {
            &request.set_sort_key
        } else {
            &request.check_sort_key
        };
        if let (OK, Some(raw_key)) = (error, keys::raw(&request.hash_key, set)) {
            let expire_ts = request.set_expire_ts_seconds.cast_unsigned();
            self.store(raw_key, expire_ts, request.set_value.clone(), now);
        }
        answer
    }

    pub(super) fn check_and_mutate(&mut self, request: &CheckAndMutateRequest, now: u32) -> Answer {
        let mut operations = request.mutate_list.iter().map(|mutate| mutate.operation.0);
        let is_sound = operations.all(|kind| kind == MUTATE_PUT || kind == MUTATE_DELETE);
        if request.mutate_list.is_empty() || !is_sound {
            return unchecked(INVALID_ARGUMENT);
        }
        let check = Check {
            hash_key: &request.hash_key,
            sort_key: &request.check_sort_key,
            check_type: request.check_type.0,
            operand: &request.check_operand,
            returns_value: request.return_check_value,
        };
        let (error, answer) = self.check(&check, now);
        if error != OK {
            return answer;
        }
        for mutate in &request.mutate_list {
            match keys::raw(&request.hash_key, &mutate.sort_key) {
                Some(raw_key) if mutate.operation.0 == MUTATE_PUT => {
                    let expire_ts = mutate.set_expire_ts_seconds.cast_unsigned();
                    self.store(raw_key, expire_ts, mutate.value.clone(), now);
                }
                Some(raw_key) => self.delete(&raw_key),
                None => {}
            }
        }
        answer
    }

    fn check(&self, check: &Check<'_>, now: u32) -> (i32, Answer) {
        let raw_key = keys::raw(check.hash_key, check.sort_key);
        let (Some(raw_key), 0..=CHECK_TYPE_MAX) = (raw_key, check.check_type) else {
            return (INVALID_ARGUMENT, unchecked(INVALID_ARGUMENT));
        };
        let value = self.value(&raw_key, now);
        let error = verdict(
            check.check_type,
            value.map(|value| &value[..]),
            check.operand,
        );
        let shown = value.filter(|_| check.returns_value);
        let answer = Answer::Checked {
            error,
            is_returned: check.returns_value,
            exists: shown.is_some(),
            value: shown.cloned().unwrap_or_default(),
        };
        (error, answer)
    }
}

const fn unchecked(error: i32) -> Answer {
    Answer::Checked {
        error,
        is_returned: false,
        exists: false,
        value: Bytes::new(),
    }
}

fn verdict(check_type: i32, value: Option<&[u8]>, operand: &[u8]) -> i32 {
    let holds = match (check_type, value) {
        (0, _) | (1, None) | (2, None) => true,
        (_, None) => false,
        (1, Some(_)) => false,
        (2, Some(value)) => value.is_empty(),
        (3, Some(_)) => true,
        (4, Some(value)) => !value.is_empty(),
        (5, Some(value)) => Filter::Anywhere.passes(value, operand),
        (6, Some(value)) => Filter::Prefix.passes(value, operand),
        (7, Some(value)) => Filter::Postfix.passes(value, operand),
        (8..=12, Some(value)) => compares(check_type - 8, value.cmp(operand)),
        (_, Some(value)) => match (integer::parse(value), integer::parse(operand)) {
            (Some(value), Some(operand)) => compares(check_type - 13, value.cmp(&operand)),
            _ => return INVALID_ARGUMENT,
        },
    };
    if holds { OK } else { TRY_AGAIN }
}

/// Less, less or equal, equal, greater or equal, greater.
const fn compares(relation: i32, order: Ordering) -> bool {
    match relation {
        0 => order.is_lt(),
        1 => order.is_le(),
        2 => order.is_eq(),
        3 => order.is_ge(),
        _ => order.is_gt(),
    }
}
