//! [`Driver`]: does what the core asks for, with the store, the other servers and the clock. One
//! thread owns it; no borrow of its cells is held across an await.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use pegasus_common::clock::{MonotonicMillis, WallMicros};
use pegasus_common::metrics::Registry;
use pegasus_common::{ErrorCode, RpcAddress};
use pegasus_metastore::{CommitError, Epoch, MetadataStore, Transaction};
use pegasus_rpc::{CallError, Responder, RoutingHeader, SessionPool};
use pegasus_wire::TaskCode;
use pegasus_wire::meta_admin::ConfigurationUpdateRequest;
use pegasus_wire::replication::{CreateReplicaRequest, CreateReplicaResponse};
use tokio::sync::Notify;
use tokio::task::spawn_local;

use crate::cluster_state::ClusterState;
use crate::core::{MetaCore, MetaOptions, Now};
use crate::effect::{Answer, CommitToken, CreateCall, Effect, RequestToken};
use crate::metrics::MetaMetrics;
use crate::service;

/// How long a proposal may wait for a connection: it is repeated anyway.
const PROPOSAL_TIMEOUT: Duration = Duration::from_secs(2);

/// What this server is among the meta servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Another one leads, or nobody.
    Standby {
        /// Who, if known.
        leader: Option<RpcAddress>,
    },
    /// It leads, and reads the catalogue.
    Loading,
}

impl Role {
    /// The error of every call that only a leader serves.
    #[must_use]
    pub fn refusal(&self) -> ErrorCode {
        match self {
            Self::Standby { .. } => ErrorCode::ForwardToOthers,
            Self::Loading => ErrorCode::ServiceNotActive,
        }
    }

    /// Whom to ask instead.
    #[must_use]
    pub fn leader(&self) -> Option<RpcAddress> {
        match self {
            Self::Standby { leader } => *leader,
            Self::Loading => None,
        }
    }
}

#[derive(Debug)]
enum State {
    Waiting(Role),
    Leading(Box<Reign>),
}

#[derive(Debug)]
struct Reign {
    epoch: Epoch,
    core: MetaCore,
}

/// Why a reign ended from inside.
pub type ReignEnd = CommitError;

/// Everything around the core.
pub struct Driver {
    options: MetaOptions,
    store: Arc<dyn MetadataStore>,
    sessions: SessionPool,
    create_timeout: Duration,
    write_members_min: usize,
    registry: Registry,
    metrics: RefCell<MetaMetrics>,
    state: RefCell<State>,
    waiting: RefCell<BTreeMap<RequestToken, (TaskCode, Responder)>>,
    last_request: Cell<u64>,
    ended: RefCell<Option<ReignEnd>>,
    end_notice: Notify,
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver")
            .field("address", &self.options.address)
            .finish_non_exhaustive()
    }
}

/// What a driver is made of.
pub struct DriverParts {
    /// Settings of the core.
    pub options: MetaOptions,
    /// Where the metadata is.
    pub store: Arc<dyn MetadataStore>,
    /// Connections to replica servers.
    pub sessions: SessionPool,
    /// How long one request to create a replica may take.
    pub create_timeout: Duration,
    /// Members that a write needs; for the health metrics.
    pub write_members_min: usize,
    /// Where metrics are registered.
    pub registry: Registry,
}

impl Driver {
    /// A driver that stands by.
    #[must_use]
    pub fn new(parts: DriverParts) -> Rc<Self> {
        Rc::new(Self {
            options: parts.options,
            store: parts.store,
            sessions: parts.sessions,
            create_timeout: parts.create_timeout,
            write_members_min: parts.write_members_min,
            metrics: RefCell::new(MetaMetrics::new(parts.registry.clone())),
            registry: parts.registry,
            state: RefCell::new(State::Waiting(Role::Standby { leader: None })),
            waiting: RefCell::default(),
            last_request: Cell::new(0),
            ended: RefCell::new(None),
            end_notice: Notify::new(),
        })
    }

