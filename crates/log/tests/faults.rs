//! A disk that refuses, tears writes or is full, at every single operation; and a really full one.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use pegasus_common::Decree;
use pegasus_log::{LogOptions, OpenMode, Record, SubmitError, Suspects};
use support::{Disk, Fault, FaultPlan, Image, Running, gpid, mutation, quick, scratch};

const RECORDS: i64 = 24;

fn options(disk: &Disk, directory: &Path) -> LogOptions {
    LogOptions {
        files: Arc::new(disk.another_handle()),
        spares_max: 1,
        ..quick(directory)
    }
}

/// Opens as often as it takes: a full disk may keep a new log from beginning.
fn open(disk: &Disk, directory: &Path) -> Option<Running> {
    (0..4).find_map(|_| Running::try_open(options(disk, directory), OpenMode::Create).ok())
}

/// Writes records, each acknowledged before the next, while replicas flush and segments go round.
/// Gives what was submitted.
fn work(running: &mut Running) -> Vec<Record> {
    let mut submitted = Vec::new();
    for decree in 1..=RECORDS {
        let record = mutation(0, 1, decree, 1500);
        let ticket = match running.handle.submit(vec![record.clone()]) {
            Ok(ticket) => ticket,
            Err(SubmitError::Failed(_)) => break,
            Err(error) => panic!("{error}"),
        };
        submitted.push(record);
        while running.shard.safe() < ticket && running.log.failure().is_none() {
            std::thread::yield_now();
        }
        running.log.set_flushed(gpid(0), Decree(decree - 8));
    }
    submitted
}

/// What was acknowledged is there, as far as it was not flushed.
fn assert_kept(directory: &Path, scratch: &Path, submitted: &[Record], safe: u64, what: &str) {
    let opened = Image::of(directory).open(scratch);
    assert_eq!(opened.report.damages, [], "{what}");
    assert_eq!(opened.report.doubts, Suspects::none(), "{what}");
    let replayed: Vec<&Record> = opened
        .replayed
        .iter()
        .filter(|record| matches!(record, Record::Mutation(_)))
        .collect();
    let safe = usize::try_from(safe).expect("a small number");
    let first = submitted.len().saturating_sub(8).min(safe);
    for record in &submitted[first..safe] {
        assert!(replayed.contains(&record), "{what}: {record:?}");
    }
    let mut expected = submitted.iter();
    let in_order = replayed
        .iter()
        .all(|record| expected.any(|known| known == *record));
    assert!(in_order, "{what}");
}

#[test]
fn whatever_operation_is_refused_nothing_acknowledged_is_lost() {
    for fault in [Fault::Refusal, Fault::TornRefusal] {
        for passed in 0.. {
            let what = format!("{fault:?} after {passed} operations");
            let scratch = scratch();
            let directory = scratch.path().join("log");
            let disk = Disk::default();
            disk.plan(FaultPlan {
                fault,
                passed,
                count: 1,
            });
            let Some(mut running) = open(&disk, &directory) else {
                panic!("{what}: one refusal keeps nobody from opening for ever");
            };
            let submitted = work(&mut running);
            let safe = running.shard.safe();
            let is_hit = disk.end_plan();
            drop(running);
            assert_kept(&directory, scratch.path(), &submitted, safe, &what);
            if !is_hit {
                assert!(passed > 60, "{passed} operations");
                break;
            }
        }
    }
}

#[test]
fn wherever_the_disk_is_full_the_log_waits_and_goes_on() {
    for (fault, count) in [(Fault::Full, 1), (Fault::TornFull, 1), (Fault::Full, 5)] {
        for passed in 0.. {
            let what = format!("{fault:?} {count} times after {passed} operations");
            let scratch = scratch();
            let directory = scratch.path().join("log");
            let disk = Disk::default();
            disk.plan(FaultPlan {
                fault,
                passed,
                count,
            });
            let mut running = open(&disk, &directory).unwrap_or_else(|| {
                disk.end_plan();
                open(&disk, &directory).expect("there is space again")
            });
            let submitted = work(&mut running);
            assert!(running.log.failure().is_none(), "{what}");
            assert_eq!(running.shard.safe(), RECORDS.unsigned_abs(), "{what}");
            let is_hit = disk.end_plan();
            drop(running);
            let safe = RECORDS.unsigned_abs();
            assert_kept(&directory, scratch.path(), &submitted, safe, &what);
            if !is_hit {
                assert!(passed > 30, "{passed} operations");
                break;
            }
        }
    }
}

