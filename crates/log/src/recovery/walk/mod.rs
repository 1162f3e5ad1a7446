//! Walks through one segment, batch by batch, and decides what a bad batch is.
//!
//! | bad batch | evidence | verdict |
//! |-----------|----------|---------|
//! | an opening | openings are flushed before the segment has its name | damage |
//! | followed by a valid sector of a later batch | each batch is written after the one before it is flushed (under `os`: after it is written) | damage |
//! | of a segment after which another was begun | the later header says how many batches there are | damage |
//! | the last; each sector valid, unwritten, or severed with nothing after it | a flush that did not finish looks like this | cut |
//! | the last; any other sector | was written and has changed | damage |
//!
//! Of a damaged batch, every record that lies in valid sectors is delivered.

mod salvage;

use std::ops::Range;

use crate::active_segment::OPENINGS;
use crate::error::OpenError;
use crate::header::{HEADER_SECTORS, SegmentHeader};
use crate::own_record::{BatchIndex, EntryError};
use crate::recovery::damage_ledger::{Loss, Positions, missing};
use crate::recovery::tracker::Tracker;
use crate::recovery::walk::salvage::Salvage;
use crate::report::{Cut, Damage, DamageKind, DamagedFile};
use crate::sector::{SECTOR_BYTES, SectorHead, SectorState};
use crate::segment_file::SegmentFile;
use crate::suspects::Suspects;

/// More sectors than this has no batch: a bound for memory (256 MiB).
const BATCH_SECTORS_MAX: u32 = (256 << 20) / 512;

/// Where a segment stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Successor {
    /// It is the last.
    None,
    /// The next one says how many batches this one has.
    Knows(u32),
    /// There is a next one, but it cannot be read.
    Unreadable,
}

/// What a walk found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walked {
    /// Batches, with damaged ones, without a cut one.
    pub batches: u32,
    pub cut: Option<Cut>,
    pub is_damaged: bool,
}

/// A walk under way.
pub(super) struct Walk<'a, 't> {
    file: SegmentFile,
    header: SegmentHeader,
    successor: Successor,
    tracker: &'a mut Tracker<'t>,
    sector: u64,
    batch: u32,
    opening: Opening,
    walked: Walked,
}

/// What became of a segment's openings.
#[derive(Default)]
struct Opening {
    is_known: bool,
    /// Sectors of the first one, if it was whole: the second is as long.
    sectors: Option<u32>,
    lost: Vec<Range<u64>>,
}

/// Where a bad batch ends, and what comes after it.
struct Surroundings {
    /// Its number of sectors, if any sector of it is valid.
    count: Option<u32>,
    /// First sector and number of the first valid batch after it.
    later: Option<(u64, u32)>,
}

impl<'a, 't> Walk<'a, 't> {
    pub fn new(
        file: SegmentFile,
        header: SegmentHeader,
        successor: Successor,
        tracker: &'a mut Tracker<'t>,
    ) -> Self {
        Self {
            file,
            header,
            successor,
            tracker,
            sector: HEADER_SECTORS,
            batch: 0,
            opening: Opening::default(),
            walked: Walked {
                batches: 0,
                cut: None,
                is_damaged: false,
            },
        }
    }

    /// Goes to the segment's end.
    pub fn run(mut self) -> Result<Walked, OpenError> {
        self.tracker.run_first = self.header.run_first;
        if self.begins_run() {
            // It repeats no index of an earlier run.
            self.tracker.ledger.forget_awaited();
        }
        while self.successor != Successor::Knows(self.batch) {
            if let Some(count) = self.whole_batch()? {
                if self.batch == 0 {
                    self.opening.sectors = Some(count);
                }
                self.read_batch(count)?;
                self.advance(count);
            } else if !self.pass_bad_batch()? {
                break;
            }
        }
        self.settle_opening();
        self.walked.batches = self.batch;
        Ok(self.walked)
    }

