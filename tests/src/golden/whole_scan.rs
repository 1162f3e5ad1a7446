//! Scans of whole partitions. The transcript is an excerpt: the recorded partitions held records
//! whose writes were left out of it, so the batches of such a scan cannot be compared. What all its
//! batches together say of the keys that the transcript wrote can.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;
use pegasus_common::key;
use pegasus_wire::rrdb::{
    CheckAndMutateRequest, CheckAndSetRequest, GetScannerRequest, IncrRequest, KeyValue,
    MultiPutRequest, MultiRemoveRequest, ScanResponse, UpdateRequest,
};
use pegasus_wire::{argument, result};

use super::compare::{Comparison, whether_it_expires};
use super::exchange::Answer;
use super::record::{Record, bytes_of_hex};

/// Where a scan of a whole partition begins: at the smallest key.
const FIRST_KEY: &[u8] = &[0, 0];
/// The scan context that says "finished".
const FINISHED: i64 = -1;

/// All scans of whole partitions in a replay.
#[derive(Debug, Default)]
pub struct WholeScans {
    /// Raw keys that the transcript has written and not removed again. One that it has removed may
    /// have been written by what was left out.
    written: BTreeSet<Bytes>,
    /// Scans under way, by the record of their last batch.
    open: HashMap<u64, WholeScan>,
}

/// What the batches of a scan have brought so far.
#[derive(Debug, Default)]
struct WholeScan {
    recorded: Findings,
    ours: Findings,
}

#[derive(Debug, Default)]
struct Findings {
    /// Value, and whether it expires if that was asked for, by raw key.
    records: BTreeMap<Bytes, (Bytes, Option<i32>)>,
    /// Sum of the counts, for scans that only count.
    count: Option<i64>,
    is_finished: bool,
}

impl WholeScans {
    /// Takes note of the keys that a record writes or removes, if it does.
    pub fn note_writes(&mut self, record: &Record) {
        self.written
            .extend(written_keys(record).unwrap_or_default());
        if record.is_answered_ok() {
            for key in removed_keys(record).unwrap_or_default() {
                self.written.remove(&key);
            }
        }
    }

    /// Compares the answers to a scan of a whole partition, once it is finished; until then there
    /// is nothing to say against it. `None` for every other record, and for an answer that is no
    /// batch of a scan: it is compared like any other.
    pub fn step(&mut self, record: &Record, answer: &Answer) -> Option<Comparison> {
        if record.resp_type != "scan_response" || !record.is_answered_ok() {
            return None;
        }
        let recorded: ScanResponse = result::decode(&bytes_of_hex(&record.resp_hex).into()).ok()?;
        if recorded.error != 0 {
            return None;
        }
        let ours: ScanResponse = match answer {
            Answer::Response { error, body, .. } if error == "ERR_OK" => {
                result::decode(&Bytes::copy_from_slice(body)).ok()?
            }
            _ => return None,
        };
        let mut scan = match record.continued_scan() {
            Some(previous) => self.open.remove(&previous)?,
            None => starts_at_first_key(record).then(WholeScan::default)?,
        };
        let is_over = recorded.context_id == FINISHED;
        // Fewer records make fewer batches: what is asked after the last one is no part of the scan.
        if !scan.ours.is_finished {
            if ours.error != 0 {
                return None;
            }
            scan.ours.add(ours);
        }
        scan.recorded.add(recorded);
        if is_over {
            return Some(scan.verdict(&self.written));
        }
        self.open.insert(record.number, scan);
        Some(Comparison::Same)
    }

    /// How many scans have not come to their end.
    #[must_use]
    pub fn unfinished(&self) -> usize {
        self.open.len()
    }
}

fn starts_at_first_key(record: &Record) -> bool {
    argument::decode::<GetScannerRequest>(&bytes_of_hex(&record.args).into())
        .is_ok_and(|request| &request.start_key[..] == FIRST_KEY)
}

impl Findings {
    fn add(&mut self, batch: ScanResponse) {
        for KeyValue {
            key,
            value,
            expire_ts_seconds,
        } in batch.kvs
        {
            let expires = expire_ts_seconds.map(whether_it_expires);
            self.records.insert(key, (value, expires));
        }
        if let Some(count) = batch.kv_count {
            *self.count.get_or_insert(0) += i64::from(count);
        }
        self.is_finished = batch.context_id == FINISHED;
    }
}

