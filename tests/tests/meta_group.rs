//! Three meta servers: whichever leads may die or stand still, tables are made meanwhile, and clients
//! read and write as if nothing had happened.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pegasus_client::{AppStatus, Cluster, CreateTable, Table};
use pegasus_tests::membership::{patient_client, wait_until_whole};
use pegasus_tests::{Node, Onebox, OneboxOptions, binary, client_runtime, http_page};
use tokio::time::{Instant, sleep};

const LIMIT: Duration = Duration::from_secs(60);
const LOOK_PAUSE: Duration = Duration::from_millis(10);

fn three() -> Onebox {
    Onebox::start(OneboxOptions {
        metas: 3,
        ..OneboxOptions::default()
    })
}

async fn role(meta: &Node) -> Option<String> {
    http_page::try_get(&meta.address, "/health").await
}

/// The meta server that leads, apart from `but`.
async fn leader(onebox: &Onebox, but: Option<&Node>) -> Node {
    let deadline = Instant::now() + LIMIT;
    loop {
        for node in onebox.nodes() {
            let is_asked = node.role == "meta" && but.is_none_or(|but| but.name != node.name);
            if is_asked && role(&node).await.as_deref() == Some("leader") {
                return node;
            }
        }
        assert!(Instant::now() < deadline, "no meta server leads");
        sleep(LOOK_PAUSE).await;
    }
}

/// Writes and reads until it is told to end; returns how many records it has written.
async fn keep_writing(table: Table, ends: Arc<AtomicBool>) -> u32 {
    let mut number = 0;
    while !ends.load(Ordering::Relaxed) {
        let key = number.to_string();
        let written = table.set(key.as_bytes(), b"", key.clone()).await;
        written.expect("writes go on");
        let read = table.get(key.as_bytes(), b"").await;
        assert_eq!(read.expect("reads go on").as_deref(), Some(key.as_bytes()));
        number += 1;
    }
    number
}

/// Makes a table; who was asked may have died before it answered, with or without having done it.
async fn create(cluster: &Cluster, name: &str) {
    let deadline = Instant::now() + LIMIT;
    let create = CreateTable::new(name).partition_count(4);
    while let Err(error) = cluster.admin().create_app(&create).await {
        if cluster.admin().partitions(name).await.is_ok() {
            return;
        }
        assert!(Instant::now() < deadline, "{error}");
        sleep(LOOK_PAUSE).await;
    }
}

async fn names(cluster: &Cluster) -> Vec<String> {
    let apps = cluster.admin().list_apps(AppStatus::AS_AVAILABLE).await;
    let apps = apps.expect("a list");
    let mut names: Vec<_> = apps.into_iter().map(|app| app.app_name).collect();
    names.sort_unstable();
    names
}

#[test]
fn whichever_meta_server_leads_may_go() {
    let onebox = three();
    client_runtime().block_on(async {
        let cluster = patient_client(&onebox).await;
        wait_until_whole(&cluster, "temp", LIMIT).await;
        let table = cluster.table("temp").await.expect("the table exists");
        let ends = Arc::new(AtomicBool::new(false));
        let writer = tokio::spawn(keep_writing(table.clone(), Arc::clone(&ends)));
        for round in 0..6 {
            let old = leader(&onebox, None).await;
            let stands_still = round % 2 == 1;
            if stands_still {
                onebox.onebox(&["kill", &old.name, "--signal", "STOP"]);
            } else {
                onebox.kill(&old.name);
            }
            leader(&onebox, Some(&old)).await;
            create(&cluster, &format!("made{round}")).await;
            if stands_still {
                onebox.onebox(&["kill", &old.name, "--signal", "CONT"]);
            } else {
                onebox.start_node(&old.name);
            }
            // It follows the new one before that goes too.
            while role(&old).await.as_deref() != Some("standby") {
                sleep(LOOK_PAUSE).await;
            }
        }
        ends.store(true, Ordering::Relaxed);
        let written = writer.await.expect("the writer has not failed");
        for number in 0..written {
            let key = number.to_string();
            let read = table.get(key.as_bytes(), b"").await.expect("an answer");
            assert_eq!(read.as_deref(), Some(key.as_bytes()));
        }
        let made: Vec<_> = (0..6).map(|round| format!("made{round}")).collect();
        assert_eq!(
            names(&cluster).await,
            [made, vec!["temp".to_owned()]].concat()
        );
    });
    assert_eq!(onebox.panics(), [""; 0]);
}

#[test]
fn a_group_that_was_killed_as_a_whole_has_everything() {
    let onebox = three();
    client_runtime().block_on(async {
        let cluster = patient_client(&onebox).await;
        create(&cluster, "other").await;
        onebox.kill_all();
        onebox.start_all();
        let cluster = patient_client(&onebox).await;
        wait_until_whole(&cluster, "other", LIMIT).await;
        assert_eq!(names(&cluster).await, ["other", "temp"]);
        // The last one ends cleanly although nobody is there to take over.
        let last = leader(&onebox, None).await;
        for node in onebox.nodes() {
            if node.role == "meta" && node.name != last.name {
                onebox.kill(&node.name);
            }
        }
        onebox.onebox(&["kill", &last.name, "--signal", "TERM"]);
        let deadline = Instant::now() + LIMIT;
        while onebox
            .nodes()
            .iter()
            .any(|node| node.name == last.name && node.alive)
        {
            assert!(Instant::now() < deadline, "{} does not end", last.name);
            sleep(LOOK_PAUSE).await;
        }
    });
}

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

