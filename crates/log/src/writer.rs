//! The log thread: takes everything that waits, writes it as one batch, flushes once, tells the
//! producers.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use pegasus_common::{Decree, Gpid};

use crate::active_segment::{ActiveSegment, OPENINGS};
use crate::batch::BatchEncoder;
use crate::directory::Directory;
use crate::error::LogFailure;
use crate::file_layer::BootId;
use crate::header::SegmentHeader;
use crate::marker::Marker;
use crate::options::Durability;
use crate::own_record::BatchIndex;
use crate::planted::{self, PlantedBug};
use crate::queue::{Producer, Queue, Submission, Wait};
use crate::record::Record;
use crate::sector::{Life, LogId};
use crate::segment_table::{FileFate, SegmentEntry, SegmentTable};
use crate::spares::Spares;
use crate::standing::{Effect, Standing};
use crate::stats::LogStats;

/// What stays the same for all segments of a run.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub log: LogId,
    pub boot: BootId,
    pub durability: Durability,
    pub first_segment: u64,
    /// Batches of the segment before the first.
    pub batches_before: u32,
    pub segment_bytes: u64,
    pub batch_bytes_max: usize,
    pub space_retry_interval: Duration,
}

impl Run {
    /// The header of a segment of this run.
    pub fn header(&self, index: u64, previous_batches: u32) -> SegmentHeader {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        SegmentHeader {
            durability: self.durability,
            log: self.log,
            index,
            life: Life(rand::random()),
            run_first: self.first_segment,
            previous_batches,
            boot: self.boot,
            created_us: now.map_or(0, |now| i64::try_from(now.as_micros()).unwrap_or(i64::MAX)),
        }
    }
}

/// The state of the log thread.
pub(crate) struct Writer {
    pub run: Run,
    pub directory: Arc<Directory>,
    pub queue: Arc<Queue>,
    pub stats: Arc<LogStats>,
    pub table: Arc<Mutex<SegmentTable>>,
    /// `None`: the log was opened on a full disk, and nothing was written yet.
    pub active: Option<ActiveSegment>,
    pub spares: Spares,
    pub standing: Standing,
    pub batch: PendingBatch,
    /// Segments that nobody needs and whose files are still there.
    pub obsolete: Vec<SegmentEntry>,
}

/// The batch in the making, and what follows when it is safe.
#[derive(Default)]
pub(crate) struct PendingBatch {
    encoder: BatchEncoder,
    /// The index of the batch before.
    previous: BatchIndex,
    effects: Vec<Effect>,
    /// Per producer: its last ticket that this batch completes.
    completes: Vec<(Arc<Producer>, u64)>,
    record_bytes: u64,
}

impl PendingBatch {
    fn add(&mut self, record: &Record) {
        if self.effects.is_empty() {
            self.encoder.begin(&self.previous);
        }
        self.encoder.put_record(record);
        self.effects.push(Effect::of(record));
        self.record_bytes += record.encoded_bytes() as u64;
    }

    fn complete(&mut self, producer: Arc<Producer>, ticket: u64) {
        let mut known = self.completes.iter_mut();
        match known.find(|(known, _)| Arc::ptr_eq(known, &producer)) {
            Some((_, last)) => *last = ticket,
            None => self.completes.push((producer, ticket)),
        }
    }
}

impl Writer {
    /// Runs until the queue is closed or the log fails. A panic is a failure too: producers must
    /// never wait for a thread that is gone.
    pub fn run(mut self) {
        let queue = Arc::clone(&self.queue);
        let path = self.directory.path().to_owned();
        let work = std::panic::AssertUnwindSafe(|| self.work_until_closed());
        let outcome = std::panic::catch_unwind(work).unwrap_or_else(|_| Err(panicked(&path)));
        if let Err(failure) = outcome {
            tracing::error!(%failure, source = %failure.source, "mutation log failed");
            queue.fail(&failure);
        }
    }

    fn work_until_closed(&mut self) -> Result<(), LogFailure> {
        loop {
            let wait = if self.spares.step_due() {
                Wait::Not
            } else {
                Wait::ForWork
            };
            let work = self.queue.take(wait);
            // Before the records: a Reset among them makes earlier flushes meaningless.
            self.note_flushed(&work.flushed);
            self.write_all(work.submissions)?;
            self.remove_obsolete()?;
            if work.closing {
                return Ok(());
            }
            if self.spares.step_due() {
                self.spares.step(&self.directory);
            }
        }
    }

    fn note_flushed(&self, flushed: &[(Gpid, Decree)]) {
        if flushed.is_empty() {
            return;
        }
        let mut table = self.table.lock();
        for (gpid, decree) in flushed {
            table.set_flushed(*gpid, *decree);
        }
    }

    fn write_all(&mut self, submissions: Vec<Submission>) -> Result<(), LogFailure> {
        for submission in submissions {
            for record in &submission.records {
                self.batch.add(record);
                if self.batch.encoder.len() >= self.run.batch_bytes_max {
                    self.write_batch()?;
                }
            }
            self.batch.complete(submission.producer, submission.ticket);
        }
        self.write_batch()
    }

    /// Writes what is pending and reports it.
    fn write_batch(&mut self) -> Result<(), LogFailure> {
        if !self.batch.effects.is_empty() {
            let sector = self.put_on_disk()?;
            let mut table = self.table.lock();
            for effect in self.batch.effects.drain(..) {
                self.standing.apply(effect, sector, &mut table);
            }
        }
        let done = std::mem::take(&mut self.batch.record_bytes);
        self.stats.queue_bytes.fetch_sub(done, Ordering::Relaxed);
        for (producer, ticket) in self.batch.completes.drain(..) {
            producer.observer.on_safe(ticket);
        }
        Ok(())
    }

