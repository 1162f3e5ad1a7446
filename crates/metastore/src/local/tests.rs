//! The local store's directory after every kind of end: cut, torn, damaged, refused.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use super::medium::Medium;
use super::*;

async fn elected(store: &LocalStore) -> Epoch {
    store.campaign().await.unwrap();
    let epoch = store.leadership().borrow().epoch();
    epoch.unwrap()
}

fn open(path: &Path) -> Result<LocalStore, OpenError> {
    LocalStore::open(path, LocalOptions::default())
}

/// A closed store with four commits, one batch each, after the batch of its epoch.
async fn filled() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    let epoch = elected(&store).await;
    for number in 1..=4 {
        let put = Transaction::new().put(format!("key{number}"), format!("value{number}"));
        store.commit(epoch, put).await.unwrap();
    }
    directory
}

fn log_of(directory: &tempfile::TempDir) -> PathBuf {
    directory.path().join(format!("{:020}.log", 0))
}

/// Where each batch begins, and the end.
fn batch_offsets(log: &[u8]) -> Vec<usize> {
    let mut offsets = vec![record::FILE_HEADER_BYTES];
    while let Some(&offset) = offsets.last()
        && offset < log.len()
    {
        let header = record::BatchHeader::read(&log[offset..]).unwrap();
        offsets.push(offset + header.batch_bytes());
    }
    offsets
}

async fn key_count(store: &LocalStore) -> usize {
    store.scan(ScanRange::default(), 100).await.unwrap().len()
}

#[tokio::test]
async fn a_log_cut_short_keeps_every_whole_batch() {
    let directory = filled().await;
    let log = fs::read(log_of(&directory)).unwrap();
    let offsets = batch_offsets(&log);
    assert_eq!(offsets.len(), 6);
    for cut in (record::FILE_HEADER_BYTES..log.len()).step_by(3) {
        fs::write(log_of(&directory), &log[..cut]).unwrap();
        let store = open(directory.path()).unwrap();
        let whole = offsets.iter().filter(|&&offset| offset <= cut).count() - 1;
        assert_eq!(
            key_count(&store).await,
            whole.saturating_sub(1),
            "cut at {cut}"
        );
        let epoch = elected(&store).await;
        let put = Transaction::new().put("after", "the cut");
        store.commit(epoch, put).await.unwrap();
        drop(store);
        let store = open(directory.path()).unwrap();
        assert_eq!(
            key_count(&store).await,
            whole.saturating_sub(1) + 1,
            "cut at {cut}"
        );
    }
}

