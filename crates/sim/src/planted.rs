//! Bugs that are switched on to show that the simulator finds them: those of the product's pure crates
//! (with the feature `planted`), and those of the drivers, which are models here.

use std::cell::Cell;

/// A bug of a driver: a rule that the code around the state machines must keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriverBug {
    /// The log says that records are safe before they are flushed.
    AckBeforeFlush,
    /// Storage counts as flushed, and the log is released, before the flush is done.
    DurableBeforeFlush,
    /// Reads do not look at the lease.
    LeaseIgnored,
    /// A restarted replica counts as complete whatever the log's recovery says.
    DoubtsForgotten,
    /// A learner counts as complete after a restart.
    LearnerMarkForgotten,
    /// A checkpoint takes the place of a replica without a word to the log.
    ResetSkipped,
    /// The group's word for a replica also covers damage that is found later.
    VouchSettlesAll,
    /// Reports for an earlier replica of the partition reach its successor.
    LateReports,
    /// The log releases what the state machine wants to keep.
    ReleaseLimitIgnored,
}

impl DriverBug {
    /// Every bug.
    pub const ALL: [Self; 9] = [
        Self::AckBeforeFlush,
        Self::DurableBeforeFlush,
        Self::LeaseIgnored,
        Self::DoubtsForgotten,
        Self::LearnerMarkForgotten,
        Self::ResetSkipped,
        Self::VouchSettlesAll,
        Self::LateReports,
        Self::ReleaseLimitIgnored,
    ];
}

thread_local! {
    static DRIVER: Cell<Option<DriverBug>> = const { Cell::new(None) };
}

/// Whether a bug of the drivers is on in this thread.
pub(crate) fn is(bug: DriverBug) -> bool {
    DRIVER.get() == Some(bug)
}

/// A bug, wherever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// In a driver.
    Driver(DriverBug),
    /// In the replication state machine.
    #[cfg(feature = "planted")]
    Pacifica(pegasus_pacifica::planted::PlantedBug),
    /// In the meta server.
    #[cfg(feature = "planted")]
    Meta(pegasus_meta::planted::PlantedBug),
}

impl Planted {
    /// Every bug of this build.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let all = DriverBug::ALL.map(Self::Driver).to_vec();
        #[cfg(feature = "planted")]
        let all = [
            all,
            pegasus_pacifica::planted::PlantedBug::ALL
                .map(Self::Pacifica)
                .to_vec(),
            pegasus_meta::planted::PlantedBug::ALL
                .map(Self::Meta)
                .to_vec(),
        ]
        .concat();
        all
    }

    /// Its name on command lines.
    #[must_use]
    pub fn name(self) -> String {
        format!("{self:?}")
            .replace(['(', ')'], " ")
            .trim()
            .replace(' ', "-")
            .to_lowercase()
    }

    /// The bug of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|bug| bug.name() == name)
    }
}

/// Switches one bug on in this thread, or all off.
pub fn plant(bug: Option<Planted>) {
    DRIVER.set(match bug {
        Some(Planted::Driver(bug)) => Some(bug),
        _ => None,
    });
    #[cfg(feature = "planted")]
    {
        pegasus_pacifica::planted::plant(match bug {
            Some(Planted::Pacifica(bug)) => Some(bug),
            _ => None,
        });
        pegasus_meta::planted::plant(match bug {
            Some(Planted::Meta(bug)) => Some(bug),
            _ => None,
        });
    }
}
