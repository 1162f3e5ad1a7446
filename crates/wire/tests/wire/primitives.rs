//! The six hand-written types, byte by byte.

use std::fmt::Debug;

use bytes::{Bytes, BytesMut};
use pegasus_common::{ErrorCode, Gpid, HostPort, RpcAddress};
use pegasus_wire::{Message, Reader};
use serde_json::Value;

use crate::recorded::{hex, text, unhex, vector_file};

fn check<M: Message + PartialEq + Debug>(value: &M, bytes: &Bytes) {
    let mut encoded = BytesMut::new();
    value.encode(&mut encoded);
    assert_eq!(&encoded, bytes, "{value:?}");
    assert_eq!(M::decode(&mut Reader::new(bytes)).as_ref(), Ok(value));
    for cut in 0..bytes.len() {
        assert!(
            M::decode(&mut Reader::borrowed(&bytes[..cut])).is_err(),
            "{value:?} at {cut}"
        );
    }
}

fn number(record: &Value, member: &str) -> i32 {
    i32::try_from(record[member].as_i64().unwrap()).unwrap()
}

#[test]
fn primitive_values_have_the_recorded_bytes() {
    let Some(file) = vector_file("primitives.json") else {
        return;
    };
    let list = |member: &str| file[member].as_array().unwrap().clone();
    for record in list("gpid") {
        let gpid = Gpid::new(
            number(&record, "app_id"),
            number(&record, "partition_index"),
        );
        check(&gpid, &hex(&record, "i64_be_hex"));
    }
    for record in list("rpc_address") {
        let address = record["address"].as_str();
        let address: RpcAddress = address.map_or(RpcAddress::INVALID, |text| text.parse().unwrap());
        check(&address, &hex(&record, "i64_be_hex"));
    }
    for record in list("host_port") {
        let port = u16::try_from(number(&record, "port")).unwrap();
        check(
            &HostPort {
                host: text(&record, "host").to_owned(),
                port,
            },
            &hex(&record, "hex"),
        );
    }
    for record in list("error_code") {
        let code: ErrorCode = text(&record, "name").parse().unwrap();
        check(&code, &hex(&record, "hex"));
    }
    for record in list("task_code") {
        check(&text(&record, "name").to_owned(), &hex(&record, "hex"));
    }
    for record in list("blob") {
        check(&unhex(text(&record, "data_hex")), &hex(&record, "hex"));
    }
}
