//! What is answered from memory: where partitions are, and what there is (meta-server.md section 7).

use std::collections::BTreeMap;

use pegasus_common::{ErrorCode, RpcAddress};
use pegasus_wire::layer2::{AppStatus, QueryCfgRequest, QueryCfgResponse};
use pegasus_wire::meta_admin::{
    ConfigurationGetAtomicIdempotentRequest, ConfigurationGetAtomicIdempotentResponse,
    ConfigurationGetMaxReplicaCountRequest, ConfigurationGetMaxReplicaCountResponse,
    ConfigurationListAppsRequest, ConfigurationListAppsResponse, ConfigurationListNodesRequest,
    ConfigurationListNodesResponse, NodeInfo, NodeStatus, PatternMatchType,
};

use crate::cluster_state::{ClusterState, TableState};
use crate::failure_detector::FailureDetector;
use crate::staging::Staging;
use crate::wire_form::{self, HostNames};

const NO_SUCH_TABLE: &str = "app cannot be found";

/// Answers query_cfg (wire-protocol.md section 7.2).
#[must_use]
pub fn query_cfg(
    state: &ClusterState,
    staging: &Staging,
    request: &QueryCfgRequest,
    names: HostNames,
) -> QueryCfgResponse {
    let refuse = |err| QueryCfgResponse {
        err,
        ..QueryCfgResponse::default()
    };
    if let Some(busy) = staging.busy(state, &request.app_name) {
        return refuse(busy);
    }
    let Some(table) = state.available_table(&request.app_name) else {
        return refuse(ErrorCode::ObjectNotFound);
    };
    let form = |index: usize| {
        let partition = table.partitions.get(index)?;
        Some(wire_form::configuration(&partition.configuration, names))
    };
    let asked = request.partition_indices.iter();
    let mut partitions: Vec<_> = asked
        .filter_map(|&index| form(usize::try_from(index).ok()?))
        .collect();
    if partitions.is_empty() {
        // Nothing valid was asked for: upstream answers everything.
        partitions = (0..table.partitions.len()).filter_map(form).collect();
    }
    QueryCfgResponse {
        err: ErrorCode::Ok,
        app_id: table.info.id.0,
        partition_count: table.info.partition_count,
        is_stateful: table.info.is_stateful,
        partitions,
    }
}

/// Answers RPC_CM_LIST_APPS.
#[must_use]
pub fn list_apps(
    state: &ClusterState,
    request: &ConfigurationListAppsRequest,
) -> ConfigurationListAppsResponse {
    let pattern = request.app_name_pattern.as_deref().zip(request.match_type);
    let matches: NameMatcher<'_> = match pattern {
        None => Box::new(|_| true),
        Some((pattern, match_type)) => match matcher(pattern, match_type) {
            Some(matches) => matches,
            None => return unsupported(match_type),
        },
    };
    let infos = state
        .tables()
        .filter(|table| matches(&table.info.name))
        .map(|table| wire_form::app_info(&table.info))
        .filter(|info| request.status == AppStatus::AS_INVALID || request.status == info.status)
        .collect();
    ConfigurationListAppsResponse {
        err: ErrorCode::Ok,
        infos,
        hint_message: None,
    }
}

/// Whether a name is asked for.
type NameMatcher<'a> = Box<dyn Fn(&str) -> bool + 'a>;

fn matcher(pattern: &str, match_type: PatternMatchType) -> Option<NameMatcher<'_>> {
    Some(match match_type {
        PatternMatchType::PMT_MATCH_ALL => Box::new(|_| true),
        PatternMatchType::PMT_MATCH_EXACT => Box::new(move |name| name == pattern),
        PatternMatchType::PMT_MATCH_ANYWHERE => Box::new(move |name| name.contains(pattern)),
        PatternMatchType::PMT_MATCH_PREFIX => Box::new(move |name| name.starts_with(pattern)),
        PatternMatchType::PMT_MATCH_POSTFIX => Box::new(move |name| name.ends_with(pattern)),
        _ => return None,
    })
}

fn unsupported(match_type: PatternMatchType) -> ConfigurationListAppsResponse {
    let name = match match_type {
        PatternMatchType::PMT_INVALID => "invalid",
        PatternMatchType::PMT_MATCH_REGEX => "regex",
        _ => "unknown",
    };
    let hint = format!("match type {} ({name}) is not supported", match_type.0);
    ConfigurationListAppsResponse {
        err: ErrorCode::NotImplemented,
        infos: Vec::new(),
        hint_message: Some(hint),
    }
}

