//! [`LogStorage`]: the group's log as the consensus sees it, over a [`Journal`].

use std::fmt::Debug;
use std::io;
use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use openraft::storage::{IOFlushed, RaftLogStorage};
use openraft::{AsyncRuntime, LogState, OptionalSend, RaftLogReader};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::content::{Content, Record};
use super::journal::Journal;
use super::types::{Entry, GroupTypes, LogId, Vote};

/// A member's log and promise. What is appended can be read at once, and is durable later.
pub struct LogStorage<R> {
    content: Arc<Mutex<Content>>,
    journal: Arc<dyn Journal>,
    runtime: PhantomData<fn() -> R>,
}

impl<R> Clone for LogStorage<R> {
    fn clone(&self) -> Self {
        Self {
            content: Arc::clone(&self.content),
            journal: Arc::clone(&self.journal),
            runtime: PhantomData,
        }
    }
}

impl<R> LogStorage<R> {
    /// The log that a journal held when it was opened.
    #[must_use]
    pub fn new(content: Content, journal: Arc<dyn Journal>) -> Self {
        Self {
            content: Arc::new(Mutex::new(content)),
            journal,
            runtime: PhantomData,
        }
    }

    fn apply(&self, records: &[Record]) -> io::Result<()> {
        let mut content = self.content.lock();
        for record in records {
            content.apply(record.clone()).map_err(io::Error::other)?;
        }
        Ok(())
    }

    async fn make_durable(&self, record: Record) -> io::Result<()> {
        self.apply(std::slice::from_ref(&record))?;
        append_and_flush(&*self.journal, record).await
    }

    fn make_durable_some_time(&self, record: Record) -> io::Result<()> {
        self.apply(std::slice::from_ref(&record))?;
        self.journal.append(vec![record], None);
        Ok(())
    }
}

/// Hands a record over and waits until it is durable.
pub(super) async fn append_and_flush(journal: &dyn Journal, record: Record) -> io::Result<()> {
    let (flushed, outcome) = oneshot::channel();
    let tell = move |outcome| drop(flushed.send(outcome));
    journal.append(vec![record], Some(Box::new(tell)));
    let ended = |_| io::Error::other("the journal has ended");
    outcome.await.map_err(ended)?
}

impl<R: AsyncRuntime> RaftLogReader<GroupTypes<R>> for LogStorage<R> {
    async fn try_get_log_entries<RB>(&mut self, range: RB) -> io::Result<Vec<Entry>>
    where
        RB: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let content = self.content.lock();
        let first = content
            .entries
            .front()
            .map_or(0, |entry| entry.log_id.index);
        let start = match range.start_bound() {
            Bound::Included(&start) => start,
            Bound::Excluded(&start) => start.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let skip = usize::try_from(start.saturating_sub(first)).unwrap_or(usize::MAX);
        let from_start = content.entries.iter().skip(skip);
        let inside = from_start.take_while(|entry| range.contains(&entry.log_id.index));
        Ok(inside.cloned().collect())
    }

    async fn read_vote(&mut self) -> io::Result<Option<Vote>> {
        Ok(self.content.lock().vote)
    }
}

impl<R: AsyncRuntime> RaftLogStorage<GroupTypes<R>> for LogStorage<R> {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> io::Result<LogState<GroupTypes<R>>> {
        let content = self.content.lock();
        Ok(LogState {
            last_purged_log_id: content.purged,
            last_log_id: content.last_log_id(),
        })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        self.make_durable(Record::Vote(*vote)).await
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        self.make_durable_some_time(Record::Committed(committed))
    }

    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        Ok(self.content.lock().committed)
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<GroupTypes<R>>) -> io::Result<()>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let records: Vec<_> = entries.into_iter().map(Record::Entry).collect();
        self.apply(&records)?;
        let flushed = move |outcome| callback.io_completed(outcome);
        self.journal.append(records, Some(Box::new(flushed)));
        Ok(())
    }

    async fn truncate_after(&mut self, last_log_id: Option<LogId>) -> io::Result<()> {
        self.make_durable(Record::Truncate(last_log_id)).await
    }

    async fn purge(&mut self, log_id: LogId) -> io::Result<()> {
        self.make_durable_some_time(Record::Purge(log_id))
    }
}
