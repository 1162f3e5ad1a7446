//! Why no code can be made.

use std::path::PathBuf;

/// What was wrong with the IDL or with a file.
#[derive(Debug, thiserror::Error)]
pub enum GeneratorError {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is not Thrift.
    #[error("{}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        message: String,
    },
    /// A file is Thrift, but not what the generator knows.
    #[error("{module}.thrift: {what}")]
    Unsupported {
        /// The file, without ending.
        module: String,
        /// The construct, and where it stands.
        what: String,
    },
}
