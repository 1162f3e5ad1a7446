//! What replica servers say to each other, and the payload of what they prepare.

use bytes::Bytes;
use pegasus_engine::payload::PayloadView;
use pegasus_replica::fuzzing;
use pegasus_wire::TaskCode;

use crate::input::Input;
use crate::memory::MemoryBound;

/// First byte: which request the rest is the argument of.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let code = input.one_of(TaskCode::ALL);
    let body = Bytes::copy_from_slice(input.rest());
    MemoryBound::VALUES.check(body.len(), || fuzzing::read_peer_message(code, &body));
    if let Ok(payload) = PayloadView::parse(&body) {
        let records = payload.records().count();
        assert_eq!(u32::try_from(records), Ok(payload.record_count()));
    }
}
