//! The exchange of the configuration: when it happens, and what follows from an answer.

use super::*;

#[test]
fn an_answer_to_a_question_of_an_earlier_term_is_not_waited_for() {
    let mut rig = Rig::serving();
    rig.input(Stub::on_confirmation_wanted);
    rig.pass(10);
    rig.take(|effect| (*effect == StubEffect::GatherReplicas).then_some(()));
    rig.input(|stub, now, out| stub.on_replicas_gathered(now, Vec::new(), out));
    let (old, _) = rig.take_syncs().pop().unwrap();
    rig.pass(2_000);
    rig.effects.clear();
    rig.accept_beacon();
    rig.sync(
        vec![report(5, PartitionStatus::PS_PRIMARY)],
        lists(vec![listed(5)]),
    );
    assert_eq!(sources(&mut rig).len(), 1);
    rig.answer(
        old,
        MetaAnswer::ConfigSync(Box::new(lists(vec![listed(4)]))),
    );
    assert!(sources(&mut rig).is_empty());
}

#[test]
fn replicas_that_are_gathered_when_the_lease_has_lapsed_are_not_reported() {
    let mut rig = Rig::serving();
    rig.input(Stub::on_confirmation_wanted);
    rig.pass(2_000);
    rig.effects.clear();
    rig.input(|stub, now, out| stub.on_replicas_gathered(now, Vec::new(), out));
    assert!(rig.take_syncs().is_empty());
    rig.accept_beacon();
    assert!(rig.has(&StubEffect::GatherReplicas), "asked anew");
}

#[test]
fn a_busy_meta_server_is_asked_again_soon() {
    let mut rig = Rig::serving();
    rig.input(Stub::on_replica_changed);
    rig.pass(100);
    let busy = ConfigurationQueryByNodeResponse {
        err: ErrorCode::Busy,
        ..ConfigurationQueryByNodeResponse::default()
    };
    rig.sync(Vec::new(), busy);
    rig.pass(99);
    assert!(!rig.has(&StubEffect::GatherReplicas));
    rig.pass(1);
    assert!(rig.has(&StubEffect::GatherReplicas));
}

#[test]
fn many_changes_make_one_config_sync() {
    let mut rig = Rig::serving();
    for _ in 0..50 {
        rig.input(Stub::on_replica_changed);
    }
    rig.pass(100);
    rig.sync(Vec::new(), lists(Vec::new()));
    rig.pass(1_000);
    assert!(!rig.has(&StubEffect::GatherReplicas));
}

#[test]
fn a_change_during_a_config_sync_makes_another() {
    let mut rig = Rig::serving();
    rig.pass(100);
    rig.input(Stub::on_replica_changed);
    rig.take(|effect| (*effect == StubEffect::GatherReplicas).then_some(()));
    rig.input(Stub::on_confirmation_wanted);
    rig.input(|stub, now, out| stub.on_replicas_gathered(now, Vec::new(), out));
    let (id, _) = rig.take_syncs().pop().unwrap();
    rig.pass(10);
    rig.answer(id, MetaAnswer::ConfigSync(Box::new(lists(Vec::new()))));
    assert!(rig.has(&StubEffect::GatherReplicas));
}

/// What is reported when two config syncs list this server for a replica that it does not have.
fn reported_as_lost(listed: &ConfigurationUpdateRequest) -> Option<ConfigurationUpdateRequest> {
    let mut rig = Rig::serving();
    rig.input(Stub::on_replica_changed);
    rig.pass(100);
    rig.sync(Vec::new(), lists(vec![listed.clone()]));
    assert!(
        rig.take_requests().is_empty(),
        "it may have been made just now"
    );
    rig.pass(100);
    rig.sync(Vec::new(), lists(vec![listed.clone()]));
    rig.take_requests().pop().map(|(_, lost)| lost)
}

#[test]
fn a_missing_replica_is_reported_if_no_other_server_will() {
    let mut listed = listed(5);
    let lost = reported_as_lost(&listed).unwrap();
    assert_eq!(lost.r#type, ConfigType::CT_DOWNGRADE_TO_INACTIVE);
    assert_eq!((lost.node, lost.config.ballot), (server(ME), 6));
    assert!(!lost.config.primary.is_valid());
    listed.config.secondaries = vec![server(ME)];
    listed.config.primary = RpcAddress::INVALID;
    assert!(
        reported_as_lost(&listed)
            .unwrap()
            .config
            .secondaries
            .is_empty()
    );
    listed.config.primary = server(34802);
    assert_eq!(reported_as_lost(&listed), None);
}

#[test]
fn a_replica_that_was_made_meanwhile_is_not_missing() {
    let mut rig = Rig::serving();
    rig.input(Stub::on_replica_changed);
    rig.pass(100);
    rig.sync(Vec::new(), lists(vec![listed(1)]));
    rig.pass(100);
    let here = vec![report(1, PartitionStatus::PS_PRIMARY)];
    rig.sync(here, lists(vec![listed(1)]));
    assert!(rig.take_requests().is_empty());
}

#[test]
fn garbage_is_put_aside_only_as_it_was_reported_and_not_listed() {
    let garbage = report(5, PartitionStatus::PS_INACTIVE);
    let collects = |partitions, garbage| ConfigurationQueryByNodeResponse {
        gc_replicas: Some(vec![garbage]),
        ..lists(partitions)
    };
    let aside = StubEffect::PutAside(HeldReplica {
        gpid: GPID,
        ballot: Ballot(5),
        status: ReplicaStatus::Inactive,
    });
    for (reported, partitions, is_put_aside) in [
        (vec![garbage.clone()], Vec::new(), true),
        (vec![garbage.clone()], vec![listed(5)], false),
        (Vec::new(), Vec::new(), false),
    ] {
        let mut rig = Rig::serving();
        rig.input(Stub::on_replica_changed);
        rig.pass(100);
        rig.sync(reported, collects(partitions, garbage.clone()));
        assert_eq!(rig.has(&aside), is_put_aside);
    }
}

#[test]
fn a_primary_that_is_listed_no_more_steps_down() {
    let mut rig = Rig::serving();
    let primary = report(5, PartitionStatus::PS_PRIMARY);
    rig.input(Stub::on_replica_changed);
    rig.pass(100);
    rig.sync(vec![primary], lists(Vec::new()));
    let replica = HeldReplica {
        gpid: GPID,
        ballot: Ballot(5),
        status: ReplicaStatus::Primary,
    };
    assert_eq!(rig.effects.pop(), Some(StubEffect::StepDown(replica)));
}

#[test]
fn a_config_sync_that_fails_without_a_lease_waits_for_the_next_term() {
    let mut rig = Rig::serving();
    rig.input(Stub::on_replica_changed);
    rig.pass(100);
    rig.take(|effect| (*effect == StubEffect::GatherReplicas).then_some(()));
    rig.input(|stub, now, out| stub.on_replicas_gathered(now, Vec::new(), out));
    let (id, _) = rig.take_syncs().pop().unwrap();
    rig.pass(2_000);
    rig.fail(id);
    // Would go on for ever if a timer were due without an end.
    rig.pass(5_000);
    assert!(!rig.has(&StubEffect::GatherReplicas));
    rig.effects.clear();
    rig.accept_beacon();
    assert!(rig.has(&StubEffect::GatherReplicas));
}
