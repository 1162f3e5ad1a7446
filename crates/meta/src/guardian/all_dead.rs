//! A partition without any member: which former one may become primary (meta-server.md section
//! 12.3 c; upstream calls it DDD).
//!
//! 1. A member of the last configuration that had a primary is enough if it is *proven*, that is,
//!    surely has everything that it acknowledged: everything that was ever committed was
//!    acknowledged by all members of that time, and nothing was committed after. The one that left
//!    last always was such a member; others were if they left after the last primary, or with it.
//! 2. Otherwise upstream's rule of two: the last two must both have answered, must not contradict
//!    each other, and the one with more becomes primary. Where the older one has lost its replica
//!    there is nothing better than the newer one.
//! 3. Where the *newer* one has lost its replica nothing is chosen (upstream takes the older one):
//!    the newer one may have committed alone what was under way when the older one left.
//!
//! Without any report nothing is ever chosen, and nobody but the one that left last while that one may
//! still lead.

use std::fmt;

use pegasus_common::{Decree, RpcAddress, reach};

use crate::partition::PartitionConfiguration;
use crate::planted::PlantedBug;
use crate::reports::{ReplicaReport, Sighting, Standing};

/// A former member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Candidate<'a> {
    /// Its server is not there.
    Away,
    /// Its server is there and says this.
    Here(Sighting<'a>),
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This server becomes primary.
    Assign(RpcAddress, Confidence),
    /// Nobody, for now.
    Refuse(Refusal),
}

/// How good a choice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confidence {
    /// Nothing that was acknowledged is lost.
    Complete,
    /// It is the best that there is; something may be lost.
    BestThereIs,
}

/// Why nobody is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody is remembered.
    NobodyKnown,
    /// The server is not there.
    Away(RpcAddress),
    /// The server has not reported its replicas yet.
    Unreported(RpcAddress),
    /// No replica is left.
    AllLost,
    /// The server that left last has lost its replica; an older one may lack something.
    NewestLost(RpcAddress),
    /// The server that left last may still lead by its lease: its table was dropped and came back, and
    /// it has not said since that it has heard of it.
    MayLead(RpcAddress),
    /// One has the newer ballot, the other more data.
    Contradiction(RpcAddress, RpcAddress),
    /// Less than what was known to be committed.
    TooOld {
        /// The best that there is.
        prepared: Decree,
        /// What there must be.
        needed: Decree,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NobodyKnown => f.write_str("no former member is remembered"),
            Self::Away(node) => write!(f, "{node} is not alive"),
            Self::Unreported(node) => write!(f, "{node} has not reported its replicas yet"),
            Self::AllLost => f.write_str("no former member has a replica any more"),
            Self::NewestLost(node) => write!(
                f,
                "{node} left last and has lost its replica; the one before it may lack \
                 acknowledged writes"
            ),
            Self::MayLead(node) => write!(
                f,
                "{node} was primary and may not have heard yet that it is not any more"
            ),
            Self::Contradiction(older, newer) => write!(
                f,
                "{older} and {newer} contradict each other: one has the larger ballot, the \
                 other has committed more"
            ),
            Self::TooOld { prepared, needed } => write!(
                f,
                "decree {prepared} is the largest that was prepared, and {needed} was committed"
            ),
        }
    }
}

/// Judges a partition without members.
#[must_use]
pub fn judge<'a>(
    configuration: &PartitionConfiguration,
    look: impl Fn(RpcAddress) -> Candidate<'a>,
) -> Verdict {
    let (newest, older) = match configuration.last_drops.as_slice() {
        [] => return Verdict::Refuse(Refusal::NobodyKnown),
        [only] => (*only, None),
        [.., older, newest] => (*newest, Some(*older)),
    };
    if let Some(node) = complete_member(configuration, &look) {
        return Verdict::Assign(node, Confidence::Complete);
    }
    let seen = look(newest);
    let verdict = match older {
        None => only_one(configuration, newest, seen),
        Some(older) => two(configuration, (older, look(older)), (newest, seen)),
    };
    match verdict {
        Ok((node, confidence)) => Verdict::Assign(node, confidence),
        Err(refusal) => Verdict::Refuse(refusal),
    }
}

