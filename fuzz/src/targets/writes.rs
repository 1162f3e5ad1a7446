//! Writes of clients: decoded, and evaluated to what every replica applies.

use bytes::Bytes;
use pegasus_common::value::{self, ExpireTs, TimeTag};
use pegasus_common::{StorageStatus, key};
use pegasus_engine::payload::{HEADER_LEN, PayloadView};
use pegasus_engine::{
    CurrentValues, Evaluation, EvaluationTime, Lookup, MutationBuilder, WriteSettings, evaluate,
};
use pegasus_replica::DecodedWrite;
use pegasus_wire::TaskCode;
use pegasus_wire::frame::RequestHead;

use crate::input::Input;
use crate::memory::MemoryBound;

/// The requests that write.
pub const WRITES: [TaskCode; 7] = [
    TaskCode::Put,
    TaskCode::MultiPut,
    TaskCode::Remove,
    TaskCode::MultiRemove,
    TaskCode::Incr,
    TaskCode::CheckAndSet,
    TaskCode::CheckAndMutate,
];
/// Larger effects are refused before they are evaluated, as servers do (there with a larger number).
const EFFECT_BYTES_MAX: usize = 1 << 20;
const NOW_S: u32 = 300_000_000;

/// Storage in which the last byte of a key says what there is.
struct Stored;

impl CurrentValues for Stored {
    fn get(&mut self, raw_key: &[u8]) -> Lookup {
        assert!(key::split(raw_key).is_ok(), "storage is asked for raw keys");
        let stored = |expire_ts, user_data: &[u8]| {
            let header = value::header(ExpireTs(expire_ts), TimeTag::of_put(1, 1));
            Lookup::Value(Bytes::from([&header[..], user_data].concat()))
        };
        match raw_key.last() {
            Some(b'n') => stored(0, b"9223372036854775807"),
            Some(b't') => stored(NOW_S + 10, b"a text"),
            Some(b'e') => stored(NOW_S, b"17"),
            Some(b'c') => Lookup::Value(Bytes::from_static(b"cut")),
            Some(b'd') => Lookup::NotCached,
            Some(b'f') => Lookup::Failed(StorageStatus::Corruption),
            _ => Lookup::Absent,
        }
    }
}

/// First byte: which request the rest is the argument of.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let code = input.one_of(&WRITES);
    let body = Bytes::copy_from_slice(input.rest());
    let decode = || DecodedWrite::decode(code, &body);
    let Ok(Some(write)) = MemoryBound::VALUES.check(body.len(), decode) else {
        return;
    };
    let _ = write.hashes_fit(&RequestHead {
        partition_hash: 7,
        ..RequestHead::default()
    });
    let effect_bytes_max = write.effect_bytes_max();
    if effect_bytes_max > EFFECT_BYTES_MAX {
        return;
    }
    let time = EvaluationTime {
        timestamp_us: 1,
        now_epoch_s: NOW_S,
    };
    let settings = WriteSettings::default();
    let mut builder = MutationBuilder::new();
    // Evaluation reads what the write itself has changed, and holds effects twice while it grows.
    let bytes = body.len() + effect_bytes_max;
    let evaluation = MemoryBound::VALUES.check(bytes, || {
        evaluate(&mut builder, write.operation(), &mut Stored, time, settings)
    });
    let is_decided =
        matches!(&evaluation, Evaluation::Done(reply) if reply.status() == StorageStatus::Ok);
    assert!(is_decided || builder.is_empty(), "{evaluation:?}");
    let mutation = builder.finish();
    let effects = PayloadView::parse(&mutation.payload).expect("what is made can be applied");
    assert_eq!(effects.record_count(), mutation.record_count);
    let effect_bytes = mutation.payload.len().saturating_sub(HEADER_LEN);
    assert!(
        effect_bytes <= effect_bytes_max,
        "{effect_bytes} bytes, not {effect_bytes_max}"
    );
}
