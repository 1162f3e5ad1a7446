//! 128 bits that name a state: few enough to keep millions of them, enough that no two are equal.

use std::hash::{Hash, Hasher};

/// Two lanes of 64 bits that mix each input differently.
struct Lanes {
    first: u64,
    second: u64,
}

impl Lanes {
    fn take(&mut self, word: u64) {
        let folded = |lane: u64, key: u64| {
            let product = u128::from(lane ^ word) * u128::from(key);
            let bytes = product.to_le_bytes();
            let (low, high) = bytes.split_at(8);
            let half = |part: &[u8]| u64::from_le_bytes(part.try_into().expect("8 bytes"));
            half(low) ^ half(high)
        };
        self.first = folded(self.first.rotate_left(23), 0x9e37_79b9_7f4a_7c15).wrapping_add(word);
        self.second = folded(self.second.rotate_left(41), 0xd6e8_feb8_6659_fd93) ^ !word;
    }
}

impl Hasher for Lanes {
    fn finish(&self) -> u64 {
        self.first
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.take(u64::from_le_bytes(word));
        }
        self.take(bytes.len() as u64);
    }

    fn write_u64(&mut self, word: u64) {
        self.take(word);
    }

    fn write_usize(&mut self, word: usize) {
        self.take(word as u64);
    }
}

/// The name of a state.
pub fn fingerprint(state: &impl Hash) -> u128 {
    let mut lanes = Lanes {
        first: 0x243f_6a88_85a3_08d3,
        second: 0x1319_8a2e_0370_7344,
    };
    state.hash(&mut lanes);
    lanes.take(0);
    u128::from(lanes.first) << 64 | u128::from(lanes.second)
}
