//! A log file that is closed and renamed when it has grown large enough; the oldest are removed.
//!
//! `<role>.log` is always the file being written; closed ones are
//! `<role>.log.<year month day>_<time>_<microseconds>`, so that names sort by age.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::clock::{CivilDate, WallMicros};

/// When to begin a new file and how many to keep.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) file_bytes_max: u64,
    pub(super) closed_files_max: usize,
}

#[derive(Debug)]
pub(super) struct RollingFile {
    directory: PathBuf,
    role: String,
    limits: Limits,
    file: File,
    file_bytes: u64,
}

impl RollingFile {
    /// Opens the file of a role for appending.
    pub(super) fn open(directory: &Path, role: &str, limits: Limits) -> io::Result<Self> {
        let file = open_for_append(&directory.join(format!("{role}.log")))?;
        let file_bytes = file.metadata()?.len();
        Ok(Self {
            directory: directory.to_owned(),
            role: role.to_owned(),
            limits,
            file,
            file_bytes,
        })
    }

    /// Appends whole lines with one write.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.file_bytes > 0 && self.file_bytes + lines.len() as u64 > self.limits.file_bytes_max
        {
            self.roll()?;
        }
        self.file.write_all(lines)?;
        self.file_bytes += lines.len() as u64;
        Ok(())
    }

    fn roll(&mut self) -> io::Result<()> {
        let current = self.directory.join(format!("{}.log", self.role));
        let closed = self.directory.join(format!(
            "{}.log.{}",
            self.role,
            file_stamp(WallMicros::now())
        ));
        fs::rename(&current, closed)?;
        self.file = open_for_append(&current)?;
        self.file_bytes = 0;
        self.remove_oldest()
    }

    fn remove_oldest(&self) -> io::Result<()> {
        let prefix = format!("{}.log.", self.role);
        let mut closed: Vec<PathBuf> = fs::read_dir(&self.directory)?
            .filter_map(Result::ok)
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
            .map(|entry| entry.path())
            .collect();
        closed.sort();
        let surplus = closed.len().saturating_sub(self.limits.closed_files_max);
        closed[..surplus].iter().try_for_each(fs::remove_file)
    }
}

fn open_for_append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

fn file_stamp(time: WallMicros) -> String {
    let date = CivilDate::of_unix_seconds(time.0.div_euclid(1_000_000));
    format!(
        "{:04}{:02}{:02}_{:02}{:02}{:02}_{:06}",
        date.year,
        date.month,
        date.day,
        date.hour,
        date.minute,
        date.second,
        time.0.rem_euclid(1_000_000)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_roll_by_size_and_the_oldest_go() {
        let directory = tempfile::tempdir().unwrap();
        let limits = Limits {
            file_bytes_max: 100,
            closed_files_max: 2,
        };
        let mut file = RollingFile::open(directory.path(), "meta", limits).unwrap();
        for number in 0..20 {
            file.append(format!("line {number:034}\n").as_bytes())
                .unwrap();
        }
        let mut names: Vec<String> = fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names.len(), 3, "{names:?}");
        let text = fs::read_to_string(directory.path().join("meta.log")).unwrap();
        assert!(text.ends_with("19\n"), "{text}");
        let previous = fs::read_to_string(directory.path().join(&names[2])).unwrap();
        assert!(previous.ends_with("17\n"), "{previous}");
    }

    #[test]
    fn a_restart_appends() {
        let directory = tempfile::tempdir().unwrap();
        let limits = Limits {
            file_bytes_max: 100,
            closed_files_max: 2,
        };
        for line in ["one\n", "two\n"] {
            let mut file = RollingFile::open(directory.path(), "meta", limits).unwrap();
            file.append(line.as_bytes()).unwrap();
        }
        let text = fs::read_to_string(directory.path().join("meta.log")).unwrap();
        assert_eq!(text, "one\ntwo\n");
    }
}
