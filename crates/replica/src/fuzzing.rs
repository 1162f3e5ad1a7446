//! What fuzz targets need and nobody else does: the readers of bytes that other servers send or that
//! lie on disk, without the server around them.

use bytes::Bytes;
use bytes::BytesMut;
use pegasus_wire::TaskCode;
use pegasus_wire::frame::RequestFrame;

use crate::disk::StoredAppInfo;
use crate::disk::checked_file;
use crate::learn::staging::Manifest;
use crate::peer_messages;

/// Room for any frame that [`read_peer_message`] makes.
const FRAME_BYTES_MAX: usize = 1 << 30;

/// Reads a message from another replica server; whether it is one.
///
/// # Panics
/// What is sent on from it is read as something else: a bug.
#[must_use]
pub fn read_peer_message(code: TaskCode, body: &Bytes) -> bool {
    let Ok(read) = peer_messages::decode(code, body) else {
        return false;
    };
    let app = read.app.as_deref().cloned().unwrap_or_default();
    let frame = peer_messages::encode(read.gpid, read.from, &app, &read.message);
    let frame = RequestFrame::split_from(&mut BytesMut::from(frame), FRAME_BYTES_MAX);
    let sent = frame.ok().flatten().expect("what is encoded is a frame");
    let code = sent.name.code().expect("a name that this version speaks");
    let again = peer_messages::decode(code, &sent.argument).expect("what is encoded is a message");
    // An invalid address is left out of a configuration, so the texts need not be those of `read`.
    assert_eq!(
        format!("{:?}", read.message),
        format!("{:?}", again.message)
    );
    assert_eq!((read.gpid, read.from), (again.gpid, again.from));
    true
}

/// Reads `json` as the content of each of the small files in a replica's directory, behind a header with
/// the right checksum, and `text` as a whole one; how many of them say something.
#[must_use]
pub fn read_small_files(text: &str, json: &str) -> usize {
    let app_info = checked_file::parse::<StoredAppInfo>;
    let manifest = checked_file::parse::<Manifest>;
    let format = checked_file::FileFormat {
        magic: "pegasus-fuzz",
        version: 1,
    };
    let checked = format!(
        "{} {} {:08x}\n{json}",
        format.magic,
        format.version,
        crc32c::crc32c(json.as_bytes())
    );
    [text, &checked]
        .into_iter()
        .map(|text| {
            let listed = manifest(text, format).ok();
            let listed = listed.filter(|files| files.is_acceptable() && files.total_bytes() > 0);
            usize::from(app_info(text, format).is_ok()) + usize::from(listed.is_some())
        })
        .sum()
}
