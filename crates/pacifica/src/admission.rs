//! Whether a replica serves clients now, and why not (I4, I5, I7).

use pegasus_common::ErrorCode;

use crate::replica::Replica;
use crate::role::{PrimaryState, Role};

/// Whether this server may act as a primary (I4). The driver's clock decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lease {
    /// It may.
    Held,
    /// It may not read, accept writes or commit: its lease ran out, or that of the primary before
    /// it has not surely run out yet.
    NotHeld,
}

/// Why a write is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum WriteRefusal {
    /// Not the primary, or without its lease.
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
    /// Not the primary, or without its lease.
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
        if self.lease == Lease::NotHeld {
            return Err(WriteRefusal::NotPrimary);
        }
        if self.applied < primary.inherited {
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
            Role::Primary(primary) if self.lease == Lease::Held => {
                if self.applied >= primary.inherited {
                    Ok(())
                } else {
                    Err(ReadRefusal::CatchingUp)
                }
            }
            _ => Err(ReadRefusal::NotPrimary),
        }
    }
}
