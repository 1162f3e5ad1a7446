use std::fs;

use pegasus_pacifica::Standing;
use pegasus_rpc::Mailbox;

use super::*;
use crate::testing;

struct Server {
    root: tempfile::TempDir,
    opening: Opening,
    section: ReplicationSection,
    _mailbox: Mailbox<ShardMessage>,
}

impl Server {
    fn new() -> Self {
        let (opening, mailbox) = testing::opening();
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

    fn directory(&self, tag: &str) -> DataDirectory {
        DataDirectory {
            tag: tag.to_owned(),
            path: self.root.path().join(tag),
        }
    }

    fn load(&self, tags: &[&str]) -> Result<Loaded, LoadError> {
        let directories: Vec<_> = tags.iter().map(|tag| self.directory(tag)).collect();
        load(&self.opening, &directories, &self.section)
    }

    /// Makes replicas of table 2 in one data directory and stops.
    fn make(&self, tag: &str, partitions: std::ops::Range<i32>) {
        let loaded = self.load(&[tag]).unwrap();
        let app = AppInfo {
            app_id: 2,
            app_name: "temp".to_owned(),
            partition_count: 8,
            ..AppInfo::default()
        };
        for index in partitions {
            let disk = (0, &loaded.disks[0]);
            create_replica(&self.opening, disk, Gpid::new(2, index), &app).unwrap();
        }
    }

    fn replica(&self, tag: &str, index: i32) -> PathBuf {
        ReplicaDirectory::of(&self.directory(tag).path, Gpid::new(2, index)).path
    }
}

fn gpids(loaded: &Loaded) -> Vec<Gpid> {
    loaded.replicas.iter().map(HostedReplica::gpid).collect()
}

#[test]
fn replicas_come_back_from_all_disks() {
    let server = Server::new();
    assert!(gpids(&server.load(&["a", "b"]).unwrap()).is_empty());
    server.make("a", 0..2);
    server.make("b", 2..3);
    let loaded = server.load(&["a", "b"]).unwrap();
    let expected = [Gpid::new(2, 0), Gpid::new(2, 1), Gpid::new(2, 2)];
    assert_eq!(gpids(&loaded), expected);
    let disks: Vec<usize> = loaded.replicas.iter().map(|replica| replica.disk).collect();
    assert_eq!(disks, [0, 0, 1]);
    let first = &loaded.replicas[0];
    assert_eq!(first.app.app_name, "temp");
    assert_eq!(first.machine.standing(), Standing::Proven);
}

#[test]
fn a_damaged_replica_is_put_aside_and_the_others_are_loaded() {
    let server = Server::new();
    server.make("a", 0..2);
    let damaged = server.replica("a", 0);
    fs::write(damaged.join(".app-info"), "nonsense").unwrap();
    let loaded = server.load(&["a"]).unwrap();
    assert_eq!(gpids(&loaded), [Gpid::new(2, 1)]);
    assert!(!damaged.exists());
    let names = fs::read_dir(damaged.parent().unwrap()).unwrap();
    let aside = names.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_str().unwrap().ends_with(".err")
    });
    assert_eq!(aside.count(), 1);
}

#[test]
fn a_replica_that_cannot_be_read_now_stays_where_it_is() {
    let server = Server::new();
    server.make("a", 0..2);
    let info = server.replica("a", 0).join(".app-info");
    let hidden = info.with_extension("hidden");
    fs::rename(&info, &hidden).unwrap();
    assert_eq!(gpids(&server.load(&["a"]).unwrap()), [Gpid::new(2, 1)]);
    fs::rename(&hidden, &info).unwrap();
    assert_eq!(gpids(&server.load(&["a"]).unwrap()).len(), 2);
}

#[test]
fn a_replica_without_its_database_is_no_empty_start() {
    let server = Server::new();
    server.make("a", 0..1);
    fs::remove_dir_all(server.replica("a", 0).join("rdb")).unwrap();
    assert!(gpids(&server.load(&["a"]).unwrap()).is_empty());
}

#[test]
fn a_replica_in_two_data_directories_stops_the_start_before_anything_is_changed() {
    let server = Server::new();
    server.make("a", 0..2);
    let second = server.replica("b", 1);
    fs::create_dir_all(&second).unwrap();
    fs::write(server.replica("a", 0).join(".app-info"), "nonsense").unwrap();
    let Err(LoadError::Twice {
        gpid,
        first,
        second: found,
    }) = server.load(&["a", "b"])
    else {
        panic!("it starts");
    };
    assert_eq!(gpid, Gpid::new(2, 1));
    assert_eq!((first, found), (server.replica("a", 1), second));
    assert!(server.replica("a", 0).exists(), "nothing was put aside");
}

#[test]
fn replicas_without_their_log_do_not_start() {
    let server = Server::new();
    server.make("a", 0..1);
    let directory = server.directory("a").path;
    let log = disk::log_directory(&directory);
    let away = directory.join("away");
    fs::rename(&log, &away).unwrap();
    fs::remove_file(directory.join(".pegasus-disk")).unwrap();
    assert!(matches!(
        server.load(&["a"]),
        Err(LoadError::Log {
            source: OpenError::Missing { .. },
            ..
        })
    ));
    // The marker alone can be made again.
    let _ = fs::remove_dir_all(&log);
    fs::rename(&away, &log).unwrap();
    assert_eq!(gpids(&server.load(&["a"]).unwrap()).len(), 1);
    assert!(directory.join(".pegasus-disk").exists());
}

#[test]
fn a_data_directory_has_one_server() {
    let server = Server::new();
    let _running = server.load(&["a"]).unwrap();
    assert!(matches!(
        server.load(&["a"]),
        Err(LoadError::Log {
            source: OpenError::InUse { .. },
            ..
        })
    ));
}
