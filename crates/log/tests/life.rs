//! The life of a log: batches, tickets, segments, removal, restarts, refusals and failures.

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use pegasus_common::directory_lock::DirectoryLockError;
use pegasus_common::{Ballot, Decree};
use pegasus_log::{
    Durability, Log, LogObserver, LogOptions, OpenError, OpenMode, Record, SubmitError, Suspects,
};
use support::{Disk, Image, Running, Shard, ballot, gpid, mutation, quick, records_of};

fn with_disk(disk: &Disk, options: LogOptions) -> LogOptions {
    LogOptions {
        files: Arc::new(disk.another_handle()),
        ..options
    }
}

#[test]
fn what_was_written_is_replayed_in_order_after_any_number_of_restarts() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("log");
    let mut written = Vec::new();
    for round in 0..4 {
        let mut running = Running::open(quick(&directory), OpenMode::Create);
        assert_eq!(running.replayed, written);
        assert!(running.report.damages.is_empty());
        assert!(running.report.proven_complete(gpid(0)));
        for step in 0..6 {
            let decree = round * 6 + step + 1;
            let batch = [mutation(0, 1, decree, 300), mutation(1, 2, decree, 900)];
            running.write(&batch);
            written.extend(batch);
        }
        if round % 2 == 0 {
            running.log.close().unwrap();
        }
    }
}

#[test]
fn real_files_and_real_flushes_work() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("log");
    let options = || LogOptions {
        segment_bytes: 64 << 10,
        ..LogOptions::new(&directory)
    };
    let mut running = Running::open(options(), OpenMode::Create);
    let batch = [ballot(0, 3), mutation(0, 3, 1, 100_000)];
    running.write(&batch);
    let stats = Arc::clone(running.log.stats());
    assert_eq!(stats.batches.load(Ordering::Relaxed), 1);
    assert_eq!(stats.fsyncs.load(Ordering::Relaxed), 1);
    assert_eq!(stats.queue_bytes.load(Ordering::Relaxed), 0);
    let busy = Log::open(options(), OpenMode::Create, &mut |_| {}).unwrap_err();
    assert!(
        matches!(busy, OpenError::Lock(DirectoryLockError::InUse { .. })),
        "{busy}"
    );
    running.log.close().unwrap();
    assert_eq!(
        Running::open(options(), OpenMode::MustExist).replayed,
        batch
    );
}

#[test]
fn everything_that_waits_becomes_one_batch_with_one_flush() {
    let scratch = tempfile::tempdir().unwrap();
    let disk = Disk::default();
    let options = with_disk(&disk, quick(&scratch.path().join("log")));
    let mut running = Running::open(options, OpenMode::Create);
    disk.hold();
    let first = running.handle.submit(vec![mutation(0, 1, 1, 10)]).unwrap();
    let stats = Arc::clone(running.log.stats());
    while stats.queue_bytes.load(Ordering::Relaxed) == 0 {
        std::thread::yield_now();
    }
    let flushes = disk.syncs();
    let other_shard = Arc::new(Shard::default());
    let mut other = running
        .log
        .register(Arc::clone(&other_shard) as Arc<dyn LogObserver>);
    for decree in 2..=20 {
        running
            .handle
            .submit(vec![mutation(0, 1, decree, 10)])
            .unwrap();
        other.submit(vec![mutation(1, 1, decree, 10)]).unwrap();
    }
    let nothing = running.handle.submit(Vec::new()).unwrap();
    assert_eq!(running.shard.safe(), 0, "nothing is safe before the flush");
    disk.release();
    running.shard.wait_safe(nothing);
    other_shard.wait_safe(19);
    assert_eq!(first, 1);
    assert_eq!(nothing, 21);
    // The first may have been taken alone or with some of the others.
    assert!(
        disk.syncs() - flushes <= 3,
        "{} flushes",
        disk.syncs() - flushes
    );
}

