//! Whether a replica serves clients now, and why not (I4, I5, I7).

use pegasus_common::ErrorCode;

use crate::lease::LeaseTerm;
use crate::planted::{self, PlantedBug};
use crate::replica::Replica;
use crate::role::{PrimaryState, Role};

/// Why a write is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum WriteRefusal {
    /// Not the primary, or without a lease in which meta has confirmed it.
    #[error("this replica is not the primary")]
    NotPrimary,
    /// What it took over is not applied yet (I5).
    #[error("the new primary has not committed everything that it took over")]
    CatchingUp,
    /// I7.
    #[error("the partition has fewer members than writes need")]
    NotEnoughMembers,
    /// The window is full.
    #[error("too many writes wait for the other members")]
    WindowFull,
}

impl WriteRefusal {
    /// What a client is told.
    #[must_use]
    pub const fn error_code(self) -> ErrorCode {
        match self {
            Self::NotPrimary | Self::CatchingUp => ErrorCode::InvalidState,
            Self::NotEnoughMembers => ErrorCode::NotEnoughMember,
            Self::WindowFull => ErrorCode::CapacityExceeded,
        }
    }
}

/// Why a read is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ReadRefusal {
    /// Not the primary, or without a lease in which meta has confirmed it.
    #[error("this replica is not the primary")]
    NotPrimary,
    /// An acknowledged write might not be visible here yet (I5).
    #[error("the new primary has not committed everything that it took over")]
    CatchingUp,
}

impl ReadRefusal {
    /// What a client is told.
    #[must_use]
    pub const fn error_code(self) -> ErrorCode {
        ErrorCode::InvalidState
    }
}

impl Replica {
    /// Whether a write would be accepted now.
    ///
    /// # Errors
    /// Why not.
    pub fn admit_write(&self) -> Result<(), WriteRefusal> {
        let Role::Primary(primary) = &self.role else {
            return Err(WriteRefusal::NotPrimary);
        };
        if self.confirmed_term().is_none() {
            return Err(WriteRefusal::NotPrimary);
        }
        if !self.has_applied_inherited(primary) {
            return Err(WriteRefusal::CatchingUp);
        }
        if primary.configuration.member_count() < self.members_needed(primary) {
            return Err(WriteRefusal::NotEnoughMembers);
        }
        let in_flight = self.list.prepared().distance_from(self.applied);
        let window_is_full = in_flight >= u64::from(self.options.window_mutations)
            || self.list.uncommitted_bytes() >= self.options.window_bytes;
        if window_is_full {
            return Err(WriteRefusal::WindowFull);
        }
        Ok(())
    }

    /// I5: every write that an earlier primary may have answered is visible here.
    fn has_applied_inherited(&self, primary: &PrimaryState) -> bool {
        self.applied >= primary.inherited || planted::is(PlantedBug::ReadsBeforeInherited)
    }

    /// Members that a write needs (I7; replication.md section 4.1).
    pub(crate) fn members_needed(&self, primary: &PrimaryState) -> usize {
        let count = match self.options.mutation_2pc_min_replica_count {
            0 if primary.configuration.max_replica_count <= 2 => 1,
            0 => primary.configuration.max_replica_count / 2 + 1,
            count => count,
        };
        usize::try_from(count).unwrap_or(usize::MAX)
    }

    /// Whether a read sees every acknowledged write. The driver checks the lease's clock besides.
    ///
    /// # Errors
    /// Why not.
    pub fn admit_read(&self) -> Result<(), ReadRefusal> {
        match &self.role {
            Role::Primary(primary) if self.confirmed_term().is_some() => {
                if self.has_applied_inherited(primary) {
                    Ok(())
                } else {
                    Err(ReadRefusal::CatchingUp)
                }
            }
            _ => Err(ReadRefusal::NotPrimary),
        }
    }

    /// The lease term in which reads may be served: while the driver's clock says that the lease is held
    /// in this term, [`Replica::admit_read`] agrees.
    #[must_use]
    pub fn readable_in(&self) -> Option<LeaseTerm> {
        self.admit_read().ok().and_then(|()| self.confirmed_term())
    }
}
