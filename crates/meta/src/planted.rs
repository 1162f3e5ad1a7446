//! Bugs that a test can switch on, to show that the simulator finds them.
//!
//! Without the feature `planted` every question is answered `false` at compile time; with it a bug
//! is on in the thread that switched it on, and off by default.

/// A bug of the meta server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlantedBug {
    /// Servers are declared dead after a quarter of the grace, while their lease still holds.
    DeathBeforeGrace,
    /// A loading beacon counts as proof of a restart even if it is an old one that was delayed.
    DelayedBeaconIsProof,
    /// A new leader takes the roles of servers that it has not heard yet.
    NoPresumption,
    /// Of the members of a dead partition the one with less data becomes primary.
    LessDataWins,
    /// Config sync answers with the present configuration while it is being changed.
    SyncDuringChange,
    /// A change is shown and answered before the store has made it durable.
    AnswerBeforeDurable,
    /// Of a recalled partition another member leads before the last primary has heard of its end.
    LastLeaderForgotten,
}

impl PlantedBug {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::DeathBeforeGrace,
        Self::DelayedBeaconIsProof,
        Self::NoPresumption,
        Self::LessDataWins,
        Self::SyncDuringChange,
        Self::AnswerBeforeDurable,
        Self::LastLeaderForgotten,
    ];

    /// The name on command lines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DeathBeforeGrace => "meta-death-before-grace",
            Self::DelayedBeaconIsProof => "meta-delayed-beacon-is-proof",
            Self::NoPresumption => "meta-no-presumption",
            Self::LessDataWins => "meta-less-data-wins",
            Self::SyncDuringChange => "meta-sync-during-change",
            Self::AnswerBeforeDurable => "meta-answer-before-durable",
            Self::LastLeaderForgotten => "meta-last-leader-forgotten",
        }
    }

    /// Whether it is on in this thread.
    #[cfg(feature = "planted")]
    pub(crate) fn is_on(self) -> bool {
        switch::ACTIVE.get() == Some(self)
    }

    /// Whether it is on in this thread.
    #[cfg(not(feature = "planted"))]
    #[allow(
        clippy::unused_self,
        reason = "the same call with and without the feature"
    )]
    pub(crate) const fn is_on(self) -> bool {
        false
    }
}

#[cfg(feature = "planted")]
mod switch {
    use std::cell::Cell;

    thread_local! {
        pub(super) static ACTIVE: Cell<Option<super::PlantedBug>> = const { Cell::new(None) };
    }
}

/// Switches a bug on in this thread, and any other off.
#[cfg(feature = "planted")]
pub fn plant(bug: Option<PlantedBug>) {
    switch::ACTIVE.set(bug);
}
