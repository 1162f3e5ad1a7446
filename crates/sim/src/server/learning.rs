//! What the driver does for learners and for those who teach them: it reads its log, makes and fetches
//! checkpoints.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::time::Duration;

use pegasus_common::{Decree, Gpid, RpcAddress, reach};
use pegasus_pacifica::{
    CheckpointId, CheckpointOffer, Configuration, Effect, LearnSignature, Recovered,
};

use super::calls::OwnCall;
use super::construction::{Construction, Opening};
use super::{Hosted, ServerEvent, Turn};
use crate::disk::storage_model::Snapshot;
use crate::packet::{CallId, Piece, Place, Request, Response};

/// Most mutations that are read from the log for a learner at a time.
const SUPPLY_MAX: usize = 6;
/// Pieces of a checkpoint.
const PIECES: u32 = 3;
/// Checkpoints that one server keeps.
const CHECKPOINTS_MAX: usize = 4;
const FETCH_TIMEOUT: Duration = Duration::from_millis(500);
/// A piece is asked for so often.
const FETCH_TRIES: u32 = 3;
const WORK_MIN: Duration = Duration::from_micros(200);
const WORK_MAX: Duration = Duration::from_millis(50);

/// One attempt of one learner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pupil {
    gpid: Gpid,
    node: RpcAddress,
    signature: LearnSignature,
}

/// What is under way for learners, and what this server fetches itself.
#[derive(Debug, Default)]
pub struct Teaching {
    busy: BTreeSet<Pupil>,
    shelf: BTreeMap<(Gpid, CheckpointId), (Snapshot, BTreeSet<Pupil>)>,
    last_checkpoint: i64,
    fetches: BTreeMap<Gpid, Fetch>,
    /// Replicas that are being put in place: whatever comes for them is dropped.
    pub(super) sites: BTreeMap<Gpid, Construction>,
    last_call: u64,
}

#[derive(Clone, Debug)]
struct Fetch {
    from: Place,
    instance: u64,
    signature: LearnSignature,
    configuration: Configuration,
    offer: CheckpointOffer,
    pieces: u32,
    tries: u32,
    waits_for: CallId,
}

/// Something that was begun has ended.
#[derive(Debug)]
pub enum LearningEvent {
    /// The log has been read for a learner.
    Read {
        /// For whom.
        to: (Gpid, RpcAddress, LearnSignature),
        /// The last decree that it has.
        after: Decree,
        /// The last one that it can take.
        through: Decree,
    },
    /// A checkpoint is made for a learner.
    CheckpointMade {
        /// For whom.
        to: (Gpid, RpcAddress, LearnSignature),
        /// What is in it, flushed.
        snapshot: Snapshot,
    },
    /// A piece has not come.
    FetchTimeout(CallId),
    /// A whole checkpoint is flushed, beside the replica that it replaces.
    Fetched {
        /// Of which partition.
        gpid: Gpid,
        /// For which life of the replica.
        instance: u64,
        /// For which attempt.
        signature: LearnSignature,
        /// It.
        snapshot: Snapshot,
    },
}

impl Teaching {
    /// Whether a replica of the partition is being put in place.
    pub(super) fn is_site(&self, gpid: Gpid) -> bool {
        self.sites.contains_key(&gpid)
    }
}

