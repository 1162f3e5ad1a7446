//! The disks of a replica server without its threads: replicas are made and loaded, the log is
//! written, and dropping what was loaded is as good as a crash.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use pegasus_common::Ballot;
use pegasus_common::Decree;
use pegasus_common::Gpid;
use pegasus_log::LogFailure;
use pegasus_log::LogObserver;
use pegasus_log::MutationRecord;
use pegasus_log::Record;
use pegasus_pacifica::Mutation;
use pegasus_rpc::Mailbox;
use pegasus_wire::layer2::AppInfo;

use super::GPID;
use super::opening;
use crate::config::DataDirectory;
use crate::config::ReplicationSection;
use crate::disk::ReplicaDirectory;
use crate::load;
use crate::load::LoadError;
use crate::load::Loaded;
use crate::load::Newborn;
use crate::load::Opening;
use crate::load::create_replica;
use crate::shard::ShardMessage;

/// A server's disks.
pub struct TestServer {
    pub root: tempfile::TempDir,
    pub opening: Opening,
    section: ReplicationSection,
    _mailbox: Mailbox<ShardMessage>,
}

impl TestServer {
    pub fn new() -> Self {
        let (opening, mailbox) = opening();
        Self {
            root: tempfile::tempdir().unwrap(),
            opening,
            section: ReplicationSection {
                log_segment_size_mb: 1,
                ..ReplicationSection::default()
            },
            _mailbox: mailbox,
        }
    }

    /// The table of all replicas.
    pub fn app() -> AppInfo {
        AppInfo {
            app_id: GPID.app_id.0,
            app_name: "temp".to_owned(),
            partition_count: 8,
            ..AppInfo::default()
        }
    }

    pub fn directory(&self, tag: &str) -> DataDirectory {
        DataDirectory {
            tag: tag.to_owned(),
            path: self.root.path().join(tag),
        }
    }

    pub fn load_from(&self, tags: &[&str]) -> Result<Loaded, LoadError> {
        let directories: Vec<_> = tags.iter().map(|tag| self.directory(tag)).collect();
        load::load(&self.opening, &directories, &self.section)
    }

    /// Makes replicas in one data directory and stops.
    pub fn make(&self, tag: &str, partitions: std::ops::Range<i32>, newborn: Newborn) {
        let loaded = self.load_from(&[tag]).unwrap();
        for index in partitions {
            let place = (0, &loaded.disks[0]);
            let gpid = Gpid::new(GPID.app_id.0, index);
            create_replica(&self.opening, place, gpid, &Self::app(), newborn).unwrap();
        }
    }

    /// Appends to the log of a data directory and stops.
    pub fn append(&self, tag: &str, records: Vec<Record>) {
        let loaded = self.load_from(&[tag]).unwrap();
        let mut handle = loaded.disks[0].log.register(Arc::new(Deaf));
        handle.submit(records).unwrap();
    }

    pub fn replica(&self, tag: &str, index: i32) -> PathBuf {
        let gpid = Gpid::new(GPID.app_id.0, index);
        ReplicaDirectory::of(&self.directory(tag).path, gpid).path
    }
}

/// Closing the log is as good as hearing that it is safe.
struct Deaf;

impl LogObserver for Deaf {
    fn on_safe(&self, _: u64) {}

    fn on_failed(&self, failure: &LogFailure) {
        panic!("{failure}");
    }
}

/// Mutations of [`GPID`] under one ballot, each with the one before it committed.
pub fn records(ballot: i64, decrees: RangeInclusive<i64>, payload: &Bytes) -> Vec<Record> {
    let record = |decree| {
        Record::Mutation(MutationRecord {
            gpid: GPID,
            ballot: Ballot(ballot),
            decree: Decree(decree),
            timestamp_us: decree * ballot,
            last_committed: Decree(decree - 1),
            checksum: Mutation::checksum_of(payload),
            payload: payload.clone(),
        })
    };
    decrees.map(record).collect()
}

/// [`GPID`] begins anew at decree 0.
pub fn reset(ballot: i64) -> Record {
    Record::Reset {
        gpid: GPID,
        ballot: Ballot(ballot),
        decree: Decree::ZERO,
    }
}

/// The group counts on [`GPID`].
pub fn vouch(ballot: i64) -> Record {
    Record::Vouch {
        gpid: GPID,
        ballot: Ballot(ballot),
    }
}
