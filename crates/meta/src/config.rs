//! What a meta server is told at its start. Sections and keys have upstream's names where the
//! meaning is the same.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use pegasus_common::logging::{CoreSection, LoggerSection};
use pegasus_common::{HostPort, RpcAddress};
use pegasus_rpc::NetworkSection;

use crate::core::MetaOptions;
use crate::failure_detector::{FailureDetectorOptions, RestartRule};
use crate::function_level::{FreezeRule, FunctionLevel};
use crate::guardian::GuardianOptions;
use crate::partition_birth::BirthOptions;
use crate::server::TICK;
use crate::table_admin::TableRules;
use crate::wire_form::HostNames;

pegasus_common::config_choice! {
    /// Where the metadata is kept.
    StateServiceType {
        /// In the meta servers themselves; no other service is needed.
        Embedded = "embedded",
        /// In memory, for tests: gone with the process.
        Memory = "memory",
    }
}

pegasus_common::config_choice! {
    /// How far the meta server may act by itself, from the start on.
    StartLevel {
        /// Nothing is done.
        Stopped = "stopped",
        /// Nothing is done.
        Blind = "blind",
        /// No membership changes.
        Freezed = "freezed",
        /// Partitions are cured.
        Steady = "steady",
        /// Partitions are cured and load is balanced.
        Lively = "lively",
    }
}

pegasus_common::config_section! {
    /// The meta server.
    "meta_server" => MetaServerSection {
        /// All meta servers, one, three or five, `host:port` each, the same list for all; empty is this
        /// one alone. Several keep the metadata together, and go on as long as most of them live.
        server_list: Vec<String> = Vec::new(),
        /// Name of the cluster's root, shown by cluster_info.
        cluster_root: String = "/".to_owned(),
        /// Where the metadata is kept.
        meta_state_service_type: StateServiceType = StateServiceType::Embedded,
        /// Directory of the embedded metadata store.
        meta_state_service_parameters: String = "meta".to_owned(),
        /// How far the meta server may act by itself, from the start on.
        meta_function_level_on_start: StartLevel = StartLevel::Steady,
        /// With fewer living replica servers no table is made and no membership changes.
        min_live_node_count_for_unfreeze: u64 = 1,
        /// With a smaller share of the known replica servers alive no table is made and no
        /// membership changes. Percent. A cluster of three must survive the loss of one.
        node_live_percentage_threshold_for_update: u64 = 50 => 0..=100,
        /// How often partitions that lack something are looked at, and the shortest pause before a
        /// proposal to a replica server is repeated. Milliseconds.
        guardian_interval_ms: u64 = 200 => 10..=60_000,
        /// How long the replica server that left a partition last may take to return before
        /// another one gets a copy. Milliseconds.
        replica_assign_delay_ms_for_dropouts: u64 = 600_000 => 0..=86_400_000,
        /// Replicas of former members that are kept beside a full set of members.
        max_reserved_dropped_replicas: u64 = 1 => 0..=10,
        /// Replicas that one replica server is asked to learn at a time.
        learn_max_concurrent_per_node: u64 = 20 => 1..=10_000,
        /// Replica servers that get no new replicas, `host:port` each.
        assign_secondary_black_list: Vec<String> = Vec::new(),
        /// Let only those new replica servers take part that are in `replica_white_list`.
        enable_white_list: bool = false,
        /// The replica servers that may take part, `host:port` each.
        replica_white_list: Vec<String> = Vec::new(),
        /// So many restarts of a replica server in a row, each within
        /// `stable_rs_min_running_seconds` of the one before, and its beacons are not answered
        /// until a process of it has lasted so long. 0 is no limit.
        max_succssive_unstable_restart: u64 = 5 => 0..=1_000,
        /// How long a replica server must run to count as stable.
        stable_rs_min_running_seconds: u64 = 5 => 1..=86_400,
        /// Most replicas that a table may have.
        max_allowed_replica_count: u64 = 5 => 1..=31,
        /// Fewest replicas that a table may have.
        min_allowed_replica_count: u64 = 1 => 1..=31,
        /// Most partitions that a table may have.
        max_allowed_partition_count: u64 = 4_096 => 1..=65_536,
        /// How long the data of a dropped table is kept if the request does not say. Seconds.
        hold_seconds_for_dropped_app: u64 = 604_800 => 1..=1_000_000_000,
        /// Replicas that one server is asked to create at a time.
        create_replica_max_count_for_one_node: u64 = 16 => 1..=1_024,
        /// How long one request to create a replica may take. Milliseconds.
        create_replica_timeout_ms: u64 = 10_000 => 100..=600_000,
        /// How long a new leader waits for the beacons of all servers before it places partitions
        /// that an earlier one left without members. Milliseconds.
        settle_after_election_ms: u64 = 2_000 => 0..=600_000,
        /// How often the leader writes all metadata into a file beside the directory of its store, named
        /// as that and `.dump.json`. 0 is never. Seconds.
        metadata_dump_interval_seconds: u64 = 3_600 => 0..=31_536_000,
        /// Fill the `hp_*` host name fields of answers. Released clients cannot read them.
        emit_host_ports: bool = false,
    }
}

