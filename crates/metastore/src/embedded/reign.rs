//! Keeps a member's [`Leadership`] true: begins a reign when the consensus has made it the leader,
//! and ends it when the consensus has another one or the majority has been silent for too long.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use openraft::async_runtime::watch::WatchReceiver as _;
use openraft::async_runtime::{Select2, Select3};
use openraft::{AsyncRuntime, RaftMetrics};
use tokio::sync::watch;

use super::Stance;
use super::answering::Consensus;
use super::evidence::Evidence;
use super::types::{Command, GroupTypes, MemberId, Outcome};
use crate::leadership::Leadership;

/// What the task of one member works with.
pub(super) struct ReignKeeper<R: AsyncRuntime> {
    pub me: MemberId,
    pub raft: Consensus<R>,
    pub stance: watch::Receiver<Stance>,
    pub view: watch::Sender<Leadership>,
    pub evidence: Evidence,
    /// How often silence is looked for.
    pub tick: Duration,
    /// A majority that was silent for so long ends the reign.
    pub silence_max: Duration,
    /// The last term in which the leadership was offered to another member.
    pub offered: Option<u64>,
}

/// What the consensus says about this member.
enum Standing {
    Leads { term: u64 },
    Follows { leader: Option<String> },
    Stopped(String),
}

impl<R: AsyncRuntime> ReignKeeper<R> {
    /// Runs until the store is dropped or the consensus has stopped.
    pub async fn run(mut self) {
        let mut metrics = self.raft.metrics();
        loop {
            let standing = self.standing(&metrics.borrow_and_update());
            let stance = *self.stance.borrow_and_update();
            match standing {
                Standing::Leads { term } if stance == Stance::Stands => self.lead(term).await,
                Standing::Leads { term } => {
                    self.show(Leadership::UNKNOWN);
                    if stance == Stance::StandsBack {
                        self.hand_over(term).await;
                    }
                }
                Standing::Follows { leader } => self.show(Leadership::Follower { leader }),
                Standing::Stopped(reason) => {
                    self.show(Leadership::UNKNOWN);
                    if stance != Stance::Leaves {
                        tracing::error!(member = %self.me, reason, "the metadata group has failed");
                        self.evidence.fail(reason);
                    }
                    return;
                }
            }
            let changed = metrics.changed();
            let stands = self.stance.changed();
            let woken = R::select3(changed, stands, R::sleep(self.tick)).await;
            if let Select3::Second(Err(_)) = woken {
                return;
            }
        }
    }

    fn standing(&self, metrics: &RaftMetrics<GroupTypes<R>>) -> Standing {
        if let Err(reason) = &metrics.running_state {
            return Standing::Stopped(reason.to_string());
        }
        if metrics.state.is_leader() {
            let term = metrics.current_term;
            return Standing::Leads { term };
        }
        let address = |id| {
            let membership = metrics.membership_config.membership();
            membership.get_node(&id).map(|node| node.addr.clone())
        };
        Standing::Follows {
            leader: metrics.current_leader.and_then(address),
        }
    }

    /// Begins a reign if there is none in this term; ends one that lasts too long without answers.
    async fn lead(&self, term: u64) {
        let reigns = self.view.borrow().epoch();
        match reigns {
            Some(_) if self.evidence.reign_term() != Some(term) => {
                self.show(Leadership::UNKNOWN);
            }
            Some(epoch)
                if self
                    .evidence
                    .silence(term)
                    .is_none_or(|s| s > self.silence_max) =>
            {
                tracing::warn!(%epoch, "a majority of the metadata group is silent");
                self.show(Leadership::UNKNOWN);
            }
            Some(_) => {}
            None => self.begin(term).await,
        }
    }

    /// Offers the leadership to the member that answered last, once per term.
    async fn hand_over(&mut self, term: u64) {
        if self.offered == Some(term) {
            return;
        }
        if let Some(heir) = self.evidence.last_heard(term)
            && self.raft.trigger().transfer_leader(heir).await.is_ok()
        {
            self.offered = Some(term);
        }
    }

    /// Writes the entry that begins a reign, however slow the disks are; unless the term ends first,
    /// or this member wants no reign any more.
    async fn begin(&self, term: u64) {
        let written = self.raft.client_write(Command::Reign);
        let written = match select(pin!(written), pin!(self.no_more(term))).await {
            Either::Left((Ok(written), _)) => written,
            Either::Left((Err(_), _)) => {
                // The refusal itself is news of the consensus, for which the caller would not wait.
                return R::sleep(self.tick).await;
            }
            Either::Right(((), _)) => return,
        };
        let Outcome::Reign(epoch) = written.data else {
            return;
        };
        if *written.log_id.leader_id == term {
            self.evidence.begin_reign(term);
            self.show(Leadership::Leader { epoch });
        }
    }

    /// Returns when this member does not lead in `term`, or does not want to.
    async fn no_more(&self, term: u64) {
        let (mut metrics, mut stance) = (self.raft.metrics(), self.stance.clone());
        loop {
            let standing = self.standing(&metrics.borrow_and_update());
            let leads = matches!(standing, Standing::Leads { term: now } if now == term);
            if !leads || *stance.borrow_and_update() != Stance::Stands {
                return;
            }
            let woken = R::select2(metrics.changed(), stance.changed()).await;
            if let Select2::First(Err(_)) | Select2::Second(Err(_)) = woken {
                return;
            }
        }
    }

    fn show(&self, leadership: Leadership) {
        self.view.send_if_modified(|seen| {
            let changed = *seen != leadership;
            *seen = leadership;
            changed
        });
    }
}
