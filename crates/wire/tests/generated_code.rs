//! The committed message types are what the generator makes of `idl/`.

use std::path::Path;

use pegasus_idl_generator::{generate, stale_files};

#[test]
fn committed_code_is_what_the_idl_says() {
    let wire = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = generate(&wire.join("../../idl")).unwrap();
    let stale = stale_files(&files, &wire.join("src/generated")).unwrap();
    assert!(
        stale.is_empty(),
        "run `cargo run -p pegasus-idl-generator`: {stale:?}"
    );
}
