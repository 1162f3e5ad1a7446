//! From a directory to a running log: look, recover, begin a segment, start the thread.
//!
//! Nothing in the directory is changed before recovery has succeeded. Then, in this order: the new
//! segment is durable under its name; the marker names it; what is not needed is cleared away.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;

use crate::active_segment::ActiveSegment;
use crate::directory::{Directory, Listing};
use crate::error::{LogFailure, OpenError};
use crate::file_layer::{Access, BootId};
use crate::marker::Marker;
use crate::options::{LogOptions, OpenMode};
use crate::own_record::BatchIndex;
use crate::queue::Queue;
use crate::reader::LogReader;
use crate::record::Record;
use crate::recovery::{Found, Recovered, recover};
use crate::report::RecoveryReport;
use crate::sector::{LogId, SECTOR_BYTES};
use crate::segment_table::{FileFate, SegmentEntry, SegmentTable};
use crate::spares::Spares;
use crate::standing::Standing;
use crate::stats::LogStats;
use crate::suspects::Suspects;
use crate::writer::{PendingBatch, Run, Writer};

/// Smaller segments hold little but their headers.
const SEGMENT_BYTES_MIN: u64 = 8 << 10;
/// A bound for what recovery must hold in memory.
const BATCH_BYTES_MAX: usize = 64 << 20;

/// Everything that a started log consists of; the writer has its own clones.
pub(crate) struct Parts {
    pub queue: Arc<Queue>,
    pub stats: Arc<LogStats>,
    pub table: Arc<Mutex<SegmentTable>>,
    pub directory: Arc<Directory>,
    writer: Writer,
}

impl Parts {
    /// For those who read what the log holds.
    pub fn reader(&self) -> LogReader {
        let (table, directory) = (Arc::clone(&self.table), Arc::downgrade(&self.directory));
        LogReader::new(table, directory, self.writer.run.log)
    }
}

/// Opens the log, without its thread.
pub(crate) fn open(
    options: &LogOptions,
    mode: OpenMode,
    replay: &mut dyn FnMut(Record),
) -> Result<(Parts, RecoveryReport), OpenError> {
    check(options)?;
    let segment_bytes = options.segment_bytes.next_multiple_of(SECTOR_BYTES as u64);
    let path = &options.directory;
    let directory = Directory::lock(path, mode, Arc::clone(&options.files))?;
    let boot = options
        .files
        .boot_id()
        .map_err(OpenError::io("read the boot id for", path))?;
    let listing = directory.list()?;
    let existing = existing_log(&directory, &listing, mode)?;
    let (log, recovered) = match existing {
        Some((marker, bad_marker)) => {
            let needed = listing
                .segments
                .iter()
                .filter(|index| **index >= marker.oldest);
            let found = Found {
                directory: &directory,
                marker,
                bad_marker,
                segments: needed.copied().collect(),
                boot,
                segment_bytes,
                replicas: options.replicas.as_ref(),
            };
            (marker.log, recover(&found, replay)?)
        }
        None => (begin_log(&directory)?, nothing_recovered()),
    };
    let report = recovered.report.clone();
    tell(&directory, &report);
    let stats = Arc::new(LogStats::default());
    let parts =
        start(options, directory, &listing, log, boot, recovered, stats).map_err(as_open_error)?;
    Ok((parts, report))
}

/// Starts the log thread.
pub(crate) fn spawn(parts: Parts) -> Result<JoinHandle<()>, OpenError> {
    let Parts {
        writer, directory, ..
    } = parts;
    thread::Builder::new()
        .name("mutation-log".to_owned())
        .spawn(move || writer.run())
        .map_err(OpenError::io("start the thread of", directory.path()))
}

fn check(options: &LogOptions) -> Result<(), OpenError> {
    let bad = |option, problem| Err(OpenError::BadOption { option, problem });
    if options.segment_bytes < SEGMENT_BYTES_MIN {
        return bad("segment_bytes", "must be at least 8 KiB");
    }
    if options.batch_bytes_max == 0 || options.batch_bytes_max > BATCH_BYTES_MAX {
        return bad("batch_bytes_max", "must be from 1 byte to 64 MiB");
    }
    if options.queue_bytes_max == 0 {
        return bad("queue_bytes_max", "must not be 0");
    }
    Ok(())
}

/// The marker of the log that is here, and the start of a bad copy in it; `None` if there is no
/// log and may be none.
fn existing_log(
    directory: &Directory,
    listing: &Listing,
    mode: OpenMode,
) -> Result<Option<(Marker, Option<u64>)>, OpenError> {
    let path = directory.path().to_owned();
    if !listing.marker {
        return match mode {
            _ if !listing.segments.is_empty() => Err(OpenError::Incomplete {
                path,
                lacking: "marker",
            }),
            OpenMode::MustExist => Err(OpenError::Missing { path }),
            OpenMode::Create => Ok(None),
        };
    }
    let (marker, bad_copy) = directory.read_marker()?;
    if listing.segments.iter().any(|index| *index >= marker.oldest) {
        return Ok(Some((marker, bad_copy)));
    }
    // Newest 0: the making of the log was interrupted before it had a segment.
    match (marker.newest, mode) {
        (0, OpenMode::Create) => Ok(None),
        (0, OpenMode::MustExist) => Err(OpenError::Missing { path }),
        _ => Err(OpenError::Incomplete {
            path,
            lacking: "segments",
        }),
    }
}