pegasus_common::config_section! {
    /// What meta and replica servers must agree on.
    "replication" => ReplicationSection {
        /// Name of the cluster.
        cluster_name: String = "onebox".to_owned(),
        /// How long a replica server may serve after sending the last beacon that was answered.
        /// Milliseconds.
        fd_lease_ms: u64 = 2_000 => 100..=3_600_000,
        /// How long after its last beacon a replica server is declared dead. The lease must be at
        /// least 5 % shorter: so much two clocks may differ. Milliseconds.
        fd_grace_ms: u64 = 2_400 => 100..=3_600_000,
        /// Members that must take part in a write, primary included.
        mutation_2pc_min_replica_count: u64 = 2 => 1..=5,
    }
}

pegasus_common::config_file! {
    /// The configuration of a meta server.
    MetaServerConfig {
        /// Section `[core]`.
        core: CoreSection,
        /// Section `[network]`.
        network: NetworkSection,
        /// Section `[meta_server]`.
        meta_server: MetaServerSection,
        /// Section `[replication]`.
        replication: ReplicationSection,
        /// Section `[tools.simple_logger]`.
        logger: LoggerSection,
    }
}

/// An option has a value of the right type that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("[{section}] {key}: {reason}")]
pub struct BadOption {
    section: &'static str,
    key: &'static str,
    reason: String,
}

impl MetaServerConfig {
    /// Checks what no single option shows.
    ///
    /// # Errors
    /// Two options contradict each other.
    pub fn check(&self) -> Result<(), BadOption> {
        let (lease, grace) = (self.replication.fd_lease_ms, self.replication.fd_grace_ms);
        if !self.failure_detector().fits(Duration::from_millis(lease)) {
            return Err(BadOption {
                section: "replication",
                key: "fd_grace_ms",
                reason: format!("fd_lease_ms ({lease}) is not at least 5 % less than {grace}"),
            });
        }
        self.check_server_list()?;
        let section = &self.meta_server;
        addresses("replica_white_list", &section.replica_white_list)?;
        addresses(
            "assign_secondary_black_list",
            &section.assign_secondary_black_list,
        )?;
        let (min, max) = (
            self.meta_server.min_allowed_replica_count,
            self.meta_server.max_allowed_replica_count,
        );
        if min > max {
            return Err(BadOption {
                section: "meta_server",
                key: "min_allowed_replica_count",
                reason: format!("{min} is more than max_allowed_replica_count ({max})"),
            });
        }
        Ok(())
    }

    /// Where the embedded store is.
    #[must_use]
    pub fn store_directory(&self) -> PathBuf {
        PathBuf::from(&self.meta_server.meta_state_service_parameters)
    }

