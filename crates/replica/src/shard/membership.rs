//! What a shard hears of the world around its replicas: the lease, the meta server's wishes, and
//! servers that seem to be gone.

use std::sync::Arc;
use std::time::Duration;

use pegasus_common::Gpid;
use pegasus_common::RpcAddress;
use pegasus_engine::FlushMode;
use pegasus_pacifica::Configuration;
use pegasus_pacifica::ConfigurationSource;
use pegasus_pacifica::Lease;
use pegasus_pacifica::Proposal;
use pegasus_wire::layer2::AppInfo;
use tokio::sync::oneshot;
use tracing::warn;

use super::core::Core;
use super::message::CloseOutcome;
use super::message::ShardMessage;
use crate::stub::HeldReplica;

impl Core {
    /// A configuration from the meta server.
    pub fn on_configuration(
        &mut self,
        gpid: Gpid,
        configuration: &Configuration,
        app: AppInfo,
        source: ConfigurationSource,
    ) {
        self.with_replica(gpid, |replica, _, effects| {
            replica.app = app;
            replica
                .machine
                .on_configuration(configuration, source, effects);
            replica.publish();
        });
    }

    /// What the meta server wants a replica to bring about.
    pub fn on_proposal(&mut self, gpid: Gpid, proposal: &Proposal, app: AppInfo) {
        self.with_replica(gpid, |replica, _, effects| {
            replica.app = app;
            replica.machine.on_proposal(proposal, effects);
            replica.publish();
        });
    }

    /// Looks whether the lease has begun or ended (I4).
    pub fn check_lease(&mut self) {
        let now = self.now();
        let term = self.exits.node.lease.held_term(now);
        let lease = term.map_or(Lease::NotHeld, Lease::Held);
        if lease == self.lease {
            return;
        }
        self.lease = lease;
        self.with_each_replica(|replica, _, effects| {
            replica.machine.on_lease(lease, effects);
            replica.publish();
        });
    }

    /// Looks for followers and learners that get nowhere, and for servers that are not reached.
    pub fn check_progress(&mut self, link_down_max: Duration) {
        self.with_each_replica(|replica, _, effects| {
            replica.machine.on_progress_timer(effects);
        });
        for peer in self.exits.links.down_for(link_down_max) {
            self.on_peer_suspected(peer);
        }
    }

    /// A server seems to be gone.
    pub fn on_peer_suspected(&mut self, peer: RpcAddress) {
        self.with_each_replica(|replica, _, effects| {
            replica.machine.on_peer_suspected(peer, effects);
        });
    }

    /// Takes a replica out that is still as it was described; its directory stays, with everything
    /// that was applied: the table may be recalled. `done` hears when the log has been told to forget
    /// it.
    pub fn close(&mut self, described: HeldReplica, done: oneshot::Sender<CloseOutcome>) {
        let gpid = described.gpid;
        let has_changed = self.replicas.get(&gpid).is_some_and(|replica| {
            let machine = &replica.machine;
            (machine.ballot(), machine.status()) != (described.ballot, described.status)
        });
        if has_changed {
            // Whoever asked may have given up waiting.
            let _ = done.send(CloseOutcome::Changed);
            return;
        }
        self.exits.node.router.remove(gpid);
        let Some(mut replica) = self.replicas.remove(&gpid) else {
            let _ = done.send(CloseOutcome::Gone);
            return;
        };
        replica.refuse_all(&mut self.exits.answers());
        self.exits.node.learning.release(gpid, |_| false);
        let (disk, shard) = (replica.disk, self.exits.index);
        let (handle, node) = (Arc::clone(&replica.handle), Arc::clone(&self.exits.node));
        let flush = move || {
            if let Err(error) = handle.engine.flush(FlushMode::Wait) {
                warn!(%gpid, %error, "closed replica cannot be flushed: its log stays");
                let _ = done.send(CloseOutcome::Gone);
                return;
            }
            node.shards[shard].send(ShardMessage::Closed { gpid, disk, done });
        };
        if self.exits.node.read_pool.submit(flush).is_err() {
            warn!(%gpid, "closed replica is not flushed now: its log stays");
        }
    }
}
