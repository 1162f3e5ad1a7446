//! The configuration files of a onebox's processes. They are written at each start, so that a newer
//! program starts an older onebox.

use std::fs;
use std::path::PathBuf;

use pegasus_common::config::Detail;
use pegasus_common::config::to_toml;
use pegasus_meta::config::MetaServerConfig;
use pegasus_replica::ReplicaServerConfig;
use pegasus_replica::config::Durability;

use super::layout::DurabilityChoice;
use super::layout::Layout;
use super::layout::Node;
use super::layout::NodeRole;
use crate::error::CliError;

const FILE_NAME: &str = "config.toml";

/// Writes the configuration of a process and returns the file.
pub fn write(layout: &Layout, node: &Node) -> Result<PathBuf, CliError> {
    let directory = layout.directory(node);
    fs::create_dir_all(&directory).map_err(|error| CliError::io(&directory, error))?;
    let text = match node.role {
        NodeRole::Meta => to_toml(&meta(layout, node), Detail::Changed),
        NodeRole::Replica => to_toml(&replica(layout, node), Detail::Changed),
    };
    let path = directory.join(FILE_NAME);
    fs::write(&path, text).map_err(|error| CliError::io(&path, error))?;
    Ok(path)
}

fn meta(layout: &Layout, node: &Node) -> MetaServerConfig {
    let mut config = MetaServerConfig::default();
    config.core.log_directory = layout.log_directory(node).display().to_string();
    config.network.address = node.address.to_string();
    config.meta_server.server_list = layout.meta_addresses();
    config.meta_server.meta_state_service_parameters =
        layout.directory(node).join("store").display().to_string();
    // A onebox of one or two servers is complete as it is.
    config.meta_server.min_live_node_count_for_unfreeze = config
        .meta_server
        .min_live_node_count_for_unfreeze
        .min(layout.replica_count() as u64);
    config.replication.mutation_2pc_min_replica_count = members_needed(layout);
    config
}

fn replica(layout: &Layout, node: &Node) -> ReplicaServerConfig {
    let mut config = ReplicaServerConfig::default();
    config.core.log_directory = layout.log_directory(node).display().to_string();
    config.network.address = node.address.to_string();
    config.replication.meta_servers = layout.meta_addresses();
    config.replication.data_dirs = (1..=layout.disks)
        .map(|disk| format!("disk{disk}:{}", layout.data_directory(node, disk).display()))
        .collect();
    // It shares a developer's disk, of which a tenth need not be free.
    config.replication.disk_min_available_space_ratio = 1;
    config.replication.shards = layout.shards.into();
    config.replication.durability = match layout.durability {
        DurabilityChoice::Fsync => Durability::Fsync,
        DurabilityChoice::Os => Durability::Os,
    };
    config.replication.mutation_2pc_min_replica_count = members_needed(layout);
    config
}

/// A onebox with one server has tables with one replica.
fn members_needed<N: TryFrom<usize> + From<u8>>(layout: &Layout) -> N {
    N::try_from(layout.replica_count().min(2)).unwrap_or_else(|_| N::from(2))
}
