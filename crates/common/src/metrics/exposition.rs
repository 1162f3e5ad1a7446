//! Prometheus' text format.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::histogram::QUANTILES;
use super::registry::{EntityState, Instrument, Metric};

/// Writes all metrics, those of one name together as the format demands.
pub(super) fn prometheus_text(entities: &[Arc<EntityState>]) -> String {
    let mut by_name: BTreeMap<&'static str, Vec<(&EntityState, Metric)>> = BTreeMap::new();
    for entity in entities {
        for (name, metric) in entity.metrics() {
            by_name.entry(name).or_default().push((entity, metric));
        }
    }
    let mut text = String::new();
    for (name, samples) in by_name {
        write_family(&mut text, name, &samples);
    }
    text
}

// Writing to a String cannot fail: the results are dropped below.

fn write_family(text: &mut String, name: &str, samples: &[(&EntityState, Metric)]) {
    let Some((first_entity, first)) = samples.first() else {
        return;
    };
    let kind = match first.instrument {
        Instrument::Counter(_) => "counter",
        Instrument::Gauge(_) | Instrument::Observed(_) => "gauge",
        Instrument::Histogram(_) => "summary",
    };
    let (meaning, unit) = (first.meaning, first.unit.name());
    let _ = writeln!(
        text,
        "# HELP {name} {meaning} ({unit}, per {})\n# TYPE {name} {kind}",
        first_entity.kind.name()
    );
    for (entity, metric) in samples {
        let labels = labels_of(entity);
        match &metric.instrument {
            Instrument::Counter(counter) => write_sample(text, name, &labels, counter.value()),
            Instrument::Gauge(gauge) => write_sample(text, name, &labels, gauge.value()),
            Instrument::Observed(read) => write_sample(text, name, &labels, read()),
            Instrument::Histogram(histogram) => {
                let snapshot = histogram.snapshot();
                for (quantile, _) in QUANTILES {
                    let gap = if labels.is_empty() { "" } else { "," };
                    let labels = format!("{labels}{gap}quantile=\"{quantile}\"");
                    write_sample(text, name, &labels, snapshot.quantile(quantile));
                }
                write_sample(text, &format!("{name}_sum"), &labels, snapshot.sum);
                write_sample(text, &format!("{name}_count"), &labels, snapshot.count);
            }
        }
    }
}

fn write_sample(text: &mut String, name: &str, labels: &str, value: impl std::fmt::Display) {
    let _ = match labels {
        "" => writeln!(text, "{name} {value}"),
        labels => writeln!(text, "{name}{{{labels}}} {value}"),
    };
}

fn labels_of(entity: &EntityState) -> String {
    let labels: Vec<String> = entity
        .labels
        .iter()
        .map(|(name, value)| format!("{name}=\"{}\"", escape(value)))
        .collect();
    labels.join(",")
}

fn escape(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::super::{CounterInfo, EntityKind, GaugeInfo, HistogramInfo, Registry, Unit};

    const PUTS: CounterInfo = CounterInfo::new("put_requests", Unit::Requests, "puts served");
    const LAG: GaugeInfo = GaugeInfo::new("lag", Unit::Mutations, "decrees behind");
    const PUT_LATENCY: HistogramInfo =
        HistogramInfo::new("put_latency_ns", Unit::NanoSeconds, "time in the server");

    #[test]
    fn samples_of_one_name_stand_together_under_one_heading() {
        let registry = Registry::new();
        let server = registry.entity(EntityKind::Server, &[]);
        let a = registry.entity(EntityKind::Replica, &[("table_id", "1")]);
        let b = registry.entity(EntityKind::Replica, &[("table_id", "a\"\\\n")]);
        a.counter(&PUTS).add(5);
        b.counter(&PUTS).add(6);
        server.observe(&LAG, || -3);
        assert_eq!(
            registry.prometheus_text(),
            "# HELP lag decrees behind (mutations, per server)\n\
             # TYPE lag gauge\n\
             lag -3\n\
             # HELP put_requests puts served (requests, per replica)\n\
             # TYPE put_requests counter\n\
             put_requests{table_id=\"1\"} 5\n\
             put_requests{table_id=\"a\\\"\\\\\\n\"} 6\n"
        );
    }

    #[test]
    fn a_histogram_is_a_summary() {
        let registry = Registry::new();
        let replica = registry.entity(EntityKind::Replica, &[("table_id", "1")]);
        replica.histogram(&PUT_LATENCY).record(9);
        let text = registry.prometheus_text();
        assert!(text.contains("# TYPE put_latency_ns summary\n"), "{text}");
        assert!(
            text.contains("put_latency_ns{table_id=\"1\",quantile=\"0.99\"} 9\n"),
            "{text}"
        );
        assert!(
            text.contains("put_latency_ns_count{table_id=\"1\"} 1\n"),
            "{text}"
        );
    }
}
