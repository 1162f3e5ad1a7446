//! A cluster that is stopped as a whole loses no members: it starts again as it was.

use std::time::Duration;

use pegasus_client::{Cluster, MetaFunctionLevel};
use pegasus_tests::membership::{members, patient_client, wait_until_whole};
use pegasus_tests::{Onebox, OneboxOptions, client_runtime};

const TABLE: &str = "temp";
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn a_stop_of_everything_reconfigures_nothing() {
    let onebox = Onebox::start(OneboxOptions::default());
    stopped_by(&onebox, async |_| {
        onebox.onebox(&["stop"]);
    });
}

#[test]
fn nothing_moves_when_servers_are_stopped_one_by_one_in_a_frozen_cluster() {
    let onebox = Onebox::start(OneboxOptions::default());
    stopped_by(&onebox, async |cluster| {
        let admin = cluster.admin();
        let frozen = admin.set_meta_level(MetaFunctionLevel::FL_FREEZED).await;
        frozen.expect("the meta server answers");
        for server in ["replica@1", "replica@2", "replica@3", "meta@1"] {
            onebox.onebox(&["kill", server, "--signal", "TERM"]);
        }
    });
}

fn stopped_by(onebox: &Onebox, stop: impl AsyncFnOnce(&Cluster)) {
    let runtime = client_runtime();
    runtime.block_on(async {
        let cluster = patient_client(onebox).await;
        wait_until_whole(&cluster, TABLE, LIMIT).await;
        let before = members(&cluster, TABLE).await;
        stop(&cluster).await;
        // What the stop left, before any replica server could ask for a change.
        onebox.start_node("meta@1");
        assert_eq!(members(&cluster, TABLE).await, before);
        for server in ["replica@1", "replica@2", "replica@3"] {
            onebox.start_node(server);
        }
        wait_until_whole(&cluster, TABLE, LIMIT).await;
    });
}
