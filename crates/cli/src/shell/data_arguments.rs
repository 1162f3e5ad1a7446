//! Arguments of the commands on single records and on records of one hash key.

use bytes::Bytes;
use clap::Args;
use pegasus_client::CheckKind;

use super::key_arguments::{RangeArgs, RecordArgs, SortKeyFilterArgs, bytes};

/// Arguments of `set`.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// The record
    #[command(flatten)]
    pub record: RecordArgs,
    /// Its value
    #[arg(value_parser = bytes(), allow_hyphen_values = true)]
    pub value: Bytes,
    /// Its time to live
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub ttl_in_seconds: Option<u32>,
}

/// Arguments of `multi_set`.
#[derive(Debug, Args)]
pub struct MultiSetArgs {
    /// Which hash key
    #[arg(value_parser = bytes(), allow_hyphen_values = true)]
    pub hash_key: Bytes,
    /// Sort keys and values in turn
    #[arg(value_parser = bytes(), required = true, num_args = 2.., allow_hyphen_values = true,
          value_name = "SORT_KEY VALUE")]
    pub sort_keys_and_values: Vec<Bytes>,
}

/// Arguments of `multi_get`.
#[derive(Debug, Args)]
pub struct SortKeysArgs {
    /// Which hash key
    #[arg(value_parser = bytes(), allow_hyphen_values = true)]
    pub hash_key: Bytes,
    /// Which sort keys; all without any
    #[arg(value_parser = bytes(), allow_hyphen_values = true)]
    pub sort_keys: Vec<Bytes>,
}

/// Arguments of `multi_del`.
#[derive(Debug, Args)]
pub struct MultiDelArgs {
    /// Which hash key
    #[arg(value_parser = bytes(), allow_hyphen_values = true)]
    pub hash_key: Bytes,
    /// Which sort keys
    #[arg(value_parser = bytes(), required = true, allow_hyphen_values = true)]
    pub sort_keys: Vec<Bytes>,
}

/// Arguments of `multi_get_range`.
#[derive(Debug, Args)]
pub struct MultiGetRangeArgs {
    /// The range
    #[command(flatten)]
    pub range: RangeArgs,
    /// Which of its sort keys
    #[command(flatten)]
    pub filter: SortKeyFilterArgs,
    /// Most records; the server has a limit of its own
    #[arg(short = 'n', long = "max_count", default_value_t = 0)]
    pub max_count: u32,
    /// Without values
    #[arg(short = 'i', long = "no_value")]
    pub no_value: bool,
    /// The last records instead of the first
    #[arg(short, long)]
    pub reverse: bool,
}

/// Arguments of `multi_del_range`.
#[derive(Debug, Args)]
pub struct MultiDelRangeArgs {
    /// The range
    #[command(flatten)]
    pub range: RangeArgs,
    /// Which of its sort keys
    #[command(flatten)]
    pub filter: SortKeyFilterArgs,
}

/// Arguments of `incr`.
#[derive(Debug, Args)]
pub struct IncrArgs {
    /// The record
    #[command(flatten)]
    pub record: RecordArgs,
    /// What to add
    #[arg(default_value_t = 1, allow_negative_numbers = true)]
    pub increment: i64,
}

/// The check of a conditional write.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Which hash key
    #[arg(value_parser = bytes(), allow_hyphen_values = true)]
    pub hash_key: Bytes,
    /// Which of its records is checked
    #[arg(short, long = "check_sort_key", value_parser = bytes(), required = true, allow_hyphen_values = true)]
    pub check_sort_key: Option<Bytes>,
    /// What is checked
    #[arg(short = 't', long = "check_type", value_enum, required = true)]
    pub check_type: Option<CheckType>,
    /// What the value is compared with
    #[arg(short = 'o', long = "check_operand", value_parser = bytes(), allow_hyphen_values = true)]
    pub check_operand: Option<Bytes>,
    /// Show the value that was checked
    #[arg(short, long = "return_check_value")]
    pub return_check_value: bool,
}

/// Arguments of `check_and_set`.
#[derive(Debug, Args)]
pub struct CheckAndSetArgs {
    /// The check
    #[command(flatten)]
    pub check: CheckArgs,
    /// Which record is written
    #[arg(short = 's', long = "set_sort_key", value_parser = bytes(), required = true, allow_hyphen_values = true)]
    pub set_sort_key: Option<Bytes>,
    /// Its value
    #[arg(short = 'v', long = "set_value", value_parser = bytes(), required = true, allow_hyphen_values = true)]
    pub set_value: Option<Bytes>,
    /// Its time to live
    #[arg(short = 'l', long = "set_value_ttl_seconds", default_value_t = 0)]
    pub set_value_ttl_seconds: u32,
}

/// Arguments of `check_and_mutate`.
#[derive(Debug, Args)]
pub struct CheckAndMutateArgs {
    /// The check
    #[command(flatten)]
    pub check: CheckArgs,
    /// A write, `set <sort_key> <value> [ttl]` or `del <sort_key>`; may be given several times.
    /// Without any, they are read line by line up to `ok` (or `abort`)
    #[arg(short, long, value_parser = bytes(), allow_hyphen_values = true)]
    pub mutation: Vec<Bytes>,
}

/// The checks, under upstream's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are those of CheckKind")]
pub enum CheckType {
    NotExist,
    NotExistOrEmpty,
    Exist,
    NotEmpty,
    MatchAnywhere,
    MatchPrefix,
    MatchPostfix,
    BytesLess,
    BytesLessOrEqual,
    BytesEqual,
    BytesGreaterOrEqual,
    BytesGreater,
    IntLess,
    IntLessOrEqual,
    IntEqual,
    IntGreaterOrEqual,
    IntGreater,
}

impl From<CheckType> for CheckKind {
    fn from(kind: CheckType) -> Self {
        match kind {
            CheckType::NotExist => Self::NotExist,
            CheckType::NotExistOrEmpty => Self::NotExistOrEmpty,
            CheckType::Exist => Self::Exist,
            CheckType::NotEmpty => Self::NotEmpty,
            CheckType::MatchAnywhere => Self::MatchAnywhere,
            CheckType::MatchPrefix => Self::MatchPrefix,
            CheckType::MatchPostfix => Self::MatchPostfix,
            CheckType::BytesLess => Self::BytesLess,
            CheckType::BytesLessOrEqual => Self::BytesLessOrEqual,
            CheckType::BytesEqual => Self::BytesEqual,
            CheckType::BytesGreaterOrEqual => Self::BytesGreaterOrEqual,
            CheckType::BytesGreater => Self::BytesGreater,
            CheckType::IntLess => Self::IntLess,
            CheckType::IntLessOrEqual => Self::IntLessOrEqual,
            CheckType::IntEqual => Self::IntEqual,
            CheckType::IntGreaterOrEqual => Self::IntGreaterOrEqual,
            CheckType::IntGreater => Self::IntGreater,
        }
    }
}
