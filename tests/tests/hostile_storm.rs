//! A cluster under attacks of many connections, one kind after the other, with a client that behaves
//! beside them. Memory stays bounded, nothing panics, every connection is given back, and the client is
//! served all the time. What it costs that client is printed and not asserted:
//!
//! `HOSTILE_SECONDS=20 cargo test -p pegasus-tests --test hostile_storm -- --nocapture`

#![allow(clippy::print_stdout, reason = "the figures")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use pegasus_client::{ClientOptions, Cluster, Table};
use pegasus_common::{Gpid, key, partition_hash};
use pegasus_tests::raw_frames::Framing;
use pegasus_tests::raw_socket::RawSocket;
use pegasus_tests::{Node, Onebox, OneboxOptions, client_runtime, number_from_env, resources};
use pegasus_wire::frame::RequestHead;
use pegasus_wire::rrdb::{BatchGetRequest, FullKey, GetScannerRequest};
use pegasus_wire::{Message, TaskCode, argument};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::runtime::Runtime;

const SEED: u64 = 20_261_122;
/// Set to attack for longer.
const SECONDS: &str = "HOSTILE_SECONDS";
/// Connections that only wait.
const IDLE: usize = 10_000;
/// How much a server may grow under any of the attacks: what it may hold of answers in all (512 MiB), in
/// buffers that double as they grow, and those that are being made. Bytes.
const GROWTH_MAX: u64 = 1_280 << 20;
/// How long a server may take to notice that connections are gone.
const PATIENCE: Duration = Duration::from_secs(60);
const LARGE_VALUE_BYTES: usize = 500_000;

/// What an attacker knows.
#[derive(Clone)]
struct Target {
    /// All servers.
    addresses: Vec<String>,
    /// The primary of the partition with the large record.
    primary: String,
    head: RequestHead,
}

/// Runs until told to stop; counts what it has done.
type Attack = fn(&Target, &AtomicBool, &AtomicU64);

const ATTACKS: [(&str, Attack); 8] = [
    ("idle connections", idle_connections),
    ("reconnecting in a loop", reconnecting),
    ("port scan", port_scan),
    ("HTTP garbage", http_garbage),
    ("binary garbage", binary_garbage),
    ("announced and never sent", announcing),
    ("point reads, answers never read", never_reading_points),
    ("range reads, answers never read", never_reading_ranges),
];

#[test]
fn attacks_leave_other_clients_and_the_servers_alone() {
    let allowed = resources::raise_open_files_limit();
    assert!(allowed > IDLE as u64 + 1_000, "only {allowed} open files");
    let seconds = Duration::from_secs(number_from_env(SECONDS, 2));
    let stage = Stage::start();
    let calm = stage.measure(seconds);
    let resident = stage.resident();
    println!(
        "before: p50 {:?}, p99 {:?}, {}",
        calm.p50,
        calm.p99,
        in_mib(&resident)
    );
    println!("attack | done | operations | p50 | p99 | p99 / before | peak MiB | after MiB");
    for (name, attack) in ATTACKS {
        stage.withstand(name, attack, seconds, &calm);
    }
    assert_eq!(stage.onebox.panics(), Vec::<String>::new());
}

/// How a client that behaves is served.
struct Service {
    operations: usize,
    p50: Duration,
    p99: Duration,
}

struct Stage {
    runtime: Runtime,
    onebox: Onebox,
    nodes: Vec<Node>,
    table: Table,
    target: Target,
}

impl Stage {
    fn start() -> Self {
        let onebox = Onebox::start(OneboxOptions::default());
        let runtime = client_runtime();
        let options = ClientOptions::new().operation_timeout(Duration::from_secs(30));
        let table = runtime.block_on(async {
            let cluster = Cluster::connect(&onebox.meta_list(), options).await;
            let cluster = cluster.expect("the cluster answers");
            let table = cluster.table("temp").await.expect("the table exists");
            let large = Bytes::from(vec![7; LARGE_VALUE_BYTES]);
            for sort_key in 0..40_u8 {
                let set = table.set(b"large", &[sort_key], large.clone()).await;
                set.expect("a normal client writes");
            }
            table
        });
        let nodes = onebox.nodes();
        let target = target(&table, &nodes);
        Self {
            runtime,
            onebox,
            nodes,
            table,
            target,
        }
    }

    /// Writes and reads, one operation after the other.
    fn measure(&self, period: Duration) -> Service {
        let mut random = StdRng::seed_from_u64(SEED);
        let mut latencies = Vec::new();
        self.runtime.block_on(async {
            let end = Instant::now() + period;
            while Instant::now() < end {
                let key = random.random_range(0..1_000_u32).to_be_bytes();
                let started = Instant::now();
                if random.random() {
                    let set = self.table.set(&key, b"s", Bytes::from_static(b"v")).await;
                    set.expect("a normal client writes");
                } else {
                    self.table.get(&key, b"s").await.expect("it reads, too");
                }
                latencies.push(started.elapsed());
            }
        });
        latencies.sort_unstable();
        let at = |percent: usize| latencies[latencies.len() * percent / 100];
        Service {
            operations: latencies.len(),
            p50: at(50),
            p99: at(99),
        }
    }

