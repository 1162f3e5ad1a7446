//! Replicas whose storage has failed: they are opened again by themselves, since each may be the last
//! good copy of its partition, and an error may pass: a disk that was full or away for a moment. One
//! whose data is bad is put aside, so that the partition can be learned again.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use pegasus_common::clock::MonotonicMillis;
use tokio::task::JoinError;
use tracing::error;
use tracing::info;
use tracing::warn;

use super::construction::Construction;
use super::construction::ConstructionError;
use super::message::FailedReplica;
use super::message::LearnEvent;
use super::thread::LearnThread;
use crate::disk::Aside;
use crate::disk::ReplicaDirectory;
use crate::hosted_replica::HostedReplica;
use crate::load;
use crate::load::ReopenError;

/// Before the first try.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// Before each try, however many have failed.
const PAUSE_MAX: Duration = Duration::from_secs(300);
/// Who has not failed for this long begins with the shortest pause again.
const CALM: Duration = Duration::from_secs(3_600);

/// How long one replica waits before it is opened again: twice as long each time.
#[derive(Debug, Default)]
pub struct ReopenPace {
    last: Option<(MonotonicMillis, Duration)>,
}

impl ReopenPace {
    /// The pause before the try that comes now.
    #[must_use]
    pub fn next(&mut self, now: MonotonicMillis) -> Duration {
        let pause = match self.last {
            Some((at, pause)) if now.since(at) < CALM => (pause * 2).min(PAUSE_MAX),
            _ => PAUSE_MIN,
        };
        self.last = Some((now, pause));
        pause
    }
}

/// An attempt has failed.
#[derive(Debug, thiserror::Error)]
enum AttemptError {
    #[error(transparent)]
    Construction(#[from] ConstructionError),
    #[error(transparent)]
    Reopen(#[from] ReopenError),
    #[error("it broke off")]
    BrokenOff(#[from] JoinError),
}

impl AttemptError {
    fn is_damage(&self) -> bool {
        matches!(self, Self::Reopen(error) if error.is_damage())
    }
}

/// Tries until the replica is open again or proves to be damaged.
pub async fn run(thread: Rc<LearnThread>, failed: FailedReplica) {
    let gpid = failed.gpid;
    let construction = Construction::new(&thread.node, &thread.opening, gpid);
    loop {
        let pause = thread.pause_before_reopening(gpid);
        warn!(%gpid, ?pause, "a replica whose storage has failed is going to be opened again");
        tokio::time::sleep(pause).await;
        match attempt(&thread, &construction, &failed).await {
            Ok(replica) => {
                let committed = failed.remains.committed.decree;
                info!(%gpid, %committed, "a replica whose storage had failed is open again");
                let replica = Box::new(replica);
                construction.tell(LearnEvent::Reopened { replica });
                return;
            }
            Err(error) if error.is_damage() => {
                error!(%gpid, %error, "a replica whose storage has failed is damaged");
                return put_aside(&thread, &failed);
            }
            Err(error) => warn!(%gpid, %error, "a replica cannot be opened again now"),
        }
    }
}

async fn attempt(
    thread: &LearnThread,
    construction: &Construction,
    failed: &FailedReplica,
) -> Result<HostedReplica, AttemptError> {
    construction.old_is_closed().await?;
    let (node, opening) = (Arc::clone(&thread.node), Arc::clone(&thread.opening));
    let (gpid, disk, remains) = (failed.gpid, failed.disk, failed.remains.clone());
    let opened = tokio::task::spawn_blocking(move || {
        load::reopen(&opening, (disk, &node.disks[disk]), gpid, remains)
    });
    let mut replica = opened.await??;
    replica.set_app(failed.app.clone());
    Ok(replica)
}

fn put_aside(thread: &LearnThread, failed: &FailedReplica) {
    let gpid = failed.gpid;
    let directory = ReplicaDirectory::of(&thread.node.disks[failed.disk].path, gpid);
    match directory.put_aside(Aside::Error) {
        Ok(path) => warn!(%gpid, path = %path.display(), "damaged replica put aside"),
        Err(error) => warn!(%gpid, %error, "a damaged replica cannot be put aside"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fails_again_and_again_is_tried_ever_more_rarely() {
        let mut pace = ReopenPace::default();
        let mut now = MonotonicMillis(0);
        let mut pauses = Vec::new();
        for _ in 0..12 {
            let pause = pace.next(now);
            now = now.after(pause);
            pauses.push(pause);
        }
        assert_eq!(pauses[..3], [1, 2, 4].map(Duration::from_secs));
        assert_eq!(pauses.last(), Some(&PAUSE_MAX));
        assert_eq!(pace.next(now.after(CALM + PAUSE_MAX)), PAUSE_MIN);
    }
}
