//! `pegasus chaos`: a whole cluster of real processes under load and faults, and afterwards the
//! proof that nobody has seen anything wrong.
//!
//! | Module | Holds |
//! |---|---|
//! | `isolation`, `network`, `small_disk` | a machine of our own, its links and its disk |
//! | `cluster` | the processes |
//! | `fault`, `schedule` | what goes wrong, and when |
//! | `load`, `workload`, `operations`, `probes` | what clients do meanwhile |
//! | `turnover` | tables that come and go meanwhile |
//! | `observer`, `report` | what is found in the end |

mod cluster;
mod fault;
mod isolation;
mod load;
mod network;
mod observer;
mod operations;
mod probes;
mod report;
mod schedule;
mod small_disk;
mod turnover;
mod workload;

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use pegasus_client::CreateTable;
use pegasus_history::key_value::{Answer, KeyValue, Operation};
use pegasus_history::{Histories, Limits, Outcome, Verdict, check, export};

use self::cluster::{ChaosCluster, Surroundings};
use self::fault::FaultKind;
use self::load::{Load, LoadShape, PROBED_TABLE, TABLE};
use self::observer::Observer;
use self::report::Report;
use self::schedule::{Injector, Schedule};
use crate::error::CliError;
use crate::onebox::layout::{DurabilityChoice, Shape};
use crate::terminal::{complain, say};

/// Replicas of each partition.
const REPLICAS: i32 = 3;
/// Partitions of the probed table: each costs 200 writes a second.
const PROBED_PARTITIONS: usize = 4;
/// How long the cluster may take to start.
const START_LIMIT: Duration = Duration::from_secs(120);
/// How long it may take to be whole after the last fault.
const HEALING_LIMIT: Duration = Duration::from_secs(180);
/// How long replicas may take to be alike after the last write.
const QUIESCENCE_LIMIT: Duration = Duration::from_secs(30);
/// Where the history of a bad run is kept.
const HISTORY_FILE: &str = "history.jsonl";

/// Put a cluster of real processes under load and faults, and check what its clients saw
#[derive(Debug, Args)]
pub struct ChaosCommand {
    /// Directory of the onebox; made if it does not exist, used as it is if it does
    #[arg(long, default_value = "chaos")]
    dir: PathBuf,
    /// How long faults come
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=604_800))]
    seconds: u64,
    /// Decides operations and faults; drawn if it is not given
    #[arg(long)]
    seed: Option<u64>,
    /// Kinds of faults; all that this system permits if not given
    #[arg(long, value_enum, value_delimiter = ',')]
    faults: Vec<FaultKind>,
    /// Meta servers of a new onebox: 1, 3 or 5
    #[arg(long, default_value_t = 3)]
    metas: u16,
    /// Replica servers of a new onebox
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(3..=32))]
    replicas: u16,
    /// Partitions of the table under load; a power of two
    #[arg(long, default_value_t = 8)]
    partitions: u16,
    /// Clients
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=256))]
    clients: u32,
    /// When a write of a new onebox is acknowledged
    #[arg(long, value_enum, default_value_t)]
    durability: DurabilityChoice,
    /// Print the result as a JSON object for programs
    #[arg(long)]
    json: bool,
    /// This run is inside namespaces of its own
    #[arg(long, hide = true)]
    isolated: bool,
}

impl ChaosCommand {
    /// Runs and fails if anything wrong was seen.
    pub fn run(&self) -> Result<(), CliError> {
        if !self.isolated && self.wants_isolation() {
            if isolation::is_permitted() {
                return match isolation::run_inside()?.success() {
                    true => Ok(()),
                    false => Err(CliError::failed("chaos failed; see above")),
                };
            }
            complain(
                "namespaces are not permitted here (root is needed): no network and disk faults",
            );
        }
        let surroundings = match self.isolated {
            true => Surroundings::Isolated,
            false => Surroundings::Shared,
        };
        let mut cluster = ChaosCluster::prepare(&self.dir, self.shape(), surroundings)?;
        let kinds = self.kinds(&cluster)?;
        let seed = self.seed.unwrap_or_else(rand::random);
        complain(&format!(
            "seed {seed}; cluster in {}",
            cluster.root().display()
        ));
        let report = self.run_on(&mut cluster, kinds, seed);
        let stopped = cluster.stop();
        let report = report?;
        stopped?;
        if self.json {
            say(&report.json().to_string());
        } else {
            report.lines().iter().for_each(|line| say(line));
        }
        match report.violations.is_empty() {
            true => Ok(()),
            false => Err(CliError::failed(format!(
                "{} violations; the history is in {}",
                report.violations.len(),
                cluster.root().join(HISTORY_FILE).display()
            ))),
        }
    }

    fn wants_isolation(&self) -> bool {
        let needs = |kind: &FaultKind| {
            use FaultKind::{Disk, Leader, Network};
            matches!(kind, Network | Disk | Leader)
        };
        // The data of an existing onebox lies on ordinary disks.
        !self.dir.exists() && (self.faults.is_empty() || self.faults.iter().any(needs))
    }