#[test]
fn segments_go_when_flushed_and_are_recycled() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("log");
    let mut running = Running::open(quick(&directory), OpenMode::Create);
    running.write(&[ballot(3, 7)]);
    for decree in 1..=40 {
        running.write(&[mutation(0, 1, decree, 600), mutation(1, 1, decree, 100)]);
    }
    let stats = Arc::clone(running.log.stats());
    let segments = running.log.decrees_of(gpid(0)).len();
    assert!(segments > 3);
    assert_eq!(running.log.total_bytes(), segments as u64 * (8 << 10));
    running.log.set_flushed(gpid(0), Decree(35));
    running.write(&[]);
    assert_eq!(
        running.log.decrees_of(gpid(0)).len(),
        segments,
        "the other replica keeps all"
    );
    running.log.set_flushed(gpid(1), Decree(35));
    running.write(&[]);
    running.write(&[]); // removal follows the report of the batch before
    let kept = running.log.decrees_of(gpid(0));
    assert!(kept.len() < segments);
    assert!(*kept[0].1.start() <= Decree(36), "36 is not flushed");
    assert!(stats.segments_removed.load(Ordering::Relaxed) > 1);
    assert_eq!(
        stats.spares.load(Ordering::Relaxed),
        2,
        "spares are bounded"
    );
    for decree in 41..=80 {
        running.write(&[mutation(0, 1, decree, 600), mutation(1, 1, decree, 100)]);
    }
    drop(running);

    let opened = Image::of(&directory).open(scratch.path());
    assert!(
        opened.report.damages.is_empty(),
        "{:?}",
        opened.report.damages
    );
    let mutations = (kept[0].1.start().0..=80).map(|decree| mutation(0, 1, decree, 600));
    let expected: Vec<Record> = [ballot(0, 1)].into_iter().chain(mutations).collect();
    assert!(
        records_of(&opened.replayed, gpid(0)) == expected,
        "all that was not flushed"
    );
    assert_eq!(
        opened.replayed[0],
        ballot(0, 1),
        "ballots of removed segments come first"
    );
    assert!(
        opened.replayed.contains(&ballot(3, 7)),
        "a ballot outlives its segment"
    );
    assert_eq!(opened.report.ballots[&gpid(3)], Ballot(7));
}

#[test]
fn the_log_names_who_keeps_it_large() {
    let scratch = tempfile::tempdir().unwrap();
    let options = LogOptions {
        size_limit: 16 << 10,
        ..quick(&scratch.path().join("log"))
    };
    let mut running = Running::open(options, OpenMode::Create);
    running.write(&[mutation(4, 1, 1, 10)]);
    assert_eq!(running.log.pinning(), []);
    for decree in 1..=20 {
        running.write(&[mutation(0, 1, decree, 2000)]);
    }
    let pinning = running.log.pinning();
    assert_eq!(pinning.last(), Some(&(gpid(4), Decree(1))));
    for (gpid, decree) in pinning {
        running.log.set_flushed(gpid, decree);
    }
    running.write(&[]);
    running.write(&[]);
    assert_eq!(running.log.pinning(), []);
    assert!(running.log.total_bytes() <= 16 << 10);
}

#[test]
fn a_forgotten_replica_keeps_nothing_and_leaves_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("log");
    let mut running = Running::open(quick(&directory), OpenMode::Create);
    running.write(&[ballot(0, 5), mutation(0, 5, 1, 10)]);
    for decree in 1..=10 {
        running.write(&[mutation(1, 1, decree, 3000)]);
    }
    running.log.set_flushed(gpid(1), Decree(10));
    running.write(&[Record::Forget { gpid: gpid(0) }]);
    running.write(&[]);
    assert!(running.log.decrees_of(gpid(1)).len() <= 1);
    running.log.close().unwrap();
    let report = Running::open(quick(&directory), OpenMode::MustExist).report;
    assert_eq!(report.ballots.keys().collect::<Vec<_>>(), [&gpid(1)]);
}

