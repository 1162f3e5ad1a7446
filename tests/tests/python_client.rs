//! The official Python client works against a onebox: our tests of it (`tests/clients/python`), which
//! `tests/clients/run` runs against a cluster of their own.

use std::process::Command;

use pegasus_tests::{binary, checkout};

#[test]
fn our_tests_of_the_python_client_pass() {
    let output = Command::new(checkout().join("tests/clients/run"))
        .arg("--pegasus")
        .arg(binary())
        .arg("python")
        .output()
        .expect("tests/clients/run needs python3");
    assert!(
        output.status.success(),
        "{}:\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
}
