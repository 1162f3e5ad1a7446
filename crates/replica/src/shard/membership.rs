//! What a shard hears of the world around its replicas: the lease, the meta server's wishes, and
//! servers that seem to be gone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pegasus_common::Ballot;
use pegasus_common::Gpid;
use pegasus_common::RpcAddress;
use pegasus_engine::FlushMode;
use pegasus_pacifica::Configuration;
use pegasus_pacifica::ConfigurationSource;
use pegasus_pacifica::Lease;
use pegasus_pacifica::Proposal;
use pegasus_wire::layer2::AppInfo;
use tracing::warn;

use super::core::Core;
use crate::control::ControlMessage;
use crate::disk::Aside;
use crate::disk::StoredAppInfo;
use crate::hosted_replica::HostedReplica;
use crate::learn::message::LearnMessage;
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
        self.describe_table(gpid, app);
        self.with_replica(gpid, |replica, _, effects| {
            replica
                .machine
                .on_configuration(configuration, source, effects);
            replica.publish();
        });
    }

    /// What the meta server wants a replica to bring about.
    pub fn on_proposal(&mut self, gpid: Gpid, proposal: &Proposal, app: AppInfo) {
        self.describe_table(gpid, app);
        self.with_replica(gpid, |replica, _, effects| {
            replica.machine.on_proposal(proposal, effects);
            replica.publish();
        });
    }

    /// The meta server says what a replica's table is.
    fn describe_table(&mut self, gpid: Gpid, app: AppInfo) {
        let Some(replica) = self.replicas.get_mut(&gpid) else {
            return;
        };
        if *replica.app() == app {
            return;
        }
        let stored = Box::new(StoredAppInfo::from(&app));
        replica.set_app(app);
        self.exits
            .tell_control(ControlMessage::TableDescribed(gpid, stored));
    }

    /// The tables of this shard's replicas, each as its replica with the newest ballot has it.
    pub fn tables(&self) -> Vec<(Ballot, AppInfo)> {
        let mut newest: BTreeMap<i32, &HostedReplica> = BTreeMap::new();
        for replica in self.replicas.values() {
            let known = newest.entry(replica.app().app_id).or_insert(replica);
            if known.machine.ballot() < replica.machine.ballot() {
                *known = replica;
            }
        }
        let described = |replica: &HostedReplica| (replica.machine.ballot(), replica.app().clone());
        newest.into_values().map(described).collect()
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

    /// The meta server does not list a replica: it gives its role up, if it is still as described.
    pub fn step_down(&mut self, described: HeldReplica) {
        if !self.is_still(described) {
            return;
        }
        self.with_replica(described.gpid, |replica, _, effects| {
            replica.machine.on_unlisted(effects);
            replica.publish();
        });
    }

    /// Nobody needs a replica: takes it out, if it is still as described. Its directory is put aside
    /// with everything that was applied in it, since an operator may want it back.
    pub fn put_aside(&mut self, described: HeldReplica) {
        let gpid = described.gpid;
        if !self.is_still(described) {
            return;
        }
        let Some(replica) = self.take_out(gpid) else {
            return;
        };
        self.learning.begin_site(gpid);
        let (disk, node) = (replica.disk, Arc::clone(&self.exits.node));
        let put_aside = move || {
            if let Err(error) = replica.handle.engine.flush(FlushMode::Wait) {
                warn!(%gpid, %error, "a replica that is put aside cannot be flushed before");
            }
            drop(replica);
            let why = Aside::Garbage;
            let message = LearnMessage::PutAside { gpid, disk, why };
            // Where the learning thread has ended, the server is stopping.
            drop(node.learning.thread.send(message));
        };
        if self.exits.node.read_pool.submit(put_aside).is_err() {
            warn!(%gpid, "a replica that nobody needs is closed, and put aside after a restart");
            self.learning.end_site(gpid);
        }
    }

    fn is_still(&self, described: HeldReplica) -> bool {
        self.replicas.get(&described.gpid).is_some_and(|replica| {
            let machine = &replica.machine;
            (machine.ballot(), machine.status()) == (described.ballot, described.status)
        })
    }
}
