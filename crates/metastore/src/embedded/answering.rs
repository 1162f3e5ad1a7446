//! How a member answers the others' messages.

use std::pin::pin;

use bytes::{Bytes, BytesMut};
use futures_util::future::{Either, select};
use openraft::async_runtime::watch::WatchReceiver as _;
use openraft::errors::RaftError;
use openraft::raft::{AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse};
use openraft::storage::Snapshot;
use openraft::{AsyncRuntime, Raft};
use parking_lot::Mutex;

use super::message::{self, Identity, Past, Question, Refusal, Request, Response, SnapshotPart};
use super::state_machine::StateMachine;
use super::types::{GroupTypes, MemberId, SnapshotMeta, Vote};

/// Largest snapshot that is taken from another member, in bytes.
const SNAPSHOT_BYTES_MAX: u64 = 1 << 30;

/// The handle of the consensus.
pub(super) type Consensus<R> = Raft<GroupTypes<R>, StateMachine<R>>;

/// Answers messages on behalf of one member.
pub(super) struct Answering<R: AsyncRuntime> {
    pub me: MemberId,
    pub raft: Consensus<R>,
    pub receiving: Mutex<Option<Receiving>>,
}

/// A snapshot that is on its way here.
pub(super) struct Receiving {
    vote: Vote,
    meta: SnapshotMeta,
    state: BytesMut,
}

impl<R: AsyncRuntime> Answering<R> {
    /// Answers one message. Never fails: what is wrong is said in the answer.
    pub async fn answer(&self, message: &[u8]) -> Bytes {
        let response = match message::decode::<Question<R>>(message) {
            Ok(Question::Hello) => self.introduce().await,
            Ok(Question::To { member, request }) if member == self.me => {
                self.respond(request).await
            }
            Ok(Question::To { .. }) => Err(Refusal::AnotherMember(self.me)),
            Err(reason) => Err(Refusal::Malformed(reason)),
        };
        let response = response.unwrap_or_else(Response::Refused);
        // An empty answer is understood as a malformed one.
        message::encode(&response).unwrap_or_default()
    }

    async fn introduce(&self) -> Result<Response<R>, Refusal> {
        let grouped = self.raft.is_initialized().await;
        let grouped = grouped.map_err(|error| Refusal::Stopped(error.to_string()))?;
        Ok(Response::Hello(Identity {
            member: self.me,
            past: if grouped { Past::Grouped } else { Past::New },
        }))
    }

    async fn respond(&self, request: Request<R>) -> Result<Response<R>, Refusal> {
        let stopped = |reason: &dyn std::fmt::Display| Refusal::Stopped(reason.to_string());
        match request {
            Request::Append(append) | Request::Heartbeat(append) if !message::is_sound(&append) => {
                Err(Refusal::Malformed("its entries do not fit".to_owned()))
            }
            Request::Heartbeat(append) => {
                let answered = self.hear(append).await;
                answered.map(Response::Append).map_err(|e| stopped(&e))
            }
            Request::Append(append) => {
                let answered = self.raft.append_entries(append).await;
                answered.map(Response::Append).map_err(|e| stopped(&e))
            }
            Request::Vote(vote) => {
                let answered = self.raft.vote(vote).await;
                answered.map(Response::Vote).map_err(|e| stopped(&e))
            }
            Request::PreVote(vote) => {
                let answered = self.raft.pre_vote(vote).await;
                answered.map(Response::Vote).map_err(|e| stopped(&e))
            }
            Request::Transfer(transfer) => {
                let answered = self.raft.handle_transfer_leader(transfer).await;
                answered.map(Response::Transfer).map_err(|e| stopped(&e))
            }
            Request::Snapshot(part) => self.take(part).await,
        }
    }

    /// Takes a heartbeat and says whether this member follows its sender now.
    ///
    /// The consensus alone would answer when everything before it is durable, and a leader with slow
    /// disks would be silent for as long as they write. But a heartbeat asks only whether this member
    /// has promised itself to a later leader, and what it knows answers that: no promise is given
    /// away before it is durable.
    async fn hear(
        &self,
        append: AppendEntriesRequest<GroupTypes<R>>,
    ) -> Result<AppendEntriesResponse<GroupTypes<R>>, RaftError<GroupTypes<R>>> {
        let (vote, before) = (append.vote, append.prev_log_id);
        let taken = pin!(self.raft.append_entries(append));
        // Asked after it, so the heartbeat has had its effect.
        let follows = self.raft.with_raft_state(move |state| {
            *state.vote_ref() == vote && state.log_ids.last() >= before.as_ref()
        });
        match select(taken, pin!(follows)).await {
            Either::Left((answer, _)) => answer,
            Either::Right((Ok(true), _)) => Ok(AppendEntriesResponse::Success),
            Either::Right((_, taken)) => taken.await,
        }
    }

    async fn take(&self, part: SnapshotPart) -> Result<Response<R>, Refusal> {
        let Some(Receiving { vote, meta, state }) = self.add(part)? else {
            // Whether the sender may still send shows when the snapshot is installed.
            let promise = self.raft.metrics().borrow_watched().vote;
            return Ok(Response::Snapshot(promise));
        };
        let snapshot = Snapshot {
            meta,
            snapshot: state.freeze(),
        };
        let installed = self.raft.install_full_snapshot(vote, snapshot).await;
        let SnapshotResponse { vote } =
            installed.map_err(|error| Refusal::Stopped(error.to_string()))?;
        Ok(Response::Snapshot(vote))
    }

