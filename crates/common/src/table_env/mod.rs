//! Table environments: the settings of a table that an administrator changes while it is in use
//! (meta-server.md section 14, storage.md section 11).
//!
//! This is the one place that knows which there are, what their values look like, and whether they
//! have an effect. The meta server checks values with [`check`] before it keeps them; replica servers
//! read them with [`TableEnv::read`]. docs/compatibility.md lists them; a test compares the two.

mod client_denial;
mod grammar;
mod throttling;

use std::collections::BTreeMap;
use std::str::FromStr;

pub use client_denial::{ClientDenial, DenialAnswer, DeniedRequests};
pub use grammar::{Allowed, Grammar};
pub use throttling::{ReadSizeLimit, Throttle, Throttling};

/// All keys and values of one table together, in bytes. They travel with each partition of the table
/// at every exchange of configurations, so they must stay small.
pub const ENVS_BYTES_MAX: usize = 16 << 10;

/// What follows from an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// The servers act on it.
    InForce,
    /// It tells people or tools something; no server ever acts on it.
    Informative,
    /// It is checked, kept and shown. What it asks for is not built yet.
    KeptOnly,
}

impl Effect {
    /// The word for it in the documentation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InForce => "in force",
            Self::Informative => "informative",
            Self::KeptOnly => "kept only",
        }
    }
}

