//! What every implementation of the store must do. One suite; each store brings a way to make an
//! empty group and to close and open a member again.

#![allow(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use std::sync::Arc;

use bytes::Bytes;
use pegasus_metastore::store::BoxFuture;
use pegasus_metastore::{
    CommitError, Epoch, JournalOptions, Leadership, MemoryCluster, MetadataStore, ScanRange,
    ServerStore, Transaction, Version,
};

/// One store under test. Opening it again finds what was closed.
trait Subject {
    fn open(&self) -> BoxFuture<'_, Arc<dyn MetadataStore>>;
}

struct Memory(Arc<MemoryCluster>);

impl Subject for Memory {
    fn open(&self) -> BoxFuture<'_, Arc<dyn MetadataStore>> {
        let store: Arc<dyn MetadataStore> = Arc::new(self.0.member("one"));
        Box::pin(std::future::ready(store))
    }
}

struct Alone(tempfile::TempDir, JournalOptions);

impl Subject for Alone {
    fn open(&self) -> BoxFuture<'_, Arc<dyn MetadataStore>> {
        Box::pin(async {
            let store = ServerStore::open_alone(self.0.path(), self.1).await;
            let store: Arc<dyn MetadataStore> = Arc::new(store.unwrap());
            store
        })
    }
}

fn subjects() -> Vec<Box<dyn Subject>> {
    let directory = || tempfile::tempdir().unwrap();
    let small = JournalOptions {
        log_bytes_max: 300,
        ..JournalOptions::default()
    };
    vec![
        Box::new(Memory(MemoryCluster::new())),
        Box::new(Alone(directory(), JournalOptions::default())),
        // Changes its generation all the time.
        Box::new(Alone(directory(), small)),
    ]
}

async fn elected(store: &dyn MetadataStore) -> Epoch {
    let mut view = store.leadership();
    store.campaign().await.unwrap();
    let leads = |view: &Leadership| view.epoch().is_some();
    view.wait_for(leads).await.unwrap().epoch().unwrap()
}

async fn value(store: &dyn MetadataStore, key: &'static str) -> Option<Bytes> {
    let entry = store.get(Bytes::from_static(key.as_bytes())).await.unwrap();
    entry.map(|entry| entry.value)
}

async fn keys(store: &dyn MetadataStore, range: ScanRange, limit: usize) -> Vec<String> {
    let entries = store.scan(range, limit).await.unwrap();
    let text = |key: Bytes| String::from_utf8(key.to_vec()).unwrap();
    entries.into_iter().map(|entry| text(entry.key)).collect()
}

macro_rules! conformance {
    ($($name:ident)*) => {$(
        #[tokio::test]
        async fn $name() {
            for subject in subjects() {
                checks::$name(&*subject).await;
            }
        }
    )*};
}

conformance! {
    transactions_are_all_or_nothing
    preconditions_guard
    scans_are_ordered_and_paged
    deposed_leaders_cannot_write
    everything_survives_reopening
    commits_at_the_same_time_all_happen
    too_large_transactions_are_refused
}

mod checks {
    use super::*;

    pub async fn transactions_are_all_or_nothing(subject: &dyn Subject) {
        let store = subject.open().await;
        let epoch = elected(&*store).await;
        let both = Transaction::new().create("a", "1").create("b", "2");
        let version = store.commit(epoch, both).await.unwrap();
        assert!(version > Version::ZERO);
        let half = Transaction::new().create("c", "3").create("a", "x");
        let refused = store.commit(epoch, half).await.unwrap_err();
        assert!(matches!(refused, CommitError::PreconditionFailed { key, .. } if key == "a"));
        assert_eq!(value(&*store, "c").await, None);
        assert_eq!(value(&*store, "a").await.unwrap(), "1");
        let last_wins = Transaction::new().put("a", "2").delete("b").put("a", "3");
        store.commit(epoch, last_wins).await.unwrap();
        assert_eq!(value(&*store, "a").await.unwrap(), "3");
        assert_eq!(value(&*store, "b").await, None);
    }

