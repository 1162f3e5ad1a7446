//! The start of a replica server: opens the data directories, gives each replica back what storage
//! and log hold of it, and says what cannot be used.
//!
//! A replica that cannot be opened does not stop the others: its directory is put aside as `.err`
//! where its data is damaged, and left alone where only the attempt failed.

mod catching_up;
mod opening;
mod recovering;
mod reopening;
mod storages;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use pegasus_common::Gpid;
use pegasus_log::Durability as LogDurability;
use pegasus_log::Log;
use pegasus_log::LogOptions;
use pegasus_log::OpenError;
use pegasus_log::OpenMode as LogOpenMode;
use pegasus_log::RecoveryReport;
use tracing::error;
use tracing::info;
use tracing::warn;

pub use self::opening::Newborn;
pub use self::opening::OpenReplicaError;
pub use self::opening::Opening;
pub use self::opening::create_replica;
pub use self::opening::open_learned;
use self::recovering::Recovering;
pub use self::reopening::ReopenError;
pub use self::reopening::reopen;
use crate::config::DataDirectory;
use crate::config::Durability;
use crate::config::ReplicationSection;
use crate::disk;
use crate::disk::Aside;
use crate::disk::Disk;
use crate::disk::DiskError;
use crate::disk::DiskState;
use crate::disk::ReplicaDirectory;
use crate::disk::log_size::LogSize;
use crate::disk_health::space_of;
use crate::hosted_replica::HostedReplica;

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
    /// One partition in two data directories, with the same ballot: which one is right cannot be
    /// known.
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
    let mut disks = Vec::new();
    let mut recovered = Vec::new();
    for (index, (directory, found)) in directories.iter().zip(survey(directories)?).enumerate() {
        let (log, replicas) = open_disk(opening, directory, index, found, section)?;
        disk::mark_used(&directory.path)?;
        let (tag, path) = (directory.tag.clone(), directory.path.clone());
        let health = Arc::default();
        disks.push(Disk {
            tag,
            path,
            log,
            health,
        });
        recovered.extend(replicas);
    }
    let replicas = one_of_each(recovered)?;
    let finished = replicas
        .into_iter()
        .filter_map(|replica| replica.finish(opening, &disks));
    Ok(Loaded {
        replicas: finished.collect(),
        disks,
    })
}

/// Of a partition that lies in two data directories the replica with the larger ballot stays: it was
/// learned after the disk of the other had failed.
fn one_of_each(replicas: Vec<Recovering>) -> Result<Vec<Recovering>, LoadError> {
    let mut kept: BTreeMap<Gpid, Recovering> = BTreeMap::new();
    for replica in replicas {
        let gpid = replica.directory().gpid;
        let Some(first) = kept.remove(&gpid) else {
            kept.insert(gpid, replica);
            continue;
        };
        let (newer, older) = match first.ballot().cmp(&replica.ballot()) {
            Ordering::Greater => (first, replica),
            Ordering::Less => (replica, first),
            Ordering::Equal => {
                return Err(LoadError::Twice {
                    gpid,
                    first: first.directory().path.clone(),
                    second: replica.directory().path.clone(),
                });
            }
        };
        older.put_aside();
        kept.insert(gpid, newer);
    }
    Ok(kept.into_values().collect())
}

/// What lies in one data directory.
struct Found {
    state: DiskState,
    replicas: Vec<ReplicaDirectory>,
}

/// Looks at all data directories before anything is opened, and so perhaps changed.
fn survey(directories: &[DataDirectory]) -> Result<Vec<Found>, LoadError> {
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
) -> Result<(Log, Vec<Recovering>), LoadError> {
    let mut options = log_options(directory, section);
    // Also those that cannot be opened now: a doubt about them must outlive that.
    options.replicas = Some(replicas.iter().map(|replica| replica.gpid).collect());
    let mut found = BTreeMap::new();
    for (replica, opened) in storages::open_all(opening, replicas) {
        match opened {
            Ok(opened) => {
                let prepared_max = opening.options.prepared_max;
                let recovering = Recovering::new(replica.clone(), opened, index, prepared_max);
                found.insert(replica.gpid, recovering);
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
    for replica in found.values_mut() {
        replica.log_ended(&report);
    }
    Ok((log, found.into_values().collect()))
}

fn log_options(directory: &DataDirectory, section: &ReplicationSection) -> LogOptions {
    let mut options = LogOptions::new(disk::log_directory(&directory.path));
    options.durability = match section.durability {
        Durability::Fsync => LogDurability::Fsync,
        Durability::Os => LogDurability::Os,
    };
    let space = space_of(&directory.path).unwrap_or_default();
    let size = LogSize::on(space, section);
    options.segment_bytes = size.segment_bytes;
    options.size_limit = size.limit_bytes;
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
    match replica.put_aside(Aside::Error) {
        Ok(aside) => warn!(gpid = %replica.gpid, path = %aside.display(), "replica put aside"),
        Err(error) => warn!(gpid = %replica.gpid, %error, "replica cannot be put aside"),
    }
}

#[cfg(test)]
mod tests;
