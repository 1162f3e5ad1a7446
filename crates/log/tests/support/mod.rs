//! What the log's tests share: a producer that waits, records, a disk with faults, and images of a
//! log directory that can be damaged and opened.

#![allow(dead_code)] // each test binary uses its part

pub mod power;

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use pegasus_common::{Ballot, Decree, Gpid};
use pegasus_log::file_layer::{Access, BootId, FileLayer, LogFile, OsFiles};
use pegasus_log::{
    Log, LogFailure, LogHandle, LogObserver, LogOptions, MutationRecord, OpenError, OpenMode,
    Record, RecoveryReport,
};

/// Remembers what the log reported.
#[derive(Default)]
pub struct Shard {
    heard: Mutex<(u64, Vec<LogFailure>)>,
    changed: Condvar,
}

impl LogObserver for Shard {
    fn on_safe(&self, ticket: u64) {
        let mut heard = self.heard.lock();
        assert!(ticket > heard.0, "tickets grow");
        heard.0 = ticket;
        self.changed.notify_all();
    }

    fn on_failed(&self, failure: &LogFailure) {
        self.heard.lock().1.push(failure.clone());
        self.changed.notify_all();
    }
}

impl Shard {
    pub fn safe(&self) -> u64 {
        self.heard.lock().0
    }

    pub fn wait_safe(&self, ticket: u64) {
        let mut heard = self.heard.lock();
        while heard.0 < ticket {
            assert!(heard.1.is_empty(), "{:?}", heard.1);
            self.changed.wait(&mut heard);
        }
    }

    pub fn wait_failed(&self) -> LogFailure {
        let mut heard = self.heard.lock();
        while heard.1.is_empty() {
            self.changed.wait(&mut heard);
        }
        assert_eq!(heard.1.len(), 1, "told once");
        heard.1[0].clone()
    }
}

/// An open log with one producer.
pub struct Running {
    pub log: Log,
    pub handle: LogHandle,
    pub shard: Arc<Shard>,
    pub report: RecoveryReport,
    pub replayed: Vec<Record>,
}

impl Running {
    pub fn open(options: LogOptions, mode: OpenMode) -> Self {
        Self::try_open(options, mode).expect("the log opens")
    }

    pub fn try_open(options: LogOptions, mode: OpenMode) -> Result<Self, OpenError> {
        let mut replayed = Vec::new();
        let (log, report) = Log::open(options, mode, &mut |record| replayed.push(record))?;
        let shard = Arc::new(Shard::default());
        let handle = log.register(Arc::clone(&shard) as Arc<dyn LogObserver>);
        Ok(Self {
            log,
            handle,
            shard,
            report,
            replayed,
        })
    }

    /// Writes one batch and waits until it is safe.
    pub fn write(&mut self, records: &[Record]) {
        let ticket = self
            .handle
            .submit(records.to_vec())
            .expect("the log takes records");
        self.shard.wait_safe(ticket);
    }
}

pub fn gpid(partition: i32) -> Gpid {
    Gpid::new(2, partition)
}

pub fn mutation(partition: i32, ballot: i64, decree: i64, size: usize) -> Record {
    let fill = u8::try_from(decree % 251).expect("less than 251");
    let payload = vec![fill; size];
    Record::Mutation(MutationRecord {
        gpid: gpid(partition),
        ballot: Ballot(ballot),
        decree: Decree(decree),
        timestamp_us: 1_000_000 + decree,
        last_committed: Decree(decree - 1),
        checksum: crc32c::crc32c(&payload),
        payload: payload.into(),
    })
}

pub fn ballot(partition: i32, ballot: i64) -> Record {
    Record::Ballot {
        gpid: gpid(partition),
        ballot: Ballot(ballot),
    }
}

/// Small segments and no real flushes: for tests that open a log thousands of times.
pub fn quick(directory: &Path) -> LogOptions {
    LogOptions {
        segment_bytes: 8 << 10,
        space_retry_interval: Duration::from_millis(1),
        files: Arc::new(Disk::default()),
        ..LogOptions::new(directory)
    }
}

