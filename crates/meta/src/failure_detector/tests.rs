use super::*;
use crate::testing::node;
use proptest::prelude::*;

const LEASE: Duration = Duration::from_millis(2_000);
const NODE: u16 = 1;

fn at(millis: u64) -> MonotonicMillis {
    MonotonicMillis(millis)
}

fn detector() -> FailureDetector {
    FailureDetector::new(FailureDetectorOptions::default(), at(0))
}

fn beacon(incarnation: i64, phase: Phase) -> Beacon {
    Beacon {
        node: node(NODE),
        incarnation: Some(incarnation),
        lease: Some(LEASE),
        phase,
        room: Room::Left,
    }
}

#[test]
fn a_server_says_when_it_has_run_out_of_space() {
    let mut detector = detector();
    send(&mut detector, 0, 1, Phase::Serving);
    assert!(detector.has_room(node(NODE)));
    for room in [Room::Exhausted, Room::Left] {
        let beacon = Beacon {
            room,
            ..beacon(1, Phase::Serving)
        };
        let (node, event) = (
            node(NODE),
            LivenessEvent::RoomChanged {
                node: node(NODE),
                room,
            },
        );
        let outcome = detector.on_beacon(at(10), &beacon);
        assert_eq!(outcome, BeaconOutcome::Accepted(Some(event)));
        assert_eq!(detector.has_room(node), room == Room::Left);
        let repeated = detector.on_beacon(at(20), &beacon);
        assert_eq!(repeated, BeaconOutcome::Accepted(None));
    }
    assert!(detector.has_room(node(2)), "nothing is known of it");
}

fn send(
    detector: &mut FailureDetector,
    time: u64,
    incarnation: i64,
    phase: Phase,
) -> BeaconOutcome {
    detector.on_beacon(at(time), &beacon(incarnation, phase))
}

/// Ticks every 50 ms, as the server does.
fn run(detector: &mut FailureDetector, from: u64, to: u64) -> Vec<(u64, LivenessEvent)> {
    let mut events = Vec::new();
    for time in (from..=to).step_by(50) {
        events.extend(
            detector
                .on_tick(at(time))
                .into_iter()
                .map(|event| (time, event)),
        );
    }
    events
}

const ALIVE: fn() -> BeaconOutcome =
    || BeaconOutcome::Accepted(Some(LivenessEvent::Alive { node: node(NODE) }));
const RESTARTED: fn() -> BeaconOutcome =
    || BeaconOutcome::Accepted(Some(LivenessEvent::Restarted { node: node(NODE) }));

fn dead(cause: DeathCause) -> LivenessEvent {
    LivenessEvent::Dead {
        node: node(NODE),
        cause,
    }
}

#[test]
fn a_server_dies_after_its_grace_and_comes_back() {
    let mut detector = detector();
    assert_eq!(send(&mut detector, 0, 7, Phase::Serving), ALIVE());
    let again = send(&mut detector, 300, 7, Phase::Serving);
    assert_eq!(again, BeaconOutcome::Accepted(None));
    assert_eq!(run(&mut detector, 50, 2_700), []);
    assert!(detector.is_alive(node(NODE)) && !detector.is_lease_over(node(NODE)));
    let died = run(&mut detector, 2_750, 9_000);
    assert_eq!(died, [(2_750, dead(DeathCause::Silence))]);
    assert_eq!(detector.dead().collect::<Vec<_>>(), [node(NODE)]);
    assert!(detector.is_lease_over(node(NODE)));
    assert_eq!(send(&mut detector, 9_001, 7, Phase::Serving), ALIVE());
    assert!(detector.is_serving(node(NODE)));
}

#[test]
fn a_restart_is_proof_and_late_beacons_of_the_old_process_are_not_answered() {
    let mut detector = detector();
    send(&mut detector, 0, 7, Phase::Serving);
    assert_eq!(send(&mut detector, 10, 8, Phase::Loading), RESTARTED());
    assert!(detector.is_alive(node(NODE)) && !detector.is_serving(node(NODE)));
    assert!(detector.is_lease_over(node(NODE)));
    assert_eq!(
        send(&mut detector, 20, 7, Phase::Serving),
        BeaconOutcome::Stale
    );
    assert_eq!(
        run(&mut detector, 50, 2_450).len(),
        1,
        "a stale beacon extends nothing"
    );
}

