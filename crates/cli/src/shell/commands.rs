//! Every command of the shell and its arguments: names and options as the original shell has them
//! (tools-and-apis.md section 2).

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::time::Duration;

use bytes::Bytes;
use clap::builder::{OsStringValueParser, TypedValueParser, ValueParser};
use clap::{Args, Parser, Subcommand};
use pegasus_client::{Bound, CheckKind, Filter};

/// One line of input.
#[derive(Debug, Parser)]
#[command(
    name = "",
    no_binary_name = true,
    disable_help_flag = true,
    disable_help_subcommand = true,
    disable_version_flag = true,
    override_usage = "<command> [arguments]; 'help <command>' shows the arguments",
    help_template = "{subcommands}"
)]
pub struct Line {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
#[command(rename_all = "snake_case", disable_help_flag = true)]
pub enum Command {
    /// Show all commands, or the arguments of one
    Help {
        /// The command
        command: Option<String>,
    },
    /// Show the version of this program
    Version,
    /// Show facts about the cluster
    ClusterInfo,
    /// List the replica servers
    Nodes(NodesArgs),
    /// List the tables
    Ls(LsArgs),
    /// Show the partitions of a table
    App(AppArgs),
    /// Create a table and wait until it can be used
    Create(CreateArgs),
    /// Drop a table
    Drop(DropArgs),
    /// Show or choose the table that data commands work on
    Use {
        /// The table
        app_name: Option<String>,
    },
    /// Show or set whether every byte of keys and values is printed as \xHH
    EscapeAll {
        /// true or false
        #[arg(action = clap::ArgAction::Set)]
        choice: Option<bool>,
    },
    /// Show or set the deadline of each operation, in milliseconds
    Timeout {
        /// Above zero
        #[arg(value_parser = clap::value_parser!(u64).range(1..))]
        time_in_ms: Option<u64>,
    },
    /// Show where a key lives
    Hash(RecordArgs),
    /// Write a record
    Set(SetArgs),
    /// Write several records of one hash key at once
    MultiSet(MultiSetArgs),
    /// Read a record
    Get(RecordArgs),
    /// Read records of one hash key by their sort keys, or all of them
    MultiGet(SortKeysArgs),
    /// Read a range of records of one hash key
    MultiGetRange(MultiGetRangeArgs),
    /// List the sort keys of one hash key
    MultiGetSortkeys(HashKeyArgs),
    /// Delete a record
    Del(RecordArgs),
    /// Delete several records of one hash key at once
    MultiDel(MultiDelArgs),
    /// Delete a range of records of one hash key
    MultiDelRange(MultiDelRangeArgs),
    /// Add to the integer in a record
    Incr(IncrArgs),
    /// Write a record if another passes a check
    CheckAndSet(CheckAndSetArgs),
    /// Do several writes if a record passes a check
    CheckAndMutate(CheckAndMutateArgs),
    /// Show whether a record exists
    Exist(RecordArgs),
    /// Count the records of a hash key
    Count(HashKeyArgs),
    /// Show how long a record has still to live
    Ttl(RecordArgs),
    /// List records of one hash key
    HashScan(HashScanArgs),
    /// List records of all hash keys
    FullScan(FullScanArgs),
    /// Leave the shell
    #[command(alias = "quit")]
    Exit,
}

/// Keys, values and patterns are bytes, whatever they are on screen.
fn bytes() -> ValueParser {
    let parser = OsStringValueParser::new();
    ValueParser::new(parser.map(|text: OsString| Bytes::from(text.into_vec())))
}

/// A hash key.
#[derive(Debug, Args)]
pub struct HashKeyArgs {
    /// Which hash key
    #[arg(value_parser = bytes(), allow_hyphen_values = true)]
    pub hash_key: Bytes,
}

/// The two keys of a record.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// Its hash key
    #[arg(value_parser = bytes(), allow_hyphen_values = true)]
    pub hash_key: Bytes,
    /// Its sort key; "" is the empty one
    #[arg(value_parser = bytes(), allow_hyphen_values = true)]
    pub sort_key: Bytes,
}

/// Arguments of `nodes`.
#[derive(Debug, Args)]
pub struct NodesArgs {
    /// Count the replicas of each
    #[arg(short, long)]
    pub detailed: bool,
    /// Which ones
    #[arg(short, long, value_enum, default_value_t)]
    pub status: NodeFilter,
}

/// Which replica servers to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum NodeFilter {
    /// Every one.
    #[default]
    All,
    /// Those that live.
    Alive,
    /// Those that do not.
    Unalive,
}

/// Arguments of `ls`.
#[derive(Debug, Args)]
pub struct LsArgs {
    /// Also tables that are not available
    #[arg(short, long)]
    pub all: bool,
    /// Also show how healthy they are
    #[arg(short, long)]
    pub detailed: bool,
    /// Tables with this status alone
    #[arg(short, long, value_enum)]
    pub status: Option<AppFilter>,
    /// Tables with such a name alone
    #[arg(short = 'p', long = "app_name_pattern")]
    pub app_name_pattern: Option<String>,
    /// How the pattern is meant
    #[arg(short, long = "match_type", value_enum, default_value_t)]
    pub match_type: NameMatch,
}

