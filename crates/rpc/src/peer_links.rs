//! One-way links from a shard to other servers: what a turn has for a server goes out with one send.
//!
//! A link carries oneway messages in order while it lives and loses what it had when it breaks. Who
//! uses it must be able to send again: [`PeerEvents::on_connected`] says when. Nothing waits for a
//! server that is away.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::io;
use std::io::ErrorKind;
use std::io::IoSlice;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use std::time::Instant;

use bytes::Buf;
use bytes::Bytes;
use pegasus_common::RpcAddress;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::Notify;
use tracing::debug;
use tracing::info;
use tracing::warn;

use crate::silence;
use crate::silence::OUTGOING_SILENCE_MAX;

/// A server that is there takes a connection at once. Shorter than the pause in which the system sends
/// a lost request for a connection again: a new attempt is a new request.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
const RECONNECT_DELAY_MIN: Duration = Duration::from_millis(20);
const RECONNECT_DELAY_MAX: Duration = Duration::from_secs(1);
/// A link that broke sooner than this is not made anew any faster than one that failed.
const STEADY_AFTER: Duration = Duration::from_secs(1);
/// Links of one shard. Addresses come in messages: they must not make links without end.
const LINKS_MAX: usize = 1_024;
/// More slices in one `writev` bring nothing.
const SLICES_MAX: usize = 64;
/// A peer that takes nothing is cut off when this much waits for it.
const STAGED_BYTES_MAX: usize = 64 << 20;

/// What the user of the links hears.
pub trait PeerEvents: 'static {
    /// A link (again) reaches `peer`; everything sent on an earlier one may be lost.
    fn on_connected(&self, peer: RpcAddress);
    /// A link to `peer` stood once, was lost, and now the peer's machine refuses another: no process
    /// listens there. Said again for each attempt. It is no proof that the process has ended.
    fn on_refused(&self, peer: RpcAddress);
    /// The first message of every link to `peer`, a complete frame.
    fn hello(&self, peer: RpcAddress) -> Bytes;
}

#[derive(Debug, Default)]
struct Link {
    writer: Option<OwnedWriteHalf>,
    staged: VecDeque<Bytes>,
    staged_bytes: usize,
    is_dirty: bool,
    is_blocked: bool,
    /// Somebody has used the link since the last look: one that fails and that nobody wants is
    /// forgotten.
    is_wanted: bool,
    /// Since when a link that stood once is down.
    lost: Option<Instant>,
    wake: Rc<LinkSignals>,
}

#[derive(Debug, Default)]
struct LinkSignals {
    blocked: Notify,
    broken: Notify,
    reconnect_now: Notify,
}

/// The links of one shard, made on first use.
pub struct PeerLinks {
    links: RefCell<BTreeMap<RpcAddress, Link>>,
    dirty: RefCell<Vec<RpcAddress>>,
    events: RefCell<Option<Rc<dyn PeerEvents>>>,
}

impl std::fmt::Debug for PeerLinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PeerLinks")
            .field("links", &self.links)
            .finish_non_exhaustive()
    }
}

impl PeerLinks {
    /// No links yet.
    #[must_use]
    pub fn new() -> Rc<Self> {
        Rc::new(Self {
            links: RefCell::default(),
            dirty: RefCell::default(),
            events: RefCell::default(),
        })
    }

    /// Says who hears of connections. Must be called before the first [`PeerLinks::send`].
    pub fn set_events(&self, events: Rc<dyn PeerEvents>) {
        *self.events.borrow_mut() = Some(events);
    }

    /// Stages a frame for `peer`. It is dropped if no link reaches the peer now.
    pub fn send(self: &Rc<Self>, peer: RpcAddress, frame: Bytes) {
        let mut links = self.links.borrow_mut();
        let Some(link) = links.get_mut(&peer) else {
            drop(links);
            self.open(peer);
            return;
        };
        link.is_wanted = true;
        if link.writer.is_none() {
            return;
        }
        if link.staged_bytes + frame.len() > STAGED_BYTES_MAX {
            warn!(%peer, bytes = link.staged_bytes, "link cut: the peer takes nothing");
            link.break_off();
            return;
        }
        link.stage(frame);
        if !link.is_dirty && !link.is_blocked {
            link.is_dirty = true;
            self.dirty.borrow_mut().push(peer);
        }
    }

