//! What clients did to a table, and whether any order of doing it explains what they saw.
//!
//! A [`Record`] is one operation of one client: when it was sent, when the answer came (if it did)
//! and what the answer was. [`Histories`] collects records, key by key. [`check()`] decides whether
//! a key's records are *linearizable*: whether each operation can be given an instant between
//! sending and answer so that, done one after the other at these instants, they give these answers.
//! An operation whose answer never came may have taken effect at any time after it was sent, or
//! never.
//!
//! Linearizability is local: a table is linearizable exactly if each of its keys is, so keys are
//! checked one by one. Pegasus promises atomicity within a hash key; a "key" here is therefore a
//! hash key, with the records of all its sort keys as one state ([`key_value`]).
//!
//! It knows operations, answers and times, and nothing of clusters: the simulator, the chaos
//! command and tests use it alike. It reads no clock.
//!
//! ```
//! use pegasus_history::key_value::{Answer, KeyValue, Operation};
//! use pegasus_history::{ClientId, Histories, Limits, Moment, Outcome, Verdict, check};
//!
//! let mut histories = Histories::new();
//! let at = |seconds| Moment::from(std::time::Duration::from_secs(seconds));
//! let set = Operation::set("name", "Ada");
//! let ticket = histories.begin("user1", ClientId(0), at(0), set);
//! histories.finish(ticket, at(1), Outcome::Ok(Answer::Done));
//! let ticket = histories.begin("user1", ClientId(1), at(2), Operation::get("name"));
//! histories.finish(ticket, at(3), Outcome::Ok(Answer::Value(None)));
//! let Verdict::Violation(violation) =
//!     check(&KeyValue::default(), histories.of("user1"), Limits::default())
//! else {
//!     panic!("the read missed a write that was answered before it began");
//! };
//! assert!(violation.to_string().contains("name"));
//! ```

pub mod checker;
pub mod export;
pub mod key_value;

mod histories;
mod model;
mod moment;
mod record;

pub use checker::{Limits, Verdict, Violation, check};
pub use histories::{Histories, Ticket};
pub use model::{Call, Model};
pub use moment::Moment;
pub use record::{ClientId, Outcome, Record};
