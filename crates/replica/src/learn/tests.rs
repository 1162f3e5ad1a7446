//! Learning by checkpoint on real storage and a real log, without threads and sockets: every step, and
//! a crash after each of them.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pegasus_common::Ballot;
use pegasus_common::Decree;
use pegasus_common::ErrorCode;
use pegasus_common::Gpid;
use pegasus_engine::AppliedMutation;
use pegasus_engine::CheckpointInfo;
use pegasus_log::Record;
use pegasus_pacifica::DigestAt;
use pegasus_pacifica::Standing;
use pegasus_rpc::ShardRuntime;

use super::download::DownloadError;
use super::download::DownloadManner;
use super::download::download;
use super::install::Replacement;
use super::shelf::CheckpointFile;
use super::source::CheckpointSource;
use super::source::FilePart;
use super::source::SourceError;
use super::staging::Manifest;
use super::staging::Staging;
use super::staging::StagingError;
use crate::disk::ReplicaDirectory;
use crate::disk::StoredAppInfo;
use crate::hosted_replica::HostedReplica;
use crate::load::Newborn;
use crate::load::create_replica;
use crate::load::open_learned;
use crate::testing;
use crate::testing::GPID;
use crate::testing::TestServer;

const CHECKPOINT_DECREE: i64 = 40;

/// The primary's server: one replica with a checkpoint.
struct Teacher {
    _server: TestServer,
    _replica: HostedReplica,
    directory: PathBuf,
    checkpoint: CheckpointInfo,
}

impl Teacher {
    fn new() -> Self {
        let server = TestServer::new();
        let loaded = server.load_from(&["a"]).unwrap();
        let app = TestServer::app();
        let place = (0, &loaded.disks[0]);
        let newborn = Newborn::WithPartition;
        let replica = create_replica(&server.opening, place, GPID, &app, newborn).unwrap();
        let engine = &replica.handle.engine;
        for decree in 1..=CHECKPOINT_DECREE {
            let value = vec![decree.to_le_bytes()[0]; 5_000];
            engine.apply(&[applied(decree, &value)]).unwrap();
        }
        let directory = server.root.path().join("checkpoint");
        let checkpoint = engine.checkpoint(&directory).unwrap();
        Self {
            _server: server,
            _replica: replica,
            directory,
            checkpoint,
        }
    }

    fn at(&self) -> DigestAt {
        DigestAt {
            decree: self.checkpoint.mark.decree,
            digest: self.checkpoint.mark.digest,
        }
    }

    fn manifest(&self) -> Manifest {
        let files = self.checkpoint.files.iter();
        Manifest {
            from: "teacher".to_owned(),
            checkpoint_id: 7,
            decree: self.at().decree.0,
            digest: self.at().digest,
            files: files
                .map(|file| CheckpointFile {
                    name: file.name.clone(),
                    size: file.bytes,
                })
                .collect(),
        }
    }

    fn source(&self) -> LocalSource {
        LocalSource {
            directory: self.directory.clone(),
            reads: Rc::default(),
            fails_after: None,
        }
    }
}

/// Of all that is learned.
const TIMESTAMP_US: i64 = 77;

fn applied(decree: i64, value: &[u8]) -> AppliedMutation {
    AppliedMutation {
        decree: Decree(decree),
        digest: u64::try_from(decree).unwrap() * 31,
        ballot: Ballot(1),
        timestamp_us: TIMESTAMP_US.try_into().unwrap(),
        payload: testing::payload(value),
    }
}

/// Reads the checkpoint's directory; may stop answering.
struct LocalSource {
    directory: PathBuf,
    reads: Rc<Cell<u32>>,
    fails_after: Option<u32>,
}

impl CheckpointSource for LocalSource {
    async fn list(&self) -> Result<Vec<CheckpointFile>, SourceError> {
        Ok(Vec::new())
    }

