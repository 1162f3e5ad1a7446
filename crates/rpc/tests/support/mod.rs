//! A server's side of connections in the event loop of a test, and raw clients of it.

#![allow(dead_code, reason = "each test uses its part")]

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use pegasus_rpc::listener::bind;
use pegasus_rpc::turn::{TurnEndHook, at_turn_end};
use pegasus_rpc::{
    AdmittedConnection, ConnectionGate, HttpRequest, HttpResponse, Inbound, NetworkLimits, Outputs,
    Request, Responder, Service, ShardRuntime,
};
use pegasus_wire::TaskCode;
use pegasus_wire::frame::{CallKind, OutgoingRequest, ResponseFrame, request};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A test that takes longer hangs.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// An argument of this first byte is answered by as many bytes as the next four say; any other
/// request is kept.
pub const ANSWER: u8 = b'a';

/// Answers or keeps, as the argument says.
#[derive(Default)]
pub struct Scripted {
    pub kept: RefCell<Vec<Responder>>,
    pub seen: RefCell<usize>,
}

impl Service for Scripted {
    fn on_request(&self, request: Request) {
        *self.seen.borrow_mut() += 1;
        let script: Bytes = pegasus_wire::argument::decode(&request.argument).unwrap();
        if request.head.kind == CallKind::Oneway {
            request.responder.leave_unanswered();
        } else if script.first() == Some(&ANSWER) {
            let length = u32::from_be_bytes(script[1..5].try_into().unwrap()) as usize;
            request.responder.reply(&Bytes::from(vec![b'x'; length]));
        } else {
            self.kept.borrow_mut().push(request.responder);
        }
    }

    fn on_http(&self, request: &HttpRequest) -> HttpResponse {
        HttpResponse::ok(request.path.clone())
    }
}

pub struct Server {
    pub service: Rc<Scripted>,
    pub outputs: Rc<Outputs>,
    pub inbound: Rc<Inbound<Scripted>>,
    pub gate: Arc<ConnectionGate>,
    pub listener: std::net::TcpListener,
}

impl Server {
    pub fn new(limits: NetworkLimits) -> Self {
        let (service, outputs) = (Rc::<Scripted>::default(), Outputs::new(&limits));
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0)), Duration::ZERO).unwrap();
        Self {
            gate: ConnectionGate::new(&limits),
            inbound: Inbound::new(Rc::clone(&service), Rc::clone(&outputs), limits),
            service,
            outputs,
            listener,
        }
    }

    pub fn flush_at_turn_end(&self) -> TurnEndHook {
        let outputs = Rc::clone(&self.outputs);
        at_turn_end(move || outputs.flush())
    }

    pub async fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.listener.local_addr().unwrap())
            .await
            .unwrap();
        stream.set_nodelay(true).unwrap();
        let accepted = loop {
            match self.listener.accept() {
                Ok((stream, _)) => break stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    tokio::task::yield_now().await;
                }
                Err(error) => panic!("{error}"),
            }
        };
        accepted.set_nonblocking(true).unwrap();
        let peer = stream.local_addr().unwrap();
        self.inbound.serve(AdmittedConnection {
            stream: accepted,
            peer,
            permit: self.gate.admit(peer.ip()).unwrap(),
        });
        Client {
            stream,
            received: BytesMut::new(),
        }
    }

    pub async fn wait_until(&self, condition: impl Fn(&Self) -> bool) {
        while !condition(self) {
            tokio::task::yield_now().await;
        }
    }

    pub fn kept(&self) -> usize {
        self.service.kept.borrow().len()
    }
}

pub struct Client {
    pub stream: TcpStream,
    pub received: BytesMut,
}

impl Client {
    pub async fn send(&mut self, frame: &[u8]) {
        self.stream.write_all(frame).await.unwrap();
    }

    pub async fn answer(&mut self) -> ResponseFrame {
        loop {
            if let Some(frame) = ResponseFrame::split_from(&mut self.received, 1 << 30).unwrap() {
                return frame;
            }
            let read = self.stream.read_buf(&mut self.received).await.unwrap();
            assert!(read > 0, "the server closed the connection");
        }
    }

    /// Waits until the server closes the connection; nothing may come before.
    pub async fn wait_for_end(mut self) {
        // A connection that is closed with unread input is reset.
        let read = self.stream.read_buf(&mut self.received).await.unwrap_or(0);
        assert_eq!(read, 0, "the server answered");
    }
}

pub fn frame(seqid: i32, kind: CallKind, script: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    let head = OutgoingRequest {
        kind,
        ..OutgoingRequest::to_process(TaskCode::Get, seqid, 0)
    };
    request::encode(&mut out, &head, &Bytes::copy_from_slice(script));
    out
}

pub fn call(seqid: i32) -> BytesMut {
    frame(seqid, CallKind::Call, b"keep")
}

pub fn call_for(seqid: i32, answer_bytes: u32) -> BytesMut {
    let length = answer_bytes.to_be_bytes();
    frame(seqid, CallKind::Call, &[&[ANSWER], &length[..]].concat())
}

pub fn run(test: impl Future<Output = ()>) {
    ShardRuntime::new().unwrap().block_on(async {
        tokio::time::timeout(PATIENCE, test)
            .await
            .expect("something waits for ever");
    });
}
