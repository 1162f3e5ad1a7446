//! Damage while it is being weighed: whose records may be lost becomes known only from what
//! follows in the log.

use std::collections::{BTreeSet, HashMap, HashSet};

use pegasus_common::{Ballot, Decree, Gpid};

use crate::own_record::BatchIndex;
use crate::record::Record;
use crate::report::{Damage, DamageKind, DamagedFile};
use crate::suspects::Suspects;

/// Beyond this many, the last one stands for all others: a log in such a state needs no detail.
const DAMAGES_MAX: usize = 256;

/// Where each replica stands in the log: its ballot and last decree, as far as known.
pub(super) type Positions = HashMap<Gpid, (Ballot, Option<Decree>)>;

/// All damage found so far.
#[derive(Default)]
pub(super) struct DamageLedger {
    entries: Vec<Entry>,
    /// A single lost or incomplete batch whose index the next batch repeats.
    awaiting: Option<Awaiting>,
}

struct Entry {
    damage: Damage,
    /// Replicas that were forgotten, reset or vouched for later: whatever was lost, they do not
    /// need it.
    settled: BTreeSet<Gpid>,
    /// Stands for more damage than is kept apart.
    is_sum: bool,
    continuity: Option<Continuity>,
}

/// Proof by continuity, for a span of which nothing is known. In the log, ballots of a replica
/// never decrease, and under one ballot its decrees follow each other without gaps. So a replica
/// whose first record after the span is the mutation with the next decree *and the same ballot* had
/// nothing in it: no mutation (there is no room), no new ballot and no `Forget` (the ballot would
/// be another). A replica without a record after the span proves nothing: what was lost may have
/// been its last.
struct Continuity {
    before: Positions,
    seen: HashSet<Gpid>,
    proven: BTreeSet<Gpid>,
}

struct Awaiting {
    entry: usize,
    delivered: BatchIndex,
}

/// What is known about whose records are lost.
pub(super) enum Loss {
    /// Exactly this.
    Known(Suspects),
    /// The batch's index is lost; these of its records were delivered. The next batch has a copy
    /// of the index.
    InNextIndex(BatchIndex, Positions),
    /// Nothing, but `Positions` before it.
    Unknown(Positions),
}

/// Names one entry of the ledger.
#[derive(Clone, Copy, Debug)]
pub(super) struct DamageId(usize);

impl DamageLedger {
    /// Adds damage; its `suspects` are taken from `loss`.
    pub fn add(&mut self, mut damage: Damage, loss: Loss) -> DamageId {
        tracing::error!(kind = ?damage.kind, file = ?damage.file, range = ?damage.range, "mutation log damaged");
        if self.entries.len() >= DAMAGES_MAX {
            return self.merge_into_last(&damage);
        }
        let entry = self.entries.len();
        let before = match loss {
            Loss::Known(suspects) => {
                damage.suspects = suspects;
                None
            }
            Loss::InNextIndex(delivered, before) => {
                self.awaiting = Some(Awaiting { entry, delivered });
                Some(before)
            }
            Loss::Unknown(before) => Some(before),
        };
        self.entries.push(Entry {
            damage,
            settled: BTreeSet::new(),
            is_sum: false,
            continuity: before.map(|before| Continuity {
                before,
                seen: HashSet::new(),
                proven: BTreeSet::new(),
            }),
        });
        DamageId(entry)
    }

    /// What looked lost is repeated elsewhere.
    pub fn declare_redundant(&mut self, id: DamageId) {
        let entry = &mut self.entries[id.0];
        if entry.is_sum {
            return;
        }
        entry.damage.kind = DamageKind::Redundant;
        entry.damage.suspects = Suspects::none();
        entry.continuity = None;
    }

    /// The next batch's copy of the index of the one before it: settles whose records that lost.
    pub fn on_previous_index(&mut self, index: &BatchIndex) {
        let Some(Awaiting { entry, delivered }) = self.awaiting.take() else {
            return;
        };
        let entry = &mut self.entries[entry];
        entry.damage.suspects = missing(index, &delivered);
        entry.continuity = None;
        if entry.damage.suspects.is_none() {
            entry.damage.kind = DamageKind::Redundant;
        }
    }

    /// What follows is no direct successor of the last damaged batch.
    pub fn forget_awaited(&mut self) {
        self.awaiting = None;
    }

    /// A record that is there. Called before its position is updated.
    pub fn on_record(&mut self, record: &Record) {
        let gpid = record.gpid();
        let settles = matches!(record, Record::Forget { .. } | Record::Reset { .. });
        for entry in &mut self.entries {
            if settles {
                entry.settled.insert(gpid);
            }
            if let Some(continuity) = &mut entry.continuity {
                continuity.on_record(gpid, record);
            }
        }
    }

    /// What was lost of this replica in segments before `segment` was known, and was decided to be
    /// without consequence.
    pub fn settle_before(&mut self, gpid: Gpid, segment: u64) {
        for entry in &mut self.entries {
            let is_earlier = match entry.damage.file {
                DamagedFile::Marker => false,
                DamagedFile::Segment(index) => index < segment,
            };
            if is_earlier && !entry.is_sum {
                entry.settled.insert(gpid);
            }
        }
    }

    /// All damage with its suspects, and everybody whom it leaves in doubt.
    pub fn finish(self) -> (Vec<Damage>, Suspects) {
        let mut doubts = Suspects::none();
        let mut damages = Vec::with_capacity(self.entries.len());
        for entry in self.entries {
            let mut damage = entry.damage;
            if let Some(continuity) = entry.continuity {
                damage.suspects = Suspects::AllExcept(continuity.proven);
            }
            let mut unsettled = damage.suspects.clone();
            for gpid in entry.settled {
                unsettled.clear(gpid);
            }
            doubts = doubts.union(&unsettled);
            damages.push(damage);
        }
        (damages, doubts)
    }

    fn merge_into_last(&mut self, damage: &Damage) -> DamageId {
        self.awaiting = None;
        let id = DAMAGES_MAX - 1;
        let last = &mut self.entries[id];
        if last.damage.file == damage.file {
            last.damage.range.end = last.damage.range.end.max(damage.range.end);
        }
        last.damage.kind = DamageKind::Records;
        last.damage.suspects = Suspects::all();
        last.continuity = None;
        last.settled.clear();
        last.is_sum = true;
        DamageId(id)
    }
}

impl Continuity {
    fn on_record(&mut self, gpid: Gpid, record: &Record) {
        if !self.seen.insert(gpid) {
            return;
        }
        let Record::Mutation(mutation) = record else {
            return;
        };
        let continues = self.before.get(&gpid).is_some_and(|(ballot, decree)| {
            *ballot == mutation.ballot && decree.map(Decree::next) == Some(mutation.decree)
        });
        if continues {
            self.proven.insert(gpid);
        }
    }
}

/// Whose records are in `index` and were not delivered.
pub(super) fn missing(index: &BatchIndex, delivered: &BatchIndex) -> Suspects {
    let lacks = |(gpid, count): (&Gpid, &u32)| {
        let got = delivered.get(gpid).copied().unwrap_or(0);
        (got < *count).then_some(*gpid)
    };
    Suspects::Only(index.iter().filter_map(lacks).collect())
}