    async fn read(&self, part: &FilePart) -> Result<Bytes, SourceError> {
        if self
            .fails_after
            .is_some_and(|reads| self.reads.get() >= reads)
        {
            return Err(SourceError::Refused(ErrorCode::ObjectNotFound));
        }
        self.reads.set(self.reads.get() + 1);
        let mut content = vec![0; usize::try_from(part.size).unwrap()];
        let file = fs::File::open(self.directory.join(&part.name)).unwrap();
        file.read_exact_at(&mut content, part.offset).unwrap();
        Ok(content.into())
    }
}

fn manner() -> DownloadManner {
    DownloadManner {
        part_bytes: 4_096,
        parts_in_flight: 3,
        pace: Box::new(|_, _| Duration::ZERO),
        is_wanted: Box::new(|| true),
    }
}

fn fetch(
    staging: &Arc<Staging>,
    source: LocalSource,
    manner: DownloadManner,
) -> Result<u64, DownloadError> {
    let runtime = ShardRuntime::new().unwrap();
    runtime.block_on(download(source, Arc::clone(staging), manner))
}

/// The learner's server.
struct Student {
    server: TestServer,
}

/// The steps of an installation, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Fetched,
    OldAside,
    LogReset,
    Published,
}

const STEPS: [Step; 4] = [
    Step::Fetched,
    Step::OldAside,
    Step::LogReset,
    Step::Published,
];

impl Student {
    /// Its server had the partition before: some of it in storage, some in the log, more than the
    /// group ever committed.
    fn new() -> Self {
        let server = TestServer::new();
        server.make("a", 0..1, Newborn::WithPartition);
        server.append("a", testing::records(1, 1..=60, &Bytes::new()));
        Self { server }
    }

    fn directory(&self) -> ReplicaDirectory {
        ReplicaDirectory::of(&self.server.directory("a").path, GPID)
    }

    fn staging(&self, teacher: &Teacher) -> Arc<Staging> {
        let app = StoredAppInfo::from(&TestServer::app());
        Arc::new(Staging::prepare(&self.directory(), teacher.manifest(), &app).unwrap())
    }

    /// Learns up to a step, as far as it still has to, and stops there as if it had crashed.
    fn learn_until(&self, teacher: &Teacher, last: Step) {
        let staging = self.staging(teacher);
        fetch(&staging, teacher.source(), manner()).unwrap();
        staging.verify(teacher.at()).unwrap();
        let replacement = Replacement::new(self.directory(), staging);
        if last >= Step::OldAside {
            replacement.put_old_aside().unwrap();
        }
        if last >= Step::LogReset {
            self.server.append(
                "a",
                vec![Record::Reset {
                    gpid: GPID,
                    ballot: Ballot(2),
                    decree: teacher.at().decree,
                }],
            );
        }
        if last >= Step::Published {
            replacement.publish().unwrap();
        }
    }

    /// Starts as a server does. Where there is nothing, an empty replica is made as for any learner.
    fn restart(&self) -> DigestAt {
        let loaded = self.server.load_from(&["a"]).unwrap();
        if let Some(replica) = loaded.replicas.first() {
            return replica.machine.digest();
        }
        drop(loaded);
        self.server.append(
            "a",
            vec![Record::Reset {
                gpid: GPID,
                ballot: Ballot::ZERO,
                decree: Decree::ZERO,
            }],
        );
        let loaded = self.server.load_from(&["a"]).unwrap();
        let (place, app) = ((0, &loaded.disks[0]), TestServer::app());
        let newborn = Newborn::ToLearn;
        let made = create_replica(&self.server.opening, place, GPID, &app, newborn).unwrap();
        made.machine.digest()
    }
}