    /// The settings of the core of the server at `address`.
    #[must_use]
    pub fn core_options(&self, address: RpcAddress) -> MetaOptions {
        let section = &self.meta_server;
        MetaOptions {
            address,
            server_list: if section.server_list.is_empty() {
                address.to_string()
            } else {
                section.server_list.join(",")
            },
            cluster_name: self.replication.cluster_name.clone(),
            cluster_root: section.cluster_root.clone(),
            level: section.meta_function_level_on_start.level(),
            freeze: FreezeRule {
                live_nodes_min: to_usize(section.min_live_node_count_for_unfreeze),
                live_percent_min: to_usize(section.node_live_percentage_threshold_for_update),
            },
            rules: TableRules {
                replica_count_min: to_i32(section.min_allowed_replica_count),
                replica_count_max: to_i32(section.max_allowed_replica_count),
                partition_count_max: to_i32(section.max_allowed_partition_count),
                hold_seconds: i64::try_from(section.hold_seconds_for_dropped_app)
                    .unwrap_or(i64::MAX),
            },
            failure_detector: self.failure_detector(),
            births: BirthOptions {
                calls_per_node_max: to_usize(section.create_replica_max_count_for_one_node),
                settle_after_election: Duration::from_millis(section.settle_after_election_ms),
                ..BirthOptions::default()
            },
            guardian: self.guardian(),
            host_names: if section.emit_host_ports {
                HostNames::Emitted
            } else {
                HostNames::Omitted
            },
        }
    }
}

impl MetaServerConfig {
    /// Several meta servers agree on who they are.
    fn check_server_list(&self) -> Result<(), BadOption> {
        let list = &self.meta_server.server_list;
        let refuse = |key, reason| {
            let section = "meta_server";
            Err(BadOption {
                section,
                key,
                reason,
            })
        };
        if list.len() < 2 {
            return Ok(());
        }
        if self.meta_server.meta_state_service_type == StateServiceType::Memory {
            let reason = "'memory' is for one meta server; server_list has more".to_owned();
            return refuse("meta_state_service_type", reason);
        }
        if let Some(bad) = list.iter().find(|entry| entry.parse::<HostPort>().is_err()) {
            return refuse("server_list", format!("'{bad}' is no host:port"));
        }
        if list.iter().collect::<BTreeSet<_>>().len() < list.len() {
            return refuse("server_list", "an entry is there twice".to_owned());
        }
        if list.len().is_multiple_of(2) || list.len() > 5 {
            let reason = format!("{} meta servers; a group has 1, 3 or 5", list.len());
            return refuse("server_list", reason);
        }
        // Names are looked up when the server starts.
        let own = &self.network.address;
        let has_names = list
            .iter()
            .any(|entry| entry.parse::<RpcAddress>().is_err());
        if !has_names && !list.contains(own) {
            let reason = format!("this server, [network] address {own}, is not among them");
            return refuse("server_list", reason);
        }
        Ok(())
    }

    fn failure_detector(&self) -> FailureDetectorOptions {
        let section = &self.meta_server;
        let white_list = || addresses("replica_white_list", &section.replica_white_list);
        FailureDetectorOptions {
            grace: Duration::from_millis(self.replication.fd_grace_ms),
            // The store says it.
            overlap: Duration::ZERO,
            tick: TICK,
            restarts: RestartRule {
                unstable_max: u32::try_from(section.max_succssive_unstable_restart)
                    .unwrap_or(u32::MAX),
                stable_after: Duration::from_secs(section.stable_rs_min_running_seconds),
            },
            allow_list: section
                .enable_white_list
                .then(|| white_list().unwrap_or_default()),
        }
    }

    fn guardian(&self) -> GuardianOptions {
        let section = &self.meta_server;
        let black_list = &section.assign_secondary_black_list;
        GuardianOptions {
            interval: Duration::from_millis(section.guardian_interval_ms),
            dropout_delay: Duration::from_millis(section.replica_assign_delay_ms_for_dropouts),
            reserved_drops: to_usize(section.max_reserved_dropped_replicas),
            learners_per_node_max: to_usize(section.learn_max_concurrent_per_node),
            write_members_min: to_usize(self.replication.mutation_2pc_min_replica_count),
            black_list: addresses("assign_secondary_black_list", black_list).unwrap_or_default(),
            ..GuardianOptions::default()
        }
    }
}

