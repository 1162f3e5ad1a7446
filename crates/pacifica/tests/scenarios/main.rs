//! Stories of a group, told step by step.

#[path = "../model/mod.rs"]
mod model;

mod learning;
mod leases;
mod lone_replica;
mod losses;
mod restarts;
mod takeover;
mod writes;

use model::{Size, World, address, small_options};

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;

/// Three members that have all heard of ballot 1: A is primary.
fn group() -> World {
    group_of(Size::of_members(3))
}

/// A group whose members have all heard of ballot 1: A is primary.
fn group_of(size: Size) -> World {
    let mut world = World::new(size, small_options());
    for index in 0..size.members {
        world.config_sync(index);
    }
    world.settle();
    world
}

/// Moves the primary; everyone hears of it from meta, and every ballot is safe.
fn move_primary(world: &mut World, to: usize) {
    world.meta.move_primary(address(to));
    for index in [A, B, C] {
        world.config_sync(index);
        world.flush_log(index, usize::MAX);
    }
}

/// Delivers everything that waits on a link.
fn deliver_all(world: &mut World, from: usize, to: usize) {
    while world.network.waiting(from, to) > 0 {
        world.deliver(from, to);
    }
}

/// A restarted server gets a lease again.
fn begin_lease(world: &mut World, index: usize) {
    world.beacon(index);
    world.notice_lease(index);
}
