//! What must hold across replicas, after every step (design section 5).

use std::collections::BTreeMap;

use pegasus_common::{Ballot, Decree};
use pegasus_pacifica::{
    DigestAt, Membership, Mutation, PrepareAck, Replica, ReplicaStatus, Role, Standing,
};

use super::address;
use super::meta::Meta;
use super::node::Node;

/// A write, whatever ballots it was proposed under.
type Write = (i64, u32);

/// What was seen so far.
#[derive(Clone, Hash)]
pub struct Checks {
    /// What was committed anywhere, with its digest and its name.
    chosen: BTreeMap<Decree, (Write, DigestAt, u64)>,
    /// What a client was told is done.
    pub answered: BTreeMap<Decree, Write>,
    /// The last ballot of each server, over its restarts.
    ballots: Vec<Ballot>,
    /// Who was primary under each ballot.
    primaries: BTreeMap<Ballot, usize>,
}

fn write_of(mutation: &Mutation) -> Write {
    (mutation.timestamp_us, mutation.checksum)
}

/// The number of a write; each has its own. Zero: before all.
pub fn name_of(mutation: &Mutation) -> u64 {
    number_at(mutation, 0)
}

/// The write that its primary had last when it evaluated this one.
fn evaluated_after(mutation: &Mutation) -> u64 {
    number_at(mutation, 8)
}

fn number_at(mutation: &Mutation, offset: usize) -> u64 {
    let bytes = mutation.payload[offset..offset + 8]
        .try_into()
        .expect("8 bytes");
    u64::from_le_bytes(bytes)
}

impl Checks {
    pub fn new(count: usize) -> Self {
        Self {
            chosen: BTreeMap::new(),
            answered: BTreeMap::new(),
            ballots: vec![Ballot::ZERO; count],
            primaries: BTreeMap::new(),
        }
    }

    /// The newest decree committed anywhere.
    pub fn newest_chosen(&self) -> Decree {
        self.chosen
            .last_key_value()
            .map_or(Decree::ZERO, |(&decree, _)| decree)
    }

    /// The name of the write committed at a decree; zero if there is none.
    pub fn name_at(&self, decree: Decree) -> u64 {
        self.chosen.get(&decree).map_or(0, |&(_, _, name)| name)
    }

    /// Whether a replica surely has all that was ever committed.
    pub fn is_complete(&self, replica: &Replica) -> bool {
        let digest = replica.digest();
        let is_prefix = digest == DigestAt::default()
            || self
                .chosen
                .get(&digest.decree)
                .is_some_and(|&(_, chosen, _)| chosen == digest);
        let is_proven = replica.standing() == Standing::Proven;
        is_proven && is_prefix && self.holds_through(replica, self.newest_chosen())
    }

    /// Whether what follows a replica's commit point, through `last`, is what was chosen.
    fn holds_through(&self, replica: &Replica, last: Decree) -> bool {
        let list = replica.prepare_list();
        let mut behind = (replica.committed().0 + 1)..=last.0;
        behind.all(|decree| {
            let entry = list.get(Decree(decree)).map(write_of);
            let chosen = self.chosen.get(&Decree(decree));
            entry.is_some() && entry == chosen.map(|&(write, ..)| write)
        })
    }

    /// I8 and agreement: what one replica commits, no other contradicts.
    /// A replica whose storage was damaged commits the same, upon something else.
    pub fn on_commit(&mut self, node: &Node, mutation: &Mutation, digest: DigestAt) {
        let write = write_of(mutation);
        let name = name_of(mutation);
        if mutation.decree == self.newest_chosen().next() {
            assert_eq!(
                evaluated_after(mutation),
                self.name_at(self.newest_chosen()),
                "{mutation:?} was evaluated in a past that did not happen"
            );
        }
        let chosen = self
            .chosen
            .entry(mutation.decree)
            .or_insert((write, digest, name));
        let digest = if node.is_corrupt { chosen.1 } else { digest };
        assert_eq!(
            *chosen,
            (write, digest, name),
            "I8: {} commits another write at decree {}",
            node.address,
            mutation.decree
        );
    }

    pub fn on_client_answered(&mut self, mutation: &Mutation) {
        let before = self.answered.insert(mutation.decree, write_of(mutation));
        assert!(
            before.is_none(),
            "decree {} answered twice",
            mutation.decree
        );
        assert!(
            self.chosen.contains_key(&mutation.decree),
            "answered but not committed"
        );
    }

    /// A checkpoint was put in the place of a server's data.
    pub fn on_install(&mut self, index: usize, ballot: Ballot) {
        assert!(ballot >= self.ballots[index], "I3: a ballot forgotten");
    }

    /// A server has lost its disk, or a part of what it has.
    pub fn on_loss(&mut self, index: usize) {
        self.ballots[index] = Ballot::ZERO;
    }

