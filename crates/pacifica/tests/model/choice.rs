//! Where the choices of a random run come from.

/// Choices: from a seed for long runs, or from a list that proptest can shrink.
pub enum Choices {
    /// SplitMix64.
    Seed(u64),
    /// One after the other; the run ends with the list.
    List(std::vec::IntoIter<u16>),
}

impl Choices {
    /// A number below `limit`, or `None` at the end.
    pub fn below(&mut self, limit: usize) -> Option<usize> {
        let limit = limit.max(1);
        match self {
            Self::Seed(state) => {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut bits = *state;
                bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                bits ^= bits >> 31;
                usize::try_from(bits % limit as u64).ok()
            }
            Self::List(list) => list.next().map(|choice| usize::from(choice) % limit),
        }
    }
}
