//! What unit tests of several modules need: one replica with real storage and no other members, whose
//! log is safe when the test says so.

mod node;
mod server;

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::net::SocketAddrV4;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use pegasus_common::Ballot;
use pegasus_common::Decree;
use pegasus_common::ErrorCode;
use pegasus_common::Gpid;
use pegasus_common::RpcAddress;
use pegasus_common::clock::WallMicros;
use pegasus_common::key;
use pegasus_engine::CurrentValues;
use pegasus_engine::Engine;
use pegasus_engine::EngineOptions;
use pegasus_engine::EngineSetup;
use pegasus_engine::EvaluationTime;
use pegasus_engine::Lookup;
use pegasus_engine::MutationBuilder;
use pegasus_engine::OpenMode;
use pegasus_engine::SettingsHandle;
use pegasus_engine::Shared;
use pegasus_engine::WriteSettings;
use pegasus_engine::evaluate;
use pegasus_pacifica::Configuration;
use pegasus_pacifica::ConfigurationSource;
use pegasus_pacifica::Effect;
use pegasus_pacifica::Effects;
use pegasus_pacifica::Lease;
use pegasus_pacifica::LeaseTerm;
use pegasus_pacifica::Options;
use pegasus_pacifica::Recovered;
use pegasus_pacifica::Replica;
use pegasus_rpc::ConnectionId;
use pegasus_rpc::Mailbox;
use pegasus_rpc::MailboxSender;
use pegasus_rpc::NetworkLimits;
use pegasus_rpc::Outputs;
use pegasus_rpc::ReplyTo;
use pegasus_wire::TaskCode;
use pegasus_wire::frame::ResponseFrame;
use pegasus_wire::layer2::AppInfo;
use pegasus_wire::rrdb;

use crate::answers::Answers;
use crate::answers::RemoteAnswer;
use crate::engine_events::EngineEvents;
use crate::hosted_replica::HostedReplica;
use crate::hosted_replica::HostingLimits;
use crate::hosted_replica::Staged;
use crate::instance::InstanceCounter;
use crate::load::Opening;
use crate::open_storages::OpenStorages;
use crate::router::ReplicaHandle;
use crate::shard::ShardMessage;
use crate::write_request::ArrivedWrite;
use crate::write_request::DecodedWrite;
use crate::write_request::Requester;

pub use self::node::TestNode;
pub use self::server::TestServer;
pub use self::server::records;
pub use self::server::reset;
pub use self::server::vouch;

/// The partition of [`Lone`].
pub const GPID: Gpid = Gpid::new(2, 0);
/// How clients know the server.
pub const SERVER: &str = "127.0.0.1:34801";
/// Mutations that may be in flight at once.
pub const WINDOW: u32 = 2;
/// Staged effects past this are proposed at once, in bytes.
pub const MUTATION_BYTES_MAX: usize = 4_096;
/// The shard on which the replica is; requesters are on the other one, where tests find answers.
const SHARD: usize = 0;

/// This server, or another one.
pub fn server(port: u16) -> RpcAddress {
    RpcAddress::from_v4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))
}

/// Storage with a small cache.
pub fn storage() -> Shared {
    let options = EngineOptions {
        block_cache_capacity: 8 << 20,
        ..EngineOptions::default()
    };
    Shared::new(&options).unwrap()
}

/// What replicas of a server with one shard are opened with, and that shard's mailbox.
pub fn opening() -> (Opening, Mailbox<ShardMessage>) {
    let (sender, mailbox) = Mailbox::new();
    let opening = Opening {
        address: server(34801),
        name: SERVER.to_owned(),
        shards: vec![sender],
        storage: storage(),
        options: Options::default(),
        limits: HostingLimits {
            mutation_bytes_max: MUTATION_BYTES_MAX,
        },
        instances: InstanceCounter::default(),
        storages: Arc::default(),
    };
    (opening, mailbox)
}

/// An answer as its client reads it.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which request.
    pub seqid: i32,
    /// Outcome at the level of the replica.
    pub error: ErrorCode,
    /// The result.
    pub body: Bytes,
}

/// The only member of its partition, primary under ballot 1.
pub struct Lone {
    pub replica: HostedReplica,
    /// Appended to the log and not safe yet.
    pub appended: VecDeque<(Ballot, Decree)>,
    effects: Effects,
    outputs: Rc<Outputs>,
    remote: Vec<Vec<RemoteAnswer>>,
    _mailbox: Mailbox<ShardMessage>,
    _directory: tempfile::TempDir,
}

