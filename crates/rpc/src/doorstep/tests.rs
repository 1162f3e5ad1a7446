use std::net::Ipv4Addr;

use bytes::Bytes;
use bytes::BytesMut;
use pegasus_wire::TaskCode;
use pegasus_wire::frame::OutgoingRequest;
use pegasus_wire::frame::request;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use super::*;

const REFUSAL: ConnectionRefusal = ConnectionRefusal::TooMany(1);

/// A doorstep, and a listener whose connections are led there.
struct Door {
    listener: TcpListener,
    doorstep: Doorstep,
}

impl Door {
    async fn open() -> Self {
        Self {
            listener: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap(),
            doorstep: Doorstep::default(),
        }
    }

    /// A connection that says this and waits.
    async fn connect(&mut self, first: &[u8]) -> TcpStream {
        let address = self.listener.local_addr().unwrap();
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(first).await.unwrap();
        let (stream, peer) = self.listener.accept().await.unwrap();
        self.doorstep.receive(stream, peer, REFUSAL);
        client
    }

    /// Whether the next connection that is judged is a server's.
    async fn judges_a_server(&mut self) -> bool {
        let judged = self.doorstep.next().await.unwrap();
        assert_eq!(judged.refusal, REFUSAL);
        judged.stream.is_some()
    }
}

fn request_of(code: TaskCode) -> BytesMut {
    let mut frame = BytesMut::new();
    let request = OutgoingRequest::to_process(code, 1, 1_000);
    request::encode(&mut frame, &request, &Bytes::from_static(&[7; 10_000]));
    frame
}

#[tokio::test]
async fn the_first_request_tells_servers_from_clients() {
    let mut door = Door::open().await;
    for &code in TaskCode::ALL {
        // Only its begin may have come.
        for length in [150, 5_000] {
            let _client = door.connect(&request_of(code)[..length]).await;
            let is_server = door.judges_a_server().await;
            assert_eq!(is_server, code.kind().is_between_servers(), "{code}");
        }
    }
}

#[tokio::test]
async fn what_a_server_has_sent_is_still_there() {
    let mut door = Door::open().await;
    let hello = request_of(TaskCode::PeerHello);
    let _client = door.connect(&hello).await;
    let judged = door.doorstep.next().await.unwrap();
    let mut received = vec![0; hello.len()];
    let mut stream = judged.stream.unwrap();
    stream.read_exact(&mut received).await.unwrap();
    assert_eq!(received, hello);
}

#[tokio::test]
async fn others_are_closed() {
    let mut door = Door::open().await;
    for first in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"T",
        &[0xff; 300],
        &request_of(TaskCode::PeerHello)[..60],
        b"",
    ] {
        let mut client = door.connect(first).await;
        assert!(!door.judges_a_server().await, "{first:?}");
        // Whether orderly or with what was sent unread.
        assert!(!matches!(client.read(&mut [0]).await, Ok(1..)));
    }
}

#[tokio::test]
async fn silent_connections_do_not_keep_servers_out() {
    let mut door = Door::open().await;
    let mut silent = Vec::new();
    for _ in 0..WAITING_MAX + 10 {
        silent.push(door.connect(b"").await);
    }
    let _server = door.connect(&request_of(TaskCode::Beacon)).await;
    // Before it come those that gave way, and after half a second those that did not.
    while !matches!(
        door.doorstep.next().await,
        Some(Judged {
            stream: Some(_),
            ..
        })
    ) {}
}
