//! Reads: point reads, multi reads, counts and scans (data-semantics.md sections 4, 6 and 7).
//!
//! Expired records do not exist for any of them. A malformed key gives `InvalidArgument`.

mod batch_get;
mod contexts;
mod count;
mod iterator;
mod limiter;
mod multi_get;
mod pairs;
mod pattern;
mod point;
mod range;
mod scan;

pub(crate) use contexts::ContextTable;
pub use point::{Found, PinnedValue};

/// How deep a read may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadTier {
    /// Memtables and block cache: never waits for the disk.
    CacheOnly,
    /// Everything.
    All,
}

/// What a read came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadOutcome<T> {
    /// The answer.
    Done(T),
    /// The answer is on disk and the tier was [`ReadTier::CacheOnly`]: read again elsewhere with
    /// [`ReadTier::All`].
    NeedsDisk,
}

impl<T> ReadOutcome<T> {
    /// Applies `change` to the answer.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> ReadOutcome<U> {
        match self {
            Self::Done(answer) => ReadOutcome::Done(change(answer)),
            Self::NeedsDisk => ReadOutcome::NeedsDisk,
        }
    }

    /// The answer, if there is one.
    #[must_use]
    pub fn done(self) -> Option<T> {
        match self {
            Self::Done(answer) => Some(answer),
            Self::NeedsDisk => None,
        }
    }
}

/// Under which circumstances a request is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadAt {
    /// Seconds since 2016-01-01 UTC: decides what has expired.
    pub now_epoch_s: u32,
    /// How deep the read may go.
    pub tier: ReadTier,
}
