//! Whatever arrives on the port, the servers live on, answer or close, stay small, and go on serving
//! clients that behave.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use pegasus_client::{ClientOptions, Cluster, Table};
use pegasus_common::{key, partition_hash};
use pegasus_tests::membership::{patient_client, wait_until_whole};
use pegasus_tests::raw_socket::{
    BODY_LENGTH_OFFSET, BODY_OFFSET, Ending, RawSocket, VERSION_OFFSET, request_frame,
};
use pegasus_tests::{Node, Onebox, OneboxOptions, binary, client_runtime, resources};
use pegasus_wire::TaskCode;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::runtime::Runtime;

const HEALING_LIMIT: Duration = Duration::from_secs(60);
const SEED: u64 = 20_261_123;
/// How much a server may grow by what is sent here. Bytes.
const GROWTH_MAX: u64 = 96 << 20;
const GET: &[u8] = b"RPC_RRDB_RRDB_GET";
/// The table `temp`, first partition.
const PARTITION: (i32, i32) = (1, 0);

#[test]
fn servers_survive_what_is_no_request() {
    let stage = Stage::start();
    for node in &stage.nodes {
        garbage_is_closed(&node.address);
        cut_frames_are_closed(&node.address);
        impossible_frames_are_closed(&node.address);
        unknown_names_are_answered(&node.address);
        arguments_that_are_none_are_answered(&node.address);
        http_garbage_is_answered_or_closed(&node.address);
        stage.check(node);
    }
}

#[test]
fn connections_that_wait_for_ever_cost_little() {
    const CONNECTIONS: usize = 500;
    let stage = Stage::start();
    let frame = request_frame(GET, PARTITION, &[0; 100]);
    let mut announcing = request_frame(GET, PARTITION, &[0; 1_000]);
    let announced = 60_u32 << 20;
    announcing[BODY_LENGTH_OFFSET..][..4].copy_from_slice(&announced.to_be_bytes());
    let begins: [&[u8]; 5] = [b"", b"T", &frame[..20], &frame[..60], &announcing];
    for node in &stage.nodes {
        let mut held = Vec::new();
        for index in 0..CONNECTIONS {
            let mut socket = RawSocket::open(&node.address);
            assert!(socket.send(begins[index % begins.len()]));
            held.push(socket);
        }
        stage.check(node);
        let closed = held.iter().filter(|socket| socket.is_closed()).count();
        assert_eq!(closed, 0, "{}: half a request is no mistake", node.name);
    }
}

#[test]
fn a_client_that_does_not_read_its_answers_is_not_read_either() {
    const CONNECTIONS: usize = 8;
    const REQUESTS: usize = 20_000;
    let stage = Stage::start();
    // Large enough that the answers to all requests would be 10 GB for each connection.
    let value = Bytes::from(vec![7; 500_000]);
    stage.runtime.block_on(async {
        let set = stage.table.set(b"slow", b"reader", value).await;
        set.expect("a normal client works");
    });
    let raw_key = key::encode(b"slow", b"reader").expect("a short key");
    let mut args = vec![0x0c, 0, 1];
    args.extend_from_slice(&u32::try_from(raw_key.len()).expect("short").to_be_bytes());
    args.extend_from_slice(&raw_key);
    args.push(0);
    let (partition, primary) = stage.primary_of(b"slow");
    let mut get = request_frame(GET, (PARTITION.0, partition), &args);
    let hash = partition_hash::of_parts(b"slow", b"reader");
    get[BODY_OFFSET - 8..BODY_OFFSET].copy_from_slice(&hash.to_be_bytes());
    let requests = get.repeat(REQUESTS);
    let mut held = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut socket = RawSocket::open(&primary.address);
        socket.send_until_stuck(&requests, Duration::from_millis(300));
        held.push(socket);
    }
    stage.check(primary);
    let answered = held.iter().filter(|socket| !socket.is_closed()).count();
    assert_eq!(answered, CONNECTIONS, "a slow client is not thrown out");
}

#[test]
fn connections_beyond_the_limit_are_closed_and_servers_still_get_in() {
    const LIMIT: usize = 64;
    const CONNECTIONS: usize = 3_000;
    // Less than the queue of connections that wait to be accepted: what does not fit there is dropped
    // by the kernel without a word to the client, and would look open for ever.
    const AT_ONCE: usize = 500;
    let stage = Stage::start();
    let node = stage.nodes.last().expect("a replica server");
    // At once: no other server need have reached it by now.
    let _limited = LimitedServer::start(&stage.onebox, node, LIMIT);
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut held: Vec<RawSocket> = Vec::new();
    for _ in 0..CONNECTIONS / AT_ONCE {
        held.extend((0..AT_ONCE).map(|_| RawSocket::open(&node.address)));
        while held.len() > LIMIT {
            held.retain(|socket| !socket.is_closed());
            assert!(Instant::now() < deadline, "{} are open", held.len());
            thread::yield_now();
        }
    }
    assert!(held.len() > LIMIT / 2, "only {} are open", held.len());
    stage.check_client();
    // It learns from its peers, and they from it.
    stage.runtime.block_on(async {
        let cluster = patient_client(&stage.onebox).await;
        wait_until_whole(&cluster, "temp", HEALING_LIMIT).await;
    });

    drop(held);
    // Room again, as soon as the server has seen that they are gone.
    while RawSocket::open(&node.address).is_refused() {
        assert!(Instant::now() < deadline, "no room after all have gone");
    }
    stage.check_client();
}

