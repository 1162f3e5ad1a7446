//! The deliberate differences: a table in `docs/compatibility.md`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// How an answer may differ from the recorded one on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deviation {
    /// In every respect.
    AnyAnswer,
    /// In the scan context alone, and only so.
    ContextId {
        /// What the original answered.
        recorded: i64,
        /// What ours answers.
        ours: i64,
    },
}

/// A section of the transcript and a case in it.
pub type SectionAndCase = (String, String);

/// The cases whose answers differ from the recorded ones on purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deviations {
    by_case: BTreeMap<SectionAndCase, Deviation>,
}

const BEGIN: &str = "<!-- golden differences: begin -->";
const END: &str = "<!-- golden differences: end -->";

impl Deviations {
    /// How the answers of a case may differ, if they may.
    #[must_use]
    pub fn of(&self, section: &str, case: &str) -> Option<Deviation> {
        self.by_case
            .get(&(section.to_owned(), case.to_owned()))
            .copied()
    }

    /// Every case that is listed.
    pub fn cases(&self) -> impl Iterator<Item = &SectionAndCase> {
        self.by_case.keys()
    }

    fn parse(text: &str) -> Self {
        let table = text
            .split_once(BEGIN)
            .and_then(|(_, rest)| rest.split_once(END))
            .expect("the table of golden differences between its two marks")
            .0;
        let rows = table.lines().filter(|line| line.starts_with('|'));
        // The first two lines are the heading and its rule.
        let by_case = rows.skip(2).map(|row| {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            match cells.as_slice() {
                [section, case, difference, reason] if !reason.is_empty() => (
                    ((*section).to_owned(), (*case).to_owned()),
                    parse_difference(difference)
                        .unwrap_or_else(|| panic!("unknown difference '{difference}' in {row}")),
                ),
                _ => panic!("expected | section | case | difference | reason |, found {row}"),
            }
        });
        Self {
            by_case: by_case.collect(),
        }
    }
}

/// `any`, or ``context_id `0` -> `-1` `` with or without backticks.
fn parse_difference(cell: &str) -> Option<Deviation> {
    let cell = cell.replace('`', "");
    if cell == "any" {
        return Some(Deviation::AnyAnswer);
    }
    let (recorded, ours) = cell.strip_prefix("context_id ")?.split_once(" -> ")?;
    Some(Deviation::ContextId {
        recorded: recorded.parse().ok()?,
        ours: ours.parse().ok()?,
    })
}

/// Reads the list from the page that documents it.
///
/// # Panics
/// The page or its table is missing or malformed.
#[must_use]
pub fn read_deviations(page: &Path) -> Deviations {
    let text = fs::read_to_string(page)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", page.display()));
    Deviations::parse(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_between_the_marks_count() {
        let page = format!(
            "| a | b | c |\n{BEGIN}\n\n| Section | Case | Difference | Reason |\n|---|---|---|---|\n\
             | scan | range | `context_id 0 -> -1` | better so |\n| put | type | any | same |\n\n\
             {END}\n| x | y | z |\n"
        );
        let list = Deviations::parse(&page);
        let context = Deviation::ContextId {
            recorded: 0,
            ours: -1,
        };
        assert_eq!(list.of("scan", "range"), Some(context));
        assert_eq!(list.of("put", "type"), Some(Deviation::AnyAnswer));
        assert_eq!(list.of("put", "range"), None);
        assert_eq!(list.cases().count(), 2);
    }

    #[test]
    #[should_panic(expected = "unknown difference")]
    fn an_unknown_difference_is_refused() {
        let _ = Deviations::parse(&format!("{BEGIN}\n|a|\n|-|\n|a|b|somehow|c|\n{END}"));
    }
}
