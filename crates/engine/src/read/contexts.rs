//! Scans between two calls of their client (data-semantics.md section 7.3).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::scan::Scan;

/// How long an unused context lives.
pub(crate) const CONTEXT_LIFETIME: Duration = Duration::from_secs(300);

/// The contexts of one replica. Each id is good for one call, and every call makes a new one.
pub(crate) struct ContextTable {
    /// Ids ascend, so the first is the oldest.
    contexts: BTreeMap<i64, Context>,
    next_id: i64,
    count_max: usize,
}

struct Context {
    scan: Scan,
    created: Instant,
}

impl ContextTable {
    /// A table for at most `count_max` contexts.
    pub(crate) fn new(count_max: usize) -> Self {
        // Always positive, because released clients clear only ids >= 0; and unlikely to meet the
        // ids of an earlier life of the replica, which clients may still hold.
        let high_half = i64::from(rand::random_range(1..i32::MAX));
        Self {
            contexts: BTreeMap::new(),
            next_id: high_half << 32,
            count_max: count_max.max(1),
        }
    }

    /// Keeps a scan; gives the id under which its client continues it. When the table is full the
    /// oldest goes: its client learns that it is unknown and starts over.
    pub(super) fn put(&mut self, scan: Scan, now: Instant) -> i64 {
        while self.contexts.len() >= self.count_max {
            self.contexts.pop_first();
        }
        let id = self.next_id;
        self.next_id = id.checked_add(1).unwrap_or(1);
        self.contexts.insert(id, Context { scan, created: now });
        id
    }

    /// Takes a scan out, unless its time is up.
    pub(super) fn take(&mut self, id: i64, now: Instant) -> Option<Scan> {
        let context = self.contexts.remove(&id)?;
        (!is_over(&context, now)).then_some(context.scan)
    }

    /// Drops the contexts whose time is up; gives how many.
    pub(crate) fn expire(&mut self, now: Instant) -> usize {
        let before = self.contexts.len();
        while self
            .contexts
            .first_key_value()
            .is_some_and(|(_, oldest)| is_over(oldest, now))
        {
            self.contexts.pop_first();
        }
        before - self.contexts.len()
    }

    /// Drops one context, if it is there.
    pub(crate) fn remove(&mut self, id: i64) {
        self.contexts.remove(&id);
    }

    /// Drops all.
    pub(crate) fn clear(&mut self) {
        self.contexts.clear();
    }

    /// Contexts held.
    pub(crate) fn len(&self) -> usize {
        self.contexts.len()
    }
}

fn is_over(context: &Context, now: Instant) -> bool {
    now.saturating_duration_since(context.created) >= CONTEXT_LIFETIME
}
