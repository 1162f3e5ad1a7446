//! The HTTP pages that every server has, on the port of its RPCs.

use pegasus_tests::raw_socket::{Ending, RawSocket};
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

/// Status and body.
fn get(address: &str, path: &str) -> (u16, String) {
    let mut socket = RawSocket::open(address);
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(socket.send(request.as_bytes()));
    let Ending::Closed(answer) = socket.ending() else {
        panic!("{address}{path}: no end");
    };
    let answer = String::from_utf8(answer).expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    (status.expect("a status"), body.to_owned())
}
