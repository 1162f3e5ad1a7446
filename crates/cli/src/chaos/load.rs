//! The clients and probing writers, on a thread of their own.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Instant;

use pegasus_history::ClientId;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::observer;
use super::probes::Probes;
use super::turnover::Turnover;
use super::workload::Workload;
use crate::error::CliError;

/// Table of the random operations.
pub const TABLE: &str = "chaos";
/// Table of the probing writers.
pub const PROBED_TABLE: &str = "chaos_probe";

/// What load there is.
#[derive(Clone, Copy, Debug)]
pub struct LoadShape {
    /// Clients with random operations.
    pub clients: u32,
    /// Partitions of the probed table.
    pub probed_partitions: usize,
    /// What the clients' choices derive from.
    pub seed: u64,
}

/// Running load.
#[derive(Debug)]
pub struct Load {
    /// What the clients do.
    pub workload: Arc<Workload>,
    /// What the probing writers see.
    pub probes: Arc<Probes>,
    /// What becomes of tables that come and go.
    pub turnover: Arc<Turnover>,
    stop: watch::Sender<bool>,
    thread: JoinHandle<Result<(), CliError>>,
}

impl Load {
    /// Starts clients and writers on existing tables. They all know where the partitions are when
    /// this returns: from then on faults may come.
    pub fn start(meta_list: &str, shape: LoadShape) -> Result<Self, CliError> {
        let workload = Arc::new(Workload::new(Instant::now()));
        let probes = Arc::new(Probes::new(shape.probed_partitions));
        let turnover = Arc::new(Turnover::default());
        let (stop, stopped) = watch::channel(false);
        let parts = Parts {
            workload: workload.clone(),
            probes: probes.clone(),
            turnover: turnover.clone(),
        };
        let meta_list = meta_list.to_owned();
        let (tell_ready, ready) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("load".to_owned())
            .spawn(move || run(&meta_list, shape, &parts, &stopped, &tell_ready))
            .map_err(|error| CliError::failed(format!("cannot start a thread: {error}")))?;
        let load = Self {
            workload,
            probes,
            turnover,
            stop,
            thread,
        };
        match ready.recv() {
            Ok(()) => Ok(load),
            Err(mpsc::RecvError) => Err(load.stop().err().unwrap_or_else(ended_early)),
        }
    }

    /// Whether it has failed: nothing that happens from now on is seen by any client.
    pub fn has_failed(&self) -> bool {
        self.thread.is_finished()
    }

    /// Stops all, reads every key once more, and compares the tables.
    pub fn stop(self) -> Result<Arc<Workload>, CliError> {
        // Nobody listens any more if the thread has failed; joining tells.
        let _ = self.stop.send(true);
        let outcome = self.thread.join();
        outcome.map_err(|_| CliError::failed("the load thread panicked"))??;
        Ok(self.workload)
    }
}

fn ended_early() -> CliError {
    CliError::failed("the load ended before it had begun")
}

struct Parts {
    workload: Arc<Workload>,
    probes: Arc<Probes>,
    turnover: Arc<Turnover>,
}

fn run(
    meta_list: &str,
    shape: LoadShape,
    parts: &Parts,
    stopped: &watch::Receiver<bool>,
    ready: &mpsc::Sender<()>,
) -> Result<(), CliError> {
    let Parts {
        workload,
        probes,
        turnover,
    } = parts;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::failed(format!("cannot start an event loop: {error}")))?;
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for client in 0..shape.clients {
            let table = observer::open(meta_list, TABLE).await?;
            let client = ClientId(client);
            tasks.spawn(
                workload
                    .clone()
                    .run_client(client, table, shape.seed, stopped.clone()),
            );
        }
        let table = observer::open(meta_list, PROBED_TABLE).await?;
        for partition in 0..shape.probed_partitions {
            let (table, clock) = (table.clone(), workload.clone());
            tasks.spawn(
                probes
                    .clone()
                    .run_writer(partition, table, clock, stopped.clone()),
            );
        }
        let cluster = observer::connect(meta_list).await?;
        tasks.spawn(
            turnover
                .clone()
                .run(cluster.clone(), shape.seed, stopped.clone()),
        );
        // Whoever started the load waits for this.
        let _ = ready.send(());
        while let Some(ended) = tasks.join_next().await {
            ended.map_err(|error| CliError::failed(format!("a client ended: {error}")))?;
        }
        turnover.check(&cluster).await;
        let table = observer::open(meta_list, TABLE).await?;
        workload
            .read_everything(&table)
            .await
            .map_err(CliError::failed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_that_cannot_begin_says_so_at_once() {
        let shape = LoadShape {
            clients: 1,
            probed_partitions: 1,
            seed: 1,
        };
        // Nobody listens there.
        let refused = Load::start("127.0.0.1:1", shape).unwrap_err();
        assert!(refused.to_string().contains("meta server"), "{refused}");
    }
}
