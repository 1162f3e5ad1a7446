//! A tiny server that speaks just enough of the wire: each test says how it answers. It listens on a
//! free port of the loopback and ends with its handle.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use parking_lot::Mutex;
use pegasus_common::{ErrorCode, Gpid, RpcAddress};
use pegasus_wire::frame::{RequestFrame, response};
use pegasus_wire::layer2::{PartitionConfiguration, QueryCfgResponse};
use pegasus_wire::{Message, TaskCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the server does with a request.
pub enum Action {
    /// Sends these bytes.
    Reply(BytesMut),
    /// Never answers.
    Silence,
    /// Closes the connection.
    Hangup,
}

type Handler = Arc<dyn Fn(&RequestFrame) -> Action + Send + Sync>;

/// A running fake server.
pub struct FakeServer {
    pub address: RpcAddress,
    seen: Arc<Mutex<Vec<(TaskCode, Gpid)>>>,
    listening: JoinHandle<()>,
}

impl FakeServer {
    pub fn start(handler: impl Fn(&RequestFrame) -> Action + Send + Sync + 'static) -> Self {
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let SocketAddr::V4(address) = listener.local_addr().unwrap() else {
            unreachable!("bound to IPv4");
        };
        let listener = TcpListener::from_std(listener).unwrap();
        let seen: Arc<Mutex<Vec<(TaskCode, Gpid)>>> = Arc::default();
        let (handler, log): (Handler, _) = (Arc::new(handler), seen.clone());
        let listening = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, handler.clone(), log.clone()));
            }
        });
        Self {
            address: RpcAddress::from_v4(address),
            seen,
            listening,
        }
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<(TaskCode, Gpid)> {
        self.seen.lock().clone()
    }

    /// How often a call was received.
    pub fn count(&self, code: TaskCode) -> usize {
        self.seen().iter().filter(|(seen, _)| *seen == code).count()
    }

    /// Waits until a call was received so often.
    pub async fn wait_for(&self, code: TaskCode, count: usize) {
        for _ in 0..5000 {
            if self.count(code) >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("{code:?} was not received {count} times: {:?}", self.seen());
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn serve(mut stream: TcpStream, handler: Handler, seen: Arc<Mutex<Vec<(TaskCode, Gpid)>>>) {
    let mut received = BytesMut::new();
    loop {
        while let Some(request) = RequestFrame::split_from(&mut received, 1 << 20).unwrap() {
            let code = request.name.code().unwrap();
            seen.lock().push((code, request.head.gpid));
            match handler(&request) {
                Action::Silence => {}
                Action::Hangup => return,
                Action::Reply(bytes) => {
                    if stream.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
            }
        }
        match stream.read_buf(&mut received).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

/// A success.
pub fn ok<M: Message>(request: &RequestFrame, answer: &M) -> Action {
    let mut out = BytesMut::new();
    response::encode_ok(&mut out, &request.reply_to(), answer);
    Action::Reply(out)
}

/// A refusal.
pub fn refuse(request: &RequestFrame, code: ErrorCode) -> Action {
    let mut out = BytesMut::new();
    response::encode_error(&mut out, &request.reply_to(), code);
    Action::Reply(out)
}

/// A table's description: every partition on the same primary.
pub fn table_on(primary: RpcAddress, partitions: i32) -> QueryCfgResponse {
    QueryCfgResponse {
        err: ErrorCode::Ok,
        app_id: 2,
        partition_count: partitions,
        is_stateful: true,
        partitions: (0..partitions)
            .map(|index| PartitionConfiguration {
                pid: Gpid::new(2, index),
                ballot: 1,
                max_replica_count: 3,
                primary,
                ..PartitionConfiguration::default()
            })
            .collect(),
    }
}

/// A meta server whose description of the table can be changed.
pub fn meta_of(description: Arc<Mutex<QueryCfgResponse>>) -> FakeServer {
    FakeServer::start(move |request| ok(request, &*description.lock()))
}