/// A former member that surely has everything that was ever acknowledged.
fn complete_member<'a>(
    configuration: &PartitionConfiguration,
    look: impl Fn(RpcAddress) -> Candidate<'a>,
) -> Option<RpcAddress> {
    let is_proven = |node: RpcAddress| match look(node) {
        Candidate::Here(Sighting::Present(report)) => is_complete(configuration, report),
        _ => false,
    };
    let mut drops = configuration.complete_drops();
    let node = drops.find(|&node| is_proven(node))?;
    if configuration.last_drops.last() == Some(&node) {
        reach!("meta: the last member proves that it is complete");
    } else {
        reach!("meta: a member of the last primary's time proves that it is complete");
    }
    Some(node)
}

/// What becomes of a choice when the server that left last may still lead. Dropping a table takes the
/// members' roles without waiting for the lease of the primary to end; whoever is put in its place
/// before it has heard of that would be a second one (design I4).
pub(super) fn heed_last_leader(
    verdict: Verdict,
    configuration: &PartitionConfiguration,
    may_lead: impl Fn(RpcAddress) -> bool,
) -> Verdict {
    let last = configuration.last_drops.last().copied();
    match (verdict, last) {
        (Verdict::Assign(node, _), Some(last))
            if node != last && may_lead(last) && !PlantedBug::LastLeaderForgotten.is_on() =>
        {
            reach!("meta: a choice waits for the last primary to hear of its end");
            Verdict::Refuse(Refusal::MayLead(last))
        }
        _ => verdict,
    }
}

type Choice = Result<(RpcAddress, Confidence), Refusal>;

fn is_complete(configuration: &PartitionConfiguration, report: &ReplicaReport) -> bool {
    report.standing == Standing::Proven && report.prepared >= configuration.last_committed
}

/// Nobody else ever had the data, or nobody is remembered.
fn only_one(
    configuration: &PartitionConfiguration,
    node: RpcAddress,
    seen: Candidate<'_>,
) -> Choice {
    match answered(node, seen)? {
        None => Err(Refusal::AllLost),
        Some(report) => best(configuration, node, [report]),
    }
}

fn two(
    configuration: &PartitionConfiguration,
    older: (RpcAddress, Candidate<'_>),
    newest: (RpcAddress, Candidate<'_>),
) -> Choice {
    let newest_report = answered(newest.0, newest.1)?;
    let older_report = answered(older.0, older.1)?;
    let (older_report, newest_report) = match (older_report, newest_report) {
        (None, None) => return Err(Refusal::AllLost),
        (Some(_), None) => {
            reach!("meta: the last member has lost its replica");
            return Err(Refusal::NewestLost(newest.0));
        }
        (None, Some(report)) => return best(configuration, newest.0, [report]),
        (Some(older), Some(newest)) => (older, newest),
    };
    reach!("meta: two former members are compared");
    let by_ballot = older_report.ballot.cmp(&newest_report.ballot);
    let by_data = older_report.committed.cmp(&newest_report.committed);
    if by_ballot.is_ne() && by_data.is_ne() && by_ballot != by_data {
        return Err(Refusal::Contradiction(older.0, newest.0));
    }
    let extent = |report: &ReplicaReport| (report.ballot, report.committed, report.prepared);
    let is_older_larger = extent(older_report) > extent(newest_report);
    let takes_older = is_older_larger != PlantedBug::LessDataWins.is_on();
    let choice = if takes_older { older.0 } else { newest.0 };
    best(configuration, choice, [older_report, newest_report])
}

/// What a former member has, once it has said so; `None` is nothing.
fn answered(node: RpcAddress, seen: Candidate<'_>) -> Result<Option<&ReplicaReport>, Refusal> {
    match seen {
        Candidate::Away => Err(Refusal::Away(node)),
        Candidate::Here(Sighting::Unreported) => Err(Refusal::Unreported(node)),
        Candidate::Here(Sighting::Absent) => Ok(None),
        Candidate::Here(Sighting::Present(report)) => Ok(Some(report)),
    }
}

/// The choice, unless all that there is is less than there was.
fn best<'a>(
    configuration: &PartitionConfiguration,
    choice: RpcAddress,
    reports: impl IntoIterator<Item = &'a ReplicaReport>,
) -> Choice {
    let (mut prepared, mut committed) = (Decree::ZERO, Decree::ZERO);
    for report in reports {
        prepared = prepared.max(report.prepared);
        committed = committed.max(report.committed);
    }
    let needed = configuration.last_committed.max(committed);
    if prepared < needed && !PlantedBug::LessDataWins.is_on() {
        return Err(Refusal::TooOld { prepared, needed });
    }
    Ok((choice, Confidence::BestThereIs))
}
