//! The raw key: how a record is addressed in RocksDB and in requests that carry one key
//! (data-semantics.md section 1).
//!
//! | offset | width | meaning |
//! |---|---|---|
//! | 0 | 2 | length of the hash key, big-endian, at most [`HASH_KEY_LEN_MAX`] |
//! | 2 | that length | hash key |
//! | then | the rest | sort key |
//!
//! So all records of one hash key lie together, ordered by sort key.

use crate::partition_hash;

/// Longest hash key: the length 65535 would leave no prefix above it.
pub const HASH_KEY_LEN_MAX: usize = 65534;

/// Width of the length in front of the hash key.
pub const LENGTH_PREFIX: usize = 2;

/// A raw key taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyParts<'a> {
    /// Chooses the partition.
    pub hash_key: &'a [u8],
    /// Orders the records of one hash key.
    pub sort_key: &'a [u8],
}

/// The bytes are no raw key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed raw key of {len} bytes: it is shorter than its length prefix says")]
pub struct MalformedKey {
    len: usize,
}

/// The hash key cannot be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("hash key of {len} bytes is longer than {HASH_KEY_LEN_MAX}")]
pub struct HashKeyTooLong {
    len: usize,
}

/// Why a raw key may not be written through a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyCheckError {
    /// The key itself is broken.
    #[error(transparent)]
    Malformed(#[from] MalformedKey),
    /// The client computed another hash, or sent the key of another request.
    #[error("partition hash {claimed:#018x} of the request is not {actual:#018x} of its key")]
    WrongPartitionHash {
        /// What the request header says.
        claimed: u64,
        /// What the key says.
        actual: u64,
    },
}

/// Takes a raw key apart.
///
/// # Errors
/// [`MalformedKey`] when the bytes are shorter than 2, or than their own length prefix, or when the
/// prefix is above [`HASH_KEY_LEN_MAX`].
pub fn split(raw_key: &[u8]) -> Result<KeyParts<'_>, MalformedKey> {
    let malformed = MalformedKey { len: raw_key.len() };
    let (length, rest) = raw_key
        .split_first_chunk::<LENGTH_PREFIX>()
        .ok_or(malformed)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if length > HASH_KEY_LEN_MAX {
        return Err(malformed);
    }
    let (hash_key, sort_key) = rest.split_at_checked(length).ok_or(malformed)?;
    Ok(KeyParts { hash_key, sort_key })
}

/// The length prefix and hash key at the front of a raw key: equal for all records of a hash key.
///
/// # Errors
/// As [`split`].
pub fn prefix(raw_key: &[u8]) -> Result<&[u8], MalformedKey> {
    let parts = split(raw_key)?;
    Ok(&raw_key[..LENGTH_PREFIX + parts.hash_key.len()])
}

/// The length prefix of a hash key.
///
/// # Errors
/// [`HashKeyTooLong`] above [`HASH_KEY_LEN_MAX`].
pub fn length_prefix(hash_key: &[u8]) -> Result<[u8; LENGTH_PREFIX], HashKeyTooLong> {
    match u16::try_from(hash_key.len()) {
        Ok(length) if hash_key.len() <= HASH_KEY_LEN_MAX => Ok(length.to_be_bytes()),
        _ => Err(HashKeyTooLong {
            len: hash_key.len(),
        }),
    }
}

/// Appends the raw key to `out`.
///
/// # Errors
/// As [`length_prefix`]; `out` is then unchanged.
pub fn encode_into(
    hash_key: &[u8],
    sort_key: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), HashKeyTooLong> {
    let length = length_prefix(hash_key)?;
    out.reserve(LENGTH_PREFIX + hash_key.len() + sort_key.len());
    out.extend_from_slice(&length);
    out.extend_from_slice(hash_key);
    out.extend_from_slice(sort_key);
    Ok(())
}

/// The raw key of a record.
///
/// # Errors
/// As [`length_prefix`].
pub fn encode(hash_key: &[u8], sort_key: &[u8]) -> Result<Vec<u8>, HashKeyTooLong> {
    let mut raw_key = Vec::new();
    encode_into(hash_key, sort_key, &mut raw_key)?;
    Ok(raw_key)
}

/// The least key above every key that begins with `prefix`: trailing `ff` bytes dropped, one added
/// to the last byte left. `None` when `prefix` is all `ff` (or empty), which no raw key's front is.
#[must_use]
pub fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != 0xff)?;
    let mut next = prefix[..=last].to_vec();
    next[last] += 1;
    Some(next)
}

/// Refuses a raw key that does not fit the partition hash in its request's header.
///
/// # Errors
/// [`KeyCheckError`]; upstream aborts the whole server in both cases.
pub fn check(raw_key: &[u8], claimed: u64) -> Result<(), KeyCheckError> {
    let actual = partition_hash::of_raw_key(raw_key)?;
    if actual == claimed {
        Ok(())
    } else {
        Err(KeyCheckError::WrongPartitionHash { claimed, actual })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors;

    #[test]
    fn encoding_and_successors_match_the_official_clients() {
        for vector in vectors::load("raw_key.json")["vectors"].as_array().unwrap() {
            let hash_key = vectors::hex(&vector["hash_key_hex"]);
            let sort_key = vectors::hex(&vector["sort_key_hex"]);
            let raw_key = vectors::hex(&vector["raw_key_hex"]);
            assert_eq!(encode(&hash_key, &sort_key).unwrap(), raw_key);
            let parts = split(&raw_key).unwrap();
            assert_eq!(
                (parts.hash_key, parts.sort_key),
                (&hash_key[..], &sort_key[..])
            );
            assert_eq!(
                successor(prefix(&raw_key).unwrap()).unwrap(),
                vectors::hex(&vector["next_of_hash_key_hex"])
            );
            assert_eq!(
                successor(&raw_key).unwrap(),
                vectors::hex(&vector["next_of_hash_and_sort_key_hex"])
            );
        }
    }

    #[test]
    fn malformed_keys_are_refused() {
        for bytes in [&b""[..], &[0], &[0, 1], &[0, 2, 1], &[0xff, 0xff]] {
            assert!(split(bytes).is_err());
            assert!(check(bytes, 0).is_err());
        }
        let longest_plus_one = [&[0xff, 0xff][..], &vec![0; 65535]].concat();
        assert!(split(&longest_plus_one).is_err());
        assert!(encode(&vec![0; 65535], b"").is_err());
        assert!(encode(&vec![0; 65534], b"").is_ok());
    }

    #[test]
    fn check_compares_the_hash() {
        let raw_key = encode(b"hk1", b"sk1").unwrap();
        assert_eq!(check(&raw_key, 0xb136_b82b_96d0_c625), Ok(()));
        assert!(matches!(
            check(&raw_key, 1),
            Err(KeyCheckError::WrongPartitionHash { .. })
        ));
    }

    proptest::proptest! {
        #[test]
        fn split_inverts_encode(hash_key: Vec<u8>, sort_key: Vec<u8>) {
            let raw_key = encode(&hash_key, &sort_key).unwrap();
            let parts = split(&raw_key).unwrap();
            proptest::prop_assert_eq!(parts.hash_key, &hash_key[..]);
            proptest::prop_assert_eq!(parts.sort_key, &sort_key[..]);
            let next = successor(prefix(&raw_key).unwrap()).unwrap();
            proptest::prop_assert!(raw_key < next);
        }

        #[test]
        fn any_bytes_are_split_or_refused(bytes: Vec<u8>) {
            let _ = split(&bytes);
        }
    }
}
