//! RPC_CM_UPDATE_PARTITION_CONFIGURATION: may this partition have this configuration next?
//! (meta-server.md section 9.3)
//!
//! The answer depends on the present configuration alone, not on who proposed the change or what
//! the meta server remembers of it. The new configuration is *computed* from the present one, the
//! kind of change and the server that it is about; what the requester sent must agree with it.

use pegasus_common::{ErrorCode, RpcAddress};

use crate::partition::PartitionConfiguration;

/// How a membership changes (upstream's `config_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "the table at `next_configuration` says what each does"
)]
pub enum ChangeKind {
    AssignPrimary,
    UpgradeToPrimary,
    AddSecondary,
    UpgradeToSecondary,
    DowngradeToSecondary,
    DowngradeToInactive,
    Remove,
    AddSecondaryForBalance,
    ForceUpdateBallot,
    DropPartition,
    RegisterChild,
}

/// A requested change, as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRequest {
    /// The kind of change.
    pub kind: ChangeKind,
    /// The server that it is about.
    pub node: RpcAddress,
    /// The configuration that the requester wants.
    pub wanted: PartitionConfiguration,
}

/// What to do with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Make this configuration durable.
    Accept(PartitionConfiguration),
    /// It is the present configuration already: the answer to the first request was lost.
    Repeated,
    /// Answer this error and the present configuration.
    Refuse(ErrorCode),
}

/// Judges a request. `is_alive` tells which servers live.
#[must_use]
pub fn judge(
    current: &PartitionConfiguration,
    request: &ChangeRequest,
    is_alive: impl Fn(RpcAddress) -> bool,
) -> Verdict {
    if request.wanted.has_same_members(current) {
        return Verdict::Repeated;
    }
    if request.wanted.ballot != current.ballot.next() {
        return Verdict::Refuse(ErrorCode::InvalidVersion);
    }
    let Some(mut next) = next_configuration(current, request.kind, request.node) else {
        return Verdict::Refuse(ErrorCode::InvalidParameters);
    };
    if !request.wanted.has_same_members(&next) {
        return Verdict::Refuse(ErrorCode::InvalidParameters);
    }
    let joins = !current.is_member(request.node) || next.primary != current.primary;
    if joins && next.is_member(request.node) && !is_alive(request.node) {
        // A dead server must not get a role: no further event would take it away again.
        return Verdict::Refuse(ErrorCode::InvalidState);
    }
    next.last_committed = current.last_committed.max(request.wanted.last_committed);
    debug_assert_eq!(next.check(), Ok(()), "{}", next.pid);
    Verdict::Accept(next)
}

