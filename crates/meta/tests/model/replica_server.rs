//! A replica server as the meta server sees it: it keeps its lease, asks, obeys, and writes.

use std::collections::BTreeMap;

use pegasus_common::{ErrorCode, Gpid, RpcAddress};
use pegasus_wire::failure_detector::BeaconMsg;
use pegasus_wire::layer2::PartitionConfiguration;
use pegasus_wire::meta_admin::{
    ConfigType, ConfigurationQueryByNodeRequest, ConfigurationQueryByNodeResponse,
    ConfigurationUpdateRequest,
};
use pegasus_wire::metadata::{PartitionStatus, ReplicaInfo};

use crate::replica::{Question, Replica, Role};

pub const LEASE: u64 = 2_000;
pub const BEACON_INTERVAL: u64 = 300;

#[derive(Clone, Debug)]
pub struct ReplicaServer {
    pub address: RpcAddress,
    pub incarnation: i64,
    pub is_up: bool,
    /// Nothing runs until then: the process is stopped, or down.
    pub away_until: u64,
    pub loading_until: u64,
    pub lease_until: u64,
    pub term: u64,
    pub is_leaving: bool,
    next_beacon: u64,
    next_sync: u64,
    pub replicas: BTreeMap<Gpid, Replica>,
}

impl ReplicaServer {
    pub fn new(address: RpcAddress) -> Self {
        Self {
            address,
            incarnation: 1,
            is_up: true,
            away_until: 0,
            loading_until: 0,
            lease_until: 0,
            term: 0,
            is_leaving: false,
            next_beacon: 0,
            next_sync: 0,
            replicas: BTreeMap::new(),
        }
    }

    pub fn runs(&self, now: u64) -> bool {
        self.is_up && self.away_until <= now
    }

    fn is_loading(&self, now: u64) -> bool {
        now < self.loading_until
    }

    pub fn kill(&mut self, until: u64) {
        self.is_up = false;
        self.away_until = until;
    }

    /// A new process: what was in memory is gone, what was prepared is not.
    pub fn start(&mut self, now: u64, load_millis: u64) {
        self.incarnation += 1;
        self.is_up = true;
        self.is_leaving = false;
        self.loading_until = now + load_millis;
        (self.lease_until, self.term) = (0, 0);
        (self.next_beacon, self.next_sync) = (now, now);
        for replica in self.replicas.values_mut() {
            replica.role = Role::None;
            replica.pending = None;
            replica.needs_ballot = true;
            replica.learner = None;
        }
    }

    /// TERM: it serves no more, says so, and ends soon.
    pub fn leave(&mut self) {
        self.is_leaving = true;
        self.lease_until = 0;
        self.next_beacon = 0;
    }

    pub fn holds_lease(&self, now: u64) -> bool {
        self.runs(now) && now < self.lease_until && !self.is_leaving
    }

    /// Whether it would answer a client's read of this partition.
    pub fn can_serve(&self, now: u64, pid: Gpid) -> bool {
        let role = self.replicas.get(&pid).map(|replica| replica.role);
        self.holds_lease(now)
            && matches!(role, Some(Role::Primary { confirmed }) if confirmed == self.term)
    }

    /// What it asks by itself now.
    pub fn questions(&mut self, now: u64) -> Vec<Question> {
        let mut questions = Vec::new();
        if self.next_beacon <= now {
            self.next_beacon = now + BEACON_INTERVAL;
            questions.push(Question::Beacon(BeaconMsg {
                time: i64::try_from(now).unwrap(),
                from_node: self.address,
                start_time: Some(self.incarnation),
                lease_ms: Some(i64::try_from(LEASE).unwrap()),
                goodbye: self.is_leaving.then_some(true),
                loading: Some(self.is_loading(now)),
                ..BeaconMsg::default()
            }));
        }
        if self.next_sync <= now && !self.is_loading(now) && !self.is_leaving {
            self.next_sync = now + 5_000;
            questions.push(Question::Sync(ConfigurationQueryByNodeRequest {
                node: self.address,
                stored_replicas: Some(self.report()),
                start_time: Some(self.incarnation),
                ..ConfigurationQueryByNodeRequest::default()
            }));
        }
        for replica in self.replicas.values_mut() {
            if let Some(request) = &replica.pending
                && replica.next_question <= now
            {
                replica.next_question = now + 500;
                questions.push(Question::Update(request.clone()));
            }
        }
        questions
    }

    /// Makes an empty replica for a partition that is being born.
    pub fn create(&mut self, now: u64, pid: Gpid) -> bool {
        let can = self.runs(now) && !self.is_loading(now);
        if can {
            self.replicas
                .entry(pid)
                .or_insert_with(|| Replica::empty(pid));
        }
        can
    }

    /// Whether it would take the learner's role from this primary.
    pub fn can_learn(&self, now: u64, from: &Replica) -> bool {
        let pid = from.configuration.pid;
        let ballot = self
            .replicas
            .get(&pid)
            .map(|replica| replica.configuration.ballot);
        self.runs(now)
            && !self.is_loading(now)
            && ballot.is_none_or(|ballot| ballot <= from.configuration.ballot)
    }

    /// Takes a write of the primary of `configuration`.
    pub fn prepare(&mut self, now: u64, configuration: &PartitionConfiguration, data: u64) -> bool {
        if !self.runs(now) || self.is_loading(now) {
            return false;
        }
        self.adopt(now, configuration, None);
        let Some(replica) = self.replicas.get_mut(&configuration.pid) else {
            return false;
        };
        let accepts = replica.configuration.ballot == configuration.ballot;
        if accepts {
            replica.data = replica.data.max(data);
        }
        accepts
    }

