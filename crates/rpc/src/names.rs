//! Names of hosts.

use std::io;
use std::net::SocketAddr;

use pegasus_common::RpcAddress;
use tokio::net::ToSocketAddrs;

/// The IPv4 addresses behind a name, in the order in which they were found: the wire has no others.
///
/// # Errors
/// The name cannot be looked up.
pub async fn lookup(name: impl ToSocketAddrs) -> io::Result<Vec<RpcAddress>> {
    let found = tokio::net::lookup_host(name).await?;
    let addresses = found.filter_map(|address| match address {
        SocketAddr::V4(address) => Some(RpcAddress::from_v4(address)),
        SocketAddr::V6(_) => None,
    });
    Ok(addresses.collect())
}
