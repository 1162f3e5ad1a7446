//! What a test learns from its surroundings: files, and environment variables.

use std::env;
use std::path::{Path, PathBuf};

/// A number from an environment variable.
///
/// # Panics
/// It is set to something else.
#[must_use]
pub fn number_from_env(name: &str, default: u64) -> u64 {
    match env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name}={text} is no number")),
        Err(_) => default,
    }
}

/// The binary under test: `$PEGASUS_BIN`, or the one in the target directory of this test.
///
/// # Panics
/// There is none.
#[must_use]
pub fn binary() -> PathBuf {
    let path = match env::var_os("PEGASUS_BIN") {
        Some(path) => PathBuf::from(path),
        // <target>/<profile>/deps/<this test> -> <target>/<profile>/pegasus
        None => env::current_exe()
            .expect("a test knows its own file")
            .parent()
            .and_then(Path::parent)
            .expect("a test lies in <target>/<profile>/deps")
            .join("pegasus"),
    };
    assert!(
        path.is_file(),
        "there is no binary at {}: build it with `cargo build --workspace`, or use `make test`, \
         or name another one in PEGASUS_BIN",
        path.display()
    );
    path
}

/// The root of the checkout.
#[must_use]
pub fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the checkout")
        .to_owned()
}

/// Where the facts about the original system lie: `$PEGASUS_SHARED`, or `shared` beside the
/// checkout.
#[must_use]
pub fn shared_directory() -> PathBuf {
    env::var_os("PEGASUS_SHARED").map_or_else(|| checkout().join("../shared"), PathBuf::from)
}
