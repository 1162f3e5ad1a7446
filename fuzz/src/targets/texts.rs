//! What is read from texts: ids, addresses, error names, table environments.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use pegasus_common::{ErrorCode, Gpid, HostPort, RpcAddress, key, value};
use pegasus_wire::TaskCode;

use crate::memory::MemoryBound;

/// All of it.
pub fn run(input: &[u8]) {
    MemoryBound::VALUES.check(input.len(), || {
        if let Ok(parts) = key::split(input) {
            let again = key::encode(parts.hash_key, parts.sort_key);
            assert_eq!(again.as_deref(), Ok(input));
        }
        if let Ok(parts) = value::split(input) {
            let header = value::header(parts.expire_ts, parts.time_tag);
            assert_eq!([&header[..], parts.user_data].concat(), input);
        }
        if let Some(code) = TaskCode::from_name(input) {
            assert_eq!(code.name().as_bytes(), input);
        }
        if let Ok(text) = str::from_utf8(input) {
            check::<Gpid>(text);
            check::<RpcAddress>(text);
            check::<HostPort>(text);
            check::<ErrorCode>(text);
        }
    });
}

/// What is read is read again from what it says of itself.
fn check<T: FromStr + Display + PartialEq + Debug>(text: &str) {
    if let Ok(read) = text.parse::<T>() {
        assert_eq!(read.to_string().parse::<T>().ok(), Some(read));
    }
}
