//! Groups of several members in one process: elections, cuts, restarts, members that fall behind.

#![allow(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{join_all, select_all};
use parking_lot::Mutex;
use pegasus_common::clock::MonotonicMillis;
use pegasus_metastore::embedded::journal::FileJournal;
use pegasus_metastore::embedded::membership::{MemberStanding, MemberView, MembershipError};
use pegasus_metastore::embedded::network::{Link, LinkError};
use pegasus_metastore::embedded::{GroupOptions, GroupParts};
use pegasus_metastore::store::BoxFuture;
use pegasus_metastore::{
    CommitError, Epoch, JournalOptions, Leadership, MetadataStore, ScanRange, ServerStore,
    StoreError, Transaction,
};

/// The wires between members; each listens at its number.
#[derive(Default)]
struct Wires {
    members: Mutex<BTreeMap<usize, Arc<ServerStore>>>,
    isolated: Mutex<BTreeSet<usize>>,
}

struct Plug {
    wires: Arc<Wires>,
    own: usize,
}

impl Link for Plug {
    fn call<'a>(
        &'a self,
        address: &'a str,
        message: Bytes,
        patience: Duration,
    ) -> BoxFuture<'a, Result<Bytes, LinkError>> {
        Box::pin(async move {
            let target: usize = address.parse().unwrap();
            let cut = {
                let isolated = self.wires.isolated.lock();
                isolated.contains(&target) || isolated.contains(&self.own)
            };
            if cut {
                tokio::time::sleep(patience).await;
                return Err(LinkError::TimedOut);
            }
            let store = self.wires.members.lock().get(&target).cloned();
            let gone = || LinkError::Unreachable("nobody listens".to_owned());
            let store = store.ok_or_else(gone)?;
            Ok(store.answer(&message).await)
        })
    }
}

struct Group {
    directory: tempfile::TempDir,
    wires: Arc<Wires>,
    options: GroupOptions,
}

impl Group {
    async fn of(count: usize, options: GroupOptions) -> Self {
        let group = Self {
            directory: tempfile::tempdir().unwrap(),
            wires: Arc::default(),
            options,
        };
        for member in 0..count {
            group.start(member).await;
        }
        let list: Vec<_> = (0..count).map(|member| member.to_string()).collect();
        for member in (0..count).rev() {
            let store = group.store(member);
            let (own, list) = (member.to_string(), list.clone());
            let joined = tokio::spawn(async move { store.join_group(&own, &list).await });
            if member == 0 {
                joined.await.unwrap().unwrap();
            }
        }
        group
    }

    async fn start(&self, member: usize) {
        let path = self.directory.path().join(member.to_string());
        let (journal, content) = FileJournal::open(&path, JournalOptions::default()).unwrap();
        let parts = GroupParts {
            content,
            journal: Arc::new(journal),
            link: Arc::new(Plug {
                wires: Arc::clone(&self.wires),
                own: member,
            }),
            clock: Arc::new(MonotonicMillis::now),
            options: self.options,
        };
        let store = Arc::new(ServerStore::start(parts).await.unwrap());
        store.campaign().await.unwrap();
        self.wires.members.lock().insert(member, store);
    }

    async fn stop(&self, member: usize) {
        let store = self.wires.members.lock().remove(&member).unwrap();
        store.close().await;
    }

    fn store(&self, member: usize) -> Arc<ServerStore> {
        Arc::clone(&self.wires.members.lock()[&member])
    }

    /// Waits for a leader among these members.
    async fn leader(&self, among: &[usize]) -> (usize, Epoch) {
        let waits = among.iter().map(|&member| {
            let mut view = self.store(member).leadership();
            Box::pin(async move {
                let leads = view.wait_for(|view| view.epoch().is_some()).await;
                (member, leads.unwrap().epoch().unwrap())
            })
        });
        select_all(waits).await.0
    }

    async fn put(&self, by: (usize, Epoch), key: &str, value: &str) -> Result<(), CommitError> {
        let put = Transaction::new().put(key.to_owned(), value.to_owned());
        self.store(by.0).commit(by.1, put).await.map(|_| ())
    }

