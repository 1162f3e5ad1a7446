//! What the log holds, and its bytes.
//!
//! Every record starts with the same six bytes; all numbers are little-endian.
//!
//! | offset | width | meaning |
//! |-------:|------:|---------|
//! | 0 | 4 | length of the body in bytes |
//! | 4 | 1 | kind |
//! | 5 | 1 | version of this kind's body; 1 |
//! | 6 | … | body |
//!
//! | kind | record | body |
//! |-----:|--------|------|
//! | 1 | mutation | gpid u64, ballot i64, decree i64, timestamp i64 (µs), last committed decree i64, CRC-32C of the payload u32, payload |
//! | 2 | ballot | gpid u64, ballot i64 |
//! | 3 | forget | gpid u64 |
//! | 4 | reset | gpid u64, ballot i64, decree i64 |
//! | 5 | vouch | gpid u64, ballot i64 |
//! | 0xE0 … | the log's own: see [`crate::own_record`] | |
//!
//! A gpid is packed as on the wire (`Gpid::to_u64`). Records carry no checksum of their own: the
//! sectors that hold them do, and a mutation's payload has its producer's.

use bytes::Bytes;
use pegasus_common::{Ballot, Decree, Gpid};

/// One mutation of one replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MutationRecord {
    /// The replica.
    pub gpid: Gpid,
    /// The ballot under which it was prepared.
    pub ballot: Ballot,
    /// Its position in the replica's history.
    pub decree: Decree,
    /// The primary's wall clock, microseconds since 1970.
    pub timestamp_us: i64,
    /// The last decree that was committed when this one was prepared.
    pub last_committed: Decree,
    /// CRC-32C of `payload`, computed by whoever made the payload; recovery compares.
    pub checksum: u32,
    /// What to apply; opaque to the log.
    pub payload: Bytes,
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A mutation was prepared.
    Mutation(MutationRecord),
    /// The replica's durable epoch. Never lost with a removed segment.
    Ballot {
        /// The replica.
        gpid: Gpid,
        /// Its ballot; ballots of a replica never decrease in the log.
        ballot: Ballot,
    },
    /// The replica was dropped here: its earlier records are void, also its ballot.
    Forget {
        /// The replica.
        gpid: Gpid,
    },
    /// The replica's state was replaced by a checkpoint that another replica gave it: its earlier
    /// mutations are void, and what was doubtful about it is settled. Also the first record of a
    /// replica that begins here with nothing, at decree 0.
    Reset {
        /// The replica.
        gpid: Gpid,
        /// The ballot under which it was given; raises the replica's ballot, so that a ballot that
        /// damage took from the log cannot matter any more.
        ballot: Ballot,
        /// The checkpoint's decree; the next mutation is the one after it.
        decree: Decree,
    },
    /// The meta server decided that this replica, as it is, is the partition's truth: what was
    /// doubtful about it when the log was opened is settled, for later restarts too. Its records
    /// stay.
    Vouch {
        /// The replica.
        gpid: Gpid,
        /// The ballot of the decision; raises the replica's ballot.
        ballot: Ballot,
    },
}

pub(crate) const RECORD_HEADER_BYTES: usize = 6;
pub(crate) const RECORD_VERSION: u8 = 1;
const MUTATION_FIXED_BYTES: usize = 44;
const KIND_MUTATION: u8 = 1;
const KIND_BALLOT: u8 = 2;
const KIND_FORGET: u8 = 3;
const KIND_RESET: u8 = 4;
const KIND_VOUCH: u8 = 5;

impl Record {
    /// The largest record, header included, that the format allows: 64 MiB. It bounds what
    /// recovery must hold in memory at once.
    pub const BYTES_MAX: usize = 64 << 20;

    /// The replica that it belongs to.
    #[must_use]
    pub fn gpid(&self) -> Gpid {
        match self {
            Self::Mutation(mutation) => mutation.gpid,
            Self::Ballot { gpid, .. }
            | Self::Forget { gpid }
            | Self::Reset { gpid, .. }
            | Self::Vouch { gpid, .. } => *gpid,
        }
    }

    /// Its size in the log, header included, without what sectors add (6 %).
    #[must_use]
    pub fn encoded_bytes(&self) -> usize {
        RECORD_HEADER_BYTES + self.body_bytes()
    }