#[test]
fn loading_ends_once() {
    let mut detector = detector();
    send(&mut detector, 0, 7, Phase::Serving);
    send(&mut detector, 10, 8, Phase::Loading);
    let loaded = LivenessEvent::Loaded { node: node(NODE) };
    let by_beacon = send(&mut detector.clone(), 20, 8, Phase::Serving);
    assert_eq!(by_beacon, BeaconOutcome::Accepted(Some(loaded)));
    assert_eq!(detector.on_full_report(at(30), node(NODE)), Some(loaded));
    assert_eq!(detector.serving_since(node(NODE)), Some(at(30)));
    let late = send(&mut detector, 40, 8, Phase::Loading);
    assert_eq!(late, BeaconOutcome::Accepted(None));
    assert!(detector.is_serving(node(NODE)), "that beacon was late");
    assert!(!detector.is_lease_over(node(NODE)));
}

#[test]
fn a_goodbye_ends_the_lease_at_once_and_for_good() {
    let mut detector = detector();
    send(&mut detector, 0, 7, Phase::Serving);
    let gone = BeaconOutcome::Farewell(Some(dead(DeathCause::Goodbye)));
    assert_eq!(send(&mut detector, 10, 7, Phase::Leaving), gone);
    assert!(detector.is_lease_over(node(NODE)));
    let repeated = send(&mut detector, 20, 7, Phase::Leaving);
    assert_eq!(
        repeated,
        BeaconOutcome::Farewell(None),
        "its answer was lost"
    );
    let late = send(&mut detector, 30, 7, Phase::Serving);
    assert_eq!(late, BeaconOutcome::Stale, "sent before the goodbye");
    assert_eq!(send(&mut detector, 40, 8, Phase::Loading), ALIVE());
    assert_eq!(
        send(&mut detector, 50, 7, Phase::Leaving),
        BeaconOutcome::Stale
    );
    assert!(detector.is_alive(node(NODE)));
}

#[test]
fn a_new_leader_gives_everybody_one_grace() {
    let mut detector = detector();
    detector.presume_alive(at(0), node(NODE));
    assert!(detector.is_serving(node(NODE)));
    assert_eq!(run(&mut detector, 50, 2_400), []);
    assert_eq!(run(&mut detector, 2_450, 2_450).len(), 1);
    detector.presume_alive(at(2_450), node(NODE));
    assert!(!detector.is_alive(node(NODE)), "a presumption is no beacon");
}

#[test]
fn a_new_leader_waits_until_the_one_before_has_stopped_extending_leases() {
    let options = FailureDetectorOptions {
        overlap: Duration::from_millis(400),
        ..FailureDetectorOptions::default()
    };
    let mut detector = FailureDetector::new(options, at(0));
    detector.presume_alive(at(0), node(1));
    let beacon = Beacon {
        node: node(2),
        ..beacon(7, Phase::Serving)
    };
    detector.on_beacon(at(50), &beacon);
    assert_eq!(run(&mut detector, 50, 2_800), []);
    assert_eq!(run(&mut detector, 2_850, 2_850).len(), 2);
    // From then on the grace counts.
    detector.on_beacon(at(2_850), &beacon);
    assert_eq!(run(&mut detector, 2_900, 5_250), []);
    assert_eq!(run(&mut detector, 5_300, 5_300).len(), 1);
}

#[test]
fn under_a_new_leader_only_time_ends_the_leases_of_the_one_before() {
    let mut detector = detector();
    detector.presume_alive(at(0), node(NODE));
    assert_eq!(
        send(&mut detector, 10, 7, Phase::Leaving),
        BeaconOutcome::Farewell(None)
    );
    assert!(
        detector.is_alive(node(NODE)),
        "which process this was is unknown"
    );
    send(&mut detector, 100, 8, Phase::Loading);
    assert!(!detector.is_lease_over(node(NODE)));
    for time in (300..=2_400).step_by(300) {
        send(&mut detector, time, 8, Phase::Loading);
    }
    assert!(detector.is_lease_over(node(NODE)));
}

#[test]
fn a_pause_of_this_server_is_nobodys_death() {
    let mut detector = detector();
    send(&mut detector, 0, 7, Phase::Serving);
    assert_eq!(run(&mut detector, 50, 1_000), []);
    // Ten seconds pass at once: this process was stopped.
    assert_eq!(detector.on_tick(at(11_000)), []);
    assert!(detector.is_alive(node(NODE)));
    let died = run(&mut detector, 11_050, 20_000);
    assert_eq!(
        died,
        [(12_400, dead(DeathCause::Silence))],
        "no more than what was missed"
    );
    // A tick that is only a little late forgives nothing.
    send(&mut detector, 20_000, 7, Phase::Serving);
    run(&mut detector, 20_050, 22_300);
    assert_eq!(detector.on_tick(at(22_450)).len(), 1);
}