    /// Gives the sector where the batch starts.
    fn put_on_disk(&mut self) -> Result<u64, LogFailure> {
        let bytes = self.batch.encoder.finish();
        // A batch that no segment could hold goes into an empty one and lets the file grow.
        let has_room = self.active.as_ref().is_some_and(|active| {
            active.end_with(bytes) <= self.run.segment_bytes || active.batches() == OPENINGS
        });
        if !has_room {
            self.begin_segment()?;
        }
        let sector = self.when_there_is_space(|writer| {
            let active = writer.active.as_mut().expect("a segment was begun");
            active.write(&mut writer.batch.encoder)
        })?;
        if self.run.durability == Durability::Fsync
            && !planted::is(PlantedBug::AcknowledgeBeforeFlush)
        {
            let start = Instant::now();
            self.active.as_ref().expect("a segment was begun").sync()?;
            self.stats.count_fsync(start.elapsed());
        }
        self.batch.previous = self.batch.encoder.take_index();
        self.stats.batches.fetch_add(1, Ordering::Relaxed);
        let records = self.batch.effects.len() as u64;
        self.stats.records.fetch_add(records, Ordering::Relaxed);
        self.stats.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.spares.owe(bytes as u64);
        self.note_growth();
        Ok(sector)
    }

    /// Keeps the table true when a batch made the file longer than usual.
    fn note_growth(&mut self) {
        let end = self.active.as_ref().map_or(0, |active| active.end_with(0));
        if end > self.run.segment_bytes {
            let mut table = self.table.lock();
            if let Some(newest) = table.newest_mut() {
                newest.bytes = end;
                newest.fate = FileFate::Delete;
            }
            self.publish_size(&table);
        }
    }

    fn begin_segment(&mut self) -> Result<(), LogFailure> {
        let active = self.when_there_is_space(Self::make_segment)?;
        {
            let mut table = self.table.lock();
            let bytes = self.run.segment_bytes;
            table.push(SegmentEntry::new(active.index, bytes, FileFate::Recycle));
            self.publish_size(&table);
        }
        self.active = Some(active);
        self.stats.segments_begun.fetch_add(1, Ordering::Relaxed);
        self.when_there_is_space(|writer| writer.write_marker())
    }

    fn make_segment(&mut self) -> Result<ActiveSegment, LogFailure> {
        let header = match &self.active {
            Some(active) => self.run.header(active.index + 1, active.batches()),
            None => self
                .run
                .header(self.run.first_segment, self.run.batches_before),
        };
        let previous = &self.batch.previous;
        ActiveSegment::create(
            &self.directory,
            &mut self.spares,
            &header,
            &self.standing,
            previous,
        )
    }

    fn remove_obsolete(&mut self) -> Result<(), LogFailure> {
        {
            let mut table = self.table.lock();
            let obsolete = table.take_removable();
            if !obsolete.is_empty() {
                self.publish_size(&table);
            }
            self.obsolete.extend(obsolete);
        }
        if self.obsolete.is_empty() {
            return Ok(());
        }
        // The marker first: a needed segment that is missing is damage.
        match self.write_marker() {
            Err(refusal) if refusal.is_for_want_of_space() => return Ok(()), // another time
            written => written?,
        }
        for segment in self.obsolete.drain(..) {
            let path = self.directory.segment_path(segment.index);
            match segment.fate {
                FileFate::Recycle => self.spares.recycle(&self.directory, &path)?,
                FileFate::Delete => self.directory.remove(&path)?,
            }
            self.stats.segments_removed.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn write_marker(&self) -> Result<(), LogFailure> {
        let newest = match &self.active {
            Some(active) => active.index,
            None => self.run.first_segment - 1,
        };
        let oldest = self.table.lock().oldest();
        self.directory.write_marker(&Marker {
            log: self.run.log,
            oldest: oldest.unwrap_or(self.run.first_segment),
            newest,
        })
    }

    /// Does a step that can be repeated. While the disk has no space for it, producers are refused,
    /// and what they have handed over waits here.
    fn when_there_is_space<T>(
        &mut self,
        step: impl Fn(&mut Self) -> Result<T, LogFailure>,
    ) -> Result<T, LogFailure> {
        loop {
            match step(self) {
                Err(refusal) if refusal.is_for_want_of_space() => self.wait_for_space(&refusal)?,
                outcome => {
                    if self.queue.end_waiting_for_space() {
                        tracing::info!(directory = %self.directory.path().display(), "the mutation log has space again");
                    }
                    return outcome;
                }
            }
        }
    }

    /// Storage may flush meanwhile: then an old segment gives the next one its file.
    fn wait_for_space(&mut self, refusal: &LogFailure) -> Result<(), LogFailure> {
        if self.queue.begin_waiting_for_space() {
            tracing::error!(%refusal, source = %refusal.source, "the mutation log waits for space");
        }
        let news = self.queue.take_news(self.run.space_retry_interval);
        self.note_flushed(&news.flushed);
        if news.closing {
            return Err(refusal.clone());
        }
        self.remove_obsolete()
    }

    fn publish_size(&self, table: &SegmentTable) {
        let bytes = table.total_bytes();
        self.stats.segment_bytes.store(bytes, Ordering::Relaxed);
    }
}

fn panicked(path: &Path) -> LogFailure {
    LogFailure::new("run the thread of", path)(std::io::Error::other("panic"))
}
