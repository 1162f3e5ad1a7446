//! The bound of what reading an input may allocate.

/// How much a reader may hold at once.
#[derive(Clone, Copy, Debug)]
pub struct MemoryBound {
    /// For each byte of the input.
    pub per_byte: usize,
    /// For the shortest input, in bytes.
    pub floor: usize,
}

impl MemoryBound {
    /// For readers that build values of what they read. Containers of small values take the most.
    pub const VALUES: Self = Self {
        per_byte: 64,
        floor: 64 << 10,
    };
    /// For readers with buffers of their own.
    pub const BUFFERS: Self = Self {
        per_byte: 64,
        floor: 4 << 20,
    };

    /// Runs `read` on an input of `input_bytes`.
    ///
    /// # Panics
    /// This thread has held more memory at once than the bound allows.
    pub fn check<R>(self, input_bytes: usize, read: impl FnOnce() -> R) -> R {
        let mut result = None;
        let held = allocation_counter::measure(|| result = Some(read()));
        let allowed = self.per_byte * input_bytes + self.floor;
        assert!(
            held.bytes_max <= allowed as u64,
            "{} bytes held for an input of {input_bytes}",
            held.bytes_max
        );
        result.expect("what was measured has run")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_within_the_bound_passes() {
        let read = || vec![1_u8; 100 << 10].len();
        assert_eq!(MemoryBound::VALUES.check(1_000, read), 100 << 10);
    }

    #[test]
    #[should_panic(expected = "bytes held for an input of 1000")]
    fn what_is_beyond_the_bound_is_caught() {
        MemoryBound::VALUES.check(1_000, || vec![1_u8; 200 << 10].len());
    }
}