    fn report(&self) -> Vec<ReplicaInfo> {
        let info = |(&pid, replica): (&Gpid, &Replica)| ReplicaInfo {
            pid,
            ballot: replica.configuration.ballot,
            status: match replica.role {
                Role::None => PartitionStatus::PS_INACTIVE,
                Role::Secondary => PartitionStatus::PS_SECONDARY,
                Role::Primary { .. } => PartitionStatus::PS_PRIMARY,
            },
            last_committed_decree: i64::try_from(replica.data).unwrap(),
            last_prepared_decree: i64::try_from(replica.data).unwrap(),
            is_proven: Some(true),
            ..ReplicaInfo::default()
        };
        self.replicas.iter().map(info).collect()
    }

    /// The lease is extended from when the beacon was sent; after a lapse a new term begins.
    pub fn on_beacon_acknowledged(&mut self, now: u64, sent: u64) {
        let until = sent + LEASE;
        if self.is_leaving || until <= now {
            return;
        }
        if now >= self.lease_until {
            self.term += 1;
            self.next_sync = now;
        }
        self.lease_until = self.lease_until.max(until);
    }

    /// Returns what it asks next.
    pub fn on_sync_answered(
        &mut self,
        now: u64,
        asked_in: u64,
        answer: &ConfigurationQueryByNodeResponse,
    ) -> Vec<Question> {
        if answer.err != ErrorCode::Ok {
            self.next_sync = now + 100;
            return Vec::new();
        }
        let mut questions = Vec::new();
        for member in &answer.partitions {
            self.adopt(now, &member.config, Some(asked_in));
            let pid = member.config.pid;
            let Some(replica) = self.replicas.get_mut(&pid) else {
                continue;
            };
            let leads = matches!(replica.role, Role::Primary { .. });
            if leads && replica.needs_ballot && replica.pending.is_none() {
                let kind = ConfigType::CT_PRIMARY_FORCE_UPDATE_BALLOT;
                questions.push(replica.ask(now, kind, self.address, |_| {}));
            }
        }
        questions
    }

    pub fn on_update_answered(
        &mut self,
        now: u64,
        asked_in: u64,
        asked_ballot: i64,
        err: ErrorCode,
        configuration: &PartitionConfiguration,
    ) {
        if let Some(replica) = self.replicas.get_mut(&configuration.pid) {
            // The answer to an earlier question says nothing about this one.
            if replica.asked_ballot() == Some(asked_ballot) && err != ErrorCode::Busy {
                replica.on_verdict(err);
            }
            if err == ErrorCode::Ok && configuration.primary == self.address {
                replica.needs_ballot = false;
            }
        }
        self.adopt(now, configuration, Some(asked_in));
    }

    /// Takes over a configuration that is not older. Only an answer to a question that was asked
    /// in the present term of the lease confirms a primary.
    fn adopt(&mut self, now: u64, configuration: &PartitionConfiguration, asked_in: Option<u64>) {
        let confirmed_in = asked_in.filter(|&asked| asked == self.term && self.holds_lease(now));
        let Some(replica) = self.replicas.get_mut(&configuration.pid) else {
            return;
        };
        let is_newer = configuration.ballot > replica.configuration.ballot;
        if configuration.ballot < replica.configuration.ballot {
            return;
        }
        let before = match replica.role {
            Role::Primary { confirmed } if !is_newer => confirmed,
            _ => 0,
        };
        replica.role = if configuration.primary == self.address {
            let confirmed = confirmed_in.filter(|_| !replica.needs_ballot);
            Role::Primary {
                confirmed: confirmed.unwrap_or(before),
            }
        } else if configuration.secondaries.contains(&self.address) {
            Role::Secondary
        } else {
            Role::None
        };
        if is_newer {
            replica.pending = None;
        }
        if is_newer && !matches!(replica.role, Role::Primary { .. }) {
            replica.learner = None;
        }
        replica.configuration = configuration.clone();
    }

    pub fn on_proposal(
        &mut self,
        now: u64,
        proposal: &ConfigurationUpdateRequest,
        learn_millis: u64,
    ) -> Option<Question> {
        let pid = proposal.config.pid;
        if self.is_loading(now) || self.is_leaving {
            return None;
        }
        if !self.replicas.contains_key(&pid) && proposal.config.ballot == 1 {
            self.replicas.insert(pid, Replica::empty(pid));
        }
        self.adopt(now, &proposal.config, None);
        if matches!(
            self.replicas.get(&pid)?.role,
            Role::Primary { confirmed: 0 }
        ) {
            self.next_sync = now;
        }
        let (me, node) = (self.address, proposal.node);
        let can_lead = self.can_serve(now, pid);
        let replica = self.replicas.get_mut(&pid)?;
        if replica.configuration.ballot != proposal.config.ballot || replica.pending.is_some() {
            return None;
        }
        let is_secondary = replica.configuration.secondaries.contains(&node);
        match proposal.r#type {
            ConfigType::CT_ASSIGN_PRIMARY | ConfigType::CT_UPGRADE_TO_PRIMARY
                if node == me && replica.configuration.primary == RpcAddress::INVALID =>
            {
                Some(replica.ask(now, proposal.r#type, me, |next| {
                    next.secondaries.retain(|&secondary| secondary != me);
                    next.primary = me;
                }))
            }
            ConfigType::CT_DOWNGRADE_TO_INACTIVE | ConfigType::CT_REMOVE
                if can_lead && is_secondary =>
            {
                Some(replica.ask(now, proposal.r#type, node, |next| {
                    next.secondaries.retain(|&secondary| secondary != node);
                }))
            }
            ConfigType::CT_ADD_SECONDARY if can_lead && replica.learner.is_none() => {
                replica.learner = Some((node, now + learn_millis));
                None
            }
            _ => None,
        }
    }
}
