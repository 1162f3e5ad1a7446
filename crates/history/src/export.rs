//! Histories as text: one JSON object per line and record, in any order.

use std::io;
use std::io::{BufRead, Write};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::histories::Histories;
use crate::record::Record;

/// Why a history cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The text cannot be read.
    #[error("cannot read the history")]
    Read(#[source] io::Error),
    /// A line is no record.
    #[error("line {line} is no record")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

#[derive(Serialize)]
struct LineOut<'a, O, A> {
    key: &'a str,
    #[serde(flatten)]
    record: &'a Record<O, A>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "O: DeserializeOwned, A: DeserializeOwned"))]
struct LineIn<O, A> {
    key: String,
    #[serde(flatten)]
    record: Record<O, A>,
}

/// Writes the records of all keys.
///
/// # Errors
/// The writer's.
pub fn write<O: Serialize, A: Serialize>(
    histories: &Histories<O, A>,
    mut to: impl Write,
) -> io::Result<()> {
    for (key, records) in histories.iter() {
        for record in records {
            serde_json::to_writer(&mut to, &LineOut { key, record })?;
            to.write_all(b"\n")?;
        }
    }
    to.flush()
}

/// Reads what [`write`](fn@write) has written.
///
/// # Errors
/// The text cannot be read or is not what [`write`](fn@write) writes.
pub fn read<O: DeserializeOwned, A: DeserializeOwned>(
    from: impl BufRead,
) -> Result<Histories<O, A>, ImportError> {
    let mut histories = Histories::new();
    for (index, line) in from.lines().enumerate() {
        let line = line.map_err(ImportError::Read)?;
        let parsed: LineIn<O, A> =
            serde_json::from_str(&line).map_err(|source| ImportError::Line {
                line: index + 1,
                source,
            })?;
        histories.push(parsed.key, parsed.record);
    }
    Ok(histories)
}