    /// The sectors of the batch that starts here, if all of them have their content.
    fn whole_batch(&mut self) -> Result<Option<u32>, OpenError> {
        let Some(head) = self.head_at(self.sector) else {
            return Ok(None);
        };
        if head.batch != self.batch || head.index != 0 {
            return Ok(None);
        }
        self.check_count(head.count)?;
        for index in 0..head.count {
            let here = self.head_at(self.sector + u64::from(index));
            let belongs = here.is_some_and(|here| {
                (here.batch, here.index, here.count) == (self.batch, index, head.count)
            });
            if !belongs {
                return Ok(None);
            }
        }
        Ok(Some(head.count))
    }

    /// Handles the batch that starts here and is not whole. False: the segment ends before it.
    fn pass_bad_batch(&mut self) -> Result<bool, OpenError> {
        let around = self.look_around()?;
        let was_flushed = self.batch < OPENINGS
            || around.later.is_some()
            || matches!(self.successor, Successor::Knows(_));
        let like_first = self.opening.sectors.filter(|_| self.batch < OPENINGS);
        match around.count.or(like_first) {
            Some(count) => {
                if !was_flushed && self.is_torn(self.sector + u64::from(count)) {
                    self.cut();
                    return Ok(false);
                }
                self.read_batch(count)?;
                self.advance(count);
                Ok(true)
            }
            None if was_flushed => Ok(self.skip_lost_batches(around.later)),
            None => {
                self.judge_end();
                Ok(false)
            }
        }
    }

    /// Looks for valid sectors of this batch and of later ones.
    fn look_around(&mut self) -> Result<Surroundings, OpenError> {
        let mut around = Surroundings {
            count: None,
            later: None,
        };
        for number in self.sector..self.file.sectors() {
            let Some(head) = self.head_at(number) else {
                continue;
            };
            let start = number.checked_sub(u64::from(head.index));
            let start = start.filter(|start| *start >= self.sector && head.batch >= self.batch);
            let Some(start) = start else {
                return Err(self.malformed("sequence of batches"));
            };
            if head.batch > self.batch {
                around.later = Some((start, head.batch));
                break;
            }
            self.check_count(head.count)?;
            around.count = Some(head.count);
        }
        Ok(around)
    }

    /// Whether a write that did not finish explains every sector up to `end`.
    fn is_torn(&mut self, end: u64) -> bool {
        for number in self.sector..end {
            match self.file.state(self.header.life, number) {
                SectorState::Written(_) | SectorState::Scarred(_) | SectorState::Unwritten => {}
                SectorState::Severed => return self.nothing_from(number + 1),
                SectorState::Bad => return false,
            }
        }
        true
    }

    fn nothing_from(&mut self, first: u64) -> bool {
        let life = self.header.life;
        (first..self.file.sectors())
            .all(|number| self.file.state(life, number) == SectorState::Unwritten)
    }

    /// No valid sector from here on, and nothing says that there should be one.
    fn judge_end(&mut self) {
        let is_damaged = match self.file.state(self.header.life, self.sector) {
            SectorState::Bad => true,
            SectorState::Severed if self.nothing_from(self.sector + 1) => {
                self.cut();
                false
            }
            SectorState::Severed => true,
            _ => false,
        };
        if is_damaged {
            let loss = Loss::Unknown(self.tracker.positions());
            self.tracker.ledger.forget_awaited();
            self.damage(self.sector..self.sector + 1, DamageKind::Records, loss);
        }
    }

    fn cut(&mut self) {
        self.walked.cut = Some(Cut {
            segment: self.header.index,
            offset: self.sector * SECTOR_BYTES as u64,
        });
    }