/// Reads a list of servers.
fn addresses(key: &'static str, texts: &[String]) -> Result<BTreeSet<RpcAddress>, BadOption> {
    let parse = |text: &String| {
        text.parse::<RpcAddress>().map_err(|error| BadOption {
            section: "meta_server",
            key,
            reason: format!("'{text}': {error}"),
        })
    };
    texts.iter().map(parse).collect()
}

impl StartLevel {
    const fn level(self) -> FunctionLevel {
        match self {
            Self::Stopped => FunctionLevel::Stopped,
            Self::Blind => FunctionLevel::Blind,
            Self::Freezed => FunctionLevel::Freezed,
            Self::Steady => FunctionLevel::Steady,
            Self::Lively => FunctionLevel::Lively,
        }
    }
}

fn to_usize(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

fn to_i32(value: u64) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_consistent() {
        assert_eq!(MetaServerConfig::default().check(), Ok(()));
    }

    fn refusal(change: impl FnOnce(&mut MetaServerConfig)) -> String {
        let mut config = MetaServerConfig::default();
        change(&mut config);
        config.check().unwrap_err().to_string()
    }

    #[test]
    fn contradictions_are_refused() {
        let lease = refusal(|config| config.replication.fd_lease_ms = 2_300);
        assert!(lease.starts_with("[replication] fd_grace_ms"), "{lease}");
        let list = refusal(|config| {
            config.meta_server.replica_white_list = vec!["nonsense".to_owned()];
        });
        assert!(
            list.starts_with("[meta_server] replica_white_list: 'nonsense'"),
            "{list}"
        );
    }

    #[test]
    fn a_list_of_several_names_this_server_and_has_a_majority() {
        let with = |own: &str, list: &[&str]| {
            let (own, list) = (
                own.to_owned(),
                list.iter().map(ToString::to_string).collect(),
            );
            move |config: &mut MetaServerConfig| {
                config.network.address = own;
                config.meta_server.server_list = list;
            }
        };
        let (a, b, c) = ("127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3");
        let mut sound = MetaServerConfig::default();
        with(b, &[a, b, c])(&mut sound);
        assert_eq!(sound.check(), Ok(()));
        for (own, list) in [
            ("127.0.0.1:4", &[a, b, c][..]),
            (a, &[a, b]),
            (a, &[a, b, b]),
            (a, &[a, b, "c"]),
        ] {
            let reason = refusal(with(own, list));
            assert!(
                reason.starts_with("[meta_server] server_list: "),
                "{reason}"
            );
        }
        sound.meta_server.meta_state_service_type = StateServiceType::Memory;
        assert!(sound.check().is_err());
    }

    #[test]
    fn upstreams_lease_options_are_answered_with_ours() {
        for (old, new) in [("lease", "fd_lease_ms"), ("grace", "fd_grace_ms")] {
            let text = format!("[replication]\nfd_{old}_seconds = 20\n");
            let error = pegasus_common::config::parse::<MetaServerConfig>(&text, "m.toml");
            let error = error.unwrap_err().to_string();
            assert!(error.contains(&format!("did you mean '{new}'?")), "{error}");
        }
    }

    #[test]
    fn files_are_read_strictly() {
        let text = "[meta_server]\nmeta_function_level_on_start = \"lively\"\n";
        let config: MetaServerConfig = pegasus_common::config::parse(text, "m.toml").unwrap();
        let address = "127.0.0.1:34601".parse().unwrap();
        assert_eq!(config.core_options(address).level, FunctionLevel::Lively);
        let typo = "[meta_server]\nmeta_function_level_on_strat = \"lively\"\n";
        assert!(pegasus_common::config::parse::<MetaServerConfig>(typo, "m.toml").is_err());
    }
}
