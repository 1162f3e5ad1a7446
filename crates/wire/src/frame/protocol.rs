//! Which protocol a connection speaks (wire-protocol.md section 1).

/// The protocol of a connection, told by its first four bytes and fixed for its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// `THFT` frames: official clients, and our servers among themselves.
    Thrift,
    /// `RDSN` frames: upstream's native clients.
    Rdsn,
    /// HTTP/1.x, GET or POST.
    Http,
    /// Anything else; the connection is closed.
    Unknown,
}

impl Protocol {
    /// Looks at the begin of what a connection has received; `None` means that it is too short.
    #[must_use]
    pub fn detect(received: &[u8]) -> Option<Self> {
        received.first_chunk::<4>().map(|first| match first {
            b"THFT" => Self::Thrift,
            b"RDSN" => Self::Rdsn,
            b"GET " | b"POST" => Self::Http,
            _ => Self::Unknown,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_bytes_decide() {
        assert_eq!(Protocol::detect(b"THF"), None);
        assert_eq!(Protocol::detect(b"THFT\0"), Some(Protocol::Thrift));
        assert_eq!(Protocol::detect(b"RDSN"), Some(Protocol::Rdsn));
        assert_eq!(Protocol::detect(b"GET /"), Some(Protocol::Http));
        assert_eq!(Protocol::detect(b"POST /"), Some(Protocol::Http));
        assert_eq!(Protocol::detect(b"PUT /"), Some(Protocol::Unknown));
    }
}
