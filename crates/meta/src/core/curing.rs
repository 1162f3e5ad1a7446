//! What follows from servers that come and go.

use pegasus_common::reach;

use super::{MetaCore, Now};
use crate::cluster_state::Command;
use crate::effect::Effect;
use crate::failure_detector::{DeathCause, LivenessEvent};
use crate::guardian::{GuardianStep, Scene};

impl MetaCore {
    pub(super) fn on_liveness(&mut self, event: LivenessEvent) {
        match event {
            LivenessEvent::Alive { node } => tracing::info!(%node, "replica server lives"),
            LivenessEvent::Restarted { node } => {
                tracing::info!(%node, "replica server was restarted");
            }
            LivenessEvent::Loaded { node } => {
                tracing::info!(%node, "replica server has loaded its replicas");
            }
            LivenessEvent::Dead { node, cause } => {
                self.totals.disconnections += 1;
                match cause {
                    DeathCause::Silence => {
                        tracing::warn!(%node, "replica server is dead: no beacon for the grace");
                    }
                    DeathCause::Goodbye => tracing::info!(%node, "replica server leaves"),
                }
            }
            LivenessEvent::RoomChanged { node, room } => {
                tracing::warn!(%node, ?room, "replica server says how much space it has");
            }
        }
        self.guardian.on_liveness(event, &self.state);
    }

    /// Lets the guardian act, if the function level allows it. At *freezed* not even the primaries
    /// of dead servers lose their role: so many lost servers are more likely cut off than dead,
    /// and when they are back they go on as if nothing had happened. They come back one after the
    /// other, so the first ones wait a grace for the rest.
    pub(super) fn cure(&mut self, now: Now, out: &mut Vec<Effect>) {
        let level = self.effective_level();
        if level < self.level && self.detector.dead().next().is_some() {
            reach!("meta: most servers are lost and nothing moves");
            self.thaws_at = now.monotonic.after(self.options.failure_detector.grace);
        }
        if !level.allows_change() || now.monotonic < self.thaws_at {
            return;
        }
        let (changing, staging) = (&self.changing, &self.staging);
        let scene = Scene {
            now,
            state: &self.state,
            detector: &self.detector,
            is_busy: &|pid| changing.contains_key(&pid) || staging.holds_partitions(pid.app_id),
        };
        for step in self.guardian.advance(&scene) {
            match step {
                GuardianStep::Commit(next) => {
                    self.commit(Command::Reconfigure(next), Vec::new(), out);
                }
                GuardianStep::Propose { pid, action } => {
                    out.extend(self.proposal(action.target, action.node, pid, action.kind));
                }
                GuardianStep::Alert(alert) => out.push(Effect::Alert(alert)),
            }
        }
    }
}
