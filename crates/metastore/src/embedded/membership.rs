//! Who belongs to the group, and changing that while it runs.
//!
//! One change at a time, each by a majority of the old and of the new members (joint consensus). A
//! server is its directory: one that comes back with an empty one is another member, and takes the place
//! of the member that was at its address.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use openraft::async_runtime::Instant as _;
use openraft::async_runtime::watch::WatchReceiver as _;
use openraft::errors::{ClientWriteError, RaftError};
use openraft::{AsyncRuntime, BasicNode, ChangeMembers};
use tokio::sync::MutexGuard;

use super::EmbeddedStore;
use super::message::{Identity, Past};
use super::network::ask_identity;
use super::types::{GroupTypes, MemberId};

/// How long a server may take to say who it is.
const HELLO_PATIENCE: Duration = Duration::from_secs(2);
/// How often a server is asked that was perhaps started a moment ago, and how long in all.
const HELLO_PAUSE: Duration = Duration::from_millis(100);
const START_PATIENCE: Duration = Duration::from_secs(5);
/// How long a new member may take to get everything.
const CATCH_UP_PATIENCE: Duration = Duration::from_secs(60);
/// How long a change of members may take.
const CHANGE_PATIENCE: Duration = Duration::from_secs(10);

/// What a member is in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberStanding {
    /// It leads.
    Leader,
    /// It votes.
    Voter,
    /// It gets everything and does not vote: it is being added.
    Learner,
}

/// One member of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberView {
    /// Who it is.
    pub id: MemberId,
    /// Where it listens.
    pub address: String,
    /// What it is.
    pub standing: MemberStanding,
}

/// Why the members are as they were.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MembershipError {
    /// This member does not lead, or not any more. The change may have happened.
    #[error("this meta server does not lead")]
    NotLeader,
    /// The new server cannot be reached.
    #[error("{address}: {reason}")]
    Unreachable {
        /// Where it should listen.
        address: String,
        /// What happened.
        reason: String,
    },
    /// The new server's directory is that of a member of another group, or of a former member.
    #[error(
        "{0} holds the directory of a meta server that belongs to another group, or was removed from this one; \
         start it with an empty directory"
    )]
    OfAnotherGroup(String),
    /// The new server is a member at another address.
    #[error("the server at {address} is a member already, at {known}")]
    Moved {
        /// Where it listens.
        address: String,
        /// Where it is known to listen.
        known: String,
    },
    /// The new server has not got everything yet.
    #[error("{0} has not got everything yet and does not vote; add it again later, or remove it")]
    Behind(String),
    /// There is no such member.
    #[error("{0} is no member")]
    Unknown(String),
    /// The change would leave a group that cannot decide anything.
    #[error(
        "of the {voters} members that would be left only {answering} answer, which is no majority"
    )]
    NoMajority {
        /// How many would vote.
        voters: usize,
        /// How many of them answer now.
        answering: usize,
    },
    /// Another change is under way, or the consensus refuses.
    #[error("{0}")]
    Refused(String),
}

type Written<R, T> = Result<T, RaftError<GroupTypes<R>, ClientWriteError<GroupTypes<R>>>>;

impl<R: AsyncRuntime> EmbeddedStore<R> {
    /// The members, by address, as this one knows them.
    #[must_use]
    pub fn members(&self) -> Vec<MemberView> {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        let membership = metrics.membership_config.membership();
        let voters: BTreeSet<_> = membership.voter_ids().collect();
        let standing = |id| match id {
            id if metrics.current_leader == Some(id) => MemberStanding::Leader,
            id if voters.contains(&id) => MemberStanding::Voter,
            _ => MemberStanding::Learner,
        };
        let view = |(id, node): (&MemberId, &BasicNode)| MemberView {
            id: *id,
            address: node.addr.clone(),
            standing: standing(*id),
        };
        let mut members: Vec<_> = membership.nodes().map(view).collect();
        members.sort_by(|a, b| a.address.cmp(&b.address));
        members
    }

    /// Makes the server at `address` a voter. A member that was at that address and is another one is
    /// removed with the same change. If it is a voter already, nothing happens.
    ///
    /// # Errors
    /// See [`MembershipError`]. Only the leader does it.
    pub async fn add_member(&self, address: &str) -> Result<(), MembershipError> {
        let _alone = self.begin_change().await?;
        let identity = self.identify(address).await?;
        let members = self.members();
        let known = members.iter().find(|member| member.id == identity.member);
        match known {
            Some(known) if known.address != address => {
                return Err(MembershipError::Moved {
                    address: address.to_owned(),
                    known: known.address.clone(),
                });
            }
            Some(known) if known.standing != MemberStanding::Learner => return Ok(()),
            None if identity.past == Past::Grouped => {
                return Err(MembershipError::OfAnotherGroup(address.to_owned()));
            }
            Some(_) | None => {}
        }
        let learns = self
            .raft
            .add_learner(identity.member, BasicNode::new(address), true);
        match R::timeout(CATCH_UP_PATIENCE, learns).await {
            Ok(learnt) => self.judge(learnt)?,
            Err(_) => return Err(MembershipError::Behind(address.to_owned())),
        };
        // Whoever was at that address before is gone.
        let mut voters = voters(members);
        voters.retain(|(_, known)| known != address);
        voters.push((identity.member, address.to_owned()));
        self.replace_voters(voters).await
    }

