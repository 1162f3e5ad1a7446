//! Reads a member's directory after whatever ended the last process, and leaves one base and one log
//! to go on with.
//!
//! A new generation comes into being in this order: log `n+1` with nothing but a header, then base
//! `n+1`, then the files of `n` go. So base `n` without log `n` is damage; log `n+1` without its base
//! is a change of generation that did not happen, and must be empty.
//!
//! A batch that is not right is one of two things. *Cut short*: the process or the machine stopped
//! during the write, so nobody was told; it is taken away. *Corrupt*: it was durable. Evidence for
//! the first is that bytes are missing, at the end of the file or as a sector of zeros where the
//! writer put something else, while no right batch follows. Without it the journal refuses to open.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom};
use std::path::Path;

use super::OpenError;
use super::base;
use super::content::{Content, Record};
use super::directory::{Directory, Listing, io_error};
use super::framing::{
    self, BATCH_HEADER_BYTES, BATCH_MAGIC, BatchHeader, FILE_HEADER_BYTES, FORMAT_VERSION,
    HeaderError,
};
use super::types::MemberId;

/// What the writer goes on with.
pub(super) struct Recovered {
    pub content: Content,
    pub log: OpenLog,
    pub base_bytes: u64,
}

/// The log to append to, positioned at its end.
pub(super) struct OpenLog {
    pub file: File,
    pub generation: u64,
    pub next_batch: u64,
    pub bytes: u64,
}

pub(super) fn recover(directory: &Directory) -> Result<Recovered, OpenError> {
    let listing = directory.list()?;
    for path in &listing.unfinished {
        directory.remove(path)?;
    }
    let generation = match (listing.bases.last(), listing.logs.as_slice()) {
        (Some(&generation), _) => generation,
        (None, logs @ ([] | [0])) if listing.foreign.is_empty() => {
            for &log in logs {
                check_empty(directory, log)?;
            }
            // A first start, or one that was interrupted before the base made the member exist.
            create(directory)?;
            0
        }
        (None, _) => return Err(incomplete(directory, &listing)),
    };
    let base = base::read(&directory.base_path(generation))?;
    if base.generation != generation {
        let path = directory.base_path(generation);
        let reason = format!("it says that it is generation {}", base.generation);
        return Err(OpenError::Corrupt {
            path,
            offset: 12,
            reason,
        });
    }
    let mut content = base.content;
    let path = directory.log_path(generation);
    let log = replay(&path, generation, base.next_batch, &mut content)?;
    remove_other_generations(directory, generation, &listing)?;
    Ok(Recovered {
        content,
        log,
        base_bytes: base.bytes,
    })
}

fn incomplete(directory: &Directory, listing: &Listing) -> OpenError {
    let reason = if listing.logs.is_empty() {
        format!(
            "it holds other files ({}) and no base",
            listing.foreign.join(", ")
        )
    } else {
        "its base is missing".to_owned()
    };
    OpenError::Incomplete {
        path: directory.path().to_owned(),
        reason,
    }
}

fn create(directory: &Directory) -> Result<(), OpenError> {
    create_log(directory, 0)?;
    let content = Content {
        member: Some(MemberId::random()),
        ..Content::default()
    };
    directory.publish(&directory.base_path(0), |out| {
        base::write(out, 0, 0, &content).map(|_| ())
    })
}

/// Makes an empty log, durably.
pub(super) fn create_log(directory: &Directory, generation: u64) -> Result<(), OpenError> {
    directory.publish(&directory.log_path(generation), |out| {
        out.write_all(&framing::file_header(generation))
    })
}

/// Opens a log for appending.
pub(super) fn open_log(path: &Path) -> Result<File, OpenError> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(io_error("open", path))?;
    file.seek(SeekFrom::End(0))
        .map_err(io_error("read", path))?;
    Ok(file)
}

fn remove_other_generations(
    directory: &Directory,
    generation: u64,
    listing: &Listing,
) -> Result<(), OpenError> {
    let other = |found: &&u64| **found != generation;
    for &found in listing.logs.iter().filter(other) {
        let path = directory.log_path(found);
        if found > generation {
            check_empty(directory, found)?;
        }
        directory.remove(&path)?;
    }
    for &found in listing.bases.iter().filter(other) {
        directory.remove(&directory.base_path(found))?;
    }
    directory.sync()
}

/// Checks that a log without its base was never used.
fn check_empty(directory: &Directory, generation: u64) -> Result<(), OpenError> {
    let path = directory.log_path(generation);
    let log = std::fs::metadata(&path).map_err(io_error("read", &path))?;
    if log.len() <= FILE_HEADER_BYTES as u64 {
        return Ok(());
    }
    Err(OpenError::Incomplete {
        path: directory.path().to_owned(),
        reason: format!("log {generation} has content but its base is missing"),
    })
}

