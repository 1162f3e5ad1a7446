//! Which entities exist and which metrics they have.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::histogram::Histogram;
use super::info::{CounterInfo, EntityKind, GaugeInfo, HistogramInfo, Unit};
use super::instruments::{Counter, Gauge};
use crate::clock::MonotonicMillis;

/// All metrics of a process. Cheap to clone; clones are the same registry.
#[derive(Clone, Debug, Default)]
pub struct Registry(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    entities: Mutex<Entities>,
    /// When the current window of all histograms began.
    window_began: Mutex<MonotonicMillis>,
}

#[derive(Debug, Default)]
struct Entities {
    next_number: u64,
    by_number: BTreeMap<u64, Arc<EntityState>>,
}

#[derive(Debug)]
pub(super) struct EntityState {
    pub(super) kind: EntityKind,
    /// Label names and values.
    pub(super) labels: Vec<(&'static str, String)>,
    metrics: Mutex<BTreeMap<&'static str, Metric>>,
}

/// One metric of one entity.
#[derive(Clone)]
pub(super) struct Metric {
    pub(super) unit: Unit,
    pub(super) meaning: &'static str,
    pub(super) instrument: Instrument,
}

#[derive(Clone)]
pub(super) enum Instrument {
    Counter(Counter),
    Gauge(Gauge),
    Observed(Arc<dyn Fn() -> i64 + Send + Sync>),
    Histogram(Histogram),
}

impl fmt::Debug for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.meaning)
    }
}

/// How long a window of the histograms lasts at least; quantiles are over the current window and
/// the one before. Milliseconds.
const WINDOW_MIN_MS: u64 = 60_000;

impl Registry {
    /// A registry without entities.
    #[must_use]
    pub fn new() -> Self {
        let registry = Self::default();
        *registry.0.window_began.lock() = MonotonicMillis::now();
        registry
    }

    /// Adds an entity. It is exposed until the returned handle is dropped.
    #[must_use = "the entity vanishes with its handle"]
    pub fn entity(&self, kind: EntityKind, labels: &[(&'static str, &str)]) -> Entity {
        let state = Arc::new(EntityState {
            kind,
            labels: labels
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
            metrics: Mutex::new(BTreeMap::new()),
        });
        let mut entities = self.0.entities.lock();
        let number = entities.next_number;
        entities.next_number += 1;
        entities.by_number.insert(number, Arc::clone(&state));
        Entity {
            state,
            number,
            registry: Arc::downgrade(&self.0),
        }
    }

    /// Everything in Prometheus' text format (version 0.0.4).
    #[must_use]
    pub fn prometheus_text(&self) -> String {
        self.rotate_if_due(MonotonicMillis::now());
        super::exposition::prometheus_text(&self.entities())
    }

    pub(super) fn entities(&self) -> Vec<Arc<EntityState>> {
        self.0.entities.lock().by_number.values().cloned().collect()
    }

    /// Begins a new window of the histograms when the current one has lasted long enough. Readers
    /// drive this: without readers nobody needs a window.
    fn rotate_if_due(&self, now: MonotonicMillis) {
        let mut began = self.0.window_began.lock();
        if now.0.saturating_sub(began.0) < WINDOW_MIN_MS {
            return;
        }
        *began = now;
        for entity in self.entities() {
            for metric in entity.metrics().values() {
                if let Instrument::Histogram(histogram) = &metric.instrument {
                    histogram.rotate();
                }
            }
        }
    }
}

impl EntityState {
    pub(super) fn metrics(&self) -> BTreeMap<&'static str, Metric> {
        self.metrics.lock().clone()
    }
}

/// A handle to something measured. Dropping it ends the exposition of its metrics; counters and
/// the like that outlive it keep working, unseen.
#[derive(Debug)]
pub struct Entity {
    state: Arc<EntityState>,
    number: u64,
    registry: Weak<Shared>,
}

impl Entity {
    /// The counter of this name; asked for twice, the same counter.
    ///
    /// # Panics
    /// The name belongs to a metric of another kind on this entity: a mistake in the program.
    #[must_use]
    pub fn counter(&self, info: &CounterInfo) -> Counter {
        let fresh = || Instrument::Counter(Counter::default());
        match self.instrument(info.name, info.unit, info.meaning, fresh) {
            Instrument::Counter(counter) => counter,
            _ => other_kind(info.name),
        }
    }