    /// Makes sure that a link to `peer` exists and connects without waiting for its next try: the
    /// peer is known to be there.
    pub fn reach(self: &Rc<Self>, peer: RpcAddress) {
        if let Some(link) = self.links.borrow_mut().get_mut(&peer) {
            link.is_wanted = true;
            if link.writer.is_none() {
                link.wake.reconnect_now.notify_one();
            }
            return;
        }
        self.open(peer);
    }

    /// Whether a link to `peer` stands.
    #[must_use]
    pub fn is_connected(&self, peer: RpcAddress) -> bool {
        self.links
            .borrow()
            .get(&peer)
            .is_some_and(|link| link.writer.is_some())
    }

    /// The peers whose link stood once and has been down for `at_least`. A peer that was never
    /// reached is none of them: it may just be starting.
    #[must_use]
    pub fn down_for(&self, at_least: Duration) -> Vec<RpcAddress> {
        let links = self.links.borrow();
        let is_down = |link: &Link| link.lost.is_some_and(|lost| lost.elapsed() >= at_least);
        let down = links.iter().filter(|(_, link)| is_down(link));
        down.map(|(&peer, _)| peer).collect()
    }

    /// Sends what the turn staged.
    pub fn flush(&self) {
        let mut links = self.links.borrow_mut();
        for peer in self.dirty.borrow_mut().drain(..) {
            let Some(link) = links.get_mut(&peer) else {
                continue;
            };
            link.is_dirty = false;
            if let Err(error) = link.write_some() {
                debug!(%peer, %error, "link lost while sending");
                link.break_off();
            } else if link.staged_bytes > 0 {
                link.is_blocked = true;
                link.wake.blocked.notify_one();
            }
        }
    }

    fn open(self: &Rc<Self>, peer: RpcAddress) {
        let Some(address) = peer.to_socket_addr() else {
            return;
        };
        let mut links = self.links.borrow_mut();
        if links.len() >= LINKS_MAX {
            debug!(%peer, max = LINKS_MAX, "no link made: there are too many");
            return;
        }
        let link = Link {
            is_wanted: true,
            ..Link::default()
        };
        let signals = Rc::clone(&link.wake);
        links.insert(peer, link);
        drop(links);
        let links = Rc::clone(self);
        tokio::task::spawn_local(async move { links.keep_connected(peer, address, signals).await });
    }

