//! `pegasus meta` and `pegasus replica`: a server in the foreground, until it is told to end.

use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use pegasus_common::config::ConfigFile;
use pegasus_common::config::load;
use pegasus_common::logging::LoggerSection;
use pegasus_common::logging::Logging;
use pegasus_meta::config::MetaServerConfig;
use pegasus_replica::ReplicaServerConfig;
use tracing::error;
use tracing::info;

use crate::error::CliError;
use crate::error::with_causes;
use crate::meta_members::MembersCommand;
use crate::open_files;
use crate::signals::ended;

/// What a server is started with.
#[derive(Debug, Args)]
pub struct ServerCommand {
    /// Configuration file, TOML. docs/configuration.md has every key.
    #[arg(long)]
    config: PathBuf,
}

/// A meta server, or what is to be done with those of a cluster.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct MetaCommand {
    /// Configuration file, TOML. docs/configuration.md has every key.
    #[arg(long, required = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    pub members: Option<MembersCommand>,
}

/// Runs a meta server.
pub fn run_meta(command: &MetaCommand) -> Result<(), CliError> {
    let missing = || CliError::failed("--config FILE is missing");
    let config: MetaServerConfig = read(command.config.as_deref().ok_or_else(missing)?)?;
    let logging = start_logging(&config.core.log_directory, "meta", &config.logger)?;
    open_files::raise_limit(config.network.max_connections);
    finish(
        "meta",
        pegasus_meta::server::run(config, logging.level(), ended()),
    )
}

/// Runs a replica server.
pub fn run_replica(command: &ServerCommand) -> Result<(), CliError> {
    let config: ReplicaServerConfig = read(&command.config)?;
    let logging = start_logging(&config.core.log_directory, "replica", &config.logger)?;
    open_files::raise_limit(config.network.max_connections);
    finish(
        "replica",
        pegasus_replica::server::run(config, logging.level(), ended()),
    )
}

fn read<T: ConfigFile>(path: &Path) -> Result<T, CliError> {
    load(path).map_err(|error| CliError::failed(with_causes(&error)))
}

fn start_logging(
    directory: &str,
    role: &str,
    section: &LoggerSection,
) -> Result<Logging, CliError> {
    Logging::start(Path::new(directory), role, section)
        .map_err(|error| CliError::failed(with_causes(&error)))
}

fn finish<E: std::error::Error>(role: &str, result: Result<(), E>) -> Result<(), CliError> {
    match result {
        Ok(()) => {
            info!(role, "server ended");
            Ok(())
        }
        Err(failure) => {
            let text = with_causes(&failure);
            error!(role, error = text, "server failed");
            Err(CliError::failed(format!("{role} server: {text}")))
        }
    }
}
