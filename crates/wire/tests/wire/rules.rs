//! How lenient the decoder is, on one small message.

use bytes::Bytes;
use pegasus_wire::layer2::{AppInfo, AppStatus};
use pegasus_wire::rrdb::{MultiGetRequest, ScanRequest, TtlResponse};
use pegasus_wire::{DecodeError, Message, Reader};

fn decode<M: Message>(message: &[u8]) -> Result<M, DecodeError> {
    M::decode(&mut Reader::new(&Bytes::copy_from_slice(message)))
}

#[test]
fn fields_may_come_in_any_order_and_the_last_duplicate_wins() {
    let message = b"\x08\0\x02\0\0\0\x07\x08\0\x01\0\0\0\x01\x08\0\x02\0\0\0\x09\0";
    let decoded: TtlResponse = decode(message).unwrap();
    assert_eq!((decoded.error, decoded.ttl_seconds), (1, 9));
}

#[test]
fn missing_fields_keep_their_defaults() {
    assert_eq!(
        decode::<MultiGetRequest>(b"\0"),
        Ok(MultiGetRequest::default())
    );
    let table: AppInfo = decode(b"\0").unwrap();
    assert_eq!((table.init_partition_count, table.duplicating), (-1, None));
}

#[test]
fn unknown_fields_and_fields_of_another_type_are_skipped() {
    let message =
        b"\x0f\0\x63\x0b\0\0\0\x01\0\0\0\x02hi\x08\0\x01\0\0\0\x05\x0a\0\x01\0\0\0\0\0\0\0\x05\0";
    assert_eq!(decode(message), Ok(ScanRequest { context_id: 5 }));
}

#[test]
fn unknown_enum_values_survive() {
    let table: AppInfo = decode(b"\x08\0\x01\0\0\0\x63\0").unwrap();
    assert_eq!(table.status, AppStatus(99));
    assert_eq!(format!("{:?}", table.status), "AppStatus(99)");
    assert_eq!(format!("{:?}", AppStatus::AS_AVAILABLE), "AS_AVAILABLE");
}

#[test]
fn text_that_is_not_utf_8_is_refused() {
    let error = decode::<TtlResponse>(b"\x0b\0\x06\0\0\0\x01\xff\0");
    assert_eq!(error, Err(DecodeError::InvalidUtf8));
}

#[test]
fn a_list_of_a_million_empty_structs_is_not_worth_the_memory() {
    let mut message = Vec::from(*b"\x0f\0\x02\x0c\0\x0f\x42\x40");
    message.resize(message.len() + 1_000_001, 0);
    let error = decode::<pegasus_wire::rrdb::MultiPutRequest>(&message);
    assert_eq!(error, Err(DecodeError::TooManyElements));
}
