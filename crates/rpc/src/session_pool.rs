//! One session for each server, connected when first needed and again after it broke.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use foldhash::fast::FixedState;
use pegasus_common::RpcAddress;
use pegasus_wire::{Message, TaskCode};
use tokio::time::{Instant, timeout_at};

use crate::session::{Handle, Response, RoutingHeader, Session, SessionOptions};
use crate::session_error::{CallError, RequestFate};

/// Wait after the first refused connection; doubled with each further one.
const BACKOFF_FIRST: Duration = Duration::from_millis(10);
/// The longest wait. A server that comes back is seen within this time.
const BACKOFF_MAX: Duration = Duration::from_millis(100);
/// Servers that a pool remembers. Beyond it, those without a live session are forgotten.
const SERVERS_MAX: usize = 4096;

/// Sessions by server. A clone is another handle to the same pool.
///
/// While a server refuses connections, calls to it fail at once with the last reason, and one
/// attempt is made after each pause (10 ms, doubling to 100 ms). Concurrent callers share an attempt.
#[derive(Clone)]
pub struct SessionPool {
    inner: Arc<Inner>,
}

struct Inner {
    options: SessionOptions,
    servers: ArcSwap<Servers>,
    /// Guards changes of `servers`; readers need none.
    change: parking_lot::Mutex<()>,
}

type Servers = HashMap<RpcAddress, Arc<Server>, FixedState>;

struct Server {
    address: RpcAddress,
    session: ArcSwapOption<Handle>,
    /// Held while connecting.
    attempts: tokio::sync::Mutex<Attempts>,
}

#[derive(Default)]
struct Attempts {
    failures: u32,
    last_failure: Option<(Instant, CallError)>,
}

impl SessionPool {
    /// An empty pool.
    #[must_use]
    pub fn new(options: SessionOptions) -> Self {
        Self {
            inner: Arc::new(Inner {
                options,
                servers: ArcSwap::default(),
                change: parking_lot::Mutex::new(()),
            }),
        }
    }

    /// Calls `server`, connecting first where needed. The header's timeout covers both. Cancel safe.
    ///
    /// # Errors
    /// Whatever [`Session::connect`] and [`Session::call`] give.
    pub async fn call<M: Message>(
        &self,
        server: RpcAddress,
        code: TaskCode,
        header: RoutingHeader,
        argument: &M,
    ) -> Result<Response, CallError> {
        if let Some(session) = self.connected(server) {
            return session.call(code, header, argument).await;
        }
        let deadline = Instant::now() + header.timeout;
        let session = self.session(server, header.timeout).await?;
        let header = RoutingHeader {
            timeout: deadline.saturating_duration_since(Instant::now()),
            ..header
        };
        session.call(code, header, argument).await
    }

    /// Sends a request without an answer, connecting first where needed.
    ///
    /// # Errors
    /// Whatever [`Session::connect`] and [`Session::send_oneway`] give.
    pub async fn send_oneway<M: Message>(
        &self,
        server: RpcAddress,
        code: TaskCode,
        header: RoutingHeader,
        argument: &M,
    ) -> Result<(), CallError> {
        let session = self.session(server, header.timeout).await?;
        session.send_oneway(code, header, argument)
    }

    /// The live session to `server`, if there is one. Takes no lock that anybody holds for long.
    #[must_use]
    pub fn connected(&self, server: RpcAddress) -> Option<Session> {
        self.inner.servers.load().get(&server)?.live()
    }

    /// The session to `server`, connecting where needed, for at most `timeout`.
    ///
    /// # Errors
    /// [`CallError::Connect`] when it cannot be reached, also while the pause after the last failed
    /// attempt lasts; [`CallError::Timeout`].
    pub async fn session(
        &self,
        server: RpcAddress,
        timeout: Duration,
    ) -> Result<Session, CallError> {
        let entry = self.entry(server)?;
        if let Some(session) = entry.live() {
            return Ok(session);
        }
        let connecting = entry.connect(self.inner.options);
        timeout_at(Instant::now() + timeout, connecting)
            .await
            .unwrap_or(Err(CallError::Timeout {
                server,
                fate: RequestFate::NotSent,
                timeout,
            }))
    }

    fn entry(&self, server: RpcAddress) -> Result<Arc<Server>, CallError> {
        if let Some(entry) = self.inner.servers.load().get(&server) {
            return Ok(entry.clone());
        }
        let _change = self.inner.change.lock();
        let mut servers = Servers::clone(&self.inner.servers.load());
        if servers.len() >= SERVERS_MAX {
            servers.retain(|_, entry| entry.live().is_some());
        }
        if servers.len() >= SERVERS_MAX {
            return Err(CallError::Overloaded {
                server,
                limit: SERVERS_MAX,
            });
        }
        let entry = servers.entry(server).or_insert_with(|| {
            Arc::new(Server {
                address: server,
                session: ArcSwapOption::empty(),
                attempts: tokio::sync::Mutex::default(),
            })
        });
        let entry = entry.clone();
        self.inner.servers.store(Arc::new(servers));
        Ok(entry)
    }
}

impl fmt::Debug for SessionPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers = self.inner.servers.load();
        f.debug_set().entries(servers.keys()).finish()
    }
}

impl Server {
    fn live(&self) -> Option<Session> {
        let handle = self.session.load_full()?;
        (!handle.is_closed()).then_some(Session(handle))
    }

    async fn connect(&self, options: SessionOptions) -> Result<Session, CallError> {
        let mut attempts = self.attempts.lock().await;
        if let Some(session) = self.live() {
            return Ok(session);
        }
        attempts.check_pause()?;
        match Session::connect(self.address, options).await {
            Ok(session) => {
                *attempts = Attempts::default();
                self.session.store(Some(session.0.clone()));
                Ok(session)
            }
            Err(error) => {
                attempts.failures = attempts.failures.saturating_add(1);
                attempts.last_failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }
}

impl Attempts {
    /// Refuses with the last failure while the pause after it lasts.
    fn check_pause(&self) -> Result<(), CallError> {
        let Some((at, error)) = &self.last_failure else {
            return Ok(());
        };
        let doublings = self.failures.saturating_sub(1).min(16);
        let pause = (BACKOFF_FIRST * (1 << doublings)).min(BACKOFF_MAX);
        if at.elapsed() < pause {
            return Err(error.clone());
        }
        Ok(())
    }
}
