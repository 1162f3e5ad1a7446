//! What is declared about a metric.

/// What an entity is; upstream's entity types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntityKind {
    /// The whole process. No labels.
    Server,
    /// One table on a meta server. Label `table_id`.
    Table,
    /// One partition on a meta server. Labels `table_id`, `partition_id`.
    Partition,
    /// One replica on a replica server. Labels `table_id`, `partition_id`.
    Replica,
    /// One data directory. Labels `tag`, `data_dir`.
    Disk,
    /// One shard's event loop. Label `shard`.
    Shard,
}

impl EntityKind {
    /// The name in expositions.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Table => "table",
            Self::Partition => "partition",
            Self::Replica => "replica",
            Self::Disk => "disk",
            Self::Shard => "shard",
        }
    }
}

/// What the numbers of a metric are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words say it")]
pub enum Unit {
    Bytes,
    MegaBytes,
    NanoSeconds,
    MilliSeconds,
    Seconds,
    Percent,
    Requests,
    Responses,
    Mutations,
    Replicas,
    Partitions,
    Servers,
    Connections,
    Frames,
    Writes,
    Keys,
    Values,
    Files,
    Flushes,
    Beacons,
    Changes,
    Operations,
    Tasks,
    Records,
    CapacityUnits,
    Lines,
    Count,
}

impl Unit {
    /// The unit in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::MegaBytes => "megabytes",
            Self::NanoSeconds => "nanoseconds",
            Self::MilliSeconds => "milliseconds",
            Self::Seconds => "seconds",
            Self::Percent => "percent",
            Self::Requests => "requests",
            Self::Responses => "responses",
            Self::Mutations => "mutations",
            Self::Replicas => "replicas",
            Self::Partitions => "partitions",
            Self::Servers => "servers",
            Self::Connections => "connections",
            Self::Frames => "frames",
            Self::Writes => "writes",
            Self::Keys => "keys",
            Self::Values => "values",
            Self::Files => "files",
            Self::Flushes => "flushes",
            Self::Beacons => "beacons",
            Self::Changes => "changes",
            Self::Operations => "operations",
            Self::Tasks => "tasks",
            Self::Records => "records",
            Self::CapacityUnits => "capacity units",
            Self::Lines => "lines",
            Self::Count => "count",
        }
    }
}

macro_rules! metric_info {
    ($($(#[doc = $doc:literal])+ $name:ident)*) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name {
            pub(super) name: &'static str,
            pub(super) unit: Unit,
            pub(super) meaning: &'static str,
        }

        impl $name {
            /// Declares a metric: name (`[a-z_][a-z0-9_]*`), unit, and meaning in one line.
            #[must_use]
            pub const fn new(name: &'static str, unit: Unit, meaning: &'static str) -> Self {
                Self { name, unit, meaning }
            }

            /// The name in expositions.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                self.name
            }
        }
    )*};
}

metric_info! {
    /// A number that only grows: events since the start.
    CounterInfo
    /// A number that goes up and down: a state.
    GaugeInfo
    /// A distribution of values, exposed as quantiles over the last minute or two.
    HistogramInfo
}
