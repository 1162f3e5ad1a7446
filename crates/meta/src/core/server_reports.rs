//! What replica servers send: beacons, config sync, and changes of configurations.

use std::time::Duration;

use pegasus_common::{ErrorCode, Gpid, RpcAddress, reach};
use pegasus_wire::failure_detector::{BeaconAck, BeaconMsg};
use pegasus_wire::meta_admin::{
    ConfigType, ConfigurationQueryByNodeRequest, ConfigurationQueryByNodeResponse,
    ConfigurationUpdateRequest,
};
use pegasus_wire::metadata::ReplicaInfo;

use super::{MetaCore, Now, Pending};
use crate::cluster_state::Command;
use crate::config_sync::{self, ReportVerdict};
use crate::configuration_update::{self, ChangeRequest, Verdict};
use crate::drop_list::Place;
use crate::effect::{Alert, Effect, RequestToken};
use crate::failure_detector::{BeaconOutcome, RefusalReason};
use crate::planted::PlantedBug;
use crate::reports::{ReplicaReport, ReportedRole};
use crate::wire_form;

/// At most so often operators hear of refused beacons.
const REFUSAL_ALERT_PAUSE: Duration = Duration::from_secs(1);

impl MetaCore {
    /// RPC_FD_FAILURE_DETECTOR_PING. No answer means that the sender's lease is not extended.
    pub fn beacon(
        &mut self,
        now: Now,
        beacon: &BeaconMsg,
        out: &mut Vec<Effect>,
    ) -> Option<BeaconAck> {
        let node = beacon.from_node.valid()?;
        let beacon_of = wire_form::received_beacon(beacon);
        let allowed = match self.detector.on_beacon(now.monotonic, &beacon_of) {
            BeaconOutcome::Stale | BeaconOutcome::Unstable => return None,
            BeaconOutcome::Refused(reason) => {
                self.on_beacon_refused(now, node, reason, out);
                false
            }
            BeaconOutcome::Accepted(event) | BeaconOutcome::Farewell(event) => {
                if let Some(event) = event {
                    self.on_liveness(event);
                    self.advance(now, out);
                }
                true
            }
        };
        let names = self.options.host_names;
        Some(BeaconAck {
            time: beacon.time,
            this_node: self.options.address,
            primary_node: self.options.address,
            is_master: true,
            allowed,
            hp_this_node: names.name(self.options.address),
            hp_primary_node: names.name(self.options.address),
            report_wanted: self.wants_report(node).then_some(true),
        })
    }

    /// Without a report nobody can tell what a server is good for: it gets no primary's place.
    fn wants_report(&self, node: RpcAddress) -> bool {
        self.detector.is_serving(node) && !self.guardian.has_reported(node)
    }

    fn on_beacon_refused(
        &mut self,
        now: Now,
        node: RpcAddress,
        reason: RefusalReason,
        out: &mut Vec<Effect>,
    ) {
        if self.refusal_alert_after <= now.monotonic {
            self.refusal_alert_after = now.monotonic.after(REFUSAL_ALERT_PAUSE);
            out.push(Effect::Alert(Alert::BeaconRefused { node, reason }));
        }
    }

