//! The operating system behind a small trait, so that tests can fail the n-th write or flush, cut
//! the power, or pretend a reboot.

use std::fs::{File, OpenOptions};
use std::io;
use std::num::NonZeroU64;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Identity of the machine's present boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BootId(pub [u8; 16]);

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// An existing file, for reading alone.
    ReadOnly,
    /// An existing file, for reading and flushing.
    Existing,
    /// A file for writing and reading, made if it is missing and never truncated.
    Writable,
}

/// One open file.
pub trait LogFile: Send + Sync {
    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// The operating system's refusal; part of the bytes may have been written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Returns when everything written is on the medium (`fdatasync`).
    ///
    /// # Errors
    /// The operating system's refusal. What was written since the last success may be lost, and
    /// calling again proves nothing.
    fn sync(&self) -> io::Result<()>;

    /// Reads up to the length of `buffer`; fewer bytes only at the end of the file.
    ///
    /// # Errors
    /// The operating system's refusal, for example an unreadable sector.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// The file's length in bytes.
    ///
    /// # Errors
    /// The operating system's refusal.
    fn size(&self) -> io::Result<u64>;

    /// Lets the operating system forget its cached copy of these bytes: the next read comes from the
    /// medium, and the memory is free for others. A hint.
    fn forget_cache(&self, bytes: Range<u64>);
}

/// Opens files and knows the machine's boot.
pub trait FileLayer: Send + Sync {
    /// Opens one file.
    ///
    /// # Errors
    /// The operating system's refusal.
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn LogFile>>;

    /// Makes creations, renames and removals in `directory` durable.
    ///
    /// # Errors
    /// The operating system's refusal.
    fn sync_directory(&self, directory: &Path) -> io::Result<()>;

    /// Bytes that can still be written to the file system of `directory`.
    ///
    /// # Errors
    /// The operating system does not tell.
    fn available(&self, directory: &Path) -> io::Result<u64>;

    /// The present boot.
    ///
    /// # Errors
    /// The operating system does not tell.
    fn boot_id(&self) -> io::Result<BootId>;
}

/// The real files of this machine.
#[derive(Clone, Copy, Debug)]
pub struct OsFiles;

impl FileLayer for OsFiles {
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn LogFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(access != Access::ReadOnly)
            .create(access == Access::Writable)
            .truncate(false)
            .open(path)?;
        Ok(Box::new(file))
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        File::open(directory)?.sync_all()
    }

    fn available(&self, directory: &Path) -> io::Result<u64> {
        let found = rustix::fs::statvfs(directory)?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }

    fn boot_id(&self) -> io::Result<BootId> {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
        parse_boot_id(&text).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("boot id '{}'", text.trim()),
            )
        })
    }
}

impl LogFile for File {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buffer.len() {
            match FileExt::read_at(self, &mut buffer[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn forget_cache(&self, bytes: Range<u64>) {
        let Some(length) = NonZeroU64::new(bytes.end.saturating_sub(bytes.start)) else {
            return;
        };
        // A hint: where it is refused, reads come from the cache as they would without it.
        let advice = rustix::fs::Advice::DontNeed;
        let _ = rustix::fs::fadvise(self, bytes.start, Some(length), advice);
    }
}

fn parse_boot_id(text: &str) -> Option<BootId> {
    let digits: String = text.trim().chars().filter(|c| *c != '-').collect();
    let number = u128::from_str_radix(&digits, 16).ok()?;
    (digits.len() == 32).then(|| BootId(number.to_be_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boot_id_is_a_uuid_and_nothing_else() {
        let text = "0f8fad5b-d9cb-469f-a165-70867728950e\n";
        assert_eq!(
            parse_boot_id(text),
            Some(BootId(
                0x0f8f_ad5b_d9cb_469f_a165_7086_7728_950e_u128.to_be_bytes()
            ))
        );
        assert_eq!(parse_boot_id("0f8fad5b"), None);
        assert_eq!(parse_boot_id("zz"), None);
    }
}
