//! Servers that die and come back, through the whole core.

use super::*;
use pegasus_wire::meta_admin::{ConfigurationBalancerRequest, ConfigurationProposalAction};

#[test]
fn losing_most_servers_freezes_and_moves_nothing() {
    let mut cluster = Cluster::new(3);
    cluster.create(&create("temp"));
    cluster.proposals.clear();
    let before = cluster.query("temp");
    // The last beacons of two servers come at different times.
    cluster.run(Duration::from_millis(300), 1..=2);
    cluster.run(Duration::from_secs(5), 1..=1);
    assert_eq!(cluster.core.detector().dead().count(), 2);
    assert_eq!(cluster.core.totals().disconnections, 2);
    assert_eq!(cluster.core.effective_level(), FunctionLevel::Freezed);
    assert_eq!(
        (cluster.query("temp"), cluster.cures()),
        (before, Vec::new())
    );
    let request = force_update(&cluster, Gpid::new(1, 0));
    assert_eq!(cluster.update(&request), Some((ErrorCode::StateFreezed, 1)));
    let refused = cluster.create(&create("more"));
    assert!(
        matches!(&refused, Answer::CreateApp(response) if response.err == ErrorCode::StateFreezed)
    );
    cluster.run(Duration::from_secs(1), 1..=3);
    assert_eq!(cluster.core.effective_level(), FunctionLevel::Steady);
    assert_eq!(cluster.cures(), [], "they go on as if nothing had happened");
}

#[test]
fn a_dead_primary_loses_its_role_and_a_loading_one_is_not_confirmed() {
    let mut cluster = Cluster::new(3);
    cluster.create(&create("temp"));
    cluster.report_all("temp", 1..=3);
    cluster.proposals.clear();
    cluster.run(Duration::from_millis(2_400), 1..=2);
    assert_eq!(cluster.cures(), []);
    cluster.run(Duration::from_millis(100), 1..=2);
    let partitions = cluster.query("temp").partitions;
    let headless = partitions
        .iter()
        .filter(|partition| partition.primary == RpcAddress::INVALID);
    let headless: Vec<_> = headless.map(|partition| partition.pid).collect();
    assert!(!headless.is_empty(), "server 3 had led some");
    let cures = cluster.cures();
    let promotes = |(_, request): &&(RpcAddress, ConfigurationUpdateRequest)| {
        request.r#type == ConfigType::CT_UPGRADE_TO_PRIMARY
    };
    assert_eq!(cures.iter().filter(promotes).count(), headless.len());
    let removals = cures.len() - headless.len();
    assert_eq!(removals, 8 - headless.len(), "the others shall remove it");
    assert_eq!(
        cluster.core.totals().configuration_changes,
        8 + headless.len() as u64
    );

    let mut loading = BeaconMsg {
        from_node: node(1),
        start_time: Some(2),
        lease_ms: Some(2_000),
        loading: Some(true),
        ..BeaconMsg::default()
    };
    cluster.stuck = Some(Vec::new());
    let mut out = Vec::new();
    assert!(
        cluster
            .core
            .beacon(cluster.now, &loading, &mut out)
            .is_some()
    );
    cluster.settle(out);
    assert_eq!(
        cluster.sync(1, &[]).err,
        ErrorCode::Busy,
        "its roles are being taken"
    );
    cluster.release_store();
    let mut request = ConfigurationQueryByNodeRequest {
        node: node(1),
        ..ConfigurationQueryByNodeRequest::default()
    };
    let ask = |cluster: &mut Cluster, request: &_| {
        cluster
            .core
            .config_sync(cluster.now, request, &mut Vec::new())
            .err
    };
    assert_eq!(
        ask(&mut cluster, &request),
        ErrorCode::Busy,
        "no report: it still loads"
    );
    request.stored_replicas = Some(Vec::new());
    request.start_time = Some(1);
    assert_eq!(
        ask(&mut cluster, &request),
        ErrorCode::Busy,
        "from the process before"
    );
    request.start_time = Some(2);
    request.loading = Some(true);
    assert_eq!(
        ask(&mut cluster, &request),
        ErrorCode::Busy,
        "it is not ready"
    );
    request.loading = None;
    assert_eq!(ask(&mut cluster, &request), ErrorCode::Ok);
    loading.lease_ms = None;
    let refused = cluster
        .core
        .beacon(cluster.now, &loading, &mut Vec::new())
        .unwrap();
    assert!(!refused.allowed);
}

#[test]
fn an_operator_may_give_a_dead_partition_to_another_server() {
    let mut cluster = Cluster::new(5);
    cluster.create(&create("temp"));
    let pid = Gpid::new(1, 0);
    let members: Vec<_> = {
        let state = cluster.core.state().partition(pid).unwrap();
        state.configuration.members().collect()
    };
    let host = (1..=5)
        .find(|&host| !members.contains(&node(host)))
        .unwrap();
    let mut request = ConfigurationBalancerRequest {
        gpid: pid,
        action_list: vec![ConfigurationProposalAction {
            target: node(host),
            node: node(host),
            r#type: ConfigType::CT_ASSIGN_PRIMARY,
            ..ConfigurationProposalAction::default()
        }],
        force: Some(true),
        ..ConfigurationBalancerRequest::default()
    };
    cluster.control_level(FunctionLevel::Freezed);
    cluster.run(Duration::from_secs(3), host..=host);
    cluster.control_level(FunctionLevel::Steady);
    cluster.core.options.freeze.live_percent_min = 0;
    cluster.proposals.clear();
    let mut out = Vec::new();
    let response = cluster
        .core
        .propose_balancer(cluster.now, &request, &mut out);
    assert_eq!(response.err, ErrorCode::Ok);
    cluster.settle(out);
    let mut proposals = cluster.proposals.drain(..);
    let (target, asked) = proposals
        .find(|(_, asked)| asked.config.pid == pid)
        .unwrap();
    drop(proposals);
    assert_eq!(
        (target, asked.r#type),
        (node(host), ConfigType::CT_ASSIGN_PRIMARY)
    );
    assert_eq!(
        (asked.config.ballot, asked.config.secondaries.len()),
        (2, 0)
    );
    assert_eq!(asked.config.last_drops.len(), 3);

    request.force = None;
    let mut propose = |request: &_| {
        cluster
            .core
            .propose_balancer(cluster.now, request, &mut Vec::new())
            .err
    };
    assert_eq!(
        propose(&request),
        ErrorCode::InvalidParameters,
        "something is under way"
    );
    request.gpid = Gpid::new(9, 0);
    assert_eq!(propose(&request), ErrorCode::InvalidParameters);
}
