//! Whether the records of one key are linearizable.
//!
//! The records are walked through in the order in which their answers came. A *configuration* says
//! how things may stand: a state of the key, and which of the operations that are under way have
//! already taken effect in it. When an operation's answer comes and it has not yet taken effect, it
//! and what must come before it take effect now, just in time (after Lowe, "Testing for
//! linearizability", 2017, and Wing & Gong, 1993). Where there are several ways, they are tried one
//! after the other, the shortest first; when none is left, no order explains the records.
//!
//! Operations of unknown outcome would make the number of ways explode, because each may take
//! effect at any later time. Four rules keep it small, none of which changes the verdict:
//! - a read takes effect as soon as its answer fits: nothing is lost by it;
//! - of two configurations with the same state, the one that has used fewer operations of unknown
//!   outcome, or has more reads behind it, makes the other superfluous;
//! - of equal operations of unknown outcome, the one that was sent first is used first;
//! - what could as well take effect after the operation that has just ended is left for later.

mod configuration;
mod timeline;
mod violation;
mod walk;
mod ways;

pub use violation::Violation;

use crate::model::Model;
use crate::record::Record;

/// How much work one key is worth.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Steps of the model: time.
    pub steps: u64,
    /// Configurations remembered: memory.
    pub configurations: usize,
}

impl Default for Limits {
    /// About ten seconds and some hundred megabytes: a guess; real histories need a thousandth.
    fn default() -> Self {
        Self {
            steps: 20_000_000,
            configurations: 1_000_000,
        }
    }
}

/// The answer of [`check`].
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Some order explains every answer.
    Linearizable,
    /// No order does.
    Violation(Box<Violation>),
    /// No order was found before the limits were met. Orders of thousands of operations can seldom
    /// all be excluded, so this is how most violations in long histories show: the answer that it
    /// names could not be explained by any order that was tried.
    Undecided(Box<Violation>),
}

/// Checks the records of one key, given in any order.
pub fn check<M: Model>(
    model: &M,
    records: &[Record<M::Operation, M::Answer>],
    limits: Limits,
) -> Verdict {
    walk::Walk::new(model, records, limits).run()
}