    /// Of the batch here nothing is valid, and perhaps of some after it. False: nothing follows in
    /// this segment.
    fn skip_lost_batches(&mut self, later: Option<(u64, u32)>) -> bool {
        let (end, next) = match (later, self.successor) {
            (Some((start, batch)), _) => (start, batch),
            (None, Successor::Knows(batches)) => (self.file.sectors(), batches),
            (None, _) => (self.file.sectors(), self.batch.max(OPENINGS)),
        };
        // With the openings, and nothing after them to tell: any number of batches may be gone.
        let is_open_end = later.is_none() && !matches!(self.successor, Successor::Knows(_));
        let range = self.sector..end.max(self.sector + 1);
        if self.batch < OPENINGS {
            self.opening.lost.push(bytes(&range));
            self.walked.is_damaged = true;
        }
        let first_data = self.batch.max(OPENINGS);
        if next > first_data || is_open_end {
            let before = self.tracker.positions();
            let loss = if Some(next) == first_data.checked_add(1) {
                Loss::InNextIndex(BatchIndex::new(), before)
            } else {
                Loss::Unknown(before)
            };
            self.tracker.ledger.forget_awaited();
            self.damage(range, DamageKind::Records, loss);
        }
        self.sector = end;
        self.batch = next;
        later.is_some()
    }

    fn advance(&mut self, count: u32) {
        self.sector += u64::from(count);
        // A sector may claim any number, and be valid: a faulty program's, or a forger's.
        self.batch = self.batch.saturating_add(1);
    }

    fn report_incomplete(&mut self, bad: Range<u64>, salvage: Salvage, before: Positions) {
        if self.batch < OPENINGS {
            self.opening.lost.push(bytes(&bad));
            self.walked.is_damaged = true;
            return;
        }
        let (kind, loss) = match salvage.index {
            Some(index) => {
                let suspects = missing(&index, &salvage.delivered);
                let kind = if suspects.is_none() {
                    DamageKind::Redundant
                } else {
                    DamageKind::Records
                };
                (kind, Loss::Known(suspects))
            }
            None => (
                DamageKind::Records,
                Loss::InNextIndex(salvage.delivered, before),
            ),
        };
        self.damage(bad, kind, loss);
    }

    /// Reports what was lost of the openings: nothing, if one of them could be read.
    fn settle_opening(&mut self) {
        let lost = std::mem::take(&mut self.opening.lost);
        let begins_run = self.begins_run();
        for (position, range) in lost.into_iter().enumerate() {
            if self.opening.is_known || position > 0 {
                let damage = self.damage_at(range, DamageKind::Redundant);
                let loss = Loss::Known(Suspects::none());
                self.tracker.ledger.add(damage, loss);
            } else {
                let damage = self.damage_at(range, DamageKind::Heads);
                self.tracker.on_lost_opening(damage, begins_run);
            }
        }
    }

    fn begins_run(&self) -> bool {
        self.header.run_first == self.header.index
    }

    fn damage(&mut self, sectors: Range<u64>, kind: DamageKind, loss: Loss) {
        self.walked.is_damaged = true;
        let damage = self.damage_at(bytes(&sectors), kind);
        self.tracker.ledger.add(damage, loss);
    }

    fn damage_at(&self, range: Range<u64>, kind: DamageKind) -> Damage {
        Damage {
            file: DamagedFile::Segment(self.header.index),
            range,
            kind,
            suspects: Suspects::none(),
        }
    }

    fn head_at(&mut self, number: u64) -> Option<SectorHead> {
        match self.file.state(self.header.life, number) {
            SectorState::Written(head) | SectorState::Scarred(head) => Some(head),
            _ => None,
        }
    }

    fn check_count(&self, count: u32) -> Result<(), OpenError> {
        if count <= BATCH_SECTORS_MAX {
            Ok(())
        } else {
            Err(self.malformed("size of a batch"))
        }
    }

    fn malformed(&self, what: &'static str) -> OpenError {
        self.refused(EntryError::Malformed(what))
    }

    fn refused(&self, error: EntryError) -> OpenError {
        let path = self.file.path.clone();
        let offset = self.sector * SECTOR_BYTES as u64;
        match error {
            EntryError::Unknown { kind, version } => OpenError::UnknownRecord {
                path,
                offset,
                kind,
                version,
            },
            EntryError::Malformed(what) => OpenError::Malformed { path, offset, what },
        }
    }
}

fn bytes(sectors: &Range<u64>) -> Range<u64> {
    sectors.start * SECTOR_BYTES as u64..sectors.end * SECTOR_BYTES as u64
}
