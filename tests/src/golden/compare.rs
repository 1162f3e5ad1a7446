//! Whether two answers mean the same: equal but for what legitimately changes between runs.

use std::collections::HashMap;
use std::fmt::Debug;

use bytes::Bytes;
use pegasus_wire::rrdb::{
    BatchGetResponse, CheckAndMutateResponse, CheckAndSetResponse, CountResponse, IncrResponse,
    MultiGetResponse, MultiRemoveResponse, ReadResponse, ScanResponse, TtlResponse, UpdateResponse,
};
use pegasus_wire::{Message, result};

use super::exchange::Answer;
use super::record::{Record, bytes_of_hex};

/// Scan contexts of this replay, by the number of the record that was answered with them.
pub type ContextIds = HashMap<u64, i64>;

/// The result of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// They mean the same.
    Same,
    /// They do not; what was expected and what came, in words.
    Different(String),
}

/// How much a remaining life may differ: the time between writing and reading it, here and in the
/// recording. Seconds.
const TTL_TOLERANCE_S: i32 = 15;

/// Compares an answer with the recorded one.
#[must_use]
pub fn compare(record: &Record, answer: &Answer) -> Comparison {
    let expected_error = record.rpc_err.as_deref().unwrap_or("");
    match answer {
        Answer::Silence if expected_error.starts_with('!') || record.rpc_err.is_none() => {
            Comparison::Same
        }
        Answer::Silence | Answer::Closed => {
            Comparison::Different(format!("expected {expected_error}, got {answer:?}"))
        }
        Answer::Response { error, name, body } => {
            if error != expected_error || Some(name) != record.rpc_name.as_ref() {
                return Comparison::Different(format!(
                    "expected {expected_error} {:?}, got {error} {name}",
                    record.rpc_name
                ));
            }
            compare_bodies(record, body)
        }
    }
}

fn compare_bodies(record: &Record, body: &[u8]) -> Comparison {
    let expected = bytes_of_hex(&record.resp_hex);
    if expected.is_empty() || body.is_empty() {
        return match expected == body {
            true => Comparison::Same,
            false => Comparison::Different(format!("expected body {expected:?}, got {body:?}")),
        };
    }
    let pair = (Bytes::from(expected), Bytes::copy_from_slice(body));
    match record.resp_type.as_str() {
        "update_response" => compare_as::<UpdateResponse>(&pair),
        "read_response" => compare_as::<ReadResponse>(&pair),
        "ttl_response" => compare_as::<TtlResponse>(&pair),
        "count_response" => compare_as::<CountResponse>(&pair),
        "multi_get_response" => compare_as::<MultiGetResponse>(&pair),
        "multi_remove_response" => compare_as::<MultiRemoveResponse>(&pair),
        "batch_get_response" => compare_as::<BatchGetResponse>(&pair),
        "incr_response" => compare_as::<IncrResponse>(&pair),
        "check_and_set_response" => compare_as::<CheckAndSetResponse>(&pair),
        "check_and_mutate_response" => compare_as::<CheckAndMutateResponse>(&pair),
        "scan_response" => compare_as::<ScanResponse>(&pair),
        other => Comparison::Different(format!("no comparison for {other}")),
    }
}

fn compare_as<R: Comparable>((expected, got): &(Bytes, Bytes)) -> Comparison {
    let expected: R = result::decode(expected).expect("a recorded answer can be decoded");
    let got: R = match result::decode(got) {
        Ok(got) => got,
        Err(error) => return Comparison::Different(format!("undecodable answer: {error}")),
    };
    if expected.means_the_same(&got) {
        Comparison::Same
    } else {
        Comparison::Different(format!("expected {expected:?}\n     got {got:?}"))
    }
}

/// The scan context in an answer, if it has one.
#[must_use]
pub fn context_id_of(record: &Record, answer: &Answer) -> Option<i64> {
    match answer {
        Answer::Response { body, .. } if record.resp_type == "scan_response" => {
            let response: ScanResponse = result::decode(&Bytes::copy_from_slice(body)).ok()?;
            Some(response.context_id)
        }
        _ => None,
    }
}

