//! Where a learner reads a checkpoint: at the primary's server, over the network.

use std::time::Duration;

use bytes::Bytes;
use pegasus_common::ErrorCode;
use pegasus_common::Gpid;
use pegasus_common::RpcAddress;
use pegasus_pacifica::CheckpointId;
use pegasus_rpc::CallError;
use pegasus_rpc::RoutingHeader;
use pegasus_rpc::SessionPool;
use pegasus_wire::TaskCode;
use pegasus_wire::replication as wire;

use super::shelf::CheckpointFile;

const CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// A part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePart {
    /// Of this file.
    pub name: String,
    /// From here.
    pub offset: u64,
    /// This many bytes.
    pub size: u32,
}

/// A checkpoint cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// No answer, or none that makes sense.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The server that offered it refuses.
    #[error("the server that offered the checkpoint answers {0}")]
    Refused(ErrorCode),
    /// What arrived is not what was sent.
    #[error("{name} at {offset}: {reason}")]
    Damaged {
        /// Which file.
        name: String,
        /// Where in it.
        offset: u64,
        /// What is wrong.
        reason: &'static str,
    },
}

impl SourceError {
    /// Whether the same question may be answered when it is asked again.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Call(_) | Self::Damaged { .. } => true,
            Self::Refused(error) => *error == ErrorCode::Busy,
        }
    }
}

/// A checkpoint that can be read.
pub trait CheckpointSource: 'static {
    /// Its files.
    async fn list(&self) -> Result<Vec<CheckpointFile>, SourceError>;

    /// The bytes of a part: exactly as many as asked for, and verified.
    async fn read(&self, part: &FilePart) -> Result<Bytes, SourceError>;
}

/// A checkpoint on the shelf of another server.
#[derive(Clone)]
pub struct RemoteCheckpoint {
    /// The way there.
    pub pool: SessionPool,
    /// The server.
    pub server: RpcAddress,
    /// The partition.
    pub gpid: Gpid,
    /// Which one.
    pub id: CheckpointId,
}

impl CheckpointSource for RemoteCheckpoint {
    async fn list(&self) -> Result<Vec<CheckpointFile>, SourceError> {
        let request = wire::ListCheckpointRequest {
            pid: self.gpid,
            checkpoint_id: self.id.0,
        };
        let header = RoutingHeader::server(CALL_TIMEOUT);
        let answer = self
            .pool
            .call(self.server, TaskCode::ListCheckpoint, header, &request)
            .await?;
        let answer: wire::ListCheckpointResponse = answer.decode()?;
        if answer.err != ErrorCode::Ok {
            return Err(SourceError::Refused(answer.err));
        }
        let files = answer.files.into_iter();
        files
            .map(|file| match u64::try_from(file.size) {
                Ok(size) => Ok(CheckpointFile {
                    name: file.name,
                    size,
                }),
                Err(_) => Err(SourceError::Damaged {
                    name: file.name,
                    offset: 0,
                    reason: "its size is negative",
                }),
            })
            .collect()
    }

    async fn read(&self, part: &FilePart) -> Result<Bytes, SourceError> {
        let damaged = |reason| SourceError::Damaged {
            name: part.name.clone(),
            offset: part.offset,
            reason,
        };
        let request = wire::ReadCheckpointRequest {
            pid: self.gpid,
            checkpoint_id: self.id.0,
            file_name: part.name.clone(),
            offset: i64::try_from(part.offset).map_err(|_| damaged("it lies too far in"))?,
            size: i32::try_from(part.size).map_err(|_| damaged("it is too large"))?,
        };
        let header = RoutingHeader::server(CALL_TIMEOUT);
        let answer = self
            .pool
            .call(self.server, TaskCode::ReadCheckpoint, header, &request)
            .await?;
        let answer: wire::ReadCheckpointResponse = answer.decode()?;
        if answer.err != ErrorCode::Ok {
            return Err(SourceError::Refused(answer.err));
        }
        if u32::try_from(answer.content.len()) != Ok(part.size) {
            return Err(damaged("another number of bytes arrived"));
        }
        if crc32c::crc32c(&answer.content).cast_signed() != answer.crc32c {
            return Err(damaged("the checksum does not fit"));
        }
        Ok(answer.content)
    }
}
