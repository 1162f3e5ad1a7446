//! The checkpoints that this server holds ready for learners. One is removed when nobody takes it any
//! more: its files are hard links, so it costs nothing until compaction has replaced them, and then
//! as much as the replica.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use foldhash::fast::FixedState;
use parking_lot::Mutex;
use pegasus_common::Gpid;
use pegasus_common::RpcAddress;
use pegasus_pacifica::CheckpointId;
use pegasus_pacifica::DigestAt;
use pegasus_pacifica::LearnSignature;

/// One file of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CheckpointFile {
    /// Its name, without a directory.
    pub name: String,
    /// Bytes.
    pub size: u64,
}

/// A checkpoint that learners may read.
#[derive(Debug)]
pub struct Checkpoint {
    /// By which learners ask for it.
    pub id: CheckpointId,
    /// Where it is.
    pub directory: PathBuf,
    /// On which of the server's disks.
    pub disk: usize,
    /// What it holds: everything through this decree.
    pub at: DigestAt,
    /// Its files.
    pub files: Vec<CheckpointFile>,
}

impl Checkpoint {
    /// The path of a file that it has; a name that it has not is nobody's business.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<(PathBuf, u64)> {
        let file = self.files.iter().find(|file| file.name == name)?;
        Some((self.directory.join(&file.name), file.size))
    }

    /// Removes its files. Whoever still reads one reads it to the end.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn remove(&self) -> io::Result<()> {
        match std::fs::remove_dir_all(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }
}

/// Who fetches a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taker {
    /// The learner.
    pub node: RpcAddress,
    /// Its attempt.
    pub signature: LearnSignature,
}

#[derive(Debug)]
struct Shelved {
    checkpoint: Arc<Checkpoint>,
    takers: BTreeMap<RpcAddress, LearnSignature>,
}

#[derive(Debug, Default)]
struct State {
    shelved: HashMap<Gpid, Vec<Shelved>, FixedState>,
    /// Checkpoints that stand here or are being made.
    count: usize,
}

/// All checkpoints of the server.
#[derive(Debug)]
pub struct CheckpointShelf {
    state: Mutex<State>,
    count_max: usize,
}

/// Room for one more checkpoint, until it stands on the shelf.
#[derive(Debug)]
pub struct Room<'a>(&'a CheckpointShelf);

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.0.state.lock().count -= 1;
    }
}

impl CheckpointShelf {
    /// An empty shelf for `count_max` checkpoints.
    #[must_use]
    pub fn new(count_max: usize) -> Self {
        Self {
            state: Mutex::default(),
            count_max,
        }
    }

    /// Room for one more, if there is any.
    #[must_use]
    pub fn room(&self) -> Option<Room<'_>> {
        let mut state = self.state.lock();
        if state.count >= self.count_max {
            return None;
        }
        state.count += 1;
        Some(Room(self))
    }

    /// Puts a new checkpoint of a partition up for its first taker, who takes no other any more.
    pub fn add(&self, room: Room<'_>, gpid: Gpid, checkpoint: Arc<Checkpoint>, taker: Taker) {
        let mut state = self.state.lock();
        state.count += 1;
        let of_partition = state.shelved.entry(gpid).or_default();
        forget_taker(of_partition, taker.node);
        of_partition.push(Shelved {
            checkpoint,
            takers: BTreeMap::from([(taker.node, taker.signature)]),
        });
        drop(state);
        drop(room);
    }

    /// The newest checkpoint that stands there already and that `is_usable`, for one more taker, who
    /// takes no other any more.
    #[must_use]
    pub fn share(
        &self,
        gpid: Gpid,
        taker: Taker,
        is_usable: impl Fn(&Checkpoint) -> bool,
    ) -> Option<Arc<Checkpoint>> {
        let mut state = self.state.lock();
        let of_partition = state.shelved.get_mut(&gpid)?;
        let place = of_partition
            .iter()
            .rposition(|shelved| is_usable(&shelved.checkpoint))?;
        forget_taker(of_partition, taker.node);
        let found = &mut of_partition[place];
        found.takers.insert(taker.node, taker.signature);
        Some(Arc::clone(&found.checkpoint))
    }

    /// A checkpoint by its number.
    #[must_use]
    pub fn find(&self, gpid: Gpid, id: CheckpointId) -> Option<Arc<Checkpoint>> {
        let state = self.state.lock();
        let of_partition = state.shelved.get(&gpid)?;
        of_partition
            .iter()
            .find(|shelved| shelved.checkpoint.id == id)
            .map(|shelved| Arc::clone(&shelved.checkpoint))
    }

    /// Whether any checkpoint of the partition stands here.
    #[must_use]
    pub fn has(&self, gpid: Gpid) -> bool {
        self.state.lock().shelved.contains_key(&gpid)
    }

    /// Keeps what `is_present` says is still wanted. Gives the checkpoints that nobody takes any more:
    /// the caller removes their files.
    #[must_use]
    pub fn retain(&self, gpid: Gpid, is_present: impl Fn(Taker) -> bool) -> Vec<Arc<Checkpoint>> {
        let mut state = self.state.lock();
        let Some(of_partition) = state.shelved.get_mut(&gpid) else {
            return Vec::new();
        };
        let mut gone = Vec::new();
        of_partition.retain_mut(|shelved| {
            shelved
                .takers
                .retain(|&node, &mut signature| is_present(Taker { node, signature }));
            if shelved.takers.is_empty() {
                gone.push(Arc::clone(&shelved.checkpoint));
            }
            !shelved.takers.is_empty()
        });
        if of_partition.is_empty() {
            state.shelved.remove(&gpid);
        }
        state.count -= gone.len();
        gone
    }
}

