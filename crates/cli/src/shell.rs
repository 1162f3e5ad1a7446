//! `pegasus shell`: the operator's and developer's command line, interactive or one-shot, with the
//! commands and output of the original shell.

mod atomic_commands;
mod commands;
mod context;
mod curing_arguments;
mod curing_commands;
mod data_arguments;
mod data_commands;
mod escape;
pub mod health;
mod interactive;
mod key_arguments;
mod lines;
mod node_commands;
mod scan_arguments;
mod scan_commands;
mod table_change_arguments;
mod table_change_commands;
mod table_commands;
mod tables;
mod tokens;

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::os::unix::ffi::OsStringExt as _;
use std::time::Duration;

use clap::Parser as _;
use pegasus_client::{AtomicOperations, ClientError, ClientOptions, Cluster};

use crate::cluster_options::ONEBOX_METAS;

use self::commands::{Command, Line};
use self::context::{Context, OutputFormat};
use self::lines::LineSource;

/// `pegasus shell`: works on a cluster's tables and data
#[derive(Debug, clap::Args)]
pub struct ShellCommand {
    /// Meta servers: host:port,host:port
    #[arg(long, default_value = ONEBOX_METAS)]
    meta: String,
    /// Table that data commands work on, as by 'use'
    #[arg(long)]
    table: Option<String>,
    /// Print JSON instead of aligned text
    #[arg(long)]
    json: bool,
    /// Deadline of each operation
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u64).range(1..))]
    timeout_ms: u64,
    /// Run this command and leave; may be given several times. The first failure ends the run
    #[arg(short = 'c', long = "command", allow_hyphen_values = true)]
    commands: Vec<String>,
}

