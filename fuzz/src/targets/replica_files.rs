//! The small files in a replica's directory.

use pegasus_replica::fuzzing;

use crate::memory::MemoryBound;

/// All of it: a file, and the content of one whose header is right.
pub fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    MemoryBound::VALUES.check(text.len(), || fuzzing::read_small_files(&text, &text));
}
