//! What the records so far allow.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{BuildHasherDefault, Hash};

/// A set of records, by index, in ascending order. Small: those of operations under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Indices(Vec<usize>);

impl Indices {
    pub(super) fn contains(&self, index: usize) -> bool {
        self.0.binary_search(&index).is_ok()
    }

    pub(super) fn insert(&mut self, index: usize) {
        if let Err(place) = self.0.binary_search(&index) {
            self.0.insert(place, index);
        }
    }

    pub(super) fn remove(&mut self, index: usize) {
        if let Ok(place) = self.0.binary_search(&index) {
            self.0.remove(place);
        }
    }

    fn is_subset_of(&self, other: &Self) -> bool {
        let mut others = other.0.iter();
        self.0.len() <= other.0.len()
            && self
                .0
                .iter()
                .all(|index| others.by_ref().any(|other| other == index))
    }
}

/// One way in which things may stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Configuration<S> {
    pub(super) state: S,
    /// Writes under way, with an answer to come, that have taken effect.
    pub(super) writes: Indices,
    /// Reads under way that have taken effect.
    pub(super) reads: Indices,
    /// Writes of unknown outcome that have taken effect, ever.
    pub(super) used: Indices,
}

impl<S> Configuration<S> {
    pub(super) fn initial(state: S) -> Self {
        Self {
            state,
            writes: Indices::default(),
            reads: Indices::default(),
            used: Indices::default(),
        }
    }
}

/// The reads and the writes of unknown outcome behind a configuration.
#[derive(Clone, Debug)]
struct Standing {
    reads: Indices,
    used: Indices,
}

impl Standing {
    /// Whether whatever can follow the other can follow this one.
    fn is_as_good_as(&self, other: &Self) -> bool {
        self.used.is_subset_of(&other.used) && other.reads.is_subset_of(&self.reads)
    }
}

/// Configurations of which none makes another superfluous.
#[derive(Debug)]
pub(super) struct Frontier<S> {
    standings: HashMap<(S, Indices), Vec<Standing>, SameHasher>,
    len: usize,
}

/// The same in every run, so that equal records are checked and explained alike.
type SameHasher = BuildHasherDefault<DefaultHasher>;

impl<S: Clone + Eq + Hash> Frontier<S> {
    pub(super) fn new() -> Self {
        Self {
            standings: HashMap::default(),
            len: 0,
        }
    }

    /// Takes a configuration unless it is superfluous. Returns whether it was taken.
    pub(super) fn insert(&mut self, configuration: &Configuration<S>) -> bool {
        let key = (configuration.state.clone(), configuration.writes.clone());
        let standing = Standing {
            reads: configuration.reads.clone(),
            used: configuration.used.clone(),
        };
        let standings = self.standings.entry(key).or_default();
        if standings.iter().any(|other| other.is_as_good_as(&standing)) {
            return false;
        }
        let before = standings.len();
        standings.retain(|other| !standing.is_as_good_as(other));
        standings.push(standing);
        self.len = self.len + standings.len() - before;
        true
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The states of all of them; one for each set of writes with it.
    pub(super) fn states(&self) -> impl Iterator<Item = &S> {
        self.standings.keys().map(|(state, _)| state)
    }
}
