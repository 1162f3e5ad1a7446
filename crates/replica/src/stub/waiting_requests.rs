//! Requests of replicas for a new configuration, carried to the meta server and back (replication.md
//! section 9.3).
//!
//! One request of a partition is on its way at a time. While the meta server is silent they wait, and
//! all go at once when it answers a beacon; a replica that wants nothing more does not ask again, and
//! its request is forgotten.

use std::collections::BTreeMap;
use std::time::Duration;

use pegasus_common::Ballot;
use pegasus_common::Decree;
use pegasus_common::ErrorCode;
use pegasus_common::Gpid;
use pegasus_common::clock::MonotonicMillis;
use pegasus_pacifica::ConfigurationSource;
use pegasus_pacifica::LeaseTerm;
use pegasus_pacifica::ReconfigurationRequest;
use pegasus_wire::layer2::AppInfo;
use pegasus_wire::meta_admin::ConfigType;
use pegasus_wire::meta_admin::ConfigurationUpdateRequest;
use pegasus_wire::meta_admin::ConfigurationUpdateResponse;
use tracing::debug;
use tracing::info;
use tracing::warn;

use super::CallId;
use super::Instruction;
use super::MetaQuestion;
use super::MetaStanding;
use super::Outstanding;
use super::Phase;
use super::Stub;
use super::StubEffect;
use super::instruction::without_lost_replica;
use crate::peer_messages::configuration_of;
use crate::peer_messages::wire_configuration;

/// Before a request is repeated that was not answered, or for which the meta server had no time.
const RETRY_PAUSE: Duration = Duration::from_millis(100);
/// A replica asks again each second while it wants something; after this long it does not any more.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(5);

/// A replica's request for a new configuration.
#[derive(Clone, Debug)]
pub struct ReplicaRequest {
    /// Which partition.
    pub gpid: Gpid,
    /// What it asks for.
    pub request: ReconfigurationRequest,
    /// Its table.
    pub app: AppInfo,
    /// Its commit point.
    pub committed: Decree,
}

/// The requests that the meta server has not answered.
#[derive(Debug, Default)]
pub(super) struct WaitingRequests {
    waiting: BTreeMap<Gpid, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    wire: ConfigurationUpdateRequest,
    /// When the replica last asked.
    wanted: MonotonicMillis,
    progress: Progress,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Sent when this time has come and the meta server answers.
    Due(MonotonicMillis),
    Asked(CallId),
}

/// A request on its way.
#[derive(Clone, Copy, Debug)]
pub struct AskedRequest {
    gpid: Gpid,
    asked_in: LeaseTerm,
}

impl Stub {
    pub(super) fn next_request_timer(&self) -> Option<MonotonicMillis> {
        if !self.may_send_requests() {
            return None;
        }
        let due = self
            .requests
            .waiting
            .values()
            .filter_map(|waiting| match waiting.progress {
                Progress::Due(at) => Some(at),
                Progress::Asked(_) => None,
            });
        due.min()
    }

    fn may_send_requests(&self) -> bool {
        self.standing == MetaStanding::Answering && self.phase == Phase::Serving
    }

    /// A replica asks the meta server for a new configuration, perhaps again.
    pub fn on_request(
        &mut self,
        now: MonotonicMillis,
        request: &ReplicaRequest,
        out: &mut Vec<StubEffect>,
    ) {
        if self.phase != Phase::Serving {
            return;
        }
        let wire = wire_request(request);
        match self.requests.waiting.get_mut(&request.gpid) {
            Some(waiting) if asks_for_the_same(&waiting.wire, &wire) => waiting.wanted = now,
            _ => self.replace_request(request.gpid, wire, now),
        }
        self.send_due_requests(now, out);
    }

    /// The replica wants something else now: what it asked for before is not waited for.
    fn replace_request(
        &mut self,
        gpid: Gpid,
        wire: ConfigurationUpdateRequest,
        now: MonotonicMillis,
    ) {
        let waiting = Waiting {
            wire,
            wanted: now,
            progress: Progress::Due(now),
        };
        let before = self.requests.waiting.insert(gpid, waiting);
        if let Some(Progress::Asked(id)) = before.map(|before| before.progress) {
            self.outstanding.remove(&id);
        }
    }

    /// The meta server answers again: nothing waits any longer.
    pub(super) fn send_all_requests(&mut self, now: MonotonicMillis, out: &mut Vec<StubEffect>) {
        for waiting in self.requests.waiting.values_mut() {
            if let Progress::Due(at) = &mut waiting.progress {
                *at = now;
            }
        }
        self.send_due_requests(now, out);
    }

