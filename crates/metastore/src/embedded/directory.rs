//! The store's directory: its lock, its file names, and files that appear whole or not at all.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pegasus_common::directory_lock::DirectoryLock;

use super::OpenError;

const LOCK: &str = "LOCK";
const LOG: &str = "log";
const BASE: &str = "base";
const UNFINISHED: &str = "tmp";

/// The locked directory. The lock goes with the value, or with the process.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    _lock: DirectoryLock,
}

/// What the directory holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// Generations of the log files, ascending.
    pub logs: Vec<u64>,
    /// Generations of the bases, ascending.
    pub bases: Vec<u64>,
    /// Files that a crash left unfinished.
    pub unfinished: Vec<PathBuf>,
    /// Names that are not ours.
    pub foreign: Vec<String>,
}

impl Directory {
    /// Creates the directory if it is missing, and locks it. An earlier process may take `patience`
    /// to end.
    pub fn lock(path: &Path, patience: Duration) -> Result<Self, OpenError> {
        Ok(Self {
            path: path.to_owned(),
            _lock: DirectoryLock::acquire(path, LOCK, patience)?,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn log_path(&self, generation: u64) -> PathBuf {
        self.path.join(format!("{generation:020}.{LOG}"))
    }

    pub fn base_path(&self, generation: u64) -> PathBuf {
        self.path.join(format!("{generation:020}.{BASE}"))
    }

    pub fn list(&self) -> Result<Listing, OpenError> {
        let refused = || io_error("list", &self.path);
        let mut listing = Listing::default();
        for item in fs::read_dir(&self.path).map_err(refused())? {
            let item = item.map_err(refused())?;
            let name = item.file_name().to_string_lossy().into_owned();
            let (stem, extension) = name.split_once('.').unwrap_or((&name, ""));
            match (stem.parse::<u64>(), extension) {
                (Ok(generation), LOG) => listing.logs.push(generation),
                (Ok(generation), BASE) => listing.bases.push(generation),
                (_, UNFINISHED) => listing.unfinished.push(item.path()),
                _ if name == LOCK => {}
                _ => listing.foreign.push(name),
            }
        }
        listing.logs.sort_unstable();
        listing.bases.sort_unstable();
        listing.foreign.sort_unstable();
        Ok(listing)
    }

    /// Makes a file that has all its content from the moment that its name exists, durably.
    pub fn publish(
        &self,
        path: &Path,
        write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> Result<(), OpenError> {
        let unfinished = path.with_extension(UNFINISHED);
        let file = File::create(&unfinished).map_err(io_error("create", &unfinished))?;
        let mut buffered = std::io::BufWriter::with_capacity(1 << 20, file);
        write(&mut buffered)
            .and_then(|()| {
                buffered
                    .into_inner()
                    .map_err(std::io::IntoInnerError::into_error)
            })
            .and_then(|file| file.sync_all())
            .map_err(io_error("write", &unfinished))?;
        fs::rename(&unfinished, path).map_err(io_error("rename a file to", path))?;
        self.sync()
    }

    pub fn remove(&self, path: &Path) -> Result<(), OpenError> {
        fs::remove_file(path).map_err(io_error("remove", path))
    }

    /// Makes creations, renames and removals durable.
    pub fn sync(&self) -> Result<(), OpenError> {
        File::open(&self.path)
            .and_then(|directory| directory.sync_all())
            .map_err(io_error("flush", &self.path))
    }
}

/// Puts the action and the file around an operating system's refusal.
pub(super) fn io_error(
    action: &'static str,
    path: &Path,
) -> impl FnOnce(std::io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Io {
        action,
        path,
        source,
    }
}