#[test]
fn a_log_that_waits_for_space_refuses_and_can_be_closed() {
    let scratch = scratch();
    let directory = scratch.path().join("log");
    let disk = Disk::default();
    let mut running = Running::open(options(&disk, &directory), OpenMode::Create);
    running.write(&[mutation(0, 1, 1, 1500)]);
    disk.plan(FaultPlan {
        fault: Fault::Full,
        passed: 0,
        count: u64::MAX,
    });
    let mut last = 1;
    let refused = loop {
        match running.handle.submit(vec![mutation(0, 1, last + 1, 1500)]) {
            Ok(_) => last += 1,
            Err(SubmitError::NoSpace(records)) => break records,
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(refused, [mutation(0, 1, last + 1, 1500)]);
    assert!(running.log.waits_for_space() && !running.handle.has_room());
    let reader = running.log.reader();
    let read = reader.mutations(gpid(0), Decree(0), Decree(1), 5000);
    assert_eq!(read.unwrap().unwrap().len(), 1, "what is there can be read");
    running.log.close().unwrap_err();
    let running = Running::open(options(&disk, &directory), OpenMode::MustExist);
    assert!(!running.replayed.is_empty(), "a full disk can be opened");
    assert!(running.report.proven_complete(gpid(0)));
}

/// A file system of its own, as small as wanted; gone when the test is over.
struct SmallDisk {
    path: PathBuf,
    _parent: tempfile::TempDir,
}

impl SmallDisk {
    /// `None` where the system does not let us mount.
    fn mount(bytes: u64) -> Option<Self> {
        let parent = tempfile::tempdir().expect("a temporary directory");
        let path = parent.path().join("disk");
        std::fs::create_dir(&path).expect("a directory for the disk");
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"])
            .arg(&path)
            .status();
        let is_mounted = status.is_ok_and(|status| status.success());
        is_mounted.then_some(Self {
            path,
            _parent: parent,
        })
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.path).status();
    }
}

#[test]
fn a_disk_that_is_really_full_recovers_when_it_has_space() {
    let Some(disk) = SmallDisk::mount(4 << 20) else {
        return; // needs the right to mount
    };
    let directory = disk.path.join("log");
    let options = || LogOptions {
        segment_bytes: 64 << 10,
        queue_bytes_max: 100 << 10,
        space_retry_interval: std::time::Duration::from_millis(1),
        ..LogOptions::new(&directory)
    };
    let mut running = Running::open(options(), OpenMode::Create);
    running.write(&[mutation(0, 1, 1, 1000)]);
    let filler = disk.path.join("filler");
    let mut size = 4 << 20;
    while size > 0 {
        // As much as fits.
        let zeros = vec![0; size];
        if std::fs::write(&filler, &zeros).is_ok() {
            break;
        }
        size -= 4096;
    }
    let mut written = vec![mutation(0, 1, 1, 1000)];
    let mut ticket = 0;
    while !running.log.waits_for_space() {
        let decree = i64::try_from(written.len()).unwrap() + 1;
        let record = mutation(0, 1, decree, 1000);
        match running.handle.submit(vec![record.clone()]) {
            Ok(taken) => {
                ticket = taken;
                written.push(record);
            }
            Err(SubmitError::Full(_) | SubmitError::NoSpace(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert!(running.shard.safe() < ticket, "it has no space for these");
    std::fs::remove_file(&filler).unwrap();
    running.shard.wait_safe(ticket);
    running.log.close().unwrap();
    assert_eq!(
        Running::open(options(), OpenMode::MustExist).replayed,
        written
    );
}