#[tokio::test]
async fn a_bit_flipped_in_any_byte_is_reported_with_file_and_offset() {
    let directory = filled().await;
    let log = fs::read(log_of(&directory)).unwrap();
    let offsets = batch_offsets(&log);
    for bit in (0..log.len()).map(|byte| byte * 8 + byte % 8) {
        let mut damaged = log.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        fs::write(log_of(&directory), &damaged).unwrap();
        match open(directory.path()) {
            Err(OpenError::Corrupt { path, offset, .. }) => {
                assert_eq!(path, log_of(&directory));
                let batch = offsets.iter().rev().find(|&&start| start <= bit / 8);
                assert_eq!(offset, *batch.unwrap_or(&0) as u64, "bit {bit}");
            }
            other => panic!("bit {bit}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn missing_sectors_of_the_last_write_are_cut_and_of_earlier_ones_reported() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    let epoch = elected(&store).await;
    for key in ["one", "two"] {
        let put = Transaction::new().put(key, vec![7; 3_000]);
        store.commit(epoch, put).await.unwrap();
    }
    drop(store);
    let log = fs::read(log_of(&directory)).unwrap();
    let offsets = batch_offsets(&log);
    let (second, last) = (offsets[1], offsets[2]);
    let sectors = (0..log.len()).step_by(record::SECTOR_BYTES);
    for start in sectors.filter(|&start| start > second) {
        let end = (start + record::SECTOR_BYTES).min(log.len());
        let mut torn = log.clone();
        // A sector in which two batches meet was flushed with the earlier one.
        torn[start.max(if end > last { last } else { 0 })..end].fill(0);
        fs::write(log_of(&directory), &torn).unwrap();
        let opened = open(directory.path());
        if end > last {
            assert_eq!(key_count(&opened.unwrap()).await, 1, "sector at {start}");
        } else {
            assert!(
                matches!(opened, Err(OpenError::Corrupt { .. })),
                "sector at {start}"
            );
        }
    }
}

#[tokio::test]
async fn values_full_of_zeros_do_not_pass_for_missing_sectors() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    let epoch = elected(&store).await;
    let put = Transaction::new().put("zeros", vec![0; 4_096]);
    store.commit(epoch, put).await.unwrap();
    drop(store);
    let mut log = fs::read(log_of(&directory)).unwrap();
    let inside = log.len() - 100;
    log[inside] ^= 1;
    fs::write(log_of(&directory), &log).unwrap();
    let refused = open(directory.path());
    assert!(
        matches!(refused, Err(OpenError::Corrupt { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_damaged_or_missing_file_is_no_empty_start() {
    let directory = filled().await;
    let snapshot = directory.path().join(format!("{:020}.snapshot", 0));
    let bytes = fs::read(&snapshot).unwrap();
    for byte in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[byte] ^= 0x10;
        fs::write(&snapshot, &damaged).unwrap();
        let refused = open(directory.path());
        assert!(
            matches!(refused, Err(OpenError::Corrupt { .. })),
            "byte {byte}"
        );
    }
    fs::remove_file(&snapshot).unwrap();
    // A log of generation 0 with content and without snapshot is not a first start either.
    let refused = open(directory.path());
    assert!(
        matches!(refused, Err(OpenError::Incomplete { .. })),
        "{refused:?}"
    );
    fs::write(&snapshot, &bytes).unwrap();
    fs::remove_file(log_of(&directory)).unwrap();
    let refused = open(directory.path());
    assert!(
        matches!(refused, Err(OpenError::Incomplete { .. })),
        "{refused:?}"
    );
    let foreign = tempfile::tempdir().unwrap();
    fs::write(foreign.path().join("holiday.jpg"), "x").unwrap();
    let refused = open(foreign.path());
    assert!(
        matches!(refused, Err(OpenError::Incomplete { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn one_process_at_a_time() {
    let directory = filled().await;
    let store = open(directory.path()).unwrap();
    let options = LocalOptions {
        predecessor_patience: Duration::ZERO,
        ..LocalOptions::default()
    };
    assert!(matches!(
        LocalStore::open(directory.path(), options),
        Err(OpenError::Lock(DirectoryLockError::InUse { .. }))
    ));
    drop(store);
    open(directory.path()).unwrap();
}

#[tokio::test]
async fn an_interrupted_change_of_generation_leaves_the_old_one() {
    let directory = filled().await;
    let next = directory.path().join(format!("{:020}.log", 1));
    fs::write(&next, record::file_header(1)).unwrap();
    fs::write(next.with_extension("tmp"), "half a snapshot").unwrap();
    let store = open(directory.path()).unwrap();
    assert_eq!(key_count(&store).await, 4);
    assert!(!next.exists() && !next.with_extension("tmp").exists());
}

#[tokio::test]
async fn the_directory_stays_small() {
    let directory = tempfile::tempdir().unwrap();
    let options = LocalOptions {
        log_bytes_max: 1_000,
        ..LocalOptions::default()
    };
    let store = LocalStore::open(directory.path(), options).unwrap();
    let epoch = elected(&store).await;
    for number in 0..200 {
        let put = Transaction::new().put("key", format!("value{number}"));
        store.commit(epoch, put).await.unwrap();
    }
    drop(store);
    let files: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(files.len(), 3, "{files:?}");
    let sizes = files
        .into_iter()
        .map(|file| file.unwrap().metadata().unwrap().len());
    assert!(sizes.sum::<u64>() < 3_000);
}

/// Fails one call of `flush_to_disk`.
struct Failing {
    inner: FileMedium,
    flushes_left: Arc<AtomicU32>,
}

impl Medium for Failing {
    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.inner.append(bytes)
    }

    fn flush_to_disk(&mut self) -> std::io::Result<()> {
        if self.flushes_left.fetch_sub(1, Ordering::Relaxed) == 0 {
            return Err(std::io::Error::other("injected"));
        }
        self.inner.flush_to_disk()
    }
}

#[tokio::test]
async fn a_failed_flush_fails_the_store_for_good() {
    let directory = tempfile::tempdir().unwrap();
    let flushes_left = Arc::new(AtomicU32::new(2));
    let shared = Arc::clone(&flushes_left);
    let medium: OpenMedium = Box::new(move |file| {
        Box::new(Failing {
            inner: FileMedium::new(file),
            flushes_left: Arc::clone(&shared),
        })
    });
    let options = LocalOptions::default();
    let store = LocalStore::open_with(directory.path(), options, medium).unwrap();
    let epoch = elected(&store).await;
    let put = |value: &'static str| store.commit(epoch, Transaction::new().put("a", value));
    put("1").await.unwrap();
    for value in ["2", "3"] {
        let failed = put(value).await;
        assert!(
            matches!(failed, Err(CommitError::Failed { .. })),
            "{failed:?}"
        );
    }
    assert_eq!(*store.leadership().borrow(), Leadership::UNKNOWN);
    assert!(store.get(Bytes::from_static(b"a")).await.is_err());
    assert!(store.campaign().await.is_err());
}
