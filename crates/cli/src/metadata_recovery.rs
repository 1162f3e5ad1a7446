//! `pegasus meta recover`: metadata that was lost, made again from what the replica servers have.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use pegasus_common::clock::EpochSeconds;
use pegasus_common::config::load;
use pegasus_common::{HostPort, RpcAddress};
use pegasus_meta::config::MetaServerConfig;
use pegasus_meta::dump::Dump;
use pegasus_meta::dump_file;
use pegasus_meta::recovery::{Coverage, LostPartitions, Recovered, ServerHoldings, recover};
use pegasus_meta::restore::restore;
use pegasus_meta::table::TableStatus;
use pegasus_rpc::{CallError, RoutingHeader, SessionOptions, SessionPool, names};
use pegasus_wire::meta_admin::{QueryAppInfoRequest, QueryAppInfoResponse};
use pegasus_wire::replica_admin::{QueryReplicaInfoRequest, QueryReplicaInfoResponse};
use pegasus_wire::{Message, TaskCode};
use tokio::time::Instant;

use crate::error::{CliError, with_causes};
use crate::terminal::say;

/// How long a meta server that runs may take to let us connect.
const CONNECT_PATIENCE: Duration = Duration::from_secs(1);
/// Pause before a server that does not listen yet is asked again.
const CONNECT_PAUSE: Duration = Duration::from_millis(100);

/// Which servers are asked, and what becomes of what they say.
#[derive(Debug, Args)]
pub struct RecoverCommand {
    /// All replica servers of the cluster: host:port,host:port
    #[arg(long, required = true, value_delimiter = ',')]
    from_replicas: Vec<HostPort>,
    /// The configuration file of the meta server that gets the metadata; no meta server of the cluster
    /// may run, and this one may have no store
    #[arg(long)]
    config: PathBuf,
    /// Print what would be recovered, and make no store
    #[arg(long)]
    dry_run: bool,
    /// Also write the metadata to this file, as 'pegasus meta dump' does
    #[arg(long)]
    out: Option<PathBuf>,
    /// Go on without the servers that do not answer; what only they have is missing then
    #[arg(long)]
    skip_bad_nodes: bool,
    /// Let partitions that no server has start empty
    #[arg(long)]
    skip_lost_partitions: bool,
    /// How long a server may take to answer
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    timeout_ms: u64,
}

impl RecoverCommand {
    /// Asks the servers, prints what comes of it, and makes the store.
    pub async fn run(self) -> Result<(), CliError> {
        let config: MetaServerConfig = load(&self.config).map_err(|error| failed(&error))?;
        let pool = SessionPool::new(SessionOptions::default());
        refuse_if_running(&config, &pool).await?;
        // Nobody extends leases any more. When the grace is over no primary of before serves, and the new
        // meta servers may choose another one (design I4).
        let grace = Duration::from_millis(config.replication.fd_grace_ms);
        let leases_are_over = Instant::now() + grace;
        let (holdings, coverage) = self.ask_all(&pool).await?;
        let lost = if self.skip_lost_partitions {
            LostPartitions::StartEmpty
        } else {
            LostPartitions::Refuse
        };
        let now = i64::from(EpochSeconds::now().0);
        let recovered = recover(&holdings, lost, coverage, now).map_err(|error| failed(&error))?;
        print(&recovered);
        let dump = Dump::of(&recovered.state, &config.replication.cluster_name, now);
        if let Some(path) = &self.out {
            dump_file::write(path, &dump.to_json()).map_err(|error| CliError::io(path, error))?;
        }
        if self.dry_run {
            say("dry run: no store was made");
            return Ok(());
        }
        tokio::time::sleep_until(leases_are_over).await;
        let directory = restore(&config, &dump)
            .await
            .map_err(|error| failed(&error))?;
        say(&format!(
            "{}: start this meta server, then the others with empty directories, and 'pegasus meta add' each",
            directory.display()
        ));
        Ok(())
    }