    /// Keeps a piece; returns the whole when it is complete.
    fn add(&self, part: SnapshotPart) -> Result<Option<Receiving>, Refusal> {
        if part.total > SNAPSHOT_BYTES_MAX {
            let reason = format!("a snapshot of {} bytes", part.total);
            return Err(Refusal::Malformed(reason));
        }
        let mut receiving = self.receiving.lock();
        let current = match &mut *receiving {
            Some(current)
                if part.offset != 0
                    && current.meta == part.meta
                    && current.vote == part.vote
                    && current.state.len() as u64 == part.offset =>
            {
                current
            }
            _ if part.offset == 0 => receiving.insert(Receiving {
                vote: part.vote,
                meta: part.meta,
                state: BytesMut::new(),
            }),
            _ => return Err(Refusal::OutOfOrder),
        };
        current.state.extend_from_slice(&part.bytes);
        let received = current.state.len() as u64;
        if received > part.total {
            *receiving = None;
            return Err(Refusal::OutOfOrder);
        }
        Ok((received == part.total).then(|| receiving.take()).flatten())
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, mpsc};
    use std::time::Duration;

    use openraft::EntryPayload;
    use openraft::vote::RaftLeaderIdExt as _;
    use openraft_rt_tokio::TokioRuntime;

    use super::*;
    use crate::embedded::journal::{FileJournal, JournalOptions};
    use crate::embedded::medium::{FileMedium, Medium, OpenMedium};
    use crate::embedded::tests::member;
    use crate::embedded::types::{Command, Entry, LeaderId, LogId};
    use crate::embedded::{GroupOptions, ServerStore};
    use crate::store::MetadataStore as _;

    type Append = AppendEntriesRequest<GroupTypes<TokioRuntime>>;
    type Answer = AppendEntriesResponse<GroupTypes<TokioRuntime>>;

    const SOON: Duration = Duration::from_secs(20);

    async fn ask(store: &ServerStore, request: Request<TokioRuntime>) -> Answer {
        let member = store.member();
        let question = message::encode(&Question::To { member, request }).unwrap();
        let answer = store.answer(&question).await;
        match message::decode(&answer).unwrap() {
            Response::<TokioRuntime>::Append(answer) => answer,
            _ => panic!("another answer"),
        }
    }

    /// What a leader of `term` sends.
    fn of_leader(term: u64, leader: u64, before: Option<LogId>, entries: Vec<Entry>) -> Append {
        Append {
            vote: Vote::new_committed(term, MemberId(leader)),
            prev_log_id: before,
            leader_commit: None,
            entries,
        }
    }

    fn at(term: u64, leader: u64, index: u64) -> LogId {
        LogId::new(LeaderId::new_committed(term, MemberId(leader)), index)
    }

    #[tokio::test]
    async fn a_heartbeat_is_answered_by_what_the_member_has_promised() {
        let directory = tempfile::tempdir().unwrap();
        let (journal, content) =
            FileJournal::open(directory.path(), JournalOptions::default()).unwrap();
        let store = member(journal, content, GroupOptions::default()).await;
        let beat =
            |term, leader, before| Request::Heartbeat(of_leader(term, leader, before, vec![]));
        let later = Answer::HigherVote(Vote::new_committed(5, MemberId(1)));
        assert_eq!(ask(&store, beat(5, 1, None)).await, Answer::Success);
        assert_eq!(ask(&store, beat(3, 2, None)).await, later);
        assert_eq!(ask(&store, beat(6, 2, None)).await, Answer::Success);
        let later = Answer::HigherVote(Vote::new_committed(6, MemberId(2)));
        assert_eq!(ask(&store, beat(5, 1, None)).await, later);
        // It follows, and has not what the leader believes that it has.
        let behind = ask(&store, beat(6, 2, Some(at(6, 2, 7)))).await;
        assert_eq!(behind, Answer::Conflict);
        store.close().await;
    }

    /// Flushes when it is let.
    struct Stalling {
        inner: FileMedium,
        permits: Arc<Mutex<mpsc::Receiver<()>>>,
    }

    impl Medium for Stalling {
        fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.inner.append(bytes)
        }

        fn flush_to_disk(&mut self) -> io::Result<()> {
            let permit = self.permits.lock().recv();
            permit.map_err(io::Error::other)?;
            self.inner.flush_to_disk()
        }
    }

    #[tokio::test]
    async fn a_heartbeat_waits_for_no_disk() {
        let directory = tempfile::tempdir().unwrap();
        let (permit, permits) = mpsc::channel();
        let permits = Arc::new(Mutex::new(permits));
        let medium: OpenMedium = Box::new(move |file| {
            Box::new(Stalling {
                inner: FileMedium::new(file),
                permits: Arc::clone(&permits),
            })
        });
        let options = JournalOptions::default();
        let (journal, content) = FileJournal::open_with(directory.path(), options, medium).unwrap();
        let store = member(journal, content, GroupOptions::default()).await;
        // The promise itself must be durable.
        permit.send(()).unwrap();
        let beat = || Request::Heartbeat(of_leader(5, 1, None, vec![]));
        assert_eq!(ask(&store, beat()).await, Answer::Success);
        let entry = Entry {
            log_id: at(5, 1, 0),
            payload: EntryPayload::Normal(Command::Reign),
        };
        let append = Request::Append(of_leader(5, 1, None, vec![entry]));
        let appended = pin!(ask(&store, append));
        let beats = pin!(async {
            for _ in 0..3 {
                assert_eq!(ask(&store, beat()).await, Answer::Success);
            }
        });
        let heard = tokio::time::timeout(SOON, select(appended, beats)).await;
        let Ok(Either::Right(((), appended))) = heard else {
            panic!("heartbeats waited for the disk, or entries did not");
        };
        permit.send(()).unwrap();
        assert_eq!(appended.await, Answer::Success);
        // What closing the store flushes.
        drop(permit);
        store.close().await;
    }
}
