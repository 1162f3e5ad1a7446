//! A TOML text as a flat list of settings: section, key, value, and the line of each.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::option::Given;
use super::problem::ConfigError;

/// A heading of the file.
pub(super) struct Heading {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) settings: Vec<Setting>,
}

/// One `key = value` line.
pub(super) struct Setting {
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) given: Given,
}

/// Reads a text into its headings. Nested tables get dotted names; a table that only holds tables
/// is left out. Settings before the first heading stand under the empty name.
pub(super) fn read(text: &str, origin: &str) -> Result<Vec<Heading>, ConfigError> {
    let lines = LineIndex::of(text);
    let root = DeTable::parse(text).map_err(|error| ConfigError::Syntax {
        origin: origin.to_owned(),
        line: error.span().map_or(1, |span| lines.line_of(&span)),
        message: error.message().to_owned(),
    })?;
    let mut headings = Vec::new();
    collect("", 1, root.get_ref(), &lines, &mut headings);
    headings.sort_by_key(|heading| heading.line);
    Ok(headings)
}

fn collect(
    name: &str,
    line: usize,
    table: &DeTable<'_>,
    lines: &LineIndex,
    headings: &mut Vec<Heading>,
) {
    let mut settings = Vec::new();
    for (key, value) in table {
        let line = lines.line_of(&key.span());
        match value.get_ref() {
            DeValue::Table(inner) => {
                let inner_name = match name {
                    "" => key.get_ref().to_string(),
                    outer => format!("{outer}.{}", key.get_ref()),
                };
                collect(&inner_name, line, inner, lines, headings);
            }
            plain => settings.push(Setting {
                key: key.get_ref().to_string(),
                line,
                given: given(plain),
            }),
        }
    }
    settings.sort_by_key(|setting| setting.line);
    let has_inner_tables = table.values().any(|value| value.get_ref().is_table());
    let is_empty_section = settings.is_empty() && !has_inner_tables && !name.is_empty();
    if !settings.is_empty() || is_empty_section {
        headings.push(Heading {
            name: name.to_owned(),
            line,
            settings,
        });
    }
}

fn given(value: &DeValue<'_>) -> Given {
    match value {
        DeValue::Boolean(value) => Given::Boolean(*value),
        DeValue::Integer(value) => i64::from_str_radix(value.as_str(), value.radix())
            .map_or(Given::Other("number beyond 64 bits"), Given::Integer),
        DeValue::Float(value) => value
            .as_str()
            .parse()
            .map_or(Given::Other("malformed number"), Given::Float),
        DeValue::String(value) => Given::Text(value.to_string()),
        DeValue::Array(items) => {
            Given::List(items.iter().map(|item| given(item.get_ref())).collect())
        }
        DeValue::Datetime(_) => Given::Other("date"),
        DeValue::Table(_) => Given::Other("table"),
    }
}

/// Where each line of a text begins.
struct LineIndex {
    starts: Vec<usize>,
}

impl LineIndex {
    fn of(text: &str) -> Self {
        let after_newlines = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            starts: std::iter::once(0).chain(after_newlines).collect(),
        }
    }

    /// The line, from 1, in which a span begins.
    fn line_of(&self, span: &Range<usize>) -> usize {
        self.starts.partition_point(|&start| start <= span.start)
    }
}
