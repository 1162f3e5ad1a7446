//! [`MetaCore`]: the whole meta server of one reign, without I/O.
//!
//! Inputs are decoded requests, the outcomes of earlier effects, and time; outputs are answers and
//! [`Effect`]s. It is made from what the store holds when a reign begins and thrown away when the
//! reign ends: everything that must survive is in the store, everything else is found out again.

mod curing;
mod operator_requests;
mod server_reports;
mod table_changes;
mod table_creation;

use std::collections::BTreeMap;

use pegasus_common::clock::MonotonicMillis;
use pegasus_common::{ErrorCode, Gpid, RpcAddress};
use pegasus_metastore::Version;
use pegasus_wire::layer2::{QueryCfgRequest, QueryCfgResponse};
use pegasus_wire::meta_admin::{
    ConfigType, ConfigurationGetAtomicIdempotentRequest, ConfigurationGetAtomicIdempotentResponse,
    ConfigurationGetMaxReplicaCountRequest, ConfigurationGetMaxReplicaCountResponse,
    ConfigurationListAppsRequest, ConfigurationListAppsResponse, ConfigurationListNodesRequest,
    ConfigurationListNodesResponse, ConfigurationUpdateRequest, ConfigurationUpdateResponse,
};
use pegasus_wire::replication::CreateReplicaRequest;

use crate::cluster_state::{ClusterState, Command};
use crate::configuration_update::ChangeKind;
use crate::effect::{Alert, Answer, CommitToken, CreateCall, Effect, RequestToken};
use crate::failure_detector::{FailureDetector, FailureDetectorOptions};
use crate::function_level::{FreezeRule, FunctionLevel};
use crate::guardian::{Guardian, GuardianOptions};
use crate::partition::PartitionConfiguration;
use crate::partition_birth::{BirthOptions, BirthStep, Births};
use crate::planted::PlantedBug;
use crate::queries;
use crate::staging::Staging;
use crate::table::Table;
use crate::table_admin::TableRules;
use crate::wire_form::{self, HostNames};

/// Settings of a [`MetaCore`].
#[derive(Clone, Debug)]
pub struct MetaOptions {
    /// This server's address, as clients and replica servers use it.
    pub address: RpcAddress,
    /// All meta servers, as cluster_info prints them.
    pub server_list: String,
    /// The cluster's name.
    pub cluster_name: String,
    /// Root of the metadata, as cluster_info prints it.
    pub cluster_root: String,
    /// The level to start with.
    pub level: FunctionLevel,
    /// When losing servers lowers the level.
    pub freeze: FreezeRule,
    /// Limits on tables.
    pub rules: TableRules,
    /// Leases and grace.
    pub failure_detector: FailureDetectorOptions,
    /// How partitions get their first members.
    pub births: BirthOptions,
    /// How they are cured.
    pub guardian: GuardianOptions,
    /// Whether answers carry host names.
    pub host_names: HostNames,
}

/// The time of an input, by both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// For leases and pauses.
    pub monotonic: MonotonicMillis,
    /// For what is written down. Unix time.
    pub unix_seconds: i64,
}

/// A change that the store is making durable.
#[derive(Debug)]
struct Pending {
    command: Command,
    /// Requests to answer when it is durable; those repeated meanwhile too.
    reply_to: Vec<RequestToken>,
}

/// What happened to the servers since the reign began; for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Servers declared dead.
    pub disconnections: u64,
    /// Configurations made durable.
    pub configuration_changes: u64,
}

/// The state of one reign.
#[derive(Debug)]
pub struct MetaCore {
    options: MetaOptions,
    state: ClusterState,
    detector: FailureDetector,
    births: Births,
    guardian: Guardian,
    staging: Staging,
    level: FunctionLevel,
    pending: BTreeMap<CommitToken, Pending>,
    /// The commit under way for each partition; there is at most one.
    changing: BTreeMap<Gpid, CommitToken>,
    last_token: u64,
    totals: Totals,
    /// Refused beacons come several times a second; operators need not hear of each.
    refusal_alert_after: MonotonicMillis,
    /// Until then nothing is cured, because most servers were lost just before.
    thaws_at: MonotonicMillis,
}

impl MetaCore {
    /// Begins a reign with what the store holds.
    #[must_use]
    pub fn new(options: MetaOptions, state: ClusterState, now: Now) -> Self {
        let settled = now.monotonic.after(options.births.settle_after_election);
        let detector_options = options.failure_detector.clone();
        let mut detector = FailureDetector::new(detector_options, now.monotonic);
        let mut births = Births::new(options.births);
        let guardian = Guardian::new(options.guardian.clone(), &state, now);
        for table in state.available_tables() {
            for partition in &table.partitions {
                for member in partition.configuration.members() {
                    detector.presume_alive(now.monotonic, member);
                }
            }
            births.begin(&state, table.info.id, settled);
        }
        Self {
            level: options.level,
            options,
            state,
            detector,
            births,
            guardian,
            staging: Staging::default(),
            pending: BTreeMap::new(),
            changing: BTreeMap::new(),
            last_token: 0,
            totals: Totals::default(),
            refusal_alert_after: now.monotonic,
            thaws_at: now.monotonic,
        }
    }

