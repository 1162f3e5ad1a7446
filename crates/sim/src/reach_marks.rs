//! The rare branches that a campaign must take. Most are seen from outside, in what the state machines
//! say and become; [`REQUIRED`] lists all.

use pegasus_common::reach;
use pegasus_meta::partition::PartitionConfiguration;
use pegasus_pacifica::message::LearnOutcome;
use pegasus_pacifica::teaching::{Counting, Supply};
use pegasus_pacifica::{
    Effect, ErrorReason, InactiveReason, LearnPhase, Message, PeerOutcome, ReconfigurationKind,
    Replica, Role,
};
use pegasus_wire::meta_admin::ConfigType;

/// What each campaign must reach. A learner starts over only where histories differ, which takes more
/// faults than are promised to be survived: pacifica's own tests reach that.
pub const REQUIRED: &[&str] = &[
    "role: awaiting a ballot",
    "role: outside",
    "role: unproven",
    "role: log failed",
    "role: storage failed",
    "learner: following",
    "learner: fetching",
    "learner: fetch failed",
    "supply: rejoining",
    "supply: reading the log",
    "supply: sent from the log",
    "supply: checkpoint",
    "supply: following",
    "supply: counted",
    "supply: asked for",
    "effect: in flight refused",
    "effect: confirmation wanted",
    "effect: member must learn",
    "effect: vouch",
    "request: assign primary",
    "request: upgrade to primary",
    "request: upgrade to secondary",
    "request: downgrade to inactive",
    "request: force update ballot",
    "message: gap",
    "message: configuration wanted",
    "message: needs learning",
    "message: failed",
    "proposal: upgrade to primary",
    "proposal: add secondary",
    "proposal: downgrade to inactive",
    "proposal: assign primary",
    "meta: a primary is cleared",
    "meta: nobody is left",
    "meta: somebody is chosen after all had gone",
    "meta: a new primary",
    "meta: a new secondary",
    "lease: a later term",
    "lease: a read is refused",
    "stub: goodbye heard",
    "stub: a replica steps down",
    "stub: a replica is garbage",
    "stub: absent for a proposal",
    "absent: a member says that it must learn",
    "absent: a replica is made to learn",
    "disk: a late report is dropped",
    "disk: a doubtful replica",
    "disk: a learner restarts",
    "disk: what replays is applied",
    "disk: a replica cannot be loaded",
    "disk: a damaged log is ambiguous",
    "disk: a failed storage is opened again",
    "disk: a vouch follows a flush",
    "disk: the log is read for a learner",
    "disk: the log does not reach back",
    "network: a link breaks",
    "network: a message comes twice",
];

/// The marks that this process has not reached yet; none where they are not counted.
#[must_use]
pub fn unreached() -> Vec<&'static str> {
    #[cfg(feature = "reach")]
    {
        let hits = pegasus_common::reach::hits();
        let required = REQUIRED.iter();
        required
            .filter(|mark| !hits.contains_key(*mark))
            .copied()
            .collect()
    }
    #[cfg(not(feature = "reach"))]
    Vec::new()
}

/// What a replica is after an event.
pub fn of_machine(machine: &Replica) {
    match machine.role() {
        Role::Inactive(reason) => match reason {
            InactiveReason::AwaitingBallot => reach!("role: awaiting a ballot"),
            InactiveReason::Outside => reach!("role: outside"),
            InactiveReason::Unproven => reach!("role: unproven"),
            InactiveReason::Starting | InactiveReason::Adopting(_) => {}
        },
        Role::Error(ErrorReason::LogFailed) => reach!("role: log failed"),
        Role::Error(ErrorReason::ApplyFailed) => reach!("role: storage failed"),
        Role::Error(ErrorReason::Diverged) => reach!("role: diverged"),
        Role::Learner(learner) => match learner.phase {
            LearnPhase::Following => reach!("learner: following"),
            LearnPhase::StartingOver => reach!("learner: starting over"),
            LearnPhase::Fetching(_) => reach!("learner: fetching"),
            LearnPhase::FetchFailed => reach!("learner: fetch failed"),
            _ => {}
        },
        Role::Primary(primary) => {
            for learner in &primary.learners {
                of_supply(learner.supply, learner.counting);
            }
        }
        Role::Secondary(_) => {}
    }
}

