//! Requests and answers of a real Apache Pegasus.

use pegasus_common::ErrorCode;

use crate::expected::{camel_case, check_message};
use crate::recorded::{golden_records, hex, text};

#[test]
fn every_request_is_read_and_written_as_recorded() {
    for record in golden_records() {
        // Times and scan contexts are described relative to the run, and two huge values not at all.
        let described =
            record["subs"].as_array().is_none_or(Vec::is_empty) && !record["req"].is_null();
        let json = described.then_some(&record["req"]);
        check_message(
            &camel_case(text(&record, "req_type")),
            &hex(&record, "args"),
            json,
        );
    }
}

#[test]
fn every_answer_is_read_and_written_as_recorded() {
    for record in golden_records() {
        let body = hex(&record, "resp_hex");
        if record["rpc_err"] == ErrorCode::Ok.name() && !body.is_empty() {
            let name = camel_case(text(&record, "resp_type"));
            check_message(&name, &body, Some(&record["resp"]));
        }
    }
}
