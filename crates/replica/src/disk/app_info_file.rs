//! `.app-info`: what a replica directory belongs to.

use std::path::Path;

use pegasus_common::AppId;
use pegasus_wire::layer2::AppInfo;
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

/// The table of a replica, as its directory records it. Table environments are not stored: they come
/// from the meta server before a replica serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredAppInfo {
    /// Table number.
    pub app_id: i32,
    /// Table name at the time of writing.
    pub app_name: String,
    /// Partitions of the table.
    pub partition_count: i32,
    /// Copies that each partition should have.
    pub max_replica_count: i32,
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
