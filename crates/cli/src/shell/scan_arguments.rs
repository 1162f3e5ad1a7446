//! Arguments of the scans.

use std::time::Duration;

use bytes::Bytes;
use clap::Args;

use super::key_arguments::{Match, RangeArgs, SortKeyFilterArgs, bytes};

/// What scans have in common.
#[derive(Debug, Args)]
pub struct ScanArgs {
    /// Which sort keys
    #[command(flatten)]
    pub filter: SortKeyFilterArgs,
    /// How the value pattern is meant
    #[arg(
        short = 'v',
        long = "value_filter_type",
        value_enum,
        requires = "value_filter_pattern",
        conflicts_with = "no_value"
    )]
    pub value_filter_type: Option<Match>,
    /// Records whose value matches alone; checked here, not by the servers
    #[arg(short = 'z', long = "value_filter_pattern", value_parser = bytes(), requires = "value_filter_type")]
    pub value_filter_pattern: Option<Bytes>,
    /// Write the records to a file
    #[arg(short, long)]
    pub output: Option<std::path::PathBuf>,
    /// Stop after so many records; -1 is never
    #[arg(short = 'n', long = "max_count", default_value_t = -1, allow_negative_numbers = true)]
    pub max_count: i64,
    /// Deadline of each round trip
    #[arg(short = 't', long = "timeout_ms", value_parser = milliseconds)]
    pub timeout_ms: Option<Duration>,
    /// Also show the partition of each record
    #[arg(short, long)]
    pub detailed: bool,
    /// Without values
    #[arg(short = 'i', long = "no_value")]
    pub no_value: bool,
}

impl ScanArgs {
    /// Whether a record is wanted, as far as the server does not check it.
    #[must_use]
    pub fn accepts(&self, sort_key: &[u8], value: &[u8]) -> bool {
        let value_matches = match (self.value_filter_type, &self.value_filter_pattern) {
            (Some(kind), Some(pattern)) => kind.accepts(pattern, value),
            _ => true,
        };
        value_matches && self.filter.accepts(sort_key)
    }
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(0) | Err(_) => Err("expected a number of milliseconds above zero".to_owned()),
        Ok(milliseconds) => Ok(Duration::from_millis(milliseconds)),
    }
}

/// Arguments of `hash_scan`.
#[derive(Debug, Args)]
pub struct HashScanArgs {
    /// The range
    #[command(flatten)]
    pub range: RangeArgs,
    /// What scans have in common
    #[command(flatten)]
    pub scan: ScanArgs,
}

/// Arguments of `full_scan`.
#[derive(Debug, Args)]
pub struct FullScanArgs {
    /// How the hash key pattern is meant
    #[arg(
        short = 'h',
        long = "hash_key_filter_type",
        value_enum,
        requires = "hash_key_filter_pattern"
    )]
    pub hash_key_filter_type: Option<Match>,
    /// Hash keys that match alone
    #[arg(short = 'x', long = "hash_key_filter_pattern", value_parser = bytes(), requires = "hash_key_filter_type")]
    pub hash_key_filter_pattern: Option<Bytes>,
    /// What scans have in common
    #[command(flatten)]
    pub scan: ScanArgs,
    /// One partition alone
    #[arg(short, long)]
    pub partition: Option<u32>,
}
