//! `pegasus onebox`: a whole local cluster of real processes in one directory.

mod commands;
pub mod config_files;
pub mod layout;
pub mod process;
mod start;

use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;
use clap::ValueEnum;

use crate::error::CliError;
use crate::onebox::layout::DEFAULT_BASE_PORT;
use crate::onebox::layout::DurabilityChoice;
use crate::onebox::layout::NodeName;

/// Where the onebox lies if nothing else is said.
const DEFAULT_DIRECTORY: &str = "onebox";

/// Run a local cluster: meta servers and replica servers, each its own process.
#[derive(Debug, Args)]
pub struct OneboxCommand {
    /// Directory of the onebox: configuration, data, logs.
    #[arg(long, global = true, default_value = DEFAULT_DIRECTORY)]
    dir: PathBuf,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Start all processes and wait until table `temp` can be read and written.
    Start(StartOptions),
    /// Stop all processes; data stays.
    Stop,
    /// Show the processes.
    Status {
        /// Print a JSON array for programs.
        #[arg(long)]
        json: bool,
    },
    /// Stop all processes and remove the directory with all data.
    Clear,
    /// Send a signal to one process.
    Kill {
        /// For example replica@2.
        node: NodeName,
        /// Which signal.
        #[arg(long, value_enum, ignore_case = true, default_value = "KILL")]
        signal: SignalChoice,
    },
    /// Start one process that has ended.
    StartNode {
        /// For example replica@2.
        node: NodeName,
    },
}

/// Shape of a new onebox; an existing one keeps the shape that it has.
#[derive(Clone, Debug, Args)]
struct StartOptions {
    /// Meta servers of a new onebox: 1, 3 or 5.
    #[arg(long, default_value_t = 3)]
    metas: u16,
    /// Replica servers of a new onebox.
    #[arg(long, default_value_t = 3)]
    replicas: u16,
    /// Meta servers listen from this port plus 1, replica servers from this plus 201; 0 takes free
    /// ports.
    #[arg(long, default_value_t = DEFAULT_BASE_PORT)]
    base_port: u16,
    /// When a write is acknowledged: after it is on the disk, or with the operating system.
    #[arg(long, value_enum, default_value_t)]
    durability: DurabilityChoice,
    /// Shards of each replica server: threads that own replicas and connections.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    shards: u16,
    /// Data directories of each replica server.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    disks: u16,
}

/// What `kill` can send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPER")]
enum SignalChoice {
    /// End at once.
    Kill,
    /// Freeze.
    Stop,
    /// Go on after STOP.
    Cont,
    /// End cleanly.
    Term,
}

impl OneboxCommand {
    /// Carries the command out.
    pub fn run(&self) -> Result<(), CliError> {
        match &self.action {
            Action::Start(options) => start::start(&self.dir, options),
            Action::Stop => commands::stop(&self.dir),
            Action::Status { json } => commands::status(&self.dir, *json),
            Action::Clear => commands::clear(&self.dir),
            Action::Kill { node, signal } => commands::kill(&self.dir, *node, *signal),
            Action::StartNode { node } => commands::start_node(&self.dir, *node),
        }
    }
}
