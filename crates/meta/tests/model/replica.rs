//! One replica of a pretended server, and what servers ask.

use pegasus_common::{ErrorCode, Gpid, RpcAddress};
use pegasus_wire::failure_detector::BeaconMsg;
use pegasus_wire::layer2::PartitionConfiguration;
use pegasus_wire::meta_admin::{
    ConfigType, ConfigurationQueryByNodeRequest, ConfigurationUpdateRequest,
};

/// A question to the meta server.
#[derive(Clone, Debug)]
pub enum Question {
    Beacon(BeaconMsg),
    Sync(ConfigurationQueryByNodeRequest),
    Update(Box<ConfigurationUpdateRequest>),
}

impl Question {
    /// The ballot that is asked for; zero for questions that change nothing.
    pub fn ballot(&self) -> i64 {
        match self {
            Self::Update(request) => request.config.ballot,
            Self::Beacon(_) | Self::Sync(_) => 0,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    None,
    Secondary,
    /// In the lease term in which it was confirmed; 0 is never.
    Primary {
        confirmed: u64,
    },
}

#[derive(Clone, Debug)]
pub struct Replica {
    pub role: Role,
    pub configuration: PartitionConfiguration,
    /// Everything up to here is prepared; nothing here ever gets lost.
    pub data: u64,
    /// Everything up to here it has committed as a primary.
    pub committed: u64,
    /// What the meta server was asked. Nothing is written until it answers, since the answer may be
    /// lost while the change is made.
    pub pending: Option<Box<ConfigurationUpdateRequest>>,
    pub next_question: u64,
    /// This process has never led in this ballot.
    pub needs_ballot: bool,
    /// Learns, and is done then.
    pub learner: Option<(RpcAddress, u64)>,
}

impl Replica {
    pub fn empty(pid: Gpid) -> Self {
        Self {
            role: Role::None,
            configuration: PartitionConfiguration {
                pid,
                ..PartitionConfiguration::default()
            },
            data: 0,
            committed: 0,
            pending: None,
            next_question: 0,
            needs_ballot: false,
            learner: None,
        }
    }

    /// A learner's server makes an empty replica, or keeps what it has, and copies everything.
    pub fn learned(existing: Option<&Self>, from: &Self) -> Self {
        let needs_ballot = existing.is_some_and(|replica| replica.needs_ballot);
        Self {
            role: Role::None,
            configuration: from.configuration.clone(),
            data: from.data,
            needs_ballot,
            ..Self::empty(from.configuration.pid)
        }
    }

    /// Asks for the next configuration, and waits for the answer.
    pub fn ask(
        &mut self,
        now: u64,
        kind: ConfigType,
        node: RpcAddress,
        change: impl FnOnce(&mut PartitionConfiguration),
    ) -> Question {
        let mut config = self.configuration.clone();
        config.ballot += 1;
        config.last_committed_decree = i64::try_from(self.committed).unwrap();
        change(&mut config);
        let request = Box::new(ConfigurationUpdateRequest {
            config,
            r#type: kind,
            node,
            ..ConfigurationUpdateRequest::default()
        });
        self.pending = Some(request.clone());
        self.next_question = now + 500;
        Question::Update(request)
    }
    /// The ballot that the meta server was asked for.
    pub fn asked_ballot(&self) -> Option<i64> {
        self.pending.as_ref().map(|request| request.config.ballot)
    }

    /// The meta server has granted or refused what was asked. A copy of a refused request may still be
    /// on its way and be granted when it arrives: a learner could become a member and lack what was
    /// written in between. So after a refused promotion nothing is written until a new ballot has ended
    /// every request of this one, as by `pegasus_pacifica`.
    pub fn on_verdict(&mut self, err: ErrorCode) {
        let unsettled = self.pending.take().filter(|request| {
            let kind = request.r#type;
            err != ErrorCode::Ok
                && (kind == ConfigType::CT_UPGRADE_TO_SECONDARY
                    || kind == ConfigType::CT_PRIMARY_FORCE_UPDATE_BALLOT)
        });
        self.pending = unsettled.map(|mut request| {
            request.r#type = ConfigType::CT_PRIMARY_FORCE_UPDATE_BALLOT;
            request.node = self.configuration.primary;
            request.config.primary = self.configuration.primary;
            request.config.secondaries = self.configuration.secondaries.clone();
            request
        });
    }
}
