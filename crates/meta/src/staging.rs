//! Changes of tables that are not durable yet: at most one of each table at a time. What is asked
//! meanwhile waits its turn, so that no change is based on attributes that another one replaces.

use std::collections::{BTreeMap, VecDeque};

use pegasus_common::{AppId, ErrorCode};

use crate::cluster_state::{ClusterState, Command};
use crate::effect::{Answer, RequestToken};
use crate::table_request::{TableChange, TableRequest};

/// Requests that may wait for one table. They come from administrators, a few at a time.
const WAITING_MAX: usize = 64;

/// Everything that is under way.
#[derive(Debug, Default)]
pub struct Staging {
    /// Names that tables are about to have, and which tables.
    claims: BTreeMap<String, AppId>,
    changes: BTreeMap<AppId, StagedChange>,
}

#[derive(Debug)]
struct StagedChange {
    change: TableChange,
    reply_to: RequestToken,
    stage: Stage,
    waiting: VecDeque<(RequestToken, TableRequest)>,
}

/// How far a change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Partitions of the table have changes under way.
    WaitingForPartitions,
    /// The store makes it durable.
    Committing,
}

/// A change that is durable.
#[derive(Debug)]
pub struct FinishedChange {
    /// The answer to who asked for it.
    pub answer: Answer,
    /// Who waits, in the order in which they came.
    pub waiting: VecDeque<(RequestToken, TableRequest)>,
}

impl Staging {
    /// Why a table of this name cannot be used now, although it exists or soon will.
    #[must_use]
    pub fn busy(&self, state: &ClusterState, name: &str) -> Option<ErrorCode> {
        if self.is_claimed(name) {
            return Some(ErrorCode::BusyCreating);
        }
        let table = state.available_table(name)?;
        self.is_dropping(table.info.id)
            .then_some(ErrorCode::BusyDropping)
    }

    /// Whether a table is about to have this name.
    #[must_use]
    pub fn is_claimed(&self, name: &str) -> bool {
        self.claims.contains_key(name)
    }

    /// Whether the table is being dropped.
    #[must_use]
    pub fn is_dropping(&self, id: AppId) -> bool {
        let staged = self.changes.get(&id);
        staged.is_some_and(|staged| matches!(staged.change.command, Command::DropTable { .. }))
    }

    /// Whether the table's partitions must be left alone, because all of them are about to change.
    #[must_use]
    pub fn holds_partitions(&self, id: AppId) -> bool {
        let staged = self.changes.get(&id);
        staged.is_some_and(|staged| staged.change.command.rewrites_partitions())
    }

    /// The number of the next table: above all that there ever was or that is under way.
    #[must_use]
    pub fn next_table_id(&self, state: &ClusterState) -> AppId {
        let claimed = self.claims.values().max().copied();
        AppId(state.last_table_id().max(claimed.unwrap_or_default()).0 + 1)
    }

    /// Notes that a table is about to have a name, until [`Staging::release`].
    pub fn claim(&mut self, name: &str, id: AppId) {
        self.claims.insert(name.to_owned(), id);
    }

    /// The table has the name, or never will.
    pub fn release(&mut self, id: AppId) {
        self.claims.retain(|_, claimant| *claimant != id);
    }

    /// Lets a request wait for the change of its table that is under way. Gives it back if there is
    /// none.
    ///
    /// # Errors
    /// The answer at once: the table goes or comes, or too many wait already.
    pub fn wait(
        &mut self,
        id: AppId,
        reply_to: RequestToken,
        request: TableRequest,
    ) -> Result<Option<TableRequest>, Answer> {
        let Some(staged) = self.changes.get_mut(&id) else {
            return Ok(Some(request));
        };
        match staged.change.command {
            Command::DropTable { .. } => {
                Err(request.reply(ErrorCode::BusyDropping, "the table is being dropped"))
            }
            Command::RecallTable(_) => {
                Err(request.reply(ErrorCode::BusyCreating, "the table is being recalled"))
            }
            _ if staged.waiting.len() >= WAITING_MAX => {
                Err(request.reply(ErrorCode::Busy, "too many changes of the table wait"))
            }
            _ => {
                staged.waiting.push_back((reply_to, request));
                Ok(None)
            }
        }
    }

    /// Takes a change in. It is committed when [`Staging::take_ready`] gives it out.
    pub fn begin(
        &mut self,
        state: &ClusterState,
        id: AppId,
        reply_to: RequestToken,
        change: TableChange,
    ) {
        if let Command::UpdateTable(next) | Command::RecallTable(next) = &change.command
            && state.available_table(&next.name).is_none()
        {
            self.claim(&next.name, id);
        }
        let staged = StagedChange {
            change,
            reply_to,
            stage: Stage::WaitingForPartitions,
            waiting: VecDeque::new(),
        };
        let other = self.changes.insert(id, staged);
        debug_assert!(other.is_none(), "two changes of {id:?} at a time");
    }

    /// The command of a table's change, if it was not given out yet and may be committed now.
    pub fn take_ready(
        &mut self,
        id: AppId,
        partitions: PartitionState,
    ) -> Option<(Command, RequestToken)> {
        let staged = self.changes.get_mut(&id)?;
        let command = &staged.change.command;
        let may_commit = partitions == PartitionState::Quiet || !command.rewrites_partitions();
        if staged.stage == Stage::Committing || !may_commit {
            return None;
        }
        staged.stage = Stage::Committing;
        Some((command.clone(), staged.reply_to))
    }

    /// The change of a table is durable.
    pub fn finish(&mut self, id: AppId) -> Option<FinishedChange> {
        self.release(id);
        let staged = self.changes.remove(&id)?;
        Some(FinishedChange {
            answer: staged.change.answer,
            waiting: staged.waiting,
        })
    }
}

/// Whether partitions of a table are changing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionState {
    /// None is.
    Quiet,
    /// At least one is.
    Changing,
}
