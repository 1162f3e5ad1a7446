//! Asking a device: how much space there is, and whether it gives back what it is given.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::Advice;
use rustix::fs::fadvise;
use rustix::fs::statvfs;

const PROBE_FILE: &str = ".pegasus-probe";
/// One block of most devices.
const PROBE_BYTES: usize = 4096;

/// The space of a file system, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    /// What can still be written.
    pub available_bytes: u64,
    /// All there is.
    pub total_bytes: u64,
}

/// A device fails.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The operating system refuses.
    #[error("cannot {action} the probe file: {source}")]
    Refused {
        /// What was tried.
        action: &'static str,
        /// The refusal.
        source: io::Error,
    },
    /// It gives back other bytes than it was given.
    #[error("the probe file does not hold what was written to it")]
    Changed,
}

/// The space of the file system that has `directory`. May block on a device that hangs.
///
/// # Errors
/// The operating system's refusal.
pub fn space_of(directory: &Path) -> io::Result<Space> {
    let found = statvfs(directory)?;
    Ok(Space {
        available_bytes: found.f_bavail.saturating_mul(found.f_frsize),
        total_bytes: found.f_blocks.saturating_mul(found.f_frsize),
    })
}

/// Writes a block into the data directory, waits until it is on the medium, and reads it back from
/// there. `seed` makes each block different. Blocks for as long as the device takes. A full disk is
/// no failure.
///
/// # Errors
/// [`ProbeError`].
pub fn probe(directory: &Path, seed: u64) -> Result<(), ProbeError> {
    let refused = |action| move |source| ProbeError::Refused { action, source };
    let block: Vec<u8> = seed.to_le_bytes().repeat(PROBE_BYTES / 8);
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(directory.join(PROBE_FILE));
    let file = match file {
        Err(error) if is_for_want_of_space(&error) => return Ok(()),
        file => file.map_err(refused("open"))?,
    };
    match file.write_all_at(&block, 0) {
        Err(error) if is_for_want_of_space(&error) => return Ok(()),
        written => written.map_err(refused("write"))?,
    }
    file.sync_data().map_err(refused("flush"))?;
    // A hint: where it is refused, the cache is read, which proves less.
    let _ = fadvise(&file, 0, None, Advice::DontNeed);
    let mut read = vec![0; PROBE_BYTES];
    file.read_exact_at(&mut read, 0).map_err(refused("read"))?;
    if read == block {
        Ok(())
    } else {
        Err(ProbeError::Changed)
    }
}

fn is_for_want_of_space(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_directory_answers() {
        let directory = tempfile::tempdir().unwrap();
        for seed in 0..3 {
            probe(directory.path(), seed).unwrap();
        }
        let space = space_of(directory.path()).unwrap();
        assert!(space.available_bytes <= space.total_bytes);
        assert!(space.total_bytes > 0);
    }

    #[test]
    fn a_directory_that_is_gone_is_a_failure() {
        let directory = tempfile::tempdir().unwrap();
        let gone = directory.path().join("gone");
        let error = probe(&gone, 1).unwrap_err();
        assert!(error.to_string().starts_with("cannot open"), "{error}");
        assert!(space_of(&gone).is_err());
    }

    #[test]
    fn a_full_device_is_no_failure() {
        // Every write to it finds no space.
        let directory = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/full", directory.path().join(PROBE_FILE)).unwrap();
        probe(directory.path(), 1).unwrap();
    }
}