    fn body_bytes(&self) -> usize {
        match self {
            Self::Mutation(mutation) => MUTATION_FIXED_BYTES + mutation.payload.len(),
            Self::Ballot { .. } | Self::Vouch { .. } => 16,
            Self::Reset { .. } => 24,
            Self::Forget { .. } => 8,
        }
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Mutation(_) => KIND_MUTATION,
            Self::Ballot { .. } => KIND_BALLOT,
            Self::Forget { .. } => KIND_FORGET,
            Self::Reset { .. } => KIND_RESET,
            Self::Vouch { .. } => KIND_VOUCH,
        }
    }

    /// Gives the encoded bytes to `put`, piece by piece. The payload is one piece: whoever takes
    /// it makes the only copy.
    pub(crate) fn encode(&self, mut put: impl FnMut(&[u8])) {
        put(&record_header(self.kind(), self.body_bytes()));
        put(&self.gpid().to_u64().to_le_bytes());
        match self {
            Self::Mutation(mutation) => {
                let mut fixed = [0; MUTATION_FIXED_BYTES - 8];
                fixed[0..8].copy_from_slice(&mutation.ballot.0.to_le_bytes());
                fixed[8..16].copy_from_slice(&mutation.decree.0.to_le_bytes());
                fixed[16..24].copy_from_slice(&mutation.timestamp_us.to_le_bytes());
                fixed[24..32].copy_from_slice(&mutation.last_committed.0.to_le_bytes());
                fixed[32..36].copy_from_slice(&mutation.checksum.to_le_bytes());
                put(&fixed);
                put(&mutation.payload);
            }
            Self::Ballot { ballot, .. } | Self::Vouch { ballot, .. } => {
                put(&ballot.0.to_le_bytes());
            }
            Self::Reset { ballot, decree, .. } => {
                put(&ballot.0.to_le_bytes());
                put(&decree.0.to_le_bytes());
            }
            Self::Forget { .. } => {}
        }
    }

    /// The record of `kind`, version 1; `None` if the kind is not one of a replica's records.
    pub(crate) fn decode(kind: u8, body: &[u8]) -> Option<Result<Self, MalformedRecord>> {
        let mut fields = Fields::new(body);
        let decoded = match kind {
            KIND_MUTATION => decode_mutation(&mut fields).map(Self::Mutation),
            KIND_BALLOT => fields.gpid().and_then(|gpid| {
                let ballot = Ballot(fields.i64()?);
                Ok(Self::Ballot { gpid, ballot })
            }),
            KIND_VOUCH => fields.gpid().and_then(|gpid| {
                let ballot = Ballot(fields.i64()?);
                Ok(Self::Vouch { gpid, ballot })
            }),
            KIND_FORGET => fields.gpid().map(|gpid| Self::Forget { gpid }),
            KIND_RESET => fields.gpid().and_then(|gpid| {
                let ballot = Ballot(fields.i64()?);
                let decree = Decree(fields.i64()?);
                Ok(Self::Reset {
                    gpid,
                    ballot,
                    decree,
                })
            }),
            _ => return None,
        };
        Some(decoded.and_then(|record| fields.finish().map(|()| record)))
    }
}

fn decode_mutation(fields: &mut Fields<'_>) -> Result<MutationRecord, MalformedRecord> {
    Ok(MutationRecord {
        gpid: fields.gpid()?,
        ballot: Ballot(fields.i64()?),
        decree: Decree(fields.i64()?),
        timestamp_us: fields.i64()?,
        last_committed: Decree(fields.i64()?),
        checksum: fields.u32()?,
        payload: Bytes::copy_from_slice(fields.rest()),
    })
}

/// The body of each mutation of `gpid` in a batch's content, from the last `Forget` or `Reset` of
/// the replica on; nothing is copied. Stops at what is no record.
pub(crate) fn mutation_bodies_of(gpid: Gpid, mut content: &[u8]) -> Vec<&[u8]> {
    let name = gpid.to_u64().to_le_bytes();
    let mut bodies = Vec::new();
    while let Some((header, rest)) = content.split_first_chunk::<RECORD_HEADER_BYTES>() {
        let [l0, l1, l2, l3, kind, _] = *header;
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let Some((body, rest)) = rest.split_at_checked(length) else {
            break;
        };
        match kind {
            KIND_MUTATION if body.starts_with(&name) => bodies.push(body),
            KIND_FORGET | KIND_RESET if body.starts_with(&name) => bodies.clear(),
            _ => {}
        }
        content = rest;
    }
    bodies
}

impl MutationRecord {
    /// The mutation with this body; `None` if it is none, or the payload does not fit its checksum.
    pub(crate) fn decode(body: &[u8]) -> Option<Self> {
        match decode_mutation(&mut Fields::new(body)) {
            Ok(mutation) => {
                (crc32c::crc32c(&mutation.payload) == mutation.checksum).then_some(mutation)
            }
            Err(MalformedRecord) => None,
        }
    }
}