/// Files of the operating system without real flushes, with faults on demand and a boot id of the
/// test's choice.
pub struct Disk {
    state: Arc<DiskState>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The disk refuses: a file that is to be made, a write, a flush, a flush of the directory.
    Refusal,
    /// As a refusal; a write has put half of its bytes there.
    TornRefusal,
    /// No space for a file that is to be made, or for a write.
    Full,
    /// As `Full`; a write has put half of its bytes there.
    TornFull,
}

/// Operations that the disk does wrong: `count` of them after `passed` have passed.
#[derive(Clone, Copy, Debug)]
pub struct FaultPlan {
    pub fault: Fault,
    pub passed: u64,
    pub count: u64,
}

/// What is done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Make,
    Write,
    Flush,
}

struct DiskState {
    plan: Mutex<Option<FaultPlan>>,
    writes_left: AtomicI64,
    syncs_left: AtomicI64,
    boot: AtomicU64,
    syncs: AtomicU64,
    hold: Mutex<bool>,
    released: Condvar,
}

impl Default for Disk {
    fn default() -> Self {
        Self {
            state: Arc::new(DiskState {
                plan: Mutex::new(None),
                writes_left: AtomicI64::new(i64::MAX),
                syncs_left: AtomicI64::new(i64::MAX),
                boot: AtomicU64::new(1),
                syncs: AtomicU64::new(0),
                hold: Mutex::new(false),
                released: Condvar::new(),
            }),
        }
    }
}

impl Disk {
    pub fn another_handle(&self) -> Self {
        Self {
            state: Arc::clone(&self.state),
        }
    }

    /// From now on.
    pub fn plan(&self, plan: FaultPlan) {
        *self.state.plan.lock() = Some(plan);
    }

    /// Whether the planned fault has begun; there will be no more of it.
    pub fn end_plan(&self) -> bool {
        let plan = self.state.plan.lock().take();
        plan.is_none_or(|plan| plan.passed == 0)
    }

    /// Lets `count` more writes pass, then fails all.
    pub fn fail_writes_after(&self, count: i64) {
        self.state.writes_left.store(count, Ordering::SeqCst);
    }

    /// Lets `count` more flushes pass, fails the next, and lets later ones pass again: as Linux
    /// does after it dropped the dirty pages.
    pub fn fail_one_sync_after(&self, count: i64) {
        self.state.syncs_left.store(count, Ordering::SeqCst);
    }

    pub fn reboot(&self) {
        self.state.boot.fetch_add(1, Ordering::SeqCst);
    }

    pub fn syncs(&self) -> u64 {
        self.state.syncs.load(Ordering::SeqCst)
    }

    /// Makes flushes wait until released.
    pub fn hold(&self) {
        *self.state.hold.lock() = true;
    }

    pub fn release(&self) {
        *self.state.hold.lock() = false;
        self.state.released.notify_all();
    }
}

impl DiskState {
    /// The fault that the plan has for this operation.
    fn fault(&self, operation: Operation) -> Option<Fault> {
        let mut plan = self.plan.lock();
        let plan = plan.as_mut()?;
        let concerns_space = matches!(plan.fault, Fault::Full | Fault::TornFull);
        if concerns_space && operation == Operation::Flush {
            return None;
        }
        match (plan.passed, plan.count) {
            (0, 0) => None,
            (0, _) => {
                plan.count -= 1;
                Some(plan.fault)
            }
            _ => {
                plan.passed -= 1;
                None
            }
        }
    }

    fn check(&self, operation: Operation) -> io::Result<()> {
        self.fault(operation)
            .map_or(Ok(()), |fault| Err(fault.error()))
    }

    fn sync(&self) -> io::Result<()> {
        self.check(Operation::Flush)?;
        let mut hold = self.hold.lock();
        while *hold {
            self.released.wait(&mut hold);
        }
        self.syncs.fetch_add(1, Ordering::SeqCst);
        if self.syncs_left.fetch_sub(1, Ordering::SeqCst) == 0 {
            return Err(io::Error::other("injected flush failure"));
        }
        Ok(())
    }
}

