//! Makes the message types of `pegasus-wire` from `idl/*.thrift`.
//!
//! [`generate`] is the whole job: it reads a directory of Thrift files and returns Rust files as
//! text. [`write()`] stores them, [`stale_files`] tells which stored ones differ. The output is
//! committed, so that a build needs neither this crate nor its parser.
//!
//! What the IDL may hold is what Pegasus uses: enums, structs without recursion, and the six types
//! of `base.thrift` that every language implements by hand. Services are left out, because an RPC's
//! name on the wire is its task code; unions, exceptions, constants and typedefs are refused.

mod emit_enum;
mod emit_file;
mod emit_struct;
mod error;
mod load;
mod names;
mod schema;

use std::fs;
use std::path::Path;

pub use error::GeneratorError;

/// One file of the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratedFile {
    /// Its name, without directory.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Reads every Thrift file of `idl_dir` and makes one Rust file of each, and a `mod.rs`.
///
/// # Errors
/// When a file cannot be read or parsed, or holds what the generator does not know.
pub fn generate(idl_dir: &Path) -> Result<Vec<GeneratedFile>, GeneratorError> {
    let schema = load::load(idl_dir)?;
    Ok(emit_file::emit(&schema))
}

/// Writes the files into `output_dir`.
///
/// # Errors
/// When a file cannot be written.
pub fn write(files: &[GeneratedFile], output_dir: &Path) -> Result<(), GeneratorError> {
    for file in files {
        let path = output_dir.join(&file.name);
        fs::write(&path, &file.text).map_err(|source| GeneratorError::Io { path, source })?;
    }
    Ok(())
}

/// The names of files in `output_dir` that are missing, are not as generated, or are left over.
///
/// # Errors
/// When the directory cannot be read.
pub fn stale_files(
    files: &[GeneratedFile],
    output_dir: &Path,
) -> Result<Vec<String>, GeneratorError> {
    let io_error = |source| GeneratorError::Io {
        path: output_dir.to_owned(),
        source,
    };
    let mut stale: Vec<String> = files
        .iter()
        .filter(|file| {
            fs::read(output_dir.join(&file.name)).ok().as_deref() != Some(file.text.as_bytes())
        })
        .map(|file| file.name.clone())
        .collect();
    for entry in fs::read_dir(output_dir).map_err(io_error)? {
        let name = entry.map_err(io_error)?.file_name();
        let name = name.to_string_lossy().into_owned();
        if !files.iter().any(|file| file.name == name) {
            stale.push(name);
        }
    }
    Ok(stale)
}
