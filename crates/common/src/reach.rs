//! Reach marks: rare branches say that they were taken, so that a campaign of simulated runs can show
//! that it takes each of them. Without the feature `reach` a mark is nothing.

/// Marks a branch as taken.
#[cfg(feature = "reach")]
#[macro_export]
macro_rules! reach {
    ($mark:literal) => {{
        static HITS: ::std::sync::atomic::AtomicU64 = ::std::sync::atomic::AtomicU64::new(0);
        if HITS.fetch_add(1, ::std::sync::atomic::Ordering::Relaxed) == 0 {
            $crate::reach::register($mark, &HITS);
        }
    }};
}

/// Marks a branch as taken; nothing in this build.
#[cfg(not(feature = "reach"))]
#[macro_export]
macro_rules! reach {
    ($mark:literal) => {{
        const _: &str = $mark;
    }};
}

#[cfg(feature = "reach")]
mod registry {
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering};

    static MARKS: Mutex<Vec<(&'static str, &'static AtomicU64)>> = Mutex::new(Vec::new());

    /// Called by the first that takes a marked branch.
    pub fn register(mark: &'static str, hits: &'static AtomicU64) {
        if let Ok(mut marks) = MARKS.lock() {
            marks.push((mark, hits));
        }
    }

    /// How often each mark was reached by this process. One name may mark several places.
    #[must_use]
    pub fn hits() -> BTreeMap<&'static str, u64> {
        let mut sums = BTreeMap::new();
        if let Ok(marks) = MARKS.lock() {
            for (mark, hits) in marks.iter() {
                *sums.entry(*mark).or_default() += hits.load(Ordering::Relaxed);
            }
        }
        sums
    }
}

#[cfg(feature = "reach")]
pub use registry::{hits, register};
