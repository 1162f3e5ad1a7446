//! Sessions and pools against a peer that each test drives by hand, byte for byte.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use pegasus_common::{ErrorCode, RpcAddress};
use pegasus_wire::TaskCode;
use pegasus_wire::frame::{RequestFrame, response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::{CallError, RequestFate, RoutingHeader, Session, SessionOptions, SessionPool};

const PATIENCE: Duration = Duration::from_secs(10);

/// The server's side of one connection.
struct Peer {
    stream: TcpStream,
    received: BytesMut,
    reads: usize,
}

impl Peer {
    async fn accept(listener: &TcpListener) -> Self {
        Self {
            stream: listener.accept().await.unwrap().0,
            received: BytesMut::new(),
            reads: 0,
        }
    }

    async fn request(&mut self) -> RequestFrame {
        loop {
            if let Some(frame) = RequestFrame::split_from(&mut self.received, 1 << 30).unwrap() {
                return frame;
            }
            self.reads += 1;
            let read = self.stream.read_buf(&mut self.received).await.unwrap();
            assert!(read > 0, "the session closed the connection");
        }
    }

    async fn echo(&mut self, request: &RequestFrame) {
        let argument: Bytes = request.decode().unwrap();
        let mut out = BytesMut::new();
        response::encode_ok(&mut out, &request.reply_to(), &argument);
        self.stream.write_all(&out).await.unwrap();
    }

    /// Waits until the session closes the connection.
    async fn wait_for_end(mut self) {
        while self.stream.read_buf(&mut self.received).await.unwrap_or(0) > 0 {}
    }
}

async fn listen() -> (TcpListener, RpcAddress) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let SocketAddr::V4(address) = listener.local_addr().unwrap() else {
        unreachable!("bound to IPv4");
    };
    (listener, RpcAddress::from_v4(address))
}

async fn connected(options: SessionOptions) -> (Session, Peer) {
    let (listener, address) = listen().await;
    let session = Session::connect(address, options).await.unwrap();
    (session, Peer::accept(&listener).await)
}

fn patient() -> RoutingHeader {
    RoutingHeader::server(PATIENCE)
}

fn argument(number: u8) -> Bytes {
    Bytes::copy_from_slice(&[number])
}

#[tokio::test]
async fn answers_find_their_callers_in_any_order() {
    let (session, mut peer) = connected(SessionOptions::default()).await;
    let calls: Vec<_> = (0..100)
        .map(|number| session.call(TaskCode::Get, patient(), &argument(number)))
        .collect();
    let mut requests = Vec::new();
    for _ in 0..100 {
        requests.push(peer.request().await);
    }
    for request in requests.iter().rev() {
        peer.echo(request).await;
    }
    for (number, call) in (0..100).zip(calls) {
        let answer: Bytes = call.await.unwrap().decode().unwrap();
        assert_eq!(answer, argument(number));
    }
}

#[tokio::test]
async fn requests_that_gather_leave_together() {
    let (session, mut peer) = connected(SessionOptions::default()).await;
    let calls: Vec<_> = (0..100)
        .map(|number| session.call(TaskCode::Get, patient(), &argument(number)))
        .collect();
    peer.received.reserve(64 << 10);
    for _ in 0..100 {
        peer.request().await;
    }
    assert_eq!(peer.reads, 1);
    drop(calls);
}

#[tokio::test]
async fn a_late_answer_to_a_dropped_call_meets_nobody() {
    let (session, mut peer) = connected(SessionOptions::default()).await;
    drop(session.call(TaskCode::Get, patient(), &argument(1)));
    let forgotten = peer.request().await;
    let call = session.call(TaskCode::Get, patient(), &argument(2));
    let wanted = peer.request().await;
    assert_ne!(forgotten.head.seqid, wanted.head.seqid);
    peer.echo(&forgotten).await;
    peer.echo(&wanted).await;
    assert_eq!(call.await.unwrap().decode::<Bytes>().unwrap(), argument(2));
}

