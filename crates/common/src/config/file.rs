//! A whole configuration: reading it strictly, writing it, and changing it while a server runs.

use std::fmt::Write as _;
use std::path::Path;

use super::document::{self, Heading};
use super::option::{Given, Mutability, Refusal};
use super::problem::{ChangeError, ConfigError, Problem, ProblemKind};
use super::section::ConfigSection;

/// The sections that one kind of server has. Made by [`config_file!`](crate::config_file).
pub trait ConfigFile: Default {
    /// All sections, in the order of declaration.
    fn sections(&self) -> Vec<&dyn ConfigSection>;

    /// The section of a name.
    fn section_mut(&mut self, name: &str) -> Option<&mut dyn ConfigSection>;

    /// Every option as `section.key` with its current value in TOML, for `/configs`.
    fn values(&self) -> Vec<(String, String)> {
        let mut values = Vec::new();
        for section in self.sections() {
            for option in section.options() {
                let value = section.value(option.key).unwrap_or_default();
                values.push((format!("{}.{}", section.name(), option.key), value));
            }
        }
        values
    }

    /// Changes one mutable option of a running server (`/updateConfig`). `name` is `section.key`,
    /// or the key alone where only one section has it.
    ///
    /// # Errors
    /// There is no such option, it cannot change at run time, or the value does not fit; then
    /// nothing has changed.
    fn change(&mut self, name: &str, value: &str) -> Result<(), ChangeError> {
        let (section, key, mutability) = find_option(self, name)?;
        let full_name = format!("{section}.{key}");
        if mutability == Mutability::Fixed {
            return Err(ChangeError::Fixed { name: full_name });
        }
        let given = Given::Unquoted(value.to_owned());
        let set = match self.section_mut(section) {
            Some(section) => section.set(key, &given),
            None => Err(Refusal::UnknownKey),
        };
        set.map_err(|refusal| ChangeError::BadValue {
            name: full_name,
            refusal,
            found: given.describe(),
        })
    }
}

/// Finds an option by its full name, or by its key where that is unambiguous.
fn find_option<T: ConfigFile>(
    config: &T,
    name: &str,
) -> Result<(&'static str, &'static str, Mutability), ChangeError> {
    let mut by_key = Vec::new();
    let mut full_names = Vec::new();
    for section in config.sections() {
        for option in section.options() {
            let found = (section.name(), option.key, option.mutability);
            let full_name = format!("{}.{}", section.name(), option.key);
            if full_name == name {
                return Ok(found);
            }
            if option.key == name {
                by_key.push(found);
            }
            full_names.push(full_name);
        }
    }
    match by_key.as_slice() {
        [only] => Ok(*only),
        _ => Err(ChangeError::Unknown {
            name: name.to_owned(),
            suggestion: nearest(name, full_names.iter().map(String::as_str)),
        }),
    }
}

/// Reads a configuration file.
///
/// # Errors
/// The file cannot be read, is no TOML, or holds anything that no option means; all problems of a
/// file are reported together, each with its line.
pub fn load<T: ConfigFile>(path: &Path) -> Result<T, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    parse(&text, &path.display().to_string())
}

/// Reads a configuration from a text; `origin` names it in errors.
///
/// # Errors
/// As [`load`].
pub fn parse<T: ConfigFile>(text: &str, origin: &str) -> Result<T, ConfigError> {
    let mut config = T::default();
    let mut problems = Vec::new();
    for heading in document::read(text, origin)? {
        take_heading(&mut config, heading, &mut problems);
    }
    if problems.is_empty() {
        Ok(config)
    } else {
        Err(ConfigError::Rejected {
            origin: origin.to_owned(),
            problems,
        })
    }
}