/// Why a command or the shell failed.
#[derive(Debug, thiserror::Error)]
pub enum ShellError {
    /// The line is no sequence of arguments.
    #[error(transparent)]
    Split(#[from] tokens::SplitError),
    /// The command or its arguments do not exist.
    #[error("{0}")]
    Usage(String),
    /// The cluster could not do it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A data command without a table.
    #[error("no table is in use: give --table, or 'use <table>' first")]
    NoTable,
    /// The operation has no result.
    #[error("{0}")]
    Failed(String),
    /// Terminal, file or pipe.
    #[error("{what}: {source}")]
    Io {
        /// What was read or written.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Several commands of a script failed; each was reported when it did.
    #[error("failed commands: {count}")]
    Script {
        /// How many.
        count: usize,
    },
}

impl ShellError {
    fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// What follows a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Continue,
    Leave,
}

impl ShellCommand {
    /// Runs the shell: the commands of `-c`, else the lines of a terminal or pipe.
    ///
    /// # Errors
    /// With `-c`, the first failure; from a pipe, [`ShellError::Script`] if any line failed. On a
    /// terminal failures are shown and do not end the shell.
    pub async fn run(self) -> Result<(), ShellError> {
        let timeout = Duration::from_millis(self.timeout_ms);
        let options = ClientOptions::new().operation_timeout(timeout);
        let cluster = Cluster::connect(&self.meta, options).await?;
        let format = if self.json {
            OutputFormat::Json
        } else {
            OutputFormat::Text
        };
        let mut context = Context::new(cluster, format, timeout, Box::new(std::io::stdout()));
        if let Some(table) = &self.table {
            context.choose_table(table);
        }
        if !self.commands.is_empty() {
            let mut lines = LineSource::given(self.commands);
            while let Some(line) = lines.next(">>> ").await? {
                if execute(&mut context, &mut lines, &line).await? == Flow::Leave {
                    break;
                }
            }
            return Ok(());
        }
        if std::io::stdin().is_terminal() {
            context.greet(&self.meta)?;
            return converse(&mut context, LineSource::terminal()?).await;
        }
        run_script(&mut context, LineSource::pipe()).await
    }
}

/// Runs every line of a pipe and reports failures as they come.
async fn run_script(context: &mut Context, mut lines: LineSource) -> Result<(), ShellError> {
    let mut failures = 0;
    while let Some(line) = lines.next("").await? {
        match execute(context, &mut lines, &line).await {
            Ok(Flow::Continue) => {}
            Ok(Flow::Leave) => break,
            Err(error) => {
                failures += 1;
                context.report(&error)?;
            }
        }
    }
    match failures {
        0 => Ok(()),
        count => Err(ShellError::Script { count }),
    }
}

/// Talks with a person.
async fn converse(context: &mut Context, mut lines: LineSource) -> Result<(), ShellError> {
    lines.offer_tables(context.table_names().await);
    while let Some(line) = lines.next(">>> ").await? {
        match execute(context, &mut lines, &line).await {
            Ok(Flow::Continue) => {}
            Ok(Flow::Leave) => break,
            Err(error) => context.report(&error)?,
        }
        if let Some(names) = context.take_new_table_names() {
            lines.offer_tables(names);
        }
    }
    Ok(())
}

/// Runs one line; an empty one, or one that starts with `#`, does nothing.
async fn execute(
    context: &mut Context,
    lines: &mut LineSource,
    line: &str,
) -> Result<Flow, ShellError> {
    if line.trim_start().starts_with('#') {
        return Ok(Flow::Continue);
    }
    let tokens = tokens::split(line)?;
    if tokens.is_empty() {
        return Ok(Flow::Continue);
    }
    let words = tokens.into_iter().map(OsString::from_vec);
    let parsed =
        Line::try_parse_from(words).map_err(|error| ShellError::Usage(usage_text(&error)))?;
    dispatch(context, lines, parsed.command).await
}

/// What is wrong with a line, without the prefix that the shell adds itself.
fn usage_text(error: &clap::Error) -> String {
    let text = error.to_string();
    text.trim_start_matches("error: ").trim_end().to_owned()
}

async fn dispatch(
    context: &mut Context,
    lines: &mut LineSource,
    command: Command,
) -> Result<Flow, ShellError> {
    match command {
        Command::Exit => return Ok(Flow::Leave),
        Command::Help { command } => context.help(command.as_deref()),
        Command::Version => context.version(),
        Command::Use { app_name } => context.use_table(app_name),
        Command::EscapeAll { choice } => context.escape_all(choice),
        Command::Timeout { time_in_ms } => context.change_timeout(time_in_ms),
        Command::ClusterInfo => context.cluster_info().await,
        Command::Nodes(args) => context.nodes(&args).await,
        Command::Ls(args) => context.ls(&args).await,
        Command::App(args) => context.app(&args).await,
        Command::Create(args) => context.create(args).await,
        Command::Drop(args) => context.drop_table(&args).await,
        Command::Recall(args) => context.recall(&args).await,
        Command::Rename(args) => context.rename(&args).await,
        Command::GetAppEnvs => context.get_app_envs().await,
        Command::SetAppEnvs(args) => context.set_app_envs(&args).await,
        Command::DelAppEnvs(args) => context.del_app_envs(&args).await,
        Command::ClearAppEnvs(args) => context.clear_app_envs(&args).await,
        Command::GetReplicaCount { app_name } => context.get_replica_count(&app_name).await,
        Command::SetReplicaCount(args) => context.set_replica_count(&args).await,
        Command::GetAtomicIdempotent { app_name } => context.get_atomic_idempotent(&app_name).await,
        Command::EnableAtomicIdempotent { app_name } => {
            let operations = AtomicOperations::Idempotent;
            context.set_atomic_idempotent(&app_name, operations).await
        }
        Command::DisableAtomicIdempotent { app_name } => {
            let operations = AtomicOperations::Plain;
            context.set_atomic_idempotent(&app_name, operations).await
        }
        Command::Hash(args) => context.hash(&args).await,
        Command::Set(args) => context.set(args).await,
        Command::MultiSet(args) => context.multi_set(args).await,
        Command::Get(args) => context.get(&args).await,
        Command::MultiGet(args) => context.multi_get(args).await,
        Command::MultiGetRange(args) => context.multi_get_range(&args).await,
        Command::MultiGetSortkeys(args) => context.multi_get_sortkeys(&args).await,
        Command::Del(args) => context.del(&args).await,
        Command::MultiDel(args) => context.multi_del(args).await,
        Command::MultiDelRange(args) => context.multi_del_range(&args).await,
        Command::Incr(args) => context.incr(&args).await,
        Command::CheckAndSet(args) => context.check_and_set(args).await,
        Command::CheckAndMutate(args) => context.check_and_mutate(args, lines).await,
        Command::Exist(args) => context.exist(&args).await,
        Command::Count(args) => context.count(&args).await,
        Command::Ttl(args) => context.ttl(&args).await,
        Command::HashScan(args) => context.hash_scan(&args).await,
        Command::FullScan(args) => context.full_scan(&args).await,
        Command::GetMetaLevel => context.get_meta_level().await,
        Command::SetMetaLevel { level } => context.set_meta_level(level).await,
        Command::Propose(args) => context.propose(&args).await,
        Command::DddDiagnose(args) => context.ddd_diagnose(&args).await,
    }?;
    Ok(Flow::Continue)
}
