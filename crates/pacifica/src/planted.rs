//! Bugs that can be switched on, to show that the tests find them. Only with the feature `planted`;
//! without it every switch is the constant `false`.

/// A bug. Each is a rule of the protocol that is left out at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlantedBug {
    /// A secondary takes prepares of a primary whose ballot has ended.
    BallotCheckSkipped,
    /// A primary takes acknowledgements that were given under another ballot, or in an earlier
    /// attempt to learn.
    StaleAckAccepted,
    /// A primary commits when its own log and a majority have a mutation, not when all members have.
    CommitWithoutAllMembers,
    /// A secondary acknowledges what its log has not made safe yet.
    AckBeforeLogSafe,
    /// A new primary drops what it had prepared and not committed.
    TakeoverTruncates,
    /// A new primary serves before it has committed what it took over.
    ReadsBeforeInherited,
    /// A primary serves in a lease term in which meta has not confirmed it.
    ConfirmationIgnored,
    /// A restarted primary goes on under its old ballot.
    RestartedPrimaryKeepsBallot,
    /// A replica that cannot prove what it acknowledged comes back as a member.
    UnprovenReturns,
    /// A learner counts as soon as prepares flow, before it has all that is committed.
    LearnerCountedTooEarly,
    /// A learner counts although its history was never compared.
    LearnerDigestIgnored,
    /// A primary forgets a learner although meta may still make it a member.
    AskedLearnerDropped,
}

impl PlantedBug {
    /// Every bug.
    pub const ALL: [Self; 12] = [
        Self::BallotCheckSkipped,
        Self::StaleAckAccepted,
        Self::CommitWithoutAllMembers,
        Self::AckBeforeLogSafe,
        Self::TakeoverTruncates,
        Self::ReadsBeforeInherited,
        Self::ConfirmationIgnored,
        Self::RestartedPrimaryKeepsBallot,
        Self::UnprovenReturns,
        Self::LearnerCountedTooEarly,
        Self::LearnerDigestIgnored,
        Self::AskedLearnerDropped,
    ];
}

#[cfg(feature = "planted")]
mod switch {
    use std::cell::Cell;

    use super::PlantedBug;

    thread_local! {
        static PRESENT: Cell<Option<PlantedBug>> = const { Cell::new(None) };
    }

    /// Switches one bug on for this thread, or all off.
    pub fn plant(bug: Option<PlantedBug>) {
        PRESENT.set(bug);
    }

    pub(crate) fn is(bug: PlantedBug) -> bool {
        PRESENT.get() == Some(bug)
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
