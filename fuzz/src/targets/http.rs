//! The HTTP front with the configuration's pages behind it.

use std::rc::Rc;
use std::time::Duration;

use bytes::BytesMut;
use pegasus_common::config::RunningConfig;
use pegasus_replica::ReplicaServerConfig;
use pegasus_rpc::{HttpRequest, HttpResponse, Request, Service, config_pages, http};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::runtime::Builder;

use crate::input::{Input, pieces};
use crate::memory::MemoryBound;

/// What the connection holds in each direction.
const IN_FLIGHT_BYTES: usize = 4 << 10;
/// Longer than any input takes.
const PATIENCE: Duration = Duration::from_secs(60);

struct Pages(RunningConfig<ReplicaServerConfig>);

impl Service for Pages {
    fn on_request(&self, _: Request) {
        unreachable!("an HTTP connection carries no RPC");
    }

    fn on_http(&self, request: &HttpRequest) -> HttpResponse {
        config_pages::answer(&self.0, request)
            .unwrap_or_else(|| HttpResponse::not_found(&request.path))
    }
}

/// First byte: how the rest, a stream, is cut into pieces. The first piece is what a server has read
/// before it knows the protocol.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let pattern = input.byte();
    let stream = input.rest();
    let answered = MemoryBound::BUFFERS.check(stream.len(), || answers_to(stream, pattern));
    assert!(
        answered.is_empty() || answered.starts_with(b"HTTP/1."),
        "{}",
        answered.escape_ascii()
    );
}

fn answers_to(stream: &[u8], pattern: u8) -> Vec<u8> {
    let service = Rc::new(Pages(RunningConfig::new(ReplicaServerConfig::default())));
    let (client, server) = duplex(IN_FLIGHT_BYTES);
    let (mut reader, mut writer) = tokio::io::split(client);
    let mut pieces = pieces(stream, pattern);
    let prefix = BytesMut::from(pieces.next().unwrap_or_default());
    let runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let send = async {
            for piece in pieces {
                // The server may have closed.
                if writer.write_all(piece).await.is_err() {
                    break;
                }
            }
            drop(writer.shutdown().await);
        };
        let receive = async {
            let mut answers = Vec::new();
            drop(reader.read_to_end(&mut answers).await);
            answers
        };
        let (_, (), answers) = tokio::join!(
            http::serve(service, prefix, server, PATIENCE),
            send,
            receive
        );
        answers
    })
}