    /// The durable state.
    #[must_use]
    pub fn state(&self) -> &ClusterState {
        &self.state
    }

    /// Who lives.
    #[must_use]
    pub fn detector(&self) -> &FailureDetector {
        &self.detector
    }

    /// Sums since the reign began.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// What the guardian knows and did.
    #[must_use]
    pub const fn guardian(&self) -> &Guardian {
        &self.guardian
    }

    /// The level that holds now. Servers that have been silent for half their grace count as lost
    /// already: when most servers are lost at once, nothing shall move because one of them
    /// happened to send its last beacon a little before the others.
    #[must_use]
    pub fn effective_level(&self) -> FunctionLevel {
        let responsive = self.detector.responsive().count();
        let lost = self.detector.node_count() - responsive;
        self.options.freeze.effective(self.level, responsive, lost)
    }

    /// RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX.
    #[must_use]
    pub fn query_cfg(&self, request: &QueryCfgRequest) -> QueryCfgResponse {
        queries::query_cfg(&self.state, &self.staging, request, self.options.host_names)
    }

    /// RPC_CM_LIST_APPS.
    #[must_use]
    pub fn list_apps(
        &self,
        request: &ConfigurationListAppsRequest,
    ) -> ConfigurationListAppsResponse {
        queries::list_apps(&self.state, request)
    }

    /// RPC_CM_LIST_NODES.
    #[must_use]
    pub fn list_nodes(
        &self,
        request: &ConfigurationListNodesRequest,
    ) -> ConfigurationListNodesResponse {
        queries::list_nodes(&self.detector, request, self.options.host_names)
    }

    /// RPC_CM_GET_MAX_REPLICA_COUNT.
    #[must_use]
    pub fn max_replica_count(
        &self,
        request: &ConfigurationGetMaxReplicaCountRequest,
    ) -> ConfigurationGetMaxReplicaCountResponse {
        queries::max_replica_count(&self.state, request)
    }

    /// RPC_CM_GET_ATOMIC_IDEMPOTENT.
    #[must_use]
    pub fn atomic_idempotent(
        &self,
        request: &ConfigurationGetAtomicIdempotentRequest,
    ) -> ConfigurationGetAtomicIdempotentResponse {
        queries::atomic_idempotent(&self.state, request)
    }

    /// Time has passed.
    pub fn on_tick(&mut self, now: Now, out: &mut Vec<Effect>) {
        for event in self.detector.on_tick(now.monotonic) {
            self.on_liveness(event);
        }
        self.advance(now, out);
    }

    /// A commit is durable.
    pub fn on_committed(
        &mut self,
        now: Now,
        token: CommitToken,
        version: Version,
        out: &mut Vec<Effect>,
    ) {
        let Some(pending) = self.pending.remove(&token) else {
            debug_assert!(false, "{token:?} was never given");
            return;
        };
        let Pending { command, reply_to } = pending;
        match command {
            Command::CreateTable(table) => {
                let answer = self.on_table_created(now, table, version);
                reply(reply_to, &answer, out);
            }
            Command::Reconfigure(next) => {
                let answer = self.on_reconfigured(now, &next, version, out);
                reply(reply_to, &answer, out);
            }
            Command::DropTable { id, .. }
            | Command::SetReplicaCount { id, .. }
            | Command::UpdateTable(Table { id, .. })
            | Command::RecallTable(Table { id, .. }) => {
                self.on_table_changed(now, id, (command, version), reply_to, out);
            }
        }
        self.advance(now, out);
    }

    fn on_reconfigured(
        &mut self,
        now: Now,
        next: &PartitionConfiguration,
        version: Version,
        out: &mut Vec<Effect>,
    ) -> Answer {
        let before = self.state.partition(next.pid);
        let before = before.map(|partition| partition.configuration.clone());
        self.state
            .apply(Command::Reconfigure(next.clone()), version);
        self.changing.remove(&next.pid);
        self.totals.configuration_changes += 1;
        self.births.on_committed(now.monotonic, next);
        if let Some(before) = before {
            self.guardian.on_change(now, &before, next);
        }
        self.commit_if_ready(next.pid.app_id, out);
        self.configuration_answer(ErrorCode::Ok, next.pid)
    }

