//! A partition with fewer members than it should have: who gets a copy (meta-server.md
//! section 12.5), and with too many: who goes (12.6).

use std::collections::BTreeSet;

use pegasus_common::{Gpid, RpcAddress, reach};

use super::memory::Memory;
use super::scene::{GuardianOptions, LoadView, Scene};
use crate::drop_list::DropList;
use crate::partition::PartitionConfiguration;
use crate::reports::Sighting;

/// Which server shall learn, if any should now.
pub(super) fn choose_learner(
    configuration: &PartitionConfiguration,
    scene: &Scene<'_>,
    options: &GuardianOptions,
    memory: &mut Memory,
    loads: LoadView<'_>,
) -> Option<RpcAddress> {
    let cramped = without_room_for(configuration.pid, scene, memory);
    let suits = |node: RpcAddress| {
        let learning = usize::try_from(loads.in_flight.total(node).members).unwrap_or(usize::MAX);
        scene.detector.is_serving(node)
            && !configuration.is_member(node)
            && !options.black_list.contains(&node)
            && !cramped.contains(&node)
            && learning < options.learners_per_node_max
    };
    let list = memory.drops.list(configuration.pid);
    if !is_emergency(configuration, scene, options, list) {
        // The last one that left has most of the data, and is worth waiting for.
        reach!("meta: the server that left last is waited for");
        let newest = list.and_then(DropList::newest)?;
        return Some(newest.node).filter(|&node| suits(node));
    }
    reach!("meta: another server gets a copy");
    memory
        .drops
        .list_mut(configuration.pid)
        .and_then(|list| list.next_to_try(suits))
        .or_else(|| least_loaded(configuration, scene, loads, suits))
}

/// Servers that cannot take a copy: they are out of space, and have no replica to go on with.
fn without_room_for(pid: Gpid, scene: &Scene<'_>, memory: &Memory) -> BTreeSet<RpcAddress> {
    let has_replica =
        |node: RpcAddress| matches!(memory.last_sighting(node, pid), Sighting::Present(_));
    let serving = scene.detector.serving();
    serving
        .filter(|&node| !scene.detector.has_room(node) && !has_replica(node))
        .inspect(|_| reach!("meta: a server out of space gets no copy"))
        .collect()
}

/// Whether a copy is needed at once, and be it a full one.
fn is_emergency(
    configuration: &PartitionConfiguration,
    scene: &Scene<'_>,
    options: &GuardianOptions,
    list: Option<&DropList>,
) -> bool {
    let Some((list, newest)) = list.and_then(|list| Some((list, list.newest()?))) else {
        return true;
    };
    let wanted = usize::try_from(configuration.max_replica_count).unwrap_or(0);
    let is_unwritable = wanted > options.write_members_min
        && configuration.member_count() < options.write_members_min;
    is_unwritable
        || list.is_stale(scene.now.monotonic, options.dropout_delay)
        || options.black_list.contains(&newest.node)
}

fn least_loaded(
    configuration: &PartitionConfiguration,
    scene: &Scene<'_>,
    loads: LoadView<'_>,
    suits: impl Fn(RpcAddress) -> bool,
) -> Option<RpcAddress> {
    let table = configuration.pid.app_id;
    let suitable = scene.detector.serving().filter(|&node| suits(node));
    suitable.min_by_key(|&node| {
        let (of_table, total) = (loads.of_table(table, node), loads.total(node));
        (of_table.members, total.members, node)
    })
}

/// Which secondary of too many goes: the one on the server with the most replicas.
pub(super) fn choose_surplus(
    configuration: &PartitionConfiguration,
    loads: LoadView<'_>,
) -> Option<RpcAddress> {
    let secondaries = configuration.secondaries.iter().copied();
    secondaries.max_by_key(|&node| (loads.total(node).members, std::cmp::Reverse(node)))
}
