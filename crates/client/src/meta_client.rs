//! Calls to the leading meta server, wherever it is now.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pegasus_common::{ErrorCode, RpcAddress};
use pegasus_rpc::{CallError, RequestFate, RoutingHeader, SessionPool};
use pegasus_wire::{Message, TaskCode, layer2};
use tokio::time::Instant;

use crate::error::ClientError;
use crate::meta_list::MetaList;
use crate::retry::{Backoff, Repeat, RoutingTrust};

/// One kind of call to the meta server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MetaCall {
    /// For error messages.
    pub(crate) name: &'static str,
    pub(crate) code: TaskCode,
    pub(crate) repeat: Repeat,
}

/// An answer of a meta server.
pub(crate) trait MetaAnswer: Message {
    /// Its `err` field.
    fn err(&self) -> ErrorCode;

    /// The leader, as a follower tells it (wire-protocol.md section 7.3).
    fn leader_hint(&self) -> Option<RpcAddress> {
        None
    }

    /// Its explanation of an error.
    fn hint(&self) -> &str {
        ""
    }
}

impl MetaAnswer for layer2::QueryCfgResponse {
    fn err(&self) -> ErrorCode {
        self.err
    }

    fn leader_hint(&self) -> Option<RpcAddress> {
        self.partitions.first()?.primary.valid()
    }
}

#[derive(Debug)]
pub(crate) struct MetaClient {
    list: MetaList,
    pool: SessionPool,
    /// The server that answered last, as [`RpcAddress::to_u64`]; 0 before the first answer.
    leader: AtomicU64,
}

/// What one server's answer means for the search.
enum Verdict<R> {
    Answer(R),
    /// Not the leader; it may know who is.
    Elsewhere(Option<RpcAddress>),
    /// The leader, but not ready.
    NotReady(ErrorCode),
    Failed(CallError),
}

impl MetaClient {
    pub(crate) fn new(list: MetaList, pool: SessionPool) -> Self {
        Self {
            list,
            pool,
            leader: AtomicU64::new(0),
        }
    }

    /// Asks the leader, looking for it until the deadline. Any answer of the leader is returned,
    /// also one with an error inside.
    pub(crate) async fn ask<Q: Message, R: MetaAnswer>(
        &self,
        call: MetaCall,
        request: &Q,
        timeout: Duration,
    ) -> Result<R, ClientError> {
        let deadline = Instant::now() + timeout;
        let mut backoff = Backoff::default();
        let mut last = String::from("no answer in time");
        loop {
            let mut candidates = self.candidates().await?;
            let mut hints_left = candidates.len();
            while let Some(server) = candidates.pop_front() {
                let remaining = deadline.saturating_duration_since(Instant::now());
                let patience = patience(call, remaining, candidates.len());
                match self.ask_one(server, call, request, patience).await {
                    Verdict::Answer(answer) => return Ok(answer),
                    Verdict::Elsewhere(hint) => {
                        last = format!("{server} is not the leader");
                        if let Some(hint) = hint.filter(|_| hints_left > 0) {
                            hints_left -= 1;
                            candidates.retain(|other| *other != hint);
                            candidates.push_front(hint);
                        }
                    }
                    Verdict::NotReady(code) => last = format!("{server} answered {code}"),
                    Verdict::Failed(error) => {
                        last = error.to_string();
                        if call.repeat == Repeat::Harmful
                            && error.fate() == RequestFate::MayHaveArrived
                        {
                            return Err(self.no_leader(call, last));
                        }
                    }
                }
            }
            let pause = backoff.next_pause(RoutingTrust::Lost);
            if Instant::now() + pause >= deadline {
                return Err(self.no_leader(call, last));
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// The last known leader first, then the list.
    async fn candidates(&self) -> Result<VecDeque<RpcAddress>, ClientError> {
        let mut candidates: VecDeque<_> = self.list.resolve().await?.into();
        let leader = RpcAddress::from_u64(self.leader.load(Ordering::Relaxed));
        if leader.is_valid() {
            candidates.retain(|other| *other != leader);
            candidates.push_front(leader);
        }
        Ok(candidates)
    }

    async fn ask_one<Q: Message, R: MetaAnswer>(
        &self,
        server: RpcAddress,
        call: MetaCall,
        request: &Q,
        patience: Duration,
    ) -> Verdict<R> {
        let header = RoutingHeader::server(patience);
        let response = self.pool.call(server, call.code, header, request).await;
        let answer: R = match response.and_then(|response| response.decode()) {
            Ok(answer) => answer,
            Err(CallError::Refused {
                code: ErrorCode::ForwardToOthers,
                ..
            }) => return Verdict::Elsewhere(None),
            Err(error) => return Verdict::Failed(error),
        };
        match answer.err() {
            ErrorCode::ForwardToOthers => {
                self.forget_leader(server);
                Verdict::Elsewhere(answer.leader_hint())
            }
            code @ (ErrorCode::ServiceNotActive | ErrorCode::UnderRecovery) => {
                Verdict::NotReady(code)
            }
            _ => {
                self.leader.store(server.to_u64(), Ordering::Relaxed);
                Verdict::Answer(answer)
            }
        }
    }

    fn forget_leader(&self, server: RpcAddress) {
        let _ =
            self.leader
                .compare_exchange(server.to_u64(), 0, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn no_leader(&self, call: MetaCall, last: String) -> ClientError {
        ClientError::NoLeader {
            call: call.name,
            list: self.list.text().to_owned(),
            last,
        }
    }
}

/// How long one server may take: a share of what is left, so that a hanging one leaves time for the
/// others; all of it for a change, which must not be sent twice.
fn patience(call: MetaCall, remaining: Duration, others: usize) -> Duration {
    match call.repeat {
        Repeat::Harmless => remaining / u32::try_from(others + 1).unwrap_or(u32::MAX),
        Repeat::Harmful => remaining,
    }
}