impl WholeScan {
    fn verdict(mut self, written: &BTreeSet<Bytes>) -> Comparison {
        if !self.ours.is_finished {
            return Comparison::Different("the recorded scan is over, ours is not".to_owned());
        }
        self.recorded.records.retain(|key, _| written.contains(key));
        if self.recorded.records != self.ours.records {
            let (recorded, ours) = (&self.recorded.records, &self.ours.records);
            let missing: Vec<_> = recorded
                .iter()
                .filter(|&(key, value)| ours.get(key) != Some(value))
                .collect();
            let extra: Vec<_> = ours
                .iter()
                .filter(|&(key, value)| recorded.get(key) != Some(value))
                .collect();
            return Comparison::Different(format!("missing {missing:?}\n     extra {extra:?}"));
        }
        match (self.recorded.count, self.ours.count) {
            (None, None) => Comparison::Same,
            // The records that only the recording has are counted there.
            (Some(recorded), Some(ours)) if (1..=recorded).contains(&ours) => Comparison::Same,
            (recorded, ours) => {
                Comparison::Different(format!("expected a count of {recorded:?}, got {ours:?}"))
            }
        }
    }
}

/// The raw keys that a request writes or may write; `None` if it is no write.
fn written_keys(record: &Record) -> Option<Vec<Bytes>> {
    let args = Bytes::from(bytes_of_hex(&record.args));
    let keys = match record.code.strip_prefix("RPC_RRDB_RRDB_")? {
        "PUT" => vec![argument::decode::<UpdateRequest>(&args).ok()?.key],
        "INCR" => vec![argument::decode::<IncrRequest>(&args).ok()?.key],
        "MULTI_PUT" => {
            let request: MultiPutRequest = argument::decode(&args).ok()?;
            let sort_keys = request.kvs.iter().map(|record| &record.key);
            raw_keys(&request.hash_key, sort_keys)
        }
        "CHECK_AND_SET" => {
            let request: CheckAndSetRequest = argument::decode(&args).ok()?;
            let sort_key = match request.set_diff_sort_key {
                true => &request.set_sort_key,
                false => &request.check_sort_key,
            };
            raw_keys(&request.hash_key, [sort_key])
        }
        "CHECK_AND_MUTATE" => {
            let request: CheckAndMutateRequest = argument::decode(&args).ok()?;
            let sort_keys = request.mutate_list.iter().map(|mutate| &mutate.sort_key);
            raw_keys(&request.hash_key, sort_keys)
        }
        _ => return None,
    };
    Some(keys)
}

/// The raw keys that a request removes; `None` if it is no removal.
fn removed_keys(record: &Record) -> Option<Vec<Bytes>> {
    let args = Bytes::from(bytes_of_hex(&record.args));
    match record.code.strip_prefix("RPC_RRDB_RRDB_")? {
        "REMOVE" => Some(vec![argument::decode::<Bytes>(&args).ok()?]),
        "MULTI_REMOVE" => {
            let request: MultiRemoveRequest = argument::decode(&args).ok()?;
            Some(raw_keys(&request.hash_key, &request.sort_keys))
        }
        _ => None,
    }
}

fn raw_keys<'a>(hash_key: &[u8], sort_keys: impl IntoIterator<Item = &'a Bytes>) -> Vec<Bytes> {
    let encode = |sort_key: &Bytes| key::encode(hash_key, sort_key).ok().map(Bytes::from);
    sort_keys.into_iter().filter_map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(keys: &[&'static str], context_id: i64) -> ScanResponse {
        let record = |key: &&'static str| KeyValue {
            key: Bytes::from_static(key.as_bytes()),
            ..KeyValue::default()
        };
        ScanResponse {
            kvs: keys.iter().map(record).collect(),
            context_id,
            ..ScanResponse::default()
        }
    }

    fn verdict(recorded: ScanResponse, ours: ScanResponse) -> Comparison {
        let mut scan = WholeScan::default();
        scan.recorded.add(recorded);
        scan.ours.add(ours);
        scan.verdict(
            &["a", "b"]
                .map(|key| Bytes::from_static(key.as_bytes()))
                .into(),
        )
    }

    #[test]
    fn only_written_keys_are_compared() {
        let ours = batch(&["a", "b"], FINISHED);
        let recorded = batch(&["a", "b", "stranger"], FINISHED);
        assert_eq!(verdict(recorded, ours.clone()), Comparison::Same);
        let recorded = batch(&["a", "stranger"], FINISHED);
        assert!(matches!(verdict(recorded, ours), Comparison::Different(_)));
    }

    #[test]
    fn a_scan_must_end_and_find_everything() {
        let recorded = batch(&["a", "b"], FINISHED);
        for ours in [batch(&["a"], FINISHED), batch(&["a", "b"], 7)] {
            assert!(matches!(
                verdict(recorded.clone(), ours),
                Comparison::Different(_)
            ));
        }
    }

    #[test]
    fn counts_may_lack_what_only_the_recording_has() {
        let counted = |count| ScanResponse {
            kv_count: count,
            ..batch(&[], FINISHED)
        };
        assert_eq!(
            verdict(counted(Some(9)), counted(Some(5))),
            Comparison::Same
        );
        for ours in [Some(10), Some(0), None] {
            assert!(matches!(
                verdict(counted(Some(9)), counted(ours)),
                Comparison::Different(_)
            ));
        }
    }
}