impl Turn<'_> {
    fn work(&mut self) -> Duration {
        self.around.random.duration(WORK_MIN, WORK_MAX)
    }

    pub(super) fn carry_out_learning(&mut self, hosted: &Hosted, effect: Effect) {
        let gpid = hosted.replica.gpid();
        let pupil = |node, signature| Pupil {
            gpid,
            node,
            signature,
        };
        match effect {
            Effect::SupplyLearner {
                to,
                signature,
                after,
                through,
            } => {
                if self.process.teaching.busy.insert(pupil(to, signature)) {
                    let delay = self.work();
                    let event = LearningEvent::Read {
                        to: (gpid, to, signature),
                        after,
                        through,
                    };
                    self.later(delay, ServerEvent::Learning(event));
                }
            }
            Effect::MakeCheckpoint { to, signature } => {
                if self.process.teaching.busy.insert(pupil(to, signature)) {
                    self.make_checkpoint(hosted, pupil(to, signature));
                }
            }
            Effect::FetchCheckpoint {
                from,
                signature,
                configuration,
                offer,
            } => self.begin_fetch(hosted, from, signature, configuration, offer),
            other => panic!("nobody carries out {other:?}"),
        }
    }

    pub(super) fn on_learning(&mut self, event: LearningEvent) {
        match event {
            LearningEvent::Read { to, after, through } => self.on_read(to, after, through),
            LearningEvent::CheckpointMade { to, snapshot } => self.on_checkpoint_made(to, snapshot),
            LearningEvent::FetchTimeout(id) => self.on_fetch_failed(id),
            LearningEvent::Fetched {
                gpid,
                instance,
                signature,
                snapshot,
            } => self.on_fetched(gpid, instance, signature, snapshot),
        }
    }

    fn on_read(
        &mut self,
        (gpid, node, signature): (Gpid, RpcAddress, LearnSignature),
        after: Decree,
        through: Decree,
    ) {
        let pupil = Pupil {
            gpid,
            node,
            signature,
        };
        if !self.process.teaching.busy.remove(&pupil) {
            return;
        }
        match self.disk.log.mutations(gpid, after, through, SUPPLY_MAX) {
            Some(mutations) => {
                reach!("disk: the log is read for a learner");
                self.with_replica(gpid, |replica, _, effects| {
                    let machine = &mut replica.machine;
                    machine.supply_mutations(node, signature, mutations, effects);
                });
            }
            None => {
                reach!("disk: the log does not reach back");
                if let Some(hosted) = self.process.hosted.remove(&gpid) {
                    self.process.teaching.busy.insert(pupil);
                    self.make_checkpoint(&hosted, pupil);
                    self.process.hosted.insert(gpid, hosted);
                }
            }
        }
    }

    fn make_checkpoint(&mut self, hosted: &Hosted, pupil: Pupil) {
        self.drop_unwanted_checkpoints(pupil.gpid, hosted);
        if self.process.teaching.shelf.len() >= CHECKPOINTS_MAX {
            self.process.teaching.busy.remove(&pupil);
            return;
        }
        let event = LearningEvent::CheckpointMade {
            to: (pupil.gpid, pupil.node, pupil.signature),
            snapshot: hosted.storage.snapshot(),
        };
        let delay = self.work();
        self.later(delay, ServerEvent::Learning(event));
    }

    fn on_checkpoint_made(
        &mut self,
        (gpid, node, signature): (Gpid, RpcAddress, LearnSignature),
        snapshot: Snapshot,
    ) {
        let pupil = Pupil {
            gpid,
            node,
            signature,
        };
        let teaching = &mut self.process.teaching;
        if !teaching.busy.remove(&pupil) {
            return;
        }
        teaching.last_checkpoint += 1;
        // Never again the number of a checkpoint that an earlier process has offered.
        let number = i64::from(self.life) << 32 | teaching.last_checkpoint;
        let offer = CheckpointOffer {
            id: CheckpointId(number),
            at: snapshot.at(),
        };
        // It takes no other any more.
        teaching.shelf.retain(|(of, _), (_, takers)| {
            takers.retain(|taker| *of != gpid || taker.node != node);
            !takers.is_empty()
        });
        let takers = BTreeSet::from([pupil]);
        teaching.shelf.insert((gpid, offer.id), (snapshot, takers));
        self.with_replica(gpid, |replica, _, effects| {
            replica
                .machine
                .offer_checkpoint(node, signature, offer, effects);
        });
    }

    /// Checkpoints whose takers are gone are not kept.
    fn drop_unwanted_checkpoints(&mut self, gpid: Gpid, hosted: &Hosted) {
        let wanted: BTreeSet<(RpcAddress, LearnSignature)> = hosted.machine().learners().collect();
        self.process.teaching.shelf.retain(|(of, _), (_, takers)| {
            takers.retain(|taker| *of != gpid || wanted.contains(&(taker.node, taker.signature)));
            !takers.is_empty()
        });
    }

    /// Drops the checkpoints of all learners that are gone.
    pub(super) fn release_all_checkpoints(&mut self) {
        let hosted = mem::take(&mut self.process.hosted);
        for (gpid, hosted) in &hosted {
            self.drop_unwanted_checkpoints(*gpid, hosted);
        }
        self.process.hosted = hosted;
    }

    /// The replica is closed: what was done for its learners, or fetched for it, is of no use.
    pub(super) fn forget_teaching(&mut self, gpid: Gpid) {
        let teaching = &mut self.process.teaching;
        teaching.busy.retain(|pupil| pupil.gpid != gpid);
        teaching.shelf.retain(|(of, _), _| *of != gpid);
        teaching.fetches.remove(&gpid);
    }

    /// Another server wants a piece of a checkpoint.
    pub(super) fn piece_of(&mut self, gpid: Gpid, id: CheckpointId, pieces: u32) -> Piece {
        match self.process.teaching.shelf.get(&(gpid, id)) {
            None => Piece::Gone,
            Some(_) if pieces + 1 < PIECES => Piece::More,
            Some((snapshot, _)) => Piece::Last(snapshot.clone()),
        }
    }

    fn begin_fetch(
        &mut self,
        hosted: &Hosted,
        from: RpcAddress,
        signature: LearnSignature,
        configuration: Configuration,
        offer: CheckpointOffer,
    ) {
        let Some(from) = Place::of(from) else {
            return;
        };
        let fetch = Fetch {
            from,
            instance: hosted.instance,
            signature,
            configuration,
            offer,
            pieces: 0,
            tries: 0,
            waits_for: CallId(0),
        };
        let gpid = hosted.replica.gpid();
        self.process.teaching.fetches.insert(gpid, fetch);
        self.fetch_piece(gpid);
    }

    fn fetch_piece(&mut self, gpid: Gpid) {
        let id = self.fetch_call(self.process.teaching.last_call + 1);
        let teaching = &mut self.process.teaching;
        let Some(fetch) = teaching.fetches.get_mut(&gpid) else {
            return;
        };
        teaching.last_call += 1;
        fetch.waits_for = id;
        fetch.tries += 1;
        let request = Request::Fetch {
            gpid,
            checkpoint: fetch.offer.id,
            pieces: fetch.pieces,
        };
        let to = fetch.from;
        self.around.call(self.place(), to, id, request);
        let timeout = LearningEvent::FetchTimeout(id);
        self.later(FETCH_TIMEOUT, ServerEvent::Learning(timeout));
    }

    fn fetch_that_waits_for(&mut self, id: CallId) -> Option<(Gpid, &mut Fetch)> {
        let fetches = self.process.teaching.fetches.iter_mut();
        let mut waiting = fetches.filter(|(_, fetch)| fetch.waits_for == id);
        waiting.next().map(|(gpid, fetch)| (*gpid, fetch))
    }

    /// An answer to a call of this server.
    pub(super) fn on_answer(&mut self, id: CallId, answer: Response) {
        match (self.own_call(id), answer) {
            (Some(OwnCall::Stub(id)), Response::Meta(answer))
                if self.process.stub_calls.remove(&id) =>
            {
                self.stub(|stub, now, out| stub.on_answer(now, id, Ok(answer), out));
            }
            (Some(OwnCall::Fetch), Response::Fetch(piece)) => self.on_piece(id, piece),
            _ => {}
        }
    }

    fn on_piece(&mut self, id: CallId, piece: Piece) {
        let Some((gpid, fetch)) = self.fetch_that_waits_for(id) else {
            return;
        };
        match piece {
            Piece::More => {
                fetch.pieces += 1;
                fetch.tries = 0;
                self.fetch_piece(gpid);
            }
            Piece::Gone => self.give_up_fetch(gpid),
            Piece::Last(snapshot) => {
                assert_eq!(
                    snapshot.at(),
                    fetch.offer.at,
                    "another checkpoint than was offered"
                );
                let event = LearningEvent::Fetched {
                    gpid,
                    instance: fetch.instance,
                    signature: fetch.signature,
                    snapshot,
                };
                fetch.waits_for = CallId(0);
                let delay = self.work();
                self.later(delay, ServerEvent::Learning(event));
            }
        }
    }

    /// A piece was not given, or did not come.
    pub(super) fn on_fetch_failed(&mut self, id: CallId) {
        let Some((gpid, fetch)) = self.fetch_that_waits_for(id) else {
            return;
        };
        if fetch.tries < FETCH_TRIES {
            self.fetch_piece(gpid);
        } else {
            self.give_up_fetch(gpid);
        }
    }

    fn give_up_fetch(&mut self, gpid: Gpid) {
        self.process.teaching.fetches.remove(&gpid);
        self.with_replica(gpid, |replica, _, _| replica.machine.on_fetch_failed());
    }

    /// The checkpoint is here: it takes the place of the replica's storage, if that still wants it.
    fn on_fetched(
        &mut self,
        gpid: Gpid,
        instance: u64,
        signature: LearnSignature,
        snapshot: Snapshot,
    ) {
        let Some(fetch) = self.process.teaching.fetches.remove(&gpid) else {
            return;
        };
        let Some(hosted) = self.process.hosted.get(&gpid) else {
            return;
        };
        let is_wanted = hosted.instance == instance
            && hosted.machine().fetching() == Some((signature, fetch.offer));
        if !is_wanted {
            return;
        }
        let ballot = hosted.machine().known_ballot();
        if let Some(mut old) = self.process.hosted.remove(&gpid) {
            old.replica.refuse_all(&mut self.process.outbox);
        }
        self.process.touched.insert(gpid);
        self.forget_teaching(gpid);
        let time = snapshot.timestamp_us();
        let recovered = Recovered::from_checkpoint(ballot, snapshot.at(), time);
        let opening = Opening::Resume(fetch.configuration, signature);
        self.begin_construction(gpid, snapshot, recovered, opening);
    }
}
