//! Where connections wait that the limits refuse, until it is known whose they are.
//!
//! Clients may fill a server up to its limits. Other servers of the cluster must reach it all the same: a
//! replica server without its peers cannot write, and one that does not reach the meta server loses its
//! lease. So a connection too many may say one thing. If that is a request that only servers send, it is
//! admitted beyond the limits; else it is closed.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use pegasus_wire::frame::request::code_at_begin;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::gate::ConnectionRefusal;

/// A server speaks as soon as its connection stands.
const PATIENCE: Duration = Duration::from_millis(500);
/// Connections that may wait. The oldest gives way: a server is known within a round trip, and only
/// connections that say nothing become old.
const WAITING_MAX: usize = 256;
/// More than header and name of a request.
const FIRST_BYTES: usize = 256;

/// A connection that the limits refuse, and what it turned out to be.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) peer: SocketAddr,
    /// Why it was refused at first.
    pub(crate) refusal: ConnectionRefusal,
    /// The socket, if the other end is a server of the cluster; closed if not.
    pub(crate) stream: Option<TcpStream>,
}

/// The connections that wait.
#[derive(Debug, Default)]
pub(crate) struct Doorstep {
    waiting: JoinSet<Judged>,
    /// Oldest first; those that are done are still among them for a while.
    by_age: VecDeque<AbortHandle>,
}

impl Doorstep {
    /// Lets a connection wait.
    pub(crate) fn receive(
        &mut self,
        stream: TcpStream,
        peer: SocketAddr,
        refusal: ConnectionRefusal,
    ) {
        if self.by_age.len() >= WAITING_MAX {
            self.by_age.retain(|waiting| !waiting.is_finished());
        }
        if self.by_age.len() >= WAITING_MAX
            && let Some(oldest) = self.by_age.pop_front()
        {
            oldest.abort();
        }
        let waiting = self.waiting.spawn(async move {
            let is_server = timeout(PATIENCE, is_of_a_server(&stream)).await;
            Judged {
                peer,
                refusal,
                stream: is_server.unwrap_or(false).then_some(stream),
            }
        });
        self.by_age.push_back(waiting);
    }

    /// The next connection that was judged; `None` while none waits, and for one that gave way to others.
    pub(crate) async fn next(&mut self) -> Option<Judged> {
        self.waiting.join_next().await?.ok()
    }

    /// Whether [`Doorstep::next`] has something to wait for.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

/// Whether the first bytes are a request that only servers send. Takes nothing from the connection. The
/// first bytes that arrive must tell: a server sends a request in one piece.
async fn is_of_a_server(stream: &TcpStream) -> bool {
    let mut first = [0; FIRST_BYTES];
    let Ok(length) = stream.peek(&mut first).await else {
        return false;
    };
    code_at_begin(&first[..length]).is_some_and(|code| code.kind().is_between_servers())
}

#[cfg(test)]
mod tests;
