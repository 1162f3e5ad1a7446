// Authentication of a connection, before any other request (wire-protocol.md section 9).
namespace rs pegasus.security

include "base.thrift"

// A step of the negotiation.
enum negotiation_status {
    INVALID = 0,                     // Never sent.
    SASL_LIST_MECHANISMS = 1,        // Client asks for the mechanisms.
    SASL_LIST_MECHANISMS_RESP = 2,   // Server names them, joined by commas.
    SASL_SELECT_MECHANISMS = 3,      // Client chooses one.
    SASL_SELECT_MECHANISMS_RESP = 4, // Server agrees.
    SASL_INITIATE = 5,               // Client's initial response.
    SASL_CHALLENGE = 6,              // Server's challenge.
    SASL_CHALLENGE_RESP = 7,         // Client's answer.
    SASL_SUCC = 8,                   // Authenticated.
    SASL_AUTH_DISABLE = 9,           // Server does not authenticate; the client goes on.
    SASL_AUTH_FAIL = 10,             // Never sent: failure closes the connection.
}

// Argument of RPC_NEGOTIATION.
struct negotiation_request {
    1: negotiation_status status; // Step of the client.
    2: base.blob msg; // What the step carries.
}

// Answer to a negotiation step.
struct negotiation_response {
    1: negotiation_status status; // Step of the server.
    2: base.blob msg; // What the step carries.
}