    pub async fn preconditions_guard(subject: &dyn Subject) {
        let store = subject.open().await;
        let epoch = elected(&*store).await;
        let first = store.commit(epoch, Transaction::new().create("a", "1"));
        let first = first.await.unwrap();
        let second = store.commit(epoch, Transaction::new().replace("a", first, "2"));
        let second = second.await.unwrap();
        assert!(second > first);
        let late = store
            .commit(epoch, Transaction::new().replace("a", first, "3"))
            .await;
        let found = Some(second);
        let key = Bytes::from_static(b"a");
        assert_eq!(late, Err(CommitError::PreconditionFailed { key, found }));
        let missing = store
            .commit(epoch, Transaction::new().replace("z", first, "3"))
            .await;
        assert!(matches!(
            missing,
            Err(CommitError::PreconditionFailed { found: None, .. })
        ));
        // A key that was deleted and made again is another one.
        store
            .commit(epoch, Transaction::new().delete("a"))
            .await
            .unwrap();
        store
            .commit(epoch, Transaction::new().create("a", "4"))
            .await
            .unwrap();
        let stale = store
            .commit(epoch, Transaction::new().replace("a", second, "5"))
            .await;
        assert!(matches!(stale, Err(CommitError::PreconditionFailed { .. })));
    }

    pub async fn scans_are_ordered_and_paged(subject: &dyn Subject) {
        let store = subject.open().await;
        let epoch = elected(&*store).await;
        let all = ["b/2", "a", "b/1", "c", "b/3", "b"];
        let transaction = all.iter().fold(Transaction::new(), |transaction, key| {
            transaction.create(*key, "v")
        });
        store.commit(epoch, transaction).await.unwrap();
        let range = ScanRange::of_prefix("b/");
        assert_eq!(
            keys(&*store, range.clone(), 10).await,
            ["b/1", "b/2", "b/3"]
        );
        assert_eq!(keys(&*store, range.clone(), 2).await, ["b/1", "b/2"]);
        let after = |key: &'static str| ScanRange {
            after: Some(Bytes::from_static(key.as_bytes())),
            ..range.clone()
        };
        assert_eq!(keys(&*store, after("b/2"), 2).await, ["b/3"]);
        assert_eq!(keys(&*store, after("a"), 1).await, ["b/1"]);
        assert_eq!(keys(&*store, after("c"), 1).await, Vec::<String>::new());
        assert_eq!(keys(&*store, ScanRange::default(), 100).await.len(), 6);
    }

    pub async fn deposed_leaders_cannot_write(subject: &dyn Subject) {
        let store = subject.open().await;
        let nobody = store
            .commit(Epoch(1), Transaction::new().put("a", "0"))
            .await;
        assert!(
            matches!(nobody, Err(CommitError::Deposed { .. })),
            "{nobody:?}"
        );
        let first = elected(&*store).await;
        store.campaign().await.unwrap();
        assert_eq!(
            elected(&*store).await,
            first,
            "standing twice changes nothing"
        );
        store.resign(first).await.unwrap();
        let resigned = store.commit(first, Transaction::new().put("a", "1")).await;
        assert!(
            matches!(resigned, Err(CommitError::Deposed { .. })),
            "{resigned:?}"
        );
        assert_eq!(store.leadership().borrow().epoch(), None);
        let second = elected(&*store).await;
        assert!(second > first);
        let deposed = store.commit(first, Transaction::new().put("a", "1")).await;
        let (epoch, current) = (first, second);
        assert_eq!(deposed, Err(CommitError::Deposed { epoch, current }));
        store.resign(first).await.unwrap();
        store
            .commit(second, Transaction::new().put("a", "2"))
            .await
            .unwrap();
        assert_eq!(value(&*store, "a").await.unwrap(), "2");
    }

    pub async fn everything_survives_reopening(subject: &dyn Subject) {
        let mut epochs = Vec::new();
        let mut versions = Vec::new();
        for round in 0..10 {
            let store = subject.open().await;
            let epoch = elected(&*store).await;
            epochs.push(epoch);
            for key in 0..20 {
                let value = format!("{round}");
                let put = Transaction::new().put(format!("k{key:02}"), value);
                versions.push(store.commit(epoch, put).await.unwrap());
            }
            let temporary = Transaction::new().put("gone", "x");
            versions.push(store.commit(epoch, temporary).await.unwrap());
            let delete = Transaction::new().delete("gone");
            versions.push(store.commit(epoch, delete).await.unwrap());
            store.close().await;
            let store = subject.open().await;
            assert_eq!(value(&*store, "gone").await, None);
            for entry in store.scan(ScanRange::of_prefix("k"), 100).await.unwrap() {
                assert_eq!(entry.value, format!("{round}"));
                assert!(versions.contains(&entry.version));
            }
            assert_eq!(keys(&*store, ScanRange::default(), 100).await.len(), 20);
            store.close().await;
        }
        assert!(epochs.is_sorted_by(|a, b| a < b), "{epochs:?}");
        assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
    }

    pub async fn commits_at_the_same_time_all_happen(subject: &dyn Subject) {
        let store = subject.open().await;
        let epoch = elected(&*store).await;
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..200 {
            let store = Arc::clone(&store);
            tasks.spawn(async move {
                let create = Transaction::new().create(format!("k{task:03}"), "v");
                store.commit(epoch, create).await.unwrap()
            });
        }
        let mut versions = tasks.join_all().await;
        versions.sort_unstable();
        versions.dedup();
        assert_eq!(versions.len(), 200);
        assert_eq!(keys(&*store, ScanRange::default(), 1_000).await.len(), 200);
    }

    pub async fn too_large_transactions_are_refused(subject: &dyn Subject) {
        let store = subject.open().await;
        let epoch = elected(&*store).await;
        let large = vec![0; pegasus_metastore::store::TRANSACTION_BYTES_MAX];
        let refused = store
            .commit(epoch, Transaction::new().put("a", large))
            .await;
        assert!(matches!(refused, Err(CommitError::TooLarge { .. })));
        store
            .commit(epoch, Transaction::new().put("a", "1"))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn another_member_takes_over_and_the_old_leader_is_fenced() {
    let cluster = MemoryCluster::new();
    let (one, two) = (cluster.member("one"), cluster.member("two"));
    let first = elected(&one).await;
    two.campaign().await.unwrap();
    let leader = Some("one".to_owned());
    assert_eq!(*two.leadership().borrow(), Leadership::Follower { leader });
    cluster.depose();
    let second = two.leadership().borrow().epoch().unwrap();
    assert!(second > first);
    let late = one.commit(first, Transaction::new().put("a", "1")).await;
    assert!(matches!(late, Err(CommitError::Deposed { .. })));
    two.commit(second, Transaction::new().put("a", "2"))
        .await
        .unwrap();
    assert_eq!(value(&one, "a").await.unwrap(), "2");
}

#[tokio::test]
async fn injected_faults_do_what_they_say() {
    use pegasus_metastore::CommitFault;
    let cluster = MemoryCluster::new();
    let store = cluster.member("one");
    let epoch = elected(&store).await;
    let put = |value: &'static str| store.commit(epoch, Transaction::new().put("a", value));
    cluster.inject([
        CommitFault::Delay(std::time::Duration::from_millis(5)),
        CommitFault::LoseRequest,
        CommitFault::LoseAnswer,
        CommitFault::Fail,
    ]);
    put("1").await.unwrap();
    assert!(matches!(
        put("2").await,
        Err(CommitError::Indeterminate { .. })
    ));
    assert_eq!(value(&store, "a").await.unwrap(), "1");
    assert!(matches!(
        put("3").await,
        Err(CommitError::Indeterminate { .. })
    ));
    assert_eq!(value(&store, "a").await.unwrap(), "3");
    assert!(matches!(put("4").await, Err(CommitError::Failed { .. })));
    assert!(store.get(Bytes::from_static(b"a")).await.is_err());
}
