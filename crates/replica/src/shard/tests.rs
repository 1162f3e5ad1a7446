//! One shard without sockets: the test is its mailbox, its learning thread and its primary.

use pegasus_common::Ballot;
use pegasus_common::Decree;
use pegasus_common::RpcAddress;
use pegasus_common::StorageStatus;
use pegasus_engine::BackgroundFailure;
use pegasus_pacifica::CheckpointId;
use pegasus_pacifica::CheckpointOffer;
use pegasus_pacifica::Configuration;
use pegasus_pacifica::DigestAt;
use pegasus_pacifica::GroupCheck;
use pegasus_pacifica::LearnSignature;
use pegasus_pacifica::Message;
use pegasus_pacifica::Mutation;
use pegasus_pacifica::ReplicaStatus;
use pegasus_rpc::NetworkLimits;
use pegasus_wire::metadata::PartitionStatus;
use pegasus_wire::metadata::ReplicaInfo;
use tokio::sync::oneshot;

use super::*;
use crate::disk::Aside;
use crate::hosted_replica::HostedReplica;
use crate::instance::ReplicaInstance;
use crate::learn::message::LearnEvent;
use crate::learn::message::LearnMessage;
use crate::load::Newborn;
use crate::load::create_replica;
use crate::peer_messages::PeerMessage;
use crate::stub::HeldReplica;
use crate::testing::GPID;
use crate::testing::TestNode;
use crate::testing::TestServer;
use crate::testing::server;

struct Lonely {
    shard: Shard,
    test: TestNode,
}

impl Lonely {
    fn new() -> Self {
        let test = TestNode::new();
        let outputs = Outputs::new(&NetworkLimits::default());
        let node = Arc::clone(&test.node);
        let observer = LogEvents {
            disk: 0,
            shard: node.shards[0].clone(),
        };
        let lanes = vec![LogLane::new(node.disks[0].log.register(Arc::new(observer)))];
        let (links, index) = (PeerLinks::new(), 0);
        let exits = Exits::new(index, Arc::clone(&node), Rc::clone(&outputs), links, lanes);
        let core = RefCell::new(Core::new(exits));
        let shard = Shard {
            index,
            node,
            outputs,
            core,
        };
        Self { shard, test }
    }

    fn make(&self, newborn: Newborn) -> Box<HostedReplica> {
        let (opening, place) = (&self.test.server.opening, (0, &self.shard.node.disks[0]));
        let app = TestServer::app();
        Box::new(create_replica(opening, place, GPID, &app, newborn).unwrap())
    }

    fn begin(&self) -> ReplicaInstance {
        let replica = self.make(Newborn::WithPartition);
        let instance = replica.instance();
        self.shard.on_message(ShardMessage::Begin(replica));
        instance
    }

    fn status(&self) -> Option<ReplicaStatus> {
        let core = self.shard.core.borrow();
        core.replicas
            .get(&GPID)
            .map(|replica| replica.machine.status())
    }

    /// What the meta server would hear.
    fn report(&self) -> Vec<ReplicaInfo> {
        let (wanted, mut report) = oneshot::channel();
        self.shard.on_message(ShardMessage::Report(wanted));
        report.try_recv().unwrap()
    }

    /// What the learning thread was told.
    fn told(&mut self) -> Option<LearnMessage> {
        self.test.learn.try_recv().ok()
    }

    /// The primary, which is another server, wants this one to learn.
    fn invite(&self) -> PeerMessage {
        let check = GroupCheck {
            configuration: Configuration {
                ballot: Ballot(3),
                max_replica_count: 3,
                primary: Some(primary()),
                secondaries: Vec::new(),
            },
            last_committed: Decree(9),
            last_prepared: Decree(9),
            digest: DigestAt::default(),
            learner: Some(LearnSignature(5)),
        };
        PeerMessage {
            gpid: GPID,
            from: primary(),
            message: Message::GroupCheck(check),
            app: Some(Box::new(TestServer::app())),
        }
    }

    fn hear(&self, message: PeerMessage) {
        self.shard.on_message(ShardMessage::Peer(Box::new(message)));
    }
}

fn primary() -> RpcAddress {
    server(34802)
}

fn failure() -> BackgroundFailure {
    BackgroundFailure {
        status: StorageStatus::Corruption,
        during: "test",
        message: String::new(),
    }
}

#[test]
fn late_reports_of_an_earlier_replica_do_not_reach_its_successor() {
    let lonely = Lonely::new();
    let earlier = lonely.begin();
    let closed = lonely.shard.core.borrow_mut().take_out(GPID);
    std::fs::remove_dir_all(lonely.test.server.replica("a", 0)).unwrap();
    drop(closed);
    let later = lonely.begin();
    assert_ne!(earlier, later);
    lonely
        .shard
        .on_message(ShardMessage::Flushed(earlier, Decree(7)));
    lonely.shard.on_message(ShardMessage::KeyCached(earlier));
    lonely
        .shard
        .on_message(ShardMessage::StorageFailed(earlier, failure()));
    assert_eq!(lonely.status(), Some(ReplicaStatus::Inactive));
    let durable = lonely.shard.core.borrow().replicas[&GPID].machine.durable();
    assert_eq!(durable, Decree::ZERO);
    lonely
        .shard
        .on_message(ShardMessage::StorageFailed(later, failure()));
    assert_eq!(lonely.status(), Some(ReplicaStatus::Error));
}

