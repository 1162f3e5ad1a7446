//! What connections may hold of a server: a place without a request, and answers that they do not take.

#![allow(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

mod support;

use std::time::Duration;

use bytes::Bytes;
use pegasus_rpc::NetworkLimits;
use pegasus_wire::frame::CallKind;
use support::{Client, Server, call, call_for, frame, run};
use tokio::io::AsyncReadExt as _;

const CONNECTIONS_MAX: usize = 8;

/// Little patience, of which a test needs to wait for the end.
fn impatient() -> Server {
    Server::new(NetworkLimits {
        max_connections: CONNECTIONS_MAX,
        first_request_patience: Duration::from_millis(20),
        ..NetworkLimits::default()
    })
}

async fn connections(server: &Server, count: usize, first_bytes: &[u8]) -> Vec<Client> {
    let mut clients = Vec::new();
    for _ in 0..count {
        let mut client = server.connect().await;
        client.send(first_bytes).await;
        clients.push(client);
    }
    clients
}

#[test]
fn connections_without_a_request_give_way_when_room_is_short() {
    let begun = call(1);
    let begins: [&[u8]; 4] = [b"", b"TH", &begun[..20], &begun[..begun.len() - 1]];
    for begin in begins {
        run(async {
            let server = impatient();
            let _hook = server.flush_at_turn_end();
            let mut used = connections(&server, 2, &call_for(1, 1)).await;
            for client in &mut used {
                client.answer().await;
            }
            let silent = connections(&server, CONNECTIONS_MAX - 2, begin).await;
            let half = CONNECTIONS_MAX / 2;
            server
                .wait_until(|server| server.gate.open_connections() <= half)
                .await;
            // Those that are used stay, and so do silent ones where there is room for them.
            for client in &mut used {
                client.send(&call_for(2, 1)).await;
                assert_eq!(client.answer().await.seqid, 2);
            }
            assert_eq!(server.gate.open_connections(), half);
            drop(silent);
        });
    }
}

#[test]
fn an_http_client_that_does_not_go_on_is_closed() {
    run(async {
        let begins: [&[u8]; 3] = [
            b"GET / HT",
            b"GET / HTTP/1.1\r\nHost: x\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc",
        ];
        for begin in begins {
            let server = impatient();
            let mut client = connections(&server, 1, begin).await.remove(0);
            let mut text = String::new();
            client.stream.read_to_string(&mut text).await.unwrap();
            assert!(
                text.is_empty() || text.starts_with("HTTP/1.1 408 "),
                "{text}"
            );
            server
                .wait_until(|server| server.gate.open_connections() == 0)
                .await;
        }
    });
}

/// Two connections whose clients do not read, each with one answer that no socket takes whole.
async fn with_unsent_answers(server: &Server) -> Vec<Client> {
    let clients = connections(server, 2, &call_for(1, 64 << 20)).await;
    server
        .wait_until(|server| *server.service.seen.borrow() == 2)
        .await;
    clients
}

fn little_in_all() -> NetworkLimits {
    NetworkLimits {
        unsent_reply_bytes_max: 1 << 30,
        unsent_reply_bytes_total_max: 1 << 20,
        ..NetworkLimits::default()
    }
}

#[test]
fn past_the_limit_of_all_only_who_takes_answers_is_read() {
    run(async {
        let server = Server::new(little_in_all());
        let _hook = server.flush_at_turn_end();
        let mut slow = with_unsent_answers(&server).await;
        assert!(server.gate.unsent_reply_bytes() > 1 << 20);
        for client in &mut slow {
            client.send(&call_for(2, 1)).await;
        }
        // Somebody who takes what they are given is served all the time.
        let mut quick = server.connect().await;
        for seqid in 0..100 {
            quick.send(&call_for(seqid, 1_000)).await;
            assert_eq!(quick.answer().await.seqid, seqid);
        }
        assert_eq!(*server.service.seen.borrow(), 102);
        // And so are the others when they have taken theirs.
        for client in &mut slow {
            assert_eq!(client.answer().await.seqid, 1);
            assert_eq!(client.answer().await.seqid, 2);
        }
        server
            .wait_until(|server| server.gate.unsent_reply_bytes() == 0)
            .await;
    });
}

#[test]
fn who_takes_no_answers_is_given_no_more_large_ones() {
    run(async {
        let server = Server::new(little_in_all());
        let _hook = server.flush_at_turn_end();
        let mut client = server.connect().await;
        let frame = frame(1, CallKind::Call, b"keep");
        client.send(&frame).await;
        server.wait_until(|server| server.kept() == 1).await;
        let responder = server.service.kept.borrow_mut().remove(0);
        let to = responder.reply_to();
        let unsent = server.outputs.unsent_replies(to.connection).unwrap();
        assert!(unsent.admits());
        let on_its_way = unsent.hold(200 << 10);
        assert!(!unsent.admits(), "more than an eighth of a megabyte");
        drop(on_its_way);
        assert!(unsent.admits());
        responder.reply(&Bytes::from(vec![0; 64 << 20]));
        server.wait_until(|_| !unsent.admits()).await;
        drop(client);
        // What a connection held goes with it.
        server
            .wait_until(|server| server.gate.unsent_reply_bytes() == 0)
            .await;
        assert!(server.outputs.unsent_replies(to.connection).is_none());
    });
}

#[test]
fn past_the_limit_of_all_who_sends_large_requests_slowly_is_closed() {
    run(async {
        let server = Server::new(NetworkLimits {
            partial_request_bytes_total_max: 16 << 20,
            ..NetworkLimits::default()
        });
        let _hook = server.flush_at_turn_end();
        let large = frame(1, CallKind::Call, &vec![0; 10 << 20]);
        let mut small = connections(&server, 4, &large[..1 << 20]).await;
        let slow = connections(&server, 6, &large[..3 << 20]).await;
        server
            .wait_until(|server| server.gate.open_connections() < 10)
            .await;
        drop(slow);
        // Those with small parts stay, and there is room again.
        server
            .wait_until(|server| server.gate.open_connections() == 4)
            .await;
        small[0].send(&large[1 << 20..]).await;
        server.wait_until(|server| server.kept() == 1).await;
    });
}
