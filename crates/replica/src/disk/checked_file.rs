//! Small files that say what they are: one line `<magic> <version> <CRC-32C of the rest, 8 hex
//! digits>`, then JSON. Written to a temporary file, flushed and renamed, so that a crash leaves the
//! old or the new one.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use pegasus_common::durable_file;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a file is.
#[derive(Clone, Copy, Debug)]
pub struct FileFormat {
    /// Its first word.
    pub magic: &'static str,
    /// The version that is written, and the only one that is read.
    pub version: u32,
}

/// The file is missing, unreadable or not what was written.
#[derive(Debug, thiserror::Error)]
pub enum CheckedFileError {
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

/// Reads a file.
///
/// # Errors
/// It is missing, damaged, or written by a newer version.
pub fn read<T: DeserializeOwned>(path: &Path, format: FileFormat) -> Result<T, CheckedFileError> {
    let text = fs::read_to_string(path).map_err(|source| CheckedFileError::Io {
        path: path.to_path_buf(),
        source,
    })?;
    parse(&text, format).map_err(|reason| CheckedFileError::Malformed {
        path: path.to_path_buf(),
        reason,
    })
}

/// Reads the content of a file; the error says what is wrong with it.
pub fn parse<T: DeserializeOwned>(text: &str, format: FileFormat) -> Result<T, String> {
    let (head, json) = text.split_once('\n').ok_or("the header line is missing")?;
    let mut words = head.split(' ');
    if words.next() != Some(format.magic) {
        return Err(format!("does not start with '{}'", format.magic));
    }
    let version = words.next().unwrap_or_default();
    if version != format.version.to_string() {
        return Err(format!(
            "has version '{version}', this server reads {}",
            format.version
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

/// Writes a file so that it survives a power loss.
///
/// # Errors
/// The file system refuses.
pub fn write<T: Serialize>(
    path: &Path,
    format: FileFormat,
    content: &T,
) -> Result<(), CheckedFileError> {
    let failed = |source| CheckedFileError::Io {
        path: path.to_path_buf(),
        source,
    };
    let json = serde_json::to_string(content).map_err(|error| failed(error.into()))?;
    let checksum = crc32c::crc32c(json.as_bytes());
    let FileFormat { magic, version } = format;
    let temporary = path.with_extension("tmp");
    let text = format!("{magic} {version} {checksum:08x}\n{json}");
    durable_file::replace(path, &temporary, text.as_bytes()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: FileFormat = FileFormat {
        magic: "pegasus-test",
        version: 1,
    };

    #[test]
    fn what_was_written_is_read_and_rewriting_replaces_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".test");
        for content in ["one", "two"] {
            write(&path, FORMAT, &content.to_owned()).unwrap();
            assert_eq!(read::<String>(&path, FORMAT).unwrap(), content);
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn damage_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".test");
        write(&path, FORMAT, &"temp".to_owned()).unwrap();
        let text = fs::read_to_string(&path).unwrap().replace("temp", "tamp");
        for (damaged, problem) in [
            (text.as_str(), "checksum"),
            ("pegasus-test 9 00000000\n{}", "version '9'"),
            ("pegasus-other 1 00000000\n{}", "does not start"),
            ("", "header line"),
        ] {
            fs::write(&path, damaged).unwrap();
            let error = read::<String>(&path, FORMAT).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
    }
}