/// Which tables to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum AppFilter {
    /// Every one.
    All,
    /// Those in use.
    Available,
    /// Those being created.
    Creating,
    /// Those being dropped.
    Dropping,
    /// Those dropped and kept for a while.
    Dropped,
}

/// How a name pattern is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum NameMatch {
    /// Every name.
    All,
    /// The whole name.
    #[default]
    Exact,
    /// A part of the name.
    Anywhere,
    /// The name's beginning.
    Prefix,
    /// The name's end.
    Postfix,
}

/// Arguments of `app`.
#[derive(Debug, Args)]
pub struct AppArgs {
    /// The table
    pub app_name: String,
    /// Also show each partition's members
    #[arg(short, long)]
    pub detailed: bool,
}

/// Arguments of `create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// The new table
    pub app_name: String,
    /// How many partitions; a power of two
    #[arg(short, long = "partition_count", default_value_t = 4)]
    pub partition_count: i32,
    /// How many replicas of each partition
    #[arg(short, long = "replica_count", default_value_t = 3)]
    pub replica_count: i32,
    /// Refuse if the table exists
    #[arg(short, long = "fail_if_exist")]
    pub fail_if_exist: bool,
    /// Log atomic writes as their effects
    #[arg(short = 'i', long = "atomic_idempotent")]
    pub atomic_idempotent: bool,
    /// Settings of the table: k1=v1,k2=v2
    #[arg(short, long, value_delimiter = ',', value_parser = env)]
    pub envs: Vec<(String, String)>,
}

fn env(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected key=value")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

/// Arguments of `drop`.
#[derive(Debug, Args)]
pub struct DropArgs {
    /// The table
    pub app_name: String,
    /// How long the data is kept; 0 leaves it to the server
    #[arg(short, long = "reserve_seconds", default_value_t = 0)]
    pub reserve_seconds: u32,
}

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

/// A range of sort keys.
#[derive(Debug, Args)]
pub struct RangeArgs {
    /// Which hash key
    #[arg(value_parser = bytes())]
    pub hash_key: Bytes,
    /// First sort key; "" is the first of all
    #[arg(value_parser = bytes())]
    pub start_sort_key: Bytes,
    /// Last sort key; "" is the end of the hash key
    #[arg(value_parser = bytes())]
    pub stop_sort_key: Bytes,
    /// Whether the first sort key belongs to the range
    #[arg(short = 'a', long = "start_inclusive", default_value_t = true, action = clap::ArgAction::Set)]
    pub start_inclusive: bool,
    /// Whether the last sort key belongs to the range
    #[arg(short = 'b', long = "stop_inclusive", default_value_t = false, action = clap::ArgAction::Set)]
    pub stop_inclusive: bool,
}

impl RangeArgs {
    /// How the range begins and ends.
    #[must_use]
    pub fn bounds(&self) -> (Bound, Bound) {
        let bound = |inclusive| if inclusive { Bound::Inclusive } else { Bound::Exclusive };
        (bound(self.start_inclusive), bound(self.stop_inclusive))
    }
}

/// How a pattern is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Match {
    /// Contains the pattern.
    Anywhere,
    /// Begins with the pattern.
    Prefix,
    /// Ends with the pattern.
    Postfix,
    /// Equals the pattern.
    Exact,
}

impl Match {
    /// Whether `text` matches.
    #[must_use]
    pub fn accepts(self, pattern: &[u8], text: &[u8]) -> bool {
        match self {
            Self::Anywhere => {
                pattern.is_empty() || text.windows(pattern.len()).any(|part| part == pattern)
            }
            Self::Prefix => text.starts_with(pattern),
            Self::Postfix => text.ends_with(pattern),
            Self::Exact => text == pattern,
        }
    }

    /// The filter that the server applies. It has no exact match; the prefix comes closest, and the
    /// rest is done here.
    #[must_use]
    pub fn server_filter(self, pattern: Bytes) -> Filter {
        match self {
            Self::Anywhere => Filter::anywhere(pattern),
            Self::Prefix | Self::Exact => Filter::prefix(pattern),
            Self::Postfix => Filter::postfix(pattern),
        }
    }
}

/// A filter of sort keys.
#[derive(Debug, Args)]
pub struct SortKeyFilterArgs {
    /// How the sort key pattern is meant
    #[arg(short = 's', long = "sort_key_filter_type", value_enum, requires = "sort_key_filter_pattern")]
    pub sort_key_filter_type: Option<Match>,
    /// Sort keys that match alone
    #[arg(short = 'y', long = "sort_key_filter_pattern", value_parser = bytes(), requires = "sort_key_filter_type")]
    pub sort_key_filter_pattern: Option<Bytes>,
}

