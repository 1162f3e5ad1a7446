//! The header of a request frame, in both versions. Its sizes are judged as soon as they have
//! arrived, so that nobody waits for, or makes room for, a body that will be refused.
//!
//! Version 0, 48 bytes: `THFT`, version, header length (48), header CRC (ignored), body length, body
//! CRC (ignored), table, partition, timeout, thread hash, partition hash (`u64`); all but the last
//! are 4 bytes wide. Version 1, 16 bytes: `THFT`, version, meta length, body length; the
//! `request_meta` struct follows, then the body.

use bytes::{BufMut, BytesMut};
use pegasus_common::Gpid;

use super::FrameError;
use super::cursor::u32_at;
use crate::codec::{Message, Reader};
use crate::layer2::RequestMeta;

pub(super) const MAGIC: [u8; 4] = *b"THFT";
/// Length of a version 0 header, in bytes.
pub(super) const V0_LEN: usize = 48;
/// Length of a version 1 header without its meta struct, in bytes.
pub(super) const V1_LEN: usize = 16;

const VERSION_0: u32 = 0;
const VERSION_1: u32 = 1;

const VERSION_OFFSET: usize = 4;
const V0_HEADER_LEN_OFFSET: usize = 8;
const V0_BODY_LEN_OFFSET: usize = 16;
const V0_ROUTING_OFFSET: usize = 24;
const V1_META_LEN_OFFSET: usize = 8;
const V1_BODY_LEN_OFFSET: usize = 12;

/// Where the parts of a frame lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameLayout {
    pub version: HeaderVersion,
    /// Offset of the body, in bytes.
    pub body_offset: usize,
    /// Length of the whole frame, in bytes.
    pub frame_len: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderVersion {
    V0,
    V1,
}

/// The routing fields of either version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Routing {
    pub gpid: Gpid,
    pub timeout_ms: u32,
    pub thread_hash: i32,
    pub partition_hash: u64,
    pub is_backup_request: bool,
}

impl FrameLayout {
    /// Reads the sizes from the begin of a frame; `None` means that they have not arrived yet.
    #[inline]
    pub(super) fn parse(received: &[u8], limit: usize) -> Result<Option<Self>, FrameError> {
        let Some(magic) = received.first_chunk::<4>() else {
            return Ok(None);
        };
        if *magic != MAGIC {
            return Err(FrameError::Magic(*magic));
        }
        match u32_at(received, VERSION_OFFSET) {
            None => Ok(None),
            Some(VERSION_0) => Self::parse_v0(received, limit),
            Some(VERSION_1) => Self::parse_v1(received, limit),
            Some(other) => Err(FrameError::HeaderVersion(other)),
        }
    }

    fn parse_v0(received: &[u8], limit: usize) -> Result<Option<Self>, FrameError> {
        let Some(header_len) = u32_at(received, V0_HEADER_LEN_OFFSET) else {
            return Ok(None);
        };
        if usize::try_from(header_len) != Ok(V0_LEN) {
            return Err(FrameError::HeaderLength(header_len));
        }
        let Some(body_len) = u32_at(received, V0_BODY_LEN_OFFSET) else {
            return Ok(None);
        };
        let frame_len = within(V0_LEN as u64 + u64::from(body_len), limit)?;
        Ok(Some(Self {
            version: HeaderVersion::V0,
            body_offset: V0_LEN,
            frame_len,
        }))
    }

    fn parse_v1(received: &[u8], limit: usize) -> Result<Option<Self>, FrameError> {
        let (Some(meta_len), Some(body_len)) = (
            u32_at(received, V1_META_LEN_OFFSET),
            u32_at(received, V1_BODY_LEN_OFFSET),
        ) else {
            return Ok(None);
        };
        let body_offset = V1_LEN as u64 + u64::from(meta_len);
        let frame_len = within(body_offset + u64::from(body_len), limit)?;
        let body_offset = within(body_offset, limit)?;
        Ok(Some(Self {
            version: HeaderVersion::V1,
            body_offset,
            frame_len,
        }))
    }
}

/// The length, if the limit admits it.
fn within(len: u64, limit: usize) -> Result<usize, FrameError> {
    match usize::try_from(len) {
        Ok(fitting) if fitting <= limit => Ok(fitting),
        _ => Err(FrameError::TooLarge { len, limit }),
    }
}

impl Routing {
    /// Reads the routing fields of a complete frame with this layout.
    #[inline]
    pub(super) fn parse(frame: &[u8], layout: FrameLayout) -> Result<Self, FrameError> {
        match layout.version {
            HeaderVersion::V0 => Self::parse_v0(&frame[V0_ROUTING_OFFSET..layout.body_offset]),
            HeaderVersion::V1 => Self::parse_v1(&frame[V1_LEN..layout.body_offset]),
        }
        .map_err(FrameError::Meta)
    }

