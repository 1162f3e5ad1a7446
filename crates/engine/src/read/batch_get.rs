//! `batch_get` (data-semantics.md section 6.4).

use bytes::Bytes;
use pegasus_common::{StorageStatus, key};
use pegasus_wire::rrdb::{BatchGetRequest, BatchGetResponse, FullData};

use super::limiter::{Budget, Limiter};
use super::{Found, ReadAt, ReadOutcome};
use crate::rocks::Engine;

impl Engine {
    /// Reads single records of any hash keys: those found, in the order of the request. A request may
    /// name a large record a million times, so the answer has a limit that upstream's has not; past it
    /// the answer is `Incomplete`.
    pub fn batch_get(
        &self,
        request: &BatchGetRequest,
        at: ReadAt,
    ) -> ReadOutcome<BatchGetResponse> {
        let failed = |status| done(status, Vec::new());
        if request.keys.is_empty() {
            return failed(StorageStatus::InvalidArgument);
        }
        let mut limiter = Limiter::start(Budget {
            visited_max: None,
            returned_max: u32::MAX,
            bytes_max: self.limits.answer_bytes_max,
            sampling_base: self.limits.multi_get_count_max,
            time_max: self.iteration_time_max(),
        });
        let mut raw_key = Vec::new();
        let mut data = Vec::new();
        for full_key in &request.keys {
            if limiter.is_full() || limiter.is_late() {
                return done(StorageStatus::Incomplete, data);
            }
            limiter.visited();
            raw_key.clear();
            if key::encode_into(&full_key.hash_key, &full_key.sort_key, &mut raw_key).is_err() {
                return failed(StorageStatus::InvalidArgument);
            }
            match self.get(&raw_key, at) {
                ReadOutcome::NeedsDisk => return ReadOutcome::NeedsDisk,
                ReadOutcome::Done(Found::Failed(status)) => return failed(status),
                ReadOutcome::Done(Found::Absent) => {}
                ReadOutcome::Done(Found::Value(value)) => {
                    limiter.returned(raw_key.len() + value.len());
                    data.push(FullData {
                        hash_key: full_key.hash_key.clone(),
                        sort_key: full_key.sort_key.clone(),
                        value: Bytes::copy_from_slice(&value),
                    });
                }
            }
        }
        done(StorageStatus::Ok, data)
    }
}

fn done(status: StorageStatus, data: Vec<FullData>) -> ReadOutcome<BatchGetResponse> {
    ReadOutcome::Done(BatchGetResponse {
        error: status.code(),
        data,
        ..BatchGetResponse::default()
    })
}
