//! The start of a replica server: opens the data directories, gives each replica back what storage
//! and log hold of it, and says what cannot be used.
//!
//! A replica that cannot be opened does not stop the others: its directory is put aside as `.err`
//! where its data is damaged, and left alone where only the attempt failed.

mod recovering;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use pegasus_common::Gpid;
use pegasus_common::RpcAddress;
use pegasus_engine::Engine;
use pegasus_engine::EngineError;
use pegasus_engine::EngineSetup;
use pegasus_engine::OpenMode as EngineOpenMode;
use pegasus_engine::SettingsHandle;
use pegasus_engine::Shared;
use pegasus_log::Durability as LogDurability;
use pegasus_log::Log;
use pegasus_log::LogOptions;
use pegasus_log::OpenError;
use pegasus_log::OpenMode as LogOpenMode;
use pegasus_log::RecoveryReport;
use pegasus_pacifica::Options;
use pegasus_pacifica::Replica;
use pegasus_rpc::MailboxSender;
use pegasus_wire::layer2::AppInfo;
use pegasus_wire::layer2::AppStatus;
use tracing::error;
use tracing::info;
use tracing::warn;

use self::recovering::Recovering;
use crate::config::DataDirectory;
use crate::config::Durability;
use crate::config::ReplicationSection;
use crate::disk;
use crate::disk::Disk;
use crate::disk::DiskError;
use crate::disk::DiskState;
use crate::disk::ReplicaDirectory;
use crate::disk::StoredAppInfo;
use crate::engine_events::EngineEvents;
use crate::hosted_replica::HostedReplica;
use crate::hosted_replica::HostingLimits;
use crate::router::ReplicaHandle;
use crate::router::shard_of;
use crate::shard::ShardMessage;

/// A data directory cannot be opened; the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The directory itself.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Its list of replicas.
    #[error("data directory {path}: cannot list the replicas: {source}")]
    List {
        /// The data directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Its mutation log.
    #[error("data directory {path}: {}", with_causes(source))]
    Log {
        /// The data directory.
        path: PathBuf,
        /// What the log said.
        source: OpenError,
    },
    /// One partition in two data directories: which one is right cannot be known.
    #[error("replica {gpid} lies in two data directories: {first} and {second}; move one away")]
    Twice {
        /// The partition.
        gpid: Gpid,
        /// One directory.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
}

/// An error's text with those of its causes.
fn with_causes(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", with_causes(source)),
        None => error.to_string(),
    }
}

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
}

/// Everything that was found.
pub struct Loaded {
    /// The data directories, in the order of the configuration.
    pub disks: Vec<Disk>,
    /// The replicas in them.
    pub replicas: Vec<HostedReplica>,
}

/// Opens all data directories.
///
/// # Errors
/// One cannot be used.
pub fn load(
    opening: &Opening,
    directories: &[DataDirectory],
    section: &ReplicationSection,
) -> Result<Loaded, LoadError> {
    let mut loaded = Loaded {
        disks: Vec::new(),
        replicas: Vec::new(),
    };
    let found = survey(directories)?;
    for (index, (directory, found)) in directories.iter().zip(found).enumerate() {
        let (log, replicas) = open_disk(opening, directory, index, found, section)?;
        disk::mark_used(&directory.path)?;
        let (tag, path) = (directory.tag.clone(), directory.path.clone());
        loaded.disks.push(Disk { tag, path, log });
        loaded.replicas.extend(replicas);
    }
    Ok(loaded)
}

/// What lies in one data directory.
struct Found {
    state: DiskState,
    replicas: Vec<ReplicaDirectory>,
}

/// Looks at all data directories before anything is opened, and so perhaps changed.
fn survey(directories: &[DataDirectory]) -> Result<Vec<Found>, LoadError> {
    let mut places: BTreeMap<Gpid, PathBuf> = BTreeMap::new();
    let mut all = Vec::new();
    for directory in directories {
        let mut state = disk::prepare(&directory.path)?;
        let replicas = disk::list_replicas(&directory.path).map_err(|source| LoadError::List {
            path: directory.path.clone(),
            source,
        })?;
        if !replicas.is_empty() {
            // Whatever became of the marker: a log belongs to these (I6).
            state = DiskState::Used;
        }
        for replica in &replicas {
            if let Some(first) = places.insert(replica.gpid, replica.path.clone()) {
                return Err(LoadError::Twice {
                    gpid: replica.gpid,
                    first,
                    second: replica.path.clone(),
                });
            }
        }
        all.push(Found { state, replicas });
    }
    Ok(all)
}

fn open_disk(
    opening: &Opening,
    directory: &DataDirectory,
    index: usize,
    Found { state, replicas }: Found,
    section: &ReplicationSection,
) -> Result<(Log, Vec<HostedReplica>), LoadError> {
    let mut options = log_options(directory, section);
    // Also those that cannot be opened now: a doubt about them must outlive that.
    options.replicas = Some(replicas.iter().map(|replica| replica.gpid).collect());
    let mut found = BTreeMap::new();
    for replica in replicas {
        match open_engine(opening, &replica, EngineOpenMode::MustExist) {
            Ok((engine, app)) => {
                found.insert(replica.gpid, Recovering::new(replica, engine, app, opening));
            }
            Err(problem) => put_aside(&replica, &problem),
        }
    }
    let mode = match state {
        DiskState::New => LogOpenMode::Create,
        DiskState::Used => LogOpenMode::MustExist,
    };
    let (log, report) = Log::open(options, mode, &mut |record| {
        let gpid = record.gpid();
        if let Some(replica) = found.get_mut(&gpid) {
            replica.on_record(record);
        }
    })
    .map_err(|source| LoadError::Log {
        path: directory.path.clone(),
        source,
    })?;
    describe(directory, &report);
    let replicas = found
        .into_values()
        .filter_map(|recovering| recovering.finish(opening, index, &report))
        .collect();
    Ok((log, replicas))
}

