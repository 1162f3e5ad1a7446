//! What replica servers send: beacons, config sync, and changes of configurations.

use pegasus_common::{Ballot, ErrorCode};
use pegasus_wire::failure_detector::{BeaconAck, BeaconMsg};
use pegasus_wire::meta_admin::{
    ConfigType, ConfigurationQueryByNodeRequest, ConfigurationQueryByNodeResponse,
    ConfigurationUpdateRequest,
};
use pegasus_wire::metadata::{PartitionStatus, ReplicaInfo};

use super::{MetaCore, Now};
use crate::cluster_state::Command;
use crate::config_sync::{self, Collection, ReplicaReport};
use crate::configuration_update::{self, ChangeRequest, Verdict};
use crate::effect::{Effect, RequestToken};
use crate::failure_detector::BeaconOutcome;
use crate::wire_form;

impl MetaCore {
    /// RPC_FD_FAILURE_DETECTOR_PING. No answer means that the sender's lease is not extended.
    pub fn beacon(
        &mut self,
        now: Now,
        beacon: &BeaconMsg,
        out: &mut Vec<Effect>,
    ) -> Option<BeaconAck> {
        if !beacon.from_node.is_valid() {
            return None;
        }
        let outcome = self
            .detector
            .on_beacon(now.monotonic, beacon.from_node, beacon.start_time);
        match outcome {
            BeaconOutcome::Stale => return None,
            BeaconOutcome::Accepted(None) => {}
            BeaconOutcome::Accepted(Some(event)) => {
                self.on_liveness(event);
                self.advance(now, out);
            }
        }
        let names = self.options.host_names;
        Some(BeaconAck {
            time: beacon.time,
            this_node: self.options.address,
            primary_node: self.options.address,
            is_master: true,
            allowed: true,
            hp_this_node: names.name(self.options.address),
            hp_primary_node: names.name(self.options.address),
        })
    }

    /// RPC_CM_CONFIG_SYNC.
    pub fn config_sync(
        &mut self,
        now: Now,
        request: &ConfigurationQueryByNodeRequest,
        out: &mut Vec<Effect>,
    ) -> ConfigurationQueryByNodeResponse {
        let node = request.node;
        let refuse = |err| ConfigurationQueryByNodeResponse {
            err,
            ..ConfigurationQueryByNodeResponse::default()
        };
        if self.is_changing_role_of(node) {
            // The server must not adopt a role that is just being taken from it.
            return refuse(ErrorCode::Busy);
        }
        let stored = request.stored_replicas.as_deref().unwrap_or_default();
        let gc_replicas = self.take_reports(now, node, stored, out);
        if !self.detector.is_known(node) {
            return ConfigurationQueryByNodeResponse {
                gc_replicas,
                ..refuse(ErrorCode::ObjectNotFound)
            };
        }
        let partitions = config_sync::memberships(&self.state, node)
            .filter_map(|(_, member)| self.membership(node, member.pid, ConfigType::CT_INVALID))
            .collect();
        ConfigurationQueryByNodeResponse {
            err: ErrorCode::Ok,
            partitions,
            gc_replicas,
        }
    }

    /// Learns from the reported replicas, and returns those that may be removed.
    fn take_reports(
        &mut self,
        now: Now,
        node: pegasus_common::RpcAddress,
        stored: &[ReplicaInfo],
        out: &mut Vec<Effect>,
    ) -> Option<Vec<ReplicaInfo>> {
        let reports: Vec<_> = stored.iter().map(report).collect();
        for report in &reports {
            self.births.on_report(node, report.pid, report.ballot);
        }
        let collection = if self.effective_level().allows_change() {
            Collection::Allowed
        } else {
            Collection::Suspended
        };
        let outcome =
            config_sync::judge_reports(&self.state, node, &reports, collection, now.unix_seconds);
        out.extend(outcome.alerts.into_iter().map(Effect::Alert));
        if outcome.garbage.is_empty() {
            return None;
        }
        let is_garbage = |replica: &&ReplicaInfo| outcome.garbage.contains(&replica.pid);
        Some(stored.iter().filter(is_garbage).cloned().collect())
    }

    fn is_changing_role_of(&self, node: pegasus_common::RpcAddress) -> bool {
        self.changing.iter().any(|(&pid, token)| {
            let before = self.state.partition(pid).map(|state| &state.configuration);
            let after = match self.pending.get(token).map(|pending| &pending.command) {
                Some(Command::Reconfigure(next)) => Some(next),
                _ => None,
            };
            before
                .zip(after)
                .is_some_and(|(before, after)| before.is_member(node) || after.is_member(node))
        })
    }

    /// RPC_CM_UPDATE_PARTITION_CONFIGURATION. Answered when the new configuration is durable.
    pub fn update_configuration(
        &mut self,
        reply_to: RequestToken,
        request: &ConfigurationUpdateRequest,
        out: &mut Vec<Effect>,
    ) {
        if let Err(err) = self.take_change(reply_to, request, out) {
            let answer = self.configuration_answer(err, request.config.pid);
            out.push(Effect::Reply {
                to: reply_to,
                answer,
            });
        }
    }

    /// Starts the change; what needs no commit is the answer's error code, OK included.
    fn take_change(
        &mut self,
        reply_to: RequestToken,
        request: &ConfigurationUpdateRequest,
        out: &mut Vec<Effect>,
    ) -> Result<(), ErrorCode> {
        if !self.effective_level().allows_change() {
            return Err(ErrorCode::StateFreezed);
        }
        let pid = request.config.pid;
        let partition = self.state.partition(pid).ok_or(ErrorCode::ObjectNotFound)?;
        if self.staging.is_dropping(pid.app_id) {
            return Err(ErrorCode::BusyDropping);
        }
        let wanted = wire_form::received_configuration(&request.config);
        if let Some(token) = self.changing.get(&pid) {
            let Some(pending) = self.pending.get_mut(token) else {
                return Err(ErrorCode::Busy);
            };
            return match &pending.command {
                Command::Reconfigure(next) if next.has_same_members(&wanted) => {
                    pending.reply_to.push(reply_to);
                    Ok(())
                }
                // Upstream stays silent here; an answer saves the primary its timeout.
                _ => Err(ErrorCode::Busy),
            };
        }
        let Some(kind) = wire_form::change_kind(request.r#type) else {
            return Err(ErrorCode::InvalidParameters);
        };
        let change = ChangeRequest {
            kind,
            node: request.node,
            wanted,
        };
        let is_alive = |node| self.detector.is_alive(node);
        match configuration_update::judge(&partition.configuration, &change, is_alive) {
            Verdict::Accept(next) => {
                tracing::info!(%pid, ?kind, node = %request.node, ballot = %next.ballot,
                    "changing a configuration");
                self.commit(Command::Reconfigure(next), vec![reply_to], out);
                Ok(())
            }
            Verdict::Repeated => Err(ErrorCode::Ok),
            Verdict::Refuse(err) => Err(err),
        }
    }
}

fn report(replica: &ReplicaInfo) -> ReplicaReport {
    ReplicaReport {
        pid: replica.pid,
        ballot: Ballot(replica.ballot),
        is_learner: replica.status == PartitionStatus::PS_POTENTIAL_SECONDARY,
    }
}
