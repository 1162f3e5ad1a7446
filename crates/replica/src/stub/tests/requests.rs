//! Requests of replicas, and proposals for replicas that are not here.

use super::*;

#[test]
fn a_request_is_on_its_way_once() {
    let mut rig = Rig::serving();
    let term = rig.stub.lease.held_term(rig.now).unwrap();
    for _ in 0..3 {
        rig.input(|stub, now, out| stub.on_request(now, &request(GPID, 6), out));
    }
    let (id, asked) = rig.take_requests().pop().unwrap();
    assert!(rig.take_requests().is_empty());
    rig.answer(id, granted(&asked));
    let reply = ConfigurationSource::Reply { asked_in: term };
    assert_eq!(sources(&mut rig), [reply]);
    let removed = StubEffect::TellRemoved {
        node: server(34802),
        gpid: GPID,
        ballot: Ballot(6),
    };
    assert!(rig.has(&removed));
}

#[test]
fn a_request_that_changes_takes_the_place_of_the_one_before() {
    let mut rig = Rig::serving();
    rig.input(|stub, now, out| stub.on_request(now, &request(GPID, 6), out));
    let (old, asked) = rig.take_requests().pop().unwrap();
    rig.input(|stub, now, out| stub.on_request(now, &request(GPID, 7), out));
    let (_, newer) = rig.take_requests().pop().unwrap();
    assert_eq!(newer.config.ballot, 7);
    rig.answer(old, granted(&asked));
    assert!(sources(&mut rig).is_empty(), "nobody waits for it");
}

#[test]
fn the_configuration_of_another_partition_is_no_answer() {
    let mut rig = Rig::serving();
    rig.input(|stub, now, out| stub.on_request(now, &request(GPID, 6), out));
    let (id, mut asked) = rig.take_requests().pop().unwrap();
    asked.config.pid = Gpid::new(2, 7);
    rig.answer(id, granted(&asked));
    assert!(sources(&mut rig).is_empty());
    rig.pass(100);
    assert_eq!(rig.take_requests().len(), 1, "asked again");
}

#[test]
fn refusals_are_repeated_or_left_to_the_replica() {
    for (err, is_repeated) in [
        (ErrorCode::Busy, true),
        (ErrorCode::ForwardToOthers, true),
        (ErrorCode::StateFreezed, false),
        (ErrorCode::InvalidParameters, false),
    ] {
        let mut rig = Rig::serving();
        rig.input(|stub, now, out| stub.on_request(now, &request(GPID, 6), out));
        let (id, _) = rig.take_requests().pop().unwrap();
        rig.answer(id, refused(err));
        rig.pass(100);
        assert_eq!(!rig.take_requests().is_empty(), is_repeated, "{err}");
    }
}

#[test]
fn requests_wait_for_a_silent_meta_server_and_go_together() {
    let mut rig = Rig::serving();
    rig.pass(600);
    rig.take_beacons();
    for index in 0..200 {
        let request = request(Gpid::new(2, index), 6);
        rig.input(|stub, now, out| stub.on_request(now, &request, out));
    }
    rig.pass(1_000);
    for index in 0..200 {
        let request = request(Gpid::new(2, index), 6);
        rig.input(|stub, now, out| stub.on_request(now, &request, out));
    }
    assert!(rig.take_requests().is_empty());
    rig.accept_beacon();
    assert_eq!(rig.take_requests().len(), 200);
}

#[test]
fn a_request_that_nobody_wants_any_more_is_forgotten() {
    let mut rig = Rig::serving();
    rig.pass(600);
    rig.take_beacons();
    rig.input(|stub, now, out| stub.on_request(now, &request(GPID, 6), out));
    rig.pass(5_000);
    rig.take_beacons();
    rig.accept_beacon();
    assert!(rig.take_requests().is_empty());
}

#[test]
fn a_takeover_of_an_absent_replica_is_refused() {
    let mut rig = Rig::serving();
    let proposal = |kind, node| ConfigurationUpdateRequest {
        r#type: kind,
        node,
        ..listed(5)
    };
    let (upgrade, assign) = (
        ConfigType::CT_UPGRADE_TO_PRIMARY,
        ConfigType::CT_ASSIGN_PRIMARY,
    );
    for (kind, node, is_reported) in [
        (upgrade, server(ME), true),
        (upgrade, server(34802), false),
        (assign, server(ME), false),
    ] {
        let update = proposal(kind, node);
        rig.input(|stub, _, out| stub.on_proposal_for_absent(&update, out));
        assert_eq!(!rig.take_requests().is_empty(), is_reported);
    }
}

#[test]
fn requests_end_with_the_goodbye() {
    let mut rig = Rig::serving();
    rig.input(|stub, now, out| stub.on_request(now, &request(GPID, 6), out));
    let (id, _) = rig.take_requests().pop().unwrap();
    rig.input(Stub::leave);
    rig.answer(id, refused(ErrorCode::Busy));
    // Would go on for ever if a timer were due without an end.
    rig.pass(5_000);
    assert!(rig.take_requests().is_empty());
}
