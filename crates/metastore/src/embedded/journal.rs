//! [`Journal`]: where a member's [`Record`]s become durable, and [`FileJournal`], the one in a
//! directory.
//!
//! One thread owns the files: it takes everything that is waiting, writes it as one batch and flushes
//! once. A failed write or flush ends the journal, because nobody can know what the disk holds after
//! it.

use std::io;
use std::path::Path;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use pegasus_common::predecessor::PREDECESSOR_PATIENCE;

use super::content::{Content, Record};
use super::directory::Directory;
use super::framing::{BatchWriter, FILE_HEADER_BYTES};
use super::medium::{FileMedium, Medium, OpenMedium};
use super::{OpenError, base, recovery};

/// Called once, when records are durable or can never be.
pub type Flushed = Box<dyn FnOnce(io::Result<()>) + Send>;

/// Makes records durable in the order in which they are handed over.
pub trait Journal: Send + Sync + 'static {
    /// Hands records over. Without `flushed` they may wait for the next records that have it, and
    /// may be lost in a crash before.
    fn append(&self, records: Vec<Record>, flushed: Option<Flushed>);

    /// Ends it: what was handed over is written, and the directory is free for another process.
    fn close(&self);
}

/// Settings of a [`FileJournal`].
#[derive(Clone, Copy, Debug)]
pub struct JournalOptions {
    /// A new base is written when the log has more bytes than this and than the last base.
    pub log_bytes_max: u64,
    /// A batch takes no more records when it has this many bytes.
    pub batch_bytes_max: usize,
    /// How long another process that has the directory may take to end.
    pub predecessor_patience: Duration,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            log_bytes_max: 8 << 20,
            batch_bytes_max: 4 << 20,
            predecessor_patience: PREDECESSOR_PATIENCE,
        }
    }
}

struct Batch {
    records: Vec<Record>,
    flushed: Option<Flushed>,
}

/// A journal in a directory; see `docs/formats/metastore.md`.
#[derive(Debug)]
pub struct FileJournal {
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    batches: mpsc::Sender<Batch>,
    writer: JoinHandle<()>,
}

impl FileJournal {
    /// Opens the journal in `path`, creating it if the directory is missing or empty, and returns
    /// what it holds.
    ///
    /// # Errors
    /// See [`OpenError`]. Damage is never repaired silently: only a batch whose write was cut short
    /// by a crash, which nobody was told of, is taken away.
    pub fn open(path: &Path, options: JournalOptions) -> Result<(Self, Content), OpenError> {
        let medium: OpenMedium = Box::new(|file| Box::new(FileMedium::new(file)));
        Self::open_with(path, options, medium)
    }

    pub(super) fn open_with(
        path: &Path,
        options: JournalOptions,
        open: OpenMedium,
    ) -> Result<(Self, Content), OpenError> {
        let directory = Directory::lock(path, options.predecessor_patience)?;
        let recovered = recovery::recover(&directory)?;
        let (batches, waiting) = mpsc::channel();
        let writer = Writer {
            directory,
            options,
            log: open(recovered.log.file),
            open,
            durable: recovered.content.clone(),
            generation: recovered.log.generation,
            next_batch: recovered.log.next_batch,
            log_bytes: recovered.log.bytes,
            base_bytes: recovered.base_bytes,
        };
        let writer = std::thread::Builder::new()
            .name("metastore".to_owned())
            .spawn(move || writer.run(&waiting))
            .map_err(|source| OpenError::Io {
                action: "start the writer thread of",
                path: path.to_owned(),
                source,
            })?;
        let running = Mutex::new(Some(Running { batches, writer }));
        Ok((Self { running }, recovered.content))
    }
}

impl Journal for FileJournal {
    fn append(&self, records: Vec<Record>, flushed: Option<Flushed>) {
        let batch = Batch { records, flushed };
        let refused = match &*self.running.lock() {
            Some(running) => running.batches.send(batch).err().map(|refused| refused.0),
            None => Some(batch),
        };
        if let Some(flushed) = refused.and_then(|batch| batch.flushed) {
            flushed(Err(io::Error::other("the journal has ended")));
        }
    }

    fn close(&self) {
        let running = self.running.lock().take();
        if let Some(Running { batches, writer }) = running {
            drop(batches);
            if writer.join().is_err() {
                tracing::error!("the writer of the metadata store has panicked");
            }
        }
    }
}

impl Drop for FileJournal {
    fn drop(&mut self) {
        self.close();
    }
}

