//! Opening one replica: the handle of its storage, its state machine, and what joins them.

use std::fmt;
use std::sync::Arc;

use pegasus_common::Ballot;
use pegasus_common::Gpid;
use pegasus_common::RpcAddress;
use pegasus_engine::Engine;
use pegasus_engine::EngineError;
use pegasus_engine::EngineSetup;
use pegasus_engine::OpenMode;
use pegasus_engine::SettingsHandle;
use pegasus_engine::Shared;
use pegasus_pacifica::DigestAt;
use pegasus_pacifica::Options;
use pegasus_pacifica::Recovered;
use pegasus_pacifica::Replica;
use pegasus_rpc::MailboxSender;
use pegasus_wire::layer2::AppInfo;

use crate::disk::CheckedFileError;
use crate::disk::CreateError;
use crate::disk::Disk;
use crate::disk::ReplicaDirectory;
use crate::disk::StoredAppInfo;
use crate::engine_events::EngineEvents;
use crate::hosted_replica::HostedReplica;
use crate::hosted_replica::HostingLimits;
use crate::instance::InstanceCounter;
use crate::instance::ReplicaInstance;
use crate::open_storages::OpenStorages;
use crate::router::ReplicaHandle;
use crate::router::shard_of;
use crate::shard::ShardMessage;

/// What every replica is opened with.
pub struct Opening {
    /// How the other servers know this one.
    pub address: RpcAddress,
    /// How clients know it.
    pub name: String,
    /// The way into each shard.
    pub shards: Vec<MailboxSender<ShardMessage>>,
    /// Storage that all replicas share.
    pub storage: Shared,
    /// Limits of the state machine.
    pub options: Options,
    /// Limits of the hosting.
    pub limits: HostingLimits,
    /// Numbers for replicas.
    pub instances: InstanceCounter,
    /// Which databases are open.
    pub storages: Arc<OpenStorages>,
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening")
            .field("address", &self.address)
            .field("storages", &self.storages)
            .finish_non_exhaustive()
    }
}

/// A replica cannot be opened or made.
#[derive(Debug, thiserror::Error)]
pub enum OpenReplicaError {
    /// What it belongs to cannot be known.
    #[error(transparent)]
    AppInfo(#[from] CheckedFileError),
    /// Its storage.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Its directory.
    #[error(transparent)]
    Directory(#[from] CreateError),
    /// It is not what was learned.
    #[error("its storage is at {found:?} instead of {expected:?}")]
    OtherContent {
        /// What was learned.
        expected: DigestAt,
        /// What is there.
        found: DigestAt,
    },
}

impl OpenReplicaError {
    /// Whether the data itself is bad, rather than the attempt to reach it.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::AppInfo(CheckedFileError::Malformed { .. }) | Self::OtherContent { .. } => true,
            Self::Engine(error) => error.status() == pegasus_common::StorageStatus::Corruption,
            Self::AppInfo(_) | Self::Directory(_) => false,
        }
    }
}

/// Why a new, empty replica is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Newborn {
    /// Its partition is new: nothing was ever acknowledged.
    WithPartition,
    /// It is to learn: this server may have had the partition before, so it proves nothing (I6).
    ToLearn,
}

/// A replica's storage, just opened.
pub struct OpenedStorage {
    pub instance: ReplicaInstance,
    pub engine: Arc<Engine>,
    pub app: StoredAppInfo,
}

impl OpenedStorage {
    /// The time of the last mutation in it.
    pub fn timestamp_us(&self) -> i64 {
        i64::try_from(self.engine.applied().timestamp_us).unwrap_or_default()
    }

    /// How far it is.
    pub fn at(&self) -> DigestAt {
        let applied = self.engine.applied();
        DigestAt {
            decree: applied.decree,
            digest: applied.digest,
        }
    }
}

/// Opens the storage of a replica that exists.
///
/// # Errors
/// It cannot be opened.
pub fn open_existing(
    opening: &Opening,
    directory: &ReplicaDirectory,
) -> Result<OpenedStorage, OpenReplicaError> {
    open_storage(opening, directory, OpenMode::MustExist)
}

fn open_storage(
    opening: &Opening,
    directory: &ReplicaDirectory,
    mode: OpenMode,
) -> Result<OpenedStorage, OpenReplicaError> {
    let app = directory.app_info()?;
    let gpid = directory.gpid;
    let instance = opening.instances.next(gpid);
    let shard = shard_of(gpid, opening.shards.len());
    let events = EngineEvents::new(
        instance,
        opening.shards[shard].clone(),
        opening.storages.begin(gpid),
    );
    let setup = EngineSetup {
        dir: directory.database(),
        mode,
        settings: SettingsHandle::default(),
        listener: Arc::new(events),
    };
    let engine = Arc::new(Engine::open(&opening.storage, setup)?);
    Ok(OpenedStorage {
        instance,
        engine,
        app,
    })
}

/// Makes a new, empty replica in a data directory.
///
/// # Errors
/// The directory exists already, or the disk refuses.
pub fn create_replica(
    opening: &Opening,
    disk: (usize, &Disk),
    gpid: Gpid,
    app: &AppInfo,
    newborn: Newborn,
) -> Result<HostedReplica, OpenReplicaError> {
    let (index, disk) = disk;
    let directory = ReplicaDirectory::of(&disk.path, gpid);
    directory.create(&StoredAppInfo::from(app), |unfinished| {
        if newborn == Newborn::ToLearn {
            unfinished.mark_learning()?;
        }
        // Opened under its own name afterwards: RocksDB remembers where it lies.
        drop(open_storage(opening, unfinished, OpenMode::Create)?);
        Ok::<(), OpenReplicaError>(())
    })?;
    let opened = open_existing(opening, &directory)?;
    let recovered = match newborn {
        Newborn::WithPartition => Recovered::empty(),
        Newborn::ToLearn => Recovered::for_learning(),
    };
    Ok(host(opening, index, opened, recovered))
}

/// Opens a replica whose storage is a checkpoint that was just put there.
///
/// # Errors
/// It cannot be opened, or is not the checkpoint that was offered.
pub fn open_learned(
    opening: &Opening,
    disk: usize,
    directory: &ReplicaDirectory,
    ballot: Ballot,
    offered: DigestAt,
) -> Result<HostedReplica, OpenReplicaError> {
    let opened = open_existing(opening, directory)?;
    let found = opened.at();
    if found != offered {
        return Err(OpenReplicaError::OtherContent {
            expected: offered,
            found,
        });
    }
    let recovered = Recovered::from_checkpoint(ballot, offered, opened.timestamp_us());
    Ok(host(opening, disk, opened, recovered))
}

/// Joins storage and state machine.
pub fn host(
    opening: &Opening,
    disk: usize,
    opened: OpenedStorage,
    recovered: Recovered,
) -> HostedReplica {
    let OpenedStorage {
        instance,
        engine,
        app,
    } = opened;
    let handle = ReplicaHandle::new(instance.gpid, engine);
    let machine = Replica::new(
        instance.gpid,
        opening.address,
        instance.life,
        opening.options,
        recovered,
    );
    let app = AppInfo::from(app);
    let (name, limits) = (&opening.name, opening.limits);
    HostedReplica::new(handle, app, disk, machine, name, limits)
}
