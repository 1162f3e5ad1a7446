//! A partition whose primary cannot serve, or that has none, but has other members
//! (meta-server.md section 12.3 a).

use pegasus_common::{Gpid, RpcAddress, reach};

use super::memory::Memory;
use super::scene::{LoadView, Scene};
use crate::partition::PartitionConfiguration;
use crate::reports::{Sighting, Standing};

/// The configuration without its primary, if the primary's lease is surely over and another member
/// can take over.
///
/// Where nobody can, the primary stays listed: nobody else has a better right to the partition, and
/// when the server comes back it goes on by itself, without any choice to be made. After a restart
/// of many servers at once those that load are waited for a while, or the first one to be ready
/// would become primary of everything.
pub(super) fn succession(
    configuration: &PartitionConfiguration,
    scene: &Scene<'_>,
    memory: &Memory,
    patience: std::time::Duration,
) -> Option<PartitionConfiguration> {
    let primary = configuration.primary?;
    if !scene.detector.is_lease_over(primary) {
        return None;
    }
    let loading_since = scene.detector.loading_since(primary);
    let now = scene.now.monotonic;
    let may_replace = |secondary: RpcAddress| match loading_since {
        None => true,
        Some(since) if now.since(since) >= patience => true,
        Some(since) => scene
            .detector
            .serving_since(secondary)
            .is_some_and(|serving| serving <= since),
    };
    let has_successor = configuration.secondaries.iter().any(|&secondary| {
        can_take_over(secondary, configuration.pid, scene, memory) && may_replace(secondary)
    });
    if !has_successor {
        reach!("meta: a primary without successor stays listed");
        return None;
    }
    if loading_since.is_some() {
        reach!("meta: a primary that was restarted is deposed");
    } else {
        reach!("meta: a dead primary is deposed");
    }
    Some(configuration.without_primary())
}

/// Whether the primary shall give its role to a secondary because its own server is out of space and
/// refuses what clients write. The secondary must have space, and surely have everything.
pub(super) fn is_cramped(
    configuration: &PartitionConfiguration,
    scene: &Scene<'_>,
    memory: &Memory,
) -> bool {
    let has_room = |node: RpcAddress| scene.detector.has_room(node);
    let mut secondaries = configuration.secondaries.iter().copied();
    configuration
        .primary
        .is_some_and(|primary| !has_room(primary))
        && secondaries.any(|secondary| {
            has_room(secondary) && can_take_over(secondary, configuration.pid, scene, memory)
        })
}

/// Whether a secondary could lead at once: it serves, was heard of lately, and surely has everything.
fn can_take_over(secondary: RpcAddress, pid: Gpid, scene: &Scene<'_>, memory: &Memory) -> bool {
    scene.detector.is_serving(secondary)
        && !scene.detector.is_silent(scene.now.monotonic, secondary)
        && is_fit(memory, pid, secondary)
}

/// Which secondary becomes primary: of those that serve the one with the fewest primaries, of its
/// table first. Those that are out of space, were asked in vain, or are known to be unfit, come last.
pub(super) fn choose_primary(
    configuration: &PartitionConfiguration,
    scene: &Scene<'_>,
    memory: &Memory,
    loads: LoadView<'_>,
) -> Option<RpcAddress> {
    let pid = configuration.pid;
    let serving = configuration
        .secondaries
        .iter()
        .copied()
        .filter(|&secondary| scene.detector.is_serving(secondary));
    serving.min_by_key(|&secondary| {
        let (table, total) = (
            loads.of_table(pid.app_id, secondary),
            loads.total(secondary),
        );
        (
            is_known_unfit(memory, pid, secondary),
            memory.was_passed_over(pid, secondary),
            !scene.detector.has_room(secondary),
            (table.primaries, table.members),
            (total.primaries, total.members),
            secondary,
        )
    })
}

/// Whether a member surely has what a primary needs: its process has said so in this reign. One that
/// was restarted before this reign heard it may have lost its data. Each is asked for its report in
/// the answer to its first beacon; until it comes nobody loses the role in its favour.
fn is_fit(memory: &Memory, pid: Gpid, member: RpcAddress) -> bool {
    match memory.last_sighting(member, pid) {
        Sighting::Present(report) => report.standing == Standing::Proven,
        Sighting::Absent | Sighting::Unreported => false,
    }
}

/// Whether a member has said since the partition last changed that its replica is gone or may have
/// lost something. Such a primary would only step down again.
fn is_known_unfit(memory: &Memory, pid: Gpid, member: RpcAddress) -> bool {
    match memory.sighting(member, pid) {
        Sighting::Unreported => false,
        Sighting::Absent => true,
        Sighting::Present(report) => report.standing == Standing::Unproven,
    }
}
