//! A table: the way of one operation from the caller to the right server and back.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pegasus_common::{Gpid, RpcAddress, StorageStatus, key, partition_hash};
use pegasus_rpc::{CallError, Response, RoutingHeader, SessionPool};
use pegasus_wire::Message;
use tokio::time::Instant;

use crate::error::{ClientError, WriteFate};
use crate::operation::{Access, Answered, DataResponse, Operation};
use crate::options::{ClientOptions, WriteRepetition};
use crate::retry::{self, Backoff, Next, Repeat, RoutingTrust, surely_not_executed};
use crate::routing::{Partitions, Routing};

/// A server that has been silent for so long may hang or be cut off: the meta server is asked
/// whether another one has taken over, and again after each such time.
const SILENCE: Duration = Duration::from_millis(500);

/// One table of a cluster; cheap to clone, and shared between tasks at will.
///
/// Every operation has a deadline, 5 s unless set otherwise. Until then it is repeated where that
/// can help and cannot harm: an `incr` or a check operation that may have been executed is never
/// sent again, and its error says so ([`ClientError::write_fate`]).
///
/// All futures are cancel safe in this sense: dropping one leaves nothing behind on this side, but
/// a write may still be executed.
#[derive(Clone)]
pub struct Table {
    inner: Arc<Inner>,
    timeout: Duration,
    observer: Option<Observer>,
}

struct Inner {
    name: String,
    routing: Arc<Routing>,
    pool: SessionPool,
    write_repetition: WriteRepetition,
}

type Observer = Arc<dyn Fn(Answered) + Send + Sync>;

/// Where an operation goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// To the partition of a key.
    Hash(u64),
    /// To a partition as a whole.
    Partition(u32),
}

/// One failed attempt.
enum Failure {
    Call(CallError),
    NoPrimary(Gpid),
}

/// How an attempt ends.
enum AttemptEnd {
    Answered(Response),
    Failed(Failure),
    /// The server kept silent, and another one has taken over.
    Moved,
}

impl From<Result<Response, Failure>> for AttemptEnd {
    fn from(result: Result<Response, Failure>) -> Self {
        match result {
            Ok(response) => Self::Answered(response),
            Err(failure) => Self::Failed(failure),
        }
    }
}

