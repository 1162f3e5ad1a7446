//! Accepting connections: one listening socket of a server, whose connections are handed to its
//! shards.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use pegasus_common::predecessor::take_over;
use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;
use tokio::net::TcpStream;
use tracing::warn;

use crate::arrivals::Arrivals;
use crate::doorstep::Doorstep;
use crate::doorstep::Judged;
use crate::gate::ConnectionGate;
use crate::gate::ConnectionPermit;
use crate::gate::ConnectionRefusal;

const BACKLOG: i32 = 1024;
/// Pause after an accept failed for want of descriptors or memory: nothing else can be waited for.
const PAUSE_AFTER_ACCEPT_ERROR: Duration = Duration::from_millis(100);
const REFUSALS_SAID_EVERY: Duration = Duration::from_secs(1);

/// A connection that was admitted and is on its way to its shard.
#[derive(Debug)]
pub struct AdmittedConnection {
    /// The socket, not registered with any event loop.
    pub stream: std::net::TcpStream,
    /// The other end.
    pub peer: SocketAddr,
    /// Held for the connection's life.
    pub permit: ConnectionPermit,
}

/// An address that is this process's, where nothing listens yet: whoever connects is refused.
#[derive(Debug)]
pub struct ReservedAddress {
    socket: Socket,
}

/// Takes an address, for which an earlier process may take `patience` to end. Port 0 takes a free one;
/// ask [`ReservedAddress::local_addr`] for it.
///
/// # Errors
/// The address is in use or not this machine's.
pub fn reserve(address: SocketAddr, patience: Duration) -> io::Result<ReservedAddress> {
    let is_held = |error: &io::Error| error.kind() == io::ErrorKind::AddrInUse;
    take_over(patience, is_held, || try_reserve(address))
}

fn try_reserve(address: SocketAddr) -> io::Result<ReservedAddress> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(ReservedAddress { socket })
}

impl ReservedAddress {
    /// The address with its real port.
    ///
    /// # Errors
    /// The system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let address = self.socket.local_addr()?.as_socket();
        address.ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
    }

    /// Listens from now on.
    ///
    /// # Errors
    /// Another process that reserved the same address was first.
    pub fn listen(self) -> io::Result<std::net::TcpListener> {
        self.socket.listen(BACKLOG)?;
        Ok(self.socket.into())
    }
}

/// Opens a listening socket, for whose address an earlier process may take `patience` to end. Port 0
/// takes a free one; ask `local_addr` for it.
///
/// # Errors
/// The address is in use or not this machine's.
pub fn bind(address: SocketAddr, patience: Duration) -> io::Result<std::net::TcpListener> {
    reserve(address, patience)?.listen()
}

/// Accepts for ever and hands each admitted connection to `deliver`, with the shard that is to serve it.
/// What the limits refuse waits until it is known to be another server of the cluster, or none.
///
/// # Errors
/// The listener cannot be registered with this event loop.
pub async fn accept_connections(
    listener: std::net::TcpListener,
    gate: Arc<ConnectionGate>,
    shards: NonZeroUsize,
    deliver: impl Fn(usize, AdmittedConnection),
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let (mut doorstep, mut refusals) = (Doorstep::default(), Refusals::default());
    let arrivals = Arrivals::to(shards.get());
    let accept = || async {
        let arrival = arrivals.place().await;
        let accepted = listener.accept().await?;
        Ok::<_, io::Error>((accepted, arrival))
    };
    let deliver = |shard, stream: TcpStream, peer, permit| match stream.into_std() {
        Ok(stream) => {
            let connection = AdmittedConnection {
                stream,
                peer,
                permit,
            };
            deliver(shard, connection);
        }
        Err(error) => warn!(%peer, %error, "connection lost between accept and its shard"),
    };
    loop {
        tokio::select! {
            accepted = accept() => match accepted {
                Ok(((stream, peer), arrival)) => match gate.admit(peer.ip()) {
                    Ok(permit) => {
                        deliver(arrival.shard, stream, peer, permit.on_its_way(arrival));
                    }
                    Err(refusal) => doorstep.receive(stream, peer, refusal),
                },
                Err(error) => {
                    warn!(%error, "accepting a connection failed");
                    tokio::time::sleep(PAUSE_AFTER_ACCEPT_ERROR).await;
                }
            },
            judged = doorstep.next(), if !doorstep.is_empty() => match judged {
                Some(Judged { stream: Some(stream), peer, .. }) => match gate.admit_server(peer.ip()) {
                    Ok(permit) => deliver(arrivals.next_shard(), stream, peer, permit),
                    Err(refusal) => refusals.note(peer, refusal),
                },
                Some(Judged { peer, refusal, .. }) => refusals.note(peer, refusal),
                None => refusals.note_silent(),
            },
        }
    }
}

