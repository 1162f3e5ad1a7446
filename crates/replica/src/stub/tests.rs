//! Situations of a whole server, told step by step: here what the steps are.

mod beacons;
mod config_sync;
mod requests;

use std::time::Duration;

use pegasus_common::Ballot;
use pegasus_common::Decree;
use pegasus_common::ErrorCode;
use pegasus_common::Gpid;
use pegasus_pacifica::Configuration;
use pegasus_pacifica::ConfigurationSource;
use pegasus_pacifica::ReconfigurationKind;
use pegasus_pacifica::ReconfigurationRequest;
use pegasus_pacifica::ReplicaStatus;
use pegasus_wire::failure_detector::BeaconAck;
use pegasus_wire::failure_detector::BeaconMsg;
use pegasus_wire::layer2::AppInfo;
use pegasus_wire::layer2::PartitionConfiguration;
use pegasus_wire::meta_admin::ConfigType;
use pegasus_wire::meta_admin::ConfigurationQueryByNodeRequest;
use pegasus_wire::meta_admin::ConfigurationQueryByNodeResponse;
use pegasus_wire::meta_admin::ConfigurationUpdateRequest;
use pegasus_wire::meta_admin::ConfigurationUpdateResponse;
use pegasus_wire::metadata::PartitionStatus;
use pegasus_wire::metadata::ReplicaInfo;

use super::*;
use crate::testing::server;

const GPID: Gpid = Gpid::new(2, 0);
const ME: u16 = 34801;
const LEASE: Duration = Duration::from_millis(2_000);

/// A stub, its clock, and the effects that nobody has looked at.
struct Rig {
    stub: Stub,
    now: MonotonicMillis,
    effects: Vec<StubEffect>,
}

impl Rig {
    /// A server that reads its data in, with meta servers at ports 1 to `metas`.
    fn loading(metas: u16) -> Self {
        let options = StubOptions {
            address: server(ME),
            start_time: 77,
            metas: (1..=metas).map(server).collect(),
            beacon_interval: Duration::from_millis(300),
            lease: LEASE,
            config_sync_interval: Duration::from_secs(30),
            gc_memory_replica_interval: Duration::from_secs(600),
        };
        let now = MonotonicMillis(1_000_000);
        let stub = Stub::new(options, Arc::new(Lease::new(LEASE)), now);
        let effects = Vec::new();
        Self { stub, now, effects }
    }

    /// A server that serves, with a lease and nothing to do. Its config sync has listed nothing.
    fn serving() -> Self {
        let mut rig = Self::loading(1);
        rig.input(Stub::on_loaded);
        rig.accept_beacon();
        rig.sync(Vec::new(), ConfigurationQueryByNodeResponse::default());
        rig.effects.clear();
        rig
    }

    fn input(&mut self, input: impl FnOnce(&mut Stub, MonotonicMillis, &mut Vec<StubEffect>)) {
        input(&mut self.stub, self.now, &mut self.effects);
    }

    /// Lets time pass, with every timer that is due meanwhile.
    fn pass(&mut self, millis: u64) {
        let end = self.now.after(Duration::from_millis(millis));
        while self.stub.next_timer() <= end {
            self.now = self.now.max(self.stub.next_timer());
            self.input(Stub::on_timer);
        }
        self.now = end;
    }

    fn take<T>(&mut self, pick: impl Fn(&StubEffect) -> Option<T>) -> Vec<T> {
        let (mut taken, mut rest) = (Vec::new(), Vec::new());
        for effect in self.effects.drain(..) {
            match pick(&effect) {
                Some(found) => taken.push(found),
                None => rest.push(effect),
            }
        }
        self.effects = rest;
        taken
    }

    fn take_beacons(&mut self) -> Vec<(CallId, BeaconMsg)> {
        self.take(|effect| match effect {
            StubEffect::Call(MetaCall {
                id,
                question: MetaQuestion::Beacon(beacon),
                ..
            }) => Some((*id, beacon.clone())),
            _ => None,
        })
    }

    fn take_syncs(&mut self) -> Vec<(CallId, ConfigurationQueryByNodeRequest)> {
        self.take(|effect| match effect {
            StubEffect::Call(MetaCall {
                id,
                question: MetaQuestion::ConfigSync(request),
                ..
            }) => Some((*id, (**request).clone())),
            _ => None,
        })
    }

    fn take_requests(&mut self) -> Vec<(CallId, ConfigurationUpdateRequest)> {
        self.take(|effect| match effect {
            StubEffect::Call(MetaCall {
                id,
                question: MetaQuestion::Reconfigure(request),
                ..
            }) => Some((*id, (**request).clone())),
            _ => None,
        })
    }

