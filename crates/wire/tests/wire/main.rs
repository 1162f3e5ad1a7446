//! The codec against recorded bytes: frames of the official clients (`reference/vectors`) and of a
//! real Apache Pegasus (`reference/golden`), and against bytes that nobody would send.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "everything here is test code, also what stands outside test functions"
)]

mod expected;
mod golden;
mod native;
mod primitives;
mod random_input;
mod recorded;
mod requests;
mod responses;
mod round_trips;
mod rules;