    /// An acknowledgement promises that the log would survive now, under the ballot it names.
    pub fn on_acknowledgement(&self, node: &Node, ack: &PrepareAck) {
        let Some(replica) = &node.replica else {
            panic!("a dead server acknowledges");
        };
        for mutation in replica
            .prepare_list()
            .iter()
            .filter(|entry| entry.decree <= ack.decree)
        {
            let position = (mutation.ballot, mutation.decree);
            assert!(
                node.safe_mutations.contains(&position) || mutation.decree <= node.flushed.decree,
                "{} acknowledges {mutation:?} before it is safe",
                node.address
            );
        }
        if ack.decree > Decree::ZERO {
            assert_eq!(
                ack.ballot,
                replica.ballot(),
                "I3: acknowledged under another ballot"
            );
            let expected = match ack.learner {
                Some(_) => ReplicaStatus::PotentialSecondary,
                None => ReplicaStatus::Secondary,
            };
            assert_eq!(replica.status(), expected);
        }
    }

    /// Nothing that was durable is forgotten by a restart.
    pub fn on_restart(&self, node: &Node) {
        let Some(replica) = &node.replica else {
            return;
        };
        assert!(
            replica.committed() >= node.flushed.decree,
            "flushed and lost"
        );
    }

    pub fn after_step(&mut self, nodes: &[Node], meta: &Meta) {
        for (index, node) in nodes.iter().enumerate() {
            let Some(replica) = &node.replica else {
                continue;
            };
            let ballot = replica.ballot();
            assert!(
                ballot >= self.ballots[index],
                "I3: {} forgot a ballot",
                node.address
            );
            assert!(
                ballot <= meta.configuration.ballot,
                "I3: a ballot that meta never made"
            );
            self.ballots[index] = ballot;
            assert!(
                !matches!(replica.role(), Role::Error(_)),
                "{} failed: {:?}",
                node.address,
                replica.role()
            );
            assert!(
                replica.committed() <= self.newest_chosen(),
                "committed what nobody did"
            );
            if replica.status() == ReplicaStatus::Primary {
                self.check_primary(index, nodes, meta);
            }
            self.check_reads(node);
        }
    }

    /// I4, I5: a read that comes now sees everything that was answered.
    fn check_reads(&self, node: &Node) {
        let answered = self.answered.last_key_value();
        let answered = answered.map_or(Decree::ZERO, |(&decree, _)| decree);
        assert!(
            !node.may_read() || node.applied.decree >= answered,
            "I4, I5: {} reads at {} and misses what was answered at {answered}",
            node.address,
            node.applied.decree
        );
    }

    fn check_primary(&mut self, index: usize, nodes: &[Node], meta: &Meta) {
        let replica = nodes[index].replica.as_ref().expect("it is primary");
        let ballot = replica.ballot();
        let primary = *self.primaries.entry(ballot).or_insert(index);
        assert_eq!(primary, index, "I3: two primaries under ballot {ballot}");
        let history = &meta.history[usize::try_from(ballot.0 - 1).expect("from 1")];
        assert_eq!(
            replica.configuration(),
            Some(history),
            "I3: a configuration of its own"
        );
        for (other, node) in nodes.iter().enumerate() {
            let Some(member) = &node.replica else {
                continue;
            };
            // One that lost its disk is a member until the primary hears of it.
            let is_lost = member.standing() == Standing::Unproven;
            if !is_lost && history.membership_of(address(other)) != Membership::Outside {
                assert!(
                    self.holds_through(member, replica.committed()),
                    "I2: {} committed {}, but {} has {:?}",
                    nodes[index].address,
                    replica.committed(),
                    node.address,
                    member.prepare_list()
                );
            }
        }
    }

    /// At the end, with everyone up and told: the group serves, and all members are equal.
    pub fn at_rest(&self, nodes: &[Node], meta: &Meta) {
        let members: Vec<usize> = (0..nodes.len())
            .filter(|&index| {
                meta.configuration.membership_of(address(index)) != Membership::Outside
            })
            .collect();
        let newest = self.newest_chosen();
        for &index in &members {
            let node = &nodes[index];
            let replica = node.replica.as_ref().expect("everyone is up");
            assert_eq!(
                replica.ballot(),
                meta.configuration.ballot,
                "{}",
                node.address
            );
            assert_eq!(replica.committed(), newest, "{} lags at rest", node.address);
            assert_eq!(
                node.applied,
                replica.digest(),
                "{} applied something else",
                node.address
            );
            assert_eq!(
                replica.prepared(),
                newest,
                "{} keeps old entries",
                node.address
            );
        }
        for (decree, write) in &self.answered {
            let chosen = self.chosen.get(decree).map(|(chosen, ..)| chosen);
            assert_eq!(
                chosen,
                Some(write),
                "decree {decree} was answered and is lost"
            );
        }
        let serving = members.iter().any(|&index| nodes[index].may_read());
        assert!(serving, "nobody serves although everyone is up");
    }
}
