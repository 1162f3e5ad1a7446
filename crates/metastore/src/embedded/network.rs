//! How a member reaches the others: the consensus' questions as messages over a [`Link`].

use std::future::Future;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use openraft::errors::{
    NetworkError, RPCError, ReplicationClosed, StreamingError, Timeout, Unreachable,
};
use openraft::network::RPCOption;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderRequest,
    TransferLeaderResponse, VoteRequest, VoteResponse,
};
use openraft::{
    AsyncRuntime, BasicNode, OptionalSend, RPCTypes, RaftNetworkFactory, RaftNetworkV2,
};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::Clock;
use super::contact::Contact;
use super::message::{Identity, Question, Request, Response, SnapshotPart, decode, encode};
use super::state_machine::GroupSnapshot;
use super::types::{GroupTypes, MemberId, Vote};
use crate::store::BoxFuture;

/// Bytes of a snapshot in one message.
const SNAPSHOT_PART_BYTES: usize = 1 << 20;

/// What comes of sending entries.
type Appended<R> = Result<AppendEntriesResponse<GroupTypes<R>>, RPCError<GroupTypes<R>>>;

/// Carries messages to members and brings their answers back. May lose both.
pub trait Link: Send + Sync + 'static {
    /// Sends a message to the member that listens at `address`, and returns its answer.
    ///
    /// # Errors
    /// No answer came within `patience`.
    fn call<'a>(
        &'a self,
        address: &'a str,
        message: Bytes,
        patience: Duration,
    ) -> BoxFuture<'a, Result<Bytes, LinkError>>;
}

/// Asks who listens at an address.
pub(super) async fn ask_identity<R: AsyncRuntime>(
    link: &dyn Link,
    address: &str,
    patience: Duration,
) -> Result<Identity, LinkError> {
    let unreachable = LinkError::Unreachable;
    let question = encode(&Question::<R>::Hello);
    let question = question.map_err(|error| unreachable(error.to_string()))?;
    let answer = link.call(address, question, patience).await?;
    match decode::<Response<R>>(&answer).map_err(unreachable)? {
        Response::Hello(identity) => Ok(identity),
        Response::Refused(refusal) => Err(unreachable(refusal.to_string())),
        _ => Err(unreachable(
            "the answer is one to another question".to_owned(),
        )),
    }
}

/// Why a message has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Nobody listens there, or the message could not be sent.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// The time was over.
    #[error("no answer in time")]
    TimedOut,
}

/// Makes the connections to the members of a group.
pub(super) struct Network<R> {
    pub me: MemberId,
    pub link: Arc<dyn Link>,
    pub clock: Clock,
    pub contact: Arc<Mutex<Contact>>,
    /// For so long answers are waited for. Later, one to a heartbeat proves nothing any more.
    pub silence_max: Duration,
    pub runtime: PhantomData<fn() -> R>,
}

/// One member's way to another.
pub(super) struct Peer<R> {
    way: Arc<Way<R>>,
    purpose: Purpose,
    silence_max: Duration,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Heartbeats,
    Everything,
}

/// From whom to whom.
struct Way<R> {
    me: MemberId,
    target: MemberId,
    address: String,
    link: Arc<dyn Link>,
    clock: Clock,
    contact: Arc<Mutex<Contact>>,
    runtime: PhantomData<fn() -> R>,
}

impl<R> Network<R> {
    fn peer(&self, target: MemberId, node: &BasicNode, purpose: Purpose) -> Peer<R> {
        let way = Way {
            me: self.me,
            target,
            address: node.addr.clone(),
            link: Arc::clone(&self.link),
            clock: Arc::clone(&self.clock),
            contact: Arc::clone(&self.contact),
            runtime: PhantomData,
        };
        Peer {
            way: Arc::new(way),
            purpose,
            silence_max: self.silence_max,
        }
    }
}

impl<R: AsyncRuntime> RaftNetworkFactory<GroupTypes<R>> for Network<R> {
    type Network = Peer<R>;

    async fn new_client(&mut self, target: MemberId, node: &BasicNode) -> Peer<R> {
        self.peer(target, node, Purpose::Everything)
    }

    async fn new_heartbeat_client(&mut self, target: MemberId, node: &BasicNode) -> Peer<R> {
        self.peer(target, node, Purpose::Heartbeats)
    }
}

impl<R: AsyncRuntime> Way<R> {
    async fn ask(
        &self,
        kind: RPCTypes,
        request: Request<R>,
        patience: Duration,
    ) -> Result<Response<R>, RPCError<GroupTypes<R>>> {
        let member = self.target;
        let question = Question::To { member, request };
        let message = encode(&question).map_err(|error| NetworkError::new(&error))?;
        let answer = self.link.call(&self.address, message, patience).await;
        let answer = answer.map_err(|error| match error {
            LinkError::Unreachable(_) => RPCError::Unreachable(Unreachable::new(&error)),
            LinkError::TimedOut => RPCError::Timeout(Timeout {
                action: kind,
                id: self.me,
                target: self.target,
                timeout: patience,
            }),
        })?;
        match decode(&answer).map_err(NetworkError::from_string)? {
            // Asking again at once would change nothing.
            Response::Refused(refusal) => Err(Unreachable::new(&refusal).into()),
            response => Ok(response),
        }
    }