    /// All answers; who did not answer is said.
    async fn ask_all(
        &self,
        pool: &SessionPool,
    ) -> Result<(Vec<ServerHoldings>, Coverage), CliError> {
        let patience = Duration::from_millis(self.timeout_ms);
        let mut asked = Vec::new();
        for server in self.from_replicas.clone() {
            let pool = pool.clone();
            asked.push(tokio::spawn(async move {
                let answer = ask(&pool, &server, patience).await;
                answer.map_err(|problem| format!("{server}: {problem}"))
            }));
        }
        let (mut holdings, mut problems) = (Vec::new(), Vec::new());
        for answer in asked {
            match answer.await {
                Ok(Ok(answer)) => holdings.push(answer),
                Ok(Err(problem)) => problems.push(problem),
                Err(error) => problems.push(error.to_string()),
            }
        }
        if problems.is_empty() {
            return Ok((holdings, Coverage::Whole));
        }
        let problems = problems.join("\n  ");
        if self.skip_bad_nodes {
            say(&format!("left out:\n  {problems}"));
            return Ok((holdings, Coverage::Partial));
        }
        Err(CliError::failed(format!(
            "not every server has answered; start them, or give --skip-bad-nodes and lose what only they \
             have:\n  {problems}"
        )))
    }
}

fn failed(error: &dyn std::error::Error) -> CliError {
    CliError::failed(with_causes(error))
}

/// Metadata that a meta server still has is not lost, and two versions of it would be one too many.
async fn refuse_if_running(config: &MetaServerConfig, pool: &SessionPool) -> Result<(), CliError> {
    for name in &config.meta_server.server_list {
        // A host that is not known has no meta server that could run.
        for address in names::lookup(name).await.unwrap_or_default() {
            if pool.session(address, CONNECT_PATIENCE).await.is_ok() {
                return Err(CliError::failed(format!(
                    "the meta server {name} runs. If it, or another one, still has its metadata, that is \
                     newer than what can be recovered ('pegasus meta list', 'pegasus meta dump'). If not, \
                     stop all of them first"
                )));
            }
        }
    }
    Ok(())
}

async fn ask(
    pool: &SessionPool,
    server: &HostPort,
    patience: Duration,
) -> Result<ServerHoldings, String> {
    let found = names::lookup(server.to_string()).await;
    let found = found.map_err(|error| error.to_string())?;
    let address = *found.first().ok_or("the name has no IPv4 address")?;
    let tables = QueryAppInfoRequest::default();
    let tables: QueryAppInfoResponse =
        call(pool, address, TaskCode::QueryAppInfo, patience, &tables).await?;
    let replicas = QueryReplicaInfoRequest {
        node1: address,
        ..QueryReplicaInfoRequest::default()
    };
    let code = TaskCode::QueryReplicaInfo;
    let replicas: QueryReplicaInfoResponse = call(pool, address, code, patience, &replicas).await?;
    for err in [tables.err, replicas.err] {
        if !err.is_ok() {
            return Err(format!("it answers {err}"));
        }
    }
    Ok(ServerHoldings::of(address, tables, &replicas))
}

async fn call<Q: Message, R: Message>(
    pool: &SessionPool,
    server: RpcAddress,
    code: TaskCode,
    patience: Duration,
    request: &Q,
) -> Result<R, String> {
    let deadline = Instant::now() + patience;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let header = RoutingHeader::server(left);
        let answer = pool.call(server, code, header, request).await;
        match answer.and_then(|answer| answer.decode()) {
            // It may have been started a moment ago.
            Err(CallError::Connect { .. }) if left > CONNECT_PAUSE => {
                tokio::time::sleep(CONNECT_PAUSE).await;
            }
            answer => return answer.map_err(|error| with_causes(&error)),
        }
    }
}

fn print(recovered: &Recovered) {
    for table in recovered.state.tables() {
        let info = &table.info;
        let replicas = table.partitions.iter();
        let replicas = replicas.map(|partition| partition.configuration.last_drops.len());
        let dropped = match info.status {
            TableStatus::Available => "",
            TableStatus::Dropped => "  dropped",
        };
        say(&format!(
            "table {} '{}': {} partitions, {} of {} replicas{dropped}",
            info.id.0,
            info.name,
            info.partition_count,
            replicas.sum::<usize>(),
            i64::from(info.partition_count) * i64::from(info.max_replica_count),
        ));
    }
    for note in &recovered.notes {
        say(&format!("note: {note}"));
    }
}
