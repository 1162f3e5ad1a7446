//! Tables that come and go while faults come: none that was made may be lost, none that was dropped may
//! come back, and no number is given twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use pegasus_client::{Admin, AppInfo, AppStatus, Cluster, CreateTable, IfExists, IfMissing};
use rand::rngs::SmallRng;
use rand::seq::IteratorRandom as _;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::with_causes;

/// What the names of these tables begin with.
const PREFIX: &str = "turnover-";
/// Tables that there are at a time, about.
const TABLES_AT_A_TIME: usize = 6;
/// Between two changes. Milliseconds.
const PAUSE_MS: std::ops::Range<u64> = 200..1_000;
/// Between two attempts.
const RETRY_PAUSE: Duration = Duration::from_millis(50);
/// How long the healed cluster may take to answer.
const SETTLING_LIMIT: Duration = Duration::from_secs(60);
/// The data of a dropped table may go at once.
const RESERVE: Option<Duration> = Some(Duration::from_secs(1));
/// Every status.
const ANY: AppStatus = AppStatus(0);

/// What is known of one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It was made, with this number.
    Made(i32),
    /// It was made, with this number, and has a record.
    Filled(i32),
    /// It was dropped.
    Dropped,
    /// Making or dropping it was interrupted.
    Uncertain,
}

/// The tables, and what became of them.
#[derive(Debug, Default)]
pub struct Turnover {
    tables: Mutex<BTreeMap<String, Fate>>,
    made: AtomicU64,
    dropped: AtomicU64,
    problems: Mutex<Vec<String>>,
}

impl Turnover {
    /// How many tables were made, and how many dropped.
    pub fn counts(&self) -> (u64, u64) {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (load(&self.made), load(&self.dropped))
    }

    /// What must not be, as [`Turnover::check`] found it.
    pub fn take_problems(&self) -> Vec<String> {
        std::mem::take(&mut *self.problems.lock())
    }

