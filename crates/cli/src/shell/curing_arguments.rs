//! Arguments of the commands for hard times.

use std::str::FromStr as _;

use clap::{Args, ValueEnum};
use pegasus_client::{ConfigType, MetaFunctionLevel};
use pegasus_common::{Gpid, RpcAddress};

/// How much the meta servers change by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// They refuse everything.
    Stopped,
    /// They do not watch replica servers.
    Blind,
    /// They change no membership.
    Freezed,
    /// They cure partitions and do not balance.
    Steady,
    /// They cure and balance.
    Lively,
}

impl Level {
    /// As the meta servers write it.
    pub fn wire(self) -> MetaFunctionLevel {
        match self {
            Self::Stopped => MetaFunctionLevel::FL_STOPPED,
            Self::Blind => MetaFunctionLevel::FL_BLIND,
            Self::Freezed => MetaFunctionLevel::FL_FREEZED,
            Self::Steady => MetaFunctionLevel::FL_STEADY,
            Self::Lively => MetaFunctionLevel::FL_LIVELY,
        }
    }
}

/// Arguments of `propose`.
#[derive(Debug, Args)]
pub struct ProposeArgs {
    /// At any function level
    #[arg(short, long)]
    pub force: bool,
    /// Which partition, for example 2.7
    #[arg(short, long)]
    pub gpid: Gpid,
    /// What shall change, for example ADD_SECONDARY or DOWNGRADE_TO_INACTIVE
    #[arg(short = 'p', long = "type", value_parser = config_type)]
    pub kind: ConfigType,
    /// The server that carries it out, mostly the primary
    #[arg(short, long)]
    pub target: RpcAddress,
    /// The server that it is about
    #[arg(short, long)]
    pub node: RpcAddress,
}

fn config_type(text: &str) -> Result<ConfigType, String> {
    let name = format!("CT_{}", text.to_ascii_uppercase());
    let found = ConfigType::from_name(&name).filter(|found| *found != ConfigType::CT_INVALID);
    found.ok_or_else(|| {
        let kinds = ConfigType::ALL
            .iter()
            .map(|(_, name)| name.trim_start_matches("CT_"));
        let kinds: Vec<&str> = kinds.filter(|name| *name != "INVALID").collect();
        format!("expected one of {}", kinds.join(", "))
    })
}

/// Arguments of `ddd_diagnose`.
#[derive(Debug, Args)]
pub struct DddDiagnoseArgs {
    /// A table's number, or a partition, for example 2.7; all tables if not given
    #[arg(short, long, value_parser = table_or_partition)]
    pub gpid: Option<Gpid>,
    /// Also show what is known of the former members
    #[arg(short, long)]
    pub diagnose: bool,
    /// Also make the recommended former member the primary
    #[arg(short, long)]
    pub auto_diagnose: bool,
}

/// Stands for all partitions of a table, or for all tables.
const EVERY: i32 = -1;

fn table_or_partition(text: &str) -> Result<Gpid, String> {
    match text.parse() {
        Ok(table) => Ok(Gpid::new(table, EVERY)),
        Err(_) => Gpid::from_str(text).map_err(|error| error.to_string()),
    }
}

impl DddDiagnoseArgs {
    /// What is asked for.
    pub fn selection(&self) -> Gpid {
        self.gpid.unwrap_or(Gpid::new(EVERY, EVERY))
    }
}