    async fn values(&self, member: usize) -> Result<Vec<String>, StoreError> {
        let entries = self
            .store(member)
            .scan(ScanRange::default(), 10_000)
            .await?;
        let text = |value: Bytes| String::from_utf8(value.to_vec()).unwrap();
        Ok(entries.into_iter().map(|entry| text(entry.value)).collect())
    }
}

#[tokio::test]
async fn a_leader_that_is_cut_off_is_replaced_and_fenced() {
    let group = Group::of(3, GroupOptions::default()).await;
    let old = group.leader(&[0, 1, 2]).await;
    group.put(old, "a", "1").await.unwrap();
    let rest: Vec<_> = (0..3).filter(|&member| member != old.0).collect();
    for &member in &rest {
        let mut view = group.store(member).leadership();
        let leader = Some(old.0.to_string());
        let follows = Leadership::Follower { leader };
        view.wait_for(|seen| *seen == follows).await.unwrap();
    }
    assert!(group.store(old.0).surely_leads(old.1));
    group.wires.isolated.lock().insert(old.0);
    let new = group.leader(&rest).await;
    assert!(new.1 > old.1);
    assert!(group.store(new.0).surely_leads(new.1));
    assert!(!group.store(old.0).surely_leads(old.1));
    group.put(new, "a", "2").await.unwrap();
    assert_eq!(group.values(new.0).await.unwrap(), ["2"]);
    // It notices by itself, since nobody answers it.
    let mut view = group.store(old.0).leadership();
    view.wait_for(|seen| seen.epoch().is_none()).await.unwrap();
    let late = group.put(old, "a", "3").await;
    assert!(matches!(late, Err(CommitError::Deposed { .. })), "{late:?}");
    let stale = group.values(old.0).await;
    assert!(
        matches!(stale, Err(StoreError::Unavailable { .. })),
        "{stale:?}"
    );
    group.wires.isolated.lock().clear();
    let leader = Some(new.0.to_string());
    let follows = Leadership::Follower { leader };
    view.wait_for(|seen| *seen == follows).await.unwrap();
    assert_eq!(group.values(new.0).await.unwrap(), ["2"]);
}

#[tokio::test]
async fn a_minority_neither_writes_nor_reads() {
    let group = Group::of(3, GroupOptions::default()).await;
    let leader = group.leader(&[0, 1, 2]).await;
    group.put(leader, "a", "1").await.unwrap();
    for member in (0..3).filter(|&member| member != leader.0) {
        group.stop(member).await;
    }
    let never = group.put(leader, "a", "2");
    let waited = tokio::time::timeout(Duration::from_secs(1), never).await;
    assert!(waited.is_err(), "{waited:?}");
    let read = group.values(leader.0).await;
    assert!(
        matches!(read, Err(StoreError::Unavailable { .. })),
        "{read:?}"
    );
    assert!(!group.store(leader.0).surely_leads(leader.1));
    // With a second member it goes on.
    let back = (0..3).find(|&member| member != leader.0).unwrap();
    group.start(back).await;
    let next = group.leader(&[leader.0, back]).await;
    group.put(next, "a", "3").await.unwrap();
    assert_eq!(group.values(next.0).await.unwrap(), ["3"]);
}

#[tokio::test]
async fn everything_survives_when_all_members_restart() {
    let group = Group::of(3, GroupOptions::default()).await;
    let mut last = Epoch::ZERO;
    for round in 0..3 {
        let leader = group.leader(&[0, 1, 2]).await;
        assert!(leader.1 >= last);
        for key in 0..20 {
            let key = format!("{round}-{key:02}");
            group.put(leader, &key, &key).await.unwrap();
        }
        for member in 0..3 {
            group.stop(member).await;
        }
        for member in 0..3 {
            group.start(member).await;
        }
        let leader = group.leader(&[0, 1, 2]).await;
        assert!(leader.1 > last);
        last = leader.1;
        assert_eq!(
            group.values(leader.0).await.unwrap().len(),
            (round + 1) * 20
        );
    }
}

