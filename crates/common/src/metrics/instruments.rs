//! Counters and gauges: one atomic each, on a cache line of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Keeps neighbours off each other's cache line: two shards counting side by side would otherwise
/// pass one line back and forth at every event.
#[derive(Debug, Default)]
#[repr(align(64))]
struct CachePadded<T>(T);

/// A handle to a number that only grows. Cheap to clone; clones count together.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<CachePadded<AtomicU64>>);

impl Counter {
    /// Counts one event.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Counts several events at once.
    pub fn add(&self, count: u64) {
        // Relaxed: nothing is published through a counter.
        self.0.0.fetch_add(count, Ordering::Relaxed);
    }

    /// Events so far.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.0.load(Ordering::Relaxed)
    }
}

/// A handle to a number that goes up and down. Cheap to clone; clones share the number.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<CachePadded<AtomicI64>>);

impl Gauge {
    /// Replaces the value.
    pub fn set(&self, value: i64) {
        self.0.0.store(value, Ordering::Relaxed);
    }

    /// Moves the value up, or down by a negative amount.
    pub fn add(&self, amount: i64) {
        self.0.0.fetch_add(amount, Ordering::Relaxed);
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> i64 {
        self.0.0.load(Ordering::Relaxed)
    }
}
