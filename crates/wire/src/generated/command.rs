// Made by pegasus-idl-generator from idl/; do not edit.

//! Commands that tools send to any server.

use bytes::BytesMut;

use crate::codec::FIELD_HEADER_LEN;
use crate::codec::{DecodeError, FieldType, Message, Reader, STOP_LEN, encode_stop};

/// Argument of RPC_CLI_CLI_CALL. The answer is a bare string.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Command {
    /// Name of the command.
    pub cmd: String,
    /// Its arguments.
    pub arguments: Vec<String>,
}

impl Message for Command {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut cmd = None;
        let mut arguments = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => cmd = Some(Message::decode(reader)?),
                (2, FieldType::LIST) => arguments = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            cmd: cmd.unwrap_or_default(),
            arguments: arguments.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.cmd.encode_field(out, 1);
        self.arguments.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.cmd.encoded_len_hint()
            + FIELD_HEADER_LEN + self.arguments.encoded_len_hint()
    }
}
