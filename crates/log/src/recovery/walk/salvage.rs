//! Reading one batch: delivers every record that lies in valid sectors.

use std::ops::Range;

use super::{Walk, bytes};
use crate::active_segment::OPENINGS;
use crate::error::OpenError;
use crate::own_record::{BatchIndex, Entry, Heads, next_entry};
use crate::recovery::damage_ledger::{Loss, Positions};
use crate::report::DamageKind;
use crate::sector::{self, SectorState};
use crate::suspects::Suspects;

/// What could be read of a batch.
#[derive(Default)]
pub(super) struct Salvage {
    pub delivered: BatchIndex,
    pub index: Option<BatchIndex>,
    heads: Option<Heads>,
    doubts: Option<Suspects>,
}

/// Content of consecutive valid sectors, from the first record that starts in it.
struct Run {
    first_sector: u64,
    content: Vec<u8>,
}

impl Walk<'_, '_> {
    /// Reads what is valid of the batch here, delivers it, and reports what is not.
    pub(super) fn read_batch(&mut self, count: u32) -> Result<(), OpenError> {
        let range = self.sector..self.sector + u64::from(count);
        let (runs, bad, scarred) = self.valid_runs(range.clone());
        let mut salvage = Salvage::default();
        let mut at_hole = None;
        for run in runs {
            if bad.is_some() && run.first_sector > self.sector && at_hole.is_none() {
                at_hole = Some(self.tracker.positions());
            }
            let is_complete = self.deliver(&run.content, &range, &mut salvage, &mut at_hole)?;
            if bad.is_none() && !is_complete {
                return Err(self.malformed("end of a batch"));
            }
        }
        self.settle_batch(&mut salvage, bad.is_none())?;
        if let Some(scarred) = scarred {
            let loss = Loss::Known(Suspects::none());
            self.damage(scarred, DamageKind::Redundant, loss);
        }
        if let Some(bad) = bad {
            let before = at_hole.unwrap_or_else(|| self.tracker.positions());
            self.report_incomplete(bad, salvage, before);
        }
        Ok(())
    }

    /// The content of the sectors that have it; the span of those that do not; the span of those
    /// with a bad end mark.
    fn valid_runs(
        &mut self,
        range: Range<u64>,
    ) -> (Vec<Run>, Option<Range<u64>>, Option<Range<u64>>) {
        let (mut bad, mut scarred) = (None, None);
        let mut runs: Vec<Run> = Vec::new();
        let mut in_run = false;
        for number in range {
            let state = self.file.state(self.header.life, number);
            let (SectorState::Written(head) | SectorState::Scarred(head)) = state else {
                bad = Some(extended(bad, number));
                in_run = false;
                continue;
            };
            if matches!(state, SectorState::Scarred(_)) {
                scarred = Some(extended(scarred, number));
            }
            let content = sector::content(self.file.read(number, 1), &head);
            match (runs.last_mut(), head.first_record) {
                (Some(run), _) if in_run => run.content.extend(content),
                (_, Some(start)) => {
                    runs.push(Run {
                        first_sector: number,
                        content: content[usize::from(start)..].to_vec(),
                    });
                    in_run = true;
                }
                (_, None) => {}
            }
        }
        (runs, bad, scarred)
    }

    /// Takes the entries out of content without gaps. False: it ends within an entry.
    ///
    /// `at_hole` has the positions at the first hole of the batch, once that is passed. A replica
    /// with records behind it may have lost others to a second hole: its position proves nothing
    /// and is removed.
    fn deliver(
        &mut self,
        content: &[u8],
        range: &Range<u64>,
        salvage: &mut Salvage,
        at_hole: &mut Option<Positions>,
    ) -> Result<bool, OpenError> {
        let mut rest = content;
        while let Some(entry) = next_entry(&mut rest) {
            match entry.map_err(|error| self.refused(error))? {
                Entry::Replica(record) => {
                    *salvage.delivered.entry(record.gpid()).or_insert(0) += 1;
                    if let Some(positions) = at_hole {
                        positions.remove(&record.gpid());
                    }
                    let segment = self.header.index;
                    self.tracker.on_record(segment, bytes(range), record);
                }
                Entry::PreviousIndex(index) => self.tracker.ledger.on_previous_index(&index),
                Entry::Index(index) => salvage.index = Some(index),
                Entry::Heads(heads) => salvage.heads = Some(heads),
                Entry::Doubts(doubts) => salvage.doubts = Some(doubts),
            }
        }
        Ok(rest.is_empty())
    }

    /// What follows when a batch has been read.
    fn settle_batch(&mut self, salvage: &mut Salvage, is_whole: bool) -> Result<(), OpenError> {
        if self.batch < OPENINGS {
            if let (Some(heads), Some(doubts)) = (salvage.heads.take(), salvage.doubts.take())
                && !self.opening.is_known
            {
                self.opening.is_known = true;
                self.tracker.on_opening(&heads, &doubts);
            }
            return Ok(());
        }
        // Had its copy of the index before been readable, it would be used up by now.
        self.tracker.ledger.forget_awaited();
        if is_whole && salvage.index.as_ref() != Some(&salvage.delivered) {
            return Err(self.malformed("index of a batch"));
        }
        Ok(())
    }
}

fn extended(range: Option<Range<u64>>, number: u64) -> Range<u64> {
    let start = range.map_or(number, |range| range.start);
    start..number + 1
}