#[test]
fn after_a_crash_at_any_step_the_next_attempt_succeeds() {
    let teacher = Teacher::new();
    for step in STEPS {
        let student = Student::new();
        student.learn_until(&teacher, step);
        let present = student.restart();
        match step {
            Step::Fetched => assert_eq!(present.decree, Decree(59), "the old replica"),
            Step::OldAside | Step::LogReset => assert_eq!(present.decree, Decree::ZERO),
            Step::Published => assert_eq!(present, teacher.at()),
        }
        student.learn_until(&teacher, Step::Published);
        let loaded = student.server.load_from(&["a"]).unwrap();
        let machine = &loaded.replicas[0].machine;
        assert_eq!(machine.digest(), teacher.at(), "{step:?}");
        assert_eq!(
            machine.prepared(),
            teacher.at().decree,
            "nothing of an earlier life"
        );
        assert_eq!(machine.standing(), Standing::Unproven);
        assert!(machine.ballot() >= Ballot(2));
        assert!(!student.directory().staging().path.exists());
        let engine = &loaded.replicas[0].handle.engine;
        assert_eq!(
            engine.flushed(),
            teacher.at().decree,
            "durable is what storage says"
        );
    }
}

#[test]
fn a_learned_replica_knows_the_newest_time_that_it_holds() {
    let (teacher, student) = (Teacher::new(), Student::new());
    student.learn_until(&teacher, Step::Published);
    let (opening, directory) = (&student.server.opening, student.directory());
    let learned = open_learned(opening, 0, &directory, Ballot(2), teacher.at()).unwrap();
    assert_eq!(learned.machine.latest_timestamp_us(), TIMESTAMP_US);
    drop(learned);
    let loaded = student.server.load_from(&["a"]).unwrap();
    let machine = &loaded.replicas[0].machine;
    assert_eq!(
        machine.latest_timestamp_us(),
        TIMESTAMP_US,
        "its log is empty"
    );
}

#[test]
fn a_fetch_that_broke_off_goes_on_where_it_was() {
    let teacher = Teacher::new();
    let student = Student::new();
    let staging = student.staging(&teacher);
    let total = teacher.manifest().total_bytes();
    let broken = LocalSource {
        fails_after: Some(4),
        ..teacher.source()
    };
    assert!(matches!(
        fetch(&staging, broken, manner()),
        Err(DownloadError::Source(SourceError::Refused(_)))
    ));
    let missing: u64 = staging.missing().iter().map(|file| file.size).sum();
    assert!(missing < total, "small files are complete");
    let again = student.staging(&teacher);
    assert_eq!(fetch(&again, teacher.source(), manner()).unwrap(), missing);
    again.verify(teacher.at()).unwrap();
}

#[test]
fn a_fetch_that_nobody_wants_ends() {
    let (teacher, student) = (Teacher::new(), Student::new());
    let left = Cell::new(2_u32);
    let manner = DownloadManner {
        is_wanted: Box::new(move || left.replace(left.get().saturating_sub(1)) > 0),
        ..manner()
    };
    let ended = fetch(&student.staging(&teacher), teacher.source(), manner);
    assert!(matches!(ended, Err(DownloadError::Unwanted)));
}

#[test]
fn files_of_another_state_than_offered_are_refused() {
    let (teacher, student) = (Teacher::new(), Student::new());
    let staging = student.staging(&teacher);
    fetch(&staging, teacher.source(), manner()).unwrap();
    let other = DigestAt {
        digest: 1,
        ..teacher.at()
    };
    let refused = staging.verify(other);
    assert!(matches!(refused, Err(StagingError::OtherContent { .. })));
    // A table file that is cut short, as after a lost flush.
    let table = teacher
        .manifest()
        .files
        .into_iter()
        .max_by_key(|file| file.size);
    let path = staging.directory().database().join(table.unwrap().name);
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_len(10).unwrap();
    let refused = staging.verify(teacher.at());
    assert!(matches!(
        refused,
        Err(StagingError::Incomplete { count: 1, .. })
    ));
}

#[test]
fn an_empty_replica_is_made_where_records_of_an_earlier_one_lie() {
    let student = Student::new();
    student.directory().remove().unwrap();
    assert_eq!(student.restart(), DigestAt::default());
    let loaded = student.server.load_from(&["a"]).unwrap();
    let machine = &loaded.replicas[0].machine;
    assert_eq!(
        (machine.prepared(), machine.committed()),
        (Decree::ZERO, Decree::ZERO)
    );
    assert_eq!(machine.standing(), Standing::Unproven);
    assert_eq!(loaded.replicas[0].gpid(), Gpid::new(2, 0));
}
