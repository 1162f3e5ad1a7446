//! What must hold across replicas, after every step (design section 5).

use std::collections::BTreeMap;

use pegasus_common::{Ballot, Decree};
use pegasus_pacifica::{DigestAt, Membership, Mutation, PrepareAck, ReplicaStatus, Role};

use super::address;
use super::meta::Meta;
use super::node::Node;

/// A write, whatever ballots it was proposed under.
type Write = (i64, u32);

/// What was seen so far.
pub struct Checks {
    /// What was committed anywhere, with its digest.
    chosen: BTreeMap<Decree, (Write, DigestAt)>,
    newest_write: u64,
    /// What a client was told is done.
    pub answered: BTreeMap<Decree, Write>,
    /// The last ballot of each server, over its restarts.
    ballots: Vec<Ballot>,
    /// Who was primary under each ballot.
    primaries: BTreeMap<Ballot, usize>,
    /// How often a replica was told to learn.
    pub needs_learning: u64,
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
            newest_write: 0,
            answered: BTreeMap::new(),
            ballots: vec![Ballot::ZERO; count],
            primaries: BTreeMap::new(),
            needs_learning: 0,
        }
    }

    /// The newest decree committed anywhere.
    pub fn newest_chosen(&self) -> Decree {
        self.chosen
            .last_key_value()
            .map_or(Decree::ZERO, |(&decree, _)| decree)
    }

    /// The name of the write there.
    pub fn newest_write(&self) -> u64 {
        self.newest_write
    }

    /// I8 and agreement: what one replica commits, no other contradicts.
    pub fn on_commit(&mut self, index: usize, mutation: &Mutation, digest: DigestAt) {
        let write = write_of(mutation);
        if mutation.decree == self.newest_chosen().next() {
            assert_eq!(
                evaluated_after(mutation),
                self.newest_write(),
                "{mutation:?} was evaluated in a past that did not happen"
            );
            self.newest_write = name_of(mutation);
        }
        let chosen = self
            .chosen
            .entry(mutation.decree)
            .or_insert((write, digest));
        assert_eq!(
            *chosen,
            (write, digest),
            "I8: {} commits another write at decree {}",
            address(index),
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

    pub fn on_needs_learning(&mut self) {
        self.needs_learning += 1;
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
            assert_eq!(replica.status(), ReplicaStatus::Secondary);
        }
    }

    /// Nothing that was durable is forgotten by a restart.
    pub fn on_restart(&self, node: &Node) {
        let replica = node.replica.as_ref().expect("just restarted");
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
        }
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
            if history.membership_of(address(other)) != Membership::Outside {
                assert!(
                    replica.committed() <= member.prepared(),
                    "I2: {} committed {}, but {} has {}",
                    nodes[index].address,
                    replica.committed(),
                    node.address,
                    member.prepared()
                );
            }
        }
        if ballot == meta.configuration.ballot && replica.admit_read().is_ok() {
            let answered = self
                .answered
                .last_key_value()
                .map_or(Decree::ZERO, |(&d, _)| d);
            assert!(
                nodes[index].applied.decree >= answered,
                "I5: reads miss what was answered"
            );
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
        assert_eq!(self.needs_learning, 0, "a member lacks something");
        for (decree, write) in &self.answered {
            let chosen = self.chosen.get(decree).map(|(chosen, _)| chosen);
            assert_eq!(
                chosen,
                Some(write),
                "decree {decree} was answered and is lost"
            );
        }
        let serving = members.iter().any(|&index| {
            nodes[index]
                .replica
                .as_ref()
                .is_some_and(|replica| replica.admit_read().is_ok())
        });
        assert!(serving, "nobody serves although everyone is up");
    }
}
