//! What members say to each other. A message is one version byte and a `postcard` encoding.

use bytes::Bytes;
use openraft::AsyncRuntime;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, TransferLeaderRequest, TransferLeaderResponse,
    VoteRequest, VoteResponse,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::types::{GroupTypes, MemberId, SnapshotMeta, Vote};

/// The first byte of every message. Another one is not understood.
const VERSION: u8 = 1;

/// A question to whoever listens at an address, or to one member: somebody else may listen there by
/// now.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub(super) enum Question<R: AsyncRuntime> {
    Hello,
    To {
        member: MemberId,
        request: Request<R>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub(super) enum Request<R: AsyncRuntime> {
    Append(AppendEntriesRequest<GroupTypes<R>>),
    Vote(VoteRequest<GroupTypes<R>>),
    PreVote(VoteRequest<GroupTypes<R>>),
    Snapshot(SnapshotPart),
    Transfer(TransferLeaderRequest<GroupTypes<R>>),
    /// No entries: whether the receiver follows the sender. The answer waits for no disk and says
    /// nothing of the receiver's log.
    Heartbeat(AppendEntriesRequest<GroupTypes<R>>),
}

#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub(super) enum Response<R: AsyncRuntime> {
    Hello(Identity),
    Append(AppendEntriesResponse<GroupTypes<R>>),
    Vote(VoteResponse<GroupTypes<R>>),
    /// The receiver's promise; the sender asked for more than it may, if it is later than its own.
    Snapshot(Vote),
    Transfer(TransferLeaderResponse<GroupTypes<R>>),
    Refused(Refusal),
}

/// Who listens at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The member.
    pub member: MemberId,
    /// Whether it belongs to a group.
    pub past: Past,
}

/// Whether a member belongs to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Past {
    /// It has never heard of one.
    New,
    /// It belongs, or belonged, to one.
    Grouped,
}

/// A piece of a snapshot. Pieces come in order; the first begins a transfer, the last installs it.
#[derive(Serialize, Deserialize)]
pub(super) struct SnapshotPart {
    pub vote: Vote,
    pub meta: SnapshotMeta,
    pub offset: u64,
    pub total: u64,
    pub bytes: Bytes,
}

/// Why a member does not answer a question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub(super) enum Refusal {
    #[error("another member listens there: {0}")]
    AnotherMember(MemberId),
    #[error("the message is malformed: {0}")]
    Malformed(String),
    #[error("a piece of a snapshot came out of order")]
    OutOfOrder,
    #[error("the member has stopped: {0}")]
    Stopped(String),
}

/// Writes a message.
pub(super) fn encode(message: &impl Serialize) -> Result<Bytes, postcard::Error> {
    let encoded = postcard::to_extend(message, vec![VERSION])?;
    Ok(Bytes::from(encoded))
}

/// Reads a message; says what is wrong with it otherwise.
pub(super) fn decode<T: DeserializeOwned>(message: &[u8]) -> Result<T, String> {
    match message.split_first() {
        Some((&VERSION, encoded)) => match postcard::take_from_bytes(encoded) {
            Ok((decoded, [])) => Ok(decoded),
            Ok((_, rest)) => Err(format!("{} bytes follow it", rest.len())),
            Err(error) => Err(error.to_string()),
        },
        Some((version, _)) => Err(format!(
            "its version is {version}, this member understands {VERSION}"
        )),
        None => Err("it is empty".to_owned()),
    }
}

/// Whether the entries follow one another and what the leader says is before them. The consensus
/// takes that for granted.
pub(super) fn is_sound<R: AsyncRuntime>(append: &AppendEntriesRequest<GroupTypes<R>>) -> bool {
    let mut before = append.prev_log_id;
    append.entries.iter().all(|entry| {
        let follows = match before {
            Some(before) => {
                before.index.checked_add(1) == Some(entry.log_id.index)
                    && before.leader_id <= entry.log_id.leader_id
            }
            None => entry.log_id.index == 0,
        };
        before = Some(entry.log_id);
        follows && *entry.log_id.leader_id <= append.vote.leader_id.term
    }) && append.vote.committed
}