#[test]
fn restarts_without_writes_leave_no_trail() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("log");
    for _ in 0..5 {
        drop(Running::open(quick(&directory), OpenMode::Create));
    }
    let image = Image::of(&directory);
    assert_eq!(
        image
            .files
            .keys()
            .filter(|name| name.ends_with(".log"))
            .count(),
        1
    );
}

#[test]
fn a_log_that_should_be_there_and_is_not_is_an_error() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("log");
    let open = |mode| Log::open(quick(&directory), mode, &mut |_| {}).map(|_| ());
    assert!(matches!(
        open(OpenMode::MustExist),
        Err(OpenError::Missing { .. })
    ));
    std::fs::create_dir(&directory).unwrap();
    assert!(matches!(
        open(OpenMode::MustExist),
        Err(OpenError::Missing { .. })
    ));
    open(OpenMode::Create).unwrap();
    open(OpenMode::MustExist).unwrap();

    let whole = Image::of(&directory);
    let mut without_segments = whole.clone();
    without_segments.files.retain(|name, _| name == "MARKER");
    without_segments.write_to(&directory);
    for mode in [OpenMode::Create, OpenMode::MustExist] {
        let refused = open(mode).unwrap_err();
        assert!(
            refused.to_string().contains("lacks its segments"),
            "{refused}"
        );
    }
    let mut without_marker = whole;
    without_marker.files.remove("MARKER");
    without_marker.write_to(&directory);
    let refused = open(OpenMode::Create).unwrap_err();
    assert!(
        refused.to_string().contains("lacks its marker"),
        "{refused}"
    );
}

#[test]
fn an_interrupted_beginning_begins_again() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("log");
    let disk = Disk::default();
    let mut refusals = 0;
    let mut writes = 0;
    loop {
        disk.fail_writes_after(writes);
        let options = with_disk(&disk, quick(&directory));
        if Log::open(options, OpenMode::Create, &mut |_| {}).is_ok() {
            break;
        }
        refusals += 1;
        writes += 1;
    }
    assert!(
        refusals >= 3,
        "the marker, zeros and the segment are written"
    );
    disk.fail_writes_after(i64::MAX);
    let mut running = Running::open(with_disk(&disk, quick(&directory)), OpenMode::Create);
    running.write(&[mutation(0, 1, 1, 10)]);
    drop(running);
    let running = Running::open(with_disk(&disk, quick(&directory)), OpenMode::MustExist);
    assert_eq!(running.replayed, [mutation(0, 1, 1, 10)]);
    assert!(running.report.damages.is_empty());
}

#[test]
fn a_full_queue_gives_the_records_back() {
    let scratch = tempfile::tempdir().unwrap();
    let disk = Disk::default();
    let options = LogOptions {
        queue_bytes_max: 1000,
        ..with_disk(&disk, quick(&scratch.path().join("log")))
    };
    let mut running = Running::open(options, OpenMode::Create);
    disk.hold();
    let taken = running
        .handle
        .submit(vec![mutation(0, 1, 1, 2000)])
        .unwrap();
    assert!(!running.handle.has_room());
    let records = vec![mutation(0, 1, 2, 1)];
    let Err(SubmitError::Full(returned)) = running.handle.submit(records.clone()) else {
        panic!("the queue is full");
    };
    assert_eq!(returned, records);
    assert_eq!(running.handle.last_ticket(), taken);
    disk.release();
    running.shard.wait_safe(taken);
    assert!(running.handle.has_room());
    running.write(&returned);
    assert_eq!(running.log.stats().refused.load(Ordering::Relaxed), 1);
}

#[test]
fn a_record_beyond_the_formats_limit_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let mut running = Running::open(quick(&scratch.path().join("log")), OpenMode::Create);
    let refused = running
        .handle
        .submit(vec![mutation(0, 1, 1, Record::BYTES_MAX)]);
    assert!(matches!(refused, Err(SubmitError::TooLarge { .. })));
    running.write(&[mutation(0, 1, 1, 1)]);
}

