//! The deliberate differences: a table in `docs/compatibility.md`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Cases whose answers differ from the recorded ones on purpose, with the reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SkipList {
    reasons: BTreeMap<(String, String), String>,
}

const BEGIN: &str = "<!-- golden differences: begin -->";
const END: &str = "<!-- golden differences: end -->";

impl SkipList {
    /// Why a case is not compared, if so.
    #[must_use]
    pub fn reason(&self, section: &str, case: &str) -> Option<&str> {
        self.reasons
            .get(&(section.to_owned(), case.to_owned()))
            .map(String::as_str)
    }

    /// Section and case of every entry.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.reasons
            .keys()
            .map(|(section, case)| (section.as_str(), case.as_str()))
    }

    fn parse(text: &str) -> Self {
        let table = text
            .split_once(BEGIN)
            .and_then(|(_, rest)| rest.split_once(END))
            .expect("the table of golden differences between its two marks")
            .0;
        let rows = table.lines().filter(|line| line.starts_with('|'));
        // The first two lines are the heading and its rule.
        let reasons = rows.skip(2).map(|row| {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            match cells.as_slice() {
                [section, case, reason] if !reason.is_empty() => (
                    ((*section).to_owned(), (*case).to_owned()),
                    (*reason).to_owned(),
                ),
                _ => panic!("expected | section | case | reason |, found {row}"),
            }
        });
        Self {
            reasons: reasons.collect(),
        }
    }
}

/// Reads the list from the page that documents it.
///
/// # Panics
/// The page or its table is missing or malformed.
#[must_use]
pub fn read_skip_list(page: &Path) -> SkipList {
    let text = fs::read_to_string(page)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", page.display()));
    SkipList::parse(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_between_the_marks_count() {
        let page = format!(
            "| a | b | c |\n{BEGIN}\n\n| Section | Case | Reason |\n|---|---|---|\n\
             | scan | empty range | better so |\n\n{END}\n| x | y | z |\n"
        );
        let list = SkipList::parse(&page);
        assert_eq!(list.reason("scan", "empty range"), Some("better so"));
        assert_eq!(list.entries().count(), 1);
    }
}
