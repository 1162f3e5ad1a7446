//! Who is stuck: the progress timer, and suspicions.
//!
//! A suspicion never moves a primary. A primary asks meta to take out a secondary that does not
//! acknowledge, so that writes go on; meta takes roles away only when a lease has surely run out.

use pegasus_common::{Decree, RpcAddress};

use crate::effect::{Effect, Effects};
use crate::reconfiguration::ReconfigurationKind;
use crate::replica::Replica;
use crate::role::{Progress, Role};
use crate::teaching::{Counting, Learner, Supply};

/// A member, or a learner that counts, that lets everyone wait for so many ticks is suspected.
const STALLED_TICKS_MAX: u32 = 2;
/// A learner that takes mutations, but none for so many ticks, is given up.
const LEARNER_STALLED_TICKS_MAX: u32 = 20;
/// A learner that answers nothing for so many ticks is given up.
const LEARNER_QUIET_TICKS_MAX: u32 = 10;
/// The driver is asked again for what a learner lacks after so many ticks.
const SUPPLY_AGAIN_TICKS: u32 = 10;

impl Progress {
    /// One tick; `acknowledged` is where the peer is, and `wanted` where it should get to.
    fn tick(&mut self, acknowledged: Decree, wanted: Decree) {
        let waits_at = (acknowledged < wanted).then_some(acknowledged);
        if waits_at.is_some() && waits_at == self.waited_at {
            self.stalled_ticks = self.stalled_ticks.saturating_add(1);
        } else {
            self.stalled_ticks = 0;
        }
        self.waited_at = waits_at;
    }
}

impl Learner {
    fn tick(&mut self, prepared: Decree) {
        self.quiet_ticks = self.quiet_ticks.saturating_add(1);
        match self.supply {
            Supply::Following => self.progress.tick(self.acknowledged, prepared),
            Supply::SentLog { through } => self.progress.tick(self.acknowledged, through),
            Supply::ReadingLog { .. } | Supply::MakingCheckpoint => {
                self.progress.stalled_ticks = self.progress.stalled_ticks.saturating_add(1);
            }
            Supply::Invited | Supply::Rejoining | Supply::Checkpoint(_) => {
                self.progress = Progress::default();
            }
        }
    }

    fn is_lost(&self) -> bool {
        let is_stalled = match (self.supply, self.counting) {
            // It is the driver that is slow.
            (Supply::ReadingLog { .. } | Supply::MakingCheckpoint, _) => false,
            (_, Counting::Not) => self.progress.stalled_ticks >= LEARNER_STALLED_TICKS_MAX,
            (_, Counting::Counted | Counting::Asked) => {
                self.progress.stalled_ticks >= STALLED_TICKS_MAX
            }
        };
        is_stalled || self.quiet_ticks > LEARNER_QUIET_TICKS_MAX
    }
}

impl Replica {
    /// Call this each half second: it finds members and learners that are stuck.
    pub fn on_progress_timer(&mut self, out: &mut Effects) {
        match &self.role {
            Role::Primary(_) => self.primary_tick(out),
            Role::Learner(_) => self.learner_tick(out),
            Role::Inactive(_) | Role::Secondary(_) | Role::Error(_) => {}
        }
        self.check_invariants();
    }

    fn primary_tick(&mut self, out: &mut Effects) {
        let prepared = self.prepared();
        let Some(primary) = self.as_primary_mut() else {
            return;
        };
        let mut suspects: Vec<RpcAddress> = Vec::new();
        for follower in &mut primary.followers {
            follower.progress.tick(follower.acknowledged, prepared);
            if follower.progress.stalled_ticks >= STALLED_TICKS_MAX {
                suspects.push(follower.node);
            }
        }
        let mut present: Vec<RpcAddress> = Vec::new();
        for learner in &mut primary.learners {
            learner.tick(prepared);
            if learner.is_lost() {
                suspects.push(learner.node);
            } else {
                present.push(learner.node);
            }
        }
        for suspect in suspects {
            self.on_peer_suspected(suspect, out);
        }
        for node in present {
            self.prompt_learner(node, out);
        }
    }

    /// Repeats to a learner, or to the driver that works for it, what may have been lost.
    fn prompt_learner(&mut self, node: RpcAddress, out: &mut Effects) {
        let Some(learner) = self.learner(node) else {
            return;
        };
        let is_due = learner.progress.stalled_ticks % SUPPLY_AGAIN_TICKS == SUPPLY_AGAIN_TICKS - 1;
        let signature = learner.signature;
        self.invite(node, out);
        match learner.supply {
            Supply::Checkpoint(_) => self.send_offer(node, out),
            Supply::ReadingLog { after } if is_due => self.supply_after(node, after, out),
            Supply::MakingCheckpoint if is_due => out.push(Effect::MakeCheckpoint {
                to: node,
                signature,
            }),
            _ => {}
        }
    }

    /// A peer seems to be gone: its server refuses connections, has been out of reach for a second,
    /// or lets acknowledgements wait.
    ///
    /// A primary asks meta to take a member out if enough remain for writes; until meta has
    /// answered, it goes on with everyone's acknowledgement, the suspect's included. If too few
    /// would remain, it remembers nothing: the suspicion comes again.
    pub fn on_peer_suspected(&mut self, peer: RpcAddress, out: &mut Effects) {
        if self.learner(peer).is_some() {
            self.drop_learner(peer, out);
        } else if let Some(primary) = self.as_primary() {
            let remaining = primary.configuration.member_count().saturating_sub(1);
            if remaining >= self.members_needed(primary) {
                self.ask_to_remove(ReconfigurationKind::DowngradeToInactive, peer, out);
            }
        }
        self.check_invariants();
    }

    /// Asks meta to go on without a secondary. This goes before anything else that meta was asked
    /// for; one removal follows the other.
    pub(crate) fn ask_to_remove(
        &mut self,
        kind: ReconfigurationKind,
        node: RpcAddress,
        out: &mut Effects,
    ) {
        let Some(primary) = self.as_primary() else {
            return;
        };
        let removes = |kind: ReconfigurationKind| {
            matches!(
                kind,
                ReconfigurationKind::DowngradeToInactive | ReconfigurationKind::Remove
            )
        };
        let is_removing = self
            .request
            .as_ref()
            .is_some_and(|request| removes(request.kind));
        if !is_removing && primary.configuration.secondaries.contains(&node) {
            let configuration = primary.configuration.without(node);
            self.ask_for(kind, node, configuration, out);
        }
    }
}
