//! A disk that is really full: writes are refused, nothing is lost, and it goes on by itself.

#![allow(
    clippy::unwrap_used,
    reason = "a test may panic in its helper functions too"
)]

#[allow(dead_code, reason = "each test uses its part")]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use bytes::Bytes;
use pegasus_common::key;
use pegasus_engine::{
    ApplyError, EngineOptions, FlushMode, Found, OpenMode, ReadAt, ReadOutcome, ReadTier,
    SpaceState, WriteOperation,
};
use pegasus_wire::rrdb::UpdateRequest;
use support::{NOW_S, Replica, shared_with};

/// A file system of its own; gone when the test is over.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where the system does not let us mount.
    fn mount(path: &Path, bytes: u64) -> Option<Self> {
        fs::create_dir(path).unwrap();
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"])
            .arg(path)
            .status();
        let is_mounted = status.is_ok_and(|status| status.success());
        is_mounted.then(|| Self(path.to_owned()))
    }

    /// Leaves no space to others.
    fn fill(&self) {
        let mut bytes = 1 << 20;
        let mut fillers = 0;
        while bytes >= 4096 {
            let path = self.0.join(format!("filler{fillers}"));
            match fs::write(&path, vec![0; bytes]) {
                Ok(()) => fillers += 1,
                Err(_) => {
                    fs::remove_file(path).unwrap();
                    bytes /= 2;
                }
            }
        }
    }

    fn clear(&self) {
        for entry in fs::read_dir(&self.0).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::remove_file(path).unwrap();
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn raw(number: usize) -> Bytes {
    Bytes::from(key::encode(b"hash", format!("{number}").as_bytes()).unwrap())
}

/// Proposes one put, unless one waits already, and applies it.
fn put(replica: &mut Replica, number: usize) -> Result<(), ApplyError> {
    if replica.in_flight.is_empty() {
        let request = UpdateRequest {
            key: raw(number),
            value: Bytes::from(vec![b'v'; 2000]),
            ..UpdateRequest::default()
        };
        replica.evaluate(WriteOperation::Put(&request));
        replica.propose();
    }
    let mark = replica.engine.apply(&replica.in_flight)?;
    replica.overlay.applied(mark.decree);
    replica.in_flight.clear();
    Ok(())
}

/// Puts until storage refuses for another reason than a passing stall; how many it took.
fn put_until_full(replica: &mut Replica, mut number: usize) -> usize {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match put(replica, number) {
            Ok(()) => number += 1,
            Err(ApplyError::Stalled) => std::thread::yield_now(),
            Err(ApplyError::SpaceExhausted) => return number,
            Err(error) => panic!("{error}"),
        }
        assert!(Instant::now() < deadline, "{number} puts fitted");
    }
}

#[test]
fn a_full_disk_refuses_writes_and_is_used_again_when_there_is_space() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&dir.path().join("disk"), 16 << 20) else {
        return; // needs the right to mount
    };
    let shared = shared_with(&EngineOptions {
        write_buffer_size: 128 << 10,
        ..EngineOptions::default()
    });
    let path = disk.0.join("rdb");
    let mut replica = Replica::open(&shared, &path, OpenMode::Create);
    for number in 0..20 {
        put(&mut replica, number).unwrap();
    }
    disk.fill();
    let count = put_until_full(&mut replica, 20);
    assert_eq!(replica.engine.space(), SpaceState::Exhausted);
    let refused = replica.engine.flush(FlushMode::Wait).unwrap_err();
    assert!(refused.is_out_of_space(), "{refused:?}");
    let is_there = |replica: &Replica, number| {
        let at = ReadAt {
            now_epoch_s: NOW_S,
            tier: ReadTier::All,
        };
        let found = replica.engine.get(&raw(number), at);
        matches!(found, ReadOutcome::Done(Found::Value(value)) if value.len() == 2000)
    };
    assert!((0..count).all(|number| is_there(&replica, number)));

    disk.clear();
    let deadline = Instant::now() + Duration::from_secs(60);
    while let Err(error) = put(&mut replica, count) {
        assert!(
            matches!(error, ApplyError::SpaceExhausted | ApplyError::Stalled),
            "{error}"
        );
        assert!(Instant::now() < deadline, "storage does not recover");
        std::thread::yield_now();
    }
    // RocksDB takes writes a moment before it tells that it has recovered.
    while replica.engine.space() != SpaceState::Enough {
        assert!(Instant::now() < deadline, "recovery is not reported");
        std::thread::yield_now();
    }
    assert!((0..=count).all(|number| is_there(&replica, number)));
    assert!(replica.recorder.failures.lock().unwrap().is_empty());
    replica.engine.flush(FlushMode::Wait).unwrap();
    drop(replica);
    let replica = Replica::open(&shared, &path, OpenMode::MustExist);
    assert!((0..=count).all(|number| is_there(&replica, number)));
}
