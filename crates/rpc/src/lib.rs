//! Sockets: whoever listens, connects, reads and writes does it here.
//!
//! * A server's half: [`turn`] is the event loop of a shard and its end-of-turn hook; [`listener`]
//!   and [`gate`] admit connections; [`Inbound`] reads them and dispatches requests to a
//!   [`Service`]; [`Outputs`] stages the answers and sends them at the end of the turn; [`http`]
//!   shares the port.
//! * Between shards: [`Mailbox`] inside a process, [`PeerLinks`] between servers.
//! * A client's half: [`Session`] is one connection with pipelined calls, [`SessionPool`] one for
//!   each server.
//!
//! It knows frames and names, and nothing of what requests mean.

mod arrivals;
pub mod config_pages;
mod connection_signals;
mod doorstep;
mod framing;
pub mod gate;
mod held;
pub mod http;
mod inbound;
mod input;
pub mod limits;
pub mod listener;
mod mailbox;
pub mod names;
mod negotiation;
mod outputs;
mod peer_links;
mod service;
mod session;
mod session_calls;
mod session_driver;
mod session_error;
mod session_pool;
#[cfg(test)]
mod session_tests;
mod silence;
pub mod turn;

pub use gate::ConnectionGate;
pub use gate::SERVERS_BEYOND_LIMITS_MAX;
pub use held::HeldAccount;
pub use held::HeldBytes;
pub use http::HttpRequest;
pub use http::HttpResponse;
pub use inbound::Inbound;
pub use limits::NetworkLimits;
pub use limits::NetworkSection;
pub use listener::AdmittedConnection;
pub use mailbox::Mailbox;
pub use mailbox::MailboxSender;
pub use outputs::ConnectionId;
pub use outputs::Encoded;
pub use outputs::Outputs;
pub use outputs::ReplyTo;
pub use peer_links::PeerEvents;
pub use peer_links::PeerLinks;
pub use service::Request;
pub use service::Responder;
pub use service::Service;
pub use session::Response;
pub use session::RoutingHeader;
pub use session::Session;
pub use session::SessionOptions;
pub use session_error::CallError;
pub use session_error::CloseReason;
pub use session_error::RequestFate;
pub use session_pool::SessionPool;
pub use turn::ShardRuntime;