fn take_heading<T: ConfigFile>(config: &mut T, heading: Heading, problems: &mut Vec<Problem>) {
    let all_keys = keys_by_section(config);
    let Some(section) = config.section_mut(&heading.name) else {
        problems.push(unknown_section(&heading, &all_keys));
        return;
    };
    for setting in heading.settings {
        let Err(refusal) = section.set(&setting.key, &setting.given) else {
            continue;
        };
        let kind = match refusal {
            Refusal::UnknownKey => ProblemKind::UnknownKey {
                suggestion: nearest_key(&heading.name, &setting.key, &all_keys),
                section: heading.name.clone(),
                key: setting.key,
            },
            refusal => ProblemKind::BadValue {
                section: heading.name.clone(),
                key: setting.key,
                refusal,
                found: setting.given.describe(),
            },
        };
        problems.push(Problem {
            line: setting.line,
            kind,
        });
    }
}

type KeysBySection = Vec<(&'static str, Vec<&'static str>)>;

fn keys_by_section<T: ConfigFile>(config: &T) -> KeysBySection {
    let keys = |section: &dyn ConfigSection| section.options().iter().map(|o| o.key).collect();
    config
        .sections()
        .iter()
        .map(|section| (section.name(), keys(*section)))
        .collect()
}

fn unknown_section(heading: &Heading, all_keys: &KeysBySection) -> Problem {
    // Settings above the first heading: name the first of them instead of a nameless section.
    let stray = heading.settings.first().filter(|_| heading.name.is_empty());
    let kind = match stray {
        Some(setting) => ProblemKind::UnknownKey {
            section: String::new(),
            key: setting.key.clone(),
            suggestion: nearest_key("", &setting.key, all_keys),
        },
        None => ProblemKind::UnknownSection {
            section: heading.name.clone(),
            suggestion: nearest(&heading.name, all_keys.iter().map(|(name, _)| *name)),
        },
    };
    Problem {
        line: stray.map_or(heading.line, |setting| setting.line),
        kind,
    }
}

/// The nearest key of the same section, else the same or nearest key of another one.
fn nearest_key(section: &str, key: &str, all_keys: &KeysBySection) -> Option<String> {
    let own = all_keys
        .iter()
        .find(|(name, _)| *name == section)
        .and_then(|(_, keys)| nearest(key, keys.iter().copied()));
    let elsewhere = || {
        all_keys.iter().find_map(|(name, keys)| {
            let found = nearest(key, keys.iter().copied())?;
            Some(format!("{name}.{found}"))
        })
    };
    own.or_else(elsewhere)
}

/// How alike two names must be for one to be offered for the other. A guess that finds swapped,
/// missing and doubled letters and a wrong unit, and offers nothing for an unrelated word.
const LIKENESS_MIN: f64 = 0.8;

fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    candidates
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate.to_owned())
}

/// How much [`to_toml`] writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Only values that differ from their default.
    Changed,
    /// Every value.
    All,
}

/// Writes a configuration as a file that [`load`] reads back to the same value.
#[must_use]
pub fn to_toml<T: ConfigFile>(config: &T, detail: Detail) -> String {
    let mut text = String::new();
    for section in config.sections() {
        let mut lines = String::new();
        for option in section.options() {
            let value = section.value(option.key).unwrap_or_default();
            if detail == Detail::All || value != option.default {
                // Writing to a String cannot fail.
                let _ = writeln!(lines, "{} = {value}", option.key);
            }
        }
        if !lines.is_empty() {
            let gap = if text.is_empty() { "" } else { "\n" };
            let _ = write!(text, "{gap}[{}]\n{lines}", section.name());
        }
    }
    text
}

/// Declares a configuration: a struct of sections with `Default`, and its [`ConfigFile`].
#[macro_export]
macro_rules! config_file {
    (
        $(#[doc = $doc:literal])+
        $name:ident {
            $( $(#[doc = $field_doc:literal])+ $field:ident : $section:ty, )+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $( $(#[doc = $field_doc])+ pub $field: $section, )+
        }

        impl $crate::config::ConfigFile for $name {
            fn sections(&self) -> Vec<&dyn $crate::config::ConfigSection> {
                vec![$( &self.$field, )+]
            }

            fn section_mut(
                &mut self,
                name: &str,
            ) -> Option<&mut dyn $crate::config::ConfigSection> {
                $(
                    if $crate::config::ConfigSection::name(&self.$field) == name {
                        return Some(&mut self.$field);
                    }
                )+
                None
            }
        }
    };
}
