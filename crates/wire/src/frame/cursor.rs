//! Fixed-width fields of a header that has not completely arrived yet.

/// The `u32` at `offset`, if it has arrived.
pub(super) fn u32_at(received: &[u8], offset: usize) -> Option<u32> {
    let field = received.get(offset..)?.first_chunk()?;
    Some(u32::from_be_bytes(*field))
}
