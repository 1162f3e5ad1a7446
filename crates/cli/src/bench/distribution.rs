//! Which key the next operation takes.

use std::hash::Hasher as _;

use clap::ValueEnum;
use rand::Rng;
use rand::rngs::SmallRng;

/// How keys are chosen from the key space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Distribution {
    /// Every key is as likely as any other.
    #[default]
    Uniform,
    /// A few keys are hot, scattered over the key space (YCSB's scrambled Zipfian, constant 0.99).
    Zipfian,
}

/// YCSB's skew.
const ZIPFIAN_CONSTANT: f64 = 0.99;

/// Ranks `0..items`, rank 0 the most frequent: J. Gray et al., "Quickly generating billion-record
/// synthetic databases" (SIGMOD 1994), as YCSB uses it. A draw costs O(1), the construction
/// O(items).
#[derive(Clone, Debug)]
pub struct Zipfian {
    items: u64,
    alpha: f64,
    zeta_n: f64,
    eta: f64,
    /// 1 + 0.5^theta: the share up to which rank 1 is drawn.
    second_share: f64,
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ranks of a random draw: the 53rd bit does not matter, and the result is clamped"
)]
impl Zipfian {
    /// Over `items` ranks (at least 1).
    #[must_use]
    pub fn new(items: u64) -> Self {
        let items = items.max(1);
        let theta = ZIPFIAN_CONSTANT;
        let zeta_n: f64 = (1..=items).map(|rank| (rank as f64).powf(-theta)).sum();
        let zeta_2 = 1.0 + 2_f64.powf(-theta);
        let eta = (1.0 - (2.0 / items as f64).powf(1.0 - theta)) / (1.0 - zeta_2 / zeta_n);
        Self {
            items,
            alpha: 1.0 / (1.0 - theta),
            zeta_n,
            eta,
            second_share: 1.0 + 0.5_f64.powf(theta),
        }
    }

    /// One rank.
    pub fn draw(&self, rng: &mut SmallRng) -> u64 {
        let share: f64 = rng.random();
        let scaled = share * self.zeta_n;
        if scaled < 1.0 {
            return 0;
        }
        if scaled < self.second_share {
            return 1.min(self.items - 1);
        }
        let base = self.eta * share - self.eta + 1.0;
        ((self.items as f64 * base.powf(self.alpha)) as u64).min(self.items - 1)
    }
}

/// Draws key numbers in `0..keys`.
#[derive(Clone, Debug)]
pub enum KeyChooser {
    /// Every key alike.
    Uniform {
        /// Size of the key space.
        keys: u64,
    },
    /// Hot keys scattered by a hash.
    Scrambled {
        /// Size of the key space.
        keys: u64,
        /// Draws the rank.
        ranks: Zipfian,
    },
    /// Hot keys are the ones inserted last (YCSB workload D).
    Latest {
        /// Draws the distance from the newest key.
        ranks: Zipfian,
    },
}

impl KeyChooser {
    /// For a fixed key space.
    #[must_use]
    pub fn new(distribution: Distribution, keys: u64) -> Self {
        match distribution {
            Distribution::Uniform => Self::Uniform { keys: keys.max(1) },
            Distribution::Zipfian => Self::Scrambled {
                keys: keys.max(1),
                ranks: Zipfian::new(keys),
            },
        }
    }

    /// Prefers new keys.
    #[must_use]
    pub fn latest(keys: u64) -> Self {
        Self::Latest {
            ranks: Zipfian::new(keys),
        }
    }

    /// A key number below `inserted`, the present size of the key space.
    pub fn draw(&self, inserted: u64, rng: &mut SmallRng) -> u64 {
        match self {
            Self::Uniform { keys } => rng.random_range(0..*keys),
            Self::Scrambled { keys, ranks } => scramble(ranks.draw(rng)) % keys,
            Self::Latest { ranks } => inserted.saturating_sub(1 + ranks.draw(rng)),
        }
    }
}

/// FNV-1a over the eight bytes of a rank, as YCSB scatters its hot keys.
fn scramble(rank: u64) -> u64 {
    let mut hash = Fnv1a(0xcbf2_9ce4_8422_2325);
    hash.write(&rank.to_le_bytes());
    hash.finish()
}

struct Fnv1a(u64);

impl std::hash::Hasher for Fnv1a {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    const DRAWS: u32 = 200_000;

    #[test]
    fn zipfian_frequencies_follow_the_law() {
        let items = 1_000;
        let zipfian = Zipfian::new(items);
        let mut rng = SmallRng::seed_from_u64(7);
        let mut counts = vec![0_u32; 1_000];
        for _ in 0..DRAWS {
            counts[usize::try_from(zipfian.draw(&mut rng)).unwrap()] += 1;
        }
        // Ranks 0 and 1 are drawn exactly; later ones by an approximation.
        for (rank, tolerance) in [(0, 0.05), (1, 0.05), (9, 0.25), (99, 0.35)] {
            let expected = f64::from(rank + 1).powf(-0.99) / zipfian.zeta_n;
            let seen = f64::from(counts[usize::try_from(rank).unwrap()]) / f64::from(DRAWS);
            assert!(
                (seen - expected).abs() < tolerance * expected,
                "rank {rank}: expected {expected}, seen {seen}"
            );
        }
    }

    #[test]
    fn scrambled_keys_stay_in_range_and_scatter_the_hot_ones() {
        let chooser = KeyChooser::new(Distribution::Zipfian, 100);
        let mut rng = SmallRng::seed_from_u64(7);
        let mut counts = vec![0_u32; 100];
        for _ in 0..DRAWS {
            counts[usize::try_from(chooser.draw(100, &mut rng)).unwrap()] += 1;
        }
        let hottest = counts.iter().max().unwrap();
        let first_ten: u32 = counts[..10].iter().sum();
        assert!(*hottest > DRAWS / 10, "the hottest key has {hottest} draws");
        assert!(
            first_ten < DRAWS / 2,
            "hot keys are not scattered: {counts:?}"
        );
    }

    #[test]
    fn tiny_key_spaces_never_overrun() {
        let mut rng = SmallRng::seed_from_u64(1);
        for keys in 1..4 {
            for chooser in [
                KeyChooser::new(Distribution::Uniform, keys),
                KeyChooser::new(Distribution::Zipfian, keys),
                KeyChooser::latest(keys),
            ] {
                for _ in 0..1_000 {
                    assert!(chooser.draw(keys, &mut rng) < keys);
                }
            }
        }
    }

    #[test]
    fn the_same_seed_draws_the_same_keys() {
        let chooser = KeyChooser::new(Distribution::Zipfian, 10_000);
        let draw = |seed| {
            let mut rng = SmallRng::seed_from_u64(seed);
            (0..100)
                .map(|_| chooser.draw(10_000, &mut rng))
                .collect::<Vec<_>>()
        };
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
    }
}
