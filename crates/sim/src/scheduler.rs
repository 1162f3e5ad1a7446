//! What happens next: a queue of events by true time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::time::SimTime;

/// The events to come. Events of the same time happen in the order in which they were added.
#[derive(Debug)]
pub struct Scheduler<E> {
    now: SimTime,
    added: u64,
    queue: BinaryHeap<Reverse<Entry<E>>>,
}

#[derive(Debug)]
struct Entry<E> {
    at: SimTime,
    number: u64,
    event: E,
}

impl<E> Entry<E> {
    fn key(&self) -> (SimTime, u64) {
        (self.at, self.number)
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl<E> Scheduler<E> {
    /// Nothing to come.
    #[must_use]
    pub fn new() -> Self {
        Self {
            now: SimTime(0),
            added: 0,
            queue: BinaryHeap::new(),
        }
    }

    /// The time of the event that happens now.
    #[must_use]
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// Lets an event happen at a time; a time that has passed is now.
    pub fn at(&mut self, at: SimTime, event: E) {
        self.added += 1;
        self.queue.push(Reverse(Entry {
            at: at.max(self.now),
            number: self.added,
            event,
        }));
    }

    /// Lets an event happen after a while.
    pub fn after(&mut self, delay: Duration, event: E) {
        self.at(self.now.after(delay), event);
    }

    /// The next event, if it happens no later than `limit`; time moves on.
    pub fn next(&mut self, limit: SimTime) -> Option<E> {
        match self.queue.peek() {
            Some(Reverse(first)) if first.at <= limit => {}
            _ => {
                self.now = self.now.max(limit);
                return None;
            }
        }
        let Reverse(first) = self.queue.pop()?;
        self.now = first.at;
        Some(first.event)
    }
}

impl<E> Default for Scheduler<E> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_happen_by_time_and_then_in_the_order_of_adding() {
        let mut scheduler = Scheduler::new();
        scheduler.at(SimTime(5), 'c');
        scheduler.at(SimTime(2), 'a');
        scheduler.at(SimTime(5), 'd');
        scheduler.after(Duration::from_micros(2), 'b');
        let mut happened = String::new();
        while let Some(event) = scheduler.next(SimTime(5)) {
            happened.push(event);
        }
        assert_eq!(happened, "abcd");
        scheduler.at(SimTime(9), 'e');
        assert_eq!(scheduler.next(SimTime(8)), None);
        assert_eq!(scheduler.now(), SimTime(8));
    }
}