#[test]
fn a_replica_whose_storage_fails_is_reported_until_it_is_open_again() {
    let mut lonely = Lonely::new();
    let instance = lonely.begin();
    lonely.shard.core.borrow_mut().exits.lanes[0].append(instance, uncommitted());
    lonely
        .shard
        .on_message(ShardMessage::StorageFailed(instance, failure()));
    lonely.shard.core.borrow_mut().reopen_failed();
    assert_eq!(lonely.status(), Some(ReplicaStatus::Error));
    assert!(lonely.told().is_none(), "the log has not all of it");
    lonely.shard.core.borrow_mut().end_turn();
    let (disk, ticket) = (0, u64::MAX);
    lonely
        .shard
        .on_message(ShardMessage::LogSafe { disk, ticket });
    lonely.shard.core.borrow_mut().reopen_failed();
    let Some(LearnMessage::Reopen(failed)) = lonely.told() else {
        panic!("it is opened again");
    };
    assert_eq!((failed.gpid, failed.disk), (GPID, 0));
    assert_eq!(lonely.status(), None);
    let statuses = |reports: Vec<ReplicaInfo>| -> Vec<PartitionStatus> {
        reports.into_iter().map(|report| report.status).collect()
    };
    assert_eq!(statuses(lonely.report()), [PartitionStatus::PS_ERROR]);
    // Until that is done nothing is made in its place.
    let invitation = lonely.invite();
    lonely.hear(invitation);
    assert!(lonely.told().is_none());
    std::fs::remove_dir_all(lonely.test.server.replica("a", 0)).unwrap();
    let replica = lonely.make(Newborn::WithPartition);
    let reopened = LearnEvent::Reopened { replica };
    lonely.shard.on_message(ShardMessage::Learn(reopened));
    assert_eq!(statuses(lonely.report()), [PartitionStatus::PS_INACTIVE]);
}

/// What the log leaves of a replica with one uncommitted mutation that is being put aside, when the
/// server ends before its directory has another name: `events` have come until then.
fn prepared_after_garbage(events: impl FnOnce() -> Vec<LearnEvent>) -> Decree {
    let mut lonely = Lonely::new();
    let instance = lonely.begin();
    lonely.shard.core.borrow_mut().exits.lanes[0].append(instance, uncommitted());
    let garbage = HeldReplica {
        gpid: GPID,
        ballot: Ballot::ZERO,
        status: ReplicaStatus::Inactive,
    };
    let changed = HeldReplica {
        ballot: Ballot(1),
        ..garbage
    };
    lonely.shard.on_message(ShardMessage::PutAside(changed));
    assert!(lonely.status().is_some(), "it has changed meanwhile");
    lonely.shard.on_message(ShardMessage::PutAside(garbage));
    assert_eq!(lonely.status(), None);
    let told = lonely.test.learn.blocking_recv();
    let Some(LearnMessage::PutAside { why, .. }) = told else {
        panic!("its directory is put aside");
    };
    assert_eq!(why, Aside::Garbage);
    for event in events() {
        lonely.shard.on_message(ShardMessage::Learn(event));
    }
    lonely.shard.core.borrow_mut().end_turn();
    let Lonely { shard, test } = lonely;
    drop(shard);
    let TestNode { server, node, .. } = test;
    drop(node);
    // The pool's thread may still hold the server.
    let loaded = loop {
        match server.load_from(&["a"]) {
            Ok(loaded) => break loaded,
            Err(_) => std::thread::yield_now(),
        }
    };
    loaded.replicas[0].machine.prepared()
}

fn uncommitted() -> Mutation {
    let payload = crate::testing::payload(b"a");
    Mutation {
        ballot: Ballot(1),
        decree: Decree(1),
        timestamp_us: 1,
        last_committed: Decree::ZERO,
        checksum: Mutation::checksum_of(&payload),
        payload,
    }
}

#[test]
fn the_log_forgets_garbage_only_when_its_directory_is_gone() {
    assert_eq!(prepared_after_garbage(Vec::new), Decree(1));
    let (gpid, disk) = (GPID, 0);
    let gone = || vec![LearnEvent::CollectedGarbage { gpid, disk }];
    assert_eq!(prepared_after_garbage(gone), Decree::ZERO);
}

#[test]
fn a_log_that_fails_takes_its_replicas_out_and_leaves_their_directories() {
    let mut lonely = Lonely::new();
    lonely.begin();
    let (disk, reason) = (0, "test".into());
    lonely
        .shard
        .on_message(ShardMessage::LogFailed { disk, reason });
    assert_eq!(lonely.status(), None);
    assert!(lonely.told().is_none());
    assert!(!lonely.shard.node.disks[0].takes_replicas());
}

#[test]
fn where_nothing_is_a_replica_is_made_once_and_hears_the_primary() {
    let mut lonely = Lonely::new();
    for _ in 0..2 {
        let invitation = lonely.invite();
        lonely.hear(invitation);
    }
    let Some(LearnMessage::MakeEmpty { check, .. }) = lonely.told() else {
        panic!("a replica is wanted");
    };
    assert!(lonely.told().is_none(), "once");
    let replica = lonely.make(Newborn::ToLearn);
    let made = LearnEvent::Made { replica, check };
    lonely.shard.on_message(ShardMessage::Learn(made));
    let core = lonely.shard.core.borrow();
    let machine = &core.replicas[&GPID].machine;
    assert_eq!(machine.known_ballot(), Ballot(3), "the invitation is heard");
}

#[test]
fn a_replica_makes_way_only_for_the_checkpoint_that_it_wants() {
    let lonely = Lonely::new();
    let instance = lonely.begin();
    let offer = CheckpointOffer {
        id: CheckpointId(7),
        at: DigestAt::default(),
    };
    let (done, mut made_way) = oneshot::channel();
    let make_way = LearnEvent::MakeWay {
        instance,
        signature: LearnSignature(5),
        offer,
        done,
    };
    lonely.shard.on_message(ShardMessage::Learn(make_way));
    assert!(made_way.try_recv().is_err());
    assert!(lonely.status().is_some());
}
