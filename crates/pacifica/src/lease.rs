//! [`Lease`] and [`LeaseTerm`]: when this server may act as a primary (I4).
//!
//! Each unbroken stretch of a server's lease is a *term*. While a term lasts, the meta server takes no
//! role away from the server without its consent. Once it has ended, nothing that was heard in it
//! counts any more: a primary must hear again that it is one.

use crate::effect::{Effect, Effects};
use crate::planted::{self, PlantedBug};
use crate::replica::Replica;
use crate::role::Role;

/// One unbroken stretch of a server's lease; later ones are larger. Zero: none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseTerm(pub u64);

impl LeaseTerm {
    /// No term: the lease was never held.
    pub const NEVER: Self = Self(0);
}

/// Whether this server may act as a primary. The driver's clock decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lease {
    /// It may, where its role was confirmed in this term.
    Held(LeaseTerm),
    /// It may not read, accept writes or commit.
    NotHeld,
}

impl Lease {
    /// The term, if the lease is held.
    #[must_use]
    pub fn term(self) -> Option<LeaseTerm> {
        match self {
            Self::Held(term) if term != LeaseTerm::NEVER => Some(term),
            Self::Held(_) | Self::NotHeld => None,
        }
    }
}

impl Replica {
    /// The lease began, went on in another term, or ended. A primary without it commits nothing.
    pub fn on_lease(&mut self, lease: Lease, out: &mut Effects) {
        if self.lease != lease {
            self.lease = lease;
            self.ask_for_confirmation(out);
            self.commit_acknowledged(out);
        }
        self.check_invariants();
    }

    /// The term in which this replica is a primary that meta has confirmed, and may act.
    pub(crate) fn confirmed_term(&self) -> Option<LeaseTerm> {
        let Role::Primary(primary) = &self.role else {
            return None;
        };
        let term = self.lease.term()?;
        let is_confirmed =
            primary.confirmed_in == term || planted::is(PlantedBug::ConfirmationIgnored);
        is_confirmed.then_some(term)
    }

    /// A primary under a lease that meta has not confirmed in this term asks it.
    pub(crate) fn ask_for_confirmation(&self, out: &mut Effects) {
        let is_primary = matches!(self.role, Role::Primary(_));
        if is_primary && self.lease.term().is_some() && self.confirmed_term().is_none() {
            out.push(Effect::NeedsConfirmation);
        }
    }
}
