//! Conditional writes: one record is checked and, if the check passes, records of the same hash key
//! are written, atomically. Never repeated once they may have been executed.

use bytes::Bytes;
use pegasus_common::StorageStatus;
use pegasus_wire::rrdb::{
    CasCheckType, CheckAndMutateRequest, CheckAndMutateResponse, CheckAndSetRequest,
    CheckAndSetResponse, Mutate, MutateOperation,
};

use crate::error::ClientError;
use crate::operation::Operation;
use crate::options::Ttl;
use crate::table::Table;

/// What is checked (data-semantics.md section 5.6). Comparisons of an absent record fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum CheckKind {
    /// Nothing: always passes.
    NoCheck = 0,
    /// There is no record.
    NotExist = 1,
    /// There is no record, or its value is empty.
    NotExistOrEmpty = 2,
    /// There is a record.
    Exist = 3,
    /// There is a record with a value that is not empty.
    NotEmpty = 4,
    /// The value contains the operand.
    MatchAnywhere = 5,
    /// The value starts with the operand.
    MatchPrefix = 6,
    /// The value ends with the operand.
    MatchPostfix = 7,
    /// The value is bytewise less than the operand.
    BytesLess = 8,
    /// The value is bytewise less than or equal to the operand.
    BytesLessOrEqual = 9,
    /// The value equals the operand.
    BytesEqual = 10,
    /// The value is bytewise greater than or equal to the operand.
    BytesGreaterOrEqual = 11,
    /// The value is bytewise greater than the operand.
    BytesGreater = 12,
    /// As integers: less.
    IntLess = 13,
    /// As integers: less or equal.
    IntLessOrEqual = 14,
    /// As integers: equal.
    IntEqual = 15,
    /// As integers: greater or equal.
    IntGreaterOrEqual = 16,
    /// As integers: greater.
    IntGreater = 17,
}

impl CheckKind {
    /// Whether the kind compares with an operand.
    #[must_use]
    pub fn has_operand(self) -> bool {
        self as i32 >= Self::MatchAnywhere as i32
    }
}

/// A condition on one record's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    kind: CheckKind,
    operand: Bytes,
}

impl Check {
    /// A condition without operand.
    #[must_use]
    pub fn new(kind: CheckKind) -> Self {
        Self {
            kind,
            operand: Bytes::new(),
        }
    }

    /// A comparison. Integers are given as text.
    #[must_use]
    pub fn with_operand(kind: CheckKind, operand: impl Into<Bytes>) -> Self {
        Self {
            kind,
            operand: operand.into(),
        }
    }

    fn wire_type(&self) -> CasCheckType {
        CasCheckType(self.kind as i32)
    }
}

/// Whether the answer should carry the value that was checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReturnValue {
    /// It should not.
    #[default]
    No,
    /// It should.
    Yes,
}

/// The value that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckedValue {
    /// It was not asked for.
    NotReturned,
    /// There was no record.
    Absent,
    /// As it was before the write.
    Present(Bytes),
}

/// What came of a conditional write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckOutcome {
    /// Whether the check passed, and so the write was done.
    pub verdict: Verdict,
    /// The value that was checked.
    pub checked_value: CheckedValue,
}

/// Whether a check passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It passed; the write was done.
    Passed,
    /// It did not; nothing was written.
    Failed,
}

/// What `check_and_set` writes.
#[derive(Clone, Debug)]
pub struct SetValue {
    /// Under which sort key of the same hash key.
    pub sort_key: Bytes,
    /// The value.
    pub value: Bytes,
    /// Its time to live.
    pub ttl: Ttl,
}

/// One write of `check_and_mutate`.
#[derive(Clone, Debug)]
pub enum Mutation {
    /// Writes a record.
    Set(SetValue),
    /// Deletes the record with this sort key.
    Del(Bytes),
}

