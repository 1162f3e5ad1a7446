//! Fuzz targets for everything that reads bytes from outside: what each does with an input is in
//! [`targets`], once, for two drivers.
//!
//! * `tests/short.rs`, in `make test`: the corpus, the [`seeds`], and inputs that a seeded generator
//!   ([`mutate`]) makes of both. Needs nothing but stable Rust.
//! * `libfuzzer/*.rs`, by `make fuzz`: libFuzzer, guided by coverage. Needs a C++ compiler.
//!
//! A target may demand more than that nothing panics: what is decoded is encoded and decoded again and
//! must be the same, what comes in pieces must be what comes at once, and memory is bounded by the
//! length of the input ([`memory`]).

pub mod input;
pub mod memory;
pub mod messages;
pub mod mutate;
pub mod seeds;
mod stream;
pub mod targets;

pub use targets::TARGETS;
pub use targets::Target;
