//! Where the recorded bytes are. They stay outside the repository.

use std::io::Read;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use flate2::read::GzDecoder;
use serde_json::Value;

/// `reference/` beside the checkout, or below the directory that `PEGASUS_SHARED` names. `None`, with
/// a line that says so, on a machine without it.
fn reference_dir() -> Option<PathBuf> {
    if let Some(shared) = std::env::var_os("PEGASUS_SHARED") {
        return Some(Path::new(&shared).join("reference"));
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference");
    if beside.exists() {
        return Some(beside);
    }
    println!(
        "skipped: no {}, and PEGASUS_SHARED is not set",
        beside.display()
    );
    None
}

fn read(relative: &str) -> Option<Vec<u8>> {
    let path = reference_dir()?.join(relative);
    Some(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// A file of `reference/vectors`.
pub fn vector_file(name: &str) -> Option<Value> {
    Some(serde_json::from_slice(&read(&format!("vectors/{name}"))?).unwrap())
}

/// The list in a file of `reference/vectors`; empty where there is no such directory.
pub fn vectors(name: &str) -> Vec<Value> {
    vector_file(name).map_or_else(Vec::new, |file| file["vectors"].as_array().unwrap().clone())
}

/// The golden transcript, one record per line; empty where it is missing.
pub fn golden_records() -> Vec<Value> {
    let Some(compressed) = read("golden/golden.jsonl.gz") else {
        return Vec::new();
    };
    let mut text = String::new();
    GzDecoder::new(&compressed[..])
        .read_to_string(&mut text)
        .unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The text of a member; panics where it is none.
pub fn text<'a>(record: &'a Value, member: &str) -> &'a str {
    record[member]
        .as_str()
        .unwrap_or_else(|| panic!("no text {member} in {record}"))
}

/// The bytes of a member in hexadecimal.
pub fn hex(record: &Value, member: &str) -> Bytes {
    unhex(text(record, member))
}

/// Bytes in hexadecimal.
pub fn unhex(text: &str) -> Bytes {
    let digit = |digit: u8| u8::try_from(char::from(digit).to_digit(16).unwrap()).unwrap();
    text.as_bytes()
        .chunks(2)
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}
