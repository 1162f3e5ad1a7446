//! `pegasus`: the one binary. Servers, the local cluster, the shell, the load generator.

mod bench;
mod chaos;
mod cluster_options;
mod error;
mod meta_members;
mod metadata_dump;
mod metadata_recovery;
mod onebox;
mod open_files;
mod servers;
mod shell;
mod signals;
mod terminal;

use std::future::Future;
use std::process::ExitCode;

use clap::Parser;
use clap::Subcommand;

use crate::error::CliError;

/// The same allocator for Rust and RocksDB.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A distributed, strongly consistent key-value store.
#[derive(Debug, Parser)]
#[command(name = "pegasus", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a meta server, or change those of a cluster and save what they keep.
    Meta(servers::MetaCommand),
    /// Run a replica server.
    Replica(servers::ServerCommand),
    /// Run a local cluster of real processes.
    Onebox(onebox::OneboxCommand),
    /// Read, write and administer a cluster by hand.
    Shell(shell::ShellCommand),
    /// Put load on a cluster and measure it.
    Bench(bench::BenchCommand),
    /// Put a cluster of real processes under load and faults, and check what its clients saw.
    Chaos(chaos::ChaosCommand),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Meta(servers::MetaCommand {
            members: Some(members),
            ..
        }) => block_on(members.run()),
        Command::Meta(command) => servers::run_meta(&command),
        Command::Replica(command) => servers::run_replica(&command),
        Command::Onebox(command) => command.run(),
        Command::Shell(command) => block_on(command.run()),
        Command::Bench(command) => block_on(command.run()),
        Command::Chaos(command) => command.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::complain(&format!("pegasus: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn block_on<E: std::error::Error>(
    command: impl Future<Output = Result<(), E>>,
) -> Result<(), CliError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::failed(format!("cannot start an event loop: {error}")))?
        .block_on(command)
        .map_err(|error| CliError::failed(error::with_causes(&error)))
}
