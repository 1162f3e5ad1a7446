//! Fetches the files of a checkpoint into the staging directory: a few parts at a time, each verified,
//! no faster than allowed. What it holds in memory is the parts under way.

use std::cell::Cell;
use std::cell::RefCell;
use std::fs::File;
use std::num::NonZeroU64;
use std::os::unix::fs::FileExt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pegasus_common::clock::MonotonicMicros;
use rustix::fs::Advice;
use rustix::fs::fadvise;
use tokio::task::JoinSet;

use super::shelf::CheckpointFile;
use super::source::CheckpointSource;
use super::source::FilePart;
use super::source::SourceError;
use super::staging::Staging;
use super::staging::StagingError;

/// Times that one part is asked for.
const ATTEMPTS: u32 = 5;
/// Before a part is asked for again; grows with each attempt.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// How a download goes about it.
pub struct DownloadManner {
    /// Bytes asked for at once.
    pub part_bytes: u32,
    /// Parts under way at once.
    pub parts_in_flight: usize,
    /// Admits bytes to the disk, and says how long to wait before fetching them.
    pub pace: Box<dyn Fn(u64, MonotonicMicros) -> Duration>,
    /// Whether somebody still wants it; asked before each part.
    pub is_wanted: Box<dyn Fn() -> bool>,
}

/// A download did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The other server.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The own disk.
    #[error(transparent)]
    Staging(#[from] StagingError),
    /// The own disk, in the middle of a file.
    #[error("{name}: {source}")]
    Write {
        /// Which file.
        name: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Nobody wants it any more.
    #[error("the download is not wanted any more")]
    Unwanted,
    /// A task of the download panicked.
    #[error("the download broke off")]
    BrokenOff,
}

/// One file on its way.
struct Incoming {
    file: CheckpointFile,
    /// Opened when the first part arrives.
    part: RefCell<Option<Arc<File>>>,
    /// Parts that are not on disk yet.
    remaining: Cell<u64>,
}

struct Transfer<S> {
    source: S,
    staging: Arc<Staging>,
    manner: DownloadManner,
    waiting: RefCell<Parts>,
    fetched_bytes: Cell<u64>,
    /// A worker has failed: the others finish their part and end.
    has_failed: Cell<bool>,
}

/// Fetches what the staging directory lacks; gives the bytes fetched. When it returns nothing of it
/// is under way any more. Must run within a `LocalSet`, as all of a server's event loops do.
///
/// # Errors
/// A file cannot be had or written. What is complete stays for the next attempt.
pub async fn download<S: CheckpointSource>(
    source: S,
    staging: Arc<Staging>,
    manner: DownloadManner,
) -> Result<u64, DownloadError> {
    let missing = blocking(&staging, |staging| Ok(staging.missing())).await?;
    let workers_max = manner.parts_in_flight.max(1);
    let transfer = Rc::new(Transfer {
        waiting: RefCell::new(parts_of(missing, manner.part_bytes)),
        source,
        staging,
        manner,
        fetched_bytes: Cell::new(0),
        has_failed: Cell::new(false),
    });
    let mut workers = JoinSet::new();
    for _ in 0..workers_max {
        workers.spawn_local(Rc::clone(&transfer).fetch_parts());
    }
    let mut result = Ok(());
    while let Some(ended) = workers.join_next().await {
        let ended = ended.unwrap_or(Err(DownloadError::BrokenOff));
        if ended.is_err() {
            transfer.has_failed.set(true);
        }
        result = result.and(ended);
    }
    result.map(|()| transfer.fetched_bytes.get())
}

/// Parts that are still to be fetched, in order. Made one by one: a peer may list files of any size.
type Parts = Box<dyn Iterator<Item = (Rc<Incoming>, FilePart)>>;

/// Every file in parts; an empty file is one empty part.
fn parts_of(files: Vec<CheckpointFile>, part_bytes: u32) -> Parts {
    Box::new(files.into_iter().flat_map(move |file| {
        let count = file.size.div_ceil(u64::from(part_bytes)).max(1);
        let (name, size) = (file.name.clone(), file.size);
        let incoming = Rc::new(Incoming {
            file,
            part: RefCell::new(None),
            remaining: Cell::new(count),
        });
        (0..count).map(move |index| {
            let offset = index * u64::from(part_bytes);
            let rest = u32::try_from(size - offset).unwrap_or(u32::MAX);
            let part = FilePart {
                name: name.clone(),
                offset,
                size: rest.min(part_bytes),
            };
            (Rc::clone(&incoming), part)
        })
    }))
}

/// Lets the system write a part to the disk from now on. All of a file when it is complete would keep
/// the flushes of the mutation logs waiting, and with them the clients; a flush of each part would
/// make the disk empty its cache as often.
fn begin_writeback(file: &File, part: &FilePart) {
    // What is not needed in memory is written; it is dropped only where that has been done already.
    // A file system that takes no advice is slower.
    let _ = fadvise(
        file,
        part.offset,
        NonZeroU64::new(part.size.into()),
        Advice::DontNeed,
    );
}

/// Runs something that touches the disk away from the event loop.
async fn blocking<R: Send + 'static>(
    staging: &Arc<Staging>,
    run: impl FnOnce(&Staging) -> Result<R, DownloadError> + Send + 'static,
) -> Result<R, DownloadError> {
    let staging = Arc::clone(staging);
    tokio::task::spawn_blocking(move || run(&staging))
        .await
        .map_err(|_| DownloadError::BrokenOff)?
}