fn of_supply(supply: Supply, counting: Counting) {
    match supply {
        Supply::Invited => {}
        Supply::Rejoining => reach!("supply: rejoining"),
        Supply::ReadingLog { .. } => reach!("supply: reading the log"),
        Supply::SentLog { .. } => reach!("supply: sent from the log"),
        Supply::MakingCheckpoint => reach!("supply: making a checkpoint"),
        Supply::Checkpoint(_) => reach!("supply: checkpoint"),
        Supply::Following => reach!("supply: following"),
    }
    match counting {
        Counting::Not => {}
        Counting::Counted => reach!("supply: counted"),
        Counting::Asked => reach!("supply: asked for"),
    }
}

/// What a replica asks for.
pub fn of_effect(effect: &Effect) {
    match effect {
        Effect::RefuseAfter { .. } => reach!("effect: in flight refused"),
        Effect::NeedsConfirmation => reach!("effect: confirmation wanted"),
        Effect::NeedsLearning { .. } => reach!("effect: member must learn"),
        Effect::Vouch { .. } => reach!("effect: vouch"),
        Effect::RequestReconfiguration(request) => match request.kind {
            ReconfigurationKind::AssignPrimary => reach!("request: assign primary"),
            ReconfigurationKind::UpgradeToPrimary => reach!("request: upgrade to primary"),
            ReconfigurationKind::UpgradeToSecondary => reach!("request: upgrade to secondary"),
            ReconfigurationKind::DowngradeToSecondary => reach!("request: downgrade to secondary"),
            ReconfigurationKind::DowngradeToInactive => reach!("request: downgrade to inactive"),
            ReconfigurationKind::Remove => reach!("request: remove"),
            ReconfigurationKind::PrimaryForceUpdateBallot => {
                reach!("request: force update ballot");
            }
        },
        _ => {}
    }
}

/// What one replica tells another.
pub fn of_message(message: &Message) {
    let outcome = match message {
        Message::PrepareAck(ack) => ack.outcome,
        Message::GroupCheckReply(reply) => reply.outcome,
        Message::LearnReply(reply) => {
            if reply.outcome == LearnOutcome::StartOver {
                reach!("message: start over");
            }
            return;
        }
        _ => return,
    };
    match outcome {
        PeerOutcome::Ok => {}
        PeerOutcome::Gap => reach!("message: gap"),
        PeerOutcome::NeedConfiguration => reach!("message: configuration wanted"),
        PeerOutcome::NotMember => reach!("message: not a member"),
        PeerOutcome::NeedsLearning => reach!("message: needs learning"),
        PeerOutcome::Failed => reach!("message: failed"),
    }
}

/// What the meta server proposes.
pub fn of_proposal(kind: ConfigType) {
    match kind {
        ConfigType::CT_UPGRADE_TO_PRIMARY => reach!("proposal: upgrade to primary"),
        ConfigType::CT_ADD_SECONDARY => reach!("proposal: add secondary"),
        ConfigType::CT_DOWNGRADE_TO_INACTIVE => reach!("proposal: downgrade to inactive"),
        ConfigType::CT_ASSIGN_PRIMARY => reach!("proposal: assign primary"),
        _ => {}
    }
}

/// What the meta server has decided.
pub fn of_configuration(before: &PartitionConfiguration, after: &PartitionConfiguration) {
    if after.ballot.0 == 1 {
        return;
    }
    match (before.primary, after.primary) {
        (Some(_), None) => reach!("meta: a primary is cleared"),
        (None, Some(_)) => reach!("meta: a new primary"),
        _ => {}
    }
    if after.member_count() == 0 {
        reach!("meta: nobody is left");
    }
    if before.member_count() == 0 && after.member_count() > 0 {
        reach!("meta: somebody is chosen after all had gone");
    }
    if after.secondaries.len() > before.secondaries.len() {
        reach!("meta: a new secondary");
    }
}
