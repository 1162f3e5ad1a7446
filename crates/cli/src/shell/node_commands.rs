//! Servers: `nodes`, `cluster_info`.

use std::collections::BTreeMap;

use pegasus_client::{AppStatus, NodeStatus};
use pegasus_common::RpcAddress;

use super::ShellError;
use super::commands::{NodeFilter, NodesArgs};
use super::context::Context;
use super::tables::Align::{Left, Right};
use super::tables::{ColumnTable, FieldTable, Report};

impl Context {
    /// `cluster_info`
    pub(super) async fn cluster_info(&mut self) -> Result<(), ShellError> {
        let facts = self.cluster.admin().cluster_info().await?;
        let table = facts
            .into_iter()
            .fold(FieldTable::new("cluster_info"), |table, (name, value)| {
                table.field(name, value)
            });
        self.show(&table.into())
    }

    /// `nodes`
    pub(super) async fn nodes(&mut self, args: &NodesArgs) -> Result<(), ShellError> {
        let status = match args.status {
            NodeFilter::All => NodeStatus::NS_INVALID,
            NodeFilter::Alive => NodeStatus::NS_ALIVE,
            NodeFilter::Unalive => NodeStatus::NS_UNALIVE,
        };
        let mut nodes = self.cluster.admin().list_nodes(status).await?;
        nodes.sort_by_key(|node| node.address);
        let alive = nodes
            .iter()
            .filter(|node| node.status == NodeStatus::NS_ALIVE);
        let alive = alive.count();
        let mut columns = vec![("address", Left), ("status", Left)];
        let mut loads = BTreeMap::new();
        if args.detailed {
            columns.extend([
                ("replica_count", Right),
                ("primary_count", Right),
                ("secondary_count", Right),
            ]);
            loads = self.loads().await?;
        }
        let mut details = ColumnTable::new("details", &columns);
        for node in &nodes {
            let status = node.status.name().unwrap_or("NS_UNKNOWN");
            let mut cells = vec![
                node.address.to_string(),
                status.trim_start_matches("NS_").to_owned(),
            ];
            if args.detailed {
                let (primaries, secondaries) =
                    loads.get(&node.address).copied().unwrap_or_default();
                let counts = [primaries + secondaries, primaries, secondaries];
                cells.extend(counts.map(|count| count.to_string()));
            }
            details.row(cells);
        }
        let summary = FieldTable::new("summary")
            .field("total_node_count", nodes.len())
            .field("alive_node_count", alive)
            .field("unalive_node_count", nodes.len() - alive);
        self.show(&Report::from(details).fields(summary))
    }

    /// How many primaries and secondaries each server has.
    async fn loads(&self) -> Result<BTreeMap<RpcAddress, (u32, u32)>, ShellError> {
        let mut loads: BTreeMap<RpcAddress, (u32, u32)> = BTreeMap::new();
        let admin = self.cluster.admin();
        for app in admin.list_apps(AppStatus::AS_AVAILABLE).await? {
            for members in admin.partitions(&app.app_name).await?.members {
                if let Some(primary) = members.primary {
                    loads.entry(primary).or_default().0 += 1;
                }
                for secondary in members.secondaries {
                    loads.entry(secondary).or_default().1 += 1;
                }
            }
        }
        Ok(loads)
    }
}
