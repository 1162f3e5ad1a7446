//! Arguments of the commands that change a table that exists.

use clap::Args;

/// Arguments of `recall`.
#[derive(Debug, Args)]
pub struct RecallArgs {
    /// The number of the dropped table; 'ls -s dropped' shows it
    pub app_id: i32,
    /// Its name from now on; its old one if left out
    pub new_app_name: Option<String>,
}

/// Arguments of `rename`.
#[derive(Debug, Args)]
pub struct RenameArgs {
    /// The table
    pub old_app_name: String,
    /// Its name from now on
    pub new_app_name: String,
}

/// Arguments of `set_app_envs`.
#[derive(Debug, Args)]
pub struct SetEnvsArgs {
    /// Keys, each followed by its value
    #[arg(required = true, num_args = 2.., value_names = ["KEY", "VALUE"], allow_hyphen_values = true)]
    pub pairs: Vec<String>,
}

/// Arguments of `del_app_envs`.
#[derive(Debug, Args)]
pub struct DelEnvsArgs {
    /// Keys
    #[arg(required = true)]
    pub keys: Vec<String>,
}

/// Arguments of `clear_app_envs`.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct ClearEnvsArgs {
    /// Every one
    #[arg(short, long)]
    pub all: bool,
    /// Those that begin with this and a dot
    #[arg(short, long)]
    pub prefix: Option<String>,
}

/// Arguments of `set_replica_count`.
#[derive(Debug, Args)]
pub struct SetReplicaCountArgs {
    /// The table
    pub app_name: String,
    /// How many replicas each partition shall have
    #[arg(value_parser = clap::value_parser!(i32).range(1..))]
    pub replica_count: i32,
}