impl SortKeyFilterArgs {
    /// What the server is asked.
    #[must_use]
    pub fn server_filter(&self) -> Filter {
        match (self.sort_key_filter_type, &self.sort_key_filter_pattern) {
            (Some(kind), Some(pattern)) => kind.server_filter(pattern.clone()),
            _ => Filter::default(),
        }
    }

    /// What is left to check here.
    #[must_use]
    pub fn accepts(&self, sort_key: &[u8]) -> bool {
        match (self.sort_key_filter_type, &self.sort_key_filter_pattern) {
            (Some(Match::Exact), Some(pattern)) => sort_key == pattern,
            _ => true,
        }
    }
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

/// What scans have in common.
#[derive(Debug, Args)]
pub struct ScanArgs {
    /// Which sort keys
    #[command(flatten)]
    pub filter: SortKeyFilterArgs,
    /// How the value pattern is meant
    #[arg(short = 'v', long = "value_filter_type", value_enum, requires = "value_filter_pattern",
          conflicts_with = "no_value")]
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
    #[arg(short = 'h', long = "hash_key_filter_type", value_enum, requires = "hash_key_filter_pattern")]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::tokens::split;

    fn parse(line: &str) -> Result<Command, clap::Error> {
        let tokens = split(line).unwrap();
        let words = tokens.into_iter().map(OsString::from_vec);
        Line::try_parse_from(words).map(|line| line.command)
    }

    #[test]
    fn the_argument_tables_are_consistent() {
        use clap::CommandFactory as _;
        Line::command().debug_assert();
    }

    #[test]
    fn keys_and_values_may_be_any_bytes() {
        let Command::Set(args) = parse(r#"set "\x00\xff" "" "-v" 10"#).unwrap() else {
            panic!("not a set");
        };
        assert_eq!(args.record.hash_key, b"\x00\xff"[..]);
        assert_eq!(args.record.sort_key, b""[..]);
        assert_eq!(args.value, b"-v"[..]);
        assert_eq!(args.ttl_in_seconds, Some(10));
        assert!(parse("set a b c 0").is_err());
    }

    #[test]
    fn options_have_upstreams_names_and_defaults() {
        let line = "multi_get_range h a z -a false --stop_inclusive true -s prefix -y p -n 3 -i -r";
        let Command::MultiGetRange(args) = parse(line).unwrap() else {
            panic!("not a multi_get_range");
        };
        assert_eq!(args.range.bounds(), (Bound::Exclusive, Bound::Inclusive));
        assert_eq!((args.max_count, args.no_value, args.reverse), (3, true, true));
        assert_eq!(args.filter.server_filter(), Filter::prefix("p"));
        let Command::HashScan(args) = parse("hash_scan h a z").unwrap() else {
            panic!("not a hash_scan");
        };
        assert_eq!(args.range.bounds(), (Bound::Inclusive, Bound::Exclusive));
        assert_eq!(args.scan.max_count, -1);
        let Command::Create(args) = parse("create t -p 8 -e a=1,b=2").unwrap() else {
            panic!("not a create");
        };
        assert_eq!((args.partition_count, args.replica_count), (8, 3));
        assert_eq!(args.envs[1], ("b".to_owned(), "2".to_owned()));
    }

    #[test]
    fn negative_increments_are_numbers() {
        let Command::Incr(args) = parse("incr h s -5").unwrap() else {
            panic!("not an incr");
        };
        assert_eq!(args.increment, -5);
    }

    #[test]
    fn check_types_have_upstreams_names() {
        let line = "check_and_set h -c s1 -t int_less_or_equal -o 5 -s s2 -v v";
        let Command::CheckAndSet(args) = parse(line).unwrap() else {
            panic!("not a check_and_set");
        };
        assert_eq!(args.check.check_type, Some(CheckType::IntLessOrEqual));
        assert!(parse("check_and_set h -c s1 -t equal -o v1 -s s3 -v v3 -r").is_err());
    }

    #[test]
    fn full_scan_keeps_upstreams_short_option_h() {
        let Command::FullScan(args) = parse("full_scan -h prefix -x u -n 10 -v exact -z v").unwrap()
        else {
            panic!("not a full_scan");
        };
        assert_eq!(args.hash_key_filter_type, Some(Match::Prefix));
        assert!(args.scan.accepts(b"", b"v") && !args.scan.accepts(b"", b"vv"));
        assert!(parse("full_scan -i -v exact -z v").is_err());
    }

    #[test]
    fn matches_agree_with_their_names() {
        for (kind, yes, no) in [
            (Match::Anywhere, "xaby", "xay"),
            (Match::Prefix, "abx", "xab"),
            (Match::Postfix, "xab", "abx"),
            (Match::Exact, "ab", "abx"),
        ] {
            assert!(kind.accepts(b"ab", yes.as_bytes()), "{kind:?}");
            assert!(!kind.accepts(b"ab", no.as_bytes()), "{kind:?}");
        }
        assert!(Match::Anywhere.accepts(b"", b""));
    }
}
