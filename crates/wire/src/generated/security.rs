// Made by pegasus-idl-generator from idl/; do not edit.

//! Authentication of a connection, before any other request (wire-protocol.md section 9).

use bytes::{Bytes, BytesMut};

use crate::codec::wire_enum;
use crate::codec::FIELD_HEADER_LEN;
use crate::codec::{DecodeError, FieldType, Message, Reader, STOP_LEN, encode_stop};

wire_enum! {
    /// A step of the negotiation.
    NegotiationStatus {
        /// Never sent.
        INVALID = 0, "INVALID";
        /// Client asks for the mechanisms.
        SASL_LIST_MECHANISMS = 1, "SASL_LIST_MECHANISMS";
        /// Server names them, joined by commas.
        SASL_LIST_MECHANISMS_RESP = 2, "SASL_LIST_MECHANISMS_RESP";
        /// Client chooses one.
        SASL_SELECT_MECHANISMS = 3, "SASL_SELECT_MECHANISMS";
        /// Server agrees.
        SASL_SELECT_MECHANISMS_RESP = 4, "SASL_SELECT_MECHANISMS_RESP";
        /// Client's initial response.
        SASL_INITIATE = 5, "SASL_INITIATE";
        /// Server's challenge.
        SASL_CHALLENGE = 6, "SASL_CHALLENGE";
        /// Client's answer.
        SASL_CHALLENGE_RESP = 7, "SASL_CHALLENGE_RESP";
        /// Authenticated.
        SASL_SUCC = 8, "SASL_SUCC";
        /// Server does not authenticate; the client goes on.
        SASL_AUTH_DISABLE = 9, "SASL_AUTH_DISABLE";
        /// Never sent: failure closes the connection.
        SASL_AUTH_FAIL = 10, "SASL_AUTH_FAIL";
    }
}

/// Argument of RPC_NEGOTIATION.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NegotiationRequest {
    /// Step of the client.
    pub status: NegotiationStatus,
    /// What the step carries.
    pub msg: Bytes,
}

impl Message for NegotiationRequest {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut status = None;
        let mut msg = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => status = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => msg = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            status: status.unwrap_or_default(),
            msg: msg.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.status.encode_field(out, 1);
        self.msg.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.status.encoded_len_hint()
            + FIELD_HEADER_LEN + self.msg.encoded_len_hint()
    }
}

/// Answer to a negotiation step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NegotiationResponse {
    /// Step of the server.
    pub status: NegotiationStatus,
    /// What the step carries.
    pub msg: Bytes,
}

impl Message for NegotiationResponse {
    const FIELD_TYPE: FieldType = FieldType::STRUCT;
    const MIN_LEN: usize = STOP_LEN;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut status = None;
        let mut msg = None;
        while let Some(field) = reader.field()? {
            match (field.id, field.field_type) {
                (1, FieldType::I32) => status = Some(Message::decode(reader)?),
                (2, FieldType::STRUCT) => msg = Some(Message::decode(reader)?),
                _ => reader.skip(field.field_type)?,
            }
        }
        Ok(Self {
            status: status.unwrap_or_default(),
            msg: msg.unwrap_or_default(),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        self.status.encode_field(out, 1);
        self.msg.encode_field(out, 2);
        encode_stop(out);
    }

    fn encoded_len_hint(&self) -> usize {
        STOP_LEN
            + FIELD_HEADER_LEN + self.status.encoded_len_hint()
            + FIELD_HEADER_LEN + self.msg.encoded_len_hint()
    }
}
