//! Every message of the wire, as argument and as result.

use bytes::Bytes;
use pegasus_wire::argument;

use crate::input::Input;
use crate::memory::MemoryBound;
use crate::messages::MESSAGES;

/// First byte: which message the rest is read as.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let kind = input.one_of(MESSAGES);
    let body = Bytes::copy_from_slice(input.rest());
    MemoryBound::VALUES.check(body.len(), || (kind.check)(&body));
    let in_place = argument::blob(&body).map(Bytes::copy_from_slice);
    assert_eq!(in_place.ok(), argument::decode::<Bytes>(&body).ok());
}
