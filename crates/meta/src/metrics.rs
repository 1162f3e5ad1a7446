//! What the meta server counts, under upstream's names (meta-server.md section 25).

use std::collections::BTreeMap;

use pegasus_common::AppId;
use pegasus_common::metrics::{
    Counter, CounterInfo, Entity, EntityKind, Gauge, GaugeInfo, Registry, Unit,
};

use crate::core::{MetaCore, Totals};
use crate::guardian::GuardianTotals;
use crate::health::HealthCounts;

const DISCONNECTIONS: CounterInfo = CounterInfo::new(
    "replica_server_disconnections",
    Unit::Servers,
    "replica servers declared dead",
);
const CONFIGURATION_CHANGES: CounterInfo = CounterInfo::new(
    "partition_configuration_changes",
    Unit::Changes,
    "configurations made durable, over all partitions",
);
const PROPOSALS: CounterInfo = CounterInfo::new(
    "guardian_proposals",
    Unit::Operations,
    "proposals sent to cure partitions, repetitions included",
);
const DEPOSITIONS: CounterInfo = CounterInfo::new(
    "guardian_depositions",
    Unit::Changes,
    "primaries that lost their role because their server was gone",
);
const FAILED_CHOICES: CounterInfo = CounterInfo::new(
    "choose_primary_failed_operations",
    Unit::Operations,
    "partitions without members for which no choice of a primary was safe",
);
const ILL: GaugeInfo = GaugeInfo::new(
    "guardian_ill_partitions",
    Unit::Partitions,
    "partitions that lack something or wait for something",
);
const LOADING: GaugeInfo = GaugeInfo::new(
    "loading_replica_servers",
    Unit::Servers,
    "replica servers that live and read in their replicas",
);
const ALIVE: GaugeInfo = GaugeInfo::new(
    "alive_replica_servers",
    Unit::Servers,
    "replica servers that live",
);
const UNALIVE: GaugeInfo = GaugeInfo::new(
    "unalive_replica_servers",
    Unit::Servers,
    "known replica servers that do not live",
);
const CLASSES: [GaugeInfo; 5] = [
    GaugeInfo::new(
        "dead_partitions",
        Unit::Partitions,
        "partitions without members",
    ),
    GaugeInfo::new(
        "unreadable_partitions",
        Unit::Partitions,
        "partitions without primary",
    ),
    GaugeInfo::new(
        "unwritable_partitions",
        Unit::Partitions,
        "partitions with too few members to write",
    ),
    GaugeInfo::new(
        "writable_ill_partitions",
        Unit::Partitions,
        "writable partitions that lack a member",
    ),
    GaugeInfo::new(
        "healthy_partitions",
        Unit::Partitions,
        "partitions with all members",
    ),
];

/// The server's metrics and those of each available table.
#[derive(Debug)]
pub struct MetaMetrics {
    registry: Registry,
    disconnections: Counter,
    configuration_changes: Counter,
    proposals: Counter,
    depositions: Counter,
    failed_choices: Counter,
    ill: Gauge,
    alive: Gauge,
    loading: Gauge,
    unalive: Gauge,
    tables: BTreeMap<AppId, TableMetrics>,
    counted: Totals,
    counted_cures: GuardianTotals,
    _server: Entity,
}

#[derive(Debug)]
struct TableMetrics {
    classes: [Gauge; 5],
    _entity: Entity,
}

impl MetaMetrics {
    /// Registers the server's metrics.
    #[must_use]
    pub fn new(registry: Registry) -> Self {
        let server = registry.entity(EntityKind::Server, &[]);
        Self {
            disconnections: server.counter(&DISCONNECTIONS),
            configuration_changes: server.counter(&CONFIGURATION_CHANGES),
            proposals: server.counter(&PROPOSALS),
            depositions: server.counter(&DEPOSITIONS),
            failed_choices: server.counter(&FAILED_CHOICES),
            ill: server.gauge(&ILL),
            alive: server.gauge(&ALIVE),
            loading: server.gauge(&LOADING),
            unalive: server.gauge(&UNALIVE),
            tables: BTreeMap::new(),
            counted: Totals::default(),
            counted_cures: GuardianTotals::default(),
            registry,
            _server: server,
        }
    }

    /// A reign begins: its sums start from zero.
    pub fn begin_reign(&mut self) {
        self.counted = Totals::default();
        self.counted_cures = GuardianTotals::default();
    }

    /// Takes over what the core knows now.
    pub fn update(&mut self, core: &MetaCore, write_members_min: usize) {
        let totals = core.totals();
        self.disconnections
            .add(totals.disconnections - self.counted.disconnections);
        self.configuration_changes
            .add(totals.configuration_changes - self.counted.configuration_changes);
        self.counted = totals;
        self.update_cures(core);
        self.alive.set(count(core.detector().alive()));
        self.unalive.set(count(core.detector().dead()));
        self.loading
            .set(count(core.detector().alive()) - count(core.detector().serving()));
        let state = core.state();
        self.tables.retain(|&id, _| {
            let name = state.table(id).map(|table| table.info.name.as_str());
            name.and_then(|name| state.available_table(name))
                .is_some_and(|available| available.info.id == id)
        });
        for table in state.available_tables() {
            let registry = &self.registry;
            let metrics = self
                .tables
                .entry(table.info.id)
                .or_insert_with(|| TableMetrics::new(registry, table.info.id));
            metrics.set(HealthCounts::of(table, write_members_min));
        }
    }
}

impl MetaMetrics {
    fn update_cures(&mut self, core: &MetaCore) {
        let (totals, counted) = (core.guardian().totals(), self.counted_cures);
        self.proposals.add(totals.proposals - counted.proposals);
        self.depositions
            .add(totals.depositions - counted.depositions);
        self.failed_choices
            .add(totals.failed_choices - counted.failed_choices);
        self.counted_cures = totals;
        let ill = core.guardian().ill_count();
        self.ill.set(i64::try_from(ill).unwrap_or(i64::MAX));
    }
}

impl TableMetrics {
    fn new(registry: &Registry, id: AppId) -> Self {
        let entity = registry.entity(EntityKind::Table, &[("table_id", &id.0.to_string())]);
        Self {
            classes: CLASSES.map(|class| entity.gauge(&class)),
            _entity: entity,
        }
    }

    fn set(&self, counts: HealthCounts) {
        let values = [
            counts.dead,
            counts.unreadable,
            counts.unwritable,
            counts.writable_ill,
            counts.healthy,
        ];
        for (gauge, value) in self.classes.iter().zip(values) {
            gauge.set(value);
        }
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> i64 {
    i64::try_from(items.count()).unwrap_or(i64::MAX)
}