/// `pegasus meta ...`: who votes afterwards, or what was wrong.
fn members(onebox: &Onebox, arguments: &[&str]) -> Result<Vec<String>, String> {
    let list = onebox.meta_list();
    let options = ["--json", "--meta", &list];
    let told = pegasus_meta(&[arguments, &options].concat())?;
    let rows: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    let rows = rows.as_array().expect("a list");
    let votes = rows.iter().filter(|row| row["standing"] != "learner");
    let address = |row: &serde_json::Value| row["address"].as_str().map(str::to_owned);
    Ok(votes.filter_map(address).collect())
}

#[test]
fn meta_servers_come_and_go_while_the_cluster_works() {
    let onebox = three();
    client_runtime().block_on(async {
        let cluster = patient_client(&onebox).await;
        wait_until_whole(&cluster, "temp", LIMIT).await;
        let leads = leader(&onebox, None).await;
        let nodes = onebox.nodes();
        let metas = nodes.iter().filter(|node| node.role == "meta");
        let mut addresses: Vec<_> = metas.clone().map(|node| node.address.clone()).collect();
        addresses.sort_unstable();
        assert_eq!(members(&onebox, &["list"]).as_ref(), Ok(&addresses));

        // One loses its directory. It stays outside until it is added.
        let lost = metas.clone().find(|node| node.name != leads.name);
        let lost = lost.expect("another").clone();
        onebox.kill(&lost.name);
        let store = onebox.directory_of(&lost.name).join("store");
        std::fs::remove_dir_all(&store).expect("the directory of the store");
        onebox.start_node(&lost.name);
        let added = members(&onebox, &["add", &lost.address]);
        assert_eq!(added.as_ref(), Ok(&addresses));
        create(&cluster, "after-add").await;

        // Now the group needs it: the leader goes, with its own consent.
        let left = members(&onebox, &["remove", &leads.address]).expect("two are left");
        assert_eq!(left.len(), 2);
        let next = leader(&onebox, Some(&leads)).await;
        create(&cluster, "after-remove").await;
        let facts = cluster.admin().cluster_info().await.expect("facts");
        let listed = facts.iter().find(|(key, _)| key == "meta_servers");
        let listed = listed.map(|(_, value)| value.split(',').collect::<Vec<_>>());
        assert_eq!(listed, Some(left.iter().map(String::as_str).collect()));
        let refused = members(&onebox, &["add", &leads.address]);
        let refused = refused.expect_err("it was removed");
        assert!(
            refused.contains("start it with an empty directory"),
            "{refused}"
        );

        // One that does not answer cannot be added, and the group goes on.
        let other = metas
            .clone()
            .find(|node| node.name != leads.name && node.name != next.name);
        let other = other.expect("a third");
        onebox.onebox(&["kill", &other.name, "--signal", "STOP"]);
        let refused = members(&onebox, &["add", &other.address, "--timeout-ms", "6000"]);
        assert!(refused.is_err(), "{refused:?}");
        onebox.onebox(&["kill", &other.name, "--signal", "CONT"]);
        create(&cluster, "after-all").await;
    });
    assert_eq!(onebox.panics(), [""; 0]);
}

#[test]
fn a_cluster_that_lost_its_metadata_goes_on_with_a_dump() {
    let onebox = three();
    client_runtime().block_on(async {
        let cluster = patient_client(&onebox).await;
        wait_until_whole(&cluster, "temp", LIMIT).await;
        create(&cluster, "other").await;
        let table = cluster.table("temp").await.expect("the table exists");
        table.set(b"key", b"", "value").await.expect("a write");

        let file = onebox.cluster_directory().join("dump.json");
        let path = file.to_str().expect("a path of text");
        let told = pegasus_meta(&["dump", "--meta", &onebox.meta_list(), "--out", path]);
        assert!(
            told.as_ref().is_ok_and(|told| told.contains("2 tables")),
            "{told:?}"
        );

        let nodes = onebox.nodes();
        let metas: Vec<_> = nodes.iter().filter(|node| node.role == "meta").collect();
        let config = onebox.directory_of(&metas[0].name).join("config.toml");
        let restore = ["restore", "--config", config.to_str().expect("text"), path];
        for meta in &metas {
            onebox.kill(&meta.name);
        }
        let refused = pegasus_meta(&restore).expect_err("there is a store");
        assert!(refused.contains("is not empty"), "{refused}");
        for meta in &metas {
            let store = onebox.directory_of(&meta.name).join("store");
            std::fs::remove_dir_all(store).expect("its store");
        }
        let text = std::fs::read_to_string(&file).expect("the dump");
        std::fs::write(&file, text.replace("other", "third")).expect("a damaged dump");
        let refused = pegasus_meta(&restore).expect_err("it is damaged");
        assert!(refused.contains("checksum"), "{refused}");
        std::fs::write(&file, text).expect("the dump again");
        let told = pegasus_meta(&restore).expect("a new store");
        assert!(told.contains("2 tables"), "{told}");

        for meta in &metas {
            onebox.start_node(&meta.name);
        }
        for meta in &metas[1..] {
            members(&onebox, &["add", &meta.address]).expect("it is added");
        }
        assert_eq!(members(&onebox, &["list"]).expect("a list").len(), 3);
        let cluster = patient_client(&onebox).await;
        assert_eq!(names(&cluster).await, ["other", "temp"]);
        wait_until_whole(&cluster, "temp", LIMIT).await;
        let table = cluster.table("temp").await.expect("the table exists");
        let read = table.get(b"key", b"").await.expect("a read");
        assert_eq!(read.as_deref(), Some(&b"value"[..]));
        create(&cluster, "after").await;
    });
    assert_eq!(onebox.panics(), [""; 0]);
}
