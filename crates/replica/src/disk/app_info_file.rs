//! `.app-info`: what a replica directory belongs to.
//!
//! Format: one line `pegasus-app-info <version> <CRC-32C of the rest, 8 hex digits>`, then JSON.
//! Written to a temporary file, flushed and renamed, so that a crash leaves the old or the new one.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use pegasus_common::AppId;
use serde::Deserialize;
use serde::Serialize;

const FILE_NAME: &str = ".app-info";
const MAGIC: &str = "pegasus-app-info";
const VERSION: u32 = 1;

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

/// The file is missing, unreadable or not what was written.
#[derive(Debug, thiserror::Error)]
pub enum AppInfoError {
    /// Reading or writing failed.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The content is damaged or of another format.
    #[error("{path}: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// Reads the file of a replica directory.
///
/// # Errors
/// It is missing, damaged, or written by a newer version.
pub fn read(directory: &Path) -> Result<StoredAppInfo, AppInfoError> {
    let path = directory.join(FILE_NAME);
    let text = fs::read_to_string(&path).map_err(|source| AppInfoError::Io {
        path: path.clone(),
        source,
    })?;
    parse(&text).map_err(|reason| AppInfoError::Malformed { path, reason })
}

fn parse(text: &str) -> Result<StoredAppInfo, String> {
    let (head, json) = text.split_once('\n').ok_or("the header line is missing")?;
    let mut words = head.split(' ');
    if words.next() != Some(MAGIC) {
        return Err(format!("does not start with '{MAGIC}'"));
    }
    let version = words.next().unwrap_or_default();
    if version != VERSION.to_string() {
        return Err(format!(
            "has version '{version}', this server reads {VERSION}"
        ));
    }
    let recorded = u32::from_str_radix(words.next().unwrap_or_default(), 16)
        .map_err(|_| "the checksum in the header is no hexadecimal number".to_owned())?;
    let actual = crc32c::crc32c(json.as_bytes());
    if recorded != actual {
        return Err(format!(
            "checksum is {actual:08x}, the header says {recorded:08x}"
        ));
    }
    serde_json::from_str(json).map_err(|error| error.to_string())
}

/// Writes the file of a replica directory so that it survives a power loss.
///
/// # Errors
/// The file system refuses.
pub fn write(directory: &Path, info: &StoredAppInfo) -> Result<(), AppInfoError> {
    let path = directory.join(FILE_NAME);
    let failed = |source| AppInfoError::Io {
        path: path.clone(),
        source,
    };
    let json = serde_json::to_string(info).map_err(|error| failed(error.into()))?;
    let checksum = crc32c::crc32c(json.as_bytes());
    let temporary = directory.join(".app-info.tmp");
    let mut file = File::create(&temporary).map_err(failed)?;
    file.write_all(format!("{MAGIC} {VERSION} {checksum:08x}\n{json}").as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&temporary, &path))
        .and_then(|()| File::open(directory)?.sync_all())
        .map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> StoredAppInfo {
        StoredAppInfo {
            app_id: 2,
            app_name: "temp".to_owned(),
            partition_count: 8,
            max_replica_count: 3,
        }
    }

    #[test]
    fn what_was_written_is_read_and_rewriting_replaces_it() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &info()).unwrap();
        assert_eq!(read(directory.path()).unwrap(), info());
        let renamed = StoredAppInfo {
            app_name: "other".to_owned(),
            ..info()
        };
        write(directory.path(), &renamed).unwrap();
        assert_eq!(read(directory.path()).unwrap(), renamed);
    }

    #[test]
    fn damage_is_named() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &info()).unwrap();
        let path = directory.path().join(FILE_NAME);
        let text = fs::read_to_string(&path).unwrap().replace("temp", "tamp");
        fs::write(&path, text).unwrap();
        let error = read(directory.path()).unwrap_err().to_string();
        assert!(error.contains("checksum"), "{error}");
        fs::write(&path, "pegasus-app-info 9 00000000\n{}").unwrap();
        assert!(
            read(directory.path())
                .unwrap_err()
                .to_string()
                .contains("version '9'")
        );
    }
}
