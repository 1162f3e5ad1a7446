//! The stored value, schema version 1 (data-semantics.md section 2).
//!
//! | offset | width | meaning |
//! |---|---|---|
//! | 0 | 4 | expire timestamp, big-endian: seconds since 2016-01-01 UTC; 0 = never |
//! | 4 | 8 | time tag, big-endian: `timestamp_us << 8 \| cluster_id << 1 \| deleted` |
//! | 12 | the rest | user data |

/// Unix time of 2016-01-01 00:00:00 UTC, where expire timestamps begin.
pub const EPOCH_UNIX_SECONDS: u64 = 1_451_606_400;

/// Bytes in front of the user data.
pub const HEADER_LEN: usize = 12;

/// Largest timestamp that a time tag holds: 56 bits of microseconds.
pub const TIMESTAMP_US_MAX: u64 = (1 << 56) - 1;

/// Largest cluster id that a time tag holds.
pub const CLUSTER_ID_MAX: u8 = 127;

/// When a record ends: seconds since 2016-01-01 UTC, as a value of its own so that it cannot be
/// mistaken for a duration. 0 is "never".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExpireTs(pub u32);

impl ExpireTs {
    /// The record has no TTL.
    pub const NEVER: Self = Self(0);

    /// The field of a request. Negative numbers mean dates after 2084, as they do upstream.
    #[must_use]
    pub const fn from_wire(seconds: i32) -> Self {
        Self(seconds.cast_unsigned())
    }

    /// The field of a response.
    #[must_use]
    pub const fn to_wire(self) -> i32 {
        self.0.cast_signed()
    }

    /// Whether the record is gone at `now_s` (seconds since 2016). The very second counts as gone.
    #[must_use]
    pub const fn is_expired(self, now_s: u32) -> bool {
        self.0 != 0 && self.0 <= now_s
    }

    /// This, or `now_s + default_ttl_s` when there is no TTL and the table has a default one.
    #[must_use]
    pub const fn or_default(self, default_ttl_s: u32, now_s: u32) -> Self {
        if self.0 == 0 && default_ttl_s != 0 {
            Self(now_s.saturating_add(default_ttl_s))
        } else {
            self
        }
    }

    /// The answer of the ttl operation for a live record: seconds left, or -1 without TTL. Beyond
    /// 2^31 seconds the number wraps to negative, as upstream's does.
    #[must_use]
    pub const fn ttl_seconds(self, now_s: u32) -> i32 {
        if self.0 == 0 {
            -1
        } else {
            self.0.wrapping_sub(now_s).cast_signed()
        }
    }
}

/// Seconds since 2016-01-01 UTC of a Unix time in seconds; clamped to what 32 bits hold.
#[must_use]
pub fn epoch_seconds(unix_seconds: u64) -> u32 {
    u32::try_from(unix_seconds.saturating_sub(EPOCH_UNIX_SECONDS)).unwrap_or(u32::MAX)
}

/// When and where a value was written; orders writes between duplicated clusters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeTag(pub u64);

impl TimeTag {
    /// The tag of a put. Numbers too large for their field are cut to its maximum.
    #[must_use]
    pub fn of_put(timestamp_us: u64, cluster_id: u8) -> Self {
        let timestamp_us = timestamp_us.min(TIMESTAMP_US_MAX);
        let cluster_id = cluster_id.min(CLUSTER_ID_MAX);
        Self(timestamp_us << 8 | u64::from(cluster_id) << 1)
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub const fn timestamp_us(self) -> u64 {
        self.0 >> 8
    }
}

/// A stored value taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    /// When the record ends.
    pub expire_ts: ExpireTs,
    /// When and where it was written.
    pub time_tag: TimeTag,
    /// What the user stored.
    pub user_data: &'a [u8],
}

/// The bytes are no stored value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed stored value of {len} bytes: the header alone has {HEADER_LEN}")]
pub struct MalformedValue {
    len: usize,
}

/// Takes a stored value apart.
///
/// # Errors
/// [`MalformedValue`] when it is shorter than its header.
pub fn split(stored: &[u8]) -> Result<Value<'_>, MalformedValue> {
    let malformed = MalformedValue { len: stored.len() };
    let (expire_ts, rest) = stored.split_first_chunk::<4>().ok_or(malformed)?;
    let (time_tag, user_data) = rest.split_first_chunk::<8>().ok_or(malformed)?;
    Ok(Value {
        expire_ts: ExpireTs(u32::from_be_bytes(*expire_ts)),
        time_tag: TimeTag(u64::from_be_bytes(*time_tag)),
        user_data,
    })
}

/// What stands in front of the user data.
#[must_use]
pub fn header(expire_ts: ExpireTs, time_tag: TimeTag) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header[..4].copy_from_slice(&expire_ts.0.to_be_bytes());
    header[4..].copy_from_slice(&time_tag.0.to_be_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors;

    #[test]
    fn version_1_values_match_the_official_server() {
        let vectors = vectors::load("value.json");
        let of_version_1 = vectors["vectors"].as_array().unwrap().iter();
        for vector in of_version_1.filter(|vector| vector["version"] == 1) {
            let stored = vectors::hex(&vector["raw_value_hex"]);
            let value = split(&stored).unwrap();
            assert_eq!(
                u64::from(value.expire_ts.0),
                vector["expire_ts"].as_u64().unwrap()
            );
            assert_eq!(
                value.time_tag.timestamp_us(),
                vector["timestamp_us"].as_u64().unwrap()
            );
            assert_eq!(value.user_data, vectors::hex(&vector["user_data_hex"]));
            let rebuilt = [
                &header(value.expire_ts, value.time_tag)[..],
                value.user_data,
            ]
            .concat();
            assert_eq!(rebuilt, stored);
            if vector["deleted_tag"] == 0 {
                let cluster_id = u8::try_from(vector["cluster_id"].as_u64().unwrap()).unwrap();
                assert_eq!(
                    TimeTag::of_put(value.time_tag.timestamp_us(), cluster_id),
                    value.time_tag
                );
            }
        }
    }

    #[test]
    fn expiry_matches_the_official_server() {
        for vector in vectors::load("value.json")["expiry"].as_array().unwrap() {
            let number = |name: &str| u32::try_from(vector[name].as_u64().unwrap()).unwrap();
            let expired = ExpireTs(number("expire_ts")).is_expired(number("epoch_now"));
            assert_eq!(expired, vector["expired"].as_bool().unwrap());
        }
    }

    #[test]
    fn default_ttl_fills_only_a_missing_one() {
        assert_eq!(ExpireTs::NEVER.or_default(0, 100), ExpireTs::NEVER);
        assert_eq!(ExpireTs::NEVER.or_default(10, 100), ExpireTs(110));
        assert_eq!(ExpireTs(5).or_default(10, 100), ExpireTs(5));
        assert_eq!(ExpireTs::NEVER.or_default(10, u32::MAX), ExpireTs(u32::MAX));
    }

    #[test]
    fn ttl_is_the_rest_and_negative_in_the_far_future() {
        assert_eq!(ExpireTs::NEVER.ttl_seconds(7), -1);
        assert_eq!(ExpireTs(8).ttl_seconds(7), 1);
        assert!(ExpireTs::from_wire(-5).ttl_seconds(300_000_000) < 0);
    }

    #[test]
    fn short_values_are_refused() {
        for len in 0..HEADER_LEN {
            assert!(split(&vec![0; len]).is_err());
        }
    }
}