/// Says in the log what was refused, but not for each of thousands of connections.
#[derive(Debug, Default)]
struct Refusals {
    last_said: Option<Instant>,
    /// Since then.
    unsaid: u64,
}

impl Refusals {
    fn note(&mut self, peer: SocketAddr, refusal: ConnectionRefusal) {
        let said_lately = |said: Instant| said.elapsed() < REFUSALS_SAID_EVERY;
        if self.last_said.is_some_and(said_lately) {
            self.unsaid += 1;
            return;
        }
        warn!(%peer, %refusal, others_before = self.unsaid, "connection refused");
        (self.last_said, self.unsaid) = (Some(Instant::now()), 0);
    }

    /// A connection that had to make room on the doorstep.
    fn note_silent(&mut self) {
        self.unsaid += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::net::Ipv4Addr;
    use std::sync::mpsc;
    use std::thread;

    use super::*;
    use crate::arrivals::ARRIVING_MAX;
    use crate::limits::NetworkLimits;

    #[tokio::test]
    async fn connections_that_no_shard_has_begun_to_serve_hold_back_others() {
        const MORE: usize = ARRIVING_MAX - 1;
        const ONE_SHARD: NonZeroUsize = NonZeroUsize::MIN;
        let listener = bind((Ipv4Addr::LOCALHOST, 0).into(), Duration::ZERO).unwrap();
        let address = listener.local_addr().unwrap();
        let clients: Vec<_> = (0..ARRIVING_MAX + MORE)
            .map(|_| std::net::TcpStream::connect(address).unwrap())
            .collect();
        let gate = ConnectionGate::new(&NetworkLimits::default());
        let delivered = RefCell::new(Vec::new());
        let accept = accept_connections(listener, Arc::clone(&gate), ONE_SHARD, |_, connection| {
            delivered.borrow_mut().push(connection);
        });
        let mut accept = std::pin::pin!(accept);
        let mut accept_until = async |count: usize| {
            std::future::poll_fn(|context| {
                assert!(accept.as_mut().poll(context).is_pending());
                match delivered.borrow().len() {
                    fewer if fewer < count => std::task::Poll::Pending,
                    _ => std::task::Poll::Ready(()),
                }
            })
            .await;
        };
        accept_until(ARRIVING_MAX).await;
        // Whatever may be accepted now is.
        tokio::task::yield_now().await;
        accept_until(0).await;
        assert_eq!(delivered.borrow().len(), ARRIVING_MAX);
        for connection in delivered.borrow_mut().iter_mut().take(MORE) {
            connection.permit.arrived();
        }
        accept_until(ARRIVING_MAX + MORE).await;
        assert_eq!(gate.open_connections(), clients.len());
    }

    #[test]
    fn an_address_that_becomes_free_is_taken() {
        let held = bind((std::net::Ipv4Addr::LOCALHOST, 0).into(), Duration::ZERO).unwrap();
        let address = held.local_addr().unwrap();
        let refused = bind(address, Duration::ZERO).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
        let (tell, waiting) = mpsc::channel();
        let next = thread::spawn(move || {
            tell.send(()).unwrap();
            bind(address, Duration::from_secs(60))
        });
        waiting.recv().unwrap();
        drop(held);
        next.join().unwrap().unwrap();
    }
}
