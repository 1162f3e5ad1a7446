//! Raw keys (data-semantics.md section 1).

/// A hash key has fewer bytes than this.
pub const HASH_KEY_END: usize = 65_535;

/// The raw key of a record; `None` when the hash key is too long.
pub fn raw(hash_key: &[u8], sort_key: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(hash_key.len()).ok()?;
    if hash_key.len() >= HASH_KEY_END {
        return None;
    }
    Some([&length.to_be_bytes(), hash_key, sort_key].concat())
}

/// The hash key and the sort key; `None` when the bytes are no raw key.
pub fn split(raw_key: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = raw_key.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*length));
    if length == HASH_KEY_END {
        return None;
    }
    rest.split_at_checked(length)
}

/// The first key behind all that begin with the prefix; `None` when there is none.
pub fn next(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut next = prefix.to_vec();
    while next.last() == Some(&0xff) {
        next.pop();
    }
    *next.last_mut()? += 1;
    Some(next)
}

/// CRC-64/NVME, bit by bit.
fn crc64(bytes: &[u8]) -> u64 {
    let mut crc = !0_u64;
    for byte in bytes {
        crc ^= u64::from(*byte);
        for _ in 0..8 {
            let carry = crc & 1;
            crc >>= 1;
            if carry == 1 {
                crc ^= 0x9a6c_9329_ac4b_c9b5;
            }
        }
    }
    !crc
}

/// What decides to which partition a record belongs.
pub fn partition_hash(hash_key: &[u8], sort_key: &[u8]) -> u64 {
    crc64(if hash_key.is_empty() {
        sort_key
    } else {
        hash_key
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_as_described() {
        assert_eq!(crc64(b"123456789"), 0xae8b_1486_0a79_9888);
        assert_eq!(next(&raw(b"\xff\xff", b"").unwrap()), Some(vec![0, 3]));
        assert_eq!(next(&raw(b"", b"").unwrap()), Some(vec![0, 1]));
        assert_eq!(next(&[0xff, 0xff]), None);
        assert_eq!(split(b"\0\x01ab"), Some((&b"a"[..], &b"b"[..])));
        assert_eq!(split(b"\0\x02a"), None);
        assert_eq!(split(b"\0"), None);
        assert_eq!(raw(&[7; HASH_KEY_END], b""), None);
        assert_eq!(raw(&[7; HASH_KEY_END - 1], b"").unwrap().len(), 65_536);
        let longest = [&[0xff, 0xff], &[7; HASH_KEY_END][..]].concat();
        assert_eq!(split(&longest), None, "no such hash key is written");
    }
}