impl Table {
    pub(crate) fn new(
        name: &str,
        routing: Routing,
        pool: SessionPool,
        options: &ClientOptions,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                name: name.to_owned(),
                routing: Arc::new(routing),
                pool,
                write_repetition: options.write_repetition,
            }),
            timeout: options.operation_timeout,
            observer: None,
        }
    }

    /// The table's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The same table with another deadline for each operation.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self {
            timeout,
            ..self.clone()
        }
    }

    /// The same table; `observer` hears of every answer from a server.
    #[must_use]
    pub fn with_observer(&self, observer: impl Fn(Answered) + Send + Sync + 'static) -> Self {
        Self {
            observer: Some(Arc::new(observer)),
            ..self.clone()
        }
    }

    /// The partitions as this client knows them now.
    #[must_use]
    pub fn partitions(&self) -> Arc<Partitions> {
        self.inner.routing.load().clone()
    }

    /// Sends one operation until it is answered, hopeless, or out of time.
    pub(crate) async fn execute<Q: Message, R: DataResponse>(
        &self,
        operation: Operation,
        target: Target,
        argument: &Q,
    ) -> Result<R, ClientError> {
        let deadline = Instant::now() + self.timeout;
        let repeat = self.repeat_of(operation);
        let mut backoff = Backoff::default();
        loop {
            let seen = self.inner.routing.load().version();
            let attempt = self.attempt_until_moved(operation, repeat, target, argument, deadline);
            let failure = match attempt.await {
                AttemptEnd::Answered(response) => return self.accept(operation, &response),
                AttemptEnd::Moved => continue,
                AttemptEnd::Failed(failure) => failure,
            };
            let (next, trust) = match &failure {
                Failure::Call(error) => {
                    let reaction = retry::react(error, repeat);
                    (reaction.next, reaction.routing)
                }
                Failure::NoPrimary(_) => (Next::Retry, RoutingTrust::Lost),
            };
            let query_patience = backoff.query_patience();
            let retry_at = Instant::now() + backoff.next_pause(trust);
            if next == Next::Fail || retry_at >= deadline {
                if trust == RoutingTrust::Lost {
                    self.inner.routing.refresh_soon(seen);
                }
                return Err(self.failed(operation, failure));
            }
            if trust == RoutingTrust::Lost {
                // A failed query leaves the old routing, which is tried again.
                let refresh = self.inner.routing.refresh(seen);
                let patience = deadline.min(Instant::now() + query_patience);
                let _ = tokio::time::timeout_at(patience, refresh).await;
            }
            tokio::time::sleep_until(retry_at).await;
        }
    }

    /// Whether executing the operation twice is taken to be the same as executing it once.
    fn repeat_of(&self, operation: Operation) -> Repeat {
        match (operation.access, self.inner.write_repetition) {
            (Access::Write, WriteRepetition::Never) => Repeat::Harmful,
            _ => operation.repeat,
        }
    }

    /// One attempt. It is given up early when the server keeps silent, another one has taken over,
    /// and asking that one too does no harm.
    async fn attempt_until_moved<Q: Message>(
        &self,
        operation: Operation,
        repeat: Repeat,
        target: Target,
        argument: &Q,
        deadline: Instant,
    ) -> AttemptEnd {
        let (header, primary, mut seen) = {
            let partitions = self.inner.routing.load();
            let (header, primary) = self.route(&partitions, target, deadline);
            (header, primary, partitions.version())
        };
        let mut attempt = pin!(self.attempt(operation, header, primary, argument));
        if repeat == Repeat::Harmful {
            return attempt.await.into();
        }
        loop {
            if let Ok(result) = tokio::time::timeout(SILENCE, &mut attempt).await {
                return result.into();
            }
            tokio::select! {
                result = &mut attempt => return result.into(),
                _ = self.inner.routing.refresh(seen) => {}
            }
            let partitions = self.inner.routing.load();
            seen = partitions.version();
            let (_, primary_now) = self.route(&partitions, target, deadline);
            if primary_now.is_some() && primary_now != primary {
                return AttemptEnd::Moved;
            }
        }
    }

    /// Sends one operation to one partition once, for scanners, which know better what follows a
    /// failure.
    pub(crate) async fn execute_once<Q: Message, R: DataResponse>(
        &self,
        operation: Operation,
        header: RoutingHeader,
        server: RpcAddress,
        argument: &Q,
    ) -> Result<R, ClientError> {
        match self
            .attempt(operation, header, Some(server), argument)
            .await
        {
            Ok(response) => self.accept(operation, &response),
            Err(failure) => Err(self.failed(operation, failure)),
        }
    }

    /// Where a request to `target` goes now.
    pub(crate) fn route(
        &self,
        partitions: &Partitions,
        target: Target,
        deadline: Instant,
    ) -> (RoutingHeader, Option<RpcAddress>) {
        let (members, hash) = match target {
            Target::Hash(hash) => (partitions.of_hash(hash), hash),
            Target::Partition(index) => {
                let hash = u64::from(index);
                (partitions.of_hash(hash), hash)
            }
        };
        let header = RoutingHeader {
            gpid: members.gpid,
            partition_hash: hash,
            timeout: deadline.saturating_duration_since(Instant::now()),
        };
        (header, members.primary)
    }

    async fn attempt<Q: Message>(
        &self,
        operation: Operation,
        header: RoutingHeader,
        primary: Option<RpcAddress>,
        argument: &Q,
    ) -> Result<Response, Failure> {
        let Some(primary) = primary else {
            return Err(Failure::NoPrimary(header.gpid));
        };
        let call = self
            .inner
            .pool
            .call(primary, operation.code, header, argument);
        call.await.map_err(Failure::Call)
    }

    fn accept<R: DataResponse>(
        &self,
        operation: Operation,
        response: &Response,
    ) -> Result<R, ClientError> {
        let answer: R = response
            .decode()
            .map_err(|error| self.failed(operation, Failure::Call(error)))?;
        if let Some(observer) = &self.observer {
            observer(answer.answered());
        }
        Ok(answer)
    }

    fn failed(&self, operation: Operation, failure: Failure) -> ClientError {
        match failure {
            Failure::NoPrimary(gpid) => ClientError::NoPrimary {
                table: self.inner.name.clone(),
                operation: operation.name,
                partition: gpid.partition_index.0,
            },
            Failure::Call(source) => ClientError::Call {
                table: self.inner.name.clone(),
                operation: operation.name,
                fate: if operation.access == Access::Read || surely_not_executed(&source) {
                    WriteFate::NotExecuted
                } else {
                    WriteFate::Unknown
                },
                source,
            },
        }
    }

    /// `Ok` for status 0; any other is an error.
    pub(crate) fn check(&self, operation: Operation, status: i32) -> Result<(), ClientError> {
        if status == StorageStatus::Ok.code() {
            return Ok(());
        }
        Err(ClientError::Storage {
            table: self.inner.name.clone(),
            operation: operation.name,
            status,
        })
    }

    /// As [`Table::check`]; status "not found" is `Ok(false)`.
    pub(crate) fn check_found(
        &self,
        operation: Operation,
        status: i32,
    ) -> Result<bool, ClientError> {
        if status == StorageStatus::NotFound.code() {
            return Ok(false);
        }
        self.check(operation, status).map(|()| true)
    }

    pub(crate) fn invalid(&self, operation: Operation, reason: impl Into<String>) -> ClientError {
        ClientError::InvalidArgument {
            table: self.inner.name.clone(),
            operation: operation.name,
            reason: reason.into(),
        }
    }

    pub(crate) fn protocol(&self, operation: Operation, reason: &'static str) -> ClientError {
        ClientError::Protocol {
            table: self.inner.name.clone(),
            operation: operation.name,
            reason,
        }
    }

    /// The raw key of a record and where it lives.
    pub(crate) fn raw_key(
        &self,
        operation: Operation,
        hash_key: &[u8],
        sort_key: &[u8],
    ) -> Result<(Bytes, Target), ClientError> {
        let raw = key::encode(hash_key, sort_key)
            .map_err(|error| self.invalid(operation, error.to_string()))?;
        let hash = partition_hash::of_parts(hash_key, sort_key);
        Ok((Bytes::from(raw), Target::Hash(hash)))
    }

    /// The hash key of an operation on a whole hash key, and where it lives. An empty one has no
    /// partition of its own (data-semantics.md section 1.3).
    pub(crate) fn whole_hash_key(
        &self,
        operation: Operation,
        hash_key: &[u8],
    ) -> Result<(Bytes, Target), ClientError> {
        if hash_key.is_empty() {
            return Err(self.invalid(operation, "the hash key is empty"));
        }
        if hash_key.len() > key::HASH_KEY_LEN_MAX {
            return Err(self.invalid(operation, "the hash key is longer than 65534 bytes"));
        }
        let hash = partition_hash::of_parts(hash_key, b"");
        Ok((Bytes::copy_from_slice(hash_key), Target::Hash(hash)))
    }

    /// Sends a request without an answer to a server that is connected; otherwise does nothing.
    pub(crate) fn send_if_connected<Q: Message>(
        &self,
        server: RpcAddress,
        code: pegasus_wire::TaskCode,
        header: RoutingHeader,
        argument: &Q,
    ) {
        if let Some(session) = self.inner.pool.connected(server) {
            // Best effort by design.
            let _ = session.send_oneway(code, header, argument);
        }
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("name", &self.inner.name)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
