//! Pegasus's operations on one hash key, and what they mean.
//!
//! The state of a hash key is a small ordered map from sort keys to values, so that operations on
//! several records are atomic in it, as they are in Pegasus. Keys and values are texts here: the
//! checker only compares them, and they are to be read by people.

mod answer;
mod meaning;
mod model;
mod operation;
mod state;

pub use answer::Answer;
pub use model::KeyValue;
pub use operation::{Check, Expiry, Operation, SubWrite};
pub use state::{HashKeyState, Stored};

/// A sort key or a value.
pub type Text = std::sync::Arc<str>;