    #[inline]
    fn parse_v0(fields: &[u8]) -> Result<Self, crate::DecodeError> {
        let mut reader = Reader::borrowed(fields);
        let app_id = i32::decode(&mut reader)?;
        let partition_index = i32::decode(&mut reader)?;
        Ok(Self {
            gpid: Gpid::new(app_id, partition_index),
            timeout_ms: known_timeout(i32::decode(&mut reader)?),
            thread_hash: i32::decode(&mut reader)?,
            partition_hash: i64::decode(&mut reader)?.cast_unsigned(),
            is_backup_request: false,
        })
    }

    fn parse_v1(meta: &[u8]) -> Result<Self, crate::DecodeError> {
        let meta = RequestMeta::decode(&mut Reader::borrowed(meta))?;
        let gpid = Gpid::new(meta.app_id, meta.partition_index);
        Ok(Self {
            gpid,
            timeout_ms: known_timeout(meta.client_timeout),
            thread_hash: gpid.thread_hash(),
            partition_hash: meta.partition_hash.cast_unsigned(),
            is_backup_request: meta.is_backup_request,
        })
    }

    /// Appends a header for a body whose length [`patch_body_len`] fills in later. Version 0, unless
    /// only version 1 can say what is to be said.
    pub(super) fn encode(&self, out: &mut BytesMut) -> FrameLayout {
        out.put_slice(&MAGIC);
        let timeout_ms = i32::try_from(self.timeout_ms).unwrap_or(i32::MAX);
        if self.is_backup_request {
            let meta = RequestMeta {
                app_id: self.gpid.app_id.0,
                partition_index: self.gpid.partition_index.0,
                client_timeout: timeout_ms,
                partition_hash: self.partition_hash.cast_signed(),
                is_backup_request: true,
            };
            let meta_len = meta.encoded_len_hint();
            out.put_u32(VERSION_1);
            out.put_u32(u32::try_from(meta_len).unwrap_or(u32::MAX));
            out.put_u32(0);
            meta.encode(out);
            let body_offset = V1_LEN + meta_len;
            FrameLayout {
                version: HeaderVersion::V1,
                body_offset,
                frame_len: body_offset,
            }
        } else {
            out.put_u32(VERSION_0);
            out.put_u32(u32::try_from(V0_LEN).unwrap_or(u32::MAX));
            out.put_slice(&[0; 12]);
            out.put_i32(self.gpid.app_id.0);
            out.put_i32(self.gpid.partition_index.0);
            out.put_i32(timeout_ms);
            out.put_i32(self.thread_hash);
            out.put_u64(self.partition_hash);
            FrameLayout {
                version: HeaderVersion::V0,
                body_offset: V0_LEN,
                frame_len: V0_LEN,
            }
        }
    }
}

/// Writes the length of the body into the header of `frame`, which ends with the body.
pub(super) fn patch_body_len(frame: &mut [u8], layout: FrameLayout) {
    let body_len = u32::try_from(frame.len() - layout.body_offset).unwrap_or(u32::MAX);
    let offset = match layout.version {
        HeaderVersion::V0 => V0_BODY_LEN_OFFSET,
        HeaderVersion::V1 => V1_BODY_LEN_OFFSET,
    };
    frame[offset..offset + 4].copy_from_slice(&body_len.to_be_bytes());
}

/// Zero and below stand for "unknown".
fn known_timeout(timeout_ms: i32) -> u32 {
    u32::try_from(timeout_ms).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_judged_before_the_body_arrives() {
        let mut header = Vec::from(*b"THFT\0\0\0\0\0\0\0\x30\0\0\0\0");
        assert_eq!(FrameLayout::parse(&header, 100), Ok(None));
        header.extend(1000u32.to_be_bytes());
        let error = FrameLayout::parse(&header, 1000).unwrap_err();
        assert_eq!(
            error,
            FrameError::TooLarge {
                len: 1048,
                limit: 1000
            }
        );
        assert!(FrameLayout::parse(&header, 1048).unwrap().is_some());
    }

    #[test]
    fn version_1_sizes_cannot_overflow() {
        let header = b"THFT\0\0\0\x01\xff\xff\xff\xff\xff\xff\xff\xff";
        let error = FrameLayout::parse(header, 1 << 20).unwrap_err();
        assert!(matches!(error, FrameError::TooLarge { .. }), "{error}");
    }

    #[test]
    fn strange_headers_are_named() {
        let magic = FrameLayout::parse(b"HTTP", 100).unwrap_err();
        assert_eq!(magic, FrameError::Magic(*b"HTTP"));
        let version = FrameLayout::parse(b"THFT\0\0\0\x02", 100).unwrap_err();
        assert_eq!(version, FrameError::HeaderVersion(2));
        let length = FrameLayout::parse(b"THFT\0\0\0\0\0\0\0\x31", 100).unwrap_err();
        assert_eq!(length, FrameError::HeaderLength(0x31));
    }
}
