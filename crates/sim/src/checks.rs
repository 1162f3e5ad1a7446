//! What must hold, over all servers, at every step (design section 5).

use std::collections::BTreeMap;
use std::time::Duration;

use pegasus_common::{Ballot, Decree, Gpid, RpcAddress};
use pegasus_meta::partition::PartitionConfiguration;
use pegasus_pacifica::{DigestAt, Mutation, PrepareAck, Replica, ReplicaStatus};

use crate::meta_node::MetaNode;
use crate::packet::Place;
use crate::reach_marks;
use crate::server::{Hosted, Server};
use crate::surroundings::Life;
use crate::time::SimTime;

/// The meta server decides and commits within this time.
const COMMIT_TIME: Duration = Duration::from_millis(200);

/// What is known of one partition.
#[derive(Debug, Default)]
struct Partition {
    /// What was committed anywhere, with its digest.
    chosen: BTreeMap<Decree, DigestAt>,
    /// Everything through here was committed when a client was told so.
    answered: Decree,
    /// Who acted as primary under each ballot.
    primaries: BTreeMap<Ballot, usize>,
}

/// What was seen so far.
#[derive(Debug, Default)]
pub struct Checks {
    partitions: BTreeMap<Gpid, Partition>,
    /// The ballot of each replica's present life.
    ballots: BTreeMap<(usize, Life, Gpid, u64), Ballot>,
}

impl Checks {
    /// I8 and agreement: what one replica commits, no other contradicts.
    ///
    /// # Panics
    /// It does not hold; so do all methods here.
    pub fn on_commit(&mut self, server: usize, gpid: Gpid, mutation: &Mutation, digest: DigestAt) {
        let partition = self.partitions.entry(gpid).or_default();
        let chosen = *partition.chosen.entry(mutation.decree).or_insert(digest);
        assert_eq!(
            chosen, digest,
            "I8: server{server} commits another write of {gpid}: {mutation:?}"
        );
    }

    /// An acknowledgement is that of a member or learner.
    pub fn on_acknowledgement(&self, server: usize, gpid: Gpid, ack: &PrepareAck) {
        assert!(
            ack.decree >= Decree::ZERO && ack.ballot > Ballot::ZERO,
            "server{server} {gpid} acknowledges nonsense: {ack:?}"
        );
    }

    /// A replica is opened: it has nothing that was never chosen.
    pub fn on_opened(&mut self, server: usize, gpid: Gpid, machine: &Replica) {
        let at = machine.digest();
        if at.decree == Decree::ZERO {
            return;
        }
        let partition = self.partitions.entry(gpid).or_default();
        let chosen = partition.chosen.get(&at.decree);
        assert_eq!(
            chosen,
            Some(&at),
            "I8: server{server} opens {gpid} with another history"
        );
    }

    /// A client is told that a write is done, by a replica that has applied this much.
    pub fn on_answered(&mut self, gpid: Gpid, applied: Decree) {
        let partition = self.partitions.entry(gpid).or_default();
        partition.answered = partition.answered.max(applied);
    }

    /// I5: a read sees every write that was answered before.
    pub fn on_read(&self, server: usize, gpid: Gpid, applied: Decree) {
        let answered = self
            .partitions
            .get(&gpid)
            .map_or(Decree::ZERO, |it| it.answered);
        assert!(
            applied >= answered,
            "I5: server{server} reads {gpid} at {applied}, but {answered} was answered"
        );
    }

    /// After an event in `server` that touched `gpid`.
    pub fn after_event(
        &mut self,
        now: SimTime,
        server: usize,
        gpid: Gpid,
        servers: &[Server],
        meta: &MetaNode,
    ) {
        self.check_one_serves(now, gpid, servers);
        let Some(hosted) = hosted_at(&servers[server], gpid) else {
            return;
        };
        reach_marks::of_machine(hosted.machine());
        self.check_ballot(&servers[server], gpid, hosted, meta);
        self.check_positions(server, gpid, hosted);
        if hosted.machine().status() == ReplicaStatus::Primary {
            self.check_primary(server, gpid, hosted, servers);
        }
    }

    /// I4: no two servers may serve a partition at a time.
    fn check_one_serves(&self, now: SimTime, gpid: Gpid, servers: &[Server]) {
        let mut serving = servers.iter().filter(|server| serves(server, gpid, now));
        if let (Some(first), Some(second)) = (serving.next(), serving.next()) {
            panic!(
                "I4: {} and {} both serve {gpid}",
                first.place(),
                second.place()
            );
        }
    }

