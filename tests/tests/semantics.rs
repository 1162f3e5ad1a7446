//! Random requests of all kinds through the wire, compared with a plain model of what they mean.
//!
//! `SEMANTICS_OPERATIONS=n` sets how many are played, `SEMANTICS_SEED=n` with which seed they begin.

use std::collections::BTreeMap;
use std::thread;

use pegasus_client::{ClientOptions, Cluster, CreateTable, Partitions};
use pegasus_common::clock::EpochSeconds;
use pegasus_semantics::{Answer, Clock, Generator, Next, Partition, Request, Rules, Step};
use pegasus_tests::rrdb_connection::RrdbConnection;
use pegasus_tests::{Onebox, OneboxOptions, number_from_env};
use pegasus_wire::TaskCode;
use pegasus_wire::rrdb::{
    BatchGetResponse, CheckAndMutateResponse, CheckAndSetResponse, CountResponse, IncrResponse,
    MultiGetResponse, MultiRemoveResponse, ReadResponse, ScanRequest, ScanResponse, TtlResponse,
    UpdateResponse,
};

const TABLE: &str = "semantics";
const PARTITIONS: usize = 4;
const OPERATIONS: u64 = 20_000;
/// No scan has this number.
const UNKNOWN_SCAN: i64 = -77;

/// One partition of the table and the model of it.
struct Comparison {
    connection: RrdbConnection,
    partition: Partition,
    generator: Generator,
    /// The server's scans, by the model's numbers.
    scans: BTreeMap<i64, i64>,
    /// When the test began; the model's time.
    began: u32,
    played: BTreeMap<&'static str, u64>,
}

impl Comparison {
    fn play(mut self, count: u64) -> BTreeMap<&'static str, u64> {
        for _ in 0..count {
            let Step::Ask(request) = self.generator.next(&self.partition, self.began) else {
                panic!("the server's clock cannot be moved");
            };
            let expected = self.partition.answer(&request, self.began);
            let found = self.found(&request, &expected);
            assert_eq!(found, expected, "to {request:?}");
            self.generator.note(&request, &expected);
            *self.played.entry(request.name()).or_default() += 1;
        }
        self.played
    }

    /// What the server answers. Its scans get the numbers that the model gave them.
    fn found(&mut self, request: &Request, expected: &Answer) -> Answer {
        let to = &mut self.connection;
        match request {
            Request::Put(request) => written(&to.ask(TaskCode::Put, request)),
            Request::Remove(raw_key) => written(&to.ask(TaskCode::Remove, raw_key)),
            Request::MultiPut(request) => written(&to.ask(TaskCode::MultiPut, request)),
            Request::MultiRemove(request) => {
                let found: MultiRemoveResponse = to.ask(TaskCode::MultiRemove, request);
                let (error, count) = (found.error, found.count);
                Answer::Removed { error, count }
            }
            Request::Incr(request) => {
                let found: IncrResponse = to.ask(TaskCode::Incr, request);
                let (error, new_value) = (found.error, found.new_value);
                Answer::Incremented { error, new_value }
            }
            Request::CheckAndSet(request) => {
                let found: CheckAndSetResponse = to.ask(TaskCode::CheckAndSet, request);
                Answer::Checked {
                    error: found.error,
                    is_returned: found.check_value_returned,
                    exists: found.check_value_exist,
                    value: found.check_value,
                }
            }
            Request::CheckAndMutate(request) => {
                let found: CheckAndMutateResponse = to.ask(TaskCode::CheckAndMutate, request);
                Answer::Checked {
                    error: found.error,
                    is_returned: found.check_value_returned,
                    exists: found.check_value_exist,
                    value: found.check_value,
                }
            }
            Request::Get(raw_key) => {
                let found: ReadResponse = to.ask(TaskCode::Get, raw_key);
                let (error, value) = (found.error, found.value);
                Answer::Value { error, value }
            }
            Request::Ttl(raw_key) => self.ttl(raw_key),
            Request::SortkeyCount(hash_key) => {
                let found: CountResponse = to.ask(TaskCode::SortkeyCount, hash_key);
                let (error, count) = (found.error, found.count);
                Answer::Count { error, count }
            }
            Request::BatchGet(request) => {
                let found: BatchGetResponse = to.ask(TaskCode::BatchGet, request);
                let (error, data) = (found.error, found.data);
                Answer::Found { error, data }
            }
            Request::MultiGet(request) => {
                let found: MultiGetResponse = to.ask(TaskCode::MultiGet, request);
                let (error, records) = (found.error, found.kvs);
                Answer::Records { error, records }
            }
            Request::GetScanner(request) => {
                let found = to.ask(TaskCode::GetScanner, request);
                self.batch(found, expected)
            }
            Request::Scan(scan) => {
                let context_id = self.scans.remove(scan).unwrap_or(UNKNOWN_SCAN);
                let found = to.ask(TaskCode::Scan, &ScanRequest { context_id });
                self.batch(found, expected)
            }
            Request::ClearScanner(scan) => {
                let context_id = self.scans.remove(scan).unwrap_or(UNKNOWN_SCAN);
                to.send(TaskCode::ClearScanner, &context_id);
                Answer::Silence
            }
        }
    }

    /// What is left becomes less while the test runs; the model's time stands still.
    fn ttl(&mut self, raw_key: &bytes::Bytes) -> Answer {
        let found: TtlResponse = self.connection.ask(TaskCode::Ttl, raw_key);
        let passed = (EpochSeconds::now().0 - self.began).cast_signed();
        let error = found.error;
        let ends = error == 0 && found.ttl_seconds != -1;
        let Answer::Ttl { ttl_seconds, .. } = self
            .partition
            .answer(&Request::Ttl(raw_key.clone()), self.began)
        else {
            panic!("another answer to ttl");
        };
        let less = ttl_seconds.wrapping_sub(found.ttl_seconds);
        let ttl_seconds = if ends && (0..=passed).contains(&less) {
            ttl_seconds
        } else {
            found.ttl_seconds
        };
        Answer::Ttl { error, ttl_seconds }
    }

    fn batch(&mut self, found: ScanResponse, expected: &Answer) -> Answer {
        let expected_next = match expected {
            Answer::Batch { next, .. } => *next,
            _ => Next::Failed,
        };
        let next = match (found.context_id, expected_next) {
            (-1, _) => Next::Finished,
            (0, _) => Next::Failed,
            (context_id @ 1.., Next::Scan(number)) => {
                self.scans.insert(number, context_id);
                Next::Scan(number)
            }
            (context_id, _) => Next::Scan(context_id),
        };
        Answer::Batch {
            error: found.error,
            records: found.kvs,
            count: found.kv_count,
            next,
        }
    }
}