/// The configuration after a change, or `None` if the change cannot be made now:
///
/// | Kind | Possible if | Effect |
/// |---|---|---|
/// | `AssignPrimary` | no members, but there were some | `node` is primary |
/// | `UpgradeToPrimary` | no primary, `node` is secondary | `node` is primary |
/// | `UpgradeToSecondary` | a primary, `node` is no member | `node` is secondary |
/// | `DowngradeToSecondary` | `node` is primary | it is secondary, nobody is primary |
/// | `DowngradeToInactive`, `Remove` | `node` is a member | it is none, and the latest drop |
/// | `ForceUpdateBallot` | `node` is primary | only the ballot grows |
/// | the others | never: they are proposals, or meta's own | |
fn next_configuration(
    current: &PartitionConfiguration,
    kind: ChangeKind,
    node: RpcAddress,
) -> Option<PartitionConfiguration> {
    if current.is_dropped || !node.is_valid() {
        return None;
    }
    let is_primary = current.primary == Some(node);
    let is_secondary = current.secondaries.contains(&node);
    let mut next = current.clone();
    next.ballot = current.ballot.next();
    match kind {
        ChangeKind::AssignPrimary if current.member_count() == 0 && !current.is_unborn() => {
            next.assign_primary(node);
        }
        ChangeKind::UpgradeToPrimary if current.primary.is_none() && is_secondary => {
            next.assign_primary(node);
        }
        ChangeKind::UpgradeToSecondary
            if current.primary.is_some() && !is_primary && !is_secondary =>
        {
            next.secondaries.push(node);
            next.forget_drop(node);
        }
        ChangeKind::DowngradeToSecondary if is_primary => {
            next.primary = None;
            next.secondaries.push(node);
        }
        ChangeKind::DowngradeToInactive | ChangeKind::Remove if is_primary || is_secondary => {
            next.primary = next.primary.filter(|&primary| primary != node);
            next.secondaries.retain(|&secondary| secondary != node);
            next.remember_drop(node);
        }
        ChangeKind::ForceUpdateBallot if is_primary => {}
        _ => return None,
    }
    Some(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::node;
    use pegasus_common::{Ballot, Gpid};
    use proptest::prelude::*;

    const KINDS: [ChangeKind; 11] = [
        ChangeKind::AssignPrimary,
        ChangeKind::UpgradeToPrimary,
        ChangeKind::AddSecondary,
        ChangeKind::UpgradeToSecondary,
        ChangeKind::DowngradeToSecondary,
        ChangeKind::DowngradeToInactive,
        ChangeKind::Remove,
        ChangeKind::AddSecondaryForBalance,
        ChangeKind::ForceUpdateBallot,
        ChangeKind::DropPartition,
        ChangeKind::RegisterChild,
    ];

    /// A partition in ballot 5; zero stands for nobody.
    fn partition(primary: u16, secondaries: &[u16]) -> PartitionConfiguration {
        PartitionConfiguration {
            ballot: Ballot(5),
            primary: (primary != 0).then(|| node(primary)),
            secondaries: secondaries.iter().copied().map(node).collect(),
            ..PartitionConfiguration::unborn(Gpid::new(2, 3), 3)
        }
    }

    fn request(
        kind: ChangeKind,
        about: u16,
        ballot: i64,
        primary: u16,
        secondaries: &[u16],
    ) -> ChangeRequest {
        ChangeRequest {
            kind,
            node: node(about),
            wanted: PartitionConfiguration {
                ballot: Ballot(ballot),
                ..partition(primary, secondaries)
            },
        }
    }

    fn accepted(current: &PartitionConfiguration, request: &ChangeRequest) -> bool {
        matches!(judge(current, request, |_| true), Verdict::Accept(_))
    }

    #[test]
    fn each_kind_does_what_its_name_says() {
        use ChangeKind as K;
        let full = partition(1, &[2, 3]);
        let headless = partition(0, &[2, 3]);
        assert!(accepted(
            &full,
            &request(K::ForceUpdateBallot, 1, 6, 1, &[3, 2])
        ));
        assert!(accepted(
            &full,
            &request(K::DowngradeToSecondary, 1, 6, 0, &[2, 3, 1])
        ));
        assert!(accepted(
            &full,
            &request(K::DowngradeToInactive, 2, 6, 1, &[3])
        ));
        assert!(accepted(
            &full,
            &request(K::DowngradeToInactive, 1, 6, 0, &[2, 3])
        ));
        assert!(accepted(&full, &request(K::Remove, 3, 6, 1, &[2])));
        assert!(accepted(
            &full,
            &request(K::UpgradeToSecondary, 4, 6, 1, &[2, 3, 4])
        ));
        assert!(accepted(
            &headless,
            &request(K::UpgradeToPrimary, 3, 6, 3, &[2])
        ));
        assert!(accepted(
            &partition(0, &[]),
            &request(K::AssignPrimary, 1, 6, 1, &[])
        ));
    }

    #[test]
    fn a_wrong_ballot_or_membership_is_refused() {
        use ChangeKind as K;
        let full = partition(1, &[2, 3]);
        let verdict = |request: &ChangeRequest| judge(&full, request, |_| true);
        let version = Verdict::Refuse(ErrorCode::InvalidVersion);
        let parameters = Verdict::Refuse(ErrorCode::InvalidParameters);
        for ballot in [4, 7] {
            let force = request(K::ForceUpdateBallot, 1, ballot, 1, &[2, 3]);
            assert_eq!(verdict(&force), version);
        }
        let same = request(K::ForceUpdateBallot, 1, 5, 1, &[3, 2]);
        assert_eq!(verdict(&same), Verdict::Repeated);
        let by_secondary = request(K::ForceUpdateBallot, 2, 6, 1, &[2, 3]);
        assert_eq!(verdict(&by_secondary), parameters);
        let second_primary = request(K::UpgradeToPrimary, 2, 6, 2, &[3]);
        assert_eq!(verdict(&second_primary), parameters);
        let more_than_said = request(K::Remove, 3, 6, 1, &[]);
        assert_eq!(verdict(&more_than_said), parameters);
        let learner = request(K::AddSecondary, 4, 6, 1, &[2, 3, 4]);
        assert_eq!(verdict(&learner), parameters);
    }

    #[test]
    fn a_dead_server_gets_no_role_but_may_lose_one() {
        use ChangeKind as K;
        let headless = partition(0, &[2, 3]);
        let promote = request(K::UpgradeToPrimary, 3, 6, 3, &[2]);
        let dead = |request| judge(&headless, request, |_| false);
        assert_eq!(dead(&promote), Verdict::Refuse(ErrorCode::InvalidState));
        let remove = request(K::Remove, 3, 6, 0, &[2]);
        let Verdict::Accept(next) = dead(&remove) else {
            panic!("{:?}", dead(&remove));
        };
        assert_eq!(next.last_drops, [node(3)]);
    }

    proptest! {
        /// Whatever is asked: an accepted change is the next ballot, well-formed, and moves at most
        /// one server in or out.
        #[test]
        fn accepted_changes_are_small(
            primary in 0u16..4,
            secondaries in proptest::sample::subsequence(vec![4u16, 5, 6], 0..=3),
            kind in proptest::sample::select(KINDS.to_vec()),
            about in 1u16..8,
            wanted_primary in 0u16..8,
            wanted in proptest::sample::subsequence(vec![1u16, 2, 3, 4, 5, 6, 7], 0..=4),
        ) {
            let current = partition(primary, &secondaries);
            let request = request(kind, about, 6, wanted_primary, &wanted);
            if let Verdict::Accept(next) = judge(&current, &request, |_| true) {
                prop_assert_eq!(next.check(), Ok(()));
                prop_assert_eq!(next.ballot, Ballot(6));
                prop_assert!(next.member_count().abs_diff(current.member_count()) <= 1);
                let moved = current.members().filter(|&node| !next.is_member(node)).count();
                prop_assert!(moved <= 1);
            }
        }
    }
}
