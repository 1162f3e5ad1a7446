//! [`Generator`]: random requests that meet each other, with every option and awkward bytes.

mod inputs;
mod reads;
mod writes;

use bytes::Bytes;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};

use crate::answer::{Answer, Next};
use crate::partition::Partition;
use crate::request::Request;

/// Scans that are left open at a time.
const SCANS_MAX: usize = 64;

/// What comes next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A request.
    Ask(Request),
    /// So many seconds pass.
    Wait(u32),
}

/// How expiries are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Time passes by [`Step::Wait`] alone: records expire within the test.
    Stepped,
    /// The thing under test has a clock of its own: records have expired long ago, or live longer
    /// than any test, and there are no waits.
    Running,
}

/// Draws steps. The same seed and the same answers give the same steps.
#[derive(Debug)]
pub struct Generator {
    random: SmallRng,
    clock: Clock,
    /// Scans that can be gone on with.
    scans: Vec<i64>,
}

impl Generator {
    /// Everything comes from the seed.
    #[must_use]
    pub fn new(seed: u64, clock: Clock) -> Self {
        Self {
            random: SmallRng::seed_from_u64(seed),
            clock,
            scans: Vec::new(),
        }
    }

    /// The next step. Operands and ranges are often made of what the partition holds.
    pub fn next(&mut self, partition: &Partition, now: u32) -> Step {
        if self.scans.len() > SCANS_MAX {
            let scan = self.scans.remove(0);
            return Step::Ask(Request::ClearScanner(scan));
        }
        let kinds = match self.clock {
            Clock::Stepped => 100,
            Clock::Running => 98,
        };
        Step::Ask(match self.below(kinds) {
            0..16 => self.put(now),
            16..20 => Request::Remove(self.raw_key()),
            20..28 => self.multi_put(now),
            28..32 => self.multi_remove(),
            32..40 => self.incr(now),
            40..50 => self.check_and_set(partition, now),
            50..58 => self.check_and_mutate(partition, now),
            58..63 => Request::Get(self.raw_key()),
            63..67 => Request::Ttl(self.raw_key()),
            67..70 => Request::SortkeyCount(self.hash_key()),
            70..74 => self.batch_get(),
            74..84 => self.multi_get(),
            84..90 => self.get_scanner(),
            90..97 => Request::Scan(self.scan_number()),
            97 => Request::ClearScanner(self.scan_number()),
            _ => return Step::Wait(self.random.random_range(1..4)),
        })
    }

    /// Hears what came of a request: its scan may be gone on with.
    pub fn note(&mut self, request: &Request, answer: &Answer) {
        if let Request::Scan(scan) | Request::ClearScanner(scan) = request {
            self.scans.retain(|other| other != scan);
        }
        if let Answer::Batch { next, .. } = answer
            && let Next::Scan(scan) = next
        {
            self.scans.push(*scan);
        }
    }

    /// The scans are lost.
    pub fn forget_scans(&mut self) {
        self.scans.clear();
    }

    /// Mostly one that goes on; else one that never was, or has ended.
    fn scan_number(&mut self) -> i64 {
        if self.scans.is_empty() || self.one_in(20) {
            return self.random.random_range(-3..40);
        }
        self.scans[self.random.random_range(0..self.scans.len())]
    }

    fn below(&mut self, end: u32) -> u32 {
        self.random.random_range(0..end)
    }

    fn one_in(&mut self, chances: u32) -> bool {
        self.below(chances) == 0
    }

    fn coin(&mut self) -> bool {
        self.random.random()
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.random.random_range(0..choices.len())]
    }

    fn bytes_of(&mut self, choices: &[&'static [u8]]) -> Bytes {
        Bytes::from_static(self.one_of(choices))
    }
}