    fn withstand(&self, name: &str, attack: Attack, period: Duration, calm: &Service) {
        let before = self.resident();
        let sockets_before: Vec<usize> = self.pids().map(resources::open_sockets).collect();
        self.pids().for_each(resources::forget_peak);
        let attacker = Attacker::begin(attack, &self.target);
        let service = self.measure(period);
        let done = attacker.end();
        self.wait_for_sockets(name, &sockets_before);
        let peak: Vec<u64> = self.pids().map(resources::peak_resident_bytes).collect();
        println!(
            "{name} | {done} | {} | {:?} | {:?} | {:.2} | {} | {}",
            service.operations,
            service.p50,
            service.p99,
            service.p99.as_secs_f64() / calm.p99.as_secs_f64(),
            in_mib(&peak),
            in_mib(&self.resident()),
        );
        for (before, now) in self.nodes.iter().zip(self.onebox.nodes()) {
            assert_eq!(
                (before.pid, true),
                (now.pid, now.alive),
                "{name}: {}",
                now.name
            );
        }
        for ((node, before), peak) in self.nodes.iter().zip(before).zip(peak) {
            let growth = peak.saturating_sub(before);
            assert!(
                growth < GROWTH_MAX,
                "{name}: {} by {} MiB",
                node.name,
                growth >> 20
            );
        }
    }

    /// Until each server has no more than it had before.
    fn wait_for_sockets(&self, name: &str, before: &[usize]) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let now: Vec<usize> = self.pids().map(resources::open_sockets).collect();
            // Servers and clients may have made a new connection to each other.
            let is_back = |(now, before): (&usize, &usize)| *now <= *before + 8;
            if now.iter().zip(before).all(is_back) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{name}: {before:?} sockets, now {now:?}"
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn pids(&self) -> impl Iterator<Item = i32> {
        self.nodes
            .iter()
            .map(|node| node.pid.expect("a living process"))
    }

    fn resident(&self) -> Vec<u64> {
        self.pids().map(resources::resident_bytes).collect()
    }
}

/// An attack under way. It ends before the servers do, also where the test fails meanwhile.
struct Attacker {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Attacker {
    /// Returns after the first blow.
    fn begin(attack: Attack, target: &Target) -> Self {
        let (stop, done) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let thread = {
            let (target, stop, done) = (target.clone(), Arc::clone(&stop), Arc::clone(&done));
            thread::spawn(move || attack(&target, &stop, &done))
        };
        while done.load(Ordering::Relaxed) == 0 && !thread.is_finished() {
            thread::yield_now();
        }
        Self {
            stop,
            done,
            thread: Some(thread),
        }
    }

    /// Returns how many blows there were.
    fn end(mut self) -> u64 {
        let ended = self.stop().expect("the attack is under way");
        ended.expect("the attacker ends by itself");
        self.done.load(Ordering::Relaxed)
    }

    fn stop(&mut self) -> Option<thread::Result<()>> {
        self.stop.store(true, Ordering::Relaxed);
        let attack = self.thread.take()?;
        attack.thread().unpark();
        Some(attack.join())
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        drop(self.stop());
    }
}

fn in_mib(bytes: &[u64]) -> String {
    let texts: Vec<String> = bytes
        .iter()
        .map(|bytes| (bytes >> 20).to_string())
        .collect();
    texts.join(" ")
}

fn target(table: &Table, nodes: &[Node]) -> Target {
    let partitions = table.partitions();
    let count = u32::try_from(partitions.members.len()).expect("eight partitions");
    let index = partition_hash::partition_index(partition_hash::of_parts(b"large", b""), count);
    let members = &partitions.members[index as usize];
    let gpid: Gpid = members.gpid;
    Target {
        addresses: nodes.iter().map(|node| node.address.clone()).collect(),
        primary: members.primary.expect("every partition serves").to_string(),
        head: RequestHead {
            gpid,
            timeout_ms: 10_000,
            thread_hash: gpid.thread_hash(),
            ..RequestHead::default()
        },
    }
}

fn is_over(stop: &AtomicBool) -> bool {
    stop.load(Ordering::Relaxed)
}

/// [`Attacker::stop`] wakes the thread.
fn wait_until_over(stop: &AtomicBool) {
    while !is_over(stop) {
        thread::park();
    }
}

/// Ten thousand in all, over all servers; none says anything.
fn idle_connections(target: &Target, stop: &AtomicBool, done: &AtomicU64) {
    let mut held = Vec::with_capacity(IDLE);
    for address in target.addresses.iter().cycle().take(IDLE) {
        held.push(RawSocket::open(address));
        done.fetch_add(1, Ordering::Relaxed);
    }
    wait_until_over(stop);
}

/// Connects, asks for something, and goes before the answer.
fn reconnecting(target: &Target, stop: &AtomicBool, done: &AtomicU64) {
    let get = get_of_the_large_record(target, Framing::Thrift0);
    for address in target.addresses.iter().cycle() {
        if is_over(stop) {
            return;
        }
        RawSocket::open(address).send(&get);
        done.fetch_add(1, Ordering::Relaxed);
    }
}

/// Connects and goes.
fn port_scan(target: &Target, stop: &AtomicBool, done: &AtomicU64) {
    for address in target.addresses.iter().cycle() {
        if is_over(stop) {
            return;
        }
        drop(RawSocket::open(address));
        done.fetch_add(1, Ordering::Relaxed);
    }
}

fn http_garbage(target: &Target, stop: &AtomicBool, done: &AtomicU64) {
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(100_000));
    let headers = format!("GET / HTTP/1.1\r\n{}", "x: y\r\n".repeat(10_000));
    let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n";
    let texts = [
        long.as_str(),
        &headers,
        chunked,
        "GET \0 HTTP/9.9\r\n\r\n",
        "POST",
    ];
    for (address, text) in target.addresses.iter().cycle().zip(texts.iter().cycle()) {
        if is_over(stop) {
            return;
        }
        RawSocket::open(address).send(text.as_bytes());
        done.fetch_add(1, Ordering::Relaxed);
    }
}

