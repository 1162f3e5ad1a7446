//! The HTTP pages of a server.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::raw_socket::{Ending, RawSocket};

/// How long a server that may stand still is given to answer.
const PATIENCE: Duration = Duration::from_millis(300);

/// Status and body of a page.
///
/// # Panics
/// The server does not answer as HTTP wants it.
#[must_use]
pub fn get(address: &str, path: &str) -> (u16, String) {
    let mut socket = RawSocket::open(address);
    assert!(socket.send(request(path).as_bytes()));
    let Ending::Closed(answer) = socket.ending() else {
        panic!("{address}{path}: no end");
    };
    status_and_body(&answer).expect("a status, a head and a body")
}

/// The body of a page of a server that may be gone or stand still.
pub async fn try_get(address: &str, path: &str) -> Option<String> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request(path).as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = timeout(PATIENCE, exchange).await.ok()?.ok()?;
    status_and_body(&answer).map(|(_, body)| body)
}

fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
}

fn status_and_body(answer: &[u8]) -> Option<(u16, String)> {
    let answer = std::str::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
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
