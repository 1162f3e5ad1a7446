//! Bugs that can be switched on, to show that the tests find them. Only with the feature `planted`;
//! without it every switch is the constant `false`.

/// A bug. Each is a rule of the store that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlantedBug {
    /// Who led once may write for ever: nobody looks at the epoch.
    DeposedLeaderWrites,
}

impl PlantedBug {
    /// Every bug.
    pub const ALL: [Self; 1] = [Self::DeposedLeaderWrites];
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
