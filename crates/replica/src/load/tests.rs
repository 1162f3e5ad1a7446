use std::fs;

use bytes::Bytes;
use pegasus_common::Ballot;
use pegasus_common::Decree;
use pegasus_common::directory_lock::DirectoryLockError;
use pegasus_pacifica::Recovered;
use pegasus_pacifica::Standing;

use super::*;
use crate::testing;
use crate::testing::TestServer;
use crate::testing::records;
use crate::testing::reset;
use crate::testing::vouch;

fn gpids(loaded: &Loaded) -> Vec<Gpid> {
    loaded.replicas.iter().map(HostedReplica::gpid).collect()
}

#[test]
fn replicas_come_back_from_all_disks() {
    let server = TestServer::new();
    assert!(gpids(&server.load_from(&["a", "b"]).unwrap()).is_empty());
    server.make("a", 0..2, Newborn::WithPartition);
    server.make("b", 2..3, Newborn::WithPartition);
    let loaded = server.load_from(&["a", "b"]).unwrap();
    let expected = [Gpid::new(2, 0), Gpid::new(2, 1), Gpid::new(2, 2)];
    assert_eq!(gpids(&loaded), expected);
    let disks: Vec<usize> = loaded.replicas.iter().map(|replica| replica.disk).collect();
    assert_eq!(disks, [0, 0, 1]);
    let first = &loaded.replicas[0];
    assert_eq!(first.app().app_name, "temp");
    assert_eq!(first.machine.standing(), Standing::Proven);
}

#[test]
fn a_damaged_replica_is_put_aside_and_the_others_are_loaded() {
    let server = TestServer::new();
    server.make("a", 0..2, Newborn::WithPartition);
    let damaged = server.replica("a", 0);
    fs::write(damaged.join(".app-info"), "nonsense").unwrap();
    let loaded = server.load_from(&["a"]).unwrap();
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
    let server = TestServer::new();
    server.make("a", 0..2, Newborn::WithPartition);
    let info = server.replica("a", 0).join(".app-info");
    let hidden = info.with_extension("hidden");
    fs::rename(&info, &hidden).unwrap();
    assert_eq!(gpids(&server.load_from(&["a"]).unwrap()), [Gpid::new(2, 1)]);
    fs::rename(&hidden, &info).unwrap();
    assert_eq!(gpids(&server.load_from(&["a"]).unwrap()).len(), 2);
}

#[test]
fn a_replica_without_its_database_is_no_empty_start() {
    let server = TestServer::new();
    server.make("a", 0..1, Newborn::WithPartition);
    fs::remove_dir_all(server.replica("a", 0).join("rdb")).unwrap();
    assert!(gpids(&server.load_from(&["a"]).unwrap()).is_empty());
}

#[test]
fn a_replica_in_two_data_directories_with_one_ballot_stops_the_start() {
    let server = TestServer::new();
    server.make("a", 0..2, Newborn::WithPartition);
    server.make("b", 1..2, Newborn::WithPartition);
    let Err(LoadError::Twice {
        gpid,
        first,
        second,
    }) = server.load_from(&["a", "b"])
    else {
        panic!("it starts");
    };
    assert_eq!(gpid, Gpid::new(2, 1));
    let expected = (server.replica("a", 1), server.replica("b", 1));
    assert_eq!((first, second), expected);
}

#[test]
fn of_a_replica_in_two_data_directories_the_newer_one_is_loaded() {
    let server = TestServer::new();
    server.make("a", 0..1, Newborn::WithPartition);
    server.append("a", records(3, 1..=9, &Bytes::new()));
    server.make("b", 0..1, Newborn::WithPartition);
    server.append("b", records(4, 1..=5, &Bytes::new()));
    let loaded = server.load_from(&["a", "b"]).unwrap();
    assert_eq!(gpids(&loaded), [Gpid::new(2, 0)]);
    assert_eq!(loaded.replicas[0].disk, 1);
    assert_eq!(loaded.replicas[0].machine.prepared(), Decree(5));
    assert!(!server.replica("a", 0).exists(), "put aside");
}

#[test]
fn records_of_an_earlier_replica_never_reach_its_successor() {
    let server = TestServer::new();
    let mut earlier = records(1, 1..=600, &Bytes::new());
    earlier.push(reset(2));
    server.append("a", earlier);
    server.make("a", 0..1, Newborn::ToLearn);
    server.append("a", records(2, 1..=300, &Bytes::new()));
    for _ in 0..2 {
        let loaded = server.load_from(&["a"]).unwrap();
        let machine = &loaded.replicas[0].machine;
        assert_eq!(machine.ballot(), Ballot(2));
        assert_eq!(
            (machine.committed(), machine.prepared()),
            (Decree(299), Decree(300))
        );
        let mark = loaded.replicas[0].handle.engine.applied();
        assert_eq!(mark.ballot, Ballot(2));
    }
}