    pub(super) fn send_due_requests(&mut self, now: MonotonicMillis, out: &mut Vec<StubEffect>) {
        self.requests.waiting.retain(|_, waiting| {
            matches!(waiting.progress, Progress::Asked(_))
                || now.since(waiting.wanted) < FORGOTTEN_AFTER
        });
        if !self.may_send_requests() {
            return;
        }
        let asked_in = self.asking_term(now);
        let is_due = |waiting: &Waiting| match waiting.progress {
            Progress::Due(at) => at <= now,
            Progress::Asked(_) => false,
        };
        let mut due = Vec::new();
        for (&gpid, waiting) in &self.requests.waiting {
            if is_due(waiting) {
                due.push((gpid, waiting.wire.clone()));
            }
        }
        for (gpid, wire) in due {
            let question = MetaQuestion::Reconfigure(Box::new(wire));
            let asked = AskedRequest { gpid, asked_in };
            let id = self.call(question, Outstanding::Request(asked), out);
            if let Some(waiting) = self.requests.waiting.get_mut(&gpid) {
                waiting.progress = Progress::Asked(id);
            }
        }
    }

    pub(super) fn on_request_failure(&mut self, now: MonotonicMillis, asked: AskedRequest) {
        if let Some(waiting) = self.requests.waiting.get_mut(&asked.gpid) {
            waiting.progress = Progress::Due(now.after(RETRY_PAUSE));
        }
    }

    pub(super) fn on_request_answer(
        &mut self,
        now: MonotonicMillis,
        asked: AskedRequest,
        answer: &ConfigurationUpdateResponse,
        out: &mut Vec<StubEffect>,
    ) {
        let gpid = asked.gpid;
        let tells_a_configuration = answer.config.ballot > Ballot::ZERO.0;
        if tells_a_configuration && answer.config.pid != gpid {
            warn!(%gpid, other = %answer.config.pid,
                "the meta server answered a request with the configuration of another partition");
            return self.on_request_failure(now, asked);
        }
        match answer.err {
            ErrorCode::Ok | ErrorCode::InvalidVersion => {}
            ErrorCode::Busy | ErrorCode::ForwardToOthers => {
                return self.on_request_failure(now, asked);
            }
            err => {
                debug!(%gpid, %err, "a change of configuration was refused");
                self.requests.waiting.remove(&gpid);
                return;
            }
        }
        let Some(waiting) = self.requests.waiting.remove(&gpid) else {
            return;
        };
        info!(%gpid, kind = waiting.wire.r#type.0, err = %answer.err, ballot = answer.config.ballot,
            "the meta server answered a change of configuration");
        let wire = waiting.wire;
        if answer.err == ErrorCode::Ok && wire.r#type == ConfigType::CT_REMOVE {
            out.push(StubEffect::TellRemoved {
                node: wire.node,
                gpid,
                ballot: Ballot(answer.config.ballot),
            });
        }
        // A refusal may come without one.
        let configuration = configuration_of(&answer.config);
        if let Some(configuration) = configuration.filter(|_| tells_a_configuration) {
            let source = ConfigurationSource::Reply {
                asked_in: asked.asked_in,
            };
            out.push(StubEffect::Instruct {
                gpid,
                app: Box::new(wire.info),
                instruction: Instruction::Configure {
                    configuration,
                    source,
                },
            });
        }
    }

    /// The meta server proposed something for a replica that is not here (replication.md section
    /// 9.2). A takeover is refused, so that it chooses another; everything else it finds out itself.
    pub fn on_proposal_for_absent(
        &mut self,
        update: &ConfigurationUpdateRequest,
        out: &mut Vec<StubEffect>,
    ) {
        let gpid = update.config.pid;
        debug!(%gpid, kind = update.r#type.0, "proposal for a replica that is not here");
        let is_takeover = update.r#type == ConfigType::CT_UPGRADE_TO_PRIMARY;
        if is_takeover && update.node == self.options.address && self.phase == Phase::Serving {
            self.report_lost(update, out);
        }
    }

    /// Asks once to be taken out of a partition whose replica is not here.
    pub(super) fn report_lost(
        &mut self,
        listed: &ConfigurationUpdateRequest,
        out: &mut Vec<StubEffect>,
    ) {
        let wire = without_lost_replica(listed, self.options.address);
        let question = MetaQuestion::Reconfigure(Box::new(wire));
        self.call(question, Outstanding::LostReplica, out);
    }
}

fn wire_request(request: &ReplicaRequest) -> ConfigurationUpdateRequest {
    let wanted = &request.request;
    ConfigurationUpdateRequest {
        info: request.app.clone(),
        config: wire_configuration(request.gpid, &wanted.configuration, request.committed),
        r#type: ConfigType(wanted.kind.code()),
        node: wanted.node,
        ..ConfigurationUpdateRequest::default()
    }
}

/// Whether two requests differ in nothing that matters to the meta server: the commit point moves.
fn asks_for_the_same(one: &ConfigurationUpdateRequest, other: &ConfigurationUpdateRequest) -> bool {
    let (one_config, other_config) = (&one.config, &other.config);
    one.r#type == other.r#type
        && one.node == other.node
        && one_config.ballot == other_config.ballot
        && one_config.primary == other_config.primary
        && one_config.secondaries == other_config.secondaries
}