#[tokio::test]
async fn a_leader_that_resigns_hands_over() {
    let group = Group::of(3, GroupOptions::default()).await;
    let old = group.leader(&[0, 1, 2]).await;
    group.put(old, "a", "1").await.unwrap();
    group.store(old.0).resign(old.1).await.unwrap();
    let late = group.put(old, "a", "2").await;
    assert!(matches!(late, Err(CommitError::Deposed { .. })), "{late:?}");
    let rest: Vec<_> = (0..3).filter(|&member| member != old.0).collect();
    let new = group.leader(&rest).await;
    assert!(new.1 > old.1);
    group.put(new, "a", "3").await.unwrap();
    assert_eq!(group.values(new.0).await.unwrap(), ["3"]);
}

#[tokio::test]
async fn a_leader_without_the_others_can_still_leave() {
    let group = Group::of(3, GroupOptions::default()).await;
    let leader = group.leader(&[0, 1, 2]).await;
    for member in (0..3).filter(|&member| member != leader.0) {
        group.stop(member).await;
    }
    let store = group.store(leader.0);
    store.resign(leader.1).await.unwrap();
    let late = group.put(leader, "a", "1").await;
    assert!(matches!(late, Err(CommitError::Deposed { .. })), "{late:?}");
    group.stop(leader.0).await;
}

#[tokio::test]
async fn a_member_that_fell_far_behind_gets_a_snapshot() {
    let options = GroupOptions {
        snapshot_entries: 20,
        ..GroupOptions::default()
    };
    let group = Group::of(3, options).await;
    let leader = group.leader(&[0, 1, 2]).await;
    let behind = (0..3).find(|&member| member != leader.0).unwrap();
    group.stop(behind).await;
    // Several pieces of a snapshot.
    let large = "x".repeat(700_000);
    for key in 0..60 {
        let value = if key % 20 == 0 {
            large.as_str()
        } else {
            "small"
        };
        group
            .put(leader, &format!("{key:02}"), value)
            .await
            .unwrap();
    }
    group.start(behind).await;
    let other = (0..3)
        .find(|&member| member != leader.0 && member != behind)
        .unwrap();
    // Now the group needs it.
    group.stop(other).await;
    let next = group.leader(&[leader.0, behind]).await;
    group.put(next, "60", "after").await.unwrap();
    assert_eq!(group.values(next.0).await.unwrap().len(), 61);
    group.stop(leader.0).await;
    group.start(other).await;
    let next = group.leader(&[other, behind]).await;
    assert_eq!(group.values(next.0).await.unwrap().len(), 61);
}

#[tokio::test]
async fn messages_that_are_none_are_answered_and_change_nothing() {
    let group = Group::of(1, GroupOptions::default()).await;
    let leader = group.leader(&[0]).await;
    for message in [&b""[..], b"\x01", b"\x02rubbish", &[1; 64], &[0xff; 1000]] {
        let answer = group.store(0).answer(message).await;
        assert!(!answer.is_empty());
    }
    group.put(leader, "a", "1").await.unwrap();
}

#[tokio::test]
async fn a_group_is_made_once_and_only_of_new_members() {
    let group = Group::of(3, GroupOptions::default()).await;
    let leader = group.leader(&[0, 1, 2]).await;
    group.put(leader, "a", "1").await.unwrap();
    // The first of the list loses its directory: it must not make a group of its own.
    group.stop(0).await;
    std::fs::remove_dir_all(group.directory.path().join("0")).unwrap();
    group.start(0).await;
    let list: Vec<_> = (0..3).map(|member| member.to_string()).collect();
    let first = group.store(0);
    let joined = first.join_group("0", &list);
    let waited = tokio::time::timeout(Duration::from_millis(500), joined).await;
    assert!(waited.is_err(), "{waited:?}");
    let leader = group.leader(&[1, 2]).await;
    group.put(leader, "a", "2").await.unwrap();
    assert_eq!(first.leadership().borrow().epoch(), None);
}

/// Who votes, as the leader sees it.
fn voters(store: &ServerStore) -> Vec<String> {
    let members = store.members();
    let votes = |member: &MemberView| member.standing != MemberStanding::Learner;
    let voters = members.into_iter().filter(votes);
    voters.map(|member| member.address).collect()
}

