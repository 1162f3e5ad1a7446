//! Messages into a shard from other threads: other shards, the log thread, the read pool.
//!
//! A mailbox is a vector under a short lock and one wake for each batch: the sender that finds it
//! empty wakes the shard, everyone else only appends.

use std::mem;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::sync::Notify;

#[derive(Debug)]
struct Waiting<M> {
    messages: Vec<M>,
    /// The receiving end is gone.
    is_closed: bool,
}

#[derive(Debug)]
struct Shared<M> {
    waiting: Mutex<Waiting<M>>,
    arrived: Notify,
}

impl<M> Shared<M> {
    fn lock(&self) -> MutexGuard<'_, Waiting<M>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
    /// (requests in flight, log tickets, jobs of the read pool), which is bounded. If the receiving
    /// end is gone, the message is dropped.
    pub fn send(&self, message: M) {
        self.deliver(|waiting| waiting.push(message));
    }

    /// Puts a whole batch in with one wake; `messages` is left empty with its capacity.
    pub fn send_batch(&self, messages: &mut Vec<M>) {
        if !messages.is_empty() {
            self.deliver(|waiting| waiting.append(messages));
            messages.clear();
        }
    }

    fn deliver(&self, put: impl FnOnce(&mut Vec<M>)) {
        let was_empty = {
            let mut waiting = self.shared.lock();
            if waiting.is_closed {
                return;
            }
            let was_empty = waiting.messages.is_empty();
            put(&mut waiting.messages);
            was_empty
        };
        if was_empty {
            self.shared.arrived.notify_one();
        }
    }
}

/// The receiving end, owned by the shard. When it is dropped, so is everything that waits: who waits
/// for an answer to a message learns that none will come.
#[derive(Debug)]
pub struct Mailbox<M> {
    shared: Arc<Shared<M>>,
}

impl<M> Mailbox<M> {
    /// Makes a mailbox and its first sender.
    #[must_use]
    pub fn new() -> (MailboxSender<M>, Self) {
        let shared = Arc::new(Shared {
            waiting: Mutex::new(Waiting {
                messages: Vec::new(),
                is_closed: false,
            }),
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
            mem::swap(&mut self.shared.lock().messages, batch);
            if !batch.is_empty() {
                return;
            }
            self.shared.arrived.notified().await;
        }
    }
}

impl<M> Drop for Mailbox<M> {
    fn drop(&mut self) {
        let waiting = {
            let mut waiting = self.shared.lock();
            waiting.is_closed = true;
            mem::take(&mut waiting.messages)
        };
        // Outside the lock: what a message holds may send in its turn.
        drop(waiting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_to_nobody_are_dropped() {
        let (sender, mailbox) = Mailbox::new();
        let message = Arc::new(());
        sender.send(Arc::clone(&message));
        assert_eq!(Arc::strong_count(&message), 2);
        drop(mailbox);
        sender.send(Arc::clone(&message));
        let mut batch = vec![Arc::clone(&message)];
        sender.send_batch(&mut batch);
        assert!(batch.is_empty());
        assert_eq!(Arc::strong_count(&message), 1);
    }

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