    fn check_ballot(&mut self, server: &Server, gpid: Gpid, hosted: &Hosted, meta: &MetaNode) {
        let ballot = hosted.machine().ballot();
        let key = (server.index, server.life(), gpid, hosted.instance);
        let server = server.index;
        let before = self.ballots.insert(key, ballot).unwrap_or(ballot);
        assert!(
            ballot >= before,
            "I3: server{server} {gpid} forgot {before}"
        );
        if let Some(configuration) = meta.configuration(gpid) {
            assert!(
                hosted.machine().known_ballot() <= configuration.ballot,
                "I3: server{server} {gpid} knows a ballot that was never made"
            );
        }
    }

    /// I1, across the state machine and its storage.
    fn check_positions(&self, server: usize, gpid: Gpid, hosted: &Hosted) {
        let machine = hosted.machine();
        let stored = hosted.storage.snapshot().mark.decree;
        assert_eq!(
            stored,
            machine.applied(),
            "I1: server{server} {gpid} applied"
        );
        assert!(
            machine.durable() <= machine.applied()
                && machine.applied() <= machine.committed()
                && machine.committed() <= machine.prepared(),
            "I1: server{server} {gpid} is out of order"
        );
        let newest = self
            .partitions
            .get(&gpid)
            .and_then(|it| it.chosen.last_key_value());
        let newest = newest.map_or(Decree::ZERO, |(&decree, _)| decree);
        assert!(
            machine.committed() <= newest,
            "server{server} {gpid} committed what nobody did"
        );
    }

    /// I2 and I3.
    fn check_primary(&mut self, server: usize, gpid: Gpid, hosted: &Hosted, servers: &[Server]) {
        let machine = hosted.machine();
        let partition = self.partitions.entry(gpid).or_default();
        let primary = *partition
            .primaries
            .entry(machine.ballot())
            .or_insert(server);
        assert_eq!(
            primary,
            server,
            "I3: two primaries of {gpid} under {}",
            machine.ballot()
        );
        let Some(configuration) = machine.configuration() else {
            return;
        };
        for member in &configuration.secondaries {
            let Some(Place::Server(index)) = Place::of(*member) else {
                continue;
            };
            let Some(other) = hosted_at(&servers[index], gpid) else {
                continue;
            };
            let is_sound = other.machine().standing() == pegasus_pacifica::Standing::Proven;
            assert!(
                !is_sound || machine.committed() <= other.machine().prepared(),
                "I2: server{server} committed {} of {gpid}, but server{index} has {}",
                machine.committed(),
                other.machine().prepared()
            );
        }
    }

    /// A configuration was made. `dead_for` says how long the meta server has known a server to be dead
    /// when it made this.
    pub fn on_configuration(
        &self,
        before: &PartitionConfiguration,
        after: &PartitionConfiguration,
        dead_for: impl Fn(RpcAddress) -> Option<Duration>,
    ) {
        assert_eq!(
            after.ballot,
            before.ballot.next(),
            "I3: one ballot for one change"
        );
        let new_primary = after
            .primary
            .filter(|primary| before.primary != Some(*primary));
        if let Some(primary) = new_primary {
            let dead_for = dead_for(primary).unwrap_or_default();
            assert!(
                dead_for < COMMIT_TIME,
                "{primary} was dead for {dead_for:?} and became primary of {}",
                after.pid
            );
        }
    }

    /// The newest decree chosen in a partition.
    #[must_use]
    pub fn newest_chosen(&self, gpid: Gpid) -> Decree {
        let chosen = self.partitions.get(&gpid).map(|it| &it.chosen);
        chosen
            .and_then(|chosen| chosen.last_key_value())
            .map_or(Decree::ZERO, |(&decree, _)| decree)
    }
}

/// The replica of a partition on a server whose process is there.
#[must_use]
pub fn hosted_at(server: &Server, gpid: Gpid) -> Option<&Hosted> {
    server.process.as_ref()?.hosted.get(&gpid)
}

/// Whether a server would serve reads and writes of a partition as its primary.
#[must_use]
pub fn serves(server: &Server, gpid: Gpid, now: SimTime) -> bool {
    let Some(process) = server.process.as_ref() else {
        return false;
    };
    let term = process
        .hosted
        .get(&gpid)
        .and_then(|hosted| hosted.machine().readable_in());
    term.is_some_and(|term| process.lease.is_held_in(term, server.monotonic(now)))
}
