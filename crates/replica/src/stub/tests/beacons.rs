//! Beacons, the lease, and the goodbye.

use super::*;

#[test]
fn beacons_begin_while_the_data_is_read_in() {
    let mut rig = Rig::loading(1);
    rig.input(Stub::on_timer);
    let (id, beacon) = rig.take_beacons().pop().unwrap();
    assert_eq!(beacon.start_time, Some(77));
    assert_eq!(beacon.lease_ms, Some(2_000));
    assert_eq!((beacon.loading, beacon.goodbye), (Some(true), Some(false)));
    rig.ack(id, &beacon);
    assert!(rig.has(&StubEffect::LeaseChanged));
    assert!(!rig.has(&StubEffect::GatherReplicas), "nothing to tell yet");
    rig.input(Stub::on_loaded);
    let (_, beacon) = rig.take_beacons().pop().unwrap();
    assert_eq!(beacon.loading, Some(false));
    assert!(rig.has(&StubEffect::GatherReplicas));
}

#[test]
fn an_unanswered_beacon_does_not_hold_up_the_next() {
    let mut rig = Rig::serving();
    rig.pass(1_500);
    let beacons = rig.take_beacons();
    assert_eq!(beacons.len(), 5, "one each 300 ms");
    // The first is answered when its lease has 500 ms left, the others never.
    let (id, beacon) = &beacons[0];
    rig.ack(*id, beacon);
    let sent = MonotonicMillis(u64::try_from(beacon.time).unwrap());
    assert_eq!(rig.stub.lease.expiry(), Some(sent.after(LEASE)));
}

#[test]
fn a_lapse_is_announced_and_the_next_term_asks_at_once() {
    let mut rig = Rig::serving();
    let first = rig.stub.lease.held_term(rig.now).unwrap();
    rig.pass(2_000);
    assert!(rig.has(&StubEffect::LeaseChanged));
    assert!(!rig.stub.lease.is_held(rig.now));
    rig.effects.clear();
    rig.accept_beacon();
    let second = rig.stub.lease.held_term(rig.now).unwrap();
    assert!(second > first);
    assert!(rig.has(&StubEffect::LeaseChanged));
    rig.sync(
        vec![report(5, PartitionStatus::PS_PRIMARY)],
        lists(vec![listed(5)]),
    );
    let confirmation = ConfigurationSource::Sync { asked_in: second };
    assert_eq!(sources(&mut rig), [confirmation]);
}

#[test]
fn the_leader_is_found_by_what_another_says() {
    let mut rig = Rig::loading(3);
    rig.input(Stub::on_timer);
    let (id, beacon) = rig.take_beacons().pop().unwrap();
    let ack = BeaconAck {
        is_master: false,
        primary_node: server(3),
        ..leader_ack(&beacon)
    };
    rig.answer(id, MetaAnswer::Beacon(ack));
    let (id, beacon) = rig.take_beacons().pop().unwrap();
    assert_eq!(beacon.to_node, server(3), "at once");
    rig.ack(id, &beacon);
    assert!(rig.stub.lease.is_held(rig.now));
}

#[test]
fn a_leader_that_knows_nothing_of_this_server_gets_its_report() {
    let mut rig = Rig::serving();
    rig.pass(200);
    rig.accept_beacon();
    assert!(!rig.has(&StubEffect::GatherReplicas));
    rig.pass(300);
    let (id, beacon) = rig.take_beacons().pop().unwrap();
    let ack = BeaconAck {
        report_wanted: Some(true),
        ..leader_ack(&beacon)
    };
    rig.answer(id, MetaAnswer::Beacon(ack));
    assert!(rig.has(&StubEffect::GatherReplicas));
}

#[test]
fn servers_that_name_each_other_are_not_asked_in_a_circle() {
    let mut rig = Rig::loading(2);
    rig.input(Stub::on_timer);
    let mut asked = 0;
    for _ in 0..20 {
        for (id, beacon) in rig.take_beacons() {
            asked += 1;
            let other = if beacon.to_node == server(1) { 2 } else { 1 };
            let ack = BeaconAck {
                is_master: false,
                primary_node: server(other),
                ..leader_ack(&beacon)
            };
            rig.answer(id, MetaAnswer::Beacon(ack));
        }
    }
    assert!(asked <= 2, "{asked} beacons in no time");
    rig.pass(1_000);
    assert!(!rig.take_beacons().is_empty());
}

#[test]
fn a_silent_meta_server_is_left_for_the_next_one() {
    let mut rig = Rig::loading(2);
    rig.input(Stub::on_timer);
    let (slow, slow_beacon) = rig.take_beacons().pop().unwrap();
    rig.pass(200);
    let (id, beacon) = rig.take_beacons().pop().unwrap();
    assert_eq!(beacon.to_node, server(2));
    rig.fail(id);
    rig.pass(100);
    let (_, beacon) = rig.take_beacons().pop().unwrap();
    assert_eq!(beacon.to_node, server(1));
    rig.ack(slow, &slow_beacon);
    assert!(rig.stub.lease.is_held(rig.now), "a late answer counts");
}

#[test]
fn dead_connections_are_given_up() {
    let mut rig = Rig::serving();
    rig.pass(1_200);
    assert!(rig.has(&StubEffect::Reconnect));
    let mut answering = Rig::serving();
    for _ in 0..20 {
        answering.accept_beacon();
    }
    assert!(!answering.has(&StubEffect::Reconnect));
}

#[test]
fn a_server_that_is_not_allowed_gets_no_lease() {
    let mut rig = Rig::loading(1);
    rig.input(Stub::on_timer);
    let (id, beacon) = rig.take_beacons().pop().unwrap();
    let ack = BeaconAck {
        allowed: false,
        ..leader_ack(&beacon)
    };
    rig.answer(id, MetaAnswer::Beacon(ack));
    assert!(!rig.stub.lease.is_held(rig.now));
    rig.pass(300);
    assert!(!rig.take_beacons().is_empty(), "it may be allowed later");
}

#[test]
fn a_goodbye_is_repeated_until_it_is_heard() {
    let mut rig = Rig::serving();
    rig.pass(10);
    let before = rig.stub.lease.held_term(rig.now);
    assert!(before.is_some());
    rig.input(Stub::leave);
    assert!(rig.has(&StubEffect::LeaseChanged));
    assert!(!rig.stub.lease.is_held(rig.now));
    rig.pass(250);
    let goodbyes = rig.take_beacons();
    assert_eq!(goodbyes.len(), 3);
    let (id, beacon) = goodbyes.last().unwrap();
    assert_eq!(beacon.goodbye, Some(true));
    assert!(!rig.has(&StubEffect::Left));
    rig.ack(*id, beacon);
    assert!(rig.has(&StubEffect::Left));
    assert!(!rig.stub.lease.is_held(rig.now), "closed for good");
    rig.effects.clear();
    rig.pass(10_000);
    assert!(rig.effects.is_empty());
}

#[test]
fn a_late_answer_brings_no_lease_back_and_is_no_answer_to_a_goodbye() {
    let mut rig = Rig::serving();
    rig.pass(300);
    let (id, beacon) = rig.take_beacons().pop().unwrap();
    rig.input(Stub::leave);
    rig.ack(id, &beacon);
    assert!(!rig.stub.lease.is_held(rig.now));
    assert!(!rig.has(&StubEffect::Left));
    rig.pass(1_000);
    assert!(rig.has(&StubEffect::Left), "nobody hears it");
}
