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
    queue: BinaryHeap<Reverse<Entry>>,
    /// The events themselves, which are large, so that the queue need not move them.
    events: Vec<Option<E>>,
    /// Places of `events` that are free.
    free: Vec<usize>,
}

/// When an event happens, its number, and its place. The number is unique, so the place decides nothing.
type Entry = (SimTime, u64, usize);

impl<E> Scheduler<E> {
    /// Nothing to come.
    #[must_use]
    pub fn new() -> Self {
        Self {
            now: SimTime(0),
            added: 0,
            queue: BinaryHeap::new(),
            events: Vec::new(),
            free: Vec::new(),
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
        let place = self.free.pop().unwrap_or_else(|| {
            self.events.push(None);
            self.events.len() - 1
        });
        self.events[place] = Some(event);
        self.queue
            .push(Reverse((at.max(self.now), self.added, place)));
    }

    /// Lets an event happen after a while.
    pub fn after(&mut self, delay: Duration, event: E) {
        self.at(self.now.after(delay), event);
    }

    /// The next event, if it happens no later than `limit`; time moves on.
    pub fn next(&mut self, limit: SimTime) -> Option<E> {
        match self.queue.peek() {
            Some(&Reverse((at, ..))) if at <= limit => {}
            _ => {
                self.now = self.now.max(limit);
                return None;
            }
        }
        let Reverse((at, _, place)) = self.queue.pop()?;
        self.now = at;
        self.free.push(place);
        self.events[place].take()
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