/// After a failed flush the page cache is clean and the data are gone: trying again would "work".
#[test]
fn a_failed_flush_fails_the_log_for_good() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("log");
    let disk = Disk::default();
    let mut running = Running::open(with_disk(&disk, quick(&directory)), OpenMode::Create);
    running.write(&[mutation(0, 1, 1, 10)]);
    disk.fail_one_sync_after(0);
    running.handle.submit(vec![mutation(0, 1, 2, 10)]).unwrap();
    let failure = running.shard.wait_failed();
    assert!(failure.to_string().contains("cannot flush"), "{failure}");
    assert_eq!(running.shard.safe(), 1);
    let refused = running.handle.submit(vec![mutation(0, 1, 3, 10)]);
    assert!(matches!(refused, Err(SubmitError::Failed(_))));
    let late = Arc::new(Shard::default());
    drop(
        running
            .log
            .register(Arc::clone(&late) as Arc<dyn LogObserver>),
    );
    late.wait_failed();
    let busy = Log::open(quick(&directory), OpenMode::MustExist, &mut |_| {});
    assert!(
        matches!(busy, Err(OpenError::Lock(DirectoryLockError::InUse { .. }))),
        "the lock is held until it is dropped"
    );
    running.log.close().unwrap_err();
}

#[test]
fn wherever_a_write_fails_nothing_acknowledged_is_lost() {
    for writes in 0..24 {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().join("log");
        let disk = Disk::default();
        let mut running = Running::open(with_disk(&disk, quick(&directory)), OpenMode::Create);
        disk.fail_writes_after(writes);
        let mut submitted = Vec::new();
        for decree in 1.. {
            let record = mutation(0, 1, decree, 1500);
            let Ok(ticket) = running.handle.submit(vec![record.clone()]) else {
                break;
            };
            submitted.push(record);
            while running.shard.safe() < ticket && running.log.failure().is_none() {
                std::thread::yield_now();
            }
        }
        let safe = usize::try_from(running.shard.safe()).unwrap();
        drop(running);
        let opened = Image::of(&directory).open(scratch.path());
        assert!(
            opened.replayed.len() >= safe,
            "failure after {writes} writes"
        );
        assert_eq!(opened.replayed[..], submitted[..opened.replayed.len()]);
        assert_eq!(opened.report.doubts, Suspects::none());
        assert!(
            opened.report.damages.is_empty(),
            "{:?}",
            opened.report.damages
        );
    }
}

#[test]
fn without_flushes_a_reboot_leaves_doubt_until_it_is_settled() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("log");
    let disk = Disk::default();
    let options = || LogOptions {
        durability: Durability::Os,
        replicas: Some(BTreeSet::from([gpid(0), gpid(1), gpid(2)])),
        ..with_disk(&disk, quick(&directory))
    };
    let mut running = Running::open(options(), OpenMode::Create);
    let flushes = disk.syncs();
    for partition in 0..3 {
        running.write(&[mutation(partition, 1, 1, 10)]);
    }
    assert_eq!(disk.syncs(), flushes, "os durability does not flush");
    drop(running);

    let running = Running::open(options(), OpenMode::MustExist);
    assert_eq!(
        running.report.doubts,
        Suspects::none(),
        "only the process ended"
    );
    drop(running);

    disk.reboot();
    let mut running = Running::open(options(), OpenMode::MustExist);
    let all = Suspects::Only([gpid(0), gpid(1), gpid(2)].into());
    assert_eq!(running.report.doubts, all);
    running.write(&[
        Record::Reset {
            gpid: gpid(0),
            ballot: Ballot(2),
            decree: Decree(5),
        },
        Record::Forget { gpid: gpid(1) },
    ]);
    drop(running);

    let fsync = LogOptions {
        durability: Durability::Fsync,
        ..options()
    };
    let running = Running::open(fsync.clone(), OpenMode::MustExist);
    assert_eq!(
        running.report.doubts,
        Suspects::Only([gpid(2)].into()),
        "doubt outlives restarts"
    );
    drop(running);
    disk.reboot();
    let running = Running::open(fsync, OpenMode::MustExist);
    assert!(
        running.report.proven_complete(gpid(0)),
        "nothing was written without a flush"
    );
    assert!(!running.report.proven_complete(gpid(2)));
}

