//! What happened, for people to read and for machines to compare: a running hash of every step, and
//! the steps as text when somebody wants them.

use crate::time::SimTime;

/// Whether the steps are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbosity {
    /// Only the hash is kept.
    HashOnly,
    /// Each step is also one line of the log.
    Lines,
}

/// The record of a run.
#[derive(Debug)]
pub struct Trace {
    verbosity: Verbosity,
    hash: u64,
    steps: u64,
    lines: Vec<String>,
}

impl Trace {
    /// Nothing has happened.
    #[must_use]
    pub fn new(verbosity: Verbosity) -> Self {
        Self {
            verbosity,
            hash: 0xcbf2_9ce4_8422_2325,
            steps: 0,
            lines: Vec::new(),
        }
    }

    /// Equal for equal runs.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// How many steps there were.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Notes a step: its kind, what it is about, and its text, which is made only if it is wanted.
    pub fn note(
        &mut self,
        now: SimTime,
        kind: &'static str,
        about: [u64; 3],
        text: impl FnOnce() -> String,
    ) {
        self.steps += 1;
        self.fold(now.0);
        for chunk in kind.as_bytes() {
            self.fold(u64::from(*chunk));
        }
        for number in about {
            self.fold(number);
        }
        if self.verbosity == Verbosity::Lines {
            let at = format!("{:>4}.{:06}", now.0 / 1_000_000, now.0 % 1_000_000);
            self.lines.push(format!("{at} {kind:<12} {}", text()));
        }
    }

    fn fold(&mut self, number: u64) {
        self.hash = (self.hash ^ number)
            .wrapping_mul(0x0100_0000_01b3_0d4d)
            .rotate_left(29);
    }

    /// Takes the lines so far.
    pub fn take_lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_tells_runs_apart_and_text_is_not_made_in_vain() {
        let hash = |about| {
            let mut trace = Trace::new(Verbosity::HashOnly);
            trace.note(SimTime(1), "send", about, || {
                unreachable!("nobody reads it")
            });
            trace.hash()
        };
        assert_eq!(hash([1, 2, 3]), hash([1, 2, 3]));
        assert_ne!(hash([1, 2, 3]), hash([1, 3, 2]));
        let mut trace = Trace::new(Verbosity::Lines);
        trace.note(SimTime(1_500_000), "send", [0; 3], || "a to b".to_owned());
        assert_eq!(trace.take_lines(), ["   1.500000 send         a to b"]);
    }
}
