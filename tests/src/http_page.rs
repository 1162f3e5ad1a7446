//! The HTTP pages of a server.

use crate::raw_socket::{Ending, RawSocket};

/// Status and body of a page.
///
/// # Panics
/// The server does not answer as HTTP wants it.
#[must_use]
pub fn get(address: &str, path: &str) -> (u16, String) {
    let mut socket = RawSocket::open(address);
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(socket.send(request.as_bytes()));
    let Ending::Closed(answer) = socket.ending() else {
        panic!("{address}{path}: no end");
    };
    let answer = String::from_utf8(answer).expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    (status.expect("a status"), body.to_owned())
}

/// The value of a metric of the server as a whole.
///
/// # Panics
/// There is no such metric.
#[must_use]
pub fn metric(address: &str, name: &str) -> f64 {
    let (_, text) = get(address, "/metrics");
    let is_it = |line: &&str| !line.starts_with('#') && line.contains(name);
    let line = text.lines().find(is_it);
    let line = line.unwrap_or_else(|| panic!("{address} has no metric {name}"));
    let value = line.rsplit(' ').next().and_then(|value| value.parse().ok());
    value.unwrap_or_else(|| panic!("{address}: {line}"))
}
