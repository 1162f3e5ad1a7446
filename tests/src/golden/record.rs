//! One line of the transcript.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use flate2::read::GzDecoder;
use serde::Deserialize;

/// A request and the answer that it got.
#[derive(Clone, Debug, Deserialize)]
pub struct Record {
    /// Its number, referred to by other records.
    #[serde(rename = "i")]
    pub number: u64,
    /// Section of the transcript.
    #[serde(rename = "sec")]
    pub section: String,
    /// What is being tried.
    pub case: String,
    /// Who got the request.
    #[serde(rename = "tgt")]
    pub target: Target,
    /// RPC name.
    pub code: String,
    /// IDL name of the response struct.
    pub resp_type: String,
    /// Partition whose server got the request.
    #[serde(default)]
    pub route_pidx: usize,
    /// Partition in the header.
    pub pidx: i32,
    /// Table in the header, as recorded.
    pub app_id: i32,
    /// Whether the replaying table's number takes the place of `app_id`.
    #[serde(default)]
    pub app_id_is_table: bool,
    /// Partition hash in the header, decimal.
    pub hash: String,
    /// Timeout in the header.
    #[serde(default)]
    pub timeout_ms: i32,
    /// Thrift message type: 1 call, 4 oneway.
    #[serde(default = "call")]
    pub mtype: u8,
    /// The meta struct of a version 1 header; version 0 if absent.
    pub meta_hex: Option<String>,
    /// The argument struct.
    pub args: String,
    /// What must be rewritten in `args`.
    pub subs: Vec<Substitution>,
    /// Error name in the response header; `!...` for no answer; `None` for oneway.
    pub rpc_err: Option<String>,
    /// RPC name in the response.
    pub rpc_name: Option<String>,
    /// The result struct.
    pub resp_hex: String,
}

fn call() -> u8 {
    1
}

/// Who got a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// The meta server.
    Meta,
    /// The primary of `route_pidx`.
    Primary,
    /// Its first secondary.
    Secondary,
}

/// Offset in `args`, what stands there, and a number: seconds relative to now for `expire`, the
/// number of a record for `context_id`.
#[derive(Clone, Debug, Deserialize)]
pub struct Substitution(usize, String, i64);

/// The bytes of a request's argument, ready to send.
#[derive(Clone, Debug)]
pub struct Message {
    /// The argument struct.
    pub args: Vec<u8>,
    /// The latest expiry in it that lies ahead, in seconds since 2016.
    pub latest_expiry: Option<i64>,
}

impl Record {
    /// Whether the original answered, and without an error in the header.
    #[must_use]
    pub fn is_answered_ok(&self) -> bool {
        self.rpc_err.as_deref() == Some("ERR_OK")
    }

    /// The number of the record whose scan this one continues.
    #[must_use]
    pub fn continued_scan(&self) -> Option<u64> {
        let context = self.subs.iter().find(|part| part.1 == "context_id")?;
        u64::try_from(context.2).ok()
    }

    /// The argument with its substitutions made. `context_of` gives the scan context that a record
    /// was answered with in this replay.
    ///
    /// # Panics
    /// The transcript is malformed.
    #[must_use]
    pub fn message(&self, now_epoch_seconds: i64, context_of: impl Fn(u64) -> i64) -> Message {
        let mut message = Message {
            args: bytes_of_hex(&self.args),
            latest_expiry: None,
        };
        for Substitution(offset, kind, number) in &self.subs {
            match kind.as_str() {
                "expire" => {
                    let expiry = now_epoch_seconds + number;
                    let field = i32::try_from(expiry).expect("an expiry of this century");
                    message.args[*offset..*offset + 4].copy_from_slice(&field.to_be_bytes());
                    if *number > 0 {
                        message.latest_expiry = message.latest_expiry.max(Some(expiry));
                    }
                }
                "context_id" => {
                    let record = u64::try_from(*number).expect("the number of a record");
                    let context = context_of(record);
                    message.args[*offset..*offset + 8].copy_from_slice(&context.to_be_bytes());
                }
                other => panic!("unknown substitution {other} in record {}", self.number),
            }
        }
        message
    }
}

/// The bytes of a hexadecimal text.
///
/// # Panics
/// It is none.
#[must_use]
pub(super) fn bytes_of_hex(text: &str) -> Vec<u8> {
    assert!(
        text.len().is_multiple_of(2) && text.is_ascii(),
        "no hexadecimal text: {text}"
    );
    (0..text.len() / 2)
        .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("hexadecimal digits"))
        .collect()
}

/// Reads the transcript, in order.
///
/// # Panics
/// It is missing or malformed.
#[must_use]
pub fn read_transcript(path: &Path) -> Vec<Record> {
    let file = File::open(path).unwrap_or_else(|error| {
        panic!(
            "no golden transcript at {}: {error}; PEGASUS_SHARED names the folder of `reference`",
            path.display()
        )
    });
    BufReader::new(GzDecoder::new(file))
        .lines()
        .map(|line| {
            let line = line.expect("a readable transcript");
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn substitutions_rewrite_the_argument() {
        let line = r#"{"i":7,"sec":"s","case":"c","tgt":"primary","code":"X","resp_type":"r",
            "route_pidx":1,"pidx":1,"app_id":11,"app_id_is_table":true,"hash":"5","args":
            "0a00010000000000000000080002000000000000","subs":[[3,"context_id",4],[14,"expire",10]],
            "rpc_err":"ERR_OK","rpc_name":"X_ACK","resp_hex":""}"#;
        let record: Record = serde_json::from_str(line).unwrap();
        let message = record.message(0x100, |number| i64::try_from(number).unwrap());
        assert_eq!(
            message.args,
            bytes_of_hex("0a000100000000000000040800020000010a0000")
        );
        assert_eq!(message.latest_expiry, Some(0x10a));
        assert_eq!(record.continued_scan(), Some(4));
        assert_eq!(record.mtype, 1);
    }

    #[test]
    fn every_line_of_the_transcript_is_understood() {
        let shared = crate::shared_directory();
        let transcript = read_transcript(&shared.join("reference/golden/golden.jsonl.gz"));
        assert!(transcript.len() > 5_000);
        for record in transcript
            .iter()
            .filter(|record| record.target != Target::Meta)
        {
            let message = record.message(0, |_| 0);
            assert_eq!(message.args.len() * 2, record.args.len());
            assert_eq!(
                bytes_of_hex(&record.resp_hex).len() * 2,
                record.resp_hex.len()
            );
        }
    }
}