#[tokio::test]
async fn a_group_grows_and_shrinks_while_it_works() {
    let group = Group::of(1, GroupOptions::default()).await;
    let leader = group.leader(&[0]).await;
    group.put(leader, "a", "1").await.unwrap();
    for member in 1..3 {
        group.start(member).await;
        let address = member.to_string();
        group.store(0).add_member(&address).await.unwrap();
        // Once more changes nothing.
        group.store(0).add_member(&address).await.unwrap();
    }
    assert_eq!(voters(&group.store(0)), ["0", "1", "2"]);
    assert_eq!(
        group.store(1).add_member("3").await,
        Err(MembershipError::NotLeader)
    );
    assert_eq!(
        group.store(0).remove_member("3").await,
        Err(MembershipError::Unknown("3".to_owned()))
    );
    group.put(leader, "b", "2").await.unwrap();
    // The leader itself goes; the others have everything.
    group.store(0).remove_member("0").await.unwrap();
    let next = group.leader(&[1, 2]).await;
    assert_eq!(group.values(next.0).await.unwrap(), ["1", "2"]);
    assert_eq!(voters(&group.store(next.0)), ["1", "2"]);
    group.put(next, "c", "3").await.unwrap();
    let again = group.store(next.0).add_member("0").await;
    assert_eq!(again, Err(MembershipError::OfAnotherGroup("0".to_owned())));
}

#[tokio::test]
async fn changes_of_members_at_the_same_time_all_take_effect() {
    let group = Group::of(1, GroupOptions::default()).await;
    let leader = group.leader(&[0]).await;
    group.put(leader, "a", "1").await.unwrap();
    for member in 1..5 {
        group.start(member).await;
    }
    let store = group.store(0);
    let added = (1..5).map(|member| {
        let store = Arc::clone(&store);
        async move { store.add_member(&member.to_string()).await }
    });
    for added in join_all(added).await {
        added.unwrap();
    }
    assert_eq!(voters(&store), ["0", "1", "2", "3", "4"]);
    let (removed, other) = tokio::join!(store.remove_member("1"), store.remove_member("2"));
    removed.unwrap();
    other.unwrap();
    assert_eq!(voters(&store), ["0", "3", "4"]);
}

#[tokio::test]
async fn a_member_that_lost_its_directory_takes_its_own_place() {
    let group = Group::of(3, GroupOptions::default()).await;
    let leader = group.leader(&[0, 1, 2]).await;
    group.put(leader, "a", "1").await.unwrap();
    let lost = (0..3).find(|&member| member != leader.0).unwrap();
    group.stop(lost).await;
    let path = group.directory.path().join(lost.to_string());
    std::fs::remove_dir_all(path).unwrap();
    group.start(lost).await;
    let address = lost.to_string();
    group.store(leader.0).add_member(&address).await.unwrap();
    assert_eq!(voters(&group.store(leader.0)), ["0", "1", "2"]);
    assert_eq!(group.store(leader.0).members().len(), 3);
    // It counts: with it and one other the group goes on.
    group.stop(leader.0).await;
    let rest: Vec<_> = (0..3).filter(|&member| member != leader.0).collect();
    let next = group.leader(&rest).await;
    group.put(next, "b", "2").await.unwrap();
    assert_eq!(group.values(next.0).await.unwrap(), ["1", "2"]);
}

#[tokio::test]
async fn no_change_leaves_a_group_that_cannot_decide() {
    let group = Group::of(3, GroupOptions::default()).await;
    let leader = group.leader(&[0, 1, 2]).await;
    let others: Vec<_> = (0..3).filter(|&member| member != leader.0).collect();
    group.stop(others[0]).await;
    let store = group.store(leader.0);
    assert_eq!(
        store.remove_member(&others[1].to_string()).await,
        Err(MembershipError::NoMajority {
            voters: 2,
            answering: 1
        })
    );
    // The dead one may go, and then the other.
    store.remove_member(&others[0].to_string()).await.unwrap();
    store.remove_member(&others[1].to_string()).await.unwrap();
    group.put(leader, "a", "1").await.unwrap();
    let last = store.remove_member(&leader.0.to_string()).await;
    assert_eq!(
        last,
        Err(MembershipError::NoMajority {
            voters: 0,
            answering: 0
        })
    );
    // Nobody can be added who is not there.
    let missing = store.add_member("7").await;
    assert!(
        matches!(missing, Err(MembershipError::Unreachable { .. })),
        "{missing:?}"
    );
}
