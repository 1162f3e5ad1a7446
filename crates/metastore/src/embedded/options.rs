//! [`GroupOptions`]: the times of a group.

use std::time::Duration;

use openraft::{Config, SnapshotPolicy};

/// How long one message of a snapshot may take.
const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(10);

/// The times of a group.
#[derive(Clone, Copy, Debug)]
pub struct GroupOptions {
    /// How often the leader speaks to the others, in milliseconds.
    pub heartbeat_ms: u64,
    /// For so long a member keeps to a leader that it has heard, in milliseconds. A disk that takes
    /// longer than that to make a vote durable elects nobody.
    pub silence_max_ms: u64,
    /// Members stand for election at different times within so long, in milliseconds.
    pub spread_ms: u64,
    /// A snapshot is made after so many entries.
    pub snapshot_entries: u64,
}

impl Default for GroupOptions {
    fn default() -> Self {
        Self {
            heartbeat_ms: 60,
            silence_max_ms: 500,
            spread_ms: 150,
            snapshot_entries: 4096,
        }
    }
}

impl GroupOptions {
    /// The same for the consensus.
    pub(super) fn config(&self) -> Config {
        Config {
            cluster_name: "pegasus metadata".to_owned(),
            heartbeat_interval: self.heartbeat_ms,
            // For how long it keeps to a leader, and (the least) how long a vote may take. When to
            // stand is decided here (`campaign`).
            election_timeout_max: self.silence_max_ms,
            election_timeout_min: self.silence_max_ms.saturating_sub(1),
            enable_elect: false,
            install_snapshot_timeout: u64::try_from(SNAPSHOT_PATIENCE.as_millis())
                .unwrap_or(u64::MAX),
            snapshot_policy: SnapshotPolicy::LogsSinceLast(self.snapshot_entries),
            max_in_snapshot_log_to_keep: self.snapshot_entries / 4,
            // A member that comes back asks for votes as any other does.
            enable_leader_restore: Some(false),
            // A member whose disk has lost what it had acknowledged gets it again. Otherwise the
            // leader, which has it, would end.
            allow_log_reversion: Some(true),
            ..Config::default()
        }
    }
}
