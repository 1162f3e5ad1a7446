//! Files whose unflushed sectors may be lost: the power goes at a chosen operation.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use pegasus_log::file_layer::{Access, BootId, FileLayer, LogFile, OsFiles};
use rand::Rng;
use rand::rngs::StdRng;

const SECTOR: u64 = 512;

/// A disk until its power goes.
#[derive(Clone, Default)]
pub struct PowerDisk {
    power: Arc<Mutex<Power>>,
}

#[derive(Default)]
struct Power {
    /// Operations until it goes.
    left: u64,
    /// Writes until one is torn for want of space.
    writes_until_full: Option<u64>,
    files: Vec<Arc<PowerFile>>,
}

struct PowerFile {
    /// The file system's.
    number: u64,
    file: File,
    power: Arc<Mutex<Power>>,
    /// What the sectors that were not flushed held before.
    unflushed: Mutex<BTreeMap<u64, Vec<u8>>>,
}

struct Handle(Arc<PowerFile>);

impl PowerDisk {
    /// The power goes at the operation after `operations` more.
    pub fn lasting(operations: u64) -> Self {
        let disk = Self::default();
        disk.power.lock().left = operations;
        disk
    }

    /// After so many more writes, one is torn, because the disk is full; then there is space again.
    pub fn full_after(&self, writes: u64) {
        self.power.lock().writes_until_full = Some(writes);
    }

    /// Each sector that was not flushed is on the medium or not.
    pub fn cut(&self, random: &mut StdRng) {
        for file in &self.power.lock().files {
            for (sector, old) in std::mem::take(&mut *file.unflushed.lock()) {
                if random.random() {
                    file.file
                        .write_all_at(&old, sector * SECTOR)
                        .expect("the real disk works");
                }
            }
        }
    }
}

impl Power {
    fn use_up(&mut self) -> io::Result<()> {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(io::Error::other("no power")),
        }
    }

    fn is_full_now(&mut self) -> bool {
        match self.writes_until_full {
            Some(0) => {
                self.writes_until_full = None;
                true
            }
            Some(writes) => {
                self.writes_until_full = Some(writes - 1);
                false
            }
            None => false,
        }
    }
}

impl PowerFile {
    fn remember(&self, range: Range<u64>) -> io::Result<()> {
        let mut unflushed = self.unflushed.lock();
        for sector in range.start / SECTOR..range.end.div_ceil(SECTOR) {
            if unflushed.contains_key(&sector) {
                continue;
            }
            let mut old = vec![0; 512];
            LogFile::read_at(&self.file, &mut old, sector * SECTOR)?;
            unflushed.insert(sector, old);
        }
        Ok(())
    }
}

impl LogFile for Handle {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let (powered, is_full) = {
            let mut power = self.0.power.lock();
            (power.use_up(), power.is_full_now())
        };
        self.0.remember(offset..offset + bytes.len() as u64)?;
        if is_full {
            self.0
                .file
                .write_all_at(&bytes[..bytes.len() / 2], offset)?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        // Whoever has no power any more may have written all the same.
        self.0.file.write_all_at(bytes, offset)?;
        powered
    }

    fn sync(&self) -> io::Result<()> {
        self.0.power.lock().use_up()?;
        self.0.unflushed.lock().clear();
        Ok(())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        LogFile::read_at(&self.0.file, buffer, offset)
    }

    fn size(&self) -> io::Result<u64> {
        LogFile::size(&self.0.file)
    }

    fn forget_cache(&self, _bytes: Range<u64>) {}
}

impl FileLayer for PowerDisk {
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn LogFile>> {
        let file = File::options()
            .read(true)
            .write(true)
            .create(access == Access::Writable)
            .truncate(false)
            .open(path)?;
        // A flush concerns the file, through whichever handle it was written: the files stay open
        // here, so that no number is given twice.
        let number = file.metadata()?.ino();
        let mut power = self.power.lock();
        let known = power.files.iter().find(|known| known.number == number);
        if let Some(known) = known {
            return Ok(Box::new(Handle(Arc::clone(known))));
        }
        let file = Arc::new(PowerFile {
            number,
            file,
            power: Arc::clone(&self.power),
            unflushed: Mutex::default(),
        });
        power.files.push(Arc::clone(&file));
        Ok(Box::new(Handle(file)))
    }

    fn sync_directory(&self, _directory: &Path) -> io::Result<()> {
        self.power.lock().use_up()
    }

    fn available(&self, directory: &Path) -> io::Result<u64> {
        OsFiles.available(directory)
    }

    fn boot_id(&self) -> io::Result<BootId> {
        Ok(BootId([1; 16]))
    }
}