    /// Sends entries or a heartbeat; remembers when it was sent, if the other follows.
    async fn append(&self, term: u64, request: Request<R>, patience: Duration) -> Appended<R> {
        let sent = (self.clock)();
        let asked = self.ask(RPCTypes::AppendEntries, request, patience);
        let Response::Append(response) = asked.await? else {
            return Err(unexpected().into());
        };
        if !matches!(response, AppendEntriesResponse::HigherVote(_)) {
            self.contact.lock().answered(term, self.target, sent);
        }
        Ok(response)
    }
}

impl<R: AsyncRuntime> Peer<R> {
    /// Asks for a vote, or whether there would be one.
    async fn ask_vote(
        &self,
        request: Request<R>,
        option: &RPCOption,
    ) -> Result<VoteResponse<GroupTypes<R>>, RPCError<GroupTypes<R>>> {
        match self
            .way
            .ask(RPCTypes::Vote, request, option.hard_ttl())
            .await?
        {
            Response::Vote(response) => Ok(response),
            _ => Err(unexpected().into()),
        }
    }

    async fn send_snapshot(
        &self,
        vote: Vote,
        snapshot: GroupSnapshot,
        patience: Duration,
    ) -> Result<SnapshotResponse<GroupTypes<R>>, RPCError<GroupTypes<R>>> {
        let state = snapshot.snapshot;
        let mut sent = 0;
        loop {
            let end = state.len().min(sent + SNAPSHOT_PART_BYTES);
            let part = SnapshotPart {
                vote,
                meta: snapshot.meta.clone(),
                offset: sent as u64,
                total: state.len() as u64,
                bytes: state.slice(sent..end),
            };
            let asked = self
                .way
                .ask(RPCTypes::InstallSnapshot, Request::Snapshot(part), patience);
            let Response::Snapshot(theirs) = asked.await? else {
                return Err(unexpected().into());
            };
            sent = end;
            if sent == state.len() || theirs > vote {
                return Ok(SnapshotResponse::new(theirs));
            }
        }
    }
}

fn unexpected<R: AsyncRuntime>() -> NetworkError<GroupTypes<R>> {
    NetworkError::from_string("the answer is one to another question")
}

impl<R: AsyncRuntime> RaftNetworkV2<GroupTypes<R>> for Peer<R> {
    type SnapshotData = Bytes;

    async fn append_entries(
        &mut self,
        append: AppendEntriesRequest<GroupTypes<R>>,
        _option: RPCOption,
    ) -> Appended<R> {
        let term = append.vote.leader_id.term;
        if self.purpose == Purpose::Everything {
            // A disk that takes longer is asked again; it has the entries already.
            let request = Request::Append(append);
            return self.way.append(term, request, self.silence_max).await;
        }
        // The consensus stops waiting after one interval. A later answer still proves something.
        let (answered, answer) = oneshot::channel();
        let (way, patience) = (Arc::clone(&self.way), self.silence_max);
        drop(R::spawn(async move {
            let request = Request::Heartbeat(append);
            drop(answered.send(way.append(term, request, patience).await));
        }));
        let ended = |_| NetworkError::from_string("the event loop has ended").into();
        answer.await.unwrap_or_else(|error| Err(ended(error)))
    }

    async fn vote(
        &mut self,
        vote: VoteRequest<GroupTypes<R>>,
        option: RPCOption,
    ) -> Result<VoteResponse<GroupTypes<R>>, RPCError<GroupTypes<R>>> {
        let candidacy = vote.vote;
        let response = self.ask_vote(Request::Vote(vote), &option).await?;
        if !response.is_granted_to(&candidacy) {
            let term = candidacy.leader_id.term;
            self.way.contact.lock().refused(term);
        }
        Ok(response)
    }

    async fn pre_vote(
        &mut self,
        vote: VoteRequest<GroupTypes<R>>,
        option: RPCOption,
    ) -> Result<VoteResponse<GroupTypes<R>>, RPCError<GroupTypes<R>>> {
        self.ask_vote(Request::PreVote(vote), &option).await
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: GroupSnapshot,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<GroupTypes<R>>, StreamingError<GroupTypes<R>>> {
        let sending = pin!(self.send_snapshot(vote, snapshot, option.soft_ttl()));
        match select(sending, pin!(cancel)).await {
            Either::Left((sent, _)) => Ok(sent?),
            Either::Right((closed, _)) => Err(closed.into()),
        }
    }

    async fn transfer_leader(
        &mut self,
        transfer: TransferLeaderRequest<GroupTypes<R>>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<GroupTypes<R>>, RPCError<GroupTypes<R>>> {
        let asked = self.way.ask(
            RPCTypes::TransferLeader,
            Request::Transfer(transfer),
            option.soft_ttl(),
        );
        match asked.await? {
            Response::Transfer(response) => Ok(response),
            _ => Err(unexpected().into()),
        }
    }
}