    /// This server's address.
    #[must_use]
    pub fn address(&self) -> RpcAddress {
        self.options.address
    }

    /// The role, unless this server leads and serves. A leader that has not heard from the other
    /// meta servers for a while may have a successor: it answers nothing that others rely on.
    #[must_use]
    pub fn standby_role(&self) -> Option<Role> {
        match &*self.state.borrow() {
            State::Waiting(role) => Some(role.clone()),
            State::Leading(reign) if self.store.surely_leads(reign.epoch) => None,
            State::Leading(_) => Some(Role::Standby { leader: None }),
        }
    }

    /// All metrics in Prometheus' text format.
    #[must_use]
    pub fn metrics_text(&self) -> String {
        self.refresh_metrics();
        self.registry.prometheus_text()
    }

    /// Ends a reign, if there is one. Requests that wait for it are sent elsewhere.
    pub fn stand_by(&self, role: Role) {
        let refusal = role.refusal();
        *self.state.borrow_mut() = State::Waiting(role);
        let waiting = std::mem::take(&mut *self.waiting.borrow_mut());
        for (code, responder) in waiting.into_values() {
            service::refuse(code, responder, refusal);
        }
    }

    /// Begins a reign.
    pub fn begin_reign(&self, epoch: Epoch, state: ClusterState) {
        let core = MetaCore::new(self.options.clone(), state, now());
        self.metrics.borrow_mut().begin_reign();
        *self.ended.borrow_mut() = None;
        *self.state.borrow_mut() = State::Leading(Box::new(Reign { epoch, core }));
    }

    /// Waits until the reign cannot go on. Cancel safe.
    pub async fn reign_ended(&self) -> ReignEnd {
        loop {
            if let Some(end) = self.ended.borrow_mut().take() {
                return end;
            }
            self.end_notice.notified().await;
        }
    }

    /// Time has passed.
    pub fn tick(self: &Rc<Self>) {
        self.with_core(MetaCore::on_tick);
    }

    /// Brings the metrics up to date.
    pub fn refresh_metrics(&self) {
        if let State::Leading(reign) = &*self.state.borrow() {
            let mut metrics = self.metrics.borrow_mut();
            metrics.update(&reign.core, self.write_members_min);
        }
    }

    /// All metadata as it is durable now, as a text. `None` if this server does not lead.
    pub async fn dump(self: &Rc<Self>) -> Option<String> {
        let make = self.with_core(|core, now, _| core.dump(now))?;
        tokio::task::spawn_blocking(make).await.ok()
    }

    /// Keeps the right to answer a request until the core does.
    pub fn keep(&self, code: TaskCode, responder: Responder) -> RequestToken {
        let token = RequestToken(self.last_request.get() + 1);
        self.last_request.set(token.0);
        self.waiting.borrow_mut().insert(token, (code, responder));
        token
    }

    /// Gives the core an input and does what it asks for. `None` if this server does not lead.
    pub fn with_core<T>(
        self: &Rc<Self>,
        input: impl FnOnce(&mut MetaCore, Now, &mut Vec<Effect>) -> T,
    ) -> Option<T> {
        self.with_core_of(None, input)
    }

    /// As [`Driver::with_core`], but only for the reign of `of`, if given: what an earlier reign
    /// has started concerns nobody any more.
    fn with_core_of<T>(
        self: &Rc<Self>,
        of: Option<Epoch>,
        input: impl FnOnce(&mut MetaCore, Now, &mut Vec<Effect>) -> T,
    ) -> Option<T> {
        let mut effects = Vec::new();
        let (output, epoch) = match &mut *self.state.borrow_mut() {
            State::Leading(reign) if of.is_none_or(|of| of == reign.epoch) => {
                let output = input(&mut reign.core, now(), &mut effects);
                (output, reign.epoch)
            }
            _ => return None,
        };
        for effect in effects {
            self.execute(epoch, effect);
        }
        Some(output)
    }

