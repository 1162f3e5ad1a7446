//! Connections on their way from the accepting thread to the shards that will serve them.
//!
//! A shard that is given thousands at once serves nobody else for so long, so each has only a few under
//! way; what else comes waits in the system's queue. One shard that stands still (its storage stalls) does
//! not keep connections from the others.

use std::cell::Cell;
use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

/// Connections under way to one shard.
pub(crate) const ARRIVING_MAX: usize = 4;

/// The ways to the shards of a server.
#[derive(Debug)]
pub(crate) struct Arrivals {
    /// As many permits as may be under way to all shards.
    room: Arc<Semaphore>,
    /// For each shard one, and a clone for each connection under way to it.
    under_way: Vec<Arc<()>>,
    last_shard: Cell<usize>,
}

/// A place on the way to a shard; dropping it makes room.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) shard: usize,
    // In this order: whoever gets the permit finds the shard with room.
    _under_way: Arc<()>,
    _room: OwnedSemaphorePermit,
}

impl Arrivals {
    /// Nothing is under way.
    pub(crate) fn to(shards: usize) -> Self {
        Self {
            room: Arc::new(Semaphore::new(ARRIVING_MAX * shards)),
            under_way: (0..shards).map(|_| Arc::default()).collect(),
            last_shard: Cell::default(),
        }
    }

    /// A place on the way to a shard with room, in turn. Waits until there is one. Cancel safe.
    pub(crate) async fn place(&self) -> Arrival {
        let room = Arc::clone(&self.room).acquire_owned().await;
        let room = room.expect("nobody closes the semaphore");
        let mut shard = self.next_shard();
        // All have fewer places in use than there are permits, so one has room.
        while Arc::strong_count(&self.under_way[shard]) > ARRIVING_MAX {
            shard = self.next_shard();
        }
        Arrival {
            shard,
            _under_way: Arc::clone(&self.under_way[shard]),
            _room: room,
        }
    }

    /// The shard whose turn it is, whether it has room or not.
    pub(crate) fn next_shard(&self) -> usize {
        let shard = (self.last_shard.get() + 1) % self.under_way.len();
        self.last_shard.set(shard);
        shard
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::Context;
    use std::task::Poll;
    use std::task::Waker;

    use super::*;

    fn place_now(arrivals: &Arrivals) -> Option<Arrival> {
        match pin!(arrivals.place()).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(arrival) => Some(arrival),
            Poll::Pending => None,
        }
    }

    #[test]
    fn shards_take_turns_and_each_takes_a_few() {
        let arrivals = Arrivals::to(3);
        let under_way: Vec<_> = (0..3 * ARRIVING_MAX)
            .map(|_| place_now(&arrivals).unwrap())
            .collect();
        for shard in 0..3 {
            let to_it = under_way.iter().filter(|arrival| arrival.shard == shard);
            assert_eq!(to_it.count(), ARRIVING_MAX);
        }
        assert!(place_now(&arrivals).is_none());
    }

    #[test]
    fn a_shard_that_stands_still_keeps_only_its_own() {
        let arrivals = Arrivals::to(3);
        let mut stuck = Vec::new();
        for _ in 0..10 * ARRIVING_MAX {
            let arrival = place_now(&arrivals).unwrap();
            if arrival.shard == 1 {
                stuck.push(arrival);
            }
        }
        assert_eq!(stuck.len(), ARRIVING_MAX);
    }
}