impl Fault {
    fn error(self) -> io::Error {
        match self {
            Self::Refusal | Self::TornRefusal => io::Error::other("injected failure"),
            Self::Full | Self::TornFull => io::Error::from(io::ErrorKind::StorageFull),
        }
    }
}

struct DiskFile {
    file: Box<dyn LogFile>,
    state: Arc<DiskState>,
}

impl LogFile for DiskFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.state.writes_left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            self.file.write_at(&bytes[..bytes.len() / 2], offset)?;
            return Err(io::Error::other("injected write failure"));
        }
        match self.state.fault(Operation::Write) {
            None => self.file.write_at(bytes, offset),
            Some(fault) => {
                if matches!(fault, Fault::TornRefusal | Fault::TornFull) {
                    self.file.write_at(&bytes[..bytes.len() / 2], offset)?;
                }
                Err(fault.error())
            }
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.state.sync()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn forget_cache(&self, _bytes: Range<u64>) {}
}

impl FileLayer for Disk {
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn LogFile>> {
        if access == Access::Writable && !path.exists() {
            self.state.check(Operation::Make)?;
        }
        Ok(Box::new(DiskFile {
            file: OsFiles.open(path, access)?,
            state: Arc::clone(&self.state),
        }))
    }

    fn sync_directory(&self, _directory: &Path) -> io::Result<()> {
        self.state.check(Operation::Flush)
    }

    fn available(&self, directory: &Path) -> io::Result<u64> {
        OsFiles.available(directory)
    }

    fn boot_id(&self) -> io::Result<BootId> {
        let boot = u128::from(self.state.boot.load(Ordering::SeqCst));
        Ok(BootId(boot.to_be_bytes()))
    }
}

/// A directory for thousands of small images: in memory where the system has such a place.
pub fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a temporary directory")
}

/// All files of a log directory, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    pub files: BTreeMap<String, Vec<u8>>,
}

/// What opening an image gave.
pub struct Opened {
    pub report: RecoveryReport,
    pub replayed: Vec<Record>,
}

impl Image {
    pub fn of(directory: &Path) -> Self {
        let mut files = BTreeMap::new();
        for item in std::fs::read_dir(directory).expect("the directory is there") {
            let item = item.expect("its entries can be read");
            let name = item.file_name().into_string().expect("plain names");
            if name != "LOCK" {
                files.insert(
                    name,
                    std::fs::read(item.path()).expect("the file can be read"),
                );
            }
        }
        Self { files }
    }

    pub fn segment(&mut self, index: u64) -> &mut Vec<u8> {
        let name = format!("{index:020}.log");
        self.files.get_mut(&name).expect("the segment is there")
    }

    pub fn write_to(&self, directory: &Path) {
        if directory.exists() {
            std::fs::remove_dir_all(directory).expect("the directory can be removed");
        }
        std::fs::create_dir(directory).expect("the directory can be made");
        for (name, bytes) in &self.files {
            std::fs::write(directory.join(name), bytes).expect("the file can be written");
        }
    }

    /// Recovers the image in a fresh directory under `scratch`.
    pub fn open(&self, scratch: &Path) -> Opened {
        self.try_open(scratch).expect("the image opens")
    }

    pub fn try_open(&self, scratch: &Path) -> Result<Opened, OpenError> {
        let directory = scratch.join("image");
        self.write_to(&directory);
        let mut replayed = Vec::new();
        let (log, report) = Log::open(quick(&directory), OpenMode::MustExist, &mut |record| {
            replayed.push(record);
        })?;
        drop(log);
        Ok(Opened { report, replayed })
    }
}

/// The records of one replica.
pub fn records_of(records: &[Record], gpid: Gpid) -> Vec<Record> {
    let of_gpid = |record: &&Record| record.gpid() == gpid;
    records.iter().filter(of_gpid).cloned().collect()
}
