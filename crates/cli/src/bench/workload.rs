//! What a benchmark does.

use clap::ValueEnum;
use rand::Rng as _;
use rand::rngs::SmallRng;

use super::distribution::Distribution;

/// The mixes of operations. The ycsb ones are the core workloads of the Yahoo! Cloud Serving
/// Benchmark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Workload {
    /// Writes.
    #[default]
    Put,
    /// Reads.
    Get,
    /// Half reads, half writes.
    Mixed,
    /// Reads of ten records of one hash key.
    #[value(name = "multi_get")]
    MultiGet,
    /// Scans of one hash key, up to 100 records.
    Scan,
    /// Half reads, half updates.
    YcsbA,
    /// 95 % reads, 5 % updates.
    YcsbB,
    /// Reads.
    YcsbC,
    /// 95 % reads of new records, 5 % inserts.
    YcsbD,
    /// 95 % short scans, 5 % inserts.
    YcsbE,
    /// Half reads, half read-modify-writes.
    YcsbF,
}

/// One operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Reads a record.
    Read,
    /// Overwrites a record.
    Update,
    /// Writes a new record.
    Insert,
    /// Reads several records of one hash key.
    MultiGet,
    /// Scans a hash key.
    Scan,
    /// Reads a record and overwrites it.
    ReadModifyWrite,
}

impl Workload {
    /// The next operation.
    pub fn draw(self, rng: &mut SmallRng) -> Step {
        let (share_of_first, first, second) = match self {
            Self::Put => return Step::Update,
            Self::Get | Self::YcsbC => return Step::Read,
            Self::MultiGet => return Step::MultiGet,
            Self::Scan => return Step::Scan,
            Self::Mixed | Self::YcsbA => (0.5, Step::Read, Step::Update),
            Self::YcsbB => (0.95, Step::Read, Step::Update),
            Self::YcsbD => (0.95, Step::Read, Step::Insert),
            Self::YcsbE => (0.95, Step::Scan, Step::Insert),
            Self::YcsbF => (0.5, Step::Read, Step::ReadModifyWrite),
        };
        if rng.random_bool(share_of_first) {
            first
        } else {
            second
        }
    }

    /// Records under one hash key: several where an operation reads more than one.
    #[must_use]
    pub fn sort_keys_per_hash_key(self) -> u64 {
        match self {
            Self::MultiGet | Self::Scan | Self::YcsbE => 100,
            _ => 1,
        }
    }

    /// Whether reads prefer the newest records.
    #[must_use]
    pub fn prefers_new(self) -> bool {
        self == Self::YcsbD
    }

    /// How keys are chosen unless told otherwise.
    #[must_use]
    pub fn usual_distribution(self) -> Distribution {
        match self {
            Self::Put | Self::Get | Self::Mixed | Self::MultiGet | Self::Scan => {
                Distribution::Uniform
            }
            _ => Distribution::Zipfian,
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn names_are_those_of_the_command_line() {
        let names = Workload::value_variants().iter();
        let names = names.map(|workload| workload.to_possible_value().unwrap());
        let names: Vec<_> = names.map(|name| name.get_name().to_owned()).collect();
        assert_eq!(
            names[..6],
            ["put", "get", "mixed", "multi_get", "scan", "ycsb-a"]
        );
    }

    #[test]
    fn shares_are_those_of_ycsb() {
        for (workload, step, expected) in [
            (Workload::YcsbA, Step::Update, 0.5),
            (Workload::YcsbB, Step::Update, 0.05),
            (Workload::YcsbD, Step::Insert, 0.05),
            (Workload::YcsbE, Step::Scan, 0.95),
            (Workload::YcsbF, Step::ReadModifyWrite, 0.5),
            (Workload::Put, Step::Update, 1.0),
        ] {
            let mut rng = SmallRng::seed_from_u64(1);
            let hits = (0..20_000).filter(|_| workload.draw(&mut rng) == step);
            let share = hits.count() as f64 / 20_000.0;
            assert!((share - expected).abs() < 0.01, "{workload:?}: {share}");
        }
    }
}