/// Answers RPC_CM_GET_MAX_REPLICA_COUNT.
#[must_use]
pub fn max_replica_count(
    state: &ClusterState,
    request: &ConfigurationGetMaxReplicaCountRequest,
) -> ConfigurationGetMaxReplicaCountResponse {
    match state.available_table(&request.app_name) {
        Some(table) => ConfigurationGetMaxReplicaCountResponse {
            err: ErrorCode::Ok,
            max_replica_count: table.info.max_replica_count,
            hint_message: String::new(),
        },
        None => ConfigurationGetMaxReplicaCountResponse {
            err: ErrorCode::AppNotExist,
            hint_message: NO_SUCH_TABLE.to_owned(),
            ..ConfigurationGetMaxReplicaCountResponse::default()
        },
    }
}

/// Answers RPC_CM_GET_ATOMIC_IDEMPOTENT.
#[must_use]
pub fn atomic_idempotent(
    state: &ClusterState,
    request: &ConfigurationGetAtomicIdempotentRequest,
) -> ConfigurationGetAtomicIdempotentResponse {
    match state.available_table(&request.app_name) {
        Some(table) => ConfigurationGetAtomicIdempotentResponse {
            err: ErrorCode::Ok,
            atomic_idempotent: table.info.atomic_idempotent,
            hint_message: String::new(),
        },
        None => ConfigurationGetAtomicIdempotentResponse {
            err: ErrorCode::AppNotExist,
            hint_message: NO_SUCH_TABLE.to_owned(),
            ..ConfigurationGetAtomicIdempotentResponse::default()
        },
    }
}

/// Answers RPC_CM_LIST_NODES: the living first.
#[must_use]
pub fn list_nodes(
    detector: &FailureDetector,
    request: &ConfigurationListNodesRequest,
    names: HostNames,
) -> ConfigurationListNodesResponse {
    let info = |status, node: RpcAddress| NodeInfo {
        status,
        node,
        hp_node: names.name(node),
    };
    let alive = detector
        .alive()
        .map(|node| info(NodeStatus::NS_ALIVE, node));
    let dead = detector
        .dead()
        .map(|node| info(NodeStatus::NS_UNALIVE, node));
    let wanted =
        |info: &NodeInfo| request.status == NodeStatus::NS_INVALID || request.status == info.status;
    ConfigurationListNodesResponse {
        err: ErrorCode::Ok,
        infos: alive.chain(dead).filter(wanted).collect(),
    }
}

/// How unevenly the replicas lie: the standard deviations of primaries and of all replicas over the
/// living servers that have any, as cluster_info prints them.
#[must_use]
pub fn replica_count_deviations(state: &ClusterState, detector: &FailureDetector) -> [String; 2] {
    let mut counts: BTreeMap<RpcAddress, [u32; 2]> = BTreeMap::new();
    let configurations = |table: &TableState| table.partitions.clone();
    for partition in state.available_tables().flat_map(configurations) {
        let configuration = &partition.configuration;
        for node in configuration.members() {
            let count = counts.entry(node).or_default();
            count[0] += u32::from(configuration.primary == Some(node));
            count[1] += 1;
        }
    }
    // Where dead servers still hold replicas the living are a sample of what will be.
    let all = counts.len();
    counts.retain(|&node, _| detector.is_alive(node));
    let population = if counts.len() < all {
        Population::Sample
    } else {
        Population::Whole
    };
    [0, 1].map(|kind| {
        let values: Vec<_> = counts
            .values()
            .map(|count| f64::from(count[kind]))
            .collect();
        format!("{:.2}", round_down(deviation(&values, population)))
    })
}

#[derive(Clone, Copy)]
enum Population {
    Whole,
    Sample,
}

#[allow(clippy::cast_precision_loss, reason = "numbers of servers are small")]
fn deviation(values: &[f64], population: Population) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let divisor = match population {
        Population::Whole => count,
        Population::Sample => count - 1.0,
    };
    (squares / divisor).sqrt()
}

/// To two digits, as upstream does it.
fn round_down(value: f64) -> f64 {
    ((value + 0.005) * 100.0).floor() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviations_are_of_the_whole_or_of_a_sample() {
        let values = [3.0, 3.0, 2.0];
        let printed = |population| round_down(deviation(&values, population));
        assert!((printed(Population::Whole) - 0.47).abs() < 1e-9);
        assert!((printed(Population::Sample) - 0.58).abs() < 1e-9);
        assert!(deviation(&[5.0], Population::Sample).abs() < 1e-9);
    }
}
