//! Who may write: [`Leadership`] and its fencing token, the [`Epoch`].

use std::fmt;

use serde::{Deserialize, Serialize};

/// The number of one reign. Each new leader has a larger one, and the store refuses the smaller.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Epoch(pub u64);

impl Epoch {
    /// Before the first leader.
    pub const ZERO: Self = Self(0);

    /// The epoch of the next reign.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A member's view of who leads. It may be late; the fence in `commit` is never wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leadership {
    /// This member leads and commits with `epoch`.
    Leader {
        /// The fencing token of this reign.
        epoch: Epoch,
    },
    /// This member does not lead.
    Follower {
        /// The leader's name as given to its store, when known.
        leader: Option<String>,
    },
}

impl Leadership {
    /// The view of a member that knows of no leader.
    pub const UNKNOWN: Self = Self::Follower { leader: None };

    /// The epoch to commit with, if this member leads.
    #[must_use]
    pub const fn epoch(&self) -> Option<Epoch> {
        match self {
            Self::Leader { epoch } => Some(*epoch),
            Self::Follower { .. } => None,
        }
    }
}