/// The six bytes before a body.
///
/// # Panics
/// If the body is larger than the format allows; `submit` has refused such records.
pub(crate) fn record_header(kind: u8, body_bytes: usize) -> [u8; RECORD_HEADER_BYTES] {
    let length = u32::try_from(body_bytes).expect("a record is at most Record::BYTES_MAX long");
    let mut header = [0; RECORD_HEADER_BYTES];
    header[0..4].copy_from_slice(&length.to_le_bytes());
    header[4] = kind;
    header[5] = RECORD_VERSION;
    header
}

/// The body is shorter or longer than its kind demands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MalformedRecord;

/// Reads little-endian fields off a body, in order.
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub fn new(body: &'a [u8]) -> Self {
        Self { rest: body }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], MalformedRecord> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(MalformedRecord)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub fn u8(&mut self) -> Result<u8, MalformedRecord> {
        self.take::<1>().map(|[byte]| byte)
    }

    pub fn u16(&mut self) -> Result<u16, MalformedRecord> {
        self.take().map(u16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, MalformedRecord> {
        self.take().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, MalformedRecord> {
        self.take().map(u64::from_le_bytes)
    }

    pub fn i64(&mut self) -> Result<i64, MalformedRecord> {
        self.take().map(i64::from_le_bytes)
    }

    pub fn gpid(&mut self) -> Result<Gpid, MalformedRecord> {
        self.u64().map(Gpid::from_u64)
    }

    pub fn boot_id(&mut self) -> Result<[u8; 16], MalformedRecord> {
        self.take()
    }

    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Nothing may be left over.
    pub fn finish(&self) -> Result<(), MalformedRecord> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(MalformedRecord)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(record: &Record) -> Vec<u8> {
        let mut bytes = Vec::new();
        record.encode(|piece| bytes.extend_from_slice(piece));
        bytes
    }

    fn decoded(bytes: &[u8]) -> Option<Result<Record, MalformedRecord>> {
        Record::decode(bytes[4], &bytes[RECORD_HEADER_BYTES..])
    }

    #[test]
    fn bytes_are_as_the_table_says() {
        let mutation = Record::Mutation(MutationRecord {
            gpid: Gpid::new(2, 7),
            ballot: Ballot(3),
            decree: Decree(0x0102),
            timestamp_us: 4,
            last_committed: Decree(5),
            checksum: 0x0a0b_0c0d,
            payload: Bytes::from_static(b"xy"),
        });
        let mut expected = vec![46, 0, 0, 0, 1, 1, 2, 0, 0, 0, 7, 0, 0, 0];
        expected.extend_from_slice(&[3, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0]);
        expected.extend_from_slice(&[4, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0]);
        expected.extend_from_slice(&[0x0d, 0x0c, 0x0b, 0x0a, b'x', b'y']);
        assert_eq!(encoded(&mutation), expected);
        let gpid = Gpid::new(1, 0);
        assert_eq!(
            encoded(&Record::Forget { gpid }),
            [8, 0, 0, 0, 3, 1, 1, 0, 0, 0, 0, 0, 0, 0]
        );
    }

    fn any_record() -> impl Strategy<Value = Record> {
        let gpid = (any::<i32>(), any::<i32>()).prop_map(|(app, index)| Gpid::new(app, index));
        let mutation = (
            gpid.clone(),
            any::<[i64; 4]>(),
            any::<u32>(),
            proptest::collection::vec(any::<u8>(), 0..64),
        )
            .prop_map(
                |(gpid, [ballot, decree, timestamp_us, committed], checksum, payload)| {
                    Record::Mutation(MutationRecord {
                        gpid,
                        ballot: Ballot(ballot),
                        decree: Decree(decree),
                        timestamp_us,
                        last_committed: Decree(committed),
                        checksum,
                        payload: payload.into(),
                    })
                },
            );
        prop_oneof![
            mutation,
            (gpid.clone(), any::<i64>()).prop_map(|(gpid, ballot)| Record::Ballot {
                gpid,
                ballot: Ballot(ballot)
            }),
            gpid.clone().prop_map(|gpid| Record::Forget { gpid }),
            (gpid.clone(), any::<i64>()).prop_map(|(gpid, ballot)| Record::Vouch {
                gpid,
                ballot: Ballot(ballot)
            }),
            (gpid, any::<[i64; 2]>()).prop_map(|(gpid, [ballot, decree])| Record::Reset {
                gpid,
                ballot: Ballot(ballot),
                decree: Decree(decree)
            }),
        ]
    }

    proptest! {
        #[test]
        fn encoding_round_trips(record in any_record()) {
            let bytes = encoded(&record);
            prop_assert_eq!(bytes.len(), record.encoded_bytes());
            prop_assert_eq!(decoded(&bytes), Some(Ok(record)));
        }

        #[test]
        fn any_bytes_decode_or_are_refused(kind in 0_u8..8, body in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Record::decode(kind, &body);
            let _ = mutation_bodies_of(Gpid::new(1, 0), &body);
        }
    }
}