impl Table {
    /// Writes one record if another (or the same) of its hash key passes a check.
    ///
    /// # Errors
    /// [`ClientError::Storage`] with "invalid argument" when an integer check meets no integer;
    /// others see [`ClientError`].
    pub async fn check_and_set(
        &self,
        hash_key: &[u8],
        check_sort_key: &[u8],
        check: &Check,
        set: SetValue,
        return_value: ReturnValue,
    ) -> Result<CheckOutcome, ClientError> {
        let operation = Operation::CHECK_AND_SET;
        let (hash_key, target) = self.whole_hash_key(operation, hash_key)?;
        let request = CheckAndSetRequest {
            hash_key,
            check_sort_key: Bytes::copy_from_slice(check_sort_key),
            check_type: check.wire_type(),
            check_operand: check.operand.clone(),
            set_diff_sort_key: set.sort_key != check_sort_key,
            set_sort_key: set.sort_key,
            set_value: set.value,
            set_expire_ts_seconds: set.ttl.expire_ts_seconds(),
            return_check_value: return_value == ReturnValue::Yes,
        };
        let answer: CheckAndSetResponse = self.execute(operation, target, &request).await?;
        Ok(CheckOutcome {
            verdict: self.verdict(operation, answer.error)?,
            checked_value: checked_value(
                answer.check_value_returned,
                answer.check_value_exist,
                answer.check_value,
            ),
        })
    }

    /// Does several writes, in order, if one record of the hash key passes a check.
    ///
    /// # Errors
    /// As [`Table::check_and_set`]; also [`ClientError::InvalidArgument`] without any write.
    pub async fn check_and_mutate(
        &self,
        hash_key: &[u8],
        check_sort_key: &[u8],
        check: &Check,
        mutations: Vec<Mutation>,
        return_value: ReturnValue,
    ) -> Result<CheckOutcome, ClientError> {
        let operation = Operation::CHECK_AND_MUTATE;
        let (hash_key, target) = self.whole_hash_key(operation, hash_key)?;
        if mutations.is_empty() {
            return Err(self.invalid(operation, "there is nothing to write"));
        }
        let request = CheckAndMutateRequest {
            hash_key,
            check_sort_key: Bytes::copy_from_slice(check_sort_key),
            check_type: check.wire_type(),
            check_operand: check.operand.clone(),
            mutate_list: mutations.into_iter().map(mutate).collect(),
            return_check_value: return_value == ReturnValue::Yes,
        };
        let answer: CheckAndMutateResponse = self.execute(operation, target, &request).await?;
        Ok(CheckOutcome {
            verdict: self.verdict(operation, answer.error)?,
            checked_value: checked_value(
                answer.check_value_returned,
                answer.check_value_exist,
                answer.check_value,
            ),
        })
    }

    /// Replaces a record's value if it is `expected`. The outcome carries the value that was there.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn compare_exchange(
        &self,
        hash_key: &[u8],
        sort_key: &[u8],
        expected: impl Into<Bytes>,
        desired: impl Into<Bytes>,
        ttl: Ttl,
    ) -> Result<CheckOutcome, ClientError> {
        let check = Check::with_operand(CheckKind::BytesEqual, expected);
        let set = SetValue {
            sort_key: Bytes::copy_from_slice(sort_key),
            value: desired.into(),
            ttl,
        };
        self.check_and_set(hash_key, sort_key, &check, set, ReturnValue::Yes)
            .await
    }

    fn verdict(&self, operation: Operation, status: i32) -> Result<Verdict, ClientError> {
        if status == StorageStatus::TryAgain.code() {
            return Ok(Verdict::Failed);
        }
        self.check(operation, status).map(|()| Verdict::Passed)
    }
}

fn checked_value(returned: bool, exists: bool, value: Bytes) -> CheckedValue {
    match (returned, exists) {
        (false, _) => CheckedValue::NotReturned,
        (true, false) => CheckedValue::Absent,
        (true, true) => CheckedValue::Present(value),
    }
}

fn mutate(mutation: Mutation) -> Mutate {
    match mutation {
        Mutation::Set(set) => Mutate {
            operation: MutateOperation::MO_PUT,
            sort_key: set.sort_key,
            value: set.value,
            set_expire_ts_seconds: set.ttl.expire_ts_seconds(),
        },
        Mutation::Del(sort_key) => Mutate {
            operation: MutateOperation::MO_DELETE,
            sort_key,
            ..Mutate::default()
        },
    }
}