    /// Makes and drops tables until told to stop.
    pub async fn run(self: Arc<Self>, cluster: Cluster, seed: u64, stop: watch::Receiver<bool>) {
        let mut random = SmallRng::seed_from_u64(seed);
        for number in 0_u64.. {
            let present = self.present();
            if present.len() < TABLES_AT_A_TIME || random.random_bool(0.5) {
                self.make(&cluster, format!("{PREFIX}{number}"), &stop)
                    .await;
            } else if let Some(name) = present.into_iter().choose(&mut random) {
                self.drop_table(&cluster, name, &stop).await;
            }
            if *stop.borrow() {
                return;
            }
            let pause = random.random_range(PAUSE_MS);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }

    fn present(&self) -> Vec<String> {
        let tables = self.tables.lock();
        let present = tables
            .iter()
            .filter(|(_, fate)| matches!(fate, Fate::Made(_) | Fate::Filled(_)));
        present.map(|(name, _)| name.clone()).collect()
    }

    fn note(&self, name: &str, fate: Fate) {
        self.tables.lock().insert(name.to_owned(), fate);
    }

    async fn make(&self, cluster: &Cluster, name: String, stop: &watch::Receiver<bool>) {
        self.note(&name, Fate::Uncertain);
        let create = CreateTable::new(&name)
            .partition_count(1)
            .if_exists(IfExists::Succeed);
        let admin = cluster.admin();
        let Some(id) = persist(stop, || admin.create_app(&create)).await else {
            return;
        };
        self.note(&name, Fate::Made(id));
        self.made.fetch_add(1, Ordering::Relaxed);
        let write = || async {
            let table = cluster.table(&name).await?;
            table.set(name.as_bytes(), b"", id.to_string()).await
        };
        if persist(stop, write).await.is_some() {
            self.note(&name, Fate::Filled(id));
        }
    }

    async fn drop_table(&self, cluster: &Cluster, name: String, stop: &watch::Receiver<bool>) {
        self.note(&name, Fate::Uncertain);
        let admin = cluster.admin();
        let drop_it = || admin.drop_app(&name, RESERVE, IfMissing::Succeed);
        if persist(stop, drop_it).await.is_some() {
            self.note(&name, Fate::Dropped);
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Compares the healed cluster with what was done.
    pub async fn check(&self, cluster: &Cluster) {
        let tables = std::mem::take(&mut *self.tables.lock());
        let mut problems = Vec::new();
        match all_tables(&cluster.admin()).await {
            Ok(found) => {
                problems.extend(differences(&tables, &found));
                problems.extend(missing_records(&tables, cluster).await);
            }
            Err(problem) => problems.push(problem),
        }
        self.problems.lock().extend(problems);
    }
}

/// Tries until it succeeds; `None` if told to stop before.
async fn persist<T, E, F: Future<Output = Result<T, E>>>(
    stop: &watch::Receiver<bool>,
    attempt: impl Fn() -> F,
) -> Option<T> {
    loop {
        if let Ok(done) = attempt().await {
            return Some(done);
        }
        if *stop.borrow() {
            return None;
        }
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

async fn all_tables(admin: &Admin) -> Result<Vec<AppInfo>, String> {
    let deadline = Instant::now() + SETTLING_LIMIT;
    loop {
        match admin.list_apps(ANY).await {
            Ok(tables) => return Ok(tables),
            Err(error) if Instant::now() >= deadline => {
                let error = with_causes(&error);
                return Err(format!("the healed cluster lists no tables: {error}"));
            }
            Err(_) => tokio::time::sleep(RETRY_PAUSE).await,
        }
    }
}

/// What the list has and should not have, and what it lacks.
fn differences(tables: &BTreeMap<String, Fate>, found: &[AppInfo]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut numbers = BTreeSet::new();
    let mut available: BTreeMap<&str, i32> = BTreeMap::new();
    for table in found {
        let name = table.app_name.as_str();
        if !numbers.insert(table.app_id) {
            problems.push(format!("number {} is given twice", table.app_id));
        }
        let is_ours = name.starts_with(PREFIX) && table.status == AppStatus::AS_AVAILABLE;
        if is_ours && available.insert(name, table.app_id).is_some() {
            problems.push(format!("table '{name}' is there twice"));
        }
    }
    for (name, fate) in tables {
        let present = available.remove(name.as_str());
        match (fate, present) {
            (Fate::Made(id) | Fate::Filled(id), Some(present)) if *id != present => {
                problems.push(format!(
                    "table '{name}' was made as {id} and is {present} now"
                ));
            }
            (Fate::Made(id) | Fate::Filled(id), None) => {
                problems.push(format!(
                    "table '{name}', made as {id}, is not there any more"
                ));
            }
            (Fate::Dropped, Some(id)) => {
                problems.push(format!("table '{name}' was dropped and is there as {id}"));
            }
            _ => {}
        }
    }
    let unknown = available.into_keys();
    problems.extend(unknown.map(|name| format!("nobody has made table '{name}'")));
    problems
}

async fn missing_records(tables: &BTreeMap<String, Fate>, cluster: &Cluster) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, fate) in tables {
        let Fate::Filled(id) = fate else { continue };
        let deadline = Instant::now() + SETTLING_LIMIT;
        let read = loop {
            let read = async {
                let table = cluster.table(name).await?;
                table.get(name.as_bytes(), b"").await
            };
            match read.await {
                Err(_) if Instant::now() < deadline => tokio::time::sleep(RETRY_PAUSE).await,
                read => break read,
            }
        };
        let expected = id.to_string();
        match read {
            Ok(Some(value)) if value == expected.as_bytes() => {}
            Ok(other) => problems.push(format!("table '{name}' has {other:?}, not {expected}")),
            Err(error) => problems.push(format!("table '{name}': {}", with_causes(&error))),
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(id: i32, name: &str, status: AppStatus) -> AppInfo {
        AppInfo {
            app_id: id,
            app_name: format!("{PREFIX}{name}"),
            status,
            ..AppInfo::default()
        }
    }

    fn done(fates: &[(&str, Fate)]) -> BTreeMap<String, Fate> {
        let named = fates.iter();
        let named = named.map(|(name, fate)| (format!("{PREFIX}{name}"), *fate));
        named.collect()
    }

    #[test]
    fn tables_that_are_lost_doubled_or_back_are_found() {
        let (there, gone) = (AppStatus::AS_AVAILABLE, AppStatus::AS_DROPPED);
        let fates = done(&[
            ("made", Fate::Made(3)),
            ("filled", Fate::Filled(4)),
            ("dropped", Fate::Dropped),
            ("maybe", Fate::Uncertain),
        ]);
        let good = [
            table(3, "made", there),
            table(4, "filled", there),
            table(5, "dropped", gone),
        ];
        assert_eq!(differences(&fates, &good), [""; 0]);
        let maybe = [&good[..], &[table(6, "maybe", there)]].concat();
        assert_eq!(differences(&fates, &maybe), [""; 0]);
        for (found, problem) in [
            (vec![good[1].clone()], "'turnover-made', made as 3"),
            (
                [&good[..], &[table(9, "dropped", there)]].concat(),
                "was dropped",
            ),
            (
                [&good[..], &[table(9, "made", there)]].concat(),
                "there twice",
            ),
            (
                [&good[..], &[table(4, "maybe", there)]].concat(),
                "given twice",
            ),
            (
                [&good[..], &[table(9, "else", there)]].concat(),
                "nobody has made",
            ),
            (vec![table(7, "made", there), good[1].clone()], "is 7 now"),
        ] {
            let problems = differences(&fates, &found).join("; ");
            assert!(problems.contains(problem), "{problems}");
        }
    }
}
