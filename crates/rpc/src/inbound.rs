//! The reading side of a connection: finds the protocol, splits frames, dispatches requests.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use pegasus_common::ErrorCode;
use pegasus_common::RpcAddress;
use pegasus_wire::TaskCode;
use pegasus_wire::frame::Protocol;
use pegasus_wire::frame::RequestFrame;
use pegasus_wire::frame::response;
use tokio::io::AsyncRead;
use tokio::net::TcpStream;
use tracing::debug;
use tracing::warn;

use crate::connection_signals::ConnectionSignals;
use crate::framing::Framing;
use crate::gate::ConnectionPermit;
use crate::http;
use crate::input::Input;
use crate::limits::NetworkLimits;
use crate::listener::AdmittedConnection;
use crate::negotiation;
use crate::outputs::Admission;
use crate::outputs::ConnectionId;
use crate::outputs::Outputs;
use crate::outputs::ReplyTo;
use crate::service::Request;
use crate::service::Responder;
use crate::service::Service;
use crate::silence;
use crate::silence::INCOMING_SILENCE_MAX;

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
            mut permit,
        } = connection;
        permit.arrived();
        let mut stream = TcpStream::from_std(stream)?;
        silence::prepare(&stream, INCOMING_SILENCE_MAX)?;
        let mut input = Input::of(peer, &permit, &self.limits);
        let protocol = loop {
            if let Some(protocol) = Protocol::detect(&input.buffer) {
                break protocol;
            }
            if input.read(&mut stream).await? == 0 {
                return Ok(());
            }
        };
        match protocol {
            Protocol::Thrift => {
                self.run_framed(input, stream, permit, Framing::Thrift)
                    .await
            }
            Protocol::Rdsn => {
                let framing = Framing::native(own_address(&stream)?);
                self.run_framed(input, stream, permit, framing).await
            }
            Protocol::Http => {
                let patience = self.limits.first_request_patience;
                http::serve(Rc::clone(&self.service), input.buffer, stream, patience).await;
                drop(permit);
                Ok(())
            }
            Protocol::Unknown => {
                let first_bytes = input.buffer.iter().take(4).copied();
                let first_bytes: Vec<u8> = first_bytes.collect();
                warn!(%peer, first_bytes = %first_bytes.escape_ascii(),
                    "connection closed: its first bytes are of no protocol served here");
                Ok(())
            }
        }
    }

    async fn run_framed(
        self: Rc<Self>,
        input: Input,
        stream: TcpStream,
        permit: ConnectionPermit,
        framing: Framing,
    ) -> io::Result<()> {
        let (reader, writer) = stream.into_split();
        let (id, signals) = self.outputs.open(writer, input.peer, permit, framing);
        let drain = {
            let (outputs, signals) = (Rc::clone(&self.outputs), Rc::clone(&signals));
            tokio::task::spawn_local(async move { outputs.run_drain(id, &signals).await })
        };
        let result = tokio::select! {
            result = self.read_requests(reader, id, &signals, input) => result,
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
        id: ConnectionId,
        signals: &ConnectionSignals,
        mut input: Input,
    ) -> io::Result<()> {
        loop {
            loop {
                // Before each request, not before each read: one read may hold hundreds of small
                // requests with large answers.
                while self.outputs.is_congested(id) && !signals.is_closed() {
                    signals.wait_drained().await;
                }
                if signals.is_closed() {
                    return Ok(());
                }
                let limit = self.limits.max_frame_bytes;
                match self.outputs.split_request(id, &mut input.buffer, limit) {
                    Ok(Some(frame)) => {
                        input.took(frame.head.body_len);
                        self.dispatch(id, frame);
                    }
                    Ok(None) => break,
                    Err(error) => {
                        warn!(peer = %input.peer, %error, "connection closed: malformed request");
                        return Ok(());
                    }
                }
            }
            if input.read(&mut reader).await? == 0 {
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
