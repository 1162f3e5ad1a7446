//! How often a run reached what is rare: a test that never gets there shows nothing.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};

use pegasus_pacifica::{Effect, LearnOutcome, Message, ReplicaStatus};

/// How often each rare thing happened. No part of the state.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    pub counts: BTreeMap<&'static str, u64>,
    /// Events are printed.
    pub is_told: bool,
}

impl Hash for Reach {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl Reach {
    /// What any thousand runs should reach often.
    pub const WANTED: &[&str] = &[
        "accepted",
        "asks for a ballot",
        "asks for confirmation",
        "asks to be the truth",
        "asks to promote",
        "asks to remove",
        "asks to take over",
        "counted",
        "fetches a checkpoint",
        "installed",
        "made empty",
        "needs a checkpoint",
        "needs the log",
        "primary cleared",
        "starts over",
        "steps back",
        "supplied from the log",
        "unproven member",
        "vouched",
    ];

    /// Prints what happens, if the run is told.
    #[allow(clippy::print_stdout, reason = "told on request")]
    pub fn tell(&self, what: &impl Debug) {
        if self.is_told {
            println!("{what:?}");
        }
    }

    /// It happened.
    pub fn mark(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Marks what an effect shows.
    pub fn note(&mut self, effect: &Effect) {
        match effect {
            Effect::Vouch { .. } => self.mark("vouched"),
            Effect::NeedsLearning { .. } => self.mark("unproven member"),
            Effect::NeedsConfirmation => self.mark("asks for confirmation"),
            Effect::SupplyLearner { .. } => self.mark("needs the log"),
            Effect::MakeCheckpoint { .. } => self.mark("needs a checkpoint"),
            Effect::FetchCheckpoint { .. } => self.mark("fetches a checkpoint"),
            Effect::RequestReconfiguration(request) => self.mark(match request.kind.code() {
                1 => "asks to be the truth",
                2 => "asks to take over",
                4 => "asks to promote",
                5 => "steps back",
                6 | 7 => "asks to remove",
                _ => "asks for a ballot",
            }),
            Effect::RoleChanged { to, .. } => self.mark(match to {
                ReplicaStatus::Primary => "primary",
                ReplicaStatus::Secondary => "secondary",
                ReplicaStatus::PotentialSecondary => "learner",
                ReplicaStatus::Inactive => "inactive",
                ReplicaStatus::Error => "error",
            }),
            Effect::Send {
                message: Message::LearnReply(reply),
                ..
            } => self.mark(match reply.outcome {
                LearnOutcome::Accepted => "accepted",
                LearnOutcome::Counted => "counted",
                LearnOutcome::StartOver => "starts over",
            }),
            _ => {}
        }
    }

    /// Adds what another run reached.
    pub fn add(&mut self, other: &Self) {
        for (&what, count) in &other.counts {
            *self.counts.entry(what).or_default() += count;
        }
    }
}
