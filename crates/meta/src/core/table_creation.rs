//! RPC_CM_CREATE_APP.

use pegasus_common::ErrorCode;
use pegasus_metastore::Version;
use pegasus_wire::meta_admin::{ConfigurationCreateAppRequest, ConfigurationCreateAppResponse};

use super::{MetaCore, Now};
use crate::cluster_state::Command;
use crate::effect::{Answer, Effect, RequestToken};
use crate::table::Table;
use crate::table_admin::{Capacity, CreateVerdict};

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
            let (rules, staging) = (&self.options.rules, &self.staging);
            rules.judge_create(&self.state, staging, self.capacity(now), request)
        } else {
            CreateVerdict::Refuse(ErrorCode::StateFreezed)
        };
        let (err, appid) = match verdict {
            CreateVerdict::Create(table) => {
                tracing::info!(name = table.name, id = table.id.0, "creating a table");
                self.staging.claim(&table.name, table.id);
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

    pub(super) fn on_table_created(&mut self, now: Now, table: Table, version: Version) -> Answer {
        let id = table.id;
        self.state.apply(Command::CreateTable(table), version);
        self.staging.release(id);
        self.births.begin(&self.state, id, now.monotonic);
        Answer::CreateApp(ConfigurationCreateAppResponse {
            err: ErrorCode::Ok,
            appid: id.0,
        })
    }

    /// What the servers can take now.
    pub(super) fn capacity(&self, now: Now) -> Capacity {
        Capacity {
            alive_nodes: self.detector.alive().count(),
            unix_seconds: now.unix_seconds,
        }
    }
}
