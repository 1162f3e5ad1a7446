//! A server's disk: its mutation log and its replicas' directories. It outlives the processes.

pub mod log_model;
pub mod storage_model;

use std::collections::BTreeMap;

use pegasus_common::Gpid;

use self::log_model::{CrashKind, Durability, LogModel};
use self::storage_model::Snapshot;
use crate::random::Random;

/// A replica's directory.
#[derive(Clone, Debug, Default)]
pub struct StoredReplica {
    /// What its storage has flushed.
    pub flushed: Snapshot,
    /// How it came to be.
    pub origin: Origin,
}

/// How a replica came to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// It was born with its partition, or the group counts on it since.
    #[default]
    Member,
    /// It was made to learn, and proves nothing until the log has the group's word for it.
    Learner,
}

/// How the disk behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// As it should.
    #[default]
    Good,
    /// Each write takes very long.
    Slow,
    /// It takes no writes, until there is space again.
    Full,
    /// The log cannot be written any more, until the process is started again.
    LogBroken,
}

/// The disk of a server.
#[derive(Debug)]
pub struct Disk {
    /// The mutation log.
    pub log: LogModel,
    /// The replicas.
    pub replicas: BTreeMap<Gpid, StoredReplica>,
    /// How it behaves.
    pub condition: Condition,
    durability: Durability,
}

impl Disk {
    /// An empty disk.
    #[must_use]
    pub fn new(durability: Durability) -> Self {
        Self {
            log: LogModel::new(durability),
            replicas: BTreeMap::new(),
            condition: Condition::Good,
            durability,
        }
    }

    /// The process has ended.
    pub fn crash(&mut self, kind: CrashKind, random: &mut Random) {
        self.log.crash(kind, random);
        if kind == CrashKind::PowerLoss && self.durability == Durability::Os {
            self.log.doubt_everybody(self.replicas.keys().copied());
        }
        if self.condition == Condition::LogBroken {
            self.condition = Condition::Good;
        }
    }

    /// Everything on it is gone.
    pub fn wipe(&mut self) {
        *self = Self::new(self.durability);
    }
}
