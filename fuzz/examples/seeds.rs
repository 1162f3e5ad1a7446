//! Writes the seeds of every target, each into a directory of its name, below the one that is given.

use std::error::Error;
use std::fs;
use std::path::Path;

use pegasus_fuzz::TARGETS;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args().nth(1).ok_or("which directory?")?;
    for target in TARGETS {
        let own = Path::new(&directory).join(target.name);
        fs::create_dir_all(&own)?;
        for (number, seed) in (target.seeds)().iter().enumerate() {
            fs::write(own.join(format!("seed-{number}")), seed)?;
        }
    }
    Ok(())
}
