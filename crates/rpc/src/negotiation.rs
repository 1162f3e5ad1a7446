//! The authentication handshake (wire-protocol.md section 9). Without authentication a server tells
//! every client that asks that it is off, which clients take for success.

use pegasus_wire::security::NegotiationResponse;
use pegasus_wire::security::NegotiationStatus;

use crate::service::Responder;

/// Answers a handshake of a server without authentication.
pub(crate) fn answer_disabled(responder: Responder) {
    let response = NegotiationResponse {
        status: NegotiationStatus::SASL_AUTH_DISABLE,
        ..NegotiationResponse::default()
    };
    responder.reply(&response);
}
