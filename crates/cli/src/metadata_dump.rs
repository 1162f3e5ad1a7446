//! `pegasus meta dump|restore`: the metadata as a file.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use pegasus_common::config::load;
use pegasus_meta::config::MetaServerConfig;
use pegasus_meta::dump::Dump;
use pegasus_meta::dump_file;
use pegasus_meta::restore::restore;

use crate::cluster_options::ClusterOptions;
use crate::error::{CliError, with_causes};
use crate::terminal::say;

/// Where the metadata comes from and goes to.
#[derive(Debug, Args)]
pub struct DumpCommand {
    #[command(flatten)]
    cluster: ClusterOptions,
    /// The file; without it the dump is printed
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Which server gets which metadata.
#[derive(Debug, Args)]
pub struct RestoreCommand {
    /// The configuration file of the meta server, which must not run and have no store yet
    #[arg(long)]
    config: PathBuf,
    /// The dump
    dump: PathBuf,
}

impl DumpCommand {
    /// Asks the leader for a dump, checks it, and writes it: a file is there as a whole or not at all.
    pub async fn run(self) -> Result<(), CliError> {
        let failed = |error: &dyn std::error::Error| CliError::failed(with_causes(error));
        let cluster = self.cluster.connect().await;
        let cluster = cluster.map_err(|error| failed(&error))?;
        let text = cluster.admin().dump_metadata().await;
        let text = text.map_err(|error| failed(&error))?;
        let dump = Dump::parse(&text).map_err(|error| failed(&error))?;
        let Some(path) = &self.out else {
            say(&text);
            return Ok(());
        };
        dump_file::write(path, &text).map_err(|error| CliError::io(path, error))?;
        let (path, tables) = (path.display(), dump.table_count());
        say(&format!(
            "{path}: {tables} tables of cluster '{}'",
            dump.cluster_name
        ));
        Ok(())
    }
}

impl RestoreCommand {
    /// Makes the store of a meta server from a dump.
    pub async fn run(self) -> Result<(), CliError> {
        let failed = |error: &dyn std::error::Error| CliError::failed(with_causes(error));
        let config: MetaServerConfig = load(&self.config).map_err(|error| failed(&error))?;
        let text = fs::read_to_string(&self.dump);
        let text = text.map_err(|error| CliError::io(&self.dump, error))?;
        let dump = Dump::parse(&text).map_err(|error| {
            CliError::failed(format!("{}: {}", self.dump.display(), with_causes(&error)))
        })?;
        let directory = restore(&config, &dump)
            .await
            .map_err(|error| failed(&error))?;
        say(&format!(
            "{}: {} tables; start this meta server, then the others with empty directories, and \
             'pegasus meta add' each",
            directory.display(),
            dump.table_count()
        ));
        Ok(())
    }
}
