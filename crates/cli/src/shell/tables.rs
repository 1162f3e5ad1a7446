//! Output tables in upstream's two renderings, text and JSON (tools-and-apis.md section 1.1): the
//! same bytes that scripts around the original shell parse.

use serde_json::{Map, Value};

/// Spaces between columns.
const COLUMN_GAP: usize = 2;

/// Where a cell's padding goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Padding behind the text.
    Left,
    /// Padding before the text.
    Right,
}

/// Rows under column titles. The first cell of a row is its key in JSON.
#[derive(Clone, Debug)]
pub struct ColumnTable {
    name: &'static str,
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

impl ColumnTable {
    /// An empty table.
    #[must_use]
    pub fn new(name: &'static str, columns: &[(&'static str, Align)]) -> Self {
        Self {
            name,
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; missing cells are empty.
    pub fn row(&mut self, mut cells: Vec<String>) {
        cells.resize(self.columns.len(), String::new());
        self.rows.push(cells);
    }

    fn render(&self, text: &mut String) {
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|column| {
                let cells = self.rows.iter().map(|row| row[column].chars().count());
                let title = self.columns[column].0.len();
                cells.max().unwrap_or(0).max(title) + COLUMN_GAP
            })
            .collect();
        let titles = self.columns.iter().map(|(title, _)| *title);
        self.render_line(titles, &widths, text);
        for row in &self.rows {
            self.render_line(row.iter().map(String::as_str), &widths, text);
        }
    }

    fn render_line<'a>(
        &self,
        cells: impl Iterator<Item = &'a str>,
        widths: &[usize],
        text: &mut String,
    ) {
        for (position, cell) in cells.enumerate() {
            // Upstream never indents the first column.
            match (position, self.columns[position].1) {
                (1.., Align::Right) => text.push_str(&format!("{cell:>0$}", widths[position])),
                _ => text.push_str(&format!("{cell:<0$}", widths[position])),
            }
        }
        text.push('\n');
    }

    fn json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            let cells = self.columns.iter().zip(row);
            let cells: Map<String, Value> = cells
                .map(|((title, _), cell)| ((*title).to_owned(), Value::String(cell.clone())))
                .collect();
            (row[0].clone(), Value::Object(cells))
        });
        Value::Object(rows.collect())
    }
}

/// Name and value in each row.
#[derive(Clone, Debug)]
pub struct FieldTable {
    name: &'static str,
    fields: Vec<(String, String)>,
}

impl FieldTable {
    /// An empty table.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            fields: Vec::new(),
        }
    }

    /// Adds a row.
    #[must_use]
    #[allow(
        clippy::needless_pass_by_value,
        reason = "callers hand over numbers and temporaries"
    )]
    pub fn field(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.fields.push((name.into(), value.to_string()));
        self
    }

    fn render(&self, text: &mut String) {
        let width = |cells: &mut dyn Iterator<Item = &String>| {
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let name_width = width(&mut self.fields.iter().map(|(name, _)| name)) + COLUMN_GAP;
        let value_width = width(&mut self.fields.iter().map(|(_, value)| value));
        for (name, value) in &self.fields {
            text.push_str(&format!("{name:<name_width$}: {value:<value_width$}\n"));
        }
    }

    fn json(&self) -> Value {
        let fields = self.fields.iter();
        let fields = fields.map(|(name, value)| (name.clone(), Value::String(value.clone())));
        Value::Object(fields.collect())
    }
}

/// What one command prints: its tables in order.
#[derive(Clone, Debug, Default)]
pub struct Report {
    tables: Vec<Table>,
}

#[derive(Clone, Debug)]
enum Table {
    Columns(ColumnTable),
    Fields(FieldTable),
}

impl From<ColumnTable> for Report {
    fn from(table: ColumnTable) -> Self {
        Self::default().columns(table)
    }
}

impl From<FieldTable> for Report {
    fn from(table: FieldTable) -> Self {
        Self::default().fields(table)
    }
}

impl Report {
    /// Adds a table with columns.
    #[must_use]
    pub fn columns(mut self, table: ColumnTable) -> Self {
        self.tables.push(Table::Columns(table));
        self
    }

    /// Adds a table of fields.
    #[must_use]
    pub fn fields(mut self, table: FieldTable) -> Self {
        self.tables.push(Table::Fields(table));
        self
    }

    /// Aligned text; each table has its name in brackets and, unless it is alone, an empty line
    /// behind it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for table in &self.tables {
            let (name, render): (_, &dyn Fn(&mut String)) = match table {
                Table::Columns(table) => (table.name, &|text| table.render(text)),
                Table::Fields(table) => (table.name, &|text| table.render(text)),
            };
            if !name.is_empty() {
                text.push_str(&format!("[{name}]\n"));
            }
            render(&mut text);
            if self.tables.len() > 1 {
                text.push('\n');
            }
        }
        text
    }

    /// One object with a member for each named table; members of nameless tables stand in it
    /// directly. Every value is a string, as upstream's tools expect.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut outer = Map::new();
        for table in &self.tables {
            let (name, value) = match table {
                Table::Columns(table) => (table.name, table.json()),
                Table::Fields(table) => (table.name, table.json()),
            };
            match value {
                Value::Object(members) if name.is_empty() => outer.extend(members),
                value => {
                    outer.insert(name.to_owned(), value);
                }
            }
        }
        Value::Object(outer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes() -> ColumnTable {
        let mut table = ColumnTable::new(
            "details",
            &[
                ("address", Align::Left),
                ("status", Align::Left),
                ("replica_count", Align::Right),
                ("primary_count", Align::Right),
            ],
        );
        let cells = ["localhost:34801", "ALIVE", "12", "4"];
        table.row(cells.map(str::to_owned).to_vec());
        table
    }

    #[test]
    fn columns_are_aligned_as_the_original_shell_does() {
        assert_eq!(
            Report::from(nodes()).to_text(),
            "[details]\n\
             address          status    replica_count  primary_count\n\
             localhost:34801  ALIVE                12              4\n"
        );
    }

    #[test]
    fn fields_are_aligned_as_the_original_shell_does() {
        let table = FieldTable::new("general")
            .field("app_name", "temp")
            .field("app_id", 2)
            .field("max_replica_count", 3);
        assert_eq!(
            Report::from(table).to_text(),
            "[general]\n\
             app_name           : temp\n\
             app_id             : 2   \n\
             max_replica_count  : 3   \n"
        );
    }

    #[test]
    fn several_tables_are_separated_by_empty_lines() {
        let report = Report::from(nodes()).fields(FieldTable::new("").field("total", 1));
        assert!(report.to_text().ends_with("4\n\ntotal  : 1\n\n"));
    }

    #[test]
    fn json_has_strings_alone_and_inlines_nameless_tables() {
        let report = Report::from(nodes()).fields(FieldTable::new("").field("total", 1));
        assert_eq!(
            report.to_json(),
            serde_json::json!({
                "details": {"localhost:34801": {
                    "address": "localhost:34801", "status": "ALIVE",
                    "replica_count": "12", "primary_count": "4",
                }},
                "total": "1",
            })
        );
    }
}