impl<S: CheckpointSource> Transfer<S> {
    async fn fetch_parts(self: Rc<Self>) -> Result<(), DownloadError> {
        while !self.has_failed.get() {
            if !(self.manner.is_wanted)() {
                return Err(DownloadError::Unwanted);
            }
            let Some((incoming, part)) = self.waiting.borrow_mut().next() else {
                break;
            };
            let content = self.fetch(&part).await?;
            self.fetched_bytes
                .set(self.fetched_bytes.get() + u64::from(part.size));
            self.write(&incoming, part, content).await?;
        }
        Ok(())
    }

    async fn fetch(&self, part: &FilePart) -> Result<Bytes, SourceError> {
        if part.size == 0 {
            return Ok(Bytes::new());
        }
        let wait = (self.manner.pace)(u64::from(part.size), MonotonicMicros::now());
        tokio::time::sleep(wait).await;
        let mut attempt = 1;
        loop {
            match self.source.read(part).await {
                Err(error) if error.is_passing() && attempt < ATTEMPTS => {
                    tracing::debug!(name = part.name, offset = part.offset, %error, "asked again");
                    tokio::time::sleep(RETRY_PAUSE * attempt).await;
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    async fn write(
        &self,
        incoming: &Incoming,
        part: FilePart,
        content: Bytes,
    ) -> Result<(), DownloadError> {
        let file = self.file_of(incoming)?;
        let to = Arc::clone(&file);
        blocking(&self.staging, move |_| {
            to.write_all_at(&content, part.offset)
                .inspect(|()| begin_writeback(&to, &part))
                .map_err(|source| DownloadError::Write {
                    name: part.name,
                    source,
                })
        })
        .await?;
        incoming.remaining.set(incoming.remaining.get() - 1);
        if incoming.remaining.get() == 0 {
            let done = incoming.file.clone();
            incoming.part.borrow_mut().take();
            blocking(&self.staging, move |staging| {
                Ok(staging.complete_file(&done, &file)?)
            })
            .await?;
        }
        Ok(())
    }

    /// The file, opened with its first part. No other worker runs meanwhile, so it is opened once.
    fn file_of(&self, incoming: &Incoming) -> Result<Arc<File>, DownloadError> {
        if let Some(file) = incoming.part.borrow().as_ref() {
            return Ok(Arc::clone(file));
        }
        let file = self.staging.begin_file(&incoming.file)?;
        *incoming.part.borrow_mut() = Some(Arc::clone(&file));
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(sizes: &[u64]) -> Parts {
        let file = |size: &u64| CheckpointFile {
            name: size.to_string(),
            size: *size,
        };
        parts_of(sizes.iter().map(file).collect(), 10)
    }

    #[test]
    fn parts_cover_their_files() {
        let offsets: Vec<(u64, u32)> = parts(&[25, 0, 10])
            .map(|(_, part)| (part.offset, part.size))
            .collect();
        assert_eq!(offsets, [(0, 10), (10, 10), (20, 5), (0, 0), (0, 10)]);
    }

    #[test]
    fn a_file_of_absurd_size_costs_nothing_before_it_is_fetched() {
        let (incoming, first) = parts(&[u64::MAX]).next().unwrap();
        assert_eq!((first.offset, first.size), (0, 10));
        assert_eq!(incoming.remaining.get(), u64::MAX / 10 + 1);
    }
}
