//! `batch_get` (data-semantics.md section 6.4).

use bytes::Bytes;
use pegasus_common::{StorageStatus, key};
use pegasus_wire::rrdb::{BatchGetRequest, BatchGetResponse, FullData};

use super::{Found, ReadAt, ReadOutcome};
use crate::rocks::Engine;

impl Engine {
    /// Reads single records of any hash keys: those found, in the order of the request.
    pub fn batch_get(
        &self,
        request: &BatchGetRequest,
        at: ReadAt,
    ) -> ReadOutcome<BatchGetResponse> {
        let failed = |status: StorageStatus| {
            let error = status.code();
            ReadOutcome::Done(BatchGetResponse {
                error,
                ..BatchGetResponse::default()
            })
        };
        if request.keys.is_empty() {
            return failed(StorageStatus::InvalidArgument);
        }
        let mut raw_key = Vec::new();
        let mut data = Vec::new();
        for full_key in &request.keys {
            raw_key.clear();
            if key::encode_into(&full_key.hash_key, &full_key.sort_key, &mut raw_key).is_err() {
                return failed(StorageStatus::InvalidArgument);
            }
            match self.get(&raw_key, at) {
                ReadOutcome::NeedsDisk => return ReadOutcome::NeedsDisk,
                ReadOutcome::Done(Found::Failed(status)) => return failed(status),
                ReadOutcome::Done(Found::Absent) => {}
                ReadOutcome::Done(Found::Value(value)) => data.push(FullData {
                    hash_key: full_key.hash_key.clone(),
                    sort_key: full_key.sort_key.clone(),
                    value: Bytes::copy_from_slice(&value),
                }),
            }
        }
        ReadOutcome::Done(BatchGetResponse {
            data,
            ..BatchGetResponse::default()
        })
    }
}
