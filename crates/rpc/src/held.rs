//! What connections make this server hold: parts of requests, and answers that are not taken. Counted
//! for each connection and in all, where any thread can see it.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

/// One connection may hold this part of what all may hold.
const SHARE_OF_ONE: usize = 8;

/// What all connections of a server hold of one kind.
#[derive(Debug)]
pub(crate) struct HeldTotal {
    bytes: AtomicUsize,
    max: usize,
}

impl HeldTotal {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            bytes: AtomicUsize::new(0),
            max,
        })
    }

    pub(crate) fn is_over(&self) -> bool {
        self.bytes() > self.max
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// What one connection holds.
#[derive(Clone, Debug)]
pub struct HeldAccount {
    own: Arc<AtomicUsize>,
    total: Arc<HeldTotal>,
}

impl HeldAccount {
    pub(crate) fn new(total: Arc<HeldTotal>) -> Self {
        Self {
            own: Arc::default(),
            total,
        }
    }

    /// Whether the connection may be given more to hold.
    #[must_use]
    pub fn admits(&self) -> bool {
        let own = self.own.load(Ordering::Relaxed);
        own <= self.total.max / SHARE_OF_ONE && !self.total.is_over()
    }

    /// Notes so many bytes for as long as the result lives.
    #[must_use]
    pub fn hold(&self, bytes: usize) -> HeldBytes {
        let mut held = HeldBytes {
            account: self.clone(),
            bytes: 0,
        };
        held.set(bytes);
        held
    }

    /// Whether all connections together hold too much.
    pub(crate) fn is_total_over(&self) -> bool {
        self.total.is_over()
    }
}

/// Bytes that count as held while this lives.
#[derive(Debug)]
pub struct HeldBytes {
    account: HeldAccount,
    bytes: usize,
}

impl HeldBytes {
    /// Changes their number. Touches what threads share only if it is another.
    pub(crate) fn set(&mut self, bytes: usize) {
        let counters = [&*self.account.own, &self.account.total.bytes];
        if bytes > self.bytes {
            for counter in counters {
                counter.fetch_add(bytes - self.bytes, Ordering::Relaxed);
            }
        } else if bytes < self.bytes {
            for counter in counters {
                counter.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
            }
        }
        self.bytes = bytes;
    }

    /// Whether all connections together hold too much.
    pub(crate) fn is_total_over(&self) -> bool {
        self.account.is_total_over()
    }
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_counts_for_its_connection_and_for_all() {
        let total = HeldTotal::new(800);
        let [one, other] = [(); 2].map(|()| HeldAccount::new(Arc::clone(&total)));
        let mut staged = one.hold(0);
        staged.set(100);
        assert!(one.admits());
        staged.set(60);
        let on_its_way = one.hold(41);
        assert!(!one.admits(), "more than an eighth");
        assert!(other.admits());
        let much = other.hold(700);
        assert_eq!((total.bytes(), total.is_over()), (801, true));
        drop(on_its_way);
        assert!(one.admits() && !other.admits());
        drop((staged, much));
        assert_eq!(total.bytes(), 0);
    }
}