/// A replica server of a onebox, run by the test with another configuration.
struct LimitedServer(Child);

impl LimitedServer {
    fn start(onebox: &Onebox, node: &Node, connections_max: usize) -> Self {
        onebox.onebox(&["kill", &node.name]);
        let directory = onebox.cluster_directory().join(node.name.replace('@', ""));
        let path = directory.join("config.toml");
        let config = fs::read_to_string(&path).expect("the configuration");
        let section = format!("[network]\nmax_connections = {connections_max}");
        assert!(config.contains("[network]"));
        fs::write(&path, config.replacen("[network]", &section, 1)).expect("a writable file");
        let server = Command::new(binary())
            .args(["replica", "--config"])
            .arg(&path)
            .current_dir(&directory)
            .spawn();
        let started = Self(server.expect("the binary can be run"));
        // It listens when its replicas are loaded; until then others serve its partitions.
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(&node.address).is_err() {
            assert!(Instant::now() < deadline, "{} does not listen", node.name);
            thread::yield_now();
        }
        started
    }
}

impl Drop for LimitedServer {
    fn drop(&mut self) {
        // It may have ended by itself: then there is nothing to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A cluster under attack, and what it was like before.
struct Stage {
    onebox: Onebox,
    nodes: Vec<Node>,
    resident_before: BTreeMap<String, u64>,
    runtime: Runtime,
    table: Table,
}

impl Stage {
    fn start() -> Self {
        let onebox = Onebox::start(OneboxOptions::default());
        let nodes = onebox.nodes();
        let runtime = client_runtime();
        let options = ClientOptions::new().operation_timeout(Duration::from_secs(30));
        let table = runtime.block_on(async {
            let cluster = Cluster::connect(&onebox.meta_list(), options)
                .await
                .expect("the cluster answers");
            cluster.table("temp").await.expect("the table exists")
        });
        let resident = |node: &Node| (node.name.clone(), resident_bytes(node));
        let stage = Self {
            resident_before: nodes.iter().map(resident).collect(),
            onebox,
            nodes,
            runtime,
            table,
        };
        stage.check_client();
        stage
    }

    /// The same processes live, this one has not grown much, and a normal client is served.
    fn check(&self, node: &Node) {
        self.check_client();
        for (before, now) in self.nodes.iter().zip(self.onebox.nodes()) {
            assert_eq!((before.pid, true), (now.pid, now.alive), "{}", now.name);
        }
        let growth = resident_bytes(node).saturating_sub(self.resident_before[&node.name]);
        assert!(
            growth < GROWTH_MAX,
            "{} has grown by {} MiB",
            node.name,
            growth >> 20
        );
    }

    fn check_client(&self) {
        self.runtime.block_on(async {
            for key in 0..32_u32 {
                let key = key.to_be_bytes();
                let set = self
                    .table
                    .set(&key, b"", Bytes::from_static(b"value"))
                    .await;
                set.expect("a normal client writes");
                let value = self.table.get(&key, b"").await;
                let value = value.expect("a normal client reads");
                assert_eq!(value.as_deref(), Some(&b"value"[..]));
            }
        });
    }

    /// The partition of a hash key, and the server that answers for it.
    fn primary_of(&self, hash_key: &[u8]) -> (i32, &Node) {
        let partitions = self.table.partitions();
        let count = u32::try_from(partitions.members.len()).expect("eight partitions");
        let index = partition_hash::partition_index(partition_hash::of_parts(hash_key, b""), count);
        let members = &partitions.members[index as usize];
        let primary = members.primary.expect("every partition serves").to_string();
        let node = self.nodes.iter().find(|node| node.address == primary);
        let index = i32::try_from(index).expect("one of eight");
        (index, node.expect("a server of this cluster"))
    }
}

fn resident_bytes(node: &Node) -> u64 {
    resources::resident_bytes(node.pid.expect("a living process"))
}

/// Sends everything there is, and expects the server to close without a word.
fn expect_closed(address: &str, bytes: &[u8], what: &str) {
    let mut socket = RawSocket::open(address);
    socket.send(bytes);
    let ending = socket.ending();
    assert_eq!(ending, Ending::Closed(Vec::new()), "{address}: {what}");
}

fn garbage_is_closed(address: &str) {
    let mut random = StdRng::seed_from_u64(SEED);
    for round in 0..100 {
        let mut bytes = vec![0; random.random_range(4..5_000)];
        random.fill(&mut bytes[..]);
        // First bytes of no protocol: with those of one, the server may wait for more.
        bytes[0] = b'x';
        expect_closed(address, &bytes, &format!("garbage {round}"));
    }
}

fn cut_frames_are_closed(address: &str) {
    let frame = request_frame(GET, PARTITION, &[0; 30]);
    for length in 0..frame.len() {
        let mut socket = RawSocket::open(address);
        socket.send(&frame[..length]);
        socket.finish_sending();
        let ending = socket.ending();
        assert_eq!(
            ending,
            Ending::Closed(Vec::new()),
            "{address}: cut at {length}"
        );
    }
}

fn impossible_frames_are_closed(address: &str) {
    let frame = request_frame(GET, PARTITION, &[0; 30]);
    let with = |offset: usize, field: u32| {
        let mut changed = frame.clone();
        changed[offset..offset + 4].copy_from_slice(&field.to_be_bytes());
        changed
    };
    for length in [u32::MAX, 0x8000_0000, 0x7fff_ffff, 65 << 20] {
        expect_closed(address, &with(BODY_LENGTH_OFFSET, length), "a huge body");
    }
    for version in [2, 7, u32::MAX] {
        expect_closed(
            address,
            &with(VERSION_OFFSET, version),
            "a header of another version",
        );
    }
    for header_length in [0, 47, 49, u32::MAX] {
        let changed = with(VERSION_OFFSET + 4, header_length);
        expect_closed(address, &changed, "a header of another length");
    }
    for message in [0x8002_0001, 0x8001_0002, 0x8001_0009, 0] {
        expect_closed(
            address,
            &with(BODY_OFFSET, message),
            "another kind of message",
        );
    }
    for name_length in [u32::MAX, 0x7fff_ffff, 1_000] {
        let changed = with(BODY_OFFSET + 4, name_length);
        expect_closed(address, &changed, "a name longer than the frame");
    }
    // Version 1: the lengths of a meta struct and of a body, both absurd.
    let mut version_1 = b"THFT\0\0\0\x01".to_vec();
    version_1.extend_from_slice(&[0xff; 100]);
    expect_closed(address, &version_1, "a version 1 header with huge lengths");
}

fn unknown_names_are_answered(address: &str) {
    let long = vec![b'N'; 1 << 20];
    for name in [&b"RPC_NO_SUCH_CODE"[..], b"", b"\xff\xfe\0", &long] {
        let mut socket = RawSocket::open(address);
        assert!(socket.send(&request_frame(name, PARTITION, &[0])));
        socket.finish_sending();
        let Ending::Closed(answer) = socket.ending() else {
            panic!("{address}: no end after a request with an unknown name");
        };
        let error = b"ERR_HANDLER_NOT_FOUND";
        let found = answer.windows(error.len()).any(|part| part == error);
        assert!(found, "{address}: answered {}", answer.escape_ascii());
    }
}

/// Every request that there is, with random bytes for an argument: cut short, or of other types.
fn arguments_that_are_none_are_answered(address: &str) {
    let mut random = StdRng::seed_from_u64(SEED + 1);
    for code in TaskCode::ALL {
        for _ in 0..20 {
            let mut args = vec![0; random.random_range(0..200)];
            random.fill(&mut args[..]);
            if random.random_bool(0.5) && args.len() > 3 {
                // The beginning of an argument, so that more than the first byte is looked at.
                args[..3].copy_from_slice(&[0x0c, 0, 1]);
            }
            let mut socket = RawSocket::open(address);
            socket.send(&request_frame(code.name().as_bytes(), PARTITION, &args));
            socket.finish_sending();
            let ending = socket.ending();
            assert!(
                matches!(ending, Ending::Closed(_)),
                "{address}: {} is never done",
                code.name()
            );
        }
    }
}

fn http_garbage_is_answered_or_closed(address: &str) {
    let long_path = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(1 << 20));
    let long_header = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(1 << 20));
    let many_headers = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(100_000));
    let requests = [
        "GET / HTTP/9.9\r\n\r\n",
        "GET \0\0\0 HTTP/1.1\r\n\r\n",
        "GET  \r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 2000000000\r\n\r\nabc",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        &long_path,
        &long_header,
        &many_headers,
    ];
    for request in requests {
        let mut socket = RawSocket::open(address);
        socket.send(request.as_bytes());
        socket.finish_sending();
        let start = &request[..request.len().min(80)];
        let Ending::Closed(answer) = socket.ending() else {
            panic!("{address}: no end after {start:?}");
        };
        let is_refused = answer.is_empty() || answer.starts_with(b"HTTP/1.1 4");
        assert!(
            is_refused,
            "{address}: {start:?}: {}",
            answer.escape_ascii()
        );
    }
}
