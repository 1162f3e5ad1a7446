//! A short `pegasus chaos` with every kind of fault that this system permits.
//!
//! `PEGASUS_CHAOS_SECONDS` sets how long faults come (60), `PEGASUS_SEED` the seed. The write gaps
//! are printed; they are held only against a bound that a busy machine keeps too.

use std::process::Command;

use pegasus_tests::{binary, number_from_env, print_log_ends};

const DEFAULT_SECONDS: u64 = 60;
const DEFAULT_SEED: u64 = 20_261_122;
/// Twice the grace, and time for a machine that does other things. Milliseconds.
const WRITE_GAP_BOUND_MS: u64 = 15_000;

#[test]
fn no_fault_makes_a_client_see_anything_wrong() {
    let seconds = number_from_env("PEGASUS_CHAOS_SECONDS", DEFAULT_SECONDS);
    let seed = number_from_env("PEGASUS_SEED", DEFAULT_SEED);
    let directory = tempfile::Builder::new()
        .prefix("pegasus-chaos-")
        .tempdir()
        .expect("a temporary directory");
    let output = Command::new(binary())
        .arg("chaos")
        .arg("--dir")
        .arg(directory.path().join("cluster"))
        .args(["--seconds", &seconds.to_string()])
        .args(["--seed", &seed.to_string()])
        .arg("--json")
        .output()
        .expect("the binary can be run");
    let (told, result) = (
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(&output.stdout),
    );
    if !output.status.success() {
        print_log_ends(directory.path());
    }
    assert!(output.status.success(), "{told}\n{result}");
    let report: serde_json::Value = serde_json::from_str(&result).expect("a JSON object");
    println!("{report:#}");
    assert_eq!(report["violations"], serde_json::json!([]));
    assert!(
        report["operations"].as_u64() > Some(seconds * 10),
        "{report}"
    );
    let gaps = report["write_gap_ms"].as_object().expect("gaps by kind");
    for kind in ["kill", "restart", "term"] {
        if let Some(gap) = gaps.get(kind) {
            assert!(
                gap["max"].as_u64() < Some(WRITE_GAP_BOUND_MS),
                "{kind}: {gap}"
            );
        }
    }
}
