//! Files with dumps of the metadata.

use std::io;
use std::path::{Path, PathBuf};

use pegasus_common::durable_file;

/// Where the leader leaves its dumps: beside the directory of its store.
#[must_use]
pub fn beside(store: &Path) -> PathBuf {
    let mut path = store.to_owned().into_os_string();
    path.push(".dump.json");
    PathBuf::from(path)
}

/// Writes a dump. The file has all of it, durably, or is what it was before.
///
/// # Errors
/// The file system refuses.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut unfinished = path.to_owned().into_os_string();
    unfinished.push(".unfinished");
    durable_file::replace(path, Path::new(&unfinished), text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_dump_replaces_the_one_before() {
        let directory = tempfile::tempdir().unwrap();
        let path = beside(&directory.path().join("store"));
        write(&path, "one").unwrap();
        write(&path, "two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        assert!(write(&directory.path().join("none/file"), "").is_err());
    }
}
