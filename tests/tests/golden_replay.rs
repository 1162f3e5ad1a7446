//! Our answers are the original server's: the golden transcript (every section but `meta`) replayed
//! on a fresh table, in order, with the differences that docs/compatibility.md declares left out.

use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use pegasus_client::{ClientOptions, Cluster, CreateTable, Partitions};
use pegasus_common::clock::EpochSeconds;
use pegasus_common::{Gpid, RpcAddress};
use pegasus_tests::golden::{
    Answer, Comparison, Connection, ContextIds, Record, SkipList, Target, compare, context_id_of,
    read_skip_list, read_transcript,
};
use pegasus_tests::{Onebox, OneboxOptions, checkout, shared_directory};

const TABLE: &str = "golden";
/// How long a server may take to answer; a request that the original never answered costs as much.
const PATIENCE: Duration = Duration::from_secs(10);
const PATIENCE_FOR_SILENCE: Duration = Duration::from_secs(1);
/// Expiries further away than this are not waited for.
const SHORT_EXPIRY_S: i64 = 30;
/// How many differences a failure shows.
const SHOWN_DIFFERENCES_MAX: usize = 40;

#[test]
fn answers_are_those_of_the_original_server() {
    let transcript = read_transcript(&shared_directory().join("reference/golden/golden.jsonl.gz"));
    let skip_list = read_skip_list(&checkout().join("docs/compatibility.md"));
    let onebox = Onebox::start(OneboxOptions::default());
    let partitions = create_table(&onebox.meta_list());

    let mut replay = Replay::new(partitions, skip_list);
    for record in transcript.iter().filter(|record| record.section != "meta") {
        replay.step(record);
    }
    let shown = replay.differences.len().min(SHOWN_DIFFERENCES_MAX);
    assert!(
        replay.differences.is_empty(),
        "{} of {} answers differ, the first of them:\n{}",
        replay.differences.len(),
        replay.compared,
        replay.differences[..shown].join("\n")
    );
    assert!(
        replay.compared > 5_000,
        "only {} answers compared",
        replay.compared
    );
}

/// Creates the table and returns its partitions once each has three members.
fn create_table(meta_list: &str) -> Partitions {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let cluster = Cluster::connect(meta_list, ClientOptions::new())
            .await
            .expect("the cluster answers");
        let table = CreateTable::new(TABLE).partition_count(8).replica_count(3);
        cluster
            .admin()
            .create_app(&table)
            .await
            .expect("the table is created");
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            let partitions = cluster
                .admin()
                .partitions(TABLE)
                .await
                .expect("the table exists");
            let is_complete = partitions
                .members
                .iter()
                .all(|members| members.primary.is_some() && members.secondaries.len() == 2);
            if is_complete && probe(&cluster).await {
                return partitions;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "no members: {partitions:?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
}

/// Whether every partition serves. Reads only: the transcript begins with an empty table.
async fn probe(cluster: &Cluster) -> bool {
    let table = cluster.table(TABLE).await.expect("the table exists");
    for key in 0..64_u32 {
        if table.get(&key.to_be_bytes(), b"probe").await.is_err() {
            return false;
        }
    }
    true
}

struct Replay {
    partitions: Partitions,
    skip_list: SkipList,
    connections: HashMap<RpcAddress, Connection>,
    contexts: ContextIds,
    /// The latest short expiry written so far, in seconds since 2016.
    short_expiry: i64,
    compared: usize,
    differences: Vec<String>,
}

impl Replay {
    fn new(partitions: Partitions, skip_list: SkipList) -> Self {
        Self {
            partitions,
            skip_list,
            connections: HashMap::new(),
            contexts: ContextIds::new(),
            short_expiry: 0,
            compared: 0,
            differences: Vec::new(),
        }
    }

    fn step(&mut self, record: &Record) {
        if record.case == "after expiry" {
            self.wait_for_expiry();
        }
        let answer = self.send(record);
        if let Some(context) = context_id_of(record, &answer) {
            self.contexts.insert(record.number, context);
        }
        if self
            .skip_list
            .reason(&record.section, &record.case)
            .is_some()
        {
            return;
        }
        self.compared += 1;
        if let Comparison::Different(how) = compare(record, &answer) {
            self.differences.push(format!(
                "#{} {} / {} ({}): {how}",
                record.number, record.section, record.case, record.code
            ));
        }
    }

    fn send(&mut self, record: &Record) -> Answer {
        let now = i64::from(EpochSeconds::now().0);
        let message = record.message(now, |number| {
            self.contexts.get(&number).copied().unwrap_or(0)
        });
        if let Some(expiry) = message.latest_expiry
            && expiry <= now + SHORT_EXPIRY_S
        {
            self.short_expiry = self.short_expiry.max(expiry);
        }
        let is_silence_expected = record.rpc_err.as_deref().is_none_or(|e| e.starts_with('!'));
        let patience = match is_silence_expected {
            true => PATIENCE_FOR_SILENCE,
            false => PATIENCE,
        };
        let server = self.server_of(record);
        let table_id = self.partitions.app_id;
        let connection = self.connections.entry(server).or_insert_with(|| {
            Connection::open(&server.to_string()).expect("the server accepts connections")
        });
        let answer = connection
            .exchange(record, table_id, &message.args, patience)
            .unwrap_or(Answer::Closed);
        // After silence a late answer would be taken for the next one's.
        if matches!(answer, Answer::Closed | Answer::Silence) {
            self.connections.remove(&server);
        }
        answer
    }

    fn server_of(&self, record: &Record) -> RpcAddress {
        let members = &self.partitions.members[record.route_pidx];
        let index = i32::try_from(record.route_pidx).expect("one of eight partitions");
        assert_eq!(members.gpid, Gpid::new(self.partitions.app_id, index));
        match record.target {
            Target::Primary => members.primary.expect("checked at the start"),
            Target::Secondary => members.secondaries[0],
            Target::Meta => panic!("section meta is left out"),
        }
    }

    /// The recording went on once its short-lived records had expired; expiry is a matter of the
    /// wall clock, so this waits for it.
    fn wait_for_expiry(&self) {
        let left = self.short_expiry + 1 - i64::from(EpochSeconds::now().0);
        if let Ok(left) = u64::try_from(left) {
            thread::sleep(Duration::from_secs(left));
        }
    }
}
