//! The server's side of connections, driven byte for byte by raw sockets in the same event loop.

#![allow(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

mod support;

use bytes::{Bytes, BytesMut};
use pegasus_common::ErrorCode;
use pegasus_rpc::NetworkLimits;
use pegasus_wire::TaskCode;
use pegasus_wire::frame::{CallKind, RequestHead, ResponseFrame, rdsn};
use support::{ANSWER, Client, Server, call, call_for, frame, run};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// A connection may have two requests under way.
fn two_in_flight() -> NetworkLimits {
    NetworkLimits {
        requests_in_flight_max: 2,
        ..NetworkLimits::default()
    }
}

#[test]
fn a_frame_may_arrive_in_any_pieces() {
    run(async {
        let server = Server::new(NetworkLimits::default());
        let _hook = server.flush_at_turn_end();
        let mut client = server.connect().await;
        for byte in call_for(7, 10) {
            client.send(&[byte]).await;
            tokio::task::yield_now().await;
        }
        let answer = client.answer().await;
        assert_eq!((answer.seqid, answer.error), (7, ErrorCode::Ok));
        assert_eq!(answer.decode::<Bytes>().unwrap().len(), 10);
        // And several frames in one piece, the last one cut.
        let mut frames = [call_for(8, 1), call_for(9, 1), call_for(10, 1)].concat();
        let rest = frames.split_off(frames.len() - 5);
        client.send(&frames).await;
        assert_eq!(client.answer().await.seqid, 8);
        assert_eq!(client.answer().await.seqid, 9);
        client.send(&rest).await;
        assert_eq!(client.answer().await.seqid, 10);
    });
}

#[test]
fn an_unknown_name_is_repeated_in_the_refusal() {
    run(async {
        let server = Server::new(NetworkLimits::default());
        let _hook = server.flush_at_turn_end();
        let mut client = server.connect().await;
        let mut frame = call(3);
        let name = TaskCode::Get.name().as_bytes();
        let at = frame.windows(name.len()).position(|part| part == name);
        let end = at.unwrap() + name.len();
        frame[end - 3..end].copy_from_slice(b"XYZ");
        client.send(&frame).await;
        while client.received.is_empty() {
            client.stream.read_buf(&mut client.received).await.unwrap();
        }
        let expected = [&name[..name.len() - 3], b"XYZ_ACK"].concat();
        let raw = client.received.clone();
        assert!(raw.windows(expected.len()).any(|part| part == expected));
        let answer = client.answer().await;
        assert_eq!(
            (answer.error, answer.seqid, answer.code),
            (ErrorCode::HandlerNotFound, 3, None)
        );
        // The connection goes on.
        client.send(&call_for(4, 1)).await;
        assert_eq!(client.answer().await.seqid, 4);
    });
}

#[test]
fn what_is_no_request_closes_the_connection() {
    run(async {
        let limits = NetworkLimits {
            max_frame_bytes: 1_000,
            ..NetworkLimits::default()
        };
        let server = Server::new(limits);
        let _hook = server.flush_at_turn_end();
        let too_large = frame(1, CallKind::Call, &[0; 2_000]);
        let native = [&b"RDSN"[..], &[1; 16]].concat();
        let garbage: [&[u8]; 4] = [b"garbage!", &native, &[0xff; 100], &too_large];
        for bytes in garbage {
            let mut client = server.connect().await;
            client.send(bytes).await;
            client.wait_for_end().await;
        }
        let mut client = server.connect().await;
        let mut broken = call(1);
        broken[4..12].fill(0xff);
        client.send(&broken).await;
        client.wait_for_end().await;
        server
            .wait_until(|server| server.gate.open_connections() == 0)
            .await;
        assert_eq!(*server.service.seen.borrow(), 0);
    });
}

/// A native request whose number is `seqid` and whose argument is `script`.
fn native_call(seqid: i32, script: &[u8]) -> BytesMut {
    let mut argument = BytesMut::new();
    pegasus_wire::argument::encode(&Bytes::copy_from_slice(script), &mut argument);
    let head = RequestHead {
        seqid,
        ..RequestHead::default()
    };
    let mut out = BytesMut::new();
    rdsn::encode_request(&mut out, TaskCode::Get.name().as_bytes(), &head, &argument);
    out
}

/// The next native answer.
async fn native_answer(client: &mut Client) -> ResponseFrame {
    loop {
        if let Some(answer) = rdsn::split_answer_from(&mut client.received, 1 << 30).unwrap() {
            return answer;
        }
        let read = client.stream.read_buf(&mut client.received).await.unwrap();
        assert!(read > 0, "the server closed the connection");
    }
}

#[test]
fn native_requests_are_answered_in_any_order_with_their_own_numbers() {
    run(async {
        let server = Server::new(two_in_flight());
        let _hook = server.flush_at_turn_end();
        let mut client = server.connect().await;
        let (late, early) = (i32::MIN, i32::MAX);
        let three = native_call(3, b"keep");
        let both = [
            native_call(late, b"keep"),
            native_call(early, b"keep"),
            three,
        ]
        .concat();
        client.send(&both).await;
        let answer = native_answer(&mut client).await;
        assert_eq!((answer.seqid, answer.error), (3, ErrorCode::Busy));
        for expected in [early, late] {
            let responder = server.service.kept.borrow_mut().pop().unwrap();
            responder.reply(&Bytes::from_static(b"found"));
            let answer = native_answer(&mut client).await;
            assert_eq!((answer.seqid, answer.error), (expected, ErrorCode::Ok));
            assert_eq!(answer.decode::<Bytes>().unwrap(), &b"found"[..]);
        }
    });
}

