//! [`Options`]: the limits of one replica.

use crate::prepare_list::HistoryLimits;

/// The limits of one replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    /// Fewer members than this: no writes (I7). 0: by the table's replica count, 1 for one or two
    /// replicas, a majority above that.
    pub mutation_2pc_min_replica_count: u32,
    /// Mutations between what is applied and what is prepared (upstream: `staleness_for_commit`,
    /// 20). One mutation holds a whole turn's writes, and more than the round trips in flight is of
    /// no use.
    pub window_mutations: u32,
    /// Uncommitted payload bytes; one mutation may pass it.
    pub window_bytes: usize,
    /// Uncommitted mutations that a secondary keeps; more than any primary's window.
    pub prepared_max: u32,
    /// Committed mutations kept for peers that lag.
    pub history: HistoryLimits,
    /// Digests kept for comparison with peers that lag.
    pub digest_history: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mutation_2pc_min_replica_count: 2,
            window_mutations: 64,
            window_bytes: 16 << 20,
            prepared_max: 1024,
            history: HistoryLimits {
                mutations_max: 128,
                bytes_max: 1 << 20,
            },
            digest_history: 128,
        }
    }
}