impl Lone {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (sender, mailbox): (MailboxSender<_>, _) = Mailbox::new();
        let instance = InstanceCounter::default().next(GPID);
        let storages: Arc<OpenStorages> = Arc::default();
        let setup = EngineSetup {
            dir: directory.path().join("rdb"),
            mode: OpenMode::Create,
            settings: SettingsHandle::default(),
            listener: Arc::new(EngineEvents::new(instance, sender, storages.begin(GPID))),
        };
        let engine = Engine::open(&storage(), setup).unwrap();
        let options = Options {
            mutation_2pc_min_replica_count: 1,
            window_mutations: WINDOW,
            ..Options::default()
        };
        let life = instance.life;
        let machine = Replica::new(GPID, server(34801), life, options, Recovered::empty());
        let limits = HostingLimits {
            mutation_bytes_max: MUTATION_BYTES_MAX,
        };
        let handle = ReplicaHandle::new(GPID, Arc::new(engine));
        let app = AppInfo::default();
        let mut lone = Self {
            replica: HostedReplica::new(handle, app, 0, machine, SERVER, limits),
            appended: VecDeque::new(),
            effects: Effects::new(),
            outputs: Outputs::new(&NetworkLimits::default()),
            remote: vec![Vec::new(), Vec::new()],
            _mailbox: mailbox,
            _directory: directory,
        };
        lone.input(|replica, _, effects| {
            replica.machine.on_lease(Lease::Held(LeaseTerm(1)), effects);
        });
        lone.configure(1, server(34801));
        lone
    }

    /// Calls one input and carries its effects out, as a shard does.
    pub fn input<R>(
        &mut self,
        input: impl FnOnce(&mut HostedReplica, &mut Answers<'_>, &mut Effects) -> R,
    ) -> R {
        let mut answers = Answers {
            shard: SHARD,
            outputs: &self.outputs,
            remote: &mut self.remote,
        };
        let result = input(&mut self.replica, &mut answers, &mut self.effects);
        while !self.effects.is_empty() {
            let effects: Vec<Effect> = self.effects.drain().collect();
            for effect in effects {
                match effect {
                    Effect::Append { mutation } => {
                        self.appended.push_back((mutation.ballot, mutation.decree));
                    }
                    Effect::AppendBallot { ballot } => {
                        let machine = &mut self.replica.machine;
                        machine.on_ballot_safe(ballot, &mut self.effects);
                    }
                    Effect::Commit { mutation, digest } => self.replica.commit(mutation, digest),
                    Effect::RefuseAfter { committed } => {
                        self.replica.refuse_after(committed, &mut answers);
                    }
                    _ => {}
                }
            }
            self.replica
                .apply_committed(&mut answers, &mut self.effects);
        }
        self.replica.publish();
        result
    }

    /// The meta server names a primary, under a ballot.
    pub fn configure(&mut self, ballot: i64, primary: RpcAddress) {
        let configuration = Configuration {
            ballot: Ballot(ballot),
            max_replica_count: 1,
            primary: Some(primary),
            secondaries: Vec::new(),
        };
        self.input(|replica, _, effects| {
            let asked_in = LeaseTerm(1);
            let source = ConfigurationSource::Sync { asked_in };
            replica
                .machine
                .on_configuration(&configuration, source, effects);
        });
    }

    /// A client's write arrives.
    pub fn write(&mut self, seqid: i32, write: DecodedWrite) -> Staged {
        let arrived = ArrivedWrite {
            write,
            requester: requester(seqid),
        };
        let now = WallMicros::now();
        self.input(|replica, answers, effects| replica.stage(arrived, now, answers, effects))
    }

    pub fn end_turn(&mut self) {
        self.input(|replica, answers, effects| replica.propose(answers, effects));
    }

    /// The log reports the oldest record that it has not reported yet.
    pub fn log_one(&mut self) {
        let (ballot, decree) = self.appended.pop_front().expect("something was appended");
        self.input(|replica, _, effects| replica.machine.on_log_safe(ballot, decree, effects));
    }

    /// What clients have been told since the last call.
    pub fn answers(&mut self) -> Vec<Answer> {
        let answers = self.remote[1].drain(..);
        answers
            .map(|mut answer| {
                let frame = ResponseFrame::split_from(&mut answer.frame, 1 << 20);
                let ResponseFrame {
                    seqid, error, body, ..
                } = frame.unwrap().expect("a whole frame");
                assert!(answer.frame.is_empty(), "one frame");
                Answer { seqid, error, body }
            })
            .collect()
    }

    /// The same, but only who was told what.
    pub fn outcomes(&mut self) -> Vec<(i32, ErrorCode)> {
        let answers = self.answers();
        answers
            .into_iter()
            .map(|answer| (answer.seqid, answer.error))
            .collect()
    }
}

/// A client of another shard.
pub fn requester(seqid: i32) -> Requester {
    Requester {
        shard: 1,
        to: ReplyTo {
            connection: ConnectionId::NOBODY,
            seqid,
            code: TaskCode::Put,
        },
    }
}

/// The effect of putting one value.
pub fn payload(value: &[u8]) -> Bytes {
    /// A partition in which nothing is.
    struct Nothing;

    impl CurrentValues for Nothing {
        fn get(&mut self, _: &[u8]) -> Lookup {
            Lookup::Absent
        }
    }

    let time = EvaluationTime {
        timestamp_us: 1,
        now_epoch_s: 1,
    };
    let (mut builder, write) = (MutationBuilder::new(), put(b"hash", value));
    let settings = WriteSettings::default();
    evaluate(
        &mut builder,
        write.operation(),
        &mut Nothing,
        time,
        settings,
    );
    builder.finish().payload
}

/// A raw key.
pub fn raw_key(hash_key: &[u8]) -> Bytes {
    key::encode(hash_key, b"").unwrap().into()
}

/// A write of one value.
pub fn put(hash_key: &[u8], value: &[u8]) -> DecodedWrite {
    DecodedWrite::Put(rrdb::UpdateRequest {
        key: raw_key(hash_key),
        value: Bytes::copy_from_slice(value),
        ..rrdb::UpdateRequest::default()
    })
}

/// An addition to a number.
pub fn incr(hash_key: &[u8], increment: i64) -> DecodedWrite {
    DecodedWrite::Incr(rrdb::IncrRequest {
        key: raw_key(hash_key),
        increment,
        ..rrdb::IncrRequest::default()
    })
}
