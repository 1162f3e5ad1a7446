//! Reads the test vectors of the official clients and servers.

use std::path::PathBuf;

/// One vector file. `PEGASUS_SHARED` names the folder that holds `reference/`, by default the
/// sibling `shared` of the checkout.
pub(crate) fn load(name: &str) -> serde_json::Value {
    let shared = std::env::var_os("PEGASUS_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let path = shared.join("reference/vectors").join(name);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The bytes of a hexadecimal string.
pub(crate) fn hex(text: &serde_json::Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    (0..text.len())
        .step_by(2)
        .map(|start| u8::from_str_radix(&text[start..start + 2], 16).unwrap())
        .collect()
}