fn log_options(directory: &DataDirectory, section: &ReplicationSection) -> LogOptions {
    let mut options = LogOptions::new(disk::log_directory(&directory.path));
    options.durability = match section.durability {
        Durability::Fsync => LogDurability::Fsync,
        Durability::Os => LogDurability::Os,
    };
    options.segment_bytes = section.log_segment_size_mb << 20;
    options.size_limit = section.log_size_limit_mb << 20;
    options
}

fn describe(directory: &DataDirectory, report: &RecoveryReport) {
    info!(
        disk = directory.tag,
        segments = report.segments,
        records = report.records,
        "mutation log recovered"
    );
    if let Some(cut) = report.cut {
        info!(
            disk = directory.tag,
            segment = cut.segment,
            offset = cut.offset,
            "an unfinished batch at the end of the log was cut; nothing in it was acknowledged"
        );
    }
    for damage in &report.damages {
        error!(disk = directory.tag, ?damage, "mutation log is damaged");
    }
}

fn put_aside(replica: &ReplicaDirectory, problem: &OpenReplicaError) {
    error!(gpid = %replica.gpid, path = %replica.path.display(), error = %with_causes(problem),
        "replica cannot be opened");
    if !problem.is_damage() {
        return;
    }
    match replica.put_aside("err") {
        Ok(aside) => warn!(gpid = %replica.gpid, path = %aside.display(), "replica put aside"),
        Err(error) => warn!(gpid = %replica.gpid, %error, "replica cannot be put aside"),
    }
}

/// A replica cannot be opened or made.
#[derive(Debug, thiserror::Error)]
pub enum OpenReplicaError {
    /// What it belongs to cannot be known.
    #[error(transparent)]
    AppInfo(#[from] crate::disk::AppInfoError),
    /// Its storage.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Its directory.
    #[error(transparent)]
    Directory(#[from] crate::disk::CreateError),
}

impl OpenReplicaError {
    /// Whether the data itself is bad, rather than the attempt to reach it.
    fn is_damage(&self) -> bool {
        match self {
            Self::AppInfo(crate::disk::AppInfoError::Malformed { .. }) => true,
            Self::Engine(error) => error.status() == pegasus_common::StorageStatus::Corruption,
            Self::AppInfo(_) | Self::Directory(_) => false,
        }
    }
}

fn open_engine(
    opening: &Opening,
    directory: &ReplicaDirectory,
    mode: EngineOpenMode,
) -> Result<(Engine, StoredAppInfo), OpenReplicaError> {
    let app = directory.app_info()?;
    let shard = shard_of(directory.gpid, opening.shards.len());
    let events = EngineEvents::new(directory.gpid, opening.shards[shard].clone());
    let setup = EngineSetup {
        dir: directory.database(),
        mode,
        settings: SettingsHandle::default(),
        listener: Arc::new(events),
    };
    Ok((Engine::open(&opening.storage, setup)?, app))
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
) -> Result<HostedReplica, OpenReplicaError> {
    let (index, disk) = disk;
    let directory = ReplicaDirectory::of(&disk.path, gpid);
    let stored = StoredAppInfo {
        app_id: app.app_id,
        app_name: app.app_name.clone(),
        partition_count: app.partition_count,
        max_replica_count: app.max_replica_count,
    };
    directory.create(&stored, |unfinished| {
        // Opened under its own name afterwards: RocksDB remembers where it lies.
        let (engine, _) = open_engine(opening, unfinished, EngineOpenMode::Create)?;
        drop(engine);
        Ok::<(), OpenReplicaError>(())
    })?;
    let (engine, app) = open_engine(opening, &directory, EngineOpenMode::MustExist)?;
    let recovered = pegasus_pacifica::Recovered::empty();
    Ok(host(
        opening,
        index,
        gpid,
        Arc::new(engine),
        &app,
        recovered,
    ))
}

fn host(
    opening: &Opening,
    disk: usize,
    gpid: Gpid,
    engine: Arc<Engine>,
    app: &StoredAppInfo,
    recovered: pegasus_pacifica::Recovered,
) -> HostedReplica {
    let handle = ReplicaHandle::new(gpid, engine);
    let machine = Replica::new(gpid, opening.address, opening.options, recovered);
    let app = AppInfo {
        status: AppStatus::AS_AVAILABLE,
        app_id: app.app_id,
        app_name: app.app_name.clone(),
        app_type: "pegasus".to_owned(),
        partition_count: app.partition_count,
        max_replica_count: app.max_replica_count,
        is_stateful: true,
        ..AppInfo::default()
    };
    HostedReplica::new(handle, app, disk, machine, &opening.name, opening.limits)
}

#[cfg(test)]
mod tests;
