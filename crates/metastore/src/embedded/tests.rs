//! A member's directory after every kind of end: cut, torn, damaged, refused. And what the consensus
//! asks of its storage.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;

use openraft::EntryPayload;
use openraft::StorageError;
use openraft::testing::log::{StoreBuilder, Suite};
use openraft::vote::RaftLeaderIdExt as _;
use openraft_rt_tokio::TokioRuntime;

use super::content::Record;
use super::journal::{FileJournal, JournalOptions};
use super::medium::{FileMedium, Medium, OpenMedium};
use super::server_store::NoLink;
use super::types::{GroupTypes, LeaderId, LogId, Vote};
use super::*;

fn open(path: &Path) -> Result<(FileJournal, Content), OpenError> {
    FileJournal::open(path, JournalOptions::default())
}

/// Makes records durable, as one batch.
fn append(journal: &FileJournal, records: Vec<Record>) -> std::io::Result<()> {
    let (tell, told) = mpsc::channel();
    let flushed = move |outcome| drop(tell.send(outcome));
    journal.append(records, Some(Box::new(flushed)));
    told.recv().unwrap()
}

/// A member that reaches nobody.
pub(super) async fn member(
    journal: FileJournal,
    content: Content,
    options: GroupOptions,
) -> ServerStore {
    let parts = GroupParts {
        content,
        journal: Arc::new(journal),
        link: Arc::new(NoLink),
        clock: Arc::new(MonotonicMillis::now),
        options,
    };
    ServerStore::start(parts).await.unwrap()
}

async fn elected(store: &ServerStore) -> Epoch {
    store.campaign().await.unwrap();
    let mut view = store.leadership();
    let leads = view.wait_for(|view| view.epoch().is_some()).await;
    leads.unwrap().epoch().unwrap()
}

fn entry(index: u64, value: impl Into<Bytes>) -> Record {
    let transaction = Transaction::new().put(format!("key{index}"), value);
    let epoch = Epoch(1);
    let leader = LeaderId::new_committed(1, MemberId(1));
    Record::Entry(types::Entry {
        log_id: LogId::new(leader, index),
        payload: EntryPayload::Normal(Command::Commit { epoch, transaction }),
    })
}

/// A closed journal with a promise and four entries, one batch each.
fn filled() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let (journal, content) = open(directory.path()).unwrap();
    assert!(content.is_pristine() && content.member.is_some());
    append(&journal, vec![Record::Vote(Vote::new(1, MemberId(1)))]).unwrap();
    for index in 0..4 {
        append(&journal, vec![entry(index, format!("value{index}"))]).unwrap();
    }
    directory
}

fn log_of(directory: &tempfile::TempDir) -> PathBuf {
    directory.path().join(format!("{:020}.log", 0))
}

/// Where each batch begins, and the end.
fn batch_offsets(log: &[u8]) -> Vec<usize> {
    let mut offsets = vec![framing::FILE_HEADER_BYTES];
    while let Some(&offset) = offsets.last()
        && offset < log.len()
    {
        let header = framing::BatchHeader::read(&log[offset..]).unwrap();
        offsets.push(offset + header.batch_bytes());
    }
    offsets
}

#[test]
fn a_log_cut_short_keeps_every_whole_batch() {
    let directory = filled();
    let log = fs::read(log_of(&directory)).unwrap();
    let offsets = batch_offsets(&log);
    assert_eq!(offsets.len(), 6);
    for cut in (framing::FILE_HEADER_BYTES..log.len()).step_by(3) {
        fs::write(log_of(&directory), &log[..cut]).unwrap();
        let (journal, content) = open(directory.path()).unwrap();
        let whole = offsets.iter().filter(|&&offset| offset <= cut).count() - 1;
        let entries = whole.saturating_sub(1);
        assert_eq!(content.entries.len(), entries, "cut at {cut}");
        assert_eq!(content.vote.is_some(), whole > 0, "cut at {cut}");
        append(&journal, vec![entry(entries as u64, "after the cut")]).unwrap();
        drop(journal);
        let (_, content) = open(directory.path()).unwrap();
        assert_eq!(content.entries.len(), entries + 1, "cut at {cut}");
    }
}

#[test]
fn a_bit_flipped_in_any_byte_is_reported_with_file_and_offset() {
    let directory = filled();
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

#[test]
fn missing_sectors_of_the_last_write_are_cut_and_of_earlier_ones_reported() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, _) = open(directory.path()).unwrap();
    append(&journal, vec![Record::Vote(Vote::new(1, MemberId(1)))]).unwrap();
    for index in 0..2 {
        append(&journal, vec![entry(index, vec![7; 3_000])]).unwrap();
    }
    drop(journal);
    let log = fs::read(log_of(&directory)).unwrap();
    let offsets = batch_offsets(&log);
    let (second, last) = (offsets[1], offsets[2]);
    let sectors = (0..log.len()).step_by(framing::SECTOR_BYTES);
    for start in sectors.filter(|&start| start > second) {
        let end = (start + framing::SECTOR_BYTES).min(log.len());
        let mut torn = log.clone();
        // A sector in which two batches meet was flushed with the earlier one.
        torn[start.max(if end > last { last } else { 0 })..end].fill(0);
        fs::write(log_of(&directory), &torn).unwrap();
        let opened = open(directory.path());
        if end > last {
            let (_, content) = opened.unwrap();
            assert_eq!(content.entries.len(), 1, "sector at {start}");
        } else {
            assert!(
                matches!(opened, Err(OpenError::Corrupt { .. })),
                "sector at {start}"
            );
        }
    }
}

