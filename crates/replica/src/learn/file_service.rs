//! Answers learners that read the files of a checkpoint. Only files of checkpoints on the shelf can
//! be read. What is read waits for its turn on the learning pool, behind the rate limits, so that
//! clients are served first.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use bytes::BytesMut;
use pegasus_common::ErrorCode;
use pegasus_common::clock::MonotonicMicros;
use pegasus_pacifica::CheckpointId;
use pegasus_wire::frame::response;
use pegasus_wire::replication::CheckpointFile;
use pegasus_wire::replication::ListCheckpointRequest;
use pegasus_wire::replication::ListCheckpointResponse;
use pegasus_wire::replication::ReadCheckpointRequest;
use pegasus_wire::replication::ReadCheckpointResponse;
use tracing::warn;

use crate::answers::RemoteAnswer;
use crate::node::Node;
use crate::shard::ShardMessage;
use crate::write_request::Requester;

/// Bytes of one answer. A learner that asks for more is refused.
pub const PART_BYTES_MAX: u32 = 16 << 20;

/// What a checkpoint consists of.
#[must_use]
pub fn list(node: &Node, request: &ListCheckpointRequest) -> ListCheckpointResponse {
    let id = CheckpointId(request.checkpoint_id);
    let Some(checkpoint) = node.learning.shelf.find(request.pid, id) else {
        return ListCheckpointResponse {
            err: ErrorCode::ObjectNotFound,
            files: Vec::new(),
        };
    };
    let files = checkpoint.files.iter();
    ListCheckpointResponse {
        err: ErrorCode::Ok,
        files: files
            .map(|file| CheckpointFile {
                name: file.name.clone(),
                size: i64::try_from(file.size).unwrap_or(i64::MAX),
            })
            .collect(),
    }
}

/// Reads a part of a file and answers it, sooner or later.
pub async fn read(node: Arc<Node>, request: ReadCheckpointRequest, requester: Requester) {
    let refuse = |err| ReadCheckpointResponse {
        err,
        ..ReadCheckpointResponse::default()
    };
    let id = CheckpointId(request.checkpoint_id);
    let found = node.learning.shelf.find(request.pid, id);
    let part = found.and_then(|checkpoint| {
        let (path, size) = checkpoint.file(&request.file_name)?;
        Some((path, part_of(&request, size)?, checkpoint.disk))
    });
    let Some((path, part, disk)) = part else {
        return answer(&node, requester, &refuse(ErrorCode::ObjectNotFound));
    };
    let bytes = u64::from(part.size);
    let wait = node
        .learning
        .sending
        .admit(disk, bytes, MonotonicMicros::now());
    tokio::time::sleep(wait).await;
    let node_of_job = Arc::clone(&node);
    let job = move || {
        let response = match read_part(&path, part) {
            Ok(content) => ReadCheckpointResponse {
                err: ErrorCode::Ok,
                crc32c: crc32c::crc32c(&content).cast_signed(),
                content,
            },
            Err(error) => {
                warn!(path = %path.display(), %error, "a learner's read of a checkpoint failed");
                refuse(ErrorCode::FileOperationFailed)
            }
        };
        answer(&node_of_job, requester, &response);
    };
    if node.learning.pool.submit(job).is_err() {
        answer(&node, requester, &refuse(ErrorCode::Busy));
    }
}

#[derive(Clone, Copy)]
struct Part {
    offset: u64,
    size: u32,
}

/// The part that is asked for, if the file has it.
fn part_of(request: &ReadCheckpointRequest, file_size: u64) -> Option<Part> {
    let offset = u64::try_from(request.offset).ok()?;
    let size = u32::try_from(request.size).ok()?;
    let end = offset.checked_add(u64::from(size))?;
    (end <= file_size && size <= PART_BYTES_MAX).then_some(Part { offset, size })
}

fn read_part(path: &Path, part: Part) -> std::io::Result<Bytes> {
    let mut content = vec![0; usize::try_from(part.size).unwrap_or(usize::MAX)];
    File::open(path)?.read_exact_at(&mut content, part.offset)?;
    Ok(content.into())
}

fn answer<M: pegasus_wire::Message>(node: &Node, requester: Requester, message: &M) {
    let mut frame = BytesMut::new();
    response::encode_ok(&mut frame, &requester.to.addressing(), message);
    let answer = RemoteAnswer::new(requester.to, frame);
    node.shards[requester.shard].send(ShardMessage::Answer(answer));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(offset: i64, size: i32) -> ReadCheckpointRequest {
        ReadCheckpointRequest {
            offset,
            size,
            ..ReadCheckpointRequest::default()
        }
    }

    #[test]
    fn parts_lie_within_their_file() {
        for (offset, size) in [(0, 10), (9, 1), (10, 0), (0, 0)] {
            assert!(
                part_of(&request(offset, size), 10).is_some(),
                "{offset}+{size}"
            );
        }
        for (offset, size) in [(0, 11), (10, 1), (-1, 1), (0, -1), (i64::MAX, i32::MAX)] {
            assert!(
                part_of(&request(offset, size), 10).is_none(),
                "{offset}+{size}"
            );
        }
        let size = i32::try_from(PART_BYTES_MAX + 1).unwrap();
        assert!(part_of(&request(0, size), 1 << 40).is_none());
    }

    #[test]
    fn a_part_is_read_as_it_stands_in_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("1.sst");
        std::fs::write(&path, b"0123456789").unwrap();
        let part = |offset, size| read_part(&path, Part { offset, size });
        assert_eq!(&part(3, 4).unwrap()[..], b"3456");
        assert!(part(8, 4).is_err(), "never fewer bytes than asked for");
    }
}
