//! The meta server's settings in a run.

use std::time::Duration;

use pegasus_meta::core::MetaOptions;
use pegasus_meta::failure_detector::{FailureDetectorOptions, RestartRule};
use pegasus_meta::function_level::{FreezeRule, FunctionLevel};
use pegasus_meta::guardian::GuardianOptions;
use pegasus_meta::partition_birth::BirthOptions;
use pegasus_meta::table_admin::TableRules;
use pegasus_meta::wire_form::HostNames;

use crate::packet::Place;
use crate::plan::Plan;

/// Before a full copy is made of what a server that went away had. Short, so that it happens in a run.
const DROPOUT_DELAY: Duration = Duration::from_secs(4);
const SETTLE_AFTER_ELECTION: Duration = Duration::from_millis(500);

/// The options of a plan: the product's defaults, but for what a run must not wait for.
#[must_use]
pub fn options_of(plan: &Plan) -> MetaOptions {
    let address = Place::Meta.address();
    let members_min = plan.options.mutation_2pc_min_replica_count;
    MetaOptions {
        address,
        server_list: address.to_string(),
        cluster_name: "sim".to_owned(),
        cluster_root: "/".to_owned(),
        level: FunctionLevel::Steady,
        freeze: FreezeRule {
            live_nodes_min: 1,
            live_percent_min: 50,
        },
        rules: TableRules {
            replica_count_min: 1,
            replica_count_max: 5,
            partition_count_max: 64,
            hold_seconds: 604_800,
        },
        failure_detector: FailureDetectorOptions {
            grace: plan.grace,
            // Faults restart servers more often than any operator would bear.
            restarts: RestartRule {
                unstable_max: u32::MAX,
                ..RestartRule::default()
            },
            ..FailureDetectorOptions::default()
        },
        births: BirthOptions {
            settle_after_election: SETTLE_AFTER_ELECTION,
            ..BirthOptions::default()
        },
        guardian: GuardianOptions {
            dropout_delay: DROPOUT_DELAY,
            write_members_min: usize::try_from(members_min).unwrap_or(1).max(1),
            ..GuardianOptions::default()
        },
        host_names: HostNames::Omitted,
    }
}