    /// A call that asked for a replica has ended.
    pub fn on_replica_created(
        &mut self,
        now: Now,
        call: CreateCall,
        outcome: Result<(), (ErrorCode, String)>,
        out: &mut Vec<Effect>,
    ) {
        let code = outcome.as_ref().map_err(|(error, _)| *error).copied();
        if let Err((error, hint)) = outcome {
            out.push(Effect::Alert(Alert::CreationRefused {
                node: call.node,
                pid: call.pid,
                reason: format!("{error} {hint}"),
            }));
        }
        self.births.on_created(now.monotonic, call, code);
        self.advance(now, out);
    }

    /// Does what can be done now: the pass after every event.
    fn advance(&mut self, now: Now, out: &mut Vec<Effect>) {
        let steps = self
            .births
            .advance(now.monotonic, &self.state, &self.detector);
        for step in steps {
            match step {
                BirthStep::CreateReplica(call) => out.extend(self.create_replica(call)),
                BirthStep::Commit(next) => {
                    self.commit(Command::Reconfigure(next), Vec::new(), out);
                }
                BirthStep::Announce { node, pid } => {
                    out.extend(self.proposal(node, node, pid, ChangeKind::AssignPrimary));
                }
            }
        }
        self.cure(now, out);
    }

    /// Hands a command to the store.
    fn commit(&mut self, command: Command, reply_to: Vec<RequestToken>, out: &mut Vec<Effect>) {
        self.last_token += 1;
        let token = CommitToken(self.last_token);
        if let Command::Reconfigure(next) = &command {
            let other = self.changing.insert(next.pid, token);
            debug_assert_eq!(other, None, "two changes of {} at a time", next.pid);
        }
        let transaction = self.state.transaction(&command);
        let mut reply_to = reply_to;
        if let Command::Reconfigure(next) = &command
            && PlantedBug::AnswerBeforeDurable.is_on()
        {
            let config = wire_form::configuration(next, self.options.host_names);
            let err = ErrorCode::Ok;
            let answer = ConfigurationUpdateResponse { err, config };
            let answer = Answer::UpdateConfiguration(Box::new(answer));
            out.extend(reply_to.drain(..).map(|to| Effect::Reply {
                to,
                answer: answer.clone(),
            }));
        }
        self.pending.insert(token, Pending { command, reply_to });
        out.push(Effect::Commit { token, transaction });
    }

    fn create_replica(&self, call: CreateCall) -> Option<Effect> {
        let table = self.state.table(call.pid.app_id)?;
        let request = CreateReplicaRequest {
            app: wire_form::app_info(&table.info),
            pid: call.pid,
            node: call.node,
        };
        Some(Effect::CreateReplica { call, request })
    }

    /// Asks `target` for a change that is about `node`, and tells it the configuration.
    fn proposal(
        &self,
        target: RpcAddress,
        node: RpcAddress,
        pid: Gpid,
        kind: ChangeKind,
    ) -> Option<Effect> {
        let request = self.membership(node, pid, wire_form::config_type(kind))?;
        Some(Effect::Propose {
            node: target,
            request: Box::new(request),
        })
    }

    /// A partition's configuration together with its table.
    fn membership(
        &self,
        node: RpcAddress,
        pid: Gpid,
        kind: ConfigType,
    ) -> Option<ConfigurationUpdateRequest> {
        let table = self.state.table(pid.app_id)?;
        let configuration = &self.state.partition(pid)?.configuration;
        let names = self.options.host_names;
        Some(ConfigurationUpdateRequest {
            info: wire_form::app_info(&table.info),
            config: wire_form::configuration(configuration, names),
            r#type: kind,
            node,
            host_node: node,
            meta_split_status: None,
            hp_node: names.name(node),
        })
    }

    /// The answer to a request for a change. It shows the present configuration, except when that
    /// is about to change: nobody shall be confirmed in a role that is being taken away.
    fn configuration_answer(&self, err: ErrorCode, pid: Gpid) -> Answer {
        let partition = self.state.partition(pid).filter(|_| err != ErrorCode::Busy);
        let config = match partition {
            Some(partition) => {
                wire_form::configuration(&partition.configuration, self.options.host_names)
            }
            None => pegasus_wire::layer2::PartitionConfiguration {
                pid,
                ..pegasus_wire::layer2::PartitionConfiguration::default()
            },
        };
        Answer::UpdateConfiguration(Box::new(ConfigurationUpdateResponse { err, config }))
    }
}

/// Gives everybody who has asked for the same the same answer.
fn reply(to: Vec<RequestToken>, answer: &Answer, out: &mut Vec<Effect>) {
    out.extend(to.into_iter().map(|to| Effect::Reply {
        to,
        answer: answer.clone(),
    }));
}

#[cfg(test)]
mod tests;
