//! Replica directories that were put aside, and how long they stay.
//!
//! `<app>.<index>.pegasus.<µs>.<ending>`: `err` for data that cannot be used, `gar` for data that
//! nobody needs. They are never loaded. An operator can rename one back; so they are kept for a while
//! (storage.md section 10.3), and one that failed stays for as long as its partition may need it.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::UNIX_EPOCH;

use pegasus_common::Gpid;
use pegasus_common::clock::WallMicros;
use tracing::info;
use tracing::warn;

use super::REPLICAS_DIRECTORY;
use super::replica_directory::DATABASE_DIRECTORY;

/// Earlier times in a name are none: 2010-01-01.
const EARLIEST: WallMicros = WallMicros(1_262_304_000_000_000);

/// What follows `.pegasus` in the name of a learner's staging directory.
const UNFINISHED: &str = ".learn.tmp";

/// Why a directory was put aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aside {
    /// It cannot be used: `err`.
    Error,
    /// Nobody needs it: `gar`.
    Garbage,
    /// A learner has not come to its end, and nobody has gone on since: `learn.tmp`.
    Unfinished,
}

impl Aside {
    /// The last part of the name.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Error => "err",
            Self::Garbage => "gar",
            Self::Unfinished => "tmp",
        }
    }
}

/// A directory that was put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsideDirectory {
    /// Whose data it is.
    pub gpid: Gpid,
    /// Where it is.
    pub path: PathBuf,
    /// Why it was put aside.
    pub why: Aside,
    /// When.
    pub since: WallMicros,
}

/// How long directories stay after they were put aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsideAges {
    /// `gc_disk_error_replica_interval_seconds`.
    pub error: Duration,
    /// `gc_disk_garbage_replica_interval_seconds`.
    pub garbage: Duration,
}

impl AsideAges {
    fn of(self, why: Aside) -> Duration {
        match why {
            Aside::Error => self.error,
            Aside::Garbage | Aside::Unfinished => self.garbage,
        }
    }
}

/// Everything that was put aside in a data directory.
///
/// # Errors
/// The directory cannot be read.
pub fn list(disk: &Path) -> io::Result<Vec<AsideDirectory>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(disk.join(REPLICAS_DIRECTORY))? {
        found.extend(recognise(entry?.path()));
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

fn recognise(path: PathBuf) -> Option<AsideDirectory> {
    let name = path.file_name().and_then(OsStr::to_str)?;
    let (gpid, rest) = name.split_once(".pegasus")?;
    let gpid = gpid.parse().ok()?;
    if rest == UNFINISHED {
        // Files come and go below; the directory itself never changes.
        let since = last_change(&path.join(DATABASE_DIRECTORY))?;
        let why = Aside::Unfinished;
        return Some(AsideDirectory {
            gpid,
            path,
            why,
            since,
        });
    }
    let (rest, ending) = rest.rsplit_once('.')?;
    let why = [Aside::Error, Aside::Garbage]
        .into_iter()
        .find(|why| why.ending() == ending)?;
    let named = rest
        .strip_prefix('.')
        .and_then(|micros| micros.parse().ok());
    let since = named
        .map(WallMicros)
        .filter(|&micros| micros > EARLIEST)
        .or_else(|| last_change(&path))?;
    Some(AsideDirectory {
        gpid,
        path,
        why,
        since,
    })
}

fn last_change(path: &Path) -> Option<WallMicros> {
    let changed = fs::metadata(path).and_then(|found| found.modified()).ok()?;
    let since_1970 = changed.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since_1970.as_micros()).ok().map(WallMicros)
}

/// Removes what is older than it has to be. What cannot be used is removed only if `is_replaced` says
/// that its partition lives here without it: until then it may be the last copy that there is.
///
/// # Errors
/// The data directory cannot be read; what cannot be removed is only reported.
pub fn clean(
    disk: &Path,
    ages: AsideAges,
    now: WallMicros,
    is_replaced: impl Fn(Gpid) -> bool,
) -> io::Result<()> {
    for directory in list(disk)? {
        let age_us = now.0.saturating_sub(directory.since.0);
        let age = Duration::from_micros(u64::try_from(age_us).unwrap_or(0));
        let is_needed = directory.why == Aside::Error && !is_replaced(directory.gpid);
        if age < ages.of(directory.why) || is_needed {
            continue;
        }
        let path = directory.path.display();
        match fs::remove_dir_all(&directory.path) {
            Ok(()) => info!(%path, "a directory that was put aside is old enough: removed"),
            Err(error) => warn!(%path, %error, "a directory that was put aside cannot be removed"),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGES: AsideAges = AsideAges {
        error: Duration::from_secs(100),
        garbage: Duration::from_secs(10),
    };
    const BEGIN: WallMicros = WallMicros(1_700_000_000_000_000);

    fn disk(names: &[&str]) -> tempfile::TempDir {
        let disk = tempfile::tempdir().unwrap();
        super::super::prepare(disk.path()).unwrap();
        for name in names {
            fs::create_dir(disk.path().join(REPLICAS_DIRECTORY).join(name)).unwrap();
        }
        disk
    }

    fn left(disk: &tempfile::TempDir) -> Vec<String> {
        let entries = fs::read_dir(disk.path().join(REPLICAS_DIRECTORY)).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn after(seconds: i64) -> WallMicros {
        WallMicros(BEGIN.0 + seconds * 1_000_000)
    }

    #[test]
    fn age_and_ending_decide() {
        let (error, garbage) = (
            "2.0.pegasus.1700000000000000.err",
            "2.1.pegasus.1700000000000000.gar",
        );
        let disk = disk(&[error, garbage, "2.2.pegasus", "2.3.pegasus.1.bak", "x.gar"]);
        clean(disk.path(), AGES, after(9), |_| true).unwrap();
        assert_eq!(left(&disk).len(), 5);
        clean(disk.path(), AGES, after(10), |_| true).unwrap();
        assert!(!left(&disk).contains(&garbage.to_owned()));
        clean(disk.path(), AGES, after(100), |_| false).unwrap();
        assert!(left(&disk).contains(&error.to_owned()), "perhaps the last");
        clean(disk.path(), AGES, after(100), |gpid| {
            gpid == Gpid::new(2, 0)
        })
        .unwrap();
        assert_eq!(left(&disk), ["2.2.pegasus", "2.3.pegasus.1.bak", "x.gar"]);
    }

    #[test]
    fn a_name_without_a_time_is_as_old_as_its_last_change() {
        let disk = disk(&["2.0.pegasus.gar", "2.1.pegasus.5.gar"]);
        let found = list(disk.path()).unwrap();
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|found| found.since > EARLIEST));
    }
}