    fn has(&self, effect: &StubEffect) -> bool {
        self.effects.contains(effect)
    }

    fn answer(&mut self, id: CallId, answer: MetaAnswer) {
        self.input(|stub, now, out| stub.on_answer(now, id, Ok(answer), out));
    }

    fn fail(&mut self, id: CallId) {
        let failure = Err(CallFailure::NotReached);
        self.input(|stub, now, out| stub.on_answer(now, id, failure, out));
    }

    fn ack(&mut self, id: CallId, beacon: &BeaconMsg) {
        self.answer(id, MetaAnswer::Beacon(leader_ack(beacon)));
    }

    /// Sends the beacon that is due, and has it acknowledged 1 ms later.
    fn accept_beacon(&mut self) {
        while !self.has_beacon() {
            let until = self.stub.next_timer().since(self.now);
            self.pass(u64::try_from(until.as_millis()).unwrap());
        }
        let (id, beacon) = self.take_beacons().pop().unwrap();
        self.now = self.now.after(Duration::from_millis(1));
        self.ack(id, &beacon);
    }

    fn has_beacon(&self) -> bool {
        let is_beacon = |effect: &StubEffect| match effect {
            StubEffect::Call(call) => matches!(call.question, MetaQuestion::Beacon(_)),
            _ => false,
        };
        self.effects.iter().any(is_beacon)
    }

    /// Answers the config sync that has begun. Returns what was reported.
    fn sync(
        &mut self,
        replicas: Vec<ReplicaInfo>,
        answer: ConfigurationQueryByNodeResponse,
    ) -> Vec<ReplicaInfo> {
        let begun = self.take(|effect| (*effect == StubEffect::GatherReplicas).then_some(()));
        assert_eq!(begun.len(), 1, "a config sync has begun");
        self.input(|stub, now, out| stub.on_replicas_gathered(now, replicas, out));
        let (id, request) = self.take_syncs().pop().unwrap();
        self.answer(id, MetaAnswer::ConfigSync(Box::new(answer)));
        request.stored_replicas.unwrap()
    }
}

fn leader_ack(beacon: &BeaconMsg) -> BeaconAck {
    BeaconAck {
        time: beacon.time,
        this_node: beacon.to_node,
        primary_node: beacon.to_node,
        is_master: true,
        allowed: true,
        ..BeaconAck::default()
    }
}

fn listed(ballot: i64) -> ConfigurationUpdateRequest {
    ConfigurationUpdateRequest {
        config: PartitionConfiguration {
            pid: GPID,
            ballot,
            max_replica_count: 3,
            primary: server(ME),
            secondaries: vec![server(34802)],
            ..PartitionConfiguration::default()
        },
        ..ConfigurationUpdateRequest::default()
    }
}

fn lists(partitions: Vec<ConfigurationUpdateRequest>) -> ConfigurationQueryByNodeResponse {
    ConfigurationQueryByNodeResponse {
        partitions,
        ..ConfigurationQueryByNodeResponse::default()
    }
}

fn report(ballot: i64, status: PartitionStatus) -> ReplicaInfo {
    ReplicaInfo {
        pid: GPID,
        ballot,
        status,
        ..ReplicaInfo::default()
    }
}

fn request(gpid: Gpid, ballot: i64) -> ReplicaRequest {
    let configuration = Configuration {
        ballot: Ballot(ballot),
        max_replica_count: 3,
        primary: Some(server(ME)),
        secondaries: Vec::new(),
    };
    ReplicaRequest {
        gpid,
        request: ReconfigurationRequest {
            kind: ReconfigurationKind::Remove,
            node: server(34802),
            configuration,
        },
        app: AppInfo::default(),
        committed: Decree(9),
    }
}

fn granted(request: &ConfigurationUpdateRequest) -> MetaAnswer {
    MetaAnswer::Reconfigured(Box::new(ConfigurationUpdateResponse {
        err: ErrorCode::Ok,
        config: request.config.clone(),
    }))
}

fn refused(err: ErrorCode) -> MetaAnswer {
    MetaAnswer::Reconfigured(Box::new(ConfigurationUpdateResponse {
        err,
        ..ConfigurationUpdateResponse::default()
    }))
}

fn sources(rig: &mut Rig) -> Vec<ConfigurationSource> {
    rig.take(|effect| match effect {
        StubEffect::Instruct {
            instruction: Instruction::Configure { source, .. },
            ..
        } => Some(*source),
        _ => None,
    })
}