macro_rules! table_envs {
    ($($(#[$doc:meta])* $env:ident = $key:literal: $grammar:expr, $effect:ident, $sample:literal;)*) => {
        /// An environment that administrators may set.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum TableEnv {
            $($(#[$doc])* $env,)*
        }

        impl TableEnv {
            /// Every one, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$env,)*];

            /// Its key in requests and in the catalogue.
            #[must_use]
            pub const fn key(self) -> &'static str {
                match self { $(Self::$env => $key,)* }
            }

            /// What its values look like.
            #[must_use]
            pub const fn grammar(self) -> Grammar {
                match self { $(Self::$env => $grammar,)* }
            }

            /// What follows from it.
            #[must_use]
            pub const fn effect(self) -> Effect {
                match self { $(Self::$env => Effect::$effect,)* }
            }

            /// A value that it may have.
            #[must_use]
            pub const fn sample(self) -> &'static str {
                match self { $(Self::$env => $sample,)* }
            }
        }
    };
}

table_envs! {
    /// Seconds that records live which are written without an end of life; 0 is for ever.
    DefaultTtl = "default_ttl": Grammar::Int32(Allowed::AtLeast(0)), InForce, "86400";
    /// Which requests of clients are turned away, and how.
    DenyClientRequest = "replica.deny_client_request": Grammar::ClientDenial, InForce, "timeout*all";
    /// Milliseconds after which a read is noted as slow.
    SlowQueryThreshold = "replica.slow_query_threshold":
        Grammar::Int64(Allowed::AtLeast(20)), InForce, "1000";
    /// Milliseconds that one range read may take; 0 is unlimited.
    IterationThresholdTime = "replica.rocksdb_iteration_threshold_time_ms":
        Grammar::Int64(Allowed::AtLeast(0)), InForce, "1000";
    /// Whether requests and records of other partitions are refused and dropped.
    ValidatePartitionHash = "replica.split.validate_partition_hash":
        Grammar::Boolean, InForce, "true";
    /// Whether reads use the block cache. Upstream never acts on it either.
    BlockCacheEnabled = "replica.rocksdb_block_cache_enabled": Grammar::Boolean, KeptOnly, "true";
    /// Writes per second.
    WriteThrottling = "replica.write_throttling":
        Grammar::Throttling, KeptOnly, "10000*delay*100,20000*reject*100";
    /// Bytes of writes per second.
    WriteThrottlingBySize = "replica.write_throttling_by_size":
        Grammar::Throttling, KeptOnly, "10000*delay*100,20000*reject*100";
    /// Reads per second.
    ReadThrottling = "replica.read_throttling":
        Grammar::Throttling, KeptOnly, "10000*delay*100,20000*reject*100";
    /// Bytes of answers to reads per second.
    ReadThrottlingBySize = "replica.read_throttling_by_size":
        Grammar::ReadSizeLimit, KeptOnly, "20000*delay*100,20000*reject*100";
    /// Backup reads per second.
    BackupRequestThrottling = "replica.backup_request_throttling":
        Grammar::Throttling, KeptOnly, "10000*delay*100,20000*reject*100";
    /// How the storage is tuned.
    UsageScenario = "rocksdb.usage_scenario":
        Grammar::Choice(&["normal", "prefer_write", "bulk_load"]), KeptOnly, "normal";
    /// Bytes of a memtable.
    WriteBufferSize = "rocksdb.write_buffer_size":
        Grammar::Int64(Allowed::Within(16 << 20, 512 << 20)), KeptOnly, "16777216";
    /// Levels of the storage; counts when the table is created.
    NumLevels = "rocksdb.num_levels": Grammar::Int64(Allowed::Within(1, 10)), KeptOnly, "6";
    /// Whether files may be ingested below existing data.
    AllowIngestBehind = "rocksdb.allow_ingest_behind": Grammar::Boolean, KeptOnly, "true";
    /// Checkpoints that are kept.
    CheckpointReserveMinCount = "rocksdb.checkpoint.reserve_min_count":
        Grammar::Int32(Allowed::AtLeast(1)), KeptOnly, "2";
    /// Seconds that checkpoints are kept.
    CheckpointReserveTime = "rocksdb.checkpoint.reserve_time_seconds":
        Grammar::Int32(Allowed::AtLeast(0)), KeptOnly, "3600";
    /// Rules of compactions, as JSON that replicas read.
    UserSpecifiedCompaction = "user_specified_compaction": Grammar::Text, KeptOnly, "{}";
    /// Whether manual compaction is switched off.
    ManualCompactDisabled = "manual_compact.disabled": Grammar::Boolean, KeptOnly, "true";
    /// Manual compactions of the table at a time on one server.
    ManualCompactRunningMax = "manual_compact.max_concurrent_running_count":
        Grammar::Int32(Allowed::AtLeast(0)), KeptOnly, "8";
    /// Unix time of a manual compaction.
    ManualCompactOnceTime = "manual_compact.once.trigger_time":
        Grammar::Int64(Allowed::AtLeast(0)), KeptOnly, "1700000000";
    /// The level that it compacts to.
    ManualCompactOnceLevel = "manual_compact.once.target_level":
        Grammar::Int64(Allowed::MinusOneOrAtLeast(1)), KeptOnly, "6";
    /// Whether it rewrites the lowest level.
    ManualCompactOnceBottommost = "manual_compact.once.bottommost_level_compaction":
        Grammar::Choice(&["force", "skip"]), KeptOnly, "skip";
    /// Times of the day of regular manual compactions.
    ManualCompactPeriodicTime = "manual_compact.periodic.trigger_time":
        Grammar::Text, KeptOnly, "3:00,21:00";
    /// The level that they compact to.
    ManualCompactPeriodicLevel = "manual_compact.periodic.target_level":
        Grammar::Int64(Allowed::MinusOneOrAtLeast(1)), KeptOnly, "6";
    /// Whether they rewrite the lowest level.
    ManualCompactPeriodicBottommost = "manual_compact.periodic.bottommost_level_compaction":
        Grammar::Choice(&["force", "skip"]), KeptOnly, "skip";
    /// Users who may read and write, separated by commas.
    AllowedUsers = "replica_access_controller.allowed_users": Grammar::Text, KeptOnly, "ada,grace";
    /// Policies of access that a Ranger service has given.
    RangerPolicies = "replica_access_controller.ranger_policies": Grammar::Text, KeptOnly, "{}";
    /// Whose data it is.
    BusinessInfo = "business.info": Grammar::Text, Informative, "owner=ada";
    /// The cluster that the table is a copy from.
    MasterCluster = "duplication.master_cluster": Grammar::Text, KeptOnly, "onebox";
    /// The meta servers of that cluster.
    MasterMetas = "duplication.master_metas": Grammar::Text, KeptOnly, "127.0.0.1:34601";
    /// The table there.
    MasterAppName = "duplication.master_app_name": Grammar::Text, KeptOnly, "temp";
    /// How far the copy is.
    FollowerAppStatus = "duplication.follower_app_status": Grammar::Text, KeptOnly, "created";
}

impl TableEnv {
    /// The environment of a key.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|env| env.key() == key)
    }

    /// Its value among the environments of a table. What cannot be read counts as not set: values
    /// that were kept before they were checked must not keep a replica from serving.
    #[must_use]
    pub fn read<T: FromStr>(self, envs: &BTreeMap<String, String>) -> Option<T> {
        envs.get(self.key())?.parse().ok()
    }

    /// Whether it is set to true; as upstream, in any case of letters.
    #[must_use]
    pub fn is_true(self, envs: &BTreeMap<String, String>) -> bool {
        let value = envs.get(self.key());
        value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

/// Why environments are not kept. The text is the hint for the administrator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEnv {
    /// There is no such environment.
    #[error("app_env '{key}' is not supported")]
    Unknown {
        /// The key.
        key: String,
    },
    /// The value is not one that it may have.
    #[error("invalid value '{value}' of app_env '{key}', should be {expected}")]
    Value {
        /// The key.
        key: &'static str,
        /// The value.
        value: String,
        /// What is allowed.
        expected: String,
    },
    /// All together are too large.
    #[error("the app_envs of a table may have {ENVS_BYTES_MAX} bytes together, these have {bytes}")]
    TooLarge {
        /// All keys and values.
        bytes: usize,
    },
}

/// Checks a pair that an administrator wants to set.
///
/// # Errors
/// The key is unknown, or the value not one that it may have.
pub fn check(key: &str, value: &str) -> Result<(), InvalidEnv> {
    let unknown = || InvalidEnv::Unknown {
        key: key.to_owned(),
    };
    let env = TableEnv::from_key(key).ok_or_else(unknown)?;
    let grammar = env.grammar();
    if grammar.allows(value) {
        return Ok(());
    }
    Err(InvalidEnv::Value {
        key: env.key(),
        value: value.to_owned(),
        expected: grammar.to_string(),
    })
}

/// Checks the environments that a table is created with. Unknown keys are taken, as upstream takes
/// them: tools of other versions create tables too.
///
/// # Errors
/// A known key has a value that it may not have, or they are too large.
pub fn check_at_creation(envs: &BTreeMap<String, String>) -> Result<(), InvalidEnv> {
    check_size(envs)?;
    envs.iter()
        .filter(|(key, _)| TableEnv::from_key(key).is_some())
        .try_for_each(|(key, value)| check(key, value))
}

/// Checks that the environments of a table are not too large.
///
/// # Errors
/// They are.
pub fn check_size(envs: &BTreeMap<String, String>) -> Result<(), InvalidEnv> {
    let bytes = envs
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if bytes > ENVS_BYTES_MAX {
        return Err(InvalidEnv::TooLarge { bytes });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_valid_and_every_key_is_found() {
        for &env in TableEnv::ALL {
            assert_eq!(TableEnv::from_key(env.key()), Some(env));
            assert_eq!(check(env.key(), env.sample()), Ok(()), "{env:?}");
        }
    }

    #[test]
    fn unknown_keys_are_refused_but_at_creation() {
        let hint = check("no.such.key", "1").unwrap_err().to_string();
        assert_eq!(hint, "app_env 'no.such.key' is not supported");
        let envs = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
        assert_eq!(check_at_creation(&envs("no.such.key", "1")), Ok(()));
        assert!(check_at_creation(&envs("default_ttl", "-1")).is_err());
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let long = "x".repeat(ENVS_BYTES_MAX - "business.info".len());
        let fits = BTreeMap::from([("business.info".to_owned(), long.clone())]);
        assert_eq!(check_size(&fits), Ok(()));
        let too_long = BTreeMap::from([("business.info".to_owned(), long + "x")]);
        let bytes = ENVS_BYTES_MAX + 1;
        assert_eq!(check_size(&too_long), Err(InvalidEnv::TooLarge { bytes }));
    }

    #[test]
    fn values_are_read_where_they_can_be() {
        let envs = |value: &str| BTreeMap::from([("default_ttl".to_owned(), value.to_owned())]);
        let read = |value| TableEnv::DefaultTtl.read::<u32>(&envs(value));
        assert_eq!(read("86400"), Some(86_400));
        assert_eq!(read("soon"), None);
        assert_eq!(TableEnv::DefaultTtl.read::<u32>(&BTreeMap::new()), None);
        let flag = |value: &str| {
            let key = TableEnv::ValidatePartitionHash.key().to_owned();
            TableEnv::ValidatePartitionHash.is_true(&BTreeMap::from([(key, value.to_owned())]))
        };
        assert!(flag("true") && flag("TRUE"));
        assert!(!flag("false") && !flag(""));
    }
}
