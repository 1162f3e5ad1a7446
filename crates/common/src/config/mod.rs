//! Typed configuration in TOML, with upstream's section and key names.
//!
//! A crate declares its options once, with type, default, limits and description:
//!
//! ```
//! pegasus_common::config_section! {
//!     /// How replicas of a partition are kept alike.
//!     "replication" => ReplicationSection {
//!         /// How long a replica may serve after its last beacon was answered. Seconds.
//!         fd_lease_seconds: u64 = 9 => 1..=3_600,
//!         /// Whether an idle partition checks its members. May change while the server runs.
//!         group_check_disabled: bool = false; mutable,
//!     }
//! }
//! pegasus_common::config_file! {
//!     /// What a replica server is told at its start.
//!     ReplicaConfig {
//!         /// Section `[replication]`.
//!         replication: ReplicationSection,
//!     }
//! }
//!
//! let config: ReplicaConfig =
//!     pegasus_common::config::parse("[replication]\nfd_lease_seconds = 20", "replica.toml")?;
//! assert_eq!(config.replication.fd_lease_seconds, 20);
//!
//! let error = pegasus_common::config::parse::<ReplicaConfig>(
//!     "[replication]\nfd_lease_second = 20",
//!     "replica.toml",
//! );
//! assert!(error.unwrap_err().to_string().contains("did you mean 'fd_lease_seconds'?"));
//! # Ok::<(), pegasus_common::config::ConfigError>(())
//! ```
//!
//! From the declaration come the struct, the strict reader, the reference tables in
//! `docs/configuration.md` ([`reference_markdown`]), and what a running server answers and accepts
//! about its options ([`ConfigFile::values`], [`ConfigFile::change`]).

mod document;
mod file;
mod option;
mod problem;
mod reference;
mod running;
mod section;

pub use file::{ConfigFile, Detail, load, parse, to_toml};
pub use option::{Given, Mutability, OptionInfo, OptionValue, Refusal, describe_range};
pub use problem::{ChangeError, ConfigError, Problem, ProblemKind};
pub use reference::{reference_markdown, undocumented};
pub use running::RunningConfig;
pub use section::ConfigSection;

#[cfg(test)]
mod tests;
