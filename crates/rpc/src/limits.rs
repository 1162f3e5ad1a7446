//! What a server accepts from the network. Each limit has a configuration key in `[network]`, a
//! default and a defined refusal.

use std::net::SocketAddr;
use std::time::Duration;

use pegasus_common::RpcAddress;
use pegasus_common::address::ParseAddressError;

pegasus_common::config_section! {
    /// The listening socket, shared by RPC and HTTP.
    "network" => NetworkSection {
        /// IPv4 address and port to listen on, and by which other servers and clients find this
        /// one.
        address: String = String::new(),
        /// The largest request frame; a connection that announces more is closed. Bytes.
        max_frame_bytes: usize = 64 << 20 => 4_096..=1 << 31,
        /// Connections in all. The next one is closed, unless it is another server's.
        max_connections: usize = 10_000 => 1..=1_000_000,
        /// Connections from one client address, other servers' not counted as too many; 0 is no limit.
        conn_threshold_per_ip: usize = 0,
        /// Unanswered requests of one connection; the next one is answered ERR_BUSY.
        max_requests_in_flight_per_connection: u32 = 10_000 => 1..=1_000_000,
        /// Replies that a client has not taken; past this its connection is not read. Bytes.
        max_unsent_reply_bytes: usize = 4 << 20 => 65_536..=1 << 30,
        /// The same for all connections together: past this a connection with any such replies is not
        /// read, and slow reads are answered ERR_BUSY; an eighth of it is enough for the slow reads of
        /// one connection. Bytes.
        max_unsent_reply_bytes_total: usize = 512 << 20 => 1 << 20..=1 << 40,
        /// Parts of requests that are not complete, of all connections together: past this a connection
        /// with more than 2 MiB of one is closed. Bytes.
        max_partial_request_bytes_total: usize = 512 << 20 => 1 << 20..=1 << 40,
        /// A connection without a whole request for so long is closed while more than half of
        /// max_connections are there, and one of HTTP in any case. Seconds.
        first_request_patience_seconds: u64 = 60 => 1..=86_400,
    }
}

impl NetworkSection {
    /// The limits in the form that the network code takes.
    #[must_use]
    pub fn limits(&self) -> NetworkLimits {
        NetworkLimits {
            max_frame_bytes: self.max_frame_bytes,
            max_connections: self.max_connections,
            connections_per_ip_max: self.conn_threshold_per_ip,
            requests_in_flight_max: self.max_requests_in_flight_per_connection,
            unsent_reply_bytes_max: self.max_unsent_reply_bytes,
            unsent_reply_bytes_total_max: self.max_unsent_reply_bytes_total,
            partial_request_bytes_total_max: self.max_partial_request_bytes_total,
            first_request_patience: Duration::from_secs(self.first_request_patience_seconds),
        }
    }

    /// The address to listen on; port 0 takes a free one.
    ///
    /// # Errors
    /// The text is no IPv4 address with a port.
    pub fn socket_address(&self) -> Result<SocketAddr, ParseAddressError> {
        let address: RpcAddress = self.address.parse()?;
        // An address that was parsed is valid: its type bits say IPv4.
        Ok(address
            .to_socket_addr()
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0))))
    }
}

/// Limits of a server's listening side.
#[derive(Clone, Debug)]
pub struct NetworkLimits {
    /// `max_frame_bytes`: a request frame that announces more closes its connection with a log line.
    /// The limit on writes (`max_allowed_write_size`) is lower and answers an error.
    pub max_frame_bytes: usize,
    /// `max_connections`: the next connection is closed, unless it is another server's.
    pub max_connections: usize,
    /// `conn_threshold_per_ip`: connections from one address; 0 is no limit (upstream's default).
    pub connections_per_ip_max: usize,
    /// `max_requests_in_flight_per_connection`: the next request is answered `ERR_BUSY`.
    pub requests_in_flight_max: u32,
    /// `max_unsent_reply_bytes`: past this a connection is not read until its client has taken
    /// replies.
    pub unsent_reply_bytes_max: usize,
    /// `max_unsent_reply_bytes_total`: past this no connection with unsent replies is read, and slow
    /// reads are refused.
    pub unsent_reply_bytes_total_max: usize,
    /// `max_partial_request_bytes_total`: past this a connection with a large part of a request is
    /// closed.
    pub partial_request_bytes_total_max: usize,
    /// `first_request_patience_seconds`: how long a connection may be without a request. Released
    /// clients connect to all servers long before they need them, so that a connection is closed only
    /// where it is in the way of others.
    pub first_request_patience: Duration,
}

impl Default for NetworkLimits {
    fn default() -> Self {
        NetworkSection::default().limits()
    }
}
