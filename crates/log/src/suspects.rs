//! Which replicas something may have touched.

use std::collections::BTreeSet;
use std::fmt;

use pegasus_common::Gpid;

/// A set of replicas that can also be "all but these": damage may have hit replicas of which no
/// other trace is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suspects {
    /// These and no others.
    Only(BTreeSet<Gpid>),
    /// Every replica of the directory, but not these.
    AllExcept(BTreeSet<Gpid>),
}

impl Suspects {
    /// Nobody.
    #[must_use]
    pub const fn none() -> Self {
        Self::Only(BTreeSet::new())
    }

    /// Everybody.
    #[must_use]
    pub const fn all() -> Self {
        Self::AllExcept(BTreeSet::new())
    }

    /// Whether nobody is suspected.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Only(gpids) if gpids.is_empty())
    }

    /// Whether this replica may have been touched.
    #[must_use]
    pub fn contains(&self, gpid: Gpid) -> bool {
        match self {
            Self::Only(gpids) => gpids.contains(&gpid),
            Self::AllExcept(gpids) => !gpids.contains(&gpid),
        }
    }

    /// Clears one replica.
    pub fn clear(&mut self, gpid: Gpid) {
        match self {
            Self::Only(gpids) => {
                gpids.remove(&gpid);
            }
            Self::AllExcept(gpids) => {
                gpids.insert(gpid);
            }
        }
    }

    /// Clears everybody else.
    pub fn restrict_to(&mut self, gpids: &BTreeSet<Gpid>) {
        *self = Self::Only(match self {
            Self::Only(suspected) => &*suspected & gpids,
            Self::AllExcept(cleared) => gpids - &*cleared,
        });
    }

    /// Everybody whom either suspects.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Only(a), Self::Only(b)) => Self::Only(a | b),
            (Self::AllExcept(a), Self::AllExcept(b)) => Self::AllExcept(a & b),
            (Self::AllExcept(not), Self::Only(also)) | (Self::Only(also), Self::AllExcept(not)) => {
                Self::AllExcept(not - also)
            }
        }
    }
}

impl fmt::Display for Suspects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, gpids) = match self {
            Self::Only(gpids) if gpids.is_empty() => return f.write_str("no replica"),
            Self::Only(gpids) => ("replicas", gpids),
            Self::AllExcept(gpids) if gpids.is_empty() => return f.write_str("all replicas"),
            Self::AllExcept(gpids) => ("all replicas except", gpids),
        };
        f.write_str(before)?;
        for gpid in gpids {
            write!(f, " {gpid}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn suspects() -> impl Strategy<Value = Suspects> {
        let gpids = proptest::collection::btree_set((0..4).prop_map(|p| Gpid::new(1, p)), 0..4);
        (gpids, any::<bool>()).prop_map(|(gpids, only)| {
            if only {
                Suspects::Only(gpids)
            } else {
                Suspects::AllExcept(gpids)
            }
        })
    }

    proptest! {
        #[test]
        fn behaves_as_a_set(a in suspects(), b in suspects(), cleared in 0..5) {
            let cleared = Gpid::new(1, cleared);
            let both = a.union(&b);
            let mut less = a.clone();
            less.clear(cleared);
            let few = BTreeSet::from([Gpid::new(1, 1), Gpid::new(1, 4)]);
            let mut restricted = a.clone();
            restricted.restrict_to(&few);
            for partition in 0..5 {
                let gpid = Gpid::new(1, partition);
                prop_assert_eq!(both.contains(gpid), a.contains(gpid) || b.contains(gpid));
                let inside = a.contains(gpid) && few.contains(&gpid);
                prop_assert_eq!(restricted.contains(gpid), inside);
                prop_assert_eq!(less.contains(gpid), a.contains(gpid) && gpid != cleared);
            }
        }
    }

    #[test]
    fn speaks_plainly() {
        assert_eq!(Suspects::none().to_string(), "no replica");
        assert_eq!(Suspects::all().to_string(), "all replicas");
        let some = BTreeSet::from([Gpid::new(2, 0), Gpid::new(2, 1)]);
        assert_eq!(Suspects::Only(some).to_string(), "replicas 2.0 2.1");
    }
}
