//! The HTTP pages that every server has, on the port of its RPCs.

use pegasus_tests::http_page::get;
use pegasus_tests::{Onebox, OneboxOptions};

#[test]
fn every_server_tells_its_version_its_health_and_its_metrics() {
    let onebox = Onebox::start(OneboxOptions::default());
    let nodes = onebox.nodes();
    assert_eq!(nodes.len(), 4);
    for node in nodes {
        let (status, version) = get(&node.address, "/version");
        assert_eq!(status, 200);
        let version: serde_json::Value = serde_json::from_str(&version).expect("JSON");
        assert!(version["Version"].is_string(), "{}: {version}", node.name);
        assert!(version["GitCommit"].is_string(), "{}: {version}", node.name);

        let (status, health) = get(&node.address, "/health");
        assert_eq!(status, 200, "{}: {health}", node.name);

        let (status, metrics) = get(&node.address, "/metrics");
        assert_eq!(status, 200);
        check_metrics(&node.name, &metrics);

        assert_eq!(get(&node.address, "/no/such/page").0, 404);
        assert_eq!(get(&node.address, "//version//").0, 200);
    }
}

/// The text format of Prometheus: comments, and lines of a name with labels and a number.
fn check_metrics(server: &str, text: &str) {
    let mut values = 0;
    for line in text.lines() {
        if line.is_empty() || line.starts_with("# HELP ") || line.starts_with("# TYPE ") {
            continue;
        }
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        assert!(is_name && value.parse::<f64>().is_ok(), "{server}: {line}");
        values += 1;
    }
    assert!(values > 0, "{server} has no metrics");
}
