//! Admission of connections: how many there may be in all and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::arrivals::Arrival;
use crate::held::HeldAccount;
use crate::held::HeldTotal;
use crate::limits::NetworkLimits;

/// Why a connection was not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionRefusal {
    /// `[network] max_connections` is reached.
    #[error("the server has {0} connections, the most that [network] max_connections allows")]
    TooMany(usize),
    /// `[network] conn_threshold_per_ip` is reached.
    #[error(
        "the address has {0} connections, the most that [network] conn_threshold_per_ip allows"
    )]
    TooManyFromAddress(usize),
}

/// Connections of other servers that are admitted although clients have used up the limit. Each server makes
/// one or two for each of its shards.
pub const SERVERS_BEYOND_LIMITS_MAX: usize = 1_024;

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    by_ip: HashMap<IpAddr, usize>,
}

/// Counts the connections of a whole server, over all its shards, and what they hold.
#[derive(Debug)]
pub struct ConnectionGate {
    total_max: usize,
    per_ip_max: usize,
    counts: Mutex<Counts>,
    unsent: Arc<HeldTotal>,
    partial: Arc<HeldTotal>,
}

impl ConnectionGate {
    /// A gate with the limits of a server.
    #[must_use]
    pub fn new(limits: &NetworkLimits) -> Arc<Self> {
        Arc::new(Self {
            total_max: limits.max_connections,
            per_ip_max: limits.connections_per_ip_max,
            counts: Mutex::default(),
            unsent: HeldTotal::new(limits.unsent_reply_bytes_total_max),
            partial: HeldTotal::new(limits.partial_request_bytes_total_max),
        })
    }

    /// Admits one connection, or says why not.
    ///
    /// # Errors
    /// A limit is reached.
    pub fn admit(self: &Arc<Self>, ip: IpAddr) -> Result<ConnectionPermit, ConnectionRefusal> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.total >= self.total_max {
            return Err(ConnectionRefusal::TooMany(counts.total));
        }
        let from_ip = counts.by_ip.get(&ip).copied().unwrap_or(0);
        if self.per_ip_max > 0 && from_ip >= self.per_ip_max {
            return Err(ConnectionRefusal::TooManyFromAddress(from_ip));
        }
        Ok(self.count_in(&mut counts, ip))
    }

    /// Admits the connection of another server of the cluster, which the limits for clients do not stop.
    ///
    /// # Errors
    /// [`SERVERS_BEYOND_LIMITS_MAX`] more than `[network] max_connections` are there.
    pub(crate) fn admit_server(
        self: &Arc<Self>,
        ip: IpAddr,
    ) -> Result<ConnectionPermit, ConnectionRefusal> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.total >= self.total_max.saturating_add(SERVERS_BEYOND_LIMITS_MAX) {
            return Err(ConnectionRefusal::TooMany(counts.total));
        }
        Ok(self.count_in(&mut counts, ip))
    }

    fn count_in(self: &Arc<Self>, counts: &mut Counts, ip: IpAddr) -> ConnectionPermit {
        counts.total += 1;
        *counts.by_ip.entry(ip).or_default() += 1;
        ConnectionPermit {
            gate: Arc::clone(self),
            ip,
            arrival: None,
        }
    }

    /// How many connections are open.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .total
    }

    /// Whether connections that nobody uses are in the way of others: more than half are taken.
    pub(crate) fn is_room_short(&self) -> bool {
        self.open_connections() > self.total_max / 2
    }

    /// Bytes of answers that clients have not taken.
    #[must_use]
    pub fn unsent_reply_bytes(&self) -> usize {
        self.unsent.bytes()
    }
}

/// One admitted connection; dropping it makes room.
#[derive(Debug)]
pub struct ConnectionPermit {
    gate: Arc<ConnectionGate>,
    ip: IpAddr,
    /// While it is on its way to its shard.
    arrival: Option<Arrival>,
}

impl ConnectionPermit {
    /// The connection is on its way, and holds back others until it has [`ConnectionPermit::arrived`].
    pub(crate) fn on_its_way(mut self, arrival: Arrival) -> Self {
        self.arrival = Some(arrival);
        self
    }

    /// Its shard has begun to serve the connection.
    pub(crate) fn arrived(&mut self) {
        self.arrival = None;
    }

    /// Where it was admitted.
    pub(crate) fn gate(&self) -> Arc<ConnectionGate> {
        Arc::clone(&self.gate)
    }

    /// The account of answers that its client has not taken.
    pub(crate) fn unsent_replies(&self) -> HeldAccount {
        HeldAccount::new(Arc::clone(&self.gate.unsent))
    }

    /// The account of what it has sent of a request that is not complete.
    pub(crate) fn partial_request(&self) -> HeldAccount {
        HeldAccount::new(Arc::clone(&self.gate.partial))
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut counts = self
            .gate
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        counts.total -= 1;
        match counts.by_ip.get_mut(&self.ip) {
            Some(from_ip) if *from_ip > 1 => *from_ip -= 1,
            _ => {
                counts.by_ip.remove(&self.ip);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_limits_refuse_and_dropping_makes_room() {
        let limits = NetworkLimits {
            max_connections: 3,
            connections_per_ip_max: 2,
            ..NetworkLimits::default()
        };
        let gate = ConnectionGate::new(&limits);
        let (one, two) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let first = gate.admit(one).unwrap();
        let _second = gate.admit(one).unwrap();
        assert_eq!(
            gate.admit(one).unwrap_err(),
            ConnectionRefusal::TooManyFromAddress(2)
        );
        let _third = gate.admit(two).unwrap();
        assert_eq!(gate.admit(two).unwrap_err(), ConnectionRefusal::TooMany(3));
        drop(first);
        assert!(gate.admit(one).is_ok());
    }
}
