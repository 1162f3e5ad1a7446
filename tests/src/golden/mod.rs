//! The golden transcript: requests to a real Apache Pegasus with its answers, replayed against our
//! servers. The format is described beside the file, in `reference/golden/README.md`.

mod compare;
mod deviations;
mod exchange;
mod record;
mod whole_scan;

pub use compare::{Comparison, ContextIds, TTL_TOLERANCE_S, compare, context_id_of};
pub use deviations::{Deviation, Deviations, SectionAndCase, read_deviations};
pub use exchange::{Answer, Connection};
pub use record::{Message, Record, Substitution, Target, read_transcript};
pub use whole_scan::WholeScans;