fn written(found: &UpdateResponse) -> Answer {
    Answer::Written { error: found.error }
}

/// A table whose partitions all serve.
fn create_table(meta_list: &str) -> Partitions {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let cluster = Cluster::connect(meta_list, ClientOptions::new())
            .await
            .expect("the cluster answers");
        let table = CreateTable::new(TABLE)
            .partition_count(i32::try_from(PARTITIONS).expect("a few"))
            .replica_count(3);
        let admin = cluster.admin();
        admin.create_app(&table).await.expect("the table is made");
        let table = cluster.table(TABLE).await.expect("the table exists");
        for key in 0..64_u32 {
            // The client waits for a partition that is being born.
            let read = table.get(&key.to_be_bytes(), b"probe").await;
            read.expect("every partition serves");
        }
        admin.partitions(TABLE).await.expect("the table exists")
    })
}

#[test]
fn the_servers_do_what_the_operations_mean() {
    let operations = number_from_env("SEMANTICS_OPERATIONS", OPERATIONS);
    let first_seed = number_from_env("SEMANTICS_SEED", 0);
    let onebox = Onebox::start(OneboxOptions::default());
    let partitions = create_table(&onebox.meta_list());
    let began = EpochSeconds::now().0;
    let players: Vec<_> = (first_seed..)
        .zip(&partitions.members)
        .map(|(seed, members)| {
            let primary = members.primary.expect("the partition serves");
            let comparison = Comparison {
                connection: RrdbConnection::open(&primary.to_string(), members.gpid),
                partition: Partition::new(Rules::default()),
                generator: Generator::new(seed, Clock::Running),
                scans: BTreeMap::new(),
                began,
                played: BTreeMap::new(),
            };
            thread::spawn(move || comparison.play(operations / PARTITIONS as u64))
        })
        .collect();
    assert_eq!(players.len(), PARTITIONS);
    let mut played: BTreeMap<&str, u64> = BTreeMap::new();
    for player in players {
        for (name, count) in player.join().expect("the answers are the model's") {
            *played.entry(name).or_default() += count;
        }
    }
    println!("{played:?}");
    assert_eq!(played.len(), 15, "every kind was played: {played:?}");
}
