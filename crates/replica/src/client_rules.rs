//! What a table's environments ask of the requests of its clients, and of its storage.
//!
//! They come from the meta server with the table's description: at once when they change, at the
//! latest with the next config sync, and before a replica serves for the first time.

use std::time::Duration;

use pegasus_common::ErrorCode;
use pegasus_common::Gpid;
use pegasus_common::table_env::ClientDenial;
use pegasus_common::table_env::DenialAnswer;
use pegasus_common::table_env::TableEnv;
use pegasus_engine::PartitionShare;
use pegasus_engine::TableSettings;
use pegasus_wire::layer2::AppInfo;

/// The rules of one partition, for requests of clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientRules {
    /// Which requests are turned away.
    pub denial: Option<ClientDenial>,
    /// How long a read may take before it is noted, if the table says so.
    pub slow_query: Option<Duration>,
    /// Requests whose hash belongs elsewhere are refused.
    share: Option<HashShare>,
}

/// The partition hashes that belong to a partition: those with these last bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct HashShare {
    mask: u64,
    bits: u64,
}

/// What a client wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Only to look.
    Read,
    /// To change something.
    Write,
}

/// Why a request is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// It gets no answer at all.
    Silence,
    /// It gets this one.
    Error(ErrorCode),
}

impl From<ErrorCode> for Rejection {
    fn from(error: ErrorCode) -> Self {
        Self::Error(error)
    }
}

impl ClientRules {
    /// The rules that a table's environments make for one of its partitions.
    #[must_use]
    pub fn of(app: &AppInfo, gpid: Gpid) -> Self {
        let threshold_ms: Option<u64> = TableEnv::SlowQueryThreshold.read(&app.envs);
        Self {
            denial: TableEnv::DenyClientRequest.read(&app.envs),
            slow_query: threshold_ms.map(Duration::from_millis),
            share: partition_share(app, gpid).map(|share| HashShare {
                mask: u64::from(share.count) - 1,
                bits: u64::from(share.index),
            }),
        }
    }

    /// Whether a request is let in that carries this partition hash.
    ///
    /// # Errors
    /// What it gets instead.
    pub fn admit(&self, access: Access, partition_hash: u64) -> Result<(), Rejection> {
        let denied = self.denial.filter(|denial| match access {
            Access::Read => denial.requests.cover_reads(),
            Access::Write => denial.requests.cover_writes(),
        });
        match denied.map(|denial| denial.answer) {
            Some(DenialAnswer::Silence) => return Err(Rejection::Silence),
            Some(DenialAnswer::Reconfigure) => return Err(ErrorCode::InvalidState.into()),
            None => {}
        }
        match self.share {
            Some(share) if partition_hash & share.mask != share.bits => {
                Err(ErrorCode::ParentPartitionMisused.into())
            }
            _ => Ok(()),
        }
    }
}

/// What the storage of one partition has to know of its table.
#[must_use]
pub fn storage_settings(app: &AppInfo, gpid: Gpid) -> TableSettings {
    let time_ms: Option<u64> = TableEnv::IterationThresholdTime.read(&app.envs);
    TableSettings {
        default_ttl_s: TableEnv::DefaultTtl.read(&app.envs).unwrap_or_default(),
        iteration_time_max: time_ms.map(Duration::from_millis),
        partition: partition_share(app, gpid),
    }
}

/// Which keys belong to a partition, if its table asks for the check. Only a power of two divides
/// hashes by their last bits, and no table has another number of partitions.
fn partition_share(app: &AppInfo, gpid: Gpid) -> Option<PartitionShare> {
    let count = u32::try_from(app.partition_count).ok()?;
    let index = u32::try_from(gpid.partition_index.0).ok()?;
    let is_checked = TableEnv::ValidatePartitionHash.is_true(&app.envs) && count.is_power_of_two();
    is_checked.then_some(PartitionShare { index, count })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GPID: Gpid = Gpid::new(2, 5);

    fn table(envs: &[(&str, &str)]) -> AppInfo {
        let envs = envs.iter();
        AppInfo {
            app_id: 2,
            partition_count: 8,
            envs: envs
                .map(|&(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
            ..AppInfo::default()
        }
    }

    fn rules(key: &str, value: &str) -> ClientRules {
        ClientRules::of(&table(&[(key, value)]), GPID)
    }

    #[test]
    fn requests_are_denied_as_the_table_says() {
        let reconfigured = Err(Rejection::Error(ErrorCode::InvalidState));
        for (value, write, read) in [
            (
                "timeout*all",
                Err(Rejection::Silence),
                Err(Rejection::Silence),
            ),
            ("timeout*write", Err(Rejection::Silence), Ok(())),
            ("timeout*read", Ok(()), Err(Rejection::Silence)),
            ("reconfig*all", reconfigured, reconfigured),
            ("reconfig*write", reconfigured, Ok(())),
            ("reconfig*read", Ok(()), reconfigured),
            ("nonsense", Ok(()), Ok(())),
        ] {
            let rules = rules("replica.deny_client_request", value);
            assert_eq!(rules.admit(Access::Write, 0), write, "{value}");
            assert_eq!(rules.admit(Access::Read, 0), read, "{value}");
        }
    }

    #[test]
    fn requests_of_other_partitions_are_refused_if_the_table_says_so() {
        let key = "replica.split.validate_partition_hash";
        let misused = Err(Rejection::Error(ErrorCode::ParentPartitionMisused));
        for access in [Access::Read, Access::Write] {
            assert_eq!(rules(key, "true").admit(access, 0xff05), Ok(()));
            assert_eq!(rules(key, "true").admit(access, 0xff04), misused);
            assert_eq!(rules(key, "false").admit(access, 0xff04), Ok(()));
        }
        let odd = AppInfo {
            partition_count: 6,
            ..table(&[(key, "true")])
        };
        let rules = ClientRules::of(&odd, GPID);
        assert_eq!(rules.admit(Access::Read, 4), Ok(()), "no mask fits");
    }

    #[test]
    fn storage_hears_what_concerns_it() {
        assert_eq!(
            storage_settings(&table(&[]), GPID),
            TableSettings::default()
        );
        let envs = [
            ("default_ttl", "60"),
            ("replica.rocksdb_iteration_threshold_time_ms", "0"),
            ("replica.split.validate_partition_hash", "true"),
        ];
        let settings = storage_settings(&table(&envs), GPID);
        assert_eq!(settings.default_ttl_s, 60);
        assert_eq!(settings.iteration_time_max, Some(Duration::ZERO));
        let share = PartitionShare { index: 5, count: 8 };
        assert_eq!(settings.partition, Some(share));
    }

    #[test]
    fn slow_reads_are_what_the_table_calls_slow() {
        let rules = rules("replica.slow_query_threshold", "20");
        assert_eq!(rules.slow_query, Some(Duration::from_millis(20)));
        assert_eq!(ClientRules::default().slow_query, None);
    }
}