/// Random bytes, behind the first ones of every protocol too.
fn binary_garbage(target: &Target, stop: &AtomicBool, done: &AtomicU64) {
    let mut random = StdRng::seed_from_u64(SEED);
    let begins = [
        &b""[..],
        b"THFT\0\0\0\0\0\0\0\x30",
        b"THFT\0\0\0\x01",
        b"RDSN\0\0\0\0\xc0\0\0\0",
    ];
    for (address, begin) in target.addresses.iter().cycle().zip(begins.iter().cycle()) {
        if is_over(stop) {
            return;
        }
        let mut bytes = begin.to_vec();
        bytes.extend((0..random.random_range(0..2_000)).map(|_| random.random::<u8>()));
        RawSocket::open(address).send(&bytes);
        done.fetch_add(1, Ordering::Relaxed);
    }
}

/// Frames of 60 MB, of which only the beginning comes.
fn announcing(target: &Target, stop: &AtomicBool, done: &AtomicU64) {
    const CONNECTIONS: usize = 500;
    let mut frame = get_of_the_large_record(target, Framing::Thrift0);
    frame[16..20].copy_from_slice(&(60_u32 << 20).to_be_bytes());
    let mut held = Vec::new();
    for address in target.addresses.iter().cycle().take(CONNECTIONS) {
        let mut socket = RawSocket::open(address);
        socket.send(&frame);
        socket.send(&[0; 4_000]);
        held.push(socket);
        done.fetch_add(1, Ordering::Relaxed);
    }
    wait_until_over(stop);
}

fn never_reading_points(target: &Target, stop: &AtomicBool, done: &AtomicU64) {
    let requests = Framing::ALL.map(|framing| get_of_the_large_record(target, framing));
    never_read(target, &requests, stop, done);
}

/// Each asks for much more than it sends: the whole partition, or one record very often.
fn never_reading_ranges(target: &Target, stop: &AtomicBool, done: &AtomicU64) {
    let scan = encoded(&GetScannerRequest {
        start_key: Bytes::from_static(b"\0\0"),
        stop_key: Bytes::from_static(b"\xff\xff"),
        start_inclusive: true,
        batch_size: 1_000,
        ..GetScannerRequest::default()
    });
    let full_key = FullKey {
        hash_key: Bytes::from_static(b"large"),
        sort_key: Bytes::from_static(b"\0"),
    };
    let batch = encoded(&BatchGetRequest {
        keys: vec![full_key; 1_000],
    });
    let name = |code: TaskCode| code.name().as_bytes();
    let requests = [
        Framing::Thrift0.frame(name(TaskCode::GetScanner), &target.head, &scan),
        Framing::Thrift1.frame(name(TaskCode::BatchGet), &target.head, &batch),
        Framing::Native.frame(name(TaskCode::GetScanner), &target.head, &scan),
    ];
    never_read(target, &requests, stop, done);
}

/// Sends requests as long as the server takes any, and reads no answer.
fn never_read(target: &Target, requests: &[Vec<u8>], stop: &AtomicBool, done: &AtomicU64) {
    const CONNECTIONS: usize = 30;
    const REQUESTS: usize = 2_000;
    let mut held = Vec::new();
    for request in requests.iter().cycle().take(CONNECTIONS) {
        if is_over(stop) {
            return;
        }
        let mut socket = RawSocket::open(&target.primary);
        let much = request.repeat((REQUESTS).min((16 << 20) / request.len()));
        socket.send_until_stuck(&much, Duration::from_millis(20));
        held.push(socket);
        done.fetch_add(1, Ordering::Relaxed);
    }
    wait_until_over(stop);
}

fn get_of_the_large_record(target: &Target, framing: Framing) -> Vec<u8> {
    let raw_key: Bytes = key::encode(b"large", b"\0").expect("a short key").into();
    let name = TaskCode::Get.name().as_bytes();
    framing.frame(name, &target.head, &encoded(&raw_key))
}

fn encoded<M: Message>(message: &M) -> Bytes {
    let mut out = BytesMut::new();
    argument::encode(message, &mut out);
    out.freeze()
}
