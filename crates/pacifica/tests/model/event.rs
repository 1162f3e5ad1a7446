//! Everything that can happen, as data: so that a run can be told, and every choice be tried.

use pegasus_common::RpcAddress;
use pegasus_pacifica::{ConfigurationSource, LeaseTerm, ProposalKind};

use super::meta::Copies;
use super::{World, address};

/// Something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The oldest message of a link arrives.
    Deliver { from: usize, to: usize },
    /// What is under way in one direction is lost, and nobody notices.
    Lose { from: usize, to: usize },
    /// The connections between two servers break and come back.
    Reconnect { one: usize, other: usize },
    /// The oldest message of a link will arrive twice.
    Copy { from: usize, to: usize },
    /// A copy arrives.
    Stale { which: usize },
    /// A client writes.
    Write { at: usize },
    /// Records of a log become safe.
    FlushLog { at: usize, records: usize },
    /// The next committed mutation is applied.
    Apply { at: usize },
    /// Storage is flushed, and the log forgets.
    FlushStorage { at: usize, records: usize },
    /// A server asks meta for its configuration; the answer is under way.
    Ask { at: usize },
    /// What meta has said reaches a server.
    Notice { at: usize },
    /// An old configuration reaches a server.
    OldConfiguration { at: usize, which: usize },
    /// Meta handles a request.
    Answer { which: usize, copies: Copies },
    /// A lease runs out.
    Lapse { at: usize },
    /// A replica hears what the clock says of the lease.
    NoticeLease { at: usize },
    /// A beacon reaches meta, and its answer the server.
    Beacon { at: usize },
    /// Meta holds a server for dead.
    DeclareDead { at: usize },
    /// Meta takes the role of a dead primary.
    ClearPrimary,
    /// Meta proposes something.
    Propose {
        to: usize,
        kind: ProposalKind,
        node: RpcAddress,
    },
    /// A server dies; some records that were not safe stay.
    Crash { at: usize, surviving: usize },
    /// A server dies and loses records that were safe, and knows it.
    LoseTail { at: usize, records: usize },
    /// A server dies and loses its log, and its storage is damaged unseen.
    Corrupt { at: usize },
    /// A dead server gets a new disk.
    Wipe { at: usize },
    /// A server comes back.
    Restart { at: usize },
    /// Timers.
    GroupCheck { at: usize },
    /// See [`Event::GroupCheck`].
    Reconfigure { at: usize },
    /// See [`Event::GroupCheck`].
    Progress { at: usize },
    /// A server finds that another does not answer.
    Suspect { at: usize, peer: usize },
    /// The driver works for a learner.
    Teach { at: usize },
    /// A checkpoint has been fetched.
    Fetch { at: usize },
    /// A checkpoint cannot be fetched.
    FailFetch { at: usize },
    /// Checkpoints that nobody needs are removed.
    DropCheckpoints { at: usize },
}

impl World {
    /// Makes it happen.
    pub fn act(&mut self, event: Event) {
        match event {
            Event::Deliver { from, to } => self.deliver(from, to),
            Event::Lose { from, to } => self.lose_silently(from, to),
            Event::Reconnect { one, other } => self.reconnect(one, other),
            Event::Copy { from, to } => self.network.copy_for_later(from, to),
            Event::Stale { which } => self.receive_stale(which),
            Event::Write { at } => {
                let _refused = self.write(at);
            }
            Event::FlushLog { at, records } => self.flush_log(at, records),
            Event::Apply { at } => self.apply(at),
            Event::FlushStorage { at, records } => self.flush_storage(at, records),
            Event::Ask { at } => self.ask_for_sync(at),
            Event::Notice { at } => self.take_notice(at),
            Event::OldConfiguration { at, which } => self.old_configuration(at, which),
            Event::Answer { which, copies } => self.answer_request(which, copies),
            Event::Lapse { at } => self.lapse(at),
            Event::NoticeLease { at } => self.notice_lease(at),
            Event::Beacon { at } => self.beacon(at),
            Event::DeclareDead { at } => self.declare_dead(at),
            Event::ClearPrimary => self.clear_primary(),
            Event::Propose { to, kind, node } => self.send_proposal(to, kind, node),
            Event::Crash { at, surviving } => self.crash(at, surviving),
            Event::LoseTail { at, records } => {
                self.crash(at, 0);
                self.nodes[at].lose_safe_records(records);
                self.checks.on_loss(at);
            }
            Event::Corrupt { at } => {
                self.crash(at, 0);
                self.nodes[at].corrupt();
                self.checks.on_loss(at);
            }
            Event::Wipe { at } => {
                self.nodes[at].wipe();
                self.checks.on_loss(at);
            }
            Event::Restart { at } => self.restart(at),
            Event::GroupCheck { at } => self.group_check(at),
            Event::Reconfigure { at } => {
                self.input(at, |replica, out| replica.on_reconfiguration_timer(out));
            }
            Event::Progress { at } => self.progress(at),
            Event::Suspect { at, peer } => self.input(at, |replica, out| {
                replica.on_peer_suspected(address(peer), out);
            }),
            Event::Teach { at } => self.teach(at),
            Event::Fetch { at } => self.fetch(at),
            Event::FailFetch { at } => self.fail_fetch(at),
            Event::DropCheckpoints { at } => self.drop_checkpoints(at),
        }
    }

    /// An old answer of meta, to a question that was asked in the first term.
    fn old_configuration(&mut self, at: usize, which: usize) {
        let old = self.meta.history[which % self.meta.history.len()].clone();
        let source = ConfigurationSource::Sync {
            asked_in: LeaseTerm(u64::from(which.is_multiple_of(2))),
        };
        if self.nodes[at].replica.is_some() {
            self.configure(at, &old, source);
        }
    }
}
