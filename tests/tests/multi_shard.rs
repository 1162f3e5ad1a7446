//! Several shards and several disks: acknowledged writes survive crashes there too, the replicas of
//! a partition stay identical, and replicas lie on every disk.
//!
//! `PEGASUS_KILL_ROUNDS` sets the number of rounds (5), `PEGASUS_SEED` the seed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use pegasus_client::{ClientOptions, Cluster};
use pegasus_rpc::{SessionOptions, SessionPool};
use pegasus_tests::{
    CrashLoad, Onebox, OneboxOptions, client_runtime, number_from_env, wait_until_identical,
};

const DEFAULT_ROUNDS: u64 = 5;
const DEFAULT_SEED: u64 = 20_261_122;
const REPLICAS: u16 = 3;
/// Partitions of table `temp`; each server has a replica of each.
const PARTITIONS: usize = 8;
/// Data directories of a server with two disks.
const DISKS: [&str; 2] = ["data", "data2"];

#[test]
fn several_shards_and_disks_keep_what_one_keeps() {
    let onebox = Onebox::start(OneboxOptions {
        replicas: REPLICAS,
        shards: 3,
        disks: 2,
        ..OneboxOptions::default()
    });
    let mut load = CrashLoad::new(number_from_env("PEGASUS_SEED", DEFAULT_SEED));
    for _ in 0..number_from_env("PEGASUS_KILL_ROUNDS", DEFAULT_ROUNDS) {
        load.round(&onebox);
    }
    check_identical(&onebox.meta_list());
    for number in 1..=REPLICAS {
        let directory = onebox.cluster_directory().join(format!("replica{number}"));
        check_spread(&directory);
    }
}

fn check_identical(meta_list: &str) {
    let runtime = client_runtime();
    runtime.block_on(async {
        let cluster = Cluster::connect(meta_list, ClientOptions::new())
            .await
            .expect("the cluster answers");
        let pool = SessionPool::new(SessionOptions::default());
        let partitions = cluster.admin().partitions("temp").await;
        let partitions = partitions.expect("the table exists");
        assert_eq!(partitions.members.len(), PARTITIONS);
        let mut records = 0;
        for members in &partitions.members {
            records += wait_until_identical(&pool, members).await;
        }
        assert!(records > 0, "no record was compared");
    });
}

/// Every replica lies on one disk, and every disk has at least a quarter of them.
fn check_spread(server: &Path) {
    let mut everywhere = BTreeSet::new();
    for disk in DISKS {
        let replicas = replicas_in(&server.join(disk).join("reps"));
        assert!(
            replicas.len() >= PARTITIONS / 4,
            "{}: too few replicas on {disk}: {replicas:?}",
            server.display()
        );
        for replica in replicas {
            assert!(
                everywhere.insert(replica.clone()),
                "{}: {replica} lies on both disks",
                server.display()
            );
        }
    }
    assert_eq!(everywhere.len(), PARTITIONS, "{everywhere:?}");
}

fn replicas_in(directory: &Path) -> Vec<String> {
    let entries =
        fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    entries
        .map(|entry| {
            let name = entry.expect("a readable directory").file_name();
            name.into_string().expect("a name in ASCII")
        })
        .filter(|name| name.ends_with(".pegasus"))
        .collect()
}
