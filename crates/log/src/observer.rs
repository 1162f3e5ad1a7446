//! A producer's side of the log: hand over records, hear when they are safe.

use std::sync::Arc;

use crate::error::{LogFailure, SubmitError};
use crate::queue::{Producer, Queue};
use crate::record::Record;

/// What a producer hears. Called on the log thread: hand the news over (post it to the shard, wake
/// it) and return; everything that waits here delays every other producer of the disk.
pub trait LogObserver: Send + Sync {
    /// Every submission of this producer through `ticket` is safe, as [`crate::Durability`]
    /// defines. Tickets only grow. May be called before the `submit` that made the ticket returns.
    fn on_safe(&self, ticket: u64);

    /// The log failed for good. Submissions above the last `on_safe` may or may not be on disk and
    /// will never be reported safe. Called once, also when nothing was waiting.
    fn on_failed(&self, failure: &LogFailure);
}

/// One producer of the log; belongs to one thread.
#[derive(Debug)]
pub struct LogHandle {
    queue: Arc<Queue>,
    producer: Arc<Producer>,
    last_ticket: u64,
}

impl LogHandle {
    pub(crate) fn new(queue: Arc<Queue>, producer: Arc<Producer>) -> Self {
        Self {
            queue,
            producer,
            last_ticket: 0,
        }
    }

    /// Hands over a whole turn's records, in the order in which they shall be recovered, and
    /// returns their ticket: 1, 2, 3 … per producer. Empty submissions are allowed; their ticket is
    /// reported when everything before it is safe.
    ///
    /// # Errors
    /// [`SubmitError`]; nothing of the submission was taken, and no ticket was used. `Full` and
    /// `NoSpace` give the records back: the producer keeps them and takes no more work until
    /// `has_room`.
    pub fn submit(&mut self, records: Vec<Record>) -> Result<u64, SubmitError> {
        let ticket = self.last_ticket + 1;
        self.queue.submit(&self.producer, ticket, records)?;
        self.last_ticket = ticket;
        Ok(ticket)
    }

    /// The ticket of the last submission that was taken; 0 before the first.
    #[must_use]
    pub fn last_ticket(&self) -> u64 {
        self.last_ticket
    }

    /// Whether a submission would be taken now. The back-pressure signal: a shard asks before it
    /// takes requests that will need the log. Costs one atomic load.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.queue.has_room()
    }

    /// Whether the log waits for space on its disk. What it has taken stays unsafe for so long.
    #[must_use]
    pub fn waits_for_space(&self) -> bool {
        self.queue.waits_for_space()
    }
}

impl Drop for LogHandle {
    fn drop(&mut self) {
        self.queue.unregister(&self.producer);
    }
}
