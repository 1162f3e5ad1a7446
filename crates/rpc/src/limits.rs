//! What a server accepts from the network. Each limit has a configuration key in `[network]`, a
//! default and a defined refusal.

/// Limits of a server's listening side.
#[derive(Clone, Debug)]
pub struct NetworkLimits {
    /// `max_frame_bytes`: a request frame that announces more closes its connection with a log line.
    /// The limit on writes (`max_allowed_write_size`) is lower and answers an error.
    pub max_frame_bytes: usize,
    /// `max_connections`: the next connection is closed at once.
    pub max_connections: usize,
    /// `conn_threshold_per_ip`: connections from one address; 0 is no limit (upstream's default).
    pub connections_per_ip_max: usize,
    /// `max_requests_in_flight_per_connection`: the next request is answered `ERR_BUSY`.
    pub requests_in_flight_max: u32,
    /// `max_unsent_reply_bytes`: past this a connection is not read until its client has taken
    /// replies; a client that takes none is bounded by the requests it may have in flight.
    pub unsent_reply_bytes_max: usize,
}

impl Default for NetworkLimits {
    fn default() -> Self {
        Self {
            max_frame_bytes: 64 << 20,
            max_connections: 10_000,
            connections_per_ip_max: 0,
            requests_in_flight_max: 10_000,
            unsent_reply_bytes_max: 4 << 20,
        }
    }
}
