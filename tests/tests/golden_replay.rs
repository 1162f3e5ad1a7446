//! Our answers are the original server's: the golden transcript (every section but `meta`) replayed
//! on a fresh table, in order, with the differences that docs/compatibility.md declares left out.

use std::collections::{BTreeSet, HashMap};
use std::thread;
use std::time::Duration;

use pegasus_client::{Cluster, CreateTable, Partitions};
use pegasus_common::clock::EpochSeconds;
use pegasus_common::{Gpid, RpcAddress};
use pegasus_tests::golden::{
    Answer, Comparison, Connection, ContextIds, Deviations, Record, SectionAndCase,
    TTL_TOLERANCE_S, Target, WholeScans, compare, context_id_of, read_deviations, read_transcript,
};
use pegasus_tests::membership::{patient_client, wait_until_whole};
use pegasus_tests::{Onebox, OneboxOptions, checkout, client_runtime, shared_directory};

const TABLE: &str = "golden";
const WHOLE_LIMIT: Duration = Duration::from_secs(60);
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
    let deviations = read_deviations(&checkout().join("docs/compatibility.md"));
    let onebox = Onebox::start(OneboxOptions::default());
    let partitions = create_table(&onebox);

    let mut replay = Replay::new(partitions, deviations);
    for record in transcript.iter().filter(|record| record.section != "meta") {
        replay.step(record);
    }
    replay.check_differences();
    replay.check_shorter_lives();
    replay.check_completeness();
}

/// Creates the table and returns its partitions once each has three members and serves.
fn create_table(onebox: &Onebox) -> Partitions {
    client_runtime().block_on(async {
        let cluster = patient_client(onebox).await;
        let table = CreateTable::new(TABLE).partition_count(8).replica_count(3);
        let created = cluster.admin().create_app(&table).await;
        created.expect("the table is created");
        wait_until_whole(&cluster, TABLE, WHOLE_LIMIT).await;
        probe(&cluster).await;
        let partitions = cluster.admin().partitions(TABLE).await;
        partitions.expect("the table exists")
    })
}

/// Every partition serves. Reads only: the transcript begins with an empty table.
async fn probe(cluster: &Cluster) {
    let table = cluster.table(TABLE).await.expect("the table exists");
    for key in 0..64_u32 {
        let read = table.get(&key.to_be_bytes(), b"probe").await;
        read.expect("a partition that is whole serves");
    }
}

struct Replay {
    partitions: Partitions,
    deviations: Deviations,
    /// Those that an answer made use of.
    used_deviations: BTreeSet<SectionAndCase>,
    whole_scans: WholeScans,
    connections: HashMap<RpcAddress, Connection>,
    contexts: ContextIds,
    /// The latest short expiry written so far, in seconds since 2016.
    short_expiry: i64,
    compared: usize,
    differences: Vec<String>,
    /// How much shorter than recorded the lives of records with an absolute expiry are, in seconds.
    shorter_lives: Vec<i64>,
}

impl Replay {
    fn new(partitions: Partitions, deviations: Deviations) -> Self {
        Self {
            partitions,
            deviations,
            used_deviations: BTreeSet::new(),
            whole_scans: WholeScans::default(),
            connections: HashMap::new(),
            contexts: ContextIds::new(),
            short_expiry: 0,
            compared: 0,
            differences: Vec::new(),
            shorter_lives: Vec::new(),
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
        self.compared += 1;
        self.whole_scans.note_writes(record);
        match self.compare(record, &answer) {
            Comparison::Same => {}
            Comparison::ShorterLife(seconds) => self.shorter_lives.push(seconds),
            Comparison::Different(how) => self.differences.push(format!(
                "#{} {} / {} ({}): {how}",
                record.number, record.section, record.case, record.code
            )),
        }
    }

    fn compare(&mut self, record: &Record, answer: &Answer) -> Comparison {
        if let Some(comparison) = self.whole_scans.step(record, answer) {
            return comparison;
        }
        let comparison = compare(record, answer, None);
        let Some(deviation) = self.deviations.of(&record.section, &record.case) else {
            return comparison;
        };
        if matches!(comparison, Comparison::Different(_))
            && compare(record, answer, Some(deviation)) == Comparison::Same
        {
            let case = (record.section.clone(), record.case.clone());
            self.used_deviations.insert(case);
            return Comparison::Same;
        }
        comparison
    }

    fn check_differences(&self) {
        let shown = self.differences.len().min(SHOWN_DIFFERENCES_MAX);
        assert!(
            self.differences.is_empty(),
            "{} of {} answers differ, the first of them:\n{}",
            self.differences.len(),
            self.compared,
            self.differences[..shown].join("\n")
        );
    }

    /// Absolute expiries have all come nearer by the same: the time since the recording.
    fn check_shorter_lives(&self) {
        let (Some(least), Some(most)) = (
            self.shorter_lives.iter().min(),
            self.shorter_lives.iter().max(),
        ) else {
            panic!("the transcript has records with absolute expiry, met were none");
        };
        assert!(
            *least > 0 && most - least <= TTL_TOLERANCE_S,
            "lives are shorter by different times: {:?}",
            self.shorter_lives
        );
    }

    fn check_completeness(&self) {
        assert_eq!(self.whole_scans.unfinished(), 0, "scans without an end");
        let unused: Vec<_> = self
            .deviations
            .cases()
            .filter(|case| !self.used_deviations.contains(*case))
            .collect();
        assert!(
            unused.is_empty(),
            "docs/compatibility.md lists cases that do not differ: {unused:?}"
        );
        assert!(
            self.compared > 5_000,
            "only {} answers compared",
            self.compared
        );
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
