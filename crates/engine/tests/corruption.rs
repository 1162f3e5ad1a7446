//! A changed byte in a data file: every way to read fails, and none gives wrong bytes.

#![allow(
    clippy::unwrap_used,
    reason = "a test may panic in its helper functions too"
)]

#[allow(dead_code, reason = "each test uses its part")]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bytes::Bytes;
use pegasus_common::{StorageStatus, key};
use pegasus_engine::{
    CloseMode, Engine, EngineError, EngineSetup, Found, OpenMode, ReadAt, ReadOutcome, ReadTier,
    SettingsHandle, Shared, WriteOperation, checkpoint_mark,
};
use pegasus_wire::rrdb::{GetScannerRequest, MultiGetRequest, UpdateRequest};
use support::{NOW_S, Recorder, Replica, shared};

const RECORDS: usize = 100;
const ALL: ReadAt = ReadAt {
    now_epoch_s: NOW_S,
    tier: ReadTier::All,
};

fn sort_key(number: usize) -> String {
    format!("{number:03}")
}

fn raw(number: usize) -> Bytes {
    Bytes::from(key::encode(b"hash", sort_key(number).as_bytes()).unwrap())
}

/// Different in every record, so that a wrong one is noticed.
fn value(number: usize) -> Bytes {
    Bytes::from(format!("{number:03}").repeat(100))
}

/// A closed database with everything in data files.
fn filled(shared: &Shared, dir: &Path) {
    let mut replica = Replica::open(shared, dir, OpenMode::Create);
    for number in 0..RECORDS {
        let request = UpdateRequest {
            key: raw(number),
            value: value(number),
            ..UpdateRequest::default()
        };
        replica.write(WriteOperation::Put(&request));
    }
    replica.engine.close(CloseMode::Flush).unwrap();
}

fn data_files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sst"))
        .collect();
    files.sort_by_key(|path| std::cmp::Reverse(fs::metadata(path).unwrap().len()));
    files
}

fn open(shared: &Shared, dir: &Path) -> Result<(Engine, std::sync::Arc<Recorder>), EngineError> {
    let recorder = std::sync::Arc::new(Recorder::default());
    let setup = EngineSetup {
        dir: dir.to_owned(),
        mode: OpenMode::MustExist,
        settings: SettingsHandle::default(),
        listener: recorder.clone(),
    };
    Ok((Engine::open(shared, setup)?, recorder))
}

fn copy_to(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Reads everything in every way; how many reads met corruption. Panics if one gave a wrong answer.
fn corrupt_reads(engine: &Engine) -> usize {
    let corruption = StorageStatus::Corruption.code();
    let mut corrupt = 0;
    for number in 0..RECORDS {
        match engine.get(&raw(number), ALL) {
            ReadOutcome::Done(Found::Value(read)) => assert_eq!(*read, value(number)),
            ReadOutcome::Done(Found::Failed(StorageStatus::Corruption)) => corrupt += 1,
            ReadOutcome::Done(other) => panic!("record {number}: {:?}", other.status()),
            ReadOutcome::NeedsDisk => panic!("this tier reads the disk"),
        }
    }
    let range = MultiGetRequest {
        hash_key: Bytes::from_static(b"hash"),
        max_kv_count: -1,
        max_kv_size: -1,
        ..MultiGetRequest::default()
    };
    for reverse in [false, true] {
        let request = MultiGetRequest {
            reverse,
            ..range.clone()
        };
        let answer = engine.multi_get(&request, ALL).done().unwrap();
        if answer.error == corruption {
            assert!(answer.kvs.is_empty());
            corrupt += 1;
        } else {
            let values = answer.kvs.iter().map(|pair| pair.value.clone());
            assert!(values.eq((0..RECORDS).map(value)), "{}", answer.error);
        }
    }
    let count = engine.sortkey_count(b"hash", ALL).done().unwrap();
    if count.error == corruption {
        corrupt += 1;
    } else {
        assert_eq!(count.count, i64::try_from(RECORDS).unwrap());
    }
    corrupt + corrupt_scans(engine)
}

fn corrupt_scans(engine: &Engine) -> usize {
    let request = GetScannerRequest {
        start_key: Bytes::from(key::encode(b"hash", b"").unwrap()),
        stop_key: Bytes::from_static(&[0xff, 0xff]),
        start_inclusive: true,
        batch_size: 1000,
        ..GetScannerRequest::default()
    };
    let answer = engine.get_scanner(&request, NOW_S, Instant::now());
    if answer.error == StorageStatus::Corruption.code() {
        assert!(answer.kvs.is_empty());
        return 1 + usize::from(engine.digest_of_all(NOW_S).is_err());
    }
    assert_eq!(answer.error, 0);
    let values = answer.kvs.iter().map(|pair| pair.value.clone());
    assert!(values.eq((0..RECORDS).map(value)));
    0
}

#[test]
fn no_read_gives_what_a_changed_block_holds() {
    let dir = tempfile::tempdir().unwrap();
    let shared = shared();
    let (sound, changed) = (dir.path().join("sound"), dir.path().join("changed"));
    filled(&shared, &sound);
    let file = data_files(&sound)[0].clone();
    copy_to(&sound, &changed);
    let target = changed.join(file.file_name().unwrap());
    let mut bytes = fs::read(&target).unwrap();
    bytes[1000] ^= 0x40; // in the first blocks of data
    fs::write(&target, bytes).unwrap();
    let (engine, recorder) = open(&shared, &changed).unwrap();
    let corrupt = corrupt_reads(&engine);
    assert!(
        corrupt >= 6,
        "{corrupt}: get, multi_get, count, scan, digest"
    );
    let failures = recorder.failures.lock().unwrap();
    assert_eq!(failures.len(), 1, "told once: {failures:?}");
    assert_eq!(failures[0].status, StorageStatus::Corruption);
}

#[test]
fn wherever_a_byte_changes_the_answer_is_right_or_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let shared = shared();
    let (sound, changed) = (dir.path().join("sound"), dir.path().join("changed"));
    filled(&shared, &sound);
    let (mut refused, mut failed) = (0, 0);
    for file in data_files(&sound) {
        let bytes = fs::read(&file).unwrap();
        for at in (0..bytes.len()).step_by(bytes.len() / 60 + 1) {
            copy_to(&sound, &changed);
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x04;
            fs::write(changed.join(file.file_name().unwrap()), bytes).unwrap();
            // What a learner does with a checkpoint that it has fetched.
            let mark = checkpoint_mark(&changed);
            match open(&shared, &changed) {
                Ok((engine, _)) => failed += usize::from(corrupt_reads(&engine) > 0),
                Err(error) => {
                    assert_eq!(
                        error.status(),
                        StorageStatus::Corruption,
                        "byte {at}: {error:?}"
                    );
                    assert!(mark.is_err(), "byte {at}");
                    refused += 1;
                }
            }
        }
    }
    assert!(
        failed > 5 && refused > 5,
        "{failed} failed, {refused} refused"
    );
}