/// The marker comes first: a directory with segments and no marker has lost it.
fn begin_log(directory: &Directory) -> Result<LogId, OpenError> {
    let log = LogId(rand::random());
    let marker = Marker {
        log,
        oldest: 1,
        newest: 0,
    };
    directory.write_marker(&marker).map_err(as_open_error)?;
    Ok(log)
}

fn nothing_recovered() -> Recovered {
    Recovered {
        report: RecoveryReport {
            segments: 0,
            records: 0,
            cut: None,
            damages: Vec::new(),
            previous_run: None,
            ballots: Default::default(),
            doubts: Suspects::none(),
        },
        standing: Standing::new(),
        table: SegmentTable::default(),
        next_index: 1,
        previous_batches: 0,
    }
}

fn start(
    options: &LogOptions,
    directory: Directory,
    listing: &Listing,
    log: LogId,
    boot: BootId,
    recovered: Recovered,
    stats: Arc<LogStats>,
) -> Result<Parts, LogFailure> {
    let run = Run {
        log,
        boot,
        durability: options.durability,
        first_segment: recovered.next_index,
        batches_before: recovered.previous_batches,
        segment_bytes: options.segment_bytes.next_multiple_of(SECTOR_BYTES as u64),
        batch_bytes_max: options.batch_bytes_max,
        space_retry_interval: options.space_retry_interval,
    };
    let mut table = recovered.table;
    let oldest = table.oldest().unwrap_or(recovered.next_index);
    let mut spares = find_spares(options, &directory, listing, &run, oldest, &stats)?;
    let active = first_segment(&directory, &mut spares, &run, &recovered.standing, oldest)?;
    if let Some(active) = &active {
        let bytes = run.segment_bytes;
        table.push(SegmentEntry::new(active.index, bytes, FileFate::Recycle));
    }
    stats
        .segment_bytes
        .store(table.total_bytes(), Ordering::Relaxed);
    let directory = Arc::new(directory);
    let table = Arc::new(Mutex::new(table));
    let queue = Arc::new(Queue::new(options.queue_bytes_max, Arc::clone(&stats)));
    let writer = Writer {
        run,
        directory: Arc::clone(&directory),
        queue: Arc::clone(&queue),
        stats: Arc::clone(&stats),
        table: Arc::clone(&table),
        active,
        spares,
        standing: recovered.standing,
        batch: PendingBatch::default(),
        obsolete: Vec::new(),
    };
    Ok(Parts {
        queue,
        stats,
        table,
        directory,
        writer,
    })
}

/// The segment that the run begins with; `None` if the disk is full: what is there can be read and
/// served all the same, and the first batch waits for space.
fn first_segment(
    directory: &Directory,
    spares: &mut Spares,
    run: &Run,
    standing: &Standing,
    oldest: u64,
) -> Result<Option<ActiveSegment>, LogFailure> {
    let header = run.header(run.first_segment, run.batches_before);
    let marker = Marker {
        log: run.log,
        oldest,
        newest: header.index,
    };
    let begun = ActiveSegment::create(directory, spares, &header, standing, &BatchIndex::new())
        .and_then(|active| directory.write_marker(&marker).map(|()| active));
    match begun {
        Err(refusal) if refusal.is_for_want_of_space() => {
            tracing::warn!(%refusal, "the mutation log opens on a full disk");
            Ok(None)
        }
        begun => begun.map(Some),
    }
}

/// Clears away what a crash left, and takes over the files that can be segments again.
fn find_spares(
    options: &LogOptions,
    directory: &Directory,
    listing: &Listing,
    run: &Run,
    oldest: u64,
    stats: &Arc<LogStats>,
) -> Result<Spares, LogFailure> {
    for path in &listing.unfinished {
        directory.remove(path)?;
    }
    let numbers = listing.segments.iter().chain(&listing.spares);
    let next_number = numbers.max().map_or(1, |number| number.saturating_add(1));
    let stats = Arc::clone(stats);
    let mut spares = Spares::new(run.segment_bytes, options.spares_max, next_number, stats);
    let spare_paths = listing
        .spares
        .iter()
        .map(|number| directory.spare_path(*number));
    let unneeded = listing.segments.iter().filter(|index| **index < oldest);
    let unneeded_paths = unneeded.map(|index| directory.segment_path(*index));
    for path in spare_paths.chain(unneeded_paths) {
        let opened = directory.files().open(&path, Access::Existing);
        let size = opened
            .and_then(|file| file.size())
            .map_err(LogFailure::new("measure", &path))?;
        if size == run.segment_bytes {
            spares.recycle(directory, &path)?;
        } else {
            directory.remove(&path)?;
        }
    }
    Ok(spares)
}

fn tell(directory: &Directory, report: &RecoveryReport) {
    tracing::info!(
        directory = %directory.path().display(),
        segments = report.segments,
        records = report.records,
        cut = ?report.cut,
        damages = report.damages.len(),
        doubts = %report.doubts,
        "mutation log opened"
    );
    for damage in &report.damages {
        tracing::error!(directory = %directory.path().display(), %damage, "mutation log damaged");
    }
}

fn as_open_error(failure: LogFailure) -> OpenError {
    let LogFailure {
        action,
        path,
        source,
        ..
    } = failure;
    let source = Arc::try_unwrap(source)
        .unwrap_or_else(|shared| std::io::Error::new(shared.kind(), shared.to_string()));
    OpenError::Io {
        action,
        path,
        source,
    }
}