#[tokio::test]
async fn a_call_waits_for_its_timeout_and_not_longer() {
    let (session, mut peer) = connected(SessionOptions::default()).await;
    let long = session.call(TaskCode::Get, patient(), &argument(1));
    let started = std::time::Instant::now();
    let header = RoutingHeader::server(Duration::from_millis(30));
    let error = session.call(TaskCode::Get, header, &argument(2)).await;
    let error = error.unwrap_err();
    assert!(started.elapsed() >= Duration::from_millis(30));
    assert!(started.elapsed() < PATIENCE / 2);
    assert!(matches!(error, CallError::Timeout { .. }), "{error}");
    assert_eq!(error.fate(), RequestFate::MayHaveArrived);
    let request = peer.request().await;
    peer.echo(&request).await;
    assert_eq!(long.await.unwrap().decode::<Bytes>().unwrap(), argument(1));
}

#[tokio::test]
async fn a_request_that_never_left_is_known_not_to_have_arrived() {
    let (session, peer) = connected(SessionOptions::default()).await;
    // More than the kernel's buffers take while nobody reads.
    let large = Bytes::from(vec![0; 16 << 20]);
    let first = session.call(TaskCode::Put, patient(), &large);
    let header = RoutingHeader::server(Duration::from_millis(50));
    let late = session.call(TaskCode::Put, header, &argument(1)).await;
    assert_eq!(late.unwrap_err().fate(), RequestFate::NotSent);
    drop(peer);
    let lost = first.await.unwrap_err();
    assert!(matches!(lost, CallError::ConnectionLost { .. }), "{lost}");
    assert_eq!(lost.fate(), RequestFate::NotSent);
}

#[tokio::test]
async fn a_lost_connection_fails_all_its_calls_and_later_ones() {
    let (session, mut peer) = connected(SessionOptions::default()).await;
    let calls: Vec<_> = (0..10)
        .map(|number| session.call(TaskCode::Get, patient(), &argument(number)))
        .collect();
    for _ in 0..10 {
        peer.request().await;
    }
    drop(peer);
    for call in calls {
        let error = call.await.unwrap_err();
        assert_eq!(error.fate(), RequestFate::MayHaveArrived, "{error}");
    }
    assert!(session.is_closed());
    let error = session.call(TaskCode::Get, patient(), &argument(1)).await;
    assert_eq!(error.unwrap_err().fate(), RequestFate::NotSent);
}

#[tokio::test]
async fn calls_beyond_the_limit_are_refused_until_others_end() {
    let options = SessionOptions {
        in_flight_max: 2,
        ..SessionOptions::default()
    };
    let (session, mut peer) = connected(options).await;
    let first = session.call(TaskCode::Get, patient(), &argument(1));
    let second = session.call(TaskCode::Get, patient(), &argument(2));
    let refused = session.call(TaskCode::Get, patient(), &argument(3)).await;
    assert!(matches!(
        refused,
        Err(CallError::Overloaded { limit: 2, .. })
    ));
    drop(second);
    let third = session.call(TaskCode::Get, patient(), &argument(3));
    for _ in 0..3 {
        let request = peer.request().await;
        peer.echo(&request).await;
    }
    first.await.unwrap();
    third.await.unwrap();
}

#[tokio::test]
async fn a_refusal_names_its_code() {
    let (session, mut peer) = connected(SessionOptions::default()).await;
    let call = session.call(TaskCode::Get, patient(), &argument(1));
    let request = peer.request().await;
    let mut out = BytesMut::new();
    response::encode_error(&mut out, &request.reply_to(), ErrorCode::InvalidState);
    peer.stream.write_all(&out).await.unwrap();
    assert_eq!(call.await.unwrap_err().code(), ErrorCode::InvalidState);
}

