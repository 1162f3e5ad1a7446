//! The only place that writes results to the terminal.

use std::io;
use std::io::Write;

/// Prints one line of a command's result. A reader that has gone away (`| head`) is no error.
pub fn say(line: &str) {
    let mut out = io::stdout().lock();
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}

/// Prints one line about what went wrong.
pub fn complain(line: &str) {
    drop(writeln!(io::stderr().lock(), "{line}"));
}
