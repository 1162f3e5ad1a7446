//! The official Python client works against a onebox, with every call that it has.

use std::process::Command;
use std::time::Duration;

use pegasus_client::{ClientOptions, Cluster, CreateTable};
use pegasus_tests::{Onebox, OneboxOptions, checkout};

/// A table for binary keys: the client's scanners decode every key that they meet as UTF-8.
const BINARY_TABLE: &str = "binary";

#[test]
fn every_call_of_the_python_client_agrees_with_a_model() {
    let python = checkout().join(".venv/bin/python");
    assert!(
        python.exists(),
        "the Python client is not installed in .venv: run tools/setup.sh, or use `make test`"
    );
    let onebox = Onebox::start(OneboxOptions::default());
    create_binary_table(&onebox.meta_list());

    // The client writes its log into the working directory.
    let directory = tempfile::tempdir().expect("a temporary directory");
    let output = Command::new(python)
        .current_dir(&directory)
        .arg(checkout().join("tests/python/pypegasus_model.py"))
        .args(["--meta", &onebox.meta_list()])
        .args(["--table", "temp", "--binary-table", BINARY_TABLE])
        .args(["--operations", "4000", "--seed", "20261121"])
        .output()
        .expect("python can be run");
    assert!(
        output.status.success(),
        "the script failed ({}):\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
}

fn create_binary_table(meta_list: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let options = ClientOptions::new().operation_timeout(Duration::from_secs(60));
        let cluster = Cluster::connect(meta_list, options)
            .await
            .expect("the cluster answers");
        let table = CreateTable::new(BINARY_TABLE)
            .partition_count(8)
            .replica_count(3);
        cluster
            .admin()
            .create_app(&table)
            .await
            .expect("the table is created");
        // The Python client does not wait for a partition's birth; this one does.
        let table = cluster.table(BINARY_TABLE).await.expect("the table exists");
        for key in 0..64_u32 {
            table
                .get(&key.to_be_bytes(), b"")
                .await
                .expect("every partition serves");
        }
    });
}