#[test]
fn a_lease_must_end_well_before_the_grace() {
    let mut detector = detector();
    let refusal = |detector: &mut FailureDetector, lease| {
        let outcome = detector.on_beacon(
            at(0),
            &Beacon {
                lease,
                ..beacon(7, Phase::Serving)
            },
        );
        match outcome {
            BeaconOutcome::Refused(reason) => reason.to_string(),
            other => panic!("{other:?}"),
        }
    };
    let long = refusal(&mut detector, Some(Duration::from_millis(2_281)));
    assert!(long.contains("fd_lease_ms"), "{long}");
    assert!(refusal(&mut detector, None).contains("version"));
    assert!(!detector.is_known(node(NODE)));
    let lease = Some(Duration::from_millis(2_280));
    let fits = detector.on_beacon(
        at(0),
        &Beacon {
            lease,
            ..beacon(7, Phase::Serving)
        },
    );
    assert_eq!(fits, ALIVE());
}

#[test]
fn new_servers_must_be_allowed_and_members_are() {
    let options = FailureDetectorOptions {
        allow_list: Some(BTreeSet::from([node(2)])),
        ..FailureDetectorOptions::default()
    };
    let mut detector = FailureDetector::new(options, at(0));
    let refused = BeaconOutcome::Refused(RefusalReason::NotAllowed);
    assert_eq!(send(&mut detector, 0, 7, Phase::Serving), refused);
    detector.presume_alive(at(0), node(NODE));
    let accepted = send(&mut detector, 0, 7, Phase::Serving);
    assert_eq!(accepted, BeaconOutcome::Accepted(None));
    let other = Beacon {
        node: node(2),
        ..beacon(7, Phase::Serving)
    };
    assert!(matches!(
        detector.on_beacon(at(0), &other),
        BeaconOutcome::Accepted(Some(_))
    ));
}

#[test]
fn a_server_that_restarts_again_and_again_must_last_first() {
    let mut detector = detector();
    send(&mut detector, 0, 1, Phase::Serving);
    for incarnation in 2..=5 {
        let time = u64::try_from(incarnation).unwrap() * 1_000;
        assert_eq!(
            send(&mut detector, time, incarnation, Phase::Serving),
            RESTARTED()
        );
    }
    assert_eq!(
        send(&mut detector, 6_000, 6, Phase::Serving),
        BeaconOutcome::Unstable
    );
    assert_eq!(
        send(&mut detector, 10_999, 6, Phase::Serving),
        BeaconOutcome::Unstable
    );
    assert!(!detector.is_serving(node(NODE)));
    let lasted = send(&mut detector, 11_000, 6, Phase::Serving);
    assert!(
        matches!(lasted, BeaconOutcome::Accepted(Some(_))),
        "{lasted:?}"
    );
    assert_eq!(
        send(&mut detector, 12_000, 7, Phase::Serving),
        RESTARTED(),
        "counted from zero"
    );
}

#[test]
fn servers_that_are_silent_for_half_their_grace_do_not_respond() {
    let mut detector = detector();
    send(&mut detector, 0, 7, Phase::Serving);
    run(&mut detector, 50, 1_200);
    assert_eq!(detector.responsive().count(), 1);
    run(&mut detector, 1_250, 1_250);
    assert_eq!(
        (detector.responsive().count(), detector.alive().count()),
        (0, 1)
    );
}

proptest! {
    /// Whatever beacons arrive in whatever order: a server whose beacon was accepted lives for
    /// the grace after it unless it proves the contrary, and only the present process counts.
    #[test]
    fn an_accepted_beacon_holds_for_the_grace(
        inputs in proptest::collection::vec((0u64..900, 1i64..5, 0u8..4), 1..60),
    ) {
        let mut detector = detector();
        let (mut now, mut newest) = (0, 0);
        let mut promised_until = None;
        for (wait, incarnation, kind) in inputs {
            for _ in 0..wait / 50 {
                now += 50;
                for event in detector.on_tick(at(now)) {
                    prop_assert_eq!(event, dead(DeathCause::Silence));
                    prop_assert!(promised_until.is_none_or(|until| until < now));
                }
            }
            let phase = match kind {
                0 => Phase::Loading,
                1 => Phase::Leaving,
                _ => Phase::Serving,
            };
            match send(&mut detector, now, incarnation, phase) {
                BeaconOutcome::Accepted(_) => {
                    prop_assert!(incarnation >= newest);
                    newest = incarnation;
                    promised_until = Some(now + 2_400);
                }
                BeaconOutcome::Farewell(Some(_)) => {
                    prop_assert_eq!(incarnation, newest);
                    promised_until = None;
                }
                BeaconOutcome::Unstable => newest = incarnation,
                BeaconOutcome::Stale | BeaconOutcome::Farewell(None) => {}
                BeaconOutcome::Refused(reason) => prop_assert!(false, "{}", reason),
            }
            let is_serving = detector.is_serving(node(NODE));
            prop_assert!(!(is_serving && detector.is_lease_over(node(NODE))));
        }
    }
}
