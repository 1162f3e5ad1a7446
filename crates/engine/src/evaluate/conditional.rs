//! `check_and_set` and `check_and_mutate` (data-semantics.md sections 5.6 and 5.7).

use bytes::Bytes;
use pegasus_common::value::ExpireTs;
use pegasus_common::{StorageStatus, key};
use pegasus_wire::rrdb::{CheckAndMutateRequest, CheckAndSetRequest};

use super::check::{CheckType, Verdict};
use super::{CheckReply, Evaluator, NeedsRead};
use crate::current_values::CurrentValues;

/// `mutate_operation` of the wire.
const MUTATE_PUT: i32 = 0;
const MUTATE_DELETE: i32 = 1;

/// The half that both operations share.
struct Check<'a> {
    hash_key: &'a [u8],
    sort_key: &'a [u8],
    check_type: i32,
    operand: &'a [u8],
    return_value: bool,
}

impl<C: CurrentValues> Evaluator<'_, C> {
    pub(super) fn check_and_set(
        &mut self,
        request: &CheckAndSetRequest,
    ) -> Result<CheckReply, NeedsRead> {
        let reply = self.check(&Check {
            hash_key: &request.hash_key,
            sort_key: &request.check_sort_key,
            check_type: request.check_type.0,
            operand: &request.check_operand,
            return_value: request.return_check_value,
        })?;
        if reply.status == StorageStatus::Ok
            && let Ok(length) = key::length_prefix(&request.hash_key)
        {
            let sort_key = if request.set_diff_sort_key {
                &request.set_sort_key
            } else {
                &request.check_sort_key
            };
            let expire_ts = ExpireTs::from_wire(request.set_expire_ts_seconds);
            let key = [&length[..], &request.hash_key, sort_key];
            self.append_put(&key, expire_ts, &request.set_value);
        }
        Ok(reply)
    }

    pub(super) fn check_and_mutate(
        &mut self,
        request: &CheckAndMutateRequest,
    ) -> Result<CheckReply, NeedsRead> {
        let operations_are_known = request
            .mutate_list
            .iter()
            .all(|mutate| matches!(mutate.operation.0, MUTATE_PUT | MUTATE_DELETE));
        if request.mutate_list.is_empty() || !operations_are_known {
            return Ok(rejected(StorageStatus::InvalidArgument));
        }
        let reply = self.check(&Check {
            hash_key: &request.hash_key,
            sort_key: &request.check_sort_key,
            check_type: request.check_type.0,
            operand: &request.check_operand,
            return_value: request.return_check_value,
        })?;
        if reply.status == StorageStatus::Ok
            && let Ok(length) = key::length_prefix(&request.hash_key)
        {
            for mutate in &request.mutate_list {
                let key = [&length[..], &request.hash_key, &mutate.sort_key];
                if mutate.operation.0 == MUTATE_PUT {
                    let expire_ts = ExpireTs::from_wire(mutate.set_expire_ts_seconds);
                    self.append_put(&key, expire_ts, &mutate.value);
                } else {
                    self.builder.delete(&key);
                }
            }
        }
        Ok(reply)
    }

    /// Reads and judges. The checked value is reported whatever the verdict.
    fn check(&mut self, check: &Check<'_>) -> Result<CheckReply, NeedsRead> {
        let Some(check_type) = CheckType::from_wire(check.check_type) else {
            return Ok(rejected(StorageStatus::InvalidArgument));
        };
        let Ok(raw_key) = key::encode(check.hash_key, check.sort_key) else {
            return Ok(rejected(StorageStatus::InvalidArgument));
        };
        let record = match self.read(&raw_key)? {
            Ok(record) => record,
            Err(status) => return Ok(rejected(status)),
        };
        let value = record.as_ref().map(|record| &record.user_data);
        let status = match check_type.judge(value.map(|value| &value[..]), check.operand) {
            Verdict::Passed => StorageStatus::Ok,
            Verdict::Failed => StorageStatus::TryAgain,
            Verdict::NotAnInteger => StorageStatus::InvalidArgument,
        };
        let reported = value.filter(|_| check.return_value);
        Ok(CheckReply {
            status,
            check_value_returned: check.return_value,
            check_value_exist: reported.is_some(),
            check_value: reported.map_or_else(Bytes::new, Bytes::clone),
        })
    }
}

fn rejected(status: StorageStatus) -> CheckReply {
    CheckReply {
        status,
        ..CheckReply::default()
    }
}