    /// Takes the member at `address` out of the group. It may be the leader, which then steps down.
    ///
    /// # Errors
    /// See [`MembershipError`]. Only the leader does it.
    pub async fn remove_member(&self, address: &str) -> Result<(), MembershipError> {
        let _alone = self.begin_change().await?;
        let members = self.members();
        let there = members.iter().filter(|member| member.address == address);
        let gone: BTreeSet<_> = there.map(|member| member.id).collect();
        if gone.is_empty() {
            return Err(MembershipError::Unknown(address.to_owned()));
        }
        let mut voters = voters(members);
        let before = voters.len();
        voters.retain(|(id, _)| !gone.contains(id));
        if voters.len() == before {
            return self.change(ChangeMembers::RemoveNodes(gone)).await;
        }
        self.replace_voters(voters).await
    }

    /// Waits until the change before is over. A change reads the members first and writes all of them
    /// at its end: two at a time would undo each other.
    async fn begin_change(&self) -> Result<MutexGuard<'_, ()>, MembershipError> {
        let alone = self.changes.lock().await;
        match self.view.borrow().epoch() {
            Some(_) => Ok(alone),
            None => Err(MembershipError::NotLeader),
        }
    }

    /// Who listens at `address`, also if it begins to do so only now.
    async fn identify(&self, address: &str) -> Result<Identity, MembershipError> {
        let deadline = R::Instant::now() + START_PATIENCE;
        loop {
            let asked = ask_identity::<R>(&*self.link, address, HELLO_PATIENCE).await;
            match asked {
                Ok(identity) => return Ok(identity),
                Err(error) if R::Instant::now() >= deadline => {
                    return Err(MembershipError::Unreachable {
                        address: address.to_owned(),
                        reason: error.to_string(),
                    });
                }
                Err(_) => R::sleep(HELLO_PAUSE).await,
            }
        }
    }

    /// Refuses a group of which less than a majority answers: it could not even be changed back.
    async fn check_majority(&self, voters: &[(MemberId, String)]) -> Result<(), MembershipError> {
        let answers = voters.iter().map(|(id, address)| async move {
            let asked = ask_identity::<R>(&*self.link, address, HELLO_PATIENCE);
            *id == self.me || asked.await.is_ok_and(|identity| identity.member == *id)
        });
        let answers = join_all(answers).await;
        let answering = answers.into_iter().filter(|answers| *answers).count();
        if answering * 2 > voters.len() {
            return Ok(());
        }
        let voters = voters.len();
        Err(MembershipError::NoMajority { voters, answering })
    }

    /// Makes these the voters, and nobody else a member.
    async fn replace_voters(&self, voters: Vec<(MemberId, String)>) -> Result<(), MembershipError> {
        self.check_majority(&voters).await?;
        let voters = voters.into_iter().map(|(id, _)| id).collect();
        self.change(ChangeMembers::ReplaceAllVoters(voters)).await
    }

    async fn change(
        &self,
        change: ChangeMembers<MemberId, BasicNode>,
    ) -> Result<(), MembershipError> {
        let changed = self.raft.change_membership(change, false);
        match R::timeout(CHANGE_PATIENCE, changed).await {
            Ok(changed) => self.judge(changed),
            Err(_) => Err(MembershipError::Refused(format!(
                "no majority has agreed within {CHANGE_PATIENCE:?}; it may still happen"
            ))),
        }
    }

    fn judge<T>(&self, written: Written<R, T>) -> Result<(), MembershipError> {
        match written {
            Ok(_) => Ok(()),
            Err(RaftError::APIError(ClientWriteError::ForwardToLeader(_))) => {
                Err(MembershipError::NotLeader)
            }
            Err(error) => Err(MembershipError::Refused(error.to_string())),
        }
    }
}

fn voters(members: Vec<MemberView>) -> Vec<(MemberId, String)> {
    let votes = |member: &MemberView| member.standing != MemberStanding::Learner;
    let voters = members.into_iter().filter(votes);
    voters.map(|member| (member.id, member.address)).collect()
}
