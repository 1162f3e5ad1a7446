//! Where a server is: [`RpcAddress`] (IPv4 and port in 64 bits, the wire form that every released
//! client understands) and [`HostPort`] (the text form).

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::str::FromStr;

/// An address as the wire has it (wire-protocol.md section 4.2): bits 63..32 the IPv4 address, bits
/// 31..16 the port, bits 1..0 the type (0 invalid, 1 IPv4). Zero is "no server".
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RpcAddress(u64);

const TYPE_MASK: u64 = 0b11;
const TYPE_IPV4: u64 = 1;

impl RpcAddress {
    /// No server.
    pub const INVALID: Self = Self(0);

    /// The address of an IPv4 endpoint.
    #[must_use]
    pub fn from_v4(address: SocketAddrV4) -> Self {
        let ip = u64::from(u32::from(*address.ip()));
        Self(ip << 32 | u64::from(address.port()) << 16 | TYPE_IPV4)
    }

    /// Takes the wire form. Types other than "invalid" and "IPv4" become [`RpcAddress::INVALID`]:
    /// nothing here can use them, and upstream's readers abort on them.
    #[must_use]
    pub const fn from_u64(packed: u64) -> Self {
        if packed & TYPE_MASK == TYPE_IPV4 {
            Self(packed)
        } else {
            Self::INVALID
        }
    }

    /// The wire form.
    #[must_use]
    pub const fn to_u64(self) -> u64 {
        self.0
    }

    /// Whether this names a server.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.0 != 0
    }

    /// The endpoint, if this names one.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn to_socket_addr(self) -> Option<SocketAddr> {
        self.is_valid().then(|| {
            let ip = Ipv4Addr::from((self.0 >> 32) as u32);
            SocketAddr::V4(SocketAddrV4::new(ip, (self.0 >> 16) as u16))
        })
    }

    /// `None` for [`RpcAddress::INVALID`], so that optional members need no second representation.
    #[must_use]
    pub fn valid(self) -> Option<Self> {
        self.is_valid().then_some(self)
    }
}

impl From<SocketAddrV4> for RpcAddress {
    fn from(address: SocketAddrV4) -> Self {
        Self::from_v4(address)
    }
}

impl fmt::Display for RpcAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_socket_addr() {
            Some(address) => address.fmt(f),
            None => f.write_str("invalid address"),
        }
    }
}

impl fmt::Debug for RpcAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text was no `ip:port`.
#[derive(Debug, thiserror::Error)]
#[error("'{text}' is no server address: expected <IPv4>:<port>, for example 127.0.0.1:34801")]
pub struct ParseAddressError {
    text: String,
}

impl FromStr for RpcAddress {
    type Err = ParseAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed: Result<SocketAddrV4, _> = text.trim().parse();
        parsed.map(Self::from_v4).map_err(|_| ParseAddressError {
            text: text.to_owned(),
        })
    }
}

/// A server's name and port. The empty one is "no server".
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPort {
    /// Host name or textual IP address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl HostPort {
    /// Whether this names a server.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        !self.host.is_empty()
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// The text was no `host:port`.
#[derive(Debug, thiserror::Error)]
#[error("'{text}' is no server name: expected <host>:<port>, for example localhost:34601")]
pub struct ParseHostPortError {
    text: String,
}

impl FromStr for HostPort {
    type Err = ParseHostPortError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseHostPortError {
            text: text.to_owned(),
        };
        let (host, port) = text.trim().rsplit_once(':').ok_or_else(error)?;
        if host.is_empty() {
            return Err(error());
        }
        let port = port.parse().map_err(|_| error())?;
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rpc_address_has_the_documented_bits() {
        let address: RpcAddress = "10.1.2.3:34601".parse().unwrap();
        assert_eq!(address.to_u64(), 0x0a01_0203_8729_0001);
        assert_eq!(address.to_string(), "10.1.2.3:34601");
        let local: RpcAddress = "127.0.0.1:34801".parse().unwrap();
        assert_eq!(local.to_u64(), 0x7f00_0001_87f1_0001);
    }

    #[test]
    fn unknown_address_types_become_invalid() {
        assert_eq!(
            RpcAddress::from_u64(0x7f00_0001_87f1_0002),
            RpcAddress::INVALID
        );
        assert_eq!(RpcAddress::from_u64(0).valid(), None);
    }

    #[test]
    fn host_port_parses_and_names_what_is_wrong() {
        let host: HostPort = "localhost:34601".parse().unwrap();
        assert_eq!((host.host.as_str(), host.port), ("localhost", 34601));
        assert!(":1".parse::<HostPort>().is_err());
        assert!(
            "host"
                .parse::<HostPort>()
                .unwrap_err()
                .to_string()
                .contains("'host'")
        );
    }
}
