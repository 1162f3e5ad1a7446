use std::cell::Cell;

use tokio::net::TcpListener;

use super::*;
use crate::turn::ShardRuntime;

/// A test that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);
const HELLO: &[u8] = b"hello";

/// Sends one more frame as soon as a link stands, as a shard does.
struct Recorder {
    links: Rc<PeerLinks>,
    connected: Cell<usize>,
    refused: Cell<usize>,
}

impl PeerEvents for Recorder {
    fn on_connected(&self, peer: RpcAddress) {
        self.connected.set(self.connected.get() + 1);
        self.links.send(peer, Bytes::from_static(b"!"));
    }

    fn on_refused(&self, _: RpcAddress) {
        self.refused.set(self.refused.get() + 1);
    }

    fn hello(&self, _: RpcAddress) -> Bytes {
        Bytes::from_static(HELLO)
    }
}

struct Group {
    links: Rc<PeerLinks>,
    events: Rc<Recorder>,
    listener: TcpListener,
    peer: RpcAddress,
}

impl Group {
    async fn new() -> Self {
        let links = PeerLinks::new();
        let events = Rc::new(Recorder {
            links: Rc::clone(&links),
            connected: Cell::new(0),
            refused: Cell::new(0),
        });
        links.set_events(Rc::clone(&events) as Rc<dyn PeerEvents>);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let SocketAddr::V4(address) = listener.local_addr().unwrap() else {
            unreachable!("bound to IPv4");
        };
        Self {
            links,
            events,
            listener,
            peer: RpcAddress::from_v4(address),
        }
    }

    /// The peer's side of the next link, after what every link begins with.
    async fn accept(&self) -> TcpStream {
        let (mut stream, _) = self.listener.accept().await.unwrap();
        while !self.links.is_connected(self.peer) {
            tokio::task::yield_now().await;
        }
        self.links.flush();
        let mut begin = [0; HELLO.len() + 1];
        stream.read_exact(&mut begin).await.unwrap();
        assert_eq!(&begin, b"hello!");
        stream
    }

    fn send(&self, text: &str) {
        self.links
            .send(self.peer, Bytes::copy_from_slice(text.as_bytes()));
    }

    async fn wait_until_lost(&self) {
        while self.links.is_connected(self.peer) {
            tokio::task::yield_now().await;
        }
    }
}

fn run(test: impl Future<Output = ()>) {
    ShardRuntime::new().unwrap().block_on(async {
        tokio::time::timeout(PATIENCE, test)
            .await
            .expect("something waits for ever");
    });
}

#[test]
fn frames_arrive_in_order_however_the_peer_reads() {
    run(async {
        let group = Group::new().await;
        group.links.reach(group.peer);
        let mut stream = group.accept().await;
        let mut expected = Vec::new();
        // More than the sockets hold, so that the link blocks and its own task sends the rest.
        for number in 0..2_000 {
            let frame = format!("{number:>8}").repeat(1_000);
            expected.extend_from_slice(frame.as_bytes());
            group.send(&frame);
            if number % 100 == 0 {
                group.links.flush();
            }
        }
        group.links.flush();
        let mut received = vec![0; expected.len()];
        stream.read_exact(&mut received).await.unwrap();
        assert!(received == expected, "frames are lost or out of order");
    });
}

#[test]
fn a_broken_link_loses_what_it_had_and_is_made_anew() {
    run(async {
        let group = Group::new().await;
        // Dropped: no link stands yet. But it makes one.
        group.send("early");
        let stream = group.accept().await;
        drop(stream);
        group.wait_until_lost().await;
        group.send("lost");
        let mut stream = group.accept().await;
        assert_eq!(group.events.connected.get(), 2);
        group.send("again");
        group.links.flush();
        let mut received = [0; 5];
        stream.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, b"again");
    });
}

