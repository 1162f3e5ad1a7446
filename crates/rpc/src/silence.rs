//! How long a connection may live without reaching its other end.
//!
//! Left alone, TCP doubles its pause with each packet that is lost: after a network was cut for ten
//! seconds it may stay silent for ten more, and a connection on which nothing is sent never notices
//! anything. A new connection works at once. So every connection has a bound on silence: what the
//! other machine has not acknowledged within it ends the connection, and one on which nothing is
//! sent is probed.
//!
//! It is the other *machine* that must be heard: its kernel acknowledges for a process that is busy
//! or stopped, until that process's receive buffer is full.

use std::io;
use std::time::Duration;

use socket2::SockRef;
use socket2::TcpKeepalive;
use tokio::net::TcpStream;

/// For connections that this side has made, and can make again.
pub(crate) const OUTGOING_SILENCE_MAX: Duration = Duration::from_secs(2);
/// For connections that a client has made. Only what they hold here is at stake, and a client that
/// takes no answers for a while (a debugger, a long garbage collection) shall not lose them.
pub(crate) const INCOMING_SILENCE_MAX: Duration = Duration::from_secs(30);

/// Pause between two probes of a connection that has not answered the last one.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// Prepares a new connection: small messages leave at once, and it ends when the other machine has
/// been silent for longer than `silence_max`; one on which nothing was to be said, some probes later.
pub(crate) fn prepare(stream: &TcpStream, silence_max: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_user_timeout(Some(silence_max))?;
    let probes = TcpKeepalive::new()
        .with_time(silence_max.max(PROBE_INTERVAL))
        .with_interval(PROBE_INTERVAL);
    socket.set_tcp_keepalive(&probes)
}
