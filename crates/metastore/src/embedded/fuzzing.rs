//! What fuzz targets need and nobody else does: a member's directory made from arbitrary bytes behind
//! right checksums, past which random bytes alone never get; and what members say to each other.

use std::io;
use std::path::Path;

use bytes::Bytes;
use openraft::EntryPayload;
use openraft::raft::{AppendEntriesRequest, VoteRequest};
use openraft::vote::RaftLeaderIdExt as _;
use openraft_rt_tokio::TokioRuntime;

use super::content::{Content, Record, StoredSnapshot};
use super::framing::{self, BatchWriter};
use super::message::{self, Question, Request, Response, SnapshotPart};
use super::types::{Command, Entry, LeaderId, LogId, MemberId, SnapshotMeta, Vote};
use super::{base, state_machine};
use crate::key_space::KeySpace;
use crate::leadership::Epoch;
use crate::transaction::Transaction;

/// What stands in a member's directory.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// The base, but for its checksum; `None`: that of a new member.
    pub base: Option<&'a [u8]>,
    /// The body of each batch of the log.
    pub batches: &'a [&'a [u8]],
    /// What follows the last batch, as it is.
    pub tail: &'a [u8],
}

/// Writes the directory of a member.
///
/// # Errors
/// The file system refuses.
pub fn write_directory(directory: &Path, files: &Files<'_>) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let mut bytes = Vec::new();
    match files.base {
        Some(given) => {
            bytes.extend_from_slice(given);
            bytes.extend_from_slice(&crc32c::crc32c(given).to_le_bytes());
        }
        None => {
            let content = Content {
                member: Some(MemberId(1)),
                ..Content::default()
            };
            base::write(&mut bytes, 0, 0, &content)?;
        }
    }
    std::fs::write(directory.join(format!("{:020}.base", 0)), bytes)?;
    let mut log = framing::file_header(0).to_vec();
    for (number, body) in (0..).zip(files.batches) {
        let mut batch = BatchWriter::default();
        batch.add_body(body);
        log.extend_from_slice(&batch.finish(number, log.len() as u64));
    }
    log.extend_from_slice(files.tail);
    std::fs::write(directory.join(format!("{:020}.log", 0)), log)
}

/// Reads the body of a batch; gives its number of records, or `None` if it is none.
///
/// # Panics
/// The records do not read back as they were: a bug.
#[must_use]
pub fn records_in(body: &[u8]) -> Option<usize> {
    let records = framing::read_body(body)?;
    let mut batch = BatchWriter::default();
    for record in &records {
        batch.add(record).expect("what was decoded can be encoded");
    }
    let bytes = batch.finish(0, 0);
    let header = framing::BatchHeader::read(&bytes).expect("it was just written");
    let again = header.body(&bytes).and_then(framing::read_body);
    assert_eq!(again.as_ref(), Some(&records));
    Some(records.len())
}

/// Reads a snapshot's state; gives its number of keys, or `None` if it is none.
#[must_use]
pub fn keys_in(state: &[u8]) -> Option<usize> {
    let keys = state_machine::decode(state).ok()?;
    Some(keys.entries.len())
}

/// Inputs to begin with: a base with a snapshot, without its checksum, and the body of a batch that
/// may follow it.
///
/// # Errors
/// They cannot be encoded: a bug.
pub fn samples() -> io::Result<(Vec<u8>, Vec<u8>)> {
    let me = MemberId(1);
    let at = |index| LogId::new(LeaderId::new_committed(1, me), index);
    let mut keys = KeySpace::default();
    let put = Transaction::new().put("k", "v");
    keys.apply(keys.version.next(), &put.operations);
    let content = Content {
        member: Some(me),
        vote: Some(Vote::new_committed(1, me)),
        purged: Some(at(5)),
        snapshot: Some(StoredSnapshot {
            meta: SnapshotMeta {
                last_log_id: Some(at(5)),
                ..SnapshotMeta::default()
            },
            state: Bytes::from(state_machine::encode(&keys)?),
        }),
        ..Content::default()
    };
    let mut file = Vec::new();
    base::write(&mut file, 0, 0, &content)?;
    file.truncate(file.len() - size_of::<u32>());
    let epoch = Epoch(1);
    let payloads = [
        EntryPayload::Blank,
        EntryPayload::Normal(Command::Reign),
        EntryPayload::Normal(Command::Commit {
            epoch,
            transaction: put.delete("k"),
        }),
        EntryPayload::Normal(Command::Resign { epoch }),
    ];
    let entries = (6..).zip(payloads).map(|(index, payload)| {
        let log_id = at(index);
        Record::Entry(Entry { log_id, payload })
    });
    let others = [
        Record::Vote(Vote::new(2, me)),
        Record::Truncate(Some(at(7))),
        Record::Committed(Some(at(6))),
        Record::Purge(at(6)),
    ];
    let mut body = Vec::new();
    for record in entries.chain(others) {
        body.extend(postcard::to_stdvec(&record).map_err(io::Error::other)?);
    }
    Ok((file, body))
}

/// Reads a message as a question and as an answer; says whether it is one of them.
#[must_use]
pub fn is_message(message: &[u8]) -> bool {
    let question = message::decode::<Question<TokioRuntime>>(message);
    let is_question = match &question {
        Ok(Question::To {
            request: Request::Append(append) | Request::Heartbeat(append),
            ..
        }) => message::is_sound(append),
        other => other.is_ok(),
    };
    is_question || message::decode::<Response<TokioRuntime>>(message).is_ok()
}

/// Messages to begin with.
///
/// # Errors
/// They cannot be encoded: a bug.
pub fn sample_messages() -> io::Result<Vec<Vec<u8>>> {
    let member = MemberId(1);
    let at = |index| LogId::new(LeaderId::new_committed(1, member), index);
    let vote = Vote::new_committed(1, member);
    let epoch = Epoch(1);
    let transaction = Transaction::new().create("k", "v").delete("l");
    let entry = Entry {
        log_id: at(6),
        payload: EntryPayload::Normal(Command::Commit { epoch, transaction }),
    };
    let requests: Vec<Request<TokioRuntime>> = vec![
        Request::Append(AppendEntriesRequest {
            vote,
            prev_log_id: Some(at(5)),
            entries: vec![entry],
            leader_commit: Some(at(4)),
        }),
        Request::Vote(VoteRequest::new(Vote::new(2, member), Some(at(5)))),
        Request::Snapshot(SnapshotPart {
            vote,
            meta: SnapshotMeta::default(),
            offset: 0,
            total: 4,
            bytes: Bytes::from_static(b"part"),
        }),
    ];
    let to = |request| Question::To { member, request };
    let questions = requests.into_iter().map(to).chain([Question::Hello]);
    let encoded = questions.map(|question| message::encode(&question));
    let answer = message::encode(&Response::<TokioRuntime>::Snapshot(vote));
    let all = encoded
        .chain([answer])
        .map(|message| Ok(message.map_err(io::Error::other)?.to_vec()));
    all.collect()
}
