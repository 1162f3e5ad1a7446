//! What meta servers say to each other.

use pegasus_metastore::embedded::fuzzing;

use crate::memory::MemoryBound;

/// A message.
pub fn run(input: &[u8]) {
    MemoryBound::BUFFERS.check(input.len(), || fuzzing::is_message(input));
}
