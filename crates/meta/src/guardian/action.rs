//! One step that a replica server is asked to bring about (meta-server.md sections 9.4 and 12.2).

use pegasus_common::RpcAddress;

use crate::configuration_update::ChangeKind;
use crate::failure_detector::FailureDetector;
use crate::partition::PartitionConfiguration;
use crate::placement::NodeLoad;

/// A proposed change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    /// Who is asked.
    pub target: RpcAddress,
    /// The server that the change is about.
    pub node: RpcAddress,
    /// The change.
    pub kind: ChangeKind,
}

/// How an action stands to the present configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionState {
    /// What it wants is so.
    Achieved,
    /// It makes sense to ask for it.
    Open,
    /// It cannot be done now.
    Impossible,
}

impl Action {
    /// Judges the action by the configuration alone and by who lives, not by what happened since
    /// it was proposed.
    #[must_use]
    pub fn state(
        &self,
        configuration: &PartitionConfiguration,
        detector: &FailureDetector,
    ) -> ActionState {
        let (target, node) = (self.target, self.node);
        let primary = configuration.primary;
        let is_secondary = configuration.secondaries.contains(&node);
        let is_member = configuration.is_member(node);
        let (is_achieved, is_possible) = match self.kind {
            ChangeKind::AssignPrimary => (
                primary == Some(node),
                target == node && configuration.member_count() == 0,
            ),
            ChangeKind::UpgradeToPrimary => (
                primary == Some(node),
                target == node && primary.is_none() && is_secondary,
            ),
            ChangeKind::AddSecondary | ChangeKind::AddSecondaryForBalance => {
                (is_member, primary == Some(target))
            }
            ChangeKind::DowngradeToSecondary => (
                is_secondary && primary != Some(node),
                target == node && primary == Some(node),
            ),
            ChangeKind::DowngradeToInactive | ChangeKind::Remove => {
                (!is_member, primary == Some(target))
            }
            _ => (false, false),
        };
        let can_act =
            detector.is_serving(target) && (!self.gives_role() || detector.is_serving(node));
        match (is_achieved, is_possible && can_act) {
            (true, _) => ActionState::Achieved,
            (false, true) => ActionState::Open,
            (false, false) => ActionState::Impossible,
        }
    }

    const fn gives_role(&self) -> bool {
        self.makes_primary() || self.makes_learner()
    }

    /// Whether `node` is to become primary.
    #[must_use]
    pub const fn makes_primary(&self) -> bool {
        matches!(
            self.kind,
            ChangeKind::AssignPrimary | ChangeKind::UpgradeToPrimary
        )
    }

    /// Whether `node` is to learn.
    #[must_use]
    pub const fn makes_learner(&self) -> bool {
        matches!(
            self.kind,
            ChangeKind::AddSecondary | ChangeKind::AddSecondaryForBalance
        )
    }

    /// What `node` has more when this is done.
    #[must_use]
    pub fn load(&self) -> NodeLoad {
        let is_new = self.makes_learner() || self.kind == ChangeKind::AssignPrimary;
        NodeLoad {
            primaries: u32::from(self.makes_primary()),
            members: u32::from(is_new),
        }
    }
}
