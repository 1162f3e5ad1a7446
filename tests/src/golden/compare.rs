//! Whether two answers mean the same: equal but for what legitimately changes between runs.

use std::collections::HashMap;
use std::fmt::Debug;

use bytes::Bytes;
use pegasus_wire::rrdb::{
    BatchGetResponse, CheckAndMutateResponse, CheckAndSetResponse, CountResponse, IncrResponse,
    MultiGetResponse, MultiRemoveResponse, ReadResponse, ScanResponse, TtlResponse, UpdateResponse,
};
use pegasus_wire::{Message, result};

use super::deviations::Deviation;
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
    /// A remaining life is this much shorter, in seconds, and nothing else differs. Right if the
    /// expiry was given as an absolute time and the recording is so long ago.
    ShorterLife(i64),
}

/// How much a remaining life may differ: the time between writing and reading it, here and in the
/// recording. Seconds.
pub const TTL_TOLERANCE_S: i64 = 15;

/// Compares an answer with the recorded one, or with what a deliberate difference makes of it.
#[must_use]
pub fn compare(record: &Record, answer: &Answer, deviation: Option<Deviation>) -> Comparison {
    if deviation == Some(Deviation::AnyAnswer) {
        return Comparison::Same;
    }
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
            compare_bodies(record, body, deviation)
        }
    }
}

fn compare_bodies(record: &Record, body: &[u8], deviation: Option<Deviation>) -> Comparison {
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
        "ttl_response" => compare_ttl(&pair),
        "count_response" => compare_as::<CountResponse>(&pair),
        "multi_get_response" => compare_as::<MultiGetResponse>(&pair),
        "multi_remove_response" => compare_as::<MultiRemoveResponse>(&pair),
        "batch_get_response" => compare_as::<BatchGetResponse>(&pair),
        "incr_response" => compare_as::<IncrResponse>(&pair),
        "check_and_set_response" => compare_as::<CheckAndSetResponse>(&pair),
        "check_and_mutate_response" => compare_as::<CheckAndMutateResponse>(&pair),
        "scan_response" => compare_scan(&pair, deviation),
        other => Comparison::Different(format!("no comparison for {other}")),
    }
}

type Pair = (Bytes, Bytes);

fn compare_as<R: Comparable>(pair: &Pair) -> Comparison {
    match decode::<R>(pair) {
        Ok((expected, got)) => compare_stripped(&expected, &got),
        Err(undecodable) => undecodable,
    }
}

fn compare_stripped<R: Comparable>(expected: &R, got: &R) -> Comparison {
    if expected.stripped() == got.stripped() {
        Comparison::Same
    } else {
        Comparison::Different(format!("expected {expected:?}\n     got {got:?}"))
    }
}

fn compare_scan(pair: &Pair, deviation: Option<Deviation>) -> Comparison {
    let (mut expected, got) = match decode::<ScanResponse>(pair) {
        Ok(both) => both,
        Err(undecodable) => return undecodable,
    };
    if let Some(Deviation::ContextId { recorded, ours }) = deviation
        && expected.context_id == recorded
    {
        expected.context_id = ours;
    }
    compare_stripped(&expected, &got)
}

/// A life goes on while the tests run, and absolute expiries have come nearer since the recording.
fn compare_ttl(pair: &Pair) -> Comparison {
    let (expected, got) = match decode::<TtlResponse>(pair) {
        Ok(both) => both,
        Err(undecodable) => return undecodable,
    };
    let same_life = TtlResponse {
        ttl_seconds: expected.ttl_seconds,
        ..got.clone()
    };
    // 0 comes with an error, -1 is "for ever".
    let is_life = |ttl_seconds: i32| !(-1..=0).contains(&ttl_seconds);
    let has_other_life = is_life(expected.ttl_seconds) && is_life(got.ttl_seconds);
    if !has_other_life || expected.stripped() != same_life.stripped() {
        return compare_stripped(&expected, &got);
    }
    let shorter_by = i64::from(expected.ttl_seconds) - i64::from(got.ttl_seconds);
    if shorter_by.abs() <= TTL_TOLERANCE_S {
        return Comparison::Same;
    }
    Comparison::ShorterLife(shorter_by)
}

/// The recorded response and ours.
fn decode<R: Message>((expected, got): &Pair) -> Result<(R, R), Comparison> {
    let expected = result::decode(expected).expect("a recorded answer can be decoded");
    match result::decode(got) {
        Ok(got) => Ok((expected, got)),
        Err(error) => Err(Comparison::Different(format!(
            "undecodable answer: {error}"
        ))),
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
    TtlResponse { app_id, server }
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
pub(super) fn whether_it_expires(expire_ts_seconds: i32) -> i32 {
    i32::from(expire_ts_seconds != 0)
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;

    fn pair<R: Message>(expected: &R, got: &R) -> Pair {
        let encoded = |response: &R| {
            let mut out = BytesMut::new();
            result::encode(response, &mut out);
            out.freeze()
        };
        (encoded(expected), encoded(got))
    }

    #[test]
    fn what_legitimately_changes_is_no_difference() {
        let ours = UpdateResponse {
            app_id: 1,
            decree: 5,
            server: "a:1".to_owned(),
            ..UpdateResponse::default()
        };
        let theirs = UpdateResponse::default();
        assert_eq!(
            compare_as::<UpdateResponse>(&pair(&theirs, &ours)),
            Comparison::Same
        );
        let failed = UpdateResponse {
            error: 4,
            ..theirs.clone()
        };
        let comparison = compare_as::<UpdateResponse>(&pair(&theirs, &failed));
        assert!(matches!(comparison, Comparison::Different(_)));
    }

    #[test]
    fn a_remaining_life_may_be_a_little_shorter_but_not_endless() {
        let compared = |expected, got| {
            let ttl = |ttl_seconds| TtlResponse {
                ttl_seconds,
                ..TtlResponse::default()
            };
            compare_ttl(&pair(&ttl(expected), &ttl(got)))
        };
        assert_eq!(compared(100, 98), Comparison::Same);
        assert_eq!(compared(100, 50), Comparison::ShorterLife(50));
        assert_eq!(compared(-1000, -1300), Comparison::ShorterLife(300));
        assert!(matches!(compared(1, -1), Comparison::Different(_)));
        assert!(matches!(compared(-1, 900), Comparison::Different(_)));
    }

    #[test]
    fn only_fixed_contexts_are_compared() {
        let compared = |expected, got, deviation| {
            let scan = |context_id| ScanResponse {
                context_id,
                ..ScanResponse::default()
            };
            compare_scan(&pair(&scan(expected), &scan(got)), deviation)
        };
        let deviation = Some(Deviation::ContextId {
            recorded: 0,
            ours: -1,
        });
        assert_eq!(compared(77, 0, None), Comparison::Same);
        assert!(matches!(
            compared(77, -1, deviation),
            Comparison::Different(_)
        ));
        assert!(matches!(compared(0, -1, None), Comparison::Different(_)));
        assert_eq!(compared(0, -1, deviation), Comparison::Same);
    }
}