#[test]
fn values_full_of_zeros_do_not_pass_for_missing_sectors() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, _) = open(directory.path()).unwrap();
    append(&journal, vec![entry(0, vec![0; 4_096])]).unwrap();
    drop(journal);
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

#[test]
fn a_damaged_or_missing_file_is_no_empty_start() {
    let directory = filled();
    let base = directory.path().join(format!("{:020}.base", 0));
    let bytes = fs::read(&base).unwrap();
    for byte in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[byte] ^= 0x10;
        fs::write(&base, &damaged).unwrap();
        let refused = open(directory.path());
        assert!(
            matches!(refused, Err(OpenError::Corrupt { .. })),
            "byte {byte}"
        );
    }
    fs::remove_file(&base).unwrap();
    // A log of generation 0 with content and without base is not a first start either.
    let refused = open(directory.path());
    assert!(
        matches!(refused, Err(OpenError::Incomplete { .. })),
        "{refused:?}"
    );
    fs::write(&base, &bytes).unwrap();
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

#[test]
fn one_process_at_a_time() {
    let directory = filled();
    let (journal, _) = open(directory.path()).unwrap();
    let options = JournalOptions {
        predecessor_patience: Duration::ZERO,
        ..JournalOptions::default()
    };
    assert!(matches!(
        FileJournal::open(directory.path(), options),
        Err(OpenError::Lock(DirectoryLockError::InUse { .. }))
    ));
    journal.close();
    open(directory.path()).unwrap();
}

#[test]
fn an_interrupted_change_of_generation_leaves_the_old_one() {
    let directory = filled();
    let next = directory.path().join(format!("{:020}.log", 1));
    fs::write(&next, framing::file_header(1)).unwrap();
    fs::write(next.with_extension("tmp"), "half a base").unwrap();
    let (_journal, content) = open(directory.path()).unwrap();
    assert_eq!(content.entries.len(), 4);
    assert!(!next.exists() && !next.with_extension("tmp").exists());
}

#[tokio::test]
async fn the_directory_stays_small() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, content) = FileJournal::open(
        directory.path(),
        JournalOptions {
            log_bytes_max: 1_000,
            ..JournalOptions::default()
        },
    )
    .unwrap();
    let options = GroupOptions {
        snapshot_entries: 8,
        ..GroupOptions::default()
    };
    let store = member(journal, content, options).await;
    store.join_group("alone", &[]).await.unwrap();
    let epoch = elected(&store).await;
    for number in 0..400 {
        let put = Transaction::new().put("key", format!("value{number}"));
        store.commit(epoch, put).await.unwrap();
    }
    store.close().await;
    let files: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(files.len(), 3, "{files:?}");
    let sizes = files
        .into_iter()
        .map(|file| file.unwrap().metadata().unwrap().len());
    let bytes = sizes.sum::<u64>();
    assert!(bytes < 10_000, "{bytes} bytes");
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
    let options = JournalOptions::default();
    let store = ServerStore::open_alone(directory.path(), options).await;
    store.unwrap().close().await;
    let flushes_left = Arc::new(AtomicU32::new(u32::MAX));
    let shared = Arc::clone(&flushes_left);
    let medium: OpenMedium = Box::new(move |file| {
        Box::new(Failing {
            inner: FileMedium::new(file),
            flushes_left: Arc::clone(&shared),
        })
    });
    let (journal, content) = FileJournal::open_with(directory.path(), options, medium).unwrap();
    let store = member(journal, content, GroupOptions::default()).await;
    let epoch = elected(&store).await;
    let put = |value: &'static str| store.commit(epoch, Transaction::new().put("a", value));
    put("1").await.unwrap();
    flushes_left.store(0, Ordering::Relaxed);
    for value in ["2", "3"] {
        let failed = put(value).await;
        assert!(
            matches!(failed, Err(CommitError::Failed { .. })),
            "{failed:?}"
        );
        let mut view = store.leadership();
        view.wait_for(|view| *view == Leadership::UNKNOWN)
            .await
            .unwrap();
    }
    assert!(store.get(Bytes::from_static(b"a")).await.is_err());
    assert!(store.campaign().await.is_err());
}

struct Directories;

impl
    StoreBuilder<
        GroupTypes<TokioRuntime>,
        LogStorage<TokioRuntime>,
        StateMachine<TokioRuntime>,
        tempfile::TempDir,
    > for Directories
{
    async fn build(
        &self,
    ) -> Result<
        (
            tempfile::TempDir,
            LogStorage<TokioRuntime>,
            StateMachine<TokioRuntime>,
        ),
        StorageError<GroupTypes<TokioRuntime>>,
    > {
        let directory = tempfile::tempdir().unwrap();
        let (journal, content) = open(directory.path()).unwrap();
        let journal: Arc<dyn Journal> = Arc::new(journal);
        let machine = StateMachine::new(None, Arc::clone(&journal)).unwrap();
        Ok((directory, LogStorage::new(content, journal), machine))
    }
}

#[tokio::test]
async fn the_storage_is_what_the_consensus_expects() {
    Suite::test_all(Directories).await.unwrap();
}
