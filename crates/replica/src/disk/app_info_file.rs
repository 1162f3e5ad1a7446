//! `.app-info`: what a replica directory belongs to.

use std::collections::BTreeMap;
use std::path::Path;

use pegasus_common::AppId;
use pegasus_wire::layer2::AppInfo;
use pegasus_wire::layer2::AppStatus;
use serde::Deserialize;
use serde::Serialize;

use super::checked_file;
use super::checked_file::CheckedFileError;
use super::checked_file::FileFormat;

const FILE_NAME: &str = ".app-info";
const FORMAT: FileFormat = FileFormat {
    magic: "pegasus-app-info",
    version: 1,
};

/// The table of a replica, as its directory records it: all that is needed to have the table again when
/// its metadata is lost. It is as old as the last change that its server has heard of.
///
/// Files of the first servers end after `max_replica_count`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredAppInfo {
    /// Table number.
    pub app_id: i32,
    /// Table name.
    pub app_name: String,
    /// Partitions of the table.
    pub partition_count: i32,
    /// Copies that each partition should have.
    pub max_replica_count: i32,
    /// Partitions before any split; 0 is unknown.
    #[serde(default)]
    pub init_partition_count: i32,
    /// Unix time of the table's creation; 0 is unknown.
    #[serde(default)]
    pub create_second: i64,
    /// Whether atomic writes are turned into puts.
    #[serde(default)]
    pub atomic_idempotent: bool,
    /// Table environments.
    #[serde(default)]
    pub envs: BTreeMap<String, String>,
}

impl StoredAppInfo {
    /// The table number as its own type.
    #[must_use]
    pub fn id(&self) -> AppId {
        AppId(self.app_id)
    }
}

impl From<&AppInfo> for StoredAppInfo {
    fn from(app: &AppInfo) -> Self {
        Self {
            app_id: app.app_id,
            app_name: app.app_name.clone(),
            partition_count: app.partition_count,
            max_replica_count: app.max_replica_count,
            init_partition_count: app.init_partition_count,
            create_second: app.create_second,
            atomic_idempotent: app.atomic_idempotent == Some(true),
            envs: app.envs.clone(),
        }
    }
}

impl From<StoredAppInfo> for AppInfo {
    fn from(stored: StoredAppInfo) -> Self {
        Self {
            status: AppStatus::AS_AVAILABLE,
            app_type: "pegasus".to_owned(),
            app_id: stored.app_id,
            app_name: stored.app_name,
            partition_count: stored.partition_count,
            max_replica_count: stored.max_replica_count,
            init_partition_count: stored.init_partition_count,
            create_second: stored.create_second,
            atomic_idempotent: Some(stored.atomic_idempotent),
            envs: stored.envs,
            is_stateful: true,
            ..Self::default()
        }
    }
}

/// Reads the file of a replica directory.
///
/// # Errors
/// It is missing, damaged, or written by a newer version.
pub fn read(directory: &Path) -> Result<StoredAppInfo, CheckedFileError> {
    checked_file::read(&directory.join(FILE_NAME), FORMAT)
}

/// Writes the file of a replica directory so that it survives a power loss.
///
/// # Errors
/// The file system refuses.
pub fn write(directory: &Path, info: &StoredAppInfo) -> Result<(), CheckedFileError> {
    checked_file::write(&directory.join(FILE_NAME), FORMAT, info)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_back_and_the_first_servers_files_too() {
        let directory = tempfile::tempdir().unwrap();
        let app = AppInfo {
            app_id: 2,
            app_name: "temp".to_owned(),
            partition_count: 8,
            max_replica_count: 3,
            init_partition_count: 4,
            create_second: 1_700_000_000,
            atomic_idempotent: Some(true),
            envs: BTreeMap::from([("default_ttl".to_owned(), "86400".to_owned())]),
            ..AppInfo::default()
        };
        let stored = StoredAppInfo::from(&app);
        write(directory.path(), &stored).unwrap();
        assert_eq!(read(directory.path()).unwrap(), stored);
        assert_eq!(StoredAppInfo::from(&AppInfo::from(stored.clone())), stored);

        let first = r#"{"app_id":2,"app_name":"temp","partition_count":8,"max_replica_count":3}"#;
        let first: StoredAppInfo = serde_json::from_str(first).unwrap();
        assert_eq!((first.create_second, first.envs.len()), (0, 0));
    }
}