    async fn keep_connected(
        self: Rc<Self>,
        peer: RpcAddress,
        address: SocketAddr,
        signals: Rc<LinkSignals>,
    ) {
        let mut delay = RECONNECT_DELAY_MIN;
        loop {
            match connect(address).await {
                Ok((reader, writer)) => {
                    info!(%peer, "link connected");
                    let since = Instant::now();
                    self.connected(peer, writer);
                    self.run_link(peer, reader, &signals).await;
                    if let Some(link) = self.links.borrow_mut().get_mut(&peer) {
                        link.break_off();
                        link.lost = Some(Instant::now());
                    }
                    info!(%peer, "link lost");
                    if since.elapsed() >= STEADY_AFTER {
                        delay = RECONNECT_DELAY_MIN;
                    }
                }
                Err(error) => {
                    debug!(%peer, %error, "peer not reached");
                    if error.kind() == ErrorKind::ConnectionRefused {
                        self.refused(peer);
                    }
                }
            }
            if delay == RECONNECT_DELAY_MAX && !self.is_still_wanted(peer) {
                self.links.borrow_mut().remove(&peer);
                debug!(%peer, "link forgotten: nobody uses it");
                return;
            }
            // Also after a link: a peer that accepts and closes must not be tried without pause.
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = signals.reconnect_now.notified() => {}
            }
            delay = (delay * 2).min(RECONNECT_DELAY_MAX);
        }
    }

    fn is_still_wanted(&self, peer: RpcAddress) -> bool {
        let mut links = self.links.borrow_mut();
        links
            .get_mut(&peer)
            .is_some_and(|link| std::mem::take(&mut link.is_wanted))
    }

    fn connected(self: &Rc<Self>, peer: RpcAddress, writer: OwnedWriteHalf) {
        if let Some(link) = self.links.borrow_mut().get_mut(&peer) {
            link.writer = Some(writer);
            link.is_blocked = false;
            link.lost = None;
        }
        let events = self.events.borrow().clone();
        if let Some(events) = events {
            self.send(peer, events.hello(peer));
            events.on_connected(peer);
        }
    }

    fn refused(&self, peer: RpcAddress) {
        let links = self.links.borrow();
        let has_stood = links.get(&peer).is_some_and(|link| link.lost.is_some());
        drop(links);
        let events = self.events.borrow().clone();
        if let Some(events) = events.filter(|_| has_stood) {
            events.on_refused(peer);
        }
    }

    /// Until the link breaks: notices the end of the connection and sends what once blocked.
    async fn run_link(&self, peer: RpcAddress, mut reader: OwnedReadHalf, signals: &LinkSignals) {
        let mut ignored = [0_u8; 64];
        // What is sent when a link is made may be too much for it already.
        while self.is_connected(peer) {
            tokio::select! {
                read = reader.read(&mut ignored) => match read {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {} // links are one-way; nothing of this side is an answer
                },
                () = signals.broken.notified() => return,
                () = self.drain(peer, signals) => return,
            }
        }
    }

    async fn drain(&self, peer: RpcAddress, signals: &LinkSignals) {
        loop {
            if !self
                .links
                .borrow()
                .get(&peer)
                .is_some_and(|link| link.is_blocked)
            {
                signals.blocked.notified().await;
            }
            std::future::poll_fn(|context| {
                let links = self.links.borrow();
                match links.get(&peer).and_then(|link| link.writer.as_ref()) {
                    Some(writer) => writer.as_ref().poll_write_ready(context).map(|_| ()),
                    None => std::task::Poll::Ready(()),
                }
            })
            .await;
            let mut links = self.links.borrow_mut();
            let Some(link) = links.get_mut(&peer) else {
                return;
            };
            if link.write_some().is_err() {
                return;
            }
            link.is_blocked = link.staged_bytes > 0;
        }
    }
}

impl Link {
    fn stage(&mut self, frame: Bytes) {
        self.staged_bytes += frame.len();
        self.staged.push_back(frame);
    }

    fn break_off(&mut self) {
        self.writer = None;
        self.staged.clear();
        self.staged_bytes = 0;
        self.is_blocked = false;
        self.wake.broken.notify_waiters();
    }

    fn write_some(&mut self) -> io::Result<()> {
        let Some(writer) = &self.writer else {
            return Ok(());
        };
        while self.staged_bytes > 0 {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let count = self.staged.len().min(SLICES_MAX);
            for (slice, frame) in slices.iter_mut().zip(&self.staged) {
                *slice = IoSlice::new(frame);
            }
            match writer.try_write_vectored(&slices[..count]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.staged_bytes -= written;
                    consume(&mut self.staged, written);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Drops the first `written` bytes of the staged frames.
fn consume(staged: &mut VecDeque<Bytes>, mut written: usize) {
    while written > 0 {
        let Some(first) = staged.front_mut() else {
            return;
        };
        if written < first.len() {
            first.advance(written);
            return;
        }
        written -= first.len();
        staged.pop_front();
    }
}

async fn connect(address: SocketAddr) -> io::Result<(OwnedReadHalf, OwnedWriteHalf)> {
    let stream = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address))
        .await
        .map_err(|_| io::Error::from(ErrorKind::TimedOut))??;
    refuse_self_connection(&stream)?;
    silence::prepare(&stream, OUTGOING_SILENCE_MAX)?;
    Ok(stream.into_split())
}

/// On the local machine the system may pick the very port that is being connected to as the source
/// port: the socket is then connected to itself, and keeps the server it was meant for from
/// listening again.
pub(crate) fn refuse_self_connection(stream: &TcpStream) -> io::Result<()> {
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(ErrorKind::ConnectionRefused.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
