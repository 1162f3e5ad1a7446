//! Births driven by hand.

use super::*;
use crate::cluster_state::Command;
use crate::failure_detector::FailureDetectorOptions;
use crate::testing::{beacon, node, state_with_table};
use pegasus_metastore::Version;

const GRACE: Duration = Duration::from_secs(4);
const NOW: MonotonicMillis = MonotonicMillis(10_000);

struct Nursery {
    state: ClusterState,
    detector: FailureDetector,
    births: Births,
    now: MonotonicMillis,
    version: u64,
}

impl Nursery {
    fn new(partitions: i32, nodes: u16) -> Self {
        let options = FailureDetectorOptions {
            grace: GRACE,
            ..FailureDetectorOptions::default()
        };
        let mut detector = FailureDetector::new(options, NOW);
        for host in 1..=nodes {
            detector.on_beacon(NOW, &beacon(host));
        }
        let state = state_with_table(2, "temp", partitions);
        let mut births = Births::new(BirthOptions::default());
        births.begin(&state, AppId(2), NOW);
        Self {
            state,
            detector,
            births,
            now: NOW,
            version: 1,
        }
    }

    fn advance(&mut self) -> Vec<BirthStep> {
        self.births.advance(self.now, &self.state, &self.detector)
    }

    fn calls(&mut self) -> Vec<CreateCall> {
        let steps = self.advance();
        let calls = steps.into_iter().map(|step| match step {
            BirthStep::CreateReplica(call) => call,
            other => panic!("{other:?}"),
        });
        calls.collect()
    }

    fn wait(&mut self, duration: Duration) {
        self.now = self.now.after(duration);
    }

    fn commit(&mut self, next: &PartitionConfiguration) {
        self.version += 1;
        let command = Command::Reconfigure(next.clone());
        self.state.apply(command, Version(self.version));
        self.births.on_committed(self.now, next);
    }
}

#[test]
fn a_partition_is_born_when_all_its_members_have_a_replica() {
    let mut nursery = Nursery::new(1, 3);
    let calls = nursery.calls();
    assert_eq!(calls.len(), 3);
    for &call in &calls[..2] {
        nursery.births.on_created(NOW, call, Ok(()));
        assert_eq!(nursery.advance(), []);
    }
    nursery.births.on_created(NOW, calls[2], Ok(()));
    let steps = nursery.advance();
    let [BirthStep::Commit(born)] = steps.as_slice() else {
        panic!("{steps:?}");
    };
    assert_eq!(born.ballot, Ballot(1));
    assert_eq!(born.member_count(), 3);
    assert_eq!(nursery.advance(), [], "nobody is told before it is durable");
    nursery.commit(born);
    assert_eq!(nursery.advance().len(), 3, "every member is told");
    assert_eq!(nursery.births.under_way(), 0);
}

#[test]
fn announcements_are_repeated_until_confirmed() {
    let mut nursery = Nursery::new(1, 3);
    for call in nursery.calls() {
        nursery.births.on_created(NOW, call, Ok(()));
    }
    let Some(BirthStep::Commit(born)) = nursery.advance().pop() else {
        panic!("not born");
    };
    nursery.commit(&born);
    assert_eq!(nursery.advance().len(), 3);
    let pid = Gpid::new(2, 0);
    nursery.births.on_report(node(1), pid, Ballot(1));
    nursery.births.on_report(node(2), pid, Ballot(0));
    assert_eq!(nursery.advance(), [], "not before the pause is over");
    nursery.wait(Duration::from_secs(1));
    assert_eq!(nursery.advance().len(), 2);
    for _ in 0..20 {
        nursery.wait(Duration::from_secs(1));
        nursery.advance();
    }
    assert_eq!(nursery.advance(), [], "not for ever");
}

#[test]
fn passing_errors_are_tried_again_at_the_same_server() {
    let mut nursery = Nursery::new(1, 4);
    let call = nursery.calls()[0];
    nursery
        .births
        .on_created(NOW, call, Err(ErrorCode::Timeout));
    assert_eq!(nursery.calls(), []);
    nursery.wait(Duration::from_secs(1));
    let again = nursery.calls();
    assert_eq!((again.len(), again[0].node), (1, call.node));
    // The answer to the first attempt, late: it counts no more.
    nursery.births.on_created(nursery.now, call, Ok(()));
    assert_eq!(nursery.advance(), []);
}

#[test]
fn a_refusing_server_is_replaced_if_there_is_another() {
    let mut nursery = Nursery::new(2, 4);
    let call = nursery.calls()[0];
    let refusal = Err(ErrorCode::DiskInsufficient);
    nursery.births.on_created(NOW, call, refusal);
    nursery.wait(Duration::from_secs(1));
    let again = nursery.calls();
    assert_eq!(again.len(), 3);
    assert!(again.iter().all(|new| new.node != call.node), "{again:?}");
}

#[test]
fn a_dying_server_is_replaced() {
    let mut nursery = Nursery::new(1, 3);
    nursery.calls();
    let mut deaths = 0;
    for _ in 0..100 {
        nursery.wait(Duration::from_millis(50));
        deaths += nursery.detector.on_tick(nursery.now).len();
        for host in [2, 3, 4] {
            nursery.detector.on_beacon(nursery.now, &beacon(host));
        }
    }
    assert_eq!(deaths, 1);
    let members: BTreeSet<_> = nursery.calls().iter().map(|call| call.node).collect();
    assert_eq!(members, BTreeSet::from([node(2), node(3), node(4)]));
}

#[test]
fn calls_to_one_server_are_bounded() {
    let mut nursery = Nursery::new(64, 3);
    let calls = nursery.calls();
    assert_eq!(calls.len(), 48, "16 for each of 3 servers");
    nursery.births.on_created(NOW, calls[0], Ok(()));
    let next = nursery.calls();
    assert_eq!((next.len(), next[0].node), (1, calls[0].node));
}

#[test]
fn too_few_servers_wait_for_more() {
    let mut nursery = Nursery::new(4, 2);
    assert_eq!(nursery.advance(), []);
    nursery.detector.on_beacon(NOW, &beacon(3));
    assert_eq!(nursery.calls().len(), 12);
}
