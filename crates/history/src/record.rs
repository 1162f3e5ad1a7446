//! One operation of one client.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::moment::Moment;

/// Who sent an operation. A client sends its next operation after the answer to the last.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ClientId(pub u32);

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "client {}", self.0)
    }
}

/// What is known of an operation's end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome<A> {
    /// It was done, with this answer.
    Ok(A),
    /// It was surely not done, and never will be.
    Failed,
    /// It may have been done, may be done later, or never: a time-out, a lost connection.
    Unknown,
}

/// One operation of one client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record<O, A> {
    /// Who sent it.
    pub client: ClientId,
    /// When it was sent: not later than any server saw it.
    pub invoked: Moment,
    /// When the answer had come; `None` if none came.
    pub returned: Option<Moment>,
    /// What was asked.
    pub operation: O,
    /// What came of it.
    pub outcome: Outcome<A>,
}

impl<O, A> Record<O, A> {
    /// The answer, if it is known.
    pub fn answer(&self) -> Option<&A> {
        match &self.outcome {
            Outcome::Ok(answer) => Some(answer),
            Outcome::Failed | Outcome::Unknown => None,
        }
    }

    /// Until when it may have taken effect: for ever, if its outcome is unknown.
    #[must_use]
    pub fn latest_effect(&self) -> Moment {
        match &self.outcome {
            Outcome::Ok(_) => self.returned.unwrap_or(Moment::MAX),
            Outcome::Failed | Outcome::Unknown => Moment::MAX,
        }
    }
}

impl<O: fmt::Display, A: fmt::Display> fmt::Display for Record<O, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let returned = self.returned.unwrap_or(Moment::MAX);
        write!(f, "{} [{} .. {returned}] ", self.client, self.invoked)?;
        match &self.outcome {
            Outcome::Ok(answer) => write!(f, "{} -> {answer}", self.operation),
            Outcome::Failed => write!(f, "{} -> not done", self.operation),
            Outcome::Unknown => write!(f, "{} -> unknown", self.operation),
        }
    }
}
