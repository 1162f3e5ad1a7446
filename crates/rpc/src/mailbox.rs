//! Messages into a shard from other threads: other shards, the log thread, the read pool.
//!
//! A mailbox is a vector under a short lock and one wake for each batch: the sender that finds it
//! empty wakes the shard, everyone else only appends.

use std::mem;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use tokio::sync::Notify;

#[derive(Debug)]
struct Shared<M> {
    waiting: Mutex<Vec<M>>,
    arrived: Notify,
}

/// The sending end; clones send to the same shard.
#[derive(Debug)]
pub struct MailboxSender<M> {
    shared: Arc<Shared<M>>,
}

impl<M> Clone for MailboxSender<M> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<M> MailboxSender<M> {
    /// Puts one message in. The bound on what may wait belongs to the sender's own accounting
    /// (requests in flight, log tickets, jobs of the read pool), which is bounded.
    pub fn send(&self, message: M) {
        self.deliver(|waiting| waiting.push(message));
    }

    /// Puts a whole batch in with one wake; `messages` is left empty with its capacity.
    pub fn send_batch(&self, messages: &mut Vec<M>) {
        if !messages.is_empty() {
            self.deliver(|waiting| waiting.append(messages));
        }
    }

    fn deliver(&self, put: impl FnOnce(&mut Vec<M>)) {
        let was_empty = {
            let mut waiting = self
                .shared
                .waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let was_empty = waiting.is_empty();
            put(&mut waiting);
            was_empty
        };
        if was_empty {
            self.shared.arrived.notify_one();
        }
    }
}

/// The receiving end, owned by the shard.
#[derive(Debug)]
pub struct Mailbox<M> {
    shared: Arc<Shared<M>>,
}

impl<M> Mailbox<M> {
    /// Makes a mailbox and its first sender.
    #[must_use]
    pub fn new() -> (MailboxSender<M>, Self) {
        let shared = Arc::new(Shared {
            waiting: Mutex::new(Vec::new()),
            arrived: Notify::new(),
        });
        (
            MailboxSender {
                shared: Arc::clone(&shared),
            },
            Self { shared },
        )
    }

    /// Waits until something is there and swaps it into `batch`, which must be empty: its capacity
    /// is given to the senders in exchange.
    pub async fn receive(&self, batch: &mut Vec<M>) {
        debug_assert!(batch.is_empty(), "the batch buffer still holds messages");
        loop {
            {
                let mut waiting = self
                    .shared
                    .waiting
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                mem::swap(&mut *waiting, batch);
            }
            if !batch.is_empty() {
                return;
            }
            self.shared.arrived.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_many_threads_all_arrive() {
        let (sender, mailbox) = Mailbox::new();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let sender = sender.clone();
                std::thread::spawn(move || (0..1000).for_each(|number| sender.send(number)))
            })
            .collect();
        let runtime = crate::turn::ShardRuntime::new().unwrap();
        let total = runtime.block_on(async {
            let (mut total, mut seen, mut batch) = (0_u64, 0, Vec::new());
            while seen < 4000 {
                mailbox.receive(&mut batch).await;
                seen += batch.len();
                total += batch.drain(..).sum::<u64>();
            }
            total
        });
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert_eq!(total, 4 * (999 * 1000 / 2));
    }
}
