//! `pegasus onebox start`: lays the cluster out, starts what does not run, and waits until a table
//! can be read and written.

use std::fs;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use pegasus_client::ClientError;
use pegasus_client::ClientOptions;
use pegasus_client::Cluster;
use pegasus_client::CreateTable;
use pegasus_client::TableProblem;

use super::StartOptions;
use super::config_files;
use super::layout::Layout;
use super::layout::Node;
use super::layout::Shape;
use super::process;
use super::process::Home;
use crate::error::CliError;
use crate::terminal::say;

/// The table that every onebox has.
const TABLE: &str = "temp";
const TABLE_PARTITIONS: i32 = 8;
const REPLICA_COUNT_MAX: usize = 3;
/// Keys that are tried: enough to meet every partition.
const PROBES: u32 = 64;
/// How long one attempt may take.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(2);
/// How long the cluster may take until it serves.
const START_LIMIT: Duration = Duration::from_secs(120);
/// Between two looks at a cluster that does not serve yet.
const RETRY_PAUSE: Duration = Duration::from_millis(100);
/// How much of a dead process's output is shown.
const OUTPUT_TAIL_BYTES: usize = 2_000;

/// Starts the onebox in `directory`.
pub fn start(directory: &Path, options: &StartOptions) -> Result<(), CliError> {
    let root = std::path::absolute(directory).map_err(|error| CliError::io(directory, error))?;
    fs::create_dir_all(&root).map_err(|error| CliError::io(&root, error))?;
    let layout = match Layout::read(&root)? {
        Some(layout) => layout,
        None => {
            let layout = Layout::plan(
                &root,
                Shape {
                    metas: options.metas,
                    replicas: options.replicas,
                    base_port: options.base_port,
                    durability: options.durability,
                    shards: options.shards,
                    disks: options.disks,
                },
            )?;
            layout.write()?;
            layout
        }
    };
    for node in &layout.nodes {
        if process::find(&layout, node).is_none() {
            let config = config_files::write(&layout, node)?;
            process::spawn(&layout, node, &config, &Home::Here)?;
        }
    }
    wait_until_it_serves(&layout)?;
    print_next_steps(&layout);
    Ok(())
}

fn wait_until_it_serves(layout: &Layout) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::failed(format!("cannot start an event loop: {error}")))?;
    let deadline = Instant::now() + START_LIMIT;
    runtime.block_on(async {
        loop {
            let problem = match try_table(layout).await {
                Ok(()) => return Ok(()),
                Err(problem) => problem,
            };
            if let Some(dead) = layout
                .nodes
                .iter()
                .find(|node| process::find(layout, node).is_none())
            {
                return Err(ended_early(layout, dead));
            }
            if Instant::now() > deadline {
                return Err(CliError::failed(format!(
                    "the cluster does not serve after {} s: {problem}; its logs are below {}",
                    START_LIMIT.as_secs(),
                    layout.root().display()
                )));
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    })
}

/// Creates the table if need be and reads and writes it in every partition.
async fn try_table(layout: &Layout) -> Result<(), String> {
    let text = |error: ClientError| crate::error::with_causes(&error);
    let options = ClientOptions::new()
        .operation_timeout(ATTEMPT_LIMIT)
        .meta_timeout(ATTEMPT_LIMIT);
    let cluster = Cluster::connect(&layout.meta_list(), options)
        .await
        .map_err(text)?;
    match cluster.admin().partitions(TABLE).await {
        // Whatever became of it since: its settings may have been changed.
        Ok(_) => {}
        Err(ClientError::Table {
            reason: TableProblem::NotFound,
            ..
        }) => {
            let replica_count = layout.replica_count().min(REPLICA_COUNT_MAX);
            let create = CreateTable::new(TABLE)
                .partition_count(TABLE_PARTITIONS)
                .replica_count(i32::try_from(replica_count).unwrap_or(1));
            cluster.admin().create_app(&create).await.map_err(text)?;
        }
        Err(error) => return Err(text(error)),
    }
    let table = cluster.table(TABLE).await.map_err(text)?;
    for probe in 0..PROBES {
        let key = format!("onebox-probe-{probe}");
        table.set(key.as_bytes(), b"", "").await.map_err(text)?;
        table.del(key.as_bytes(), b"").await.map_err(text)?;
    }
    Ok(())
}

fn ended_early(layout: &Layout, node: &Node) -> CliError {
    let path = process::output_file(layout, node);
    let output = fs::read(&path).unwrap_or_default();
    let tail = &output[output.len().saturating_sub(OUTPUT_TAIL_BYTES)..];
    CliError::failed(format!(
        "{} ended while starting; the end of {} reads:\n{}",
        node.name(),
        path.display(),
        String::from_utf8_lossy(tail).trim()
    ))
}

fn print_next_steps(layout: &Layout) {
    let metas = layout.meta_list();
    let directory = layout.root().display();
    say(&format!(
        "onebox is up: meta servers {metas}, table '{TABLE}'"
    ));
    say("what next:");
    say(&format!(
        "  pegasus shell --meta {metas} --table {TABLE}    read and write by hand"
    ));
    say(&format!(
        "  pegasus bench --meta {metas} --table {TABLE}    put load on it"
    ));
    say(&format!("  pegasus onebox status --dir {directory}"));
    say(&format!("  pegasus onebox stop --dir {directory}"));
}
