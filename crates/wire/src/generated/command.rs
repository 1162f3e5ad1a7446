// Made by pegasus-idl-generator from idl/; do not edit.

//! Commands that tools send to any server.

use bytes::BytesMut;

use crate::codec::{FIELD_HEADER_LEN, encode_field_header};
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
        let mut message = Self::default();
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::STRING) => message.cmd = Message::decode(reader)?,
                (2, FieldType::LIST) => message.arguments = Message::decode(reader)?,
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(message)
    }

    fn encode(&self, out: &mut BytesMut) {
        encode_field_header(out, FieldType::STRING, 1);
        self.cmd.encode(out);
        encode_field_header(out, FieldType::LIST, 2);
        self.arguments.encode(out);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.cmd.encoded_len_hint()
            + FIELD_HEADER_LEN + self.arguments.encoded_len_hint()
    }
}
