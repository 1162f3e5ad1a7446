//! Replication messages between their wire form and the state machine's.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

use pegasus_common::Ballot;
use pegasus_common::Decree;
use pegasus_common::Gpid;
use pegasus_common::RpcAddress;
use pegasus_pacifica::Configuration;
use pegasus_pacifica::Message;
use pegasus_wire::layer2::AppInfo;
use pegasus_wire::layer2::PartitionConfiguration;

pub use decode::decode;
pub use encode::encode;
pub use encode::hello;

/// A message from another replica server, with its partition and sender.
#[derive(Debug)]
pub struct PeerMessage {
    /// Which partition.
    pub gpid: Gpid,
    /// The server that sent it.
    pub from: RpcAddress,
    /// What it says.
    pub message: Message,
    /// The table, where the message tells it: a server that has no such replica yet can make one.
    pub app: Option<Box<AppInfo>>,
}

impl PeerMessage {
    fn new(gpid: Gpid, from: RpcAddress, message: Message) -> Self {
        Self {
            gpid,
            from,
            message,
            app: None,
        }
    }
}

/// The configuration of a wire message, if it is one that a replica can work with.
#[must_use]
pub fn configuration_of(wire: &PartitionConfiguration) -> Option<Configuration> {
    let configuration = Configuration {
        ballot: Ballot(wire.ballot),
        max_replica_count: u32::try_from(wire.max_replica_count).ok()?,
        primary: wire.primary.valid(),
        secondaries: wire
            .secondaries
            .iter()
            .filter_map(|address| address.valid())
            .collect(),
    };
    configuration.is_well_formed().then_some(configuration)
}

/// The wire form of a configuration.
#[must_use]
pub fn wire_configuration(
    gpid: Gpid,
    configuration: &Configuration,
    last_committed: Decree,
) -> PartitionConfiguration {
    PartitionConfiguration {
        pid: gpid,
        ballot: configuration.ballot.0,
        max_replica_count: i32::try_from(configuration.max_replica_count).unwrap_or(i32::MAX),
        primary: configuration.primary.unwrap_or(RpcAddress::INVALID),
        secondaries: configuration.secondaries.clone(),
        last_committed_decree: last_committed.0,
        ..PartitionConfiguration::default()
    }
}