    fn execute(self: &Rc<Self>, epoch: Epoch, effect: Effect) {
        match effect {
            Effect::Commit { token, transaction } => {
                spawn_local(Rc::clone(self).commit(epoch, token, transaction));
            }
            Effect::Reply { to, answer } => self.reply(to, &answer),
            Effect::CreateReplica { call, request } => {
                spawn_local(Rc::clone(self).create_replica(epoch, call, request));
            }
            Effect::Propose { node, request } => {
                spawn_local(Rc::clone(self).propose(node, request));
            }
            Effect::Alert(alert) => tracing::warn!(%alert, "look at this"),
        }
    }

    fn reply(&self, to: RequestToken, answer: &Answer) {
        let Some((_, responder)) = self.waiting.borrow_mut().remove(&to) else {
            return;
        };
        match answer {
            Answer::CreateApp(response) => responder.reply(response),
            Answer::DropApp(response) => responder.reply(response),
            Answer::RecallApp(response) => responder.reply(&**response),
            Answer::RenameApp(response) => responder.reply(response),
            Answer::UpdateAppEnv(response) => responder.reply(response),
            Answer::SetReplicaCount(response) => responder.reply(response),
            Answer::SetAtomicIdempotent(response) => responder.reply(response),
            Answer::UpdateConfiguration(response) => responder.reply(&**response),
        }
    }

    async fn commit(self: Rc<Self>, epoch: Epoch, token: CommitToken, transaction: Transaction) {
        match self.store.commit(epoch, transaction).await {
            Ok(version) => {
                self.with_core_of(Some(epoch), |core, now, out| {
                    core.on_committed(now, token, version, out);
                });
            }
            Err(error) => self.end_reign(epoch, error),
        }
    }

    /// Nothing that the core believes may be shown any more.
    fn end_reign(&self, epoch: Epoch, end: ReignEnd) {
        let is_current = match &*self.state.borrow() {
            State::Leading(reign) => reign.epoch == epoch,
            State::Waiting(_) => false,
        };
        if is_current {
            tracing::error!(%epoch, %end, "a commit failed: the reign ends");
            self.stand_by(Role::Standby { leader: None });
            *self.ended.borrow_mut() = Some(end);
            self.end_notice.notify_one();
        }
    }

    async fn create_replica(
        self: Rc<Self>,
        epoch: Epoch,
        call: CreateCall,
        request: CreateReplicaRequest,
    ) {
        let header = RoutingHeader {
            gpid: call.pid,
            ..RoutingHeader::server(self.create_timeout)
        };
        let answer = self
            .sessions
            .call(call.node, TaskCode::CreateReplica, header, &request)
            .await
            .and_then(|response| response.decode::<CreateReplicaResponse>());
        let outcome = match answer {
            Ok(answer) if answer.err.is_ok() => Ok(()),
            Ok(answer) => Err((answer.err, answer.hint_message)),
            Err(error) => Err((passing_code(&error), error.to_string())),
        };
        self.with_core_of(Some(epoch), |core, now, out| {
            core.on_replica_created(now, call, outcome, out);
        });
    }

    async fn propose(self: Rc<Self>, node: RpcAddress, request: Box<ConfigurationUpdateRequest>) {
        let header = RoutingHeader {
            gpid: request.config.pid,
            ..RoutingHeader::server(PROPOSAL_TIMEOUT)
        };
        let sent = self
            .sessions
            .send_oneway(node, TaskCode::ConfigProposal, header, &*request)
            .await;
        if let Err(error) = sent {
            tracing::debug!(%node, pid = %request.config.pid, %error, "a proposal was not sent");
        }
    }
}

/// A call without an answer says nothing about what the server would have said.
fn passing_code(error: &CallError) -> ErrorCode {
    match error {
        CallError::Refused { code, .. } => *code,
        _ => error.code(),
    }
}

fn now() -> Now {
    Now {
        monotonic: MonotonicMillis::now(),
        unix_seconds: WallMicros::now().to_unix_millis().div_euclid(1_000),
    }
}