#[test]
fn what_is_too_much_to_wait_for_the_end_of_the_log_is_read_again() {
    let server = TestServer::new();
    let payload = testing::payload(&vec![b'x'; 1 << 20]);
    let mut earlier = records(1, 1..=20, &payload);
    earlier.push(reset(2));
    server.append("a", earlier);
    server.make("a", 0..1, Newborn::ToLearn);
    server.append("a", records(2, 1..=18, &payload));
    let loaded = server.load_from(&["a"]).unwrap();
    let machine = &loaded.replicas[0].machine;
    assert_eq!(
        (machine.committed(), machine.prepared()),
        (Decree(17), Decree(18))
    );
    let mark = loaded.replicas[0].handle.engine.applied();
    assert_eq!(
        (mark.decree, mark.digest),
        (Decree(17), machine.digest().digest)
    );
}

#[test]
fn a_replica_that_was_made_to_learn_proves_nothing_until_the_group_counts_on_it() {
    let server = TestServer::new();
    server.make("a", 0..1, Newborn::ToLearn);
    let standing = || {
        server.load_from(&["a"]).unwrap().replicas[0]
            .machine
            .standing()
    };
    server.append("a", records(2, 1..=3, &Bytes::new()));
    assert_eq!(standing(), Standing::Unproven);
    server.append("a", vec![vouch(2), reset(3)]);
    assert_eq!(
        standing(),
        Standing::Unproven,
        "what was vouched for is gone"
    );
    server.append("a", vec![vouch(3)]);
    assert_eq!(standing(), Standing::Proven);
    assert!(!server.replica("a", 0).join(".learning").exists());
}

#[test]
fn checkpoints_do_not_outlive_the_process() {
    let server = TestServer::new();
    server.make("a", 0..1, Newborn::WithPartition);
    let checkpoint = server.replica("a", 0).join("checkpoints/7");
    fs::create_dir_all(&checkpoint).unwrap();
    assert_eq!(gpids(&server.load_from(&["a"]).unwrap()).len(), 1);
    assert!(!checkpoint.exists());
}

#[test]
fn replicas_without_their_log_do_not_start() {
    let server = TestServer::new();
    server.make("a", 0..1, Newborn::WithPartition);
    let directory = server.directory("a").path;
    let log = disk::log_directory(&directory);
    let away = directory.join("away");
    fs::rename(&log, &away).unwrap();
    fs::remove_file(directory.join(".pegasus-disk")).unwrap();
    assert!(matches!(
        server.load_from(&["a"]),
        Err(LoadError::Log {
            source: OpenError::Missing { .. },
            ..
        })
    ));
    // The marker alone can be made again.
    let _ = fs::remove_dir_all(&log);
    fs::rename(&away, &log).unwrap();
    assert_eq!(gpids(&server.load_from(&["a"]).unwrap()).len(), 1);
    assert!(directory.join(".pegasus-disk").exists());
}

#[test]
fn a_data_directory_has_one_server() {
    let server = TestServer::new();
    let _running = server.load_from(&["a"]).unwrap();
    assert!(matches!(
        server.load_from(&["a"]),
        Err(LoadError::Log {
            source: OpenError::Lock(DirectoryLockError::InUse { .. }),
            ..
        })
    ));
}

/// A replica with six mutations in the log, the last one not known to be committed, whose storage has
/// flushed none of them; and what its state machine had.
fn failed() -> (TestServer, Loaded, Recovered) {
    let server = TestServer::new();
    server.make("a", 0..1, Newborn::WithPartition);
    server.append("a", records(3, 1..=6, &testing::payload(b"value")));
    let mut loaded = server.load_from(&["a"]).unwrap();
    let remains = loaded.replicas.pop().unwrap().machine.remains();
    (server, loaded, remains)
}

#[test]
fn a_replica_whose_storage_failed_has_everything_when_it_is_open_again() {
    let (server, loaded, remains) = failed();
    assert_eq!(remains.committed.decree, Decree(5));
    let place = (0, &loaded.disks[0]);
    let reopened = reopen(&server.opening, place, testing::GPID, remains.clone()).unwrap();
    let machine = &reopened.machine;
    assert_eq!(
        (machine.committed(), machine.prepared()),
        (Decree(5), Decree(6))
    );
    assert_eq!(reopened.handle.engine.applied().decree, Decree(5));
    assert_eq!(machine.remains(), remains);
    assert_eq!(machine.standing(), Standing::Proven);
    assert_eq!(
        (machine.ballot(), machine.latest_timestamp_us()),
        (Ballot(3), 18)
    );
}

#[test]
fn a_replica_whose_log_does_not_lead_to_its_commit_point_is_damaged() {
    let (server, loaded, remains) = failed();
    let place = (0, &loaded.disks[0]);
    let attempt = |remains| reopen(&server.opening, place, testing::GPID, remains).unwrap_err();
    let mut lost = remains.clone();
    lost.committed.decree = Decree(9);
    assert!(attempt(lost).is_damage());
    let mut other = remains;
    other.committed.digest ^= 1;
    assert!(attempt(other).is_damage());
    let hidden = server.replica("a", 0).with_extension("hidden");
    fs::rename(server.replica("a", 0), &hidden).unwrap();
    let (_, _, remains) = failed();
    assert!(!attempt(remains).is_damage(), "it cannot be reached now");
}
