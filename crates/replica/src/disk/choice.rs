//! Which data directory a new replica goes to.

use std::collections::BTreeMap;

use pegasus_common::Gpid;

use crate::node::Node;

/// The disk with the fewest replicas of the table, then of all tables, among those that can take one.
/// `on_their_way` are replicas that are being made, with their disk.
#[must_use]
pub fn choose_disk(node: &Node, gpid: Gpid, on_their_way: &BTreeMap<Gpid, usize>) -> Option<usize> {
    let disks = &node.disks;
    let made = node.router.all().into_iter().filter_map(|handle| {
        let path = handle.engine.path();
        let disk = disks.iter().position(|disk| path.starts_with(&disk.path))?;
        Some((handle.gpid, disk))
    });
    let being_made = on_their_way.iter().map(|(&gpid, &disk)| (gpid, disk));
    let mut load = vec![(0_usize, 0_usize); disks.len()];
    for (other, disk) in made.chain(being_made) {
        let (of_table, of_all) = &mut load[disk];
        *of_all += 1;
        *of_table += usize::from(other.app_id == gpid.app_id);
    }
    (0..disks.len())
        .filter(|&index| disks[index].takes_replicas())
        .min_by_key(|&index| load[index])
}
