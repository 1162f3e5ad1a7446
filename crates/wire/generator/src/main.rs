//! `cargo run -p pegasus-idl-generator` writes the message types; with `--check` it changes nothing
//! and fails when they differ from what it would write.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pegasus_idl_generator::{GeneratorError, generate, stale_files, write};

/// What to do with the output.
enum Mode {
    Write,
    Check,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mode = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Mode::Write,
        ["--check"] => Mode::Check,
        _ => return fail("usage: pegasus-idl-generator [--check]"),
    };
    match run(&mode) {
        Ok(stale) if stale.is_empty() => ExitCode::SUCCESS,
        Ok(stale) => fail(&format!(
            "generated files differ from idl/: {}; run cargo run -p pegasus-idl-generator",
            stale.join(", ")
        )),
        Err(error) => fail(&error.to_string()),
    }
}

/// Returns the files that are not as they should be.
fn run(mode: &Mode) -> Result<Vec<String>, GeneratorError> {
    let (idl_dir, output_dir) = directories();
    let files = generate(&idl_dir)?;
    if let Mode::Write = mode {
        write(&files, &output_dir)?;
    }
    stale_files(&files, &output_dir)
}

/// The IDL and the generated code of the checkout that this program was built from.
fn directories() -> (PathBuf, PathBuf) {
    let generator = Path::new(env!("CARGO_MANIFEST_DIR"));
    (
        generator.join("../../../idl"),
        generator.join("../src/generated"),
    )
}

fn fail(message: &str) -> ExitCode {
    // Nothing is left to tell when standard error is closed.
    let _ = writeln!(io::stderr(), "{message}");
    ExitCode::FAILURE
}