    /// The gauge of this name; asked for twice, the same gauge.
    ///
    /// # Panics
    /// As [`Entity::counter`].
    #[must_use]
    pub fn gauge(&self, info: &GaugeInfo) -> Gauge {
        let fresh = || Instrument::Gauge(Gauge::default());
        match self.instrument(info.name, info.unit, info.meaning, fresh) {
            Instrument::Gauge(gauge) => gauge,
            _ => other_kind(info.name),
        }
    }

    /// A gauge whose value is asked for at each exposition. The first closure of a name stays.
    pub fn observe(&self, info: &GaugeInfo, read: impl Fn() -> i64 + Send + Sync + 'static) {
        let fresh = || Instrument::Observed(Arc::new(read));
        self.instrument(info.name, info.unit, info.meaning, fresh);
    }

    /// The histogram of this name; asked for twice, the same histogram.
    ///
    /// # Panics
    /// As [`Entity::counter`].
    #[must_use]
    pub fn histogram(&self, info: &HistogramInfo) -> Histogram {
        let fresh = || Instrument::Histogram(Histogram::default());
        match self.instrument(info.name, info.unit, info.meaning, fresh) {
            Instrument::Histogram(histogram) => histogram,
            _ => other_kind(info.name),
        }
    }

    fn instrument(
        &self,
        name: &'static str,
        unit: Unit,
        meaning: &'static str,
        fresh: impl FnOnce() -> Instrument,
    ) -> Instrument {
        let mut metrics = self.state.metrics.lock();
        let metric = metrics.entry(name).or_insert_with(|| Metric {
            unit,
            meaning,
            instrument: fresh(),
        });
        metric.instrument.clone()
    }
}

fn other_kind(name: &str) -> ! {
    panic!("metric {name} is declared with two different kinds")
}

impl Drop for Entity {
    fn drop(&mut self) {
        if let Some(registry) = self.registry.upgrade() {
            registry.entities.lock().by_number.remove(&self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUESTS: CounterInfo = CounterInfo::new("requests", Unit::Requests, "requests");
    const LATENCY: HistogramInfo = HistogramInfo::new("latency_ns", Unit::NanoSeconds, "latency");

    #[test]
    fn the_same_name_is_the_same_instrument() {
        let registry = Registry::new();
        let server = registry.entity(EntityKind::Server, &[]);
        server.counter(&REQUESTS).increment();
        server.counter(&REQUESTS).add(2);
        assert_eq!(server.counter(&REQUESTS).value(), 3);
    }

    #[test]
    fn windows_turn_after_a_minute() {
        let registry = Registry::new();
        let server = registry.entity(EntityKind::Server, &[]);
        let latency = server.histogram(&LATENCY);
        latency.record(7);
        let start = MonotonicMillis::now();
        registry.rotate_if_due(start);
        for minutes in 1..=2 {
            assert_eq!(latency.snapshot().quantile(0.5), 7);
            registry.rotate_if_due(MonotonicMillis(start.0 + minutes * WINDOW_MIN_MS));
        }
        assert_eq!(latency.snapshot().quantile(0.5), 0);
        assert_eq!(latency.snapshot().count, 1);
    }

    #[test]
    fn instruments_outlive_their_entity() {
        let registry = Registry::new();
        let counter = registry.entity(EntityKind::Server, &[]).counter(&REQUESTS);
        counter.increment();
        assert_eq!(counter.value(), 1);
        assert!(registry.entities().is_empty());
    }
}
