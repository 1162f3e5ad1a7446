//! What a command of the program can fail with: a text for the person at the terminal.

use std::fmt;
use std::io;
use std::path::Path;

/// A command failed. The text says what was wrong and what to do.
#[derive(Debug)]
pub struct CliError {
    text: String,
}

impl CliError {
    /// The command line asked for something that makes no sense.
    pub fn usage(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }

    /// Something went wrong.
    pub fn failed(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }

    /// A file or program could not be used.
    #[allow(clippy::needless_pass_by_value)] // as `map_err` hands it over
    pub fn io(path: &Path, error: io::Error) -> Self {
        Self {
            text: format!("{}: {error}", path.display()),
        }
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for CliError {}

/// An error's text with those of its causes.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", with_causes(cause)),
        None => error.to_string(),
    }
}
