//! Bugs that can be switched on, to show that the tests find them. Only with the feature `planted`;
//! without it every switch is the constant `false`.

/// A bug. Each is a rule of the log that is left out at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlantedBug {
    /// A batch is acknowledged that was written and not flushed.
    AcknowledgeBeforeFlush,
    /// A segment begins without a flush of what makes it one.
    SegmentNotFlushed,
    /// What storage has flushed is taken to be one decree more.
    ReleaseOneTooMany,
    /// A batch that was torn by a full disk is followed by the next one instead of written again.
    TornBatchSkipped,
}

impl PlantedBug {
    /// Every bug.
    pub const ALL: [Self; 4] = [
        Self::AcknowledgeBeforeFlush,
        Self::SegmentNotFlushed,
        Self::ReleaseOneTooMany,
        Self::TornBatchSkipped,
    ];
}

#[cfg(feature = "planted")]
mod switch {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::PlantedBug;

    /// One for the process: the log thread is not the test's. 0 is none.
    static PRESENT: AtomicUsize = AtomicUsize::new(0);

    /// Switches one bug on, or all off.
    pub fn plant(bug: Option<PlantedBug>) {
        PRESENT.store(bug.map_or(0, |bug| bug as usize + 1), Ordering::SeqCst);
    }

    pub(crate) fn is(bug: PlantedBug) -> bool {
        PRESENT.load(Ordering::SeqCst) == bug as usize + 1
    }
}

#[cfg(feature = "planted")]
pub(crate) use switch::is;
#[cfg(feature = "planted")]
pub use switch::plant;

#[cfg(not(feature = "planted"))]
pub(crate) const fn is(_: PlantedBug) -> bool {
    false
}
