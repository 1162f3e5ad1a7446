//! Administrators' requests: creating and dropping tables.

use pegasus_common::{AppId, ErrorCode};
use pegasus_wire::meta_admin::{
    ConfigurationCreateAppRequest, ConfigurationCreateAppResponse, ConfigurationDropAppRequest,
    ConfigurationDropAppResponse,
};

use super::{MetaCore, Now};
use crate::cluster_state::Command;
use crate::effect::{Answer, Effect, RequestToken};
use crate::table::Table;
use crate::table_admin::{Capacity, CreateVerdict, Drop, DropStage, DropVerdict};

impl MetaCore {
    /// RPC_CM_CREATE_APP. Answered when the table is durable; its partitions get their members
    /// after that, and callers ask query_cfg for them.
    pub fn create_app(
        &mut self,
        now: Now,
        reply_to: RequestToken,
        request: &ConfigurationCreateAppRequest,
        out: &mut Vec<Effect>,
    ) {
        let verdict = if self.effective_level().allows_change() {
            let capacity = Capacity {
                alive_nodes: self.detector.alive().count(),
                unix_seconds: now.unix_seconds,
            };
            let rules = &self.options.rules;
            self.staging
                .judge_create(&self.state, rules, capacity, request)
        } else {
            CreateVerdict::Refuse(ErrorCode::StateFreezed)
        };
        let (err, appid) = match verdict {
            CreateVerdict::Create(table) => {
                tracing::info!(name = table.name, id = table.id.0, "creating a table");
                self.staging.begin_create(&table);
                return self.commit(Command::CreateTable(table), vec![reply_to], out);
            }
            CreateVerdict::Exists(id) => (ErrorCode::Ok, id.0),
            CreateVerdict::Refuse(err) => (err, 0),
        };
        let answer = Answer::CreateApp(ConfigurationCreateAppResponse { err, appid });
        out.push(Effect::Reply {
            to: reply_to,
            answer,
        });
    }

    pub(super) fn on_table_created(&mut self, now: Now, table: &Table) -> Answer {
        self.staging.created(&table.name);
        self.births.begin(&self.state, table.id, now.monotonic);
        Answer::CreateApp(ConfigurationCreateAppResponse {
            err: ErrorCode::Ok,
            appid: table.id.0,
        })
    }

    /// RPC_CM_DROP_APP. Answered when the drop is durable; it waits for the changes under way in
    /// the table's partitions, since each record has one writer at a time.
    pub fn drop_app(
        &mut self,
        now: Now,
        reply_to: RequestToken,
        request: &ConfigurationDropAppRequest,
        out: &mut Vec<Effect>,
    ) {
        let rules = &self.options.rules;
        let verdict = self
            .staging
            .judge_drop(&self.state, rules, now.unix_seconds, request);
        let err = match verdict {
            DropVerdict::Drop(id, command) => {
                tracing::info!(name = request.app_name, id = id.0, "dropping a table");
                self.births.cancel(id);
                let drop = Drop {
                    reply_to,
                    command,
                    stage: DropStage::WaitingForPartitions,
                };
                self.staging.begin_drop(id, drop);
                return self.drop_if_quiet(id, out);
            }
            DropVerdict::Missing => ErrorCode::Ok,
            DropVerdict::Refuse(err) => err,
        };
        let answer = Answer::DropApp(ConfigurationDropAppResponse { err });
        out.push(Effect::Reply {
            to: reply_to,
            answer,
        });
    }

    /// Commits a drop that waits, once no partition of the table is changing.
    pub(super) fn drop_if_quiet(&mut self, id: AppId, out: &mut Vec<Effect>) {
        if self.is_changing(id) {
            return;
        }
        let waiting = self
            .staging
            .drop_mut(id)
            .filter(|drop| drop.stage == DropStage::WaitingForPartitions);
        if let Some(drop) = waiting {
            drop.stage = DropStage::Committing;
            let (command, reply_to) = (drop.command.clone(), drop.reply_to);
            self.commit(command, vec![reply_to], out);
        }
    }

    pub(super) fn on_table_dropped(&mut self, id: AppId) -> Answer {
        self.staging.dropped(id);
        self.guardian.forget_table(id);
        Answer::DropApp(ConfigurationDropAppResponse { err: ErrorCode::Ok })
    }
}