    /// RPC_CM_CONFIG_SYNC. The answer confirms the server in its roles, so there is none while any
    /// of them is changing, nor for a process that has not loaded its replicas yet or is not the
    /// one whose beacons are heard.
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
        let is_premature = request.loading == Some(true)
            || !self.detector.is_present_process(node, request.start_time);
        if is_premature || self.is_changing_role_of(node) {
            reach!("meta: config sync has to wait");
            return refuse(ErrorCode::Busy);
        }
        let stored = request.stored_replicas.as_deref();
        let gc_replicas = stored.and_then(|stored| self.take_reports(now, node, stored, out));
        if !self.detector.is_known(node) {
            return ConfigurationQueryByNodeResponse {
                gc_replicas,
                ..refuse(ErrorCode::ObjectNotFound)
            };
        }
        self.advance(now, out);
        if self.detector.loading_since(node).is_some() || self.is_changing_role_of(node) {
            return refuse(ErrorCode::Busy);
        }
        let held = self.state.holdings().of(node);
        let unheard = self.unheard_ends(stored.unwrap_or_default());
        let partitions = held
            .chain(unheard)
            .filter_map(|pid| self.membership(node, pid, ConfigType::CT_INVALID))
            .collect();
        ConfigurationQueryByNodeResponse {
            err: ErrorCode::Ok,
            partitions,
            gc_replicas,
        }
    }

    /// Reported replicas of partitions without members that have not heard of the configuration that
    /// ended their role: nobody else may lead before the last primary has.
    fn unheard_ends<'a>(&'a self, stored: &'a [ReplicaInfo]) -> impl Iterator<Item = Gpid> + 'a {
        let is_unheard = |replica: &&ReplicaInfo| {
            self.state.partition(replica.pid).is_some_and(|partition| {
                let configuration = &partition.configuration;
                let is_empty = configuration.member_count() == 0 && !configuration.is_dropped;
                is_empty && replica.ballot < configuration.ballot.0
            })
        };
        stored.iter().filter(is_unheard).map(|replica| replica.pid)
    }

    /// Learns from the reported replicas, and returns those that may be removed.
    fn take_reports(
        &mut self,
        now: Now,
        node: RpcAddress,
        stored: &[ReplicaInfo],
        out: &mut Vec<Effect>,
    ) -> Option<Vec<ReplicaInfo>> {
        let reports: Vec<_> = stored.iter().map(wire_form::received_report).collect();
        if let Some(event) = self.detector.on_full_report(now.monotonic, node) {
            self.on_liveness(event);
        }
        self.guardian.on_full_report(now, node, &reports);
        let may_collect = self.effective_level().allows_change();
        let mut garbage = Vec::new();
        for (report, replica) in reports.iter().zip(stored) {
            self.births.on_report(node, report.pid, report.ballot);
            if self.is_garbage(now, node, report, out) && may_collect {
                reach!("meta: a superfluous replica is collected");
                garbage.push(replica.clone());
            }
        }
        (!garbage.is_empty()).then_some(garbage)
    }

    fn is_garbage(
        &mut self,
        now: Now,
        node: RpcAddress,
        report: &ReplicaReport,
        out: &mut Vec<Effect>,
    ) -> bool {
        let pid = report.pid;
        match config_sync::judge_report(&self.state, node, report, now.unix_seconds) {
            ReportVerdict::Fine => false,
            ReportVerdict::Garbage => true,
            ReportVerdict::Unknown => {
                out.push(Effect::Alert(Alert::UnknownReplica { node, pid }));
                false
            }
            ReportVerdict::BallotAhead => {
                out.push(Effect::Alert(Alert::BallotAhead { node, pid }));
                false
            }
            ReportVerdict::FormerMember => {
                let Some(partition) = self.state.partition(pid) else {
                    return false;
                };
                let configuration = &partition.configuration;
                let place = self.guardian.on_former_member(configuration, node, report);
                place == Place::Superfluous
                    && report.role != ReportedRole::Learner
                    && !self.changing.contains_key(&pid)
                    && config_sync::is_whole(configuration, &self.detector)
            }
        }
    }

    fn is_changing_role_of(&self, node: RpcAddress) -> bool {
        if PlantedBug::SyncDuringChange.is_on() {
            return false;
        }
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
        let pid = request.config.pid;
        let partition = self.state.partition(pid).ok_or(ErrorCode::ObjectNotFound)?;
        if self.staging.is_dropping(pid.app_id) {
            return Err(ErrorCode::BusyDropping);
        }
        if self.staging.holds_partitions(pid.app_id) {
            return Err(ErrorCode::Busy);
        }
        let wanted = wire_form::received_configuration(&request.config);
        if let Some(token) = self.changing.get(&pid) {
            return match self.pending.get_mut(token) {
                Some(Pending {
                    command: Command::Reconfigure(next),
                    reply_to: waiting,
                }) if next.has_same_members(&wanted) => {
                    waiting.push(reply_to);
                    Ok(())
                }
                // Upstream stays silent here; an answer saves the primary its timeout.
                _ => Err(ErrorCode::Busy),
            };
        }
        let primary = partition.configuration.primary;
        if primary.is_some_and(|primary| self.detector.loading_since(primary).is_some()) {
            // Any answer would confirm a process that may lose the role.
            return Err(ErrorCode::Busy);
        }
        if !self.effective_level().allows_change() {
            return Err(ErrorCode::StateFreezed);
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
