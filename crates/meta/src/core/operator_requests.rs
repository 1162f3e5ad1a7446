//! What operators and tools ask beside tables: the state of the cluster, the function level, moves
//! by hand, and partitions that have lost all members.

use pegasus_common::{ErrorCode, Gpid};
use pegasus_wire::meta_admin::{
    ConfigurationBalancerRequest, ConfigurationBalancerResponse, ConfigurationClusterInfoResponse,
    ConfigurationMetaControlRequest, ConfigurationMetaControlResponse, ConfigurationProposalAction,
    DddDiagnoseRequest, DddDiagnoseResponse, DddNodeInfo, DddPartitionInfo, MetaFunctionLevel,
};

use super::{MetaCore, Now};
use crate::cluster_state::Command;
use crate::configuration_update::ChangeKind;
use crate::drop_list::DroppedReplica;
use crate::dump::Dump;
use crate::effect::Effect;
use crate::function_level::FunctionLevel;
use crate::guardian::action::Action;
use crate::guardian::proposals::ACTIONS_MAX;
use crate::partition::PartitionConfiguration;
use crate::queries;
use crate::reports::Sighting;
use crate::wire_form;

impl MetaCore {
    /// RPC_CM_CLUSTER_INFO. Names and order of the keys are what tools expect; there is no ZooKeeper
    /// to name, and no move is planned. `members` are the meta servers of the group, comma separated;
    /// without a group it is the configured list.
    #[must_use]
    pub fn cluster_info(&self, members: Option<String>) -> ConfigurationClusterInfoResponse {
        let meta_servers = members.unwrap_or_else(|| self.options.server_list.clone());
        let [primaries, replicas] = queries::replica_count_deviations(&self.state, &self.detector);
        let moves =
            "{\n  \"copy_pri\": 0,\n  \"copy_sec\": 0,\n  \"move_pri\": 0,\n  \"total\": 0\n}";
        let (keys, values) = [
            ("meta_servers", meta_servers),
            ("primary_meta_server", self.options.address.to_string()),
            ("zookeeper_hosts", String::new()),
            ("zookeeper_root", self.options.cluster_root.clone()),
            ("meta_function_level", self.effective_level().to_string()),
            ("balance_operation_count", moves.to_owned()),
            ("primary_replica_count_stddev", primaries),
            ("total_replica_count_stddev", replicas),
            ("cluster_name", self.options.cluster_name.clone()),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .unzip();
        ConfigurationClusterInfoResponse {
            err: ErrorCode::Ok,
            keys,
            values,
        }
    }

    /// What makes the text of all metadata as it is durable now. It takes its time: not on the event
    /// loop.
    pub fn dump(&self, now: Now) -> impl FnOnce() -> String + Send + use<> {
        let (state, cluster_name) = (self.state.clone(), self.options.cluster_name.clone());
        move || Dump::of(&state, &cluster_name, now.unix_seconds).to_json()
    }

    /// RPC_CM_CONTROL_META: asks for the level, or sets it until the end of the reign. Setting one without
    /// balancing drops the moves under way.
    pub fn control_meta(
        &mut self,
        request: &ConfigurationMetaControlRequest,
    ) -> ConfigurationMetaControlResponse {
        let old_level = MetaFunctionLevel(self.level.code());
        let err = match FunctionLevel::from_code(request.level.0) {
            Some(level) => {
                self.level = level;
                if level <= FunctionLevel::Steady {
                    self.guardian.drop_proposals();
                }
                ErrorCode::Ok
            }
            None if request.level == MetaFunctionLevel::FL_INVALID => ErrorCode::Ok,
            None => ErrorCode::InvalidParameters,
        };
        ConfigurationMetaControlResponse { err, old_level }
    }

    /// RPC_CM_PROPOSE_BALANCER: moves by hand (meta-server.md section 9.5).
    pub fn propose_balancer(
        &mut self,
        now: Now,
        request: &ConfigurationBalancerRequest,
        out: &mut Vec<Effect>,
    ) -> ConfigurationBalancerResponse {
        let err = match self.take_actions(request) {
            Ok(actions) if request.force == Some(true) => {
                self.force(now, request.gpid, actions, out);
                ErrorCode::Ok
            }
            Ok(actions) if !self.guardian.is_queued(request.gpid) => {
                self.guardian.queue(now, request.gpid, actions);
                self.advance(now, out);
                ErrorCode::Ok
            }
            Ok(_) => ErrorCode::InvalidParameters,
            Err(err) => err,
        };
        ConfigurationBalancerResponse { err }
    }

    fn take_actions(
        &self,
        request: &ConfigurationBalancerRequest,
    ) -> Result<Vec<Action>, ErrorCode> {
        let partition = self.state.partition(request.gpid);
        let configuration = partition.map(|partition| &partition.configuration);
        let usable = configuration.filter(|configuration| !configuration.is_dropped);
        let configuration = usable.ok_or(ErrorCode::InvalidParameters)?;
        if !(1..=ACTIONS_MAX).contains(&request.action_list.len()) {
            return Err(ErrorCode::InvalidParameters);
        }
        let actions = request.action_list.iter();
        actions
            .map(|action| take_action(configuration, action))
            .collect()
    }

    /// Sends every action at once, whatever the rules say. A primary assigned by force ends the
    /// membership of servers that are dead, which is the only way to give such a partition up to
    /// another server; the proposal is then repeated until it is done.
    fn force(&mut self, now: Now, pid: Gpid, actions: Vec<Action>, out: &mut Vec<Effect>) {
        tracing::warn!(%pid, ?actions, "an operator forces these actions");
        let assigns = actions.first().map(|action| action.kind) == Some(ChangeKind::AssignPrimary);
        if let Some(next) = self.abandoned(pid).filter(|_| assigns) {
            self.commit(Command::Reconfigure(next), Vec::new(), out);
            return self.guardian.queue(now, pid, actions);
        }
        for Action { target, node, kind } in actions {
            out.extend(self.proposal(target, node, pid, kind));
        }
    }

    /// A partition's configuration without members, if all that it has are surely gone.
    fn abandoned(&self, pid: Gpid) -> Option<PartitionConfiguration> {
        let configuration = &self.state.partition(pid)?.configuration;
        let are_gone = configuration.member_count() > 0
            && configuration
                .members()
                .all(|node| self.detector.is_lease_over(node));
        let may_change =
            !self.changing.contains_key(&pid) && !self.staging.holds_partitions(pid.app_id);
        (are_gone && may_change).then(|| configuration.without_members())
    }

    /// RPC_CM_DDD_DIAGNOSE: the partitions that have lost all members, and why no primary is chosen
    /// (meta-server.md section 12.4).
    #[must_use]
    pub fn ddd_diagnose(&self, request: &DddDiagnoseRequest) -> DddDiagnoseResponse {
        let asked = request.pid;
        let is_asked = |pid: Gpid| {
            (asked.app_id.0 == -1 || asked.app_id == pid.app_id)
                && (asked.app_id.0 == -1
                    || asked.partition_index.0 == -1
                    || asked.partition_index == pid.partition_index)
        };
        let names = self.options.host_names;
        let info = |(pid, reason): (Gpid, crate::guardian::all_dead::Refusal)| {
            let configuration = &self.state.partition(pid)?.configuration;
            let former = self.guardian.former_members(pid).iter();
            Some(DddPartitionInfo {
                config: wire_form::configuration(configuration, names),
                dropped: former.map(|replica| self.ddd_node(pid, replica)).collect(),
                reason: reason.to_string(),
            })
        };
        let undecided = self.guardian.undecided();
        DddDiagnoseResponse {
            err: ErrorCode::Ok,
            partitions: undecided
                .filter(|&(pid, _)| is_asked(pid))
                .filter_map(info)
                .collect(),
        }
    }

    fn ddd_node(&self, pid: Gpid, replica: &DroppedReplica) -> DddNodeInfo {
        let node = replica.node;
        let sighting = self.guardian.sighting(node, pid);
        let (ballot, committed, prepared) = match sighting {
            Sighting::Present(report) => (report.ballot.0, report.committed.0, report.prepared.0),
            Sighting::Absent | Sighting::Unreported => (-1, -1, -1),
        };
        let dropped_at = replica.dropped_at.map_or(0, |at| at.unix_seconds);
        DddNodeInfo {
            node,
            drop_time_ms: dropped_at.saturating_mul(1_000),
            is_alive: self.detector.is_alive(node),
            is_collected: sighting != Sighting::Unreported,
            ballot,
            last_committed_decree: committed,
            last_prepared_decree: prepared,
            hp_node: self.options.host_names.name(node),
        }
    }
}

/// Where no target is named the primary is meant.
fn take_action(
    configuration: &PartitionConfiguration,
    action: &ConfigurationProposalAction,
) -> Result<Action, ErrorCode> {
    let target = action.target.valid().or(configuration.primary);
    let kind = wire_form::change_kind(action.r#type);
    match (target, action.node.valid(), kind) {
        (Some(target), Some(node), Some(kind)) => Ok(Action { target, node, kind }),
        _ => Err(ErrorCode::InvalidParameters),
    }
}
