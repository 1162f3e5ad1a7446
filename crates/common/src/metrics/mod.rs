//! Metrics: counting costs a few nanoseconds, reading costs what it costs.
//!
//! A server has one [`Registry`]. *Entities* are what is measured (the server, a table, a replica,
//! a disk); each has metrics, declared as constants with name, unit and meaning. Code keeps the
//! handles ([`Counter`], [`Gauge`], [`Histogram`]) and never looks anything up per event. Names are
//! upstream's where the meaning is the same (storage.md section 15, meta-server.md section 25).
//!
//! ```
//! use pegasus_common::metrics::{CounterInfo, EntityKind, Registry, Unit};
//!
//! const PUT_REQUESTS: CounterInfo = CounterInfo::new("put_requests", Unit::Requests, "puts served");
//!
//! let registry = Registry::new();
//! let replica = registry.entity(EntityKind::Replica, &[("table_id", "2"), ("partition_id", "7")]);
//! let puts = replica.counter(&PUT_REQUESTS);
//! puts.increment();
//! assert!(registry.prometheus_text().contains(r#"put_requests{table_id="2",partition_id="7"} 1"#));
//! drop(replica); // the entity is gone from the next exposition on
//! assert!(!registry.prometheus_text().contains("put_requests"));
//! ```

mod exposition;
mod histogram;
mod info;
mod instruments;
mod registry;

pub use histogram::{Histogram, HistogramSnapshot, QUANTILES};
pub use info::{CounterInfo, EntityKind, GaugeInfo, HistogramInfo, Unit};
pub use instruments::{Counter, Gauge};
pub use registry::{Entity, Registry};