    fn shape(&self) -> Shape {
        Shape {
            metas: self.metas,
            replicas: self.replicas,
            base_port: 0,
            durability: self.durability,
            shards: 1,
            disks: 1,
        }
    }

    fn kinds(&self, cluster: &ChaosCluster) -> Result<Vec<FaultKind>, CliError> {
        let mut kinds = self.faults.clone();
        if kinds.is_empty() {
            kinds.extend(<FaultKind as clap::ValueEnum>::value_variants());
        }
        kinds.retain(|kind| kind.is_possible(cluster));
        if kinds.is_empty() {
            return Err(CliError::usage("none of these faults is possible here"));
        }
        Ok(kinds)
    }

    fn run_on(
        &self,
        cluster: &mut ChaosCluster,
        kinds: Vec<FaultKind>,
        seed: u64,
    ) -> Result<Report, CliError> {
        cluster.start_all()?;
        let observer = Observer::new(&cluster.meta_list(), &[TABLE, PROBED_TABLE])?;
        self.create_tables(&observer)?;
        let shape = LoadShape {
            clients: self.clients,
            probed_partitions: PROBED_PARTITIONS,
            seed,
        };
        let load = Load::start(&cluster.meta_list(), shape)?;
        let started = Instant::now();
        let schedule = Schedule {
            kinds,
            until: started + Duration::from_secs(self.seconds),
            interrupted: interruption()?,
        };
        let mut events = Injector::new(cluster, &observer, &load, seed).run(&schedule)?;
        let elapsed = started.elapsed();
        cluster.heal()?;
        let mut violations = std::mem::take(&mut events.problems);
        if let Err(problem) = observer.wait_until_healthy(HEALING_LIMIT) {
            violations.push(format!("the cluster did not heal: {problem}"));
        }
        let turnover = load.turnover.clone();
        let workload = match load.stop() {
            Ok(workload) => workload,
            Err(error) => return Err(CliError::failed(format!("the load failed: {error}"))),
        };
        violations.extend(turnover.take_problems());
        let compared = observer.wait_until_identical(QUIESCENCE_LIMIT);
        let partitions_compared = compared.unwrap_or_else(|problem| {
            violations.push(problem);
            0
        });
        let histories = workload.take_histories();
        violations.extend(check_all(&histories));
        if !violations.is_empty() {
            keep(&histories, &cluster.root().join(HISTORY_FILE))?;
        }
        Ok(Report {
            seed,
            elapsed,
            operations: histories.len(),
            unknown: count_unknown(&histories),
            keys: histories.iter().count(),
            tables: turnover.counts(),
            partitions_compared,
            events,
            violations,
        })
    }

    fn create_tables(&self, observer: &Observer) -> Result<(), CliError> {
        let probed = u16::try_from(PROBED_PARTITIONS).unwrap_or(1);
        for (name, partitions) in [(TABLE, self.partitions), (PROBED_TABLE, probed)] {
            let create = CreateTable::new(name)
                .partition_count(i32::from(partitions))
                .replica_count(REPLICAS);
            observer.create_table(&create, START_LIMIT)?;
        }
        let healthy = observer.wait_until_healthy(START_LIMIT);
        healthy.map_err(|problem| {
            CliError::failed(format!("the cluster does not start: {problem}"))
        })?;
        Ok(())
    }
}

/// Set when a person wants the run to end; it is then healed and checked as usual.
fn interruption() -> Result<Arc<AtomicBool>, CliError> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = interrupted.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::failed(format!("cannot start an event loop: {error}")))?;
    std::thread::Builder::new()
        .name("interruption".to_owned())
        .spawn(move || {
            runtime.block_on(crate::signals::ended());
            flag.store(true, Ordering::Relaxed);
        })
        .map_err(|error| CliError::failed(format!("cannot start a thread: {error}")))?;
    Ok(interrupted)
}

fn check_all(histories: &Histories<Operation, Answer>) -> Vec<String> {
    let model = KeyValue::default();
    let found = histories.iter().filter_map(|(key, records)| {
        match check(&model, records, Limits::default()) {
            Verdict::Linearizable => None,
            Verdict::Violation(violation) => Some(format!("hash key '{key}': {violation}")),
            Verdict::Undecided(reached) => Some(format!(
                "hash key '{key}': no order found in time; {reached}"
            )),
        }
    });
    found.collect()
}

fn count_unknown(histories: &Histories<Operation, Answer>) -> usize {
    let records = histories.iter().flat_map(|(_, records)| records);
    records
        .filter(|record| record.outcome == Outcome::Unknown)
        .count()
}

fn keep(histories: &Histories<Operation, Answer>, path: &Path) -> Result<(), CliError> {
    let failed = |error| CliError::io(path, error);
    let file = File::create(path).map_err(failed)?;
    export::write(histories, BufWriter::new(file)).map_err(failed)
}
