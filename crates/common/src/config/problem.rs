//! What can be wrong with a configuration, in words that lead to the repair.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::option::Refusal;

/// A configuration that a server must not start with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The text is no TOML.
    #[error("{origin}:{line}: {message}")]
    Syntax {
        /// The file.
        origin: String,
        /// The line, from 1.
        line: usize,
        /// What the TOML parser says.
        message: String,
    },
    /// The text is TOML, but says things that no option means.
    #[error("{}", list(origin, problems))]
    Rejected {
        /// The file.
        origin: String,
        /// Everything that is wrong, in the order of lines; never empty.
        problems: Vec<Problem>,
    },
}

/// One thing that is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub kind: ProblemKind,
}

/// The ways in which a well-formed file is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// No such section.
    UnknownSection {
        /// As written.
        section: String,
        /// The nearest known name.
        suggestion: Option<String>,
    },
    /// No such key in the section.
    UnknownKey {
        /// The section; empty at the top of the file.
        section: String,
        /// As written.
        key: String,
        /// The nearest known key: of this section, or with its section's name if of another.
        suggestion: Option<String>,
    },
    /// The value cannot be taken.
    BadValue {
        /// The section.
        section: String,
        /// The key.
        key: String,
        /// What is wrong with it.
        refusal: Refusal,
        /// What was found, in words.
        found: String,
    },
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownSection {
                section,
                suggestion,
            } => {
                write!(f, "unknown section [{section}]")?;
                suggest(f, suggestion.as_deref())
            }
            Self::UnknownKey {
                section,
                key,
                suggestion,
            } => {
                if section.is_empty() {
                    write!(f, "'{key}' stands outside of any section")?;
                } else {
                    write!(f, "unknown key '{key}' in section [{section}]")?;
                }
                suggest(f, suggestion.as_deref())
            }
            Self::BadValue {
                section,
                key,
                refusal,
                found,
            } => {
                write!(f, "{section}.{key}: ")?;
                describe_refusal(f, refusal, found)
            }
        }
    }
}

fn suggest(f: &mut fmt::Formatter<'_>, suggestion: Option<&str>) -> fmt::Result {
    match suggestion {
        Some(name) => write!(f, "; did you mean '{name}'?"),
        None => Ok(()),
    }
}

fn describe_refusal(f: &mut fmt::Formatter<'_>, refusal: &Refusal, found: &str) -> fmt::Result {
    match refusal {
        Refusal::UnknownKey => write!(f, "unknown key"),
        Refusal::WrongType { expected } => write!(f, "expected {expected}, found {found}"),
        Refusal::OutOfRange { allowed } => write!(f, "{found} is outside of {allowed}"),
    }
}

fn list(origin: &str, problems: &[Problem]) -> String {
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| format!("{origin}:{}: {}", problem.line, problem.kind))
        .collect();
    lines.join("\n")
}

/// A running server refuses to change an option.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// No option has this name.
    #[error("unknown option '{name}'{}", .suggestion.as_ref().map(|s| format!("; did you mean '{s}'?")).unwrap_or_default())]
    Unknown {
        /// As asked for.
        name: String,
        /// The nearest known name.
        suggestion: Option<String>,
    },
    /// The option exists, but only a restart can change it.
    #[error("'{name}' can only be changed in the configuration file, followed by a restart")]
    Fixed {
        /// The full name.
        name: String,
    },
    /// The value does not fit.
    #[error("{name}: {}", display_refusal(.refusal, .found))]
    BadValue {
        /// The full name.
        name: String,
        /// What is wrong with it.
        refusal: Refusal,
        /// What was given, in words.
        found: String,
    },
}

fn display_refusal(refusal: &Refusal, found: &str) -> String {
    struct Shown<'a>(&'a Refusal, &'a str);
    impl fmt::Display for Shown<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            describe_refusal(f, self.0, self.1)
        }
    }
    Shown(refusal, found).to_string()
}
