//! Which partition a key belongs to: CRC-64 of its hash key, modulo the number of partitions
//! (data-semantics.md section 1.3).

use crate::key::{self, MalformedKey};

/// The polynomial of CRC-64/NVME, bits reversed.
const POLYNOMIAL: u64 = 0x9a6c_9329_ac4b_c9b5;

/// `TABLES[k][b]`: the effect of byte `b` standing `k` bytes before the end of an 8-byte block.
/// Eight tables let the loop take 8 bytes per step: hash keys are short, so the start-up cost of
/// the carry-less-multiplication libraries would dominate.
static TABLES: [[u64; 256]; 8] = make_tables();

#[allow(
    clippy::cast_possible_truncation,
    reason = "bytes are taken out of a word"
)]
const fn make_tables() -> [[u64; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ POLYNOMIAL
            } else {
                crc >> 1
            };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut distance = 1;
    while distance < 8 {
        let mut byte = 0;
        while byte < 256 {
            let previous = tables[distance - 1][byte];
            tables[distance][byte] = (previous >> 8) ^ tables[0][(previous & 0xff) as usize];
            byte += 1;
        }
        distance += 1;
    }
    tables
}

/// CRC-64/NVME of `data`.
#[must_use]
pub fn crc64(data: &[u8]) -> u64 {
    let mut crc = u64::MAX;
    let (blocks, rest) = data.as_chunks::<8>();
    for block in blocks {
        let word = (crc ^ u64::from_le_bytes(*block)).to_le_bytes();
        crc = 0;
        for (position, byte) in word.iter().enumerate() {
            crc ^= TABLES[7 - position][usize::from(*byte)];
        }
    }
    for byte in rest {
        crc = TABLES[0][usize::from(crc.to_le_bytes()[0] ^ byte)] ^ (crc >> 8);
    }
    !crc
}

/// The partition hash of a record. Records with an empty hash key are spread by their sort key.
#[must_use]
pub fn of_parts(hash_key: &[u8], sort_key: &[u8]) -> u64 {
    crc64(if hash_key.is_empty() {
        sort_key
    } else {
        hash_key
    })
}

/// The partition hash of a raw key.
///
/// # Errors
/// [`MalformedKey`] when the key is shorter than its length prefix says.
pub fn of_raw_key(raw_key: &[u8]) -> Result<u64, MalformedKey> {
    let parts = key::split(raw_key)?;
    Ok(of_parts(parts.hash_key, parts.sort_key))
}

/// The partition of a hash in a table of `partition_count` partitions; 0 for a table without any.
#[must_use]
#[allow(
    clippy::cast_possible_truncation,
    reason = "smaller than partition_count"
)]
pub fn partition_index(partition_hash: u64, partition_count: u32) -> u32 {
    partition_hash
        .checked_rem(u64::from(partition_count))
        .unwrap_or(0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors;

    #[test]
    fn crc64_has_the_catalogue_check_value() {
        assert_eq!(crc64(b""), 0);
        assert_eq!(crc64(b"123456789"), 0xae8b_1486_0a79_9888);
    }

    #[test]
    fn hashes_and_indices_match_the_official_clients() {
        for vector in vectors::load("partition_hash.json")["vectors"]
            .as_array()
            .unwrap()
        {
            let hash_key = vectors::hex(&vector["hash_key_hex"]);
            let expected =
                u64::from_str_radix(vector["partition_hash"].as_str().unwrap(), 16).unwrap();
            assert_eq!(crc64(&hash_key), expected);
            for (count, index) in vector["partition_index"].as_object().unwrap() {
                let found = partition_index(expected, count.parse().unwrap());
                assert_eq!(u64::from(found), index.as_u64().unwrap());
            }
        }
    }

    #[test]
    fn raw_keys_hash_by_hash_key_or_else_by_sort_key() {
        for vector in vectors::load("raw_key.json")["vectors"].as_array().unwrap() {
            let expected =
                u64::from_str_radix(vector["partition_hash"].as_str().unwrap(), 16).unwrap();
            assert_eq!(
                of_raw_key(&vectors::hex(&vector["raw_key_hex"])).unwrap(),
                expected
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn eight_bytes_at_a_time_equals_one_at_a_time(data: Vec<u8>) {
            let slow = data.iter().fold(u64::MAX, |crc, byte| {
                TABLES[0][usize::from(crc.to_le_bytes()[0] ^ byte)] ^ (crc >> 8)
            });
            proptest::prop_assert_eq!(crc64(&data), !slow);
        }
    }
}
