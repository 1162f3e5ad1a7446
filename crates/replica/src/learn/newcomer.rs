//! An empty replica for a partition of which this server has nothing, so that it can learn. As with
//! every replacement the log comes first: records of an earlier life must never meet a new directory.

use std::rc::Rc;
use std::sync::Arc;

use pegasus_common::Ballot;
use pegasus_common::Decree;
use pegasus_common::Gpid;
use pegasus_wire::layer2::AppInfo;
use tracing::info;
use tracing::warn;

use super::construction::Construction;
use super::construction::ConstructionError;
use super::message::LearnEvent;
use super::thread::LearnThread;
use crate::disk::Aside;
use crate::disk::ReplicaDirectory;
use crate::hosted_replica::HostedReplica;
use crate::load::Newborn;
use crate::load::OpenReplicaError;
use crate::load::create_replica;
use crate::peer_messages::PeerMessage;

/// A replica cannot be made.
#[derive(Debug, thiserror::Error)]
enum NewcomerError {
    #[error("the table has no such partition")]
    NoSuchPartition,
    #[error("no disk can take it now")]
    NoDisk,
    #[error(transparent)]
    Construction(#[from] ConstructionError),
    #[error(transparent)]
    Open(#[from] OpenReplicaError),
    #[error("it broke off")]
    BrokenOff(#[from] tokio::task::JoinError),
}

/// Makes the replica and gives it to its shard, with what the primary has said.
pub async fn make(thread: Rc<LearnThread>, app: AppInfo, check: PeerMessage) {
    let gpid = check.gpid;
    let construction = Construction::new(&thread.node, &thread.opening, gpid);
    match build(&thread, &construction, app).await {
        Ok(replica) => {
            info!(%gpid, primary = %check.from, "empty replica made for learning");
            construction.tell(LearnEvent::Made {
                replica: Box::new(replica),
                check: Box::new(check),
            });
        }
        Err(error) => warn!(%gpid, %error, "no replica can be made for learning"),
    }
}

async fn build(
    thread: &LearnThread,
    construction: &Construction,
    app: AppInfo,
) -> Result<HostedReplica, NewcomerError> {
    let gpid = construction.gpid();
    if app.app_id != gpid.app_id.0 || !(0..app.partition_count).contains(&gpid.partition_index.0) {
        return Err(NewcomerError::NoSuchPartition);
    }
    construction.old_is_closed().await?;
    put_leftovers_aside(thread, gpid);
    let disk = thread.choose_disk(gpid).ok_or(NewcomerError::NoDisk)?;
    let _place = thread.reserve(gpid, disk);
    construction
        .reset_log(disk, Ballot::ZERO, Decree::ZERO)
        .await?;
    let (node, opening) = (Arc::clone(&thread.node), Arc::clone(&thread.opening));
    let made = tokio::task::spawn_blocking(move || {
        let place = (disk, &node.disks[disk]);
        create_replica(&opening, place, gpid, &app, Newborn::ToLearn)
    });
    Ok(made.await??)
}

/// A directory that is there, though no replica was loaded from it, could not be used.
fn put_leftovers_aside(thread: &LearnThread, gpid: Gpid) {
    for disk in &thread.node.disks {
        let directory = ReplicaDirectory::of(&disk.path, gpid);
        if !directory.path.exists() {
            continue;
        }
        // On a disk that has failed it may stay: of two replicas the newer one is loaded.
        match directory.put_aside(Aside::Error) {
            Ok(path) => warn!(%gpid, path = %path.display(), "an unusable replica was put aside"),
            Err(error) => warn!(%gpid, %error, "an unusable replica cannot be put aside"),
        }
    }
}

#[cfg(test)]
mod tests {
    use pegasus_pacifica::Configuration;
    use pegasus_pacifica::DigestAt;
    use pegasus_pacifica::GroupCheck;
    use pegasus_pacifica::Message;
    use pegasus_rpc::ShardRuntime;
    use tokio::sync::mpsc;

    use super::*;
    use crate::disk::aside;
    use crate::hosted_replica::HostedReplica;
    use crate::learn::message::LearnMessage;
    use crate::learn::thread;
    use crate::shard::ShardMessage;
    use crate::testing;
    use crate::testing::GPID;
    use crate::testing::TestNode;
    use crate::testing::TestServer;

    fn check() -> PeerMessage {
        let primary = testing::server(34802);
        let check = GroupCheck {
            configuration: Configuration {
                ballot: Ballot(3),
                max_replica_count: 3,
                primary: Some(primary),
                secondaries: Vec::new(),
            },
            last_committed: Decree(9),
            last_prepared: Decree(9),
            digest: DigestAt::default(),
            learner: None,
        };
        PeerMessage {
            gpid: GPID,
            from: primary,
            message: Message::GroupCheck(check),
            app: None,
        }
    }

    /// Does what the shard has to do for a new replica.
    async fn made(test: &TestNode) -> Box<HostedReplica> {
        let mut batch = Vec::new();
        loop {
            test.mailbox.receive(&mut batch).await;
            for message in batch.drain(..) {
                match message {
                    ShardMessage::Learn(LearnEvent::ResetLog { done, .. }) => {
                        done.send(()).unwrap();
                    }
                    ShardMessage::Learn(LearnEvent::Made { replica, .. }) => return replica,
                    ShardMessage::Learn(LearnEvent::ConstructionEnded(_)) => {
                        panic!("no replica is made")
                    }
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn a_directory_that_nobody_has_opened_is_kept_aside_when_its_partition_is_to_be_learned() {
        let test = TestNode::new();
        let disk = &test.node.disks[0];
        let (opening, _mailbox) = testing::opening();
        let (place, born) = ((0, disk), Newborn::WithPartition);
        drop(create_replica(&opening, place, GPID, &TestServer::app(), born).unwrap());
        let replica = ShardRuntime::new().unwrap().block_on(async {
            let (sender, messages) = mpsc::unbounded_channel();
            let node = Arc::clone(&test.node);
            let thread = thread::run(node, Arc::new(opening), messages);
            tokio::task::spawn_local(thread);
            let (app, check) = (Box::new(TestServer::app()), Box::new(check()));
            sender.send(LearnMessage::MakeEmpty { app, check }).unwrap();
            made(&test).await
        });
        assert_eq!(replica.gpid(), GPID);
        let kept = aside::list(&disk.path).unwrap();
        let [kept] = &kept[..] else {
            panic!("one directory: {kept:?}");
        };
        assert_eq!((kept.gpid, kept.why), (GPID, Aside::Error));
        assert!(kept.path.join("rdb").exists(), "with all that was in it");
    }
}