#[test]
fn a_payload_that_does_not_fit_its_checksum_is_not_delivered() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("log");
    let mut running = Running::open(quick(&directory), OpenMode::Create);
    let mut wrong = mutation(0, 1, 1, 10);
    if let Record::Mutation(mutation) = &mut wrong {
        mutation.checksum ^= 1;
    }
    running.write(&[wrong, mutation(1, 1, 1, 10)]);
    drop(running);
    let running = Running::open(quick(&directory), OpenMode::MustExist);
    assert_eq!(running.replayed, [mutation(1, 1, 1, 10)]);
    assert_eq!(running.report.doubts, Suspects::Only([gpid(0)].into()));
}

#[test]
fn options_that_contradict_themselves_are_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("log");
    let tiny = LogOptions {
        segment_bytes: 100,
        ..quick(&directory)
    };
    let refused = Log::open(tiny, OpenMode::Create, &mut |_| {}).unwrap_err();
    assert!(refused.to_string().contains("segment_bytes"), "{refused}");
    assert!(!directory.exists());
}

#[test]
fn a_vouched_replica_keeps_its_records_and_is_no_longer_in_doubt() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("log");
    let mut running = Running::open(quick(&directory), OpenMode::Create);
    for decree in 1..=3 {
        running.write(&[mutation(0, 1, decree, 400), mutation(1, 1, decree, 400)]);
    }
    drop(running);
    let damage = |image: &mut Image, segment: u64, batch: usize| {
        image.segment(segment)[2048 + batch * 1536 + 600] ^= 1;
        image.write_to(&directory);
    };
    damage(&mut Image::of(&directory), 1, 1);
    let mut running = Running::open(quick(&directory), OpenMode::MustExist);
    let doubted = running.report.doubts.clone();
    assert!(!doubted.is_none(), "{:?}", running.report.damages);
    let gpids: Vec<_> = [gpid(0), gpid(1)]
        .into_iter()
        .filter(|gpid| doubted.contains(*gpid))
        .collect();
    let before = running.replayed.clone();
    running.write(&[mutation(0, 1, 4, 400), mutation(1, 1, 4, 400)]);
    let vouch = |gpid| Record::Vouch {
        gpid,
        ballot: Ballot(7),
    };
    let vouches: Vec<Record> = gpids.iter().copied().map(vouch).collect();
    running.write(&vouches);
    drop(running);

    for _ in 0..2 {
        let running = Running::open(quick(&directory), OpenMode::MustExist);
        assert_eq!(running.report.damages.len(), 1, "it is still there");
        assert_eq!(running.report.doubts, Suspects::none());
        assert_eq!(running.replayed[..before.len()], before);
        assert_eq!(running.report.ballots[&gpids[0]], Ballot(7));
    }
    // What happens to the records of the vouching run is another matter.
    damage(&mut Image::of(&directory), 2, 0);
    let running = Running::open(quick(&directory), OpenMode::MustExist);
    assert!(!running.report.doubts.is_none());
}

#[test]
fn a_vouch_for_a_replica_that_was_in_no_doubt_settles_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("log");
    let mut running = Running::open(quick(&directory), OpenMode::Create);
    running.write(&[mutation(0, 1, 1, 400)]);
    drop(running);
    let mut running = Running::open(quick(&directory), OpenMode::MustExist);
    running.write(&[Record::Vouch {
        gpid: gpid(0),
        ballot: Ballot(2),
    }]);
    drop(running);
    let mut image = Image::of(&directory);
    image.segment(1)[2048 + 100] ^= 1;
    let opened = image.open(scratch.path());
    assert!(!opened.report.proven_complete(gpid(0)));
}
