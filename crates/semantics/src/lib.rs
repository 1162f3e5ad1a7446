//! What the data operations mean, for tests: one partition as a plain map, and random requests.
//!
//! * [`Partition`] answers every request of the data API as `reference/data-semantics.md` says, and
//!   shares no code with the engine that does the same on a disk. Where this project differs from
//!   the original on purpose (`docs/compatibility.md`), so does it.
//! * [`Generator`] draws requests of all kinds with every option, over few and awkward keys, so that
//!   they meet.
//!
//! A test plays the same requests against a partition and the thing under test and compares the
//! [`Answer`]s. Neither reads a clock: the test says what time it is.

mod answer;
mod generator;
mod integer;
mod keys;
mod partition;
mod request;
mod served;

pub use answer::{Answer, Next};
pub use generator::{Clock, Generator, Step};
pub use partition::{Limits, Partition, Rules, Share};
pub use request::Request;
pub use served::ServedScans;
