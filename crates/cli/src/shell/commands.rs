//! Every command of the shell and its arguments: names and options as the original shell has them
//! (tools-and-apis.md section 2).

use clap::{Args, Parser, Subcommand};

use super::curing_arguments::{DddDiagnoseArgs, Level, ProposeArgs};
use super::data_arguments::{
    CheckAndMutateArgs, CheckAndSetArgs, IncrArgs, MultiDelArgs, MultiDelRangeArgs,
    MultiGetRangeArgs, MultiSetArgs, SetArgs, SortKeysArgs,
};
use super::key_arguments::{HashKeyArgs, RecordArgs};
use super::scan_arguments::{FullScanArgs, HashScanArgs};
use super::table_change_arguments::{
    ClearEnvsArgs, DelEnvsArgs, RecallArgs, RenameArgs, SetEnvsArgs, SetReplicaCountArgs,
};

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
    /// Put a dropped table back into service and wait until it can be used
    Recall(RecallArgs),
    /// Give a table another name
    Rename(RenameArgs),
    /// List the environments of the table in use
    GetAppEnvs,
    /// Set environments of the table in use
    SetAppEnvs(SetEnvsArgs),
    /// Remove environments of the table in use
    DelAppEnvs(DelEnvsArgs),
    /// Remove all or a family of the environments of the table in use
    ClearAppEnvs(ClearEnvsArgs),
    /// Show how many replicas each partition of a table shall have
    GetReplicaCount {
        /// The table
        app_name: String,
    },
    /// Set how many replicas each partition of a table shall have
    SetReplicaCount(SetReplicaCountArgs),
    /// Show whether the atomic operations of a table are marked as idempotent
    GetAtomicIdempotent {
        /// The table
        app_name: String,
    },
    /// Mark the atomic operations of a table as idempotent
    EnableAtomicIdempotent {
        /// The table
        app_name: String,
    },
    /// Mark the atomic operations of a table as not idempotent
    DisableAtomicIdempotent {
        /// The table
        app_name: String,
    },
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
    /// Show how much the meta servers change by themselves
    GetMetaLevel,
    /// Set how much the meta servers change by themselves
    SetMetaLevel {
        /// How much
        #[arg(value_enum)]
        level: Level,
    },
    /// Ask for a change of a partition's members
    Propose(ProposeArgs),
    /// Show the partitions that have lost all members, and what can be done
    DddDiagnose(DddDiagnoseArgs),
    /// Leave the shell
    #[command(alias = "quit")]
    Exit,
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

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;

    use pegasus_client::{Bound, Filter};

    use super::*;
    use crate::shell::data_arguments::CheckType;
    use crate::shell::key_arguments::Match;
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
        assert_eq!(
            (args.max_count, args.no_value, args.reverse),
            (3, true, true)
        );
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
    fn environments_are_given_in_pairs_and_cleared_one_way() {
        let Command::SetAppEnvs(args) = parse("set_app_envs default_ttl 10 a.b -1").unwrap() else {
            panic!("not a set_app_envs");
        };
        assert_eq!(args.pairs, ["default_ttl", "10", "a.b", "-1"]);
        assert!(parse("set_app_envs default_ttl").is_err());
        assert!(parse("clear_app_envs").is_err());
        assert!(parse("clear_app_envs -a -p x").is_err());
        let Command::ClearAppEnvs(args) = parse("clear_app_envs -p replica").unwrap() else {
            panic!("not a clear_app_envs");
        };
        assert_eq!((args.all, args.prefix.as_deref()), (false, Some("replica")));
        assert!(parse("set_replica_count temp 0").is_err());
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
        let Command::FullScan(args) =
            parse("full_scan -h prefix -x u -n 10 -v exact -z v").unwrap()
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
