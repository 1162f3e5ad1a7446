//! Administrators' requests about tables that exist: one change of each table at a time, made
//! durable before anybody hears of it, and then told to the servers that have replicas of it.

use pegasus_common::{AppId, Gpid, RpcAddress};
use pegasus_metastore::Version;
use pegasus_wire::meta_admin::ConfigType;

use super::{MetaCore, Now, reply};
use crate::cluster_state::Command;
use crate::effect::{Effect, RequestToken};
use crate::staging::PartitionState;
use crate::table_request::{Situation, TableRequest};

impl MetaCore {
    /// A request about a table that exists. Answered when the change is durable. It waits for an
    /// earlier change of the table, and, where it writes the records of the partitions, for the
    /// changes under way there, since each record has one writer at a time.
    pub fn change_table(
        &mut self,
        now: Now,
        reply_to: RequestToken,
        request: TableRequest,
        out: &mut Vec<Effect>,
    ) {
        let subject = request.subject(&self.state);
        let waited = match subject {
            Some(id) => self.staging.wait(id, reply_to, request),
            None => Ok(Some(request)),
        };
        let verdict = match waited {
            Ok(None) => return,
            Ok(Some(request)) => request.judge(self.situation(now)),
            Err(answer) => Err(answer),
        };
        match (verdict, subject) {
            (Ok(change), Some(id)) => {
                tracing::info!(id = id.0, command = ?change.command, "changing a table");
                if change.command.rewrites_partitions() {
                    // What is under way is based on the records that this change replaces.
                    self.births.cancel(id);
                }
                self.staging.begin(&self.state, id, reply_to, change);
                self.commit_if_ready(id, out);
            }
            (Ok(_), None) => debug_assert!(false, "there is no change of a missing table"),
            (Err(answer), _) => out.push(Effect::Reply {
                to: reply_to,
                answer,
            }),
        }
    }

    fn situation(&self, now: Now) -> Situation<'_> {
        Situation {
            state: &self.state,
            staging: &self.staging,
            rules: &self.options.rules,
            capacity: self.capacity(now),
            level: self.effective_level(),
        }
    }

    /// Commits the change of a table that waits, once nothing is in its way.
    pub(super) fn commit_if_ready(&mut self, id: AppId, out: &mut Vec<Effect>) {
        let partitions = match self.changing.keys().any(|pid| pid.app_id == id) {
            true => PartitionState::Changing,
            false => PartitionState::Quiet,
        };
        if let Some((command, reply_to)) = self.staging.take_ready(id, partitions) {
            self.commit(command, vec![reply_to], out);
        }
    }

    /// The change of a table is durable. The servers that have its replicas hear of it at once;
    /// what gets lost on the way they hear with their next config sync.
    pub(super) fn on_table_changed(
        &mut self,
        now: Now,
        id: AppId,
        (command, version): (Command, Version),
        reply_to: Vec<RequestToken>,
        out: &mut Vec<Effect>,
    ) {
        let members = self.members_of(id);
        self.state.apply(command.clone(), version);
        match command {
            Command::DropTable { .. } => self.guardian.forget_table(id),
            Command::RecallTable(_) => {
                self.guardian.on_recall(now, &self.state, id);
                self.births.begin(&self.state, id, now.monotonic);
            }
            Command::SetReplicaCount { .. } => {
                self.guardian.look_at(&self.state, id);
                self.births.begin(&self.state, id, now.monotonic);
            }
            Command::UpdateTable(_) | Command::CreateTable(_) | Command::Reconfigure(_) => {}
        }
        for (pid, node) in members {
            let request = self.membership(node, pid, ConfigType::CT_INVALID);
            out.extend(request.map(|request| Effect::Propose {
                node,
                request: Box::new(request),
            }));
        }
        let Some(finished) = self.staging.finish(id) else {
            debug_assert!(false, "the change of {id:?} was staged");
            return;
        };
        reply(reply_to, &finished.answer, out);
        for (reply_to, request) in finished.waiting {
            self.change_table(now, reply_to, request, out);
        }
    }

    fn members_of(&self, id: AppId) -> Vec<(Gpid, RpcAddress)> {
        let partitions = self.state.table(id).map(|table| &table.partitions);
        let configurations = partitions
            .into_iter()
            .flatten()
            .map(|partition| &partition.configuration);
        configurations
            .flat_map(|configuration| {
                let members = configuration.members();
                members.map(|member| (configuration.pid, member))
            })
            .collect()
    }
}
