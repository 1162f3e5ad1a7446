//! A connection for tests, which waits for a server only so long.

use std::net::TcpStream;
use std::time::Duration;

/// Connects. Reads and writes fail when they have waited for `patience`.
///
/// # Panics
/// The server does not accept.
pub(crate) fn patient_stream(address: &str, patience: Duration) -> TcpStream {
    let stream = TcpStream::connect(address)
        .unwrap_or_else(|error| panic!("cannot connect to {address}: {error}"));
    let patience = Some(patience);
    let prepared = stream
        .set_nodelay(true)
        .and_then(|()| stream.set_read_timeout(patience))
        .and_then(|()| stream.set_write_timeout(patience));
    prepared.expect("a TCP socket");
    stream
}
