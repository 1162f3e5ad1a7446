//! The reading side of a connection: finds the protocol, splits frames, dispatches requests.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use bytes::BytesMut;
use pegasus_common::ErrorCode;
use pegasus_common::RpcAddress;
use pegasus_wire::TaskCode;
use pegasus_wire::frame::Protocol;
use pegasus_wire::frame::RequestFrame;
use pegasus_wire::frame::response;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tracing::debug;
use tracing::warn;

use crate::framing::Framing;
use crate::gate::ConnectionPermit;
use crate::http;
use crate::limits::NetworkLimits;
use crate::listener::AdmittedConnection;
use crate::negotiation;
use crate::outputs::Admission;
use crate::outputs::ConnectionId;
use crate::outputs::ConnectionSignals;
use crate::outputs::Outputs;
use crate::outputs::ReplyTo;
use crate::service::Request;
use crate::service::Responder;
use crate::service::Service;
use crate::silence;
use crate::silence::INCOMING_SILENCE_MAX;

/// Room made before each read.
const READ_BYTES: usize = 16 << 10;

/// The connections of one shard and the service behind them.
#[derive(Debug)]
pub struct Inbound<S> {
    service: Rc<S>,
    outputs: Rc<Outputs>,
    limits: NetworkLimits,
}

impl<S: Service> Inbound<S> {
    /// Ties a service to the shard's connections.
    pub fn new(service: Rc<S>, outputs: Rc<Outputs>, limits: NetworkLimits) -> Rc<Self> {
        Rc::new(Self {
            service,
            outputs,
            limits,
        })
    }

    /// Serves a connection in a task of its own. Call on the shard's thread.
    pub fn serve(self: &Rc<Self>, connection: AdmittedConnection) {
        let inbound = Rc::clone(self);
        tokio::task::spawn_local(async move {
            let peer = connection.peer;
            if let Err(error) = inbound.run(connection).await {
                debug!(%peer, %error, "connection ended");
            }
        });
    }

    async fn run(self: Rc<Self>, connection: AdmittedConnection) -> io::Result<()> {
        let AdmittedConnection {
            stream,
            peer,
            permit,
        } = connection;
        let mut stream = TcpStream::from_std(stream)?;
        silence::prepare(&stream, INCOMING_SILENCE_MAX)?;
        let mut buffer = BytesMut::with_capacity(READ_BYTES);
        let protocol = loop {
            if let Some(protocol) = Protocol::detect(&buffer) {
                break protocol;
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        match protocol {
            Protocol::Thrift => {
                let framing = Framing::Thrift;
                self.run_framed(stream, peer, permit, buffer, framing).await
            }
            Protocol::Rdsn => {
                let framing = Framing::native(own_address(&stream)?);
                self.run_framed(stream, peer, permit, buffer, framing).await
            }
            Protocol::Http => {
                http::serve(Rc::clone(&self.service), buffer, stream).await;
                drop(permit);
                Ok(())
            }
            Protocol::Unknown => {
                warn!(%peer, first_bytes = %buffer[..buffer.len().min(4)].escape_ascii(),
                    "connection closed: its first bytes are of no protocol served here");
                Ok(())
            }
        }
    }

    async fn run_framed(
        self: Rc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        permit: ConnectionPermit,
        buffer: BytesMut,
        framing: Framing,
    ) -> io::Result<()> {
        let (reader, writer) = stream.into_split();
        let (id, signals) = self.outputs.open(writer, peer, permit, framing);
        let drain = {
            let (outputs, signals) = (Rc::clone(&self.outputs), Rc::clone(&signals));
            tokio::task::spawn_local(async move { outputs.run_drain(id, &signals).await })
        };
        let result = tokio::select! {
            result = self.read_requests(reader, peer, id, &signals, buffer) => result,
            () = signals.closed.notified() => Ok(()),
        };
        // What was answered already is still sent to a client that has only stopped sending.
        self.outputs.flush();
        self.outputs.close(id);
        drain.abort();
        result
    }

    async fn read_requests(
        &self,
        mut reader: impl AsyncRead + Unpin,
        peer: SocketAddr,
        id: ConnectionId,
        signals: &ConnectionSignals,
        mut buffer: BytesMut,
    ) -> io::Result<()> {
        loop {
            loop {
                // Before each request, not before each read: one read may hold hundreds of small
                // requests with large answers.
                while self.outputs.is_congested(id) && !signals.is_closed() {
                    signals.drained.notified().await;
                }
                if signals.is_closed() {
                    return Ok(());
                }
                let limit = self.limits.max_frame_bytes;
                match self.outputs.split_request(id, &mut buffer, limit) {
                    Ok(Some(frame)) => self.dispatch(id, frame),
                    Ok(None) => break,
                    Err(error) => {
                        warn!(%peer, %error, "connection closed: malformed request");
                        return Ok(());
                    }
                }
            }
            buffer.reserve(READ_BYTES);
            if reader.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        }
    }

    fn dispatch(&self, id: ConnectionId, frame: RequestFrame) {
        let refuse = |error| {
            let to = frame.reply_to();
            self.outputs
                .send(id, |out| response::encode_error(out, &to, error));
        };
        let Some(code) = frame.name.code() else {
            return refuse(ErrorCode::HandlerNotFound);
        };
        // Oneway requests too: every request ends with an answer or without one, and is then
        // counted off.
        if self.outputs.begin_request(id) == Admission::TooManyInFlight {
            return refuse(ErrorCode::Busy);
        }
        let to = ReplyTo {
            connection: id,
            seqid: frame.head.seqid,
            code,
        };
        let responder = Responder::new(to, Rc::clone(&self.outputs));
        if code == TaskCode::Negotiation {
            return negotiation::answer_disabled(responder);
        }
        let RequestFrame { head, argument, .. } = frame;
        self.service.on_request(Request {
            head,
            code,
            argument,
            responder,
        });
    }
}

/// The end of a connection that is this server's; nothing where that is no IPv4 address.
fn own_address(stream: &TcpStream) -> io::Result<RpcAddress> {
    Ok(match stream.local_addr()? {
        SocketAddr::V4(address) => RpcAddress::from_v4(address),
        SocketAddr::V6(_) => RpcAddress::INVALID,
    })
}
