//! How a group comes into being from a list of addresses alone.
//!
//! All members have the same list. They tell each other who they are; the first in the list makes the
//! group, once all have answered and none has ever been in one. So a list of which some members have
//! lost their directories never makes a second group beside the one that the others remember.

use std::collections::BTreeMap;
use std::time::Duration;

use openraft::AsyncRuntime;

use super::EmbeddedStore;
use super::message::{Identity, Past};
use super::network::ask_identity;
use super::types::MemberId;
use crate::store::StoreError;

/// Pause between two attempts to reach everybody.
const PAUSE: Duration = Duration::from_millis(50);
/// How long one member may take to say who it is.
const HELLO_PATIENCE: Duration = Duration::from_secs(1);
/// Attempts between two complaints in the log file.
const ATTEMPTS_PER_COMPLAINT: u32 = 100;

/// Why there is no group yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Missing {
    #[error("{address} {reason}")]
    Silent { address: String, reason: String },
    #[error("{0} belongs to a group already, of which this member is none")]
    Grouped(String),
    #[error("{0} and {1} are the same member")]
    Twice(String, String),
}

impl<R: AsyncRuntime> EmbeddedStore<R> {
    /// Returns when this member, which listens at `own`, is in a group. Makes one of all members of
    /// `list` if there is none and this is the first of them. Cancel safe.
    ///
    /// # Errors
    /// The member has failed.
    pub async fn join_group(&self, own: &str, list: &[String]) -> Result<(), StoreError> {
        let mut attempt = 0;
        while !self.is_grouped().await? {
            if list.first().is_none_or(|first| first == own) {
                match self.gather(own, list).await {
                    Ok(members) => {
                        tracing::info!(?list, "makes the metadata group");
                        self.form_group(members).await?;
                    }
                    Err(missing) => complain(attempt, &missing),
                }
            } else if let Some(first) = list.first() {
                let address = first.clone();
                let reason = "has not made the group yet".to_owned();
                complain(attempt, &Missing::Silent { address, reason });
            }
            attempt += 1;
            // Not the consensus' own notices: each question makes one.
            R::sleep(PAUSE).await;
        }
        Ok(())
    }

    async fn is_grouped(&self) -> Result<bool, StoreError> {
        let failed = |fatal: openraft::errors::Fatal<_>| StoreError::Failed {
            reason: fatal.to_string(),
        };
        self.raft.is_initialized().await.map_err(failed)
    }

    /// Everybody in the list, if all are new.
    async fn gather(
        &self,
        own: &str,
        list: &[String],
    ) -> Result<BTreeMap<MemberId, String>, Missing> {
        let mut members = BTreeMap::from([(self.me, own.to_owned())]);
        for address in list.iter().filter(|address| *address != own) {
            let asked = ask_identity::<R>(&*self.link, address, HELLO_PATIENCE).await;
            let Identity { member, past } = asked.map_err(|error| Missing::Silent {
                address: address.clone(),
                reason: error.to_string(),
            })?;
            if past == Past::Grouped {
                return Err(Missing::Grouped(address.clone()));
            }
            if let Some(other) = members.insert(member, address.clone()) {
                return Err(Missing::Twice(address.clone(), other));
            }
        }
        Ok(members)
    }
}

fn complain(attempt: u32, missing: &Missing) {
    if attempt % ATTEMPTS_PER_COMPLAINT == ATTEMPTS_PER_COMPLAINT - 1 {
        tracing::warn!(%missing, "the metadata group is not complete");
    }
}
