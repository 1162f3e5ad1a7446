//! Conditional writes.

use bytes::Bytes;
use pegasus_client::{
    Check, CheckKind, CheckOutcome, CheckedValue, ClientError, Mutation, RecordKey, ReturnValue,
    SetValue, Verdict,
};

use super::{RandomOperations, or_invalid, record_key};
use crate::table_model::InvalidArgument;

impl RandomOperations {
    pub(super) async fn check_and_set(&mut self) -> Result<(), ClientError> {
        let (hash_key, sort_key) = (self.random.hash_key(), self.random.sort_key());
        let conditional = self.conditional(&record_key(&hash_key, &sort_key));
        let set = self.set_value(&sort_key);
        let outcome = self
            .table
            .check_and_set(
                &hash_key,
                &sort_key,
                &conditional.check,
                set.clone(),
                conditional.return_value,
            )
            .await;
        let what = format!("check_and_set {hash_key:?} {sort_key:?} {conditional:?}");
        if conditional.compare(outcome, &what)? {
            self.apply(&hash_key, Mutation::Set(set));
        }
        Ok(())
    }

    pub(super) async fn check_and_mutate(&mut self) -> Result<(), ClientError> {
        let (hash_key, sort_key) = (self.random.hash_key(), self.random.sort_key());
        let conditional = self.conditional(&record_key(&hash_key, &sort_key));
        let count = 1 + self.random.below(4);
        let mutations: Vec<Mutation> = (0..count)
            .map(|_| match self.random.below(3) {
                0 => Mutation::Del(self.random.sort_key()),
                _ => Mutation::Set(self.set_value(&sort_key)),
            })
            .collect();
        let outcome = self
            .table
            .check_and_mutate(
                &hash_key,
                &sort_key,
                &conditional.check,
                mutations.clone(),
                conditional.return_value,
            )
            .await;
        let what = format!("check_and_mutate {hash_key:?} {sort_key:?} {conditional:?}");
        if conditional.compare(outcome, &what)? {
            for mutation in mutations {
                self.apply(&hash_key, mutation);
            }
        }
        Ok(())
    }

    pub(super) async fn compare_exchange(&mut self) -> Result<(), ClientError> {
        let (hash_key, sort_key) = (self.random.hash_key(), self.random.sort_key());
        let key = record_key(&hash_key, &sort_key);
        let before = self.model.value(&key);
        let expected = match (&before, self.random.coin()) {
            (Some(value), true) => value.clone(),
            _ => self.random.value(),
        };
        let (desired, ttl) = (self.random.value(), self.random.ttl());
        let outcome = self
            .table
            .compare_exchange(&hash_key, &sort_key, expected.clone(), desired.clone(), ttl)
            .await?;
        let passes = before.as_ref() == Some(&expected);
        let what = format!("compare_exchange {key:?} {expected:?}");
        assert_eq!(outcome, answer(passes, before, ReturnValue::Yes), "{what}");
        if passes {
            self.model.set(key, desired, ttl);
        }
        Ok(())
    }

    /// A check of a record, and what should come of it.
    fn conditional(&mut self, key: &RecordKey) -> Conditional {
        let before = self.model.value(key);
        let kind = self.random.check_kind();
        let operand = self.random.operand(before.clone());
        Conditional {
            expected: self.model.check(key, kind, &operand),
            check: match kind {
                CheckKind::NoCheck | CheckKind::Exist => Check::new(kind),
                _ => Check::with_operand(kind, operand),
            },
            before,
            return_value: match self.random.coin() {
                true => ReturnValue::Yes,
                false => ReturnValue::No,
            },
        }
    }

    /// A write, often to the record that is checked.
    fn set_value(&mut self, checked: &Bytes) -> SetValue {
        SetValue {
            sort_key: match self.random.below(3) {
                0 => checked.clone(),
                _ => self.random.sort_key(),
            },
            value: self.random.value(),
            ttl: self.random.ttl(),
        }
    }

    fn apply(&mut self, hash_key: &Bytes, mutation: Mutation) {
        match mutation {
            Mutation::Set(set) => {
                let key = record_key(hash_key, &set.sort_key);
                self.model.set(key, set.value, set.ttl);
            }
            Mutation::Del(sort_key) => {
                self.model.records.remove(&record_key(hash_key, &sort_key));
            }
        }
    }
}

#[derive(Debug)]
struct Conditional {
    check: Check,
    return_value: ReturnValue,
    /// The value that is checked.
    before: Option<Bytes>,
    /// Whether the check should pass.
    expected: Result<bool, InvalidArgument>,
}

impl Conditional {
    /// Whether the write was done.
    fn compare(
        &self,
        outcome: Result<CheckOutcome, ClientError>,
        what: &str,
    ) -> Result<bool, ClientError> {
        let expected = self
            .expected
            .map(|passes| answer(passes, self.before.clone(), self.return_value));
        assert_eq!(or_invalid(outcome)?, expected, "{what}");
        Ok(self.expected == Ok(true))
    }
}

fn answer(passes: bool, before: Option<Bytes>, return_value: ReturnValue) -> CheckOutcome {
    CheckOutcome {
        verdict: if passes {
            Verdict::Passed
        } else {
            Verdict::Failed
        },
        checked_value: match (return_value, before) {
            (ReturnValue::No, _) => CheckedValue::NotReturned,
            (ReturnValue::Yes, None) => CheckedValue::Absent,
            (ReturnValue::Yes, Some(value)) => CheckedValue::Present(value),
        },
    }
}
