//! Random requests of all kinds through the wire, compared with a plain model of what they mean.
//!
//! `SEMANTICS_OPERATIONS=n` sets how many are played, `SEMANTICS_SEED=n` with which seed they begin.

use std::collections::BTreeMap;
use std::thread;

use pegasus_client::{ClientOptions, Cluster, CreateTable, Partitions};
use pegasus_common::clock::EpochSeconds;
use pegasus_semantics::{Answer, Clock, Generator, Partition, Request, Rules, ServedScans, Step};
use pegasus_tests::rrdb_connection::RrdbConnection;
use pegasus_tests::{Onebox, OneboxOptions, client_runtime, number_from_env};
use pegasus_wire::TaskCode;
use pegasus_wire::rrdb::{
    BatchGetResponse, CheckAndMutateResponse, CheckAndSetResponse, CountResponse, IncrResponse,
    MultiGetResponse, MultiRemoveResponse, ReadResponse, ScanRequest, TtlResponse, UpdateResponse,
};

const TABLE: &str = "semantics";
const PARTITIONS: usize = 4;
const OPERATIONS: u64 = 20_000;

/// One partition of the table and the model of it.
struct Comparison {
    connection: RrdbConnection,
    partition: Partition,
    generator: Generator,
    scans: ServedScans,
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
            Request::Put(request) => to.ask::<UpdateResponse>(TaskCode::Put, request).into(),
            Request::Remove(raw_key) => to.ask::<UpdateResponse>(TaskCode::Remove, raw_key).into(),
            Request::MultiPut(request) => {
                to.ask::<UpdateResponse>(TaskCode::MultiPut, request).into()
            }
            Request::MultiRemove(request) => to
                .ask::<MultiRemoveResponse>(TaskCode::MultiRemove, request)
                .into(),
            Request::Incr(request) => to.ask::<IncrResponse>(TaskCode::Incr, request).into(),
            Request::CheckAndSet(request) => to
                .ask::<CheckAndSetResponse>(TaskCode::CheckAndSet, request)
                .into(),
            Request::CheckAndMutate(request) => to
                .ask::<CheckAndMutateResponse>(TaskCode::CheckAndMutate, request)
                .into(),
            Request::Get(raw_key) => to.ask::<ReadResponse>(TaskCode::Get, raw_key).into(),
            Request::Ttl(raw_key) => self.ttl(raw_key),
            Request::SortkeyCount(hash_key) => to
                .ask::<CountResponse>(TaskCode::SortkeyCount, hash_key)
                .into(),
            Request::BatchGet(request) => to
                .ask::<BatchGetResponse>(TaskCode::BatchGet, request)
                .into(),
            Request::MultiGet(request) => to
                .ask::<MultiGetResponse>(TaskCode::MultiGet, request)
                .into(),
            Request::GetScanner(request) => {
                let found = to.ask(TaskCode::GetScanner, request);
                self.scans.batch(found, expected)
            }
            Request::Scan(scan) => {
                let context_id = self.scans.take(*scan);
                let found = to.ask(TaskCode::Scan, &ScanRequest { context_id });
                self.scans.batch(found, expected)
            }
            Request::ClearScanner(scan) => {
                let context_id = self.scans.take(*scan);
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
}

/// A table whose partitions all serve.
fn create_table(meta_list: &str) -> Partitions {
    let runtime = client_runtime();
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
                scans: ServedScans::default(),
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