/// A response that can be compared with one of another run.
trait Comparable: Message + Clone + Debug + PartialEq {
    /// The response without what legitimately differs.
    fn stripped(&self) -> Self;

    fn means_the_same(&self, other: &Self) -> bool {
        self.stripped() == other.stripped()
    }
}

macro_rules! strip {
    ($($response:ty { $($field:ident),* })*) => {$(
        impl Comparable for $response {
            fn stripped(&self) -> Self {
                Self { $( $field: Default::default(), )* ..self.clone() }
            }
        }
    )*};
}

strip! {
    UpdateResponse { app_id, decree, server }
    ReadResponse { app_id, server }
    CountResponse { app_id, server }
    MultiRemoveResponse { app_id, decree, server }
    BatchGetResponse { app_id, server }
    IncrResponse { app_id, decree, server }
    CheckAndSetResponse { app_id, decree, server }
    CheckAndMutateResponse { app_id, decree, server }
}

impl Comparable for MultiGetResponse {
    fn stripped(&self) -> Self {
        let mut stripped = Self {
            app_id: 0,
            server: String::new(),
            ..self.clone()
        };
        for record in &mut stripped.kvs {
            record.expire_ts_seconds = record.expire_ts_seconds.map(whether_it_expires);
        }
        stripped
    }
}

impl Comparable for TtlResponse {
    fn stripped(&self) -> Self {
        Self {
            app_id: 0,
            server: String::new(),
            ..self.clone()
        }
    }

    fn means_the_same(&self, other: &Self) -> bool {
        let both_expire = self.ttl_seconds > 0 && other.ttl_seconds > 0;
        let difference = self.ttl_seconds.abs_diff(other.ttl_seconds);
        if both_expire && difference <= TTL_TOLERANCE_S.unsigned_abs() {
            let other = Self {
                ttl_seconds: self.ttl_seconds,
                ..other.clone()
            };
            return self.stripped() == other.stripped();
        }
        self.stripped() == other.stripped()
    }
}

impl Comparable for ScanResponse {
    fn stripped(&self) -> Self {
        let mut stripped = Self {
            app_id: 0,
            server: String::new(),
            // -1 (finished) and -2 (lost) have a meaning, other contexts are arbitrary.
            context_id: match self.context_id {
                fixed @ (-1 | -2) => fixed,
                _ => 0,
            },
            ..self.clone()
        };
        for record in &mut stripped.kvs {
            record.expire_ts_seconds = record.expire_ts_seconds.map(whether_it_expires);
        }
        stripped
    }
}

/// 0 for "never", 1 for any date.
fn whether_it_expires(expire_ts_seconds: i32) -> i32 {
    i32::from(expire_ts_seconds != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_legitimately_changes_is_no_difference() {
        let ours = UpdateResponse {
            app_id: 1,
            decree: 5,
            server: "a:1".to_owned(),
            ..UpdateResponse::default()
        };
        let theirs = UpdateResponse::default();
        assert!(ours.means_the_same(&theirs));
        let failed = UpdateResponse {
            error: 4,
            ..theirs.clone()
        };
        assert!(!failed.means_the_same(&theirs));
    }

    #[test]
    fn a_remaining_life_may_be_a_little_shorter_but_not_endless() {
        let ttl = |ttl_seconds| TtlResponse {
            ttl_seconds,
            ..TtlResponse::default()
        };
        assert!(ttl(100).means_the_same(&ttl(98)));
        assert!(!ttl(100).means_the_same(&ttl(50)));
        assert!(!ttl(1).means_the_same(&ttl(-1)));
    }

    #[test]
    fn only_fixed_contexts_are_compared() {
        let scan = |context_id| ScanResponse {
            context_id,
            ..ScanResponse::default()
        };
        assert!(scan(77).means_the_same(&scan(0)));
        assert!(!scan(77).means_the_same(&scan(-1)));
    }
}
