//! A disk that can be filled: a small file system in memory under one server's data directory.

use std::fs;
use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::isolation::system;
use crate::error::CliError;

/// Room for a few log segments and the records of a run.
const SIZE: &str = "size=768m";
const BLOCK_BYTES: usize = 1 << 20;

/// The disk. It ends with the command, and with it the server's data.
#[derive(Debug)]
pub struct SmallDisk {
    filler: PathBuf,
}

impl SmallDisk {
    /// Mounts the disk at the directory, which may not exist yet.
    pub fn mount(directory: &Path) -> Result<Self, CliError> {
        fs::create_dir_all(directory).map_err(|error| CliError::io(directory, error))?;
        let path = directory.display().to_string();
        system("mount", &["-t", "tmpfs", "-o", SIZE, "tmpfs", &path])?;
        Ok(Self {
            filler: directory.join("filler.tmp"),
        })
    }

    /// Takes all space that is left.
    pub fn fill(&self) -> Result<(), CliError> {
        let io = |error| CliError::io(&self.filler, error);
        let mut file = File::create(&self.filler).map_err(io)?;
        let mut block = vec![0; BLOCK_BYTES];
        while !block.is_empty() {
            match file.write_all(&block) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => {
                    block.truncate(block.len() / 2);
                }
                Err(error) => return Err(io(error)),
            }
        }
        Ok(())
    }

    /// Gives it back.
    pub fn free(&self) -> Result<(), CliError> {
        match fs::remove_file(&self.filler) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(CliError::io(&self.filler, error))
            }
            _ => Ok(()),
        }
    }

    /// What is on the disk beside the data.
    pub fn filler(&self) -> &Path {
        &self.filler
    }
}