#[test]
fn http_shares_the_port() {
    run(async {
        let server = Server::new(NetworkLimits::default());
        let mut client = server.connect().await;
        client
            .send(b"GET //a///b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .await;
        let mut text = String::new();
        client.stream.read_to_string(&mut text).await.unwrap();
        assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
        assert!(text.ends_with("\r\n\r\n/a/b"), "{text}");
        server
            .wait_until(|server| server.gate.open_connections() == 0)
            .await;
    });
}

#[test]
fn too_many_requests_in_flight_are_answered_busy() {
    run(async {
        let server = Server::new(two_in_flight());
        let _hook = server.flush_at_turn_end();
        let mut client = server.connect().await;
        client.send(&[call(1), call(2), call(3)].concat()).await;
        let answer = client.answer().await;
        assert_eq!((answer.seqid, answer.error), (3, ErrorCode::Busy));
        server.service.kept.borrow_mut().remove(0).reply(&1_i32);
        assert_eq!(client.answer().await.seqid, 1);
        client.send(&[call(4), call(5)].concat()).await;
        let answer = client.answer().await;
        assert_eq!((answer.seqid, answer.error), (5, ErrorCode::Busy));
    });
}

#[test]
fn oneway_requests_do_not_make_room_for_calls() {
    run(async {
        let server = Server::new(two_in_flight());
        let _hook = server.flush_at_turn_end();
        let mut client = server.connect().await;
        let oneway = frame(2, CallKind::Oneway, b"");
        let frames = [call(1), oneway.clone(), oneway, call(3), call(4)];
        client.send(&frames.concat()).await;
        let answer = client.answer().await;
        assert_eq!((answer.seqid, answer.error), (4, ErrorCode::Busy));
        assert_eq!(server.kept(), 2);
    });
}

#[test]
fn a_turn_with_many_reply_bytes_is_flushed_before_its_end() {
    run(async {
        // No hook: only the early flush sends anything.
        let server = Server::new(NetworkLimits::default());
        let mut client = server.connect().await;
        client
            .send(&[call_for(1, 10), call_for(2, 1 << 20)].concat())
            .await;
        assert_eq!(client.answer().await.seqid, 1);
        assert_eq!(client.answer().await.seqid, 2);
    });
}

#[test]
fn answers_to_a_closed_connection_are_dropped() {
    run(async {
        let server = Server::new(NetworkLimits::default());
        let _hook = server.flush_at_turn_end();
        let mut gone = server.connect().await;
        gone.send(&call(1)).await;
        server.wait_until(|server| server.kept() == 1).await;
        drop(gone);
        server
            .wait_until(|server| server.outputs.open_connections() == 0)
            .await;
        assert_eq!(server.gate.open_connections(), 0);
        // The next connection has the same slot, and must not hear the answer.
        let mut client = server.connect().await;
        client.send(&call_for(2, 1)).await;
        server
            .wait_until(|server| *server.service.seen.borrow() == 2)
            .await;
        server.service.kept.borrow_mut().remove(0).reply(&1_i32);
        client.send(&call_for(3, 1)).await;
        assert_eq!(client.answer().await.seqid, 2);
        assert_eq!(client.answer().await.seqid, 3);
    });
}

#[test]
fn a_slow_reader_is_not_read_from() {
    const REQUESTS: usize = 48;
    const ANSWER_BYTES: u32 = 1 << 20;
    /// What the system's socket buffers may hold besides, in answers.
    const AHEAD_MAX: usize = 20;
    run(async {
        let limits = NetworkLimits {
            unsent_reply_bytes_max: 64 << 10,
            ..NetworkLimits::default()
        };
        let server = Server::new(limits);
        let _hook = server.flush_at_turn_end();
        let client = server.connect().await;
        let mut received = client.received;
        let (mut reader, mut writer) = client.stream.into_split();
        // Larger than what the server reads at once, so that each is a decision of its own.
        let mut script = vec![0; 20 << 10];
        script[0] = ANSWER;
        script[1..5].copy_from_slice(&ANSWER_BYTES.to_be_bytes());
        let writing = tokio::task::spawn_local(async move {
            for number in 0..REQUESTS {
                let seqid = i32::try_from(number).unwrap();
                let request = frame(seqid, CallKind::Call, &script);
                writer.write_all(&request).await.unwrap();
            }
            writer
        });
        for number in 0..REQUESTS {
            let answer = loop {
                let next = ResponseFrame::split_from(&mut received, 1 << 30).unwrap();
                if let Some(answer) = next {
                    break answer;
                }
                assert!(reader.read_buf(&mut received).await.unwrap() > 0);
            };
            assert_eq!(usize::try_from(answer.seqid).unwrap(), number);
            let value: Bytes = answer.decode().unwrap();
            assert_eq!(
                value.len(),
                ANSWER_BYTES as usize,
                "partial writes lose nothing"
            );
            let seen = *server.service.seen.borrow();
            assert!(seen <= number + AHEAD_MAX, "{seen} served, {number} taken");
        }
        drop(writing.await.unwrap());
    });
}

#[test]
fn a_congested_connection_is_read_again_after_a_flush_that_did_not_block() {
    run(async {
        let limits = NetworkLimits {
            unsent_reply_bytes_max: 1_000,
            ..NetworkLimits::default()
        };
        let server = Server::new(limits);
        let _hook = server.flush_at_turn_end();
        let mut client = server.connect().await;
        for seqid in 1..4 {
            client.send(&call_for(seqid, 2_000)).await;
            assert_eq!(client.answer().await.seqid, seqid);
        }
    });
}
