//! The numbers of a server's calls.
//!
//! A process counts its calls from one. They travel under a number that also tells its lives apart: the
//! connection over which a call went ends with its process, so an answer never reaches the next one.

use super::{Turn, stub};
use crate::packet::CallId;

/// Below the number of the life.
const NUMBER_BITS: u32 = 32;
/// Calls that fetch pieces of checkpoints are told from those of the stub by this bit.
const FETCH: u64 = 1 << (NUMBER_BITS - 1);

/// A call of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnCall {
    /// Of the stub.
    Stub(stub::CallId),
    /// For a piece of a checkpoint.
    Fetch,
}

impl Turn<'_> {
    /// The number under which a call of the stub travels.
    pub(super) fn stub_call(&self, id: stub::CallId) -> CallId {
        self.travelling(id.0)
    }

    /// The number under which a fetch travels.
    pub(super) fn fetch_call(&self, number: u64) -> CallId {
        self.travelling(FETCH | number)
    }

    fn travelling(&self, number: u64) -> CallId {
        CallId(u64::from(self.life) << NUMBER_BITS | number)
    }

    /// Which call of this process has that number; none if an earlier process made it.
    pub(super) fn own_call(&self, id: CallId) -> Option<OwnCall> {
        if id.0 >> NUMBER_BITS != u64::from(self.life) {
            return None;
        }
        let number = id.0 & ((1 << NUMBER_BITS) - 1);
        Some(match number & FETCH {
            0 => OwnCall::Stub(stub::CallId(number)),
            _ => OwnCall::Fetch,
        })
    }
}
