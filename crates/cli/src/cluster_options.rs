//! How to reach a cluster.

use std::time::Duration;

use pegasus_client::{ClientError, ClientOptions, Cluster};

/// The meta servers of a onebox with its usual ports.
pub const ONEBOX_METAS: &str = "127.0.0.1:34601,127.0.0.1:34602,127.0.0.1:34603";

/// Which cluster, for commands that only ask its meta servers.
#[derive(Debug, clap::Args)]
pub struct ClusterOptions {
    /// Meta servers: host:port,host:port
    #[arg(long, default_value = ONEBOX_METAS)]
    meta: String,
    /// Deadline of the whole
    #[arg(long, default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(1..))]
    timeout_ms: u64,
}

impl ClusterOptions {
    /// The cluster.
    pub async fn connect(&self) -> Result<Cluster, ClientError> {
        let timeout = Duration::from_millis(self.timeout_ms);
        Cluster::connect(&self.meta, ClientOptions::new().meta_timeout(timeout)).await
    }
}