#[tokio::test]
async fn what_is_no_answer_or_too_long_a_one_ends_the_connection() {
    for bytes in [
        &b"HTTP/1.1 200 OK\r\n"[..],
        &[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0],
    ] {
        let (session, mut peer) = connected(SessionOptions::default()).await;
        let call = session.call(TaskCode::Get, patient(), &argument(1));
        peer.request().await;
        peer.stream.write_all(bytes).await.unwrap();
        let error = call.await.unwrap_err();
        assert!(error.to_string().contains("broken answer"), "{error}");
        peer.wait_for_end().await;
    }
}

#[tokio::test]
async fn the_last_handle_closes_the_connection() {
    let (session, mut peer) = connected(SessionOptions::default()).await;
    session
        .send_oneway(TaskCode::ClearScanner, patient(), &7_i64)
        .unwrap();
    assert_eq!(peer.request().await.decode::<i64>().unwrap(), 7);
    drop(session);
    peer.wait_for_end().await;
}

#[tokio::test]
async fn a_pending_call_keeps_its_connection_open() {
    let (session, mut peer) = connected(SessionOptions::default()).await;
    let call = session.call(TaskCode::Get, patient(), &argument(1));
    drop(session);
    let request = peer.request().await;
    peer.echo(&request).await;
    call.await.unwrap();
    peer.wait_for_end().await;
}

#[tokio::test]
async fn a_pool_shares_one_connection_and_makes_it_again() {
    let (listener, address) = listen().await;
    let pool = SessionPool::new(SessionOptions::default());
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..10 {
        let pool = pool.clone();
        calls.spawn(async move {
            pool.call(address, TaskCode::Get, patient(), &argument(number))
                .await
        });
    }
    let mut peer = Peer::accept(&listener).await;
    for _ in 0..10 {
        let request = peer.request().await;
        peer.echo(&request).await;
    }
    while let Some(answer) = calls.join_next().await {
        answer.unwrap().unwrap();
    }
    let session = pool.connected(address).unwrap();
    drop(peer);
    let lost = session.call(TaskCode::Get, patient(), &argument(1)).await;
    lost.unwrap_err();
    let again = tokio::spawn({
        let pool = pool.clone();
        async move {
            pool.call(address, TaskCode::Get, patient(), &argument(1))
                .await
        }
    });
    let mut peer = Peer::accept(&listener).await;
    let request = peer.request().await;
    peer.echo(&request).await;
    again.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_pool_pauses_between_attempts_and_comes_back() {
    let (listener, address) = listen().await;
    drop(listener);
    let pool = SessionPool::new(SessionOptions::default());
    for _ in 0..20 {
        let error = pool
            .call(address, TaskCode::Get, patient(), &argument(1))
            .await;
        assert!(matches!(error, Err(CallError::Connect { .. })), "{error:?}");
    }
    let listener = TcpListener::bind(address.to_socket_addr().unwrap())
        .await
        .unwrap();
    let calling = tokio::spawn(async move {
        loop {
            match pool
                .call(address, TaskCode::Get, patient(), &argument(1))
                .await
            {
                Err(CallError::Connect { .. }) => tokio::task::yield_now().await,
                other => return other,
            }
        }
    });
    let mut peer = Peer::accept(&listener).await;
    let request = peer.request().await;
    peer.echo(&request).await;
    calling.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_connection_whose_other_end_takes_nothing_is_given_up() {
    let options = SessionOptions {
        silence_max: Duration::from_millis(200),
        ..SessionOptions::default()
    };
    let (session, _peer) = connected(options).await;
    // More than both sockets hold: the rest stays unacknowledged.
    let large = Bytes::from(vec![0; 16 << 20]);
    let header = RoutingHeader::server(Duration::from_secs(600));
    let call = session.call(TaskCode::Put, header, &large);
    let ended = tokio::time::timeout(PATIENCE, call).await;
    let error = ended.expect("the connection lives on in silence");
    assert!(matches!(error, Err(CallError::ConnectionLost { .. })));
    assert!(session.is_closed());
}