/// A learner that kept all that were ever made for it would fill the shelf, and wait for ever.
fn forget_taker(of_partition: &mut [Shelved], node: RpcAddress) {
    for shelved in of_partition {
        shelved.takers.remove(&node);
    }
}

#[cfg(test)]
mod tests {
    use pegasus_common::Decree;

    use super::*;
    use crate::testing::server;

    const GPID: Gpid = Gpid::new(2, 0);

    fn checkpoint(id: i64) -> Arc<Checkpoint> {
        Arc::new(Checkpoint {
            id: CheckpointId(id),
            directory: PathBuf::from("/nowhere"),
            disk: 0,
            at: DigestAt {
                decree: Decree(id),
                digest: 0,
            },
            files: vec![CheckpointFile {
                name: "1.sst".to_owned(),
                size: 9,
            }],
        })
    }

    fn taker(port: u16) -> Taker {
        Taker {
            node: server(port),
            signature: LearnSignature(i64::from(port)),
        }
    }

    #[test]
    fn a_checkpoint_stays_until_its_last_taker_is_gone() {
        let shelf = CheckpointShelf::new(2);
        shelf.add(shelf.room().unwrap(), GPID, checkpoint(5), taker(1));
        assert!(shelf.share(GPID, taker(2), |_| false).is_none());
        let shared = shelf.share(GPID, taker(2), |found| found.at.decree == Decree(5));
        assert_eq!(shared.unwrap().id, CheckpointId(5));
        assert!(shelf.retain(GPID, |present| present == taker(2)).is_empty());
        assert!(shelf.find(GPID, CheckpointId(5)).is_some());
        assert_eq!(shelf.retain(GPID, |_| false).len(), 1);
        assert!(shelf.find(GPID, CheckpointId(5)).is_none());
        assert!(!shelf.has(GPID));
    }

    #[test]
    fn a_new_attempt_of_a_learner_replaces_its_old_one() {
        let shelf = CheckpointShelf::new(2);
        shelf.add(shelf.room().unwrap(), GPID, checkpoint(5), taker(1));
        let again = Taker {
            signature: LearnSignature(9),
            ..taker(1)
        };
        assert!(shelf.share(GPID, again, |_| true).is_some());
        assert!(shelf.retain(GPID, |present| present == again).is_empty());
        assert_eq!(shelf.retain(GPID, |present| present == taker(1)).len(), 1);
    }

    #[test]
    fn a_learner_takes_one_checkpoint_at_a_time() {
        let shelf = CheckpointShelf::new(3);
        let ids = |gone: Vec<Arc<Checkpoint>>| gone.iter().map(|it| it.id.0).collect::<Vec<_>>();
        for id in [5, 6, 7] {
            shelf.add(shelf.room().unwrap(), GPID, checkpoint(id), taker(1));
        }
        assert_eq!(ids(shelf.retain(GPID, |_| true)), [5, 6]);
        shelf.add(shelf.room().unwrap(), GPID, checkpoint(8), taker(2));
        assert!(shelf.share(GPID, taker(1), |_| true).is_some());
        assert_eq!(ids(shelf.retain(GPID, |_| true)), [7]);
        assert!(shelf.find(GPID, CheckpointId(8)).is_some());
    }

    #[test]
    fn the_shelf_is_bounded_also_by_what_is_being_made() {
        let shelf = CheckpointShelf::new(2);
        let first = shelf.room().unwrap();
        shelf.add(shelf.room().unwrap(), GPID, checkpoint(1), taker(1));
        assert!(shelf.room().is_none());
        drop(first);
        let second = shelf.room().unwrap();
        assert!(shelf.room().is_none());
        drop(second);
        assert_eq!(shelf.retain(GPID, |_| false).len(), 1);
        assert!(shelf.room().is_some());
    }

    #[test]
    fn only_files_that_it_has_have_a_path() {
        let checkpoint = checkpoint(1);
        let path = PathBuf::from("/nowhere/1.sst");
        assert_eq!(checkpoint.file("1.sst"), Some((path, 9)));
        for name in ["../1.sst", "/etc/passwd", "", ".", "2.sst"] {
            assert_eq!(checkpoint.file(name), None, "{name}");
        }
    }
}
