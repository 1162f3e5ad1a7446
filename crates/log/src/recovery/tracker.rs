//! Follows the records in log order: delivers them, and keeps what the log must know of them.

use pegasus_common::{Ballot, Gpid};

use crate::own_record::Heads;
use crate::record::Record;
use crate::recovery::damage_ledger::{DamageId, DamageLedger, Loss, Positions};
use crate::report::{Damage, DamageKind, DamagedFile};
use crate::sector::SECTOR_BYTES;
use crate::segment_table::SegmentTable;
use crate::standing::{Effect, Standing};
use crate::suspects::Suspects;

/// The state of a recovery under way.
pub(super) struct Tracker<'a> {
    replay: &'a mut dyn FnMut(Record),
    pub standing: Standing,
    pub table: SegmentTable,
    pub ledger: DamageLedger,
    pub records: u64,
    positions: Positions,
    /// First segment of the run whose records are being read.
    pub run_first: u64,
    /// Whether ballots and doubts are known up to here: from an opening, and without a hole since.
    pub is_standing_known: bool,
    /// Damage that lost ballots or doubts, which a later opening repeats.
    lost_standing: Vec<DamageId>,
}

impl<'a> Tracker<'a> {
    pub fn new(replay: &'a mut dyn FnMut(Record)) -> Self {
        Self {
            replay,
            standing: Standing::new(),
            table: SegmentTable::default(),
            ledger: DamageLedger::default(),
            records: 0,
            positions: Positions::new(),
            run_first: 0,
            is_standing_known: false,
            lost_standing: Vec::new(),
        }
    }

    /// A replica's record; `range` is that of its batch in bytes.
    pub fn on_record(&mut self, segment: u64, range: std::ops::Range<u64>, record: Record) {
        let sector = range.start / SECTOR_BYTES as u64;
        self.ledger.on_record(&record);
        if let Record::Vouch { gpid, .. } = &record
            && self.standing.doubts.contains(*gpid)
        {
            // Whoever vouched knew of what the run had found when it began, and of nothing else.
            self.ledger.settle_before(*gpid, self.run_first);
        }
        if let Record::Mutation(mutation) = &record
            && crc32c::crc32c(&mutation.payload) != mutation.checksum
        {
            let gpid = mutation.gpid;
            let damage = Damage {
                file: DamagedFile::Segment(segment),
                range,
                kind: DamageKind::Payload,
                suspects: Suspects::none(),
            };
            self.ledger
                .add(damage, Loss::Known(Suspects::Only([gpid].into())));
            // Ballot and decree are sound: only what to apply is lost.
            self.standing
                .apply(Effect::of(&record), sector, &mut self.table);
            return;
        }
        self.follow(&record);
        self.standing
            .apply(Effect::of(&record), sector, &mut self.table);
        self.records += 1;
        (self.replay)(record);
    }

    /// A segment's opening. The first one has what is known from removed segments; later ones only
    /// repeat, unless something between was lost.
    pub fn on_opening(&mut self, heads: &Heads, doubts: &Suspects) {
        for (gpid, ballot) in heads {
            if self.standing.raise(*gpid, *ballot) {
                self.raise_position(*gpid, *ballot);
                (self.replay)(Record::Ballot {
                    gpid: *gpid,
                    ballot: *ballot,
                });
            }
        }
        self.standing.doubts = self.standing.doubts.union(doubts);
        self.is_standing_known = true;
        for id in self.lost_standing.drain(..) {
            self.ledger.declare_redundant(id);
        }
    }

    /// Both openings of a segment are lost. `begins_run`: they had doubts that the segments before
    /// do not have.
    pub fn on_lost_opening(&mut self, damage: Damage, begins_run: bool) {
        if self.is_standing_known && !begins_run {
            let damage = Damage {
                kind: DamageKind::Redundant,
                ..damage
            };
            self.ledger.add(damage, Loss::Known(Suspects::none()));
            return;
        }
        self.is_standing_known = false;
        let id = self.ledger.add(damage, Loss::Known(Suspects::all()));
        self.lost_standing.push(id);
    }

    /// A hole in which whole segments are gone.
    pub fn on_lost_segment(&mut self, damage: Damage) {
        self.ledger.forget_awaited();
        self.is_standing_known = false;
        let loss = Loss::Unknown(self.positions());
        self.ledger.add(damage, loss);
    }

    /// Where every replica stands now.
    pub fn positions(&self) -> Positions {
        self.positions.clone()
    }

    fn follow(&mut self, record: &Record) {
        match record {
            Record::Mutation(mutation) => {
                self.raise_position(mutation.gpid, mutation.ballot);
                if let Some((_, decree)) = self.positions.get_mut(&mutation.gpid) {
                    *decree = Some(mutation.decree);
                }
            }
            Record::Ballot { gpid, ballot } | Record::Vouch { gpid, ballot } => {
                self.raise_position(*gpid, *ballot);
            }
            Record::Forget { gpid } => {
                self.positions.remove(gpid);
            }
            Record::Reset {
                gpid,
                ballot,
                decree,
            } => {
                self.raise_position(*gpid, *ballot);
                if let Some(position) = self.positions.get_mut(gpid) {
                    position.1 = Some(*decree);
                }
            }
        }
    }

    fn raise_position(&mut self, gpid: Gpid, ballot: Ballot) {
        let position = self.positions.entry(gpid).or_insert((ballot, None));
        position.0 = position.0.max(ballot);
    }
}