/// Applies the log's batches to `content` and takes away a batch that was cut short.
fn replay(
    path: &Path,
    generation: u64,
    first_batch: u64,
    content: &mut Content,
) -> Result<OpenLog, OpenError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(OpenError::Incomplete {
                path: path.to_owned(),
                reason: "the log is missing beside its base".to_owned(),
            });
        }
        Err(error) => return Err(io_error("read", path)(error)),
    };
    check_file_header(path, &bytes, generation)?;
    let mut offset = FILE_HEADER_BYTES;
    let mut next_batch = first_batch;
    while offset < bytes.len() {
        match read_batch(&bytes, offset, next_batch) {
            Batch::Whole { records, end } => {
                apply(path, offset, records, content)?;
                offset = end;
                next_batch += 1;
            }
            Batch::CutShort => break,
            Batch::Corrupt(reason) => {
                return Err(OpenError::Corrupt {
                    path: path.to_owned(),
                    offset: offset as u64,
                    reason,
                });
            }
        }
    }
    let file = open_log(path)?;
    if offset < bytes.len() {
        let cut_bytes = bytes.len() - offset;
        tracing::warn!(log = %path.display(), offset, cut_bytes, "cut an unfinished batch");
    }
    let file = truncate(file, offset as u64).map_err(io_error("cut", path))?;
    Ok(OpenLog {
        file,
        generation,
        next_batch,
        bytes: offset as u64,
    })
}

/// Cuts the file, if it is longer, and makes sure that what was read from it stays: the last
/// process may have died between a write and its flush.
fn truncate(mut file: File, bytes: u64) -> std::io::Result<File> {
    if file.metadata()?.len() > bytes {
        file.set_len(bytes)?;
    }
    file.seek(SeekFrom::Start(bytes))?;
    file.sync_all()?;
    Ok(file)
}

fn check_file_header(path: &Path, bytes: &[u8], generation: u64) -> Result<(), OpenError> {
    let path = path.to_owned();
    let reason = match framing::read_file_header(bytes) {
        Ok(found) if found == generation => return Ok(()),
        Ok(found) => format!("it says that it is generation {found}"),
        Err(HeaderError::NotALog) => "it does not begin as a log".to_owned(),
        Err(HeaderError::WrongChecksum) => "the header's checksum is wrong".to_owned(),
        Err(HeaderError::OtherFormat(found)) => {
            return Err(OpenError::OtherFormat {
                path,
                found,
                known: FORMAT_VERSION,
            });
        }
    };
    Err(OpenError::Corrupt {
        path,
        offset: 0,
        reason,
    })
}

enum Batch {
    Whole { records: Vec<Record>, end: usize },
    CutShort,
    Corrupt(String),
}

fn read_batch(log: &[u8], offset: usize, expected: u64) -> Batch {
    let rest = &log[offset..];
    let header = BatchHeader::read(rest);
    let header_end = BATCH_HEADER_BYTES.min(rest.len());
    let Some(header) = header else {
        let missing = rest.len() < BATCH_HEADER_BYTES
            || framing::has_zero_sector(&rest[..header_end], offset as u64);
        return damaged(log, offset, expected, missing, "a batch header is damaged");
    };
    if header.number != expected {
        let found = header.number;
        return Batch::Corrupt(format!("batch {expected} should be here, not {found}"));
    }
    let end = offset + header.batch_bytes();
    if end > log.len() {
        return Batch::CutShort;
    }
    let batch = &log[offset..end];
    let Some(body) = header.body(batch) else {
        let missing = !header.has_sparse_sector && framing::has_zero_sector(batch, offset as u64);
        return damaged(
            log,
            offset,
            expected,
            missing,
            "a batch's checksum is wrong",
        );
    };
    match framing::read_body(body) {
        Some(records) => Batch::Whole { records, end },
        None => Batch::Corrupt("a batch has unknown or malformed records".to_owned()),
    }
}

/// Decides between the two kinds of damage; `missing` says whether bytes are surely not there.
fn damaged(log: &[u8], offset: usize, expected: u64, missing: bool, reason: &str) -> Batch {
    let follows = log[offset..]
        .windows(BATCH_MAGIC.len())
        .enumerate()
        .skip(1)
        .filter(|(_, window)| window == BATCH_MAGIC)
        .filter_map(|(position, _)| BatchHeader::read(&log[offset + position..]))
        .find(|header| header.number > expected);
    match follows {
        Some(header) => Batch::Corrupt(format!("{reason}, and batch {} follows", header.number)),
        None if missing => Batch::CutShort,
        None => Batch::Corrupt(format!("{reason}, and nothing of it is missing")),
    }
}

fn apply(
    path: &Path,
    offset: usize,
    records: Vec<Record>,
    content: &mut Content,
) -> Result<(), OpenError> {
    for record in records {
        content.apply(record).map_err(|misfit| OpenError::Corrupt {
            path: path.to_owned(),
            offset: offset as u64,
            reason: misfit.to_string(),
        })?;
    }
    Ok(())
}