struct Writer {
    directory: Directory,
    options: JournalOptions,
    log: Box<dyn Medium>,
    open: OpenMedium,
    /// What base and log hold together.
    durable: Content,
    generation: u64,
    next_batch: u64,
    log_bytes: u64,
    base_bytes: u64,
}

impl Writer {
    /// Serves until the journal is closed or the disk fails. Records that need no flush wait for one
    /// that does, or for the end.
    fn run(mut self, waiting: &mpsc::Receiver<Batch>) {
        let mut lazy = Vec::new();
        let mut failure: Option<String> = None;
        while let Ok(Batch { records, flushed }) = waiting.recv() {
            if let Some(reason) = &failure {
                refuse(flushed.into_iter().collect(), reason);
                continue;
            }
            lazy.extend(records);
            if let Some(flushed) = flushed
                && let Err(error) = self.serve(&mut lazy, flushed, waiting)
            {
                failure = Some(self.failed(&error));
            }
        }
        if failure.is_none()
            && !lazy.is_empty()
            && let Err(error) = self.write(lazy)
        {
            self.failed(&error);
        }
    }

    /// Takes what is waiting, makes it durable with one write and one flush, and answers.
    fn serve(
        &mut self,
        lazy: &mut Vec<Record>,
        flushed: Flushed,
        waiting: &mpsc::Receiver<Batch>,
    ) -> io::Result<()> {
        let mut records = std::mem::take(lazy);
        let mut answers = vec![flushed];
        let mut bytes = estimate(&records);
        while bytes < self.options.batch_bytes_max
            && let Ok(batch) = waiting.try_recv()
        {
            bytes += estimate(&batch.records);
            records.extend(batch.records);
            answers.extend(batch.flushed);
        }
        if let Err(error) = self.write(records) {
            refuse(answers, &error.to_string());
            return Err(error);
        }
        for answer in answers {
            answer(Ok(()));
        }
        self.change_generation_if_due().map_err(io::Error::other)
    }

    /// Appends records to the log and flushes it.
    fn write(&mut self, records: Vec<Record>) -> io::Result<()> {
        let mut batch = BatchWriter::default();
        for record in &records {
            batch.add(record)?;
        }
        let bytes = batch.finish(self.next_batch, self.log_bytes);
        self.log.append(&bytes)?;
        self.log.flush_to_disk()?;
        self.next_batch += 1;
        self.log_bytes += bytes.len() as u64;
        for record in records {
            self.durable.apply(record).map_err(io::Error::other)?;
        }
        Ok(())
    }

    /// Starts a new log with a base before it when the log has grown past its bound.
    fn change_generation_if_due(&mut self) -> Result<(), OpenError> {
        let bound = self.options.log_bytes_max.max(self.base_bytes);
        if self.log_bytes <= bound {
            return Ok(());
        }
        let (old, new) = (self.generation, self.generation + 1);
        recovery::create_log(&self.directory, new)?;
        let mut base_bytes = 0;
        let path = self.directory.base_path(new);
        self.directory.publish(&path, |out| {
            base_bytes = base::write(out, new, self.next_batch, &self.durable)?;
            Ok(())
        })?;
        self.log = (self.open)(recovery::open_log(&self.directory.log_path(new))?);
        self.generation = new;
        self.log_bytes = FILE_HEADER_BYTES as u64;
        self.base_bytes = base_bytes;
        self.directory.remove(&self.directory.log_path(old))?;
        self.directory.remove(&self.directory.base_path(old))?;
        self.directory.sync()
    }

    /// From here on nothing is written: after a failed write or flush nobody knows what the disk
    /// holds, and a flush that succeeds later proves nothing about the pages before it.
    fn failed(&self, error: &io::Error) -> String {
        let reason = match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        let directory = self.directory.path().display();
        tracing::error!(
            %directory,
            reason,
            "the metadata store has failed and refuses everything from now on"
        );
        reason
    }
}

fn refuse(answers: Vec<Flushed>, reason: &str) {
    for answer in answers {
        answer(Err(io::Error::other(reason.to_owned())));
    }
}

/// Roughly the bytes of some records, to bound a batch.
fn estimate(records: &[Record]) -> usize {
    let of = |record: &Record| match record {
        Record::Entry(entry) => match &entry.payload {
            openraft::EntryPayload::Normal(super::types::Command::Commit {
                transaction, ..
            }) => transaction.size_bytes(),
            _ => 0,
        },
        Record::Snapshot(snapshot) => snapshot.state.len(),
        _ => 0,
    };
    records.iter().map(|record| of(record) + 64).sum()
}
