//! The configuration reference: what `docs/configuration.md` must say.

use std::fmt::Write as _;

use super::option::{Mutability, OptionInfo};
use super::section::ConfigSection;

/// The reference of some sections as Markdown: a heading and a table for each.
#[must_use]
pub fn reference_markdown(sections: &[&dyn ConfigSection]) -> String {
    let mut text = String::new();
    for section in sections {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "### `[{}]`\n\n{}\n",
            section.name(),
            one_line(section.description())
        );
        text.push_str("| Key | Type | Default | Run time | Meaning |\n|---|---|---|---|---|\n");
        for option in section.options() {
            let _ = writeln!(text, "{}", row(&option));
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn row(option: &OptionInfo) -> String {
    let range = option
        .range
        .as_ref()
        .map(|range| format!(", `{range}`"))
        .unwrap_or_default();
    let run_time = match option.mutability {
        Mutability::Fixed => "",
        Mutability::Mutable => "yes",
    };
    format!(
        "| `{}` | {}{range} | `{}` | {run_time} | {} |",
        option.key,
        option.value_type,
        option.default,
        one_line(option.description).replace('|', "\\|"),
    )
}

/// Doc comments arrive as lines that begin with a space.
fn one_line(description: &str) -> String {
    description.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The options, as `section.key`, whose row of the reference is missing from a Markdown text or
/// differs from the declaration.
#[must_use]
pub fn undocumented(sections: &[&dyn ConfigSection], markdown: &str) -> Vec<String> {
    let mut missing = Vec::new();
    for section in sections {
        let heading = format!("### `[{}]`", section.name());
        let body = markdown
            .split_once(&heading)
            .map_or("", |(_, rest)| rest.split("\n### ").next().unwrap_or(""));
        for option in section.options() {
            if !body.contains(&row(&option)) {
                missing.push(format!("{}.{}", section.name(), option.key));
            }
        }
    }
    missing
}
