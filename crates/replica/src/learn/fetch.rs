//! One attempt of a learner to get a checkpoint: fetch its files, verify them, put them in the
//! replica's place.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;
use tokio::task::JoinError;
use tracing::info;
use tracing::warn;

use super::construction::Construction;
use super::construction::ConstructionError;
use super::download::DownloadError;
use super::download::DownloadManner;
use super::download::download;
use super::install::Replacement;
use super::message::Fetch;
use super::message::LearnEvent;
use super::source::CheckpointSource;
use super::source::RemoteCheckpoint;
use super::source::SourceError;
use super::staging::Manifest;
use super::staging::Staging;
use super::staging::StagingError;
use super::thread::LearnThread;
use crate::disk::ReplicaDirectory;
use crate::disk::StoredAppInfo;
use crate::load::OpenReplicaError;
use crate::shard::ShardMessage;

/// An attempt has failed. The learner asks the primary again after a while.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The list of files.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The files.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// The staging directory.
    #[error(transparent)]
    Staging(#[from] StagingError),
    /// The replica does not want this checkpoint any more.
    #[error("the replica has gone on without it")]
    Superseded,
    /// The old replica's end.
    #[error(transparent)]
    Construction(#[from] ConstructionError),
    /// Names of directories.
    #[error("cannot put the checkpoint in place: {0}")]
    Rename(#[from] std::io::Error),
    /// The new replica.
    #[error(transparent)]
    Open(#[from] OpenReplicaError),
    /// A task of it panicked.
    #[error("a step of it broke off")]
    BrokenOff(#[from] JoinError),
}

/// Runs an attempt to its end and tells the replica's shard what has become of it.
pub async fn run(thread: &Rc<LearnThread>, fetch: Fetch) {
    let gpid = fetch.instance.gpid;
    let result = match bring(thread, &fetch).await {
        Ok(staging) => install(thread, &fetch, staging).await,
        Err(error) => Err(error),
    };
    let metrics = &thread.node.metrics.learning;
    if let Err(error) = result {
        metrics.failed.increment();
        warn!(%gpid, from = %fetch.from, %error, "a checkpoint was not installed");
        let event = LearnEvent::FetchFailed(fetch.instance);
        thread.node.send_to_owner(gpid, ShardMessage::Learn(event));
    } else {
        metrics.fetched.increment();
    }
}

/// Brings the files into the staging directory and verifies them.
async fn bring(thread: &Rc<LearnThread>, fetch: &Fetch) -> Result<Arc<Staging>, FetchError> {
    let gpid = fetch.instance.gpid;
    let _slot = thread.slot().await;
    let started = Instant::now();
    let source = RemoteCheckpoint {
        pool: thread.sessions.clone(),
        server: fetch.from,
        gpid,
        id: fetch.offer.id,
    };
    let manifest = Manifest {
        from: fetch.from.to_string(),
        checkpoint_id: fetch.offer.id.0,
        decree: fetch.offer.at.decree.0,
        digest: fetch.offer.at.digest,
        files: source.list().await?,
    };
    let total_bytes = manifest.total_bytes();
    let replica = ReplicaDirectory::of(&thread.node.disks[fetch.disk].path, gpid);
    let app = StoredAppInfo::from(&fetch.app);
    let staging = Arc::new(
        tokio::task::spawn_blocking(move || Staging::prepare(&replica, manifest, &app)).await??,
    );
    let manner = manner(thread, fetch);
    let fetched_bytes = download(source, Arc::clone(&staging), manner).await?;
    verify(&staging, fetch).await?;
    let elapsed_ms = started.elapsed().as_millis();
    info!(%gpid, from = %fetch.from, decree = %fetch.offer.at.decree, total_bytes, fetched_bytes,
        elapsed_ms, "checkpoint fetched");
    thread.node.metrics.learning.copied_bytes.add(fetched_bytes);
    Ok(staging)
}

fn manner(thread: &Rc<LearnThread>, fetch: &Fetch) -> DownloadManner {
    let section = &thread.node.config.nfs;
    let (node, disk) = (Arc::clone(&thread.node), fetch.disk);
    let (thread, gpid) = (Rc::clone(thread), fetch.instance.gpid);
    DownloadManner {
        part_bytes: section.nfs_copy_block_bytes,
        parts_in_flight: section.max_concurrent_remote_copy_requests,
        pace: Box::new(move |bytes, now| node.learning.copying.admit(disk, bytes, now)),
        is_wanted: Box::new(move || thread.is_latest_fetch(gpid)),
    }
}

/// Files that are no good go: they would be no better at the next attempt.
async fn verify(staging: &Arc<Staging>, fetch: &Fetch) -> Result<(), FetchError> {
    let (staging, offered) = (Arc::clone(staging), fetch.offer.at);
    let verified = tokio::task::spawn_blocking(move || {
        staging.verify(offered).inspect_err(|_| {
            if let Err(error) = staging.discard() {
                warn!(%error, "files of no use cannot be removed");
            }
        })
    });
    Ok(verified.await??)
}

/// Puts the staging directory in the replica's place. See [`super::install`].
async fn install(
    thread: &LearnThread,
    fetch: &Fetch,
    staging: Arc<Staging>,
) -> Result<(), FetchError> {
    let gpid = fetch.instance.gpid;
    let (done, made_way) = oneshot::channel();
    let make_way = LearnEvent::MakeWay {
        instance: fetch.instance,
        signature: fetch.signature,
        offer: fetch.offer,
        done,
    };
    thread
        .node
        .send_to_owner(gpid, ShardMessage::Learn(make_way));
    let ballot = made_way.await.map_err(|_| FetchError::Superseded)?;
    let construction = Construction::new(&thread.node, &thread.opening, gpid);
    construction.old_is_closed().await?;
    let replica = ReplicaDirectory::of(&thread.node.disks[fetch.disk].path, gpid);
    let replacement = Arc::new(Replacement::new(replica, staging));
    let step = Arc::clone(&replacement);
    tokio::task::spawn_blocking(move || step.put_old_aside()).await??;
    let decree = fetch.offer.at.decree;
    construction.reset_log(fetch.disk, ballot, decree).await?;
    let opening = Arc::clone(&thread.opening);
    let (disk, at) = (fetch.disk, fetch.offer.at);
    let opened = tokio::task::spawn_blocking(move || {
        replacement.publish()?;
        Ok::<_, FetchError>(replacement.open(&opening, disk, ballot, at)?)
    });
    let replica = opened.await??;
    info!(%gpid, %decree, %ballot, "checkpoint installed: the replica goes on learning");
    construction.tell(LearnEvent::Learned {
        replica: Box::new(replica),
        configuration: fetch.configuration.clone(),
        signature: fetch.signature,
    });
    Ok(())
}
