//! The golden transcript: requests to a real Apache Pegasus with its answers, replayed against our
//! servers. The format is described beside the file, in `reference/golden/README.md`.

mod compare;
mod exchange;
mod record;
mod skip_list;

pub use compare::{Comparison, ContextIds, compare, context_id_of};
pub use exchange::{Answer, Connection};
pub use record::{Message, Record, Substitution, Target, read_transcript};
pub use skip_list::{SkipList, read_skip_list};
