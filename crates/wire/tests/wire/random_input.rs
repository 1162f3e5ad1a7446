//! Bytes that nobody would send: a result or an error, never a panic and never much memory.

use bytes::{Bytes, BytesMut};
use pegasus_wire::frame::{RequestFrame, ResponseFrame};
use pegasus_wire::{Message, argument, failure_detector, layer2, meta_admin, replica_admin};
use pegasus_wire::{replication, rrdb};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::recorded::{golden_records, hex, vectors};

const LIMIT: usize = 1 << 16;

/// Tries the bytes as everything. The outcome does not matter.
fn try_everything(input: &[u8]) {
    let _ = RequestFrame::split_from(&mut BytesMut::from(input), LIMIT);
    let _ = ResponseFrame::split_from(&mut BytesMut::from(input), LIMIT);
    let _ = argument::blob(input);
    let input = Bytes::copy_from_slice(input);
    try_as::<rrdb::UpdateRequest>(&input);
    try_as::<rrdb::MultiPutRequest>(&input);
    try_as::<rrdb::CheckAndMutateRequest>(&input);
    try_as::<rrdb::GetScannerRequest>(&input);
    try_as::<layer2::QueryCfgResponse>(&input);
    try_as::<layer2::AppInfo>(&input);
    try_as::<meta_admin::ConfigurationQueryByNodeResponse>(&input);
    try_as::<replica_admin::QueryDiskInfoResponse>(&input);
    try_as::<replication::PrepareRequest>(&input);
    try_as::<failure_detector::BeaconMsg>(&input);
}

fn try_as<M: Message>(input: &Bytes) {
    let _ = argument::decode::<M>(input);
}

fn recorded_inputs() -> Vec<Bytes> {
    let requests = vectors("requests.json").into_iter();
    let frames = requests
        .chain(vectors("responses.json"))
        .map(|vector| hex(&vector, "hex"));
    let bodies = golden_records()
        .into_iter()
        .step_by(97)
        .flat_map(|record| [hex(&record, "args"), hex(&record, "resp_hex")])
        .filter(|body| body.len() < 1000);
    frames
        .chain(bodies)
        .filter(|input| !input.is_empty())
        .collect()
}

#[test]
fn recorded_bytes_with_any_one_byte_changed_are_harmless() {
    for input in recorded_inputs() {
        for position in 0..input.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut changed = input.to_vec();
                changed[position] ^= change;
                try_everything(&changed);
            }
        }
    }
}

/// Bytes that are often a type, a small id or a small size.
fn plausible_bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => Just(0),
        3 => 1u8..16,
        1 => any::<u8>(),
    ];
    vec(byte, 0..300)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn random_bytes_are_harmless(input in vec(any::<u8>(), 0..300)) {
        try_everything(&input);
    }

    #[test]
    fn plausible_bytes_are_harmless(input in plausible_bytes()) {
        try_everything(&input);
        for head in [&b"THFT\0\0\0\0\0\0\0\x30"[..], b"THFT\0\0\0\x01\0\0\0\x10\0\0\0\x40"] {
            try_everything(&[head, &input].concat());
        }
    }
}