#[test]
fn a_peer_that_takes_nothing_is_cut_off() {
    run(async {
        let group = Group::new().await;
        group.links.reach(group.peer);
        let _stream = group.accept().await;
        let frame = Bytes::from(vec![0; 1 << 20]);
        for _ in 0..200 {
            group.links.send(group.peer, frame.clone());
            group.links.flush();
            if !group.links.is_connected(group.peer) {
                break;
            }
        }
        assert!(!group.links.is_connected(group.peer));
        let staged = group.links.links.borrow()[&group.peer].staged_bytes;
        assert_eq!(staged, 0, "what waited is dropped");
        group.accept().await;
    });
}

#[test]
fn a_link_that_is_not_acknowledged_is_made_anew() {
    run(async {
        let group = Group::new().await;
        group.links.reach(group.peer);
        let _stream = group.accept().await;
        // More than the sockets hold, and less than what cuts the peer off.
        group
            .links
            .send(group.peer, Bytes::from(vec![0; STAGED_BYTES_MAX / 2]));
        group.links.flush();
        assert!(group.links.is_connected(group.peer));
        let since = Instant::now();
        group.accept().await;
        assert!(since.elapsed() >= OUTGOING_SILENCE_MAX / 2);
    });
}

#[test]
fn a_peer_that_accepts_and_closes_is_not_tried_without_pause() {
    run(async {
        let group = Group::new().await;
        group.links.reach(group.peer);
        let since = Instant::now();
        for _ in 0..4 {
            drop(group.listener.accept().await.unwrap());
        }
        assert!(since.elapsed() >= RECONNECT_DELAY_MIN * (1 + 2 + 4));
    });
}

#[test]
fn a_peer_that_is_known_to_be_there_is_tried_at_once() {
    run(async {
        let group = Group::new().await;
        let address = group.listener.local_addr().unwrap();
        drop(group.listener);
        group.links.reach(group.peer);
        // Until tries come seldom.
        tokio::task::yield_now().await;
        let listener = TcpListener::bind(address).await.unwrap();
        group.links.reach(group.peer);
        listener.accept().await.unwrap();
    });
}

#[test]
fn a_peer_that_was_there_and_refuses_is_reported() {
    run(async {
        let group = Group::new().await;
        group.links.reach(group.peer);
        let stream = group.accept().await;
        assert!(group.links.down_for(Duration::ZERO).is_empty());
        let address = group.listener.local_addr().unwrap();
        drop(group.listener);
        drop(stream);
        while group.events.refused.get() == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(group.links.down_for(Duration::ZERO), [group.peer]);
        assert!(group.links.down_for(PATIENCE).is_empty());
        let listener = TcpListener::bind(address).await.unwrap();
        group.links.reach(group.peer);
        let _stream = listener.accept().await.unwrap();
        while !group.links.is_connected(group.peer) {
            tokio::task::yield_now().await;
        }
        assert!(group.links.down_for(Duration::ZERO).is_empty());
    });
}

#[test]
fn a_peer_that_was_never_there_is_not_reported() {
    run(async {
        let group = Group::new().await;
        drop(group.listener);
        group.links.reach(group.peer);
        // Until an attempt has failed: only then is the next one waited for.
        tokio::time::sleep(RECONNECT_DELAY_MIN * 2).await;
        assert_eq!(group.events.refused.get(), 0);
        assert!(group.links.down_for(Duration::ZERO).is_empty());
    });
}

#[test]
fn messages_cannot_make_links_without_end() {
    run(async {
        let group = Group::new().await;
        for number in 0..u32::try_from(2 * LINKS_MAX).unwrap() {
            // Addresses that nobody can have.
            let address = std::net::Ipv4Addr::from_bits(0xf000_0000 + number);
            let peer = RpcAddress::from_v4(std::net::SocketAddrV4::new(address, 1));
            group.links.send(peer, Bytes::from_static(b"x"));
        }
        assert_eq!(group.links.links.borrow().len(), LINKS_MAX);
    });
}

#[test]
fn what_was_written_is_cut_off_the_front() {
    let mut staged = VecDeque::from([Bytes::from_static(b"abc"), Bytes::from_static(b"de")]);
    consume(&mut staged, 2);
    assert_eq!(staged, [&b"c"[..], b"de"]);
    consume(&mut staged, 2);
    assert_eq!(staged, [&b"e"[..]]);
    consume(&mut staged, 1);
    assert!(staged.is_empty());
}
