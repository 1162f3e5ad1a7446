//! All meta servers lose their stores: the metadata is made again from what the replica servers have,
//! and every record is there.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use pegasus_client::{AppStatus, Cluster, CreateTable};
use pegasus_tests::membership::{patient_client, wait_until_all_identical, wait_until_whole};
use pegasus_tests::{Node, Onebox, OneboxOptions, binary, client_runtime};
use tokio::time::{Instant, sleep};

const LIMIT: Duration = Duration::from_secs(60);
const LOOK_PAUSE: Duration = Duration::from_millis(50);
const RECORDS: u32 = 500;

/// `pegasus meta ...`; what it prints, or what was wrong.
fn pegasus_meta(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(binary()).arg("meta").args(arguments).output();
    let output = output.expect("the binary can be run");
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn of_role(onebox: &Onebox, role: &str) -> Vec<Node> {
    let nodes = onebox.nodes().into_iter();
    nodes.filter(|node| node.role == role).collect()
}

/// The descriptions of tables that a replica server has on disk.
fn descriptions(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(descriptions(&path));
        } else if path.ends_with(".app-info") {
            found.extend(fs::read_to_string(path));
        }
    }
    found
}

/// Waits until every replica of the renamed table has its name and environment on disk.
async fn wait_until_recorded(onebox: &Onebox) {
    let deadline = Instant::now() + LIMIT;
    for server in of_role(onebox, "replica") {
        let directory = onebox.directory_of(&server.name);
        loop {
            let described = descriptions(&directory);
            let is_recorded = |text: &&String| text.contains("renamed") && text.contains("86400");
            if described.iter().filter(is_recorded).count() == 4 {
                break;
            }
            assert!(Instant::now() < deadline, "{described:#?}");
            sleep(LOOK_PAUSE).await;
        }
    }
}

async fn fill(cluster: &Cluster, name: &str) {
    let table = cluster.table(name).await.expect("the table exists");
    for number in 0..RECORDS {
        let key = number.to_string();
        let written = table
            .set(key.as_bytes(), name.as_bytes(), key.clone())
            .await;
        written.expect("a write");
    }
}

async fn check(cluster: &Cluster, name: &str, sort_key: &str) {
    let table = cluster.table(name).await.expect("the table exists");
    for number in 0..RECORDS {
        let key = number.to_string();
        let read = table.get(key.as_bytes(), sort_key.as_bytes()).await;
        assert_eq!(read.expect("a read").as_deref(), Some(key.as_bytes()));
    }
}

#[test]
fn metadata_that_all_meta_servers_lost_is_made_again() {
    let onebox = Onebox::start(OneboxOptions {
        metas: 3,
        ..OneboxOptions::default()
    });
    client_runtime().block_on(async {
        let cluster = patient_client(&onebox).await;
        wait_until_whole(&cluster, "temp", LIMIT).await;
        let admin = cluster.admin();
        let create = CreateTable::new("first").partition_count(4);
        admin.create_app(&create).await.expect("a table");
        wait_until_whole(&cluster, "first", LIMIT).await;
        fill(&cluster, "temp").await;
        fill(&cluster, "first").await;
        admin
            .rename_app("first", "renamed")
            .await
            .expect("a new name");
        let set = admin.set_envs("renamed", [("default_ttl", "86400")]);
        set.await.expect("an environment");
        // Servers ask for everything when they start.
        onebox.kill_all();
        onebox.start_all();
        wait_until_recorded(&onebox).await;

        onebox.kill_all();
        let metas = of_role(&onebox, "meta");
        for meta in &metas {
            let store = onebox.directory_of(&meta.name).join("store");
            fs::remove_dir_all(store).expect("its store");
        }
        let servers = of_role(&onebox, "replica");
        let addresses: Vec<_> = servers.iter().map(|node| node.address.clone()).collect();
        let addresses = addresses.join(",");
        let config = onebox.directory_of(&metas[0].name).join("config.toml");
        let config = config.to_str().expect("a path of text");
        let recover = ["recover", "--config", config, "--from-replicas", &addresses];

        // One server is missing: nothing is made unless that is wanted.
        for server in &servers[1..] {
            onebox.start_node(&server.name);
        }
        let soon = [&recover[..], &["--timeout-ms", "1000"]].concat();
        let refused = pegasus_meta(&soon).expect_err("one does not answer");
        assert!(refused.contains(&servers[0].address), "{refused}");
        onebox.start_node(&servers[0].name);
        let told = pegasus_meta(&[&recover[..], &["--dry-run", "--timeout-ms", "60000"]].concat());
        let told = told.expect("all answer");
        for line in [
            "table 1 'temp': 8 partitions, 24 of 24 replicas\n",
            "table 2 'renamed': 4 partitions, 12 of 12 replicas\n",
            "no store was made",
        ] {
            assert!(told.contains(line), "{told}");
        }
        assert!(!onebox.directory_of(&metas[0].name).join("store").exists());

        pegasus_meta(&recover).expect("a new store");
        for meta in &metas {
            onebox.start_node(&meta.name);
        }
        let refused = pegasus_meta(&recover).expect_err("meta servers run");
        assert!(refused.contains("runs"), "{refused}");
        for meta in &metas[1..] {
            let list = onebox.meta_list();
            pegasus_meta(&["add", &meta.address, "--meta", &list]).expect("it is added");
        }
        let cluster = patient_client(&onebox).await;
        let admin = cluster.admin();
        let tables = admin.list_apps(AppStatus::AS_AVAILABLE).await;
        let tables = tables.expect("a list").into_iter();
        let mut tables: Vec<_> = tables.map(|app| (app.app_id, app.app_name)).collect();
        tables.sort_unstable();
        assert_eq!(tables, [(1, "temp".to_owned()), (2, "renamed".to_owned())]);
        let envs = admin.envs("renamed").await.expect("environments");
        assert_eq!(envs.get("default_ttl").map(String::as_str), Some("86400"));
        wait_until_whole(&cluster, "temp", LIMIT).await;
        wait_until_whole(&cluster, "renamed", LIMIT).await;
        check(&cluster, "temp", "temp").await;
        check(&cluster, "renamed", "first").await;
        fill(&cluster, "renamed").await;
        wait_until_all_identical(&cluster, "renamed").await;
        let id = admin.create_app(&CreateTable::new("after")).await;
        assert_eq!(id.expect("a table"), 3);
    });
    assert_eq!(onebox.panics(), [""; 0]);
}
