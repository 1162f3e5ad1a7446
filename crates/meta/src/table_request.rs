//! Requests that change a table that exists: dropping, recalling, renaming, its environments, its
//! number of replicas (meta-server.md sections 8.5 to 8.7, 14 and 15).
//!
//! A request is judged against the durable state and comes to one [`Command`], or to an answer.

use pegasus_common::{AppId, ErrorCode};
use pegasus_wire::meta_admin::{
    ConfigurationDropAppRequest, ConfigurationDropAppResponse, ConfigurationRecallAppRequest,
    ConfigurationRecallAppResponse, ConfigurationRenameAppRequest, ConfigurationRenameAppResponse,
    ConfigurationSetAtomicIdempotentRequest, ConfigurationSetAtomicIdempotentResponse,
    ConfigurationSetMaxReplicaCountRequest, ConfigurationSetMaxReplicaCountResponse,
    ConfigurationUpdateAppEnvRequest, ConfigurationUpdateAppEnvResponse,
};

use crate::cluster_state::{ClusterState, Command};
use crate::effect::Answer;
use crate::function_level::FunctionLevel;
use crate::staging::Staging;
use crate::table::{Table, TableStatus};
use crate::table_admin::{Capacity, TableRules, is_valid_name};
use crate::table_environment::{EnvChange, EnvOutcome};
use crate::wire_form;

const FREEZED: &str = "the function level allows no change: too few servers are alive";

/// A request, as received.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each is the argument of the call of its name")]
pub enum TableRequest {
    Drop(ConfigurationDropAppRequest),
    Recall(ConfigurationRecallAppRequest),
    Rename(ConfigurationRenameAppRequest),
    UpdateEnvs(ConfigurationUpdateAppEnvRequest),
    SetReplicaCount(ConfigurationSetMaxReplicaCountRequest),
    SetAtomicIdempotent(ConfigurationSetAtomicIdempotentRequest),
}

macro_rules! requests {
    ($($variant:ident($message:ident)),*) => {
        $(impl From<$message> for TableRequest {
            fn from(request: $message) -> Self {
                Self::$variant(request)
            }
        })*
    };
}

requests!(
    Drop(ConfigurationDropAppRequest),
    Recall(ConfigurationRecallAppRequest),
    Rename(ConfigurationRenameAppRequest),
    UpdateEnvs(ConfigurationUpdateAppEnvRequest),
    SetReplicaCount(ConfigurationSetMaxReplicaCountRequest),
    SetAtomicIdempotent(ConfigurationSetAtomicIdempotentRequest)
);

/// A change that may be made.
#[derive(Clone, Debug, PartialEq)]
pub struct TableChange {
    /// What is to become durable.
    pub command: Command,
    /// What is answered then.
    pub answer: Answer,
}

/// What requests are judged against.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// What is durable.
    pub state: &'a ClusterState,
    /// What is under way.
    pub staging: &'a Staging,
    /// Limits on tables.
    pub rules: &'a TableRules,
    /// What the servers can take now.
    pub capacity: Capacity,
    /// The level that holds now.
    pub level: FunctionLevel,
}

impl TableRequest {
    /// The table that it is about, if there is one.
    #[must_use]
    pub fn subject(&self, state: &ClusterState) -> Option<AppId> {
        let table = match self {
            Self::Recall(request) => state.table(AppId(request.app_id)),
            Self::Drop(request) => state.available_table(&request.app_name),
            Self::Rename(request) => state.available_table(&request.old_app_name),
            Self::UpdateEnvs(request) => state.available_table(&request.app_name),
            Self::SetReplicaCount(request) => state.available_table(&request.app_name),
            Self::SetAtomicIdempotent(request) => state.available_table(&request.app_name),
        };
        table.map(|table| table.info.id)
    }

    /// The answer with an error, or with ERR_OK, where it has nothing else to say.
    #[must_use]
    pub fn reply(&self, err: ErrorCode, hint: &str) -> Answer {
        let hint_message = hint.to_owned();
        match self {
            Self::Drop(_) => Answer::DropApp(ConfigurationDropAppResponse { err }),
            Self::Recall(_) => Answer::RecallApp(Box::new(ConfigurationRecallAppResponse {
                err,
                ..ConfigurationRecallAppResponse::default()
            })),
            Self::Rename(_) => {
                Answer::RenameApp(ConfigurationRenameAppResponse { err, hint_message })
            }
            Self::UpdateEnvs(_) => {
                Answer::UpdateAppEnv(ConfigurationUpdateAppEnvResponse { err, hint_message })
            }
            Self::SetReplicaCount(_) => {
                Answer::SetReplicaCount(ConfigurationSetMaxReplicaCountResponse {
                    err,
                    old_max_replica_count: 0,
                    hint_message,
                })
            }
            Self::SetAtomicIdempotent(_) => {
                Answer::SetAtomicIdempotent(ConfigurationSetAtomicIdempotentResponse {
                    err,
                    old_atomic_idempotent: false,
                    hint_message,
                })
            }
        }
    }

    /// Judges the request. No other change of the table is under way.
    ///
    /// # Errors
    /// The answer, where nothing is to be changed: an error, or that all is well.
    pub fn judge(&self, situation: Situation<'_>) -> Result<TableChange, Answer> {
        match self {
            Self::Drop(request) => self.judge_drop(situation, request),
            Self::Recall(request) => self.judge_recall(situation, request),
            Self::Rename(request) => self.judge_rename(situation, request),
            Self::UpdateEnvs(request) => self.judge_envs(situation, request),
            Self::SetReplicaCount(request) => self.judge_replica_count(situation, request),
            Self::SetAtomicIdempotent(request) => self.judge_atomic(situation, request),
        }
    }

    /// The attributes of the available table of a name, or the refusal.
    fn available<'a>(&self, situation: Situation<'a>, name: &str) -> Result<&'a Table, Answer> {
        if let Some(busy) = situation.staging.busy(situation.state, name) {
            return Err(self.reply(busy, "the table is being created or dropped"));
        }
        match situation.state.available_table(name) {
            Some(table) => Ok(&table.info),
            None => Err(self.reply(ErrorCode::AppNotExist, "app cannot be found")),
        }
    }

    /// Whether a table may have this name from now on.
    fn check_new_name(&self, situation: Situation<'_>, name: &str) -> Result<(), Answer> {
        let hint = if !is_valid_name(name) {
            "a table cannot have this name"
        } else if situation.staging.is_claimed(name)
            || situation.state.available_table(name).is_some()
        {
            "there is a table of this name already"
        } else {
            return Ok(());
        };
        Err(self.reply(ErrorCode::InvalidParameters, hint))
    }

    fn judge_drop(
        &self,
        situation: Situation<'_>,
        request: &ConfigurationDropAppRequest,
    ) -> Result<TableChange, Answer> {
        let Situation { state, staging, .. } = situation;
        let name = request.app_name.as_str();
        let is_missing = state.available_table(name).is_none() && !staging.is_claimed(name);
        if is_missing && request.options.success_if_not_exist {
            return Err(self.reply(ErrorCode::Ok, ""));
        }
        let table = self.available(situation, name)?;
        let asked = request.options.reserve_seconds.filter(|&asked| asked > 0);
        let reserve_seconds = asked.unwrap_or(situation.rules.hold_seconds);
        let drop_second = situation.capacity.unix_seconds;
        Ok(TableChange {
            command: Command::DropTable {
                id: table.id,
                drop_second,
                expire_second: drop_second.saturating_add(reserve_seconds),
            },
            answer: self.reply(ErrorCode::Ok, ""),
        })
    }

    fn judge_recall(
        &self,
        situation: Situation<'_>,
        request: &ConfigurationRecallAppRequest,
    ) -> Result<TableChange, Answer> {
        let table = situation.state.table(AppId(request.app_id));
        let unix_seconds = situation.capacity.unix_seconds;
        let table = match table.map(|table| &table.info) {
            Some(info) if info.status == TableStatus::Available => {
                return Err(self.reply(ErrorCode::AppExist, ""));
            }
            Some(info) if !info.is_expired(unix_seconds) => info,
            _ => return Err(self.reply(ErrorCode::AppNotExist, "")),
        };
        let name = match request.new_app_name.as_str() {
            "" => table.name.clone(),
            name => name.to_owned(),
        };
        self.check_new_name(situation, &name)?;
        let recalled = Table {
            name,
            status: TableStatus::Available,
            drop_second: 0,
            expire_second: 0,
            ..table.clone()
        };
        let answer = Answer::RecallApp(Box::new(ConfigurationRecallAppResponse {
            err: ErrorCode::Ok,
            info: wire_form::app_info(&recalled),
        }));
        let command = Command::RecallTable(recalled);
        Ok(TableChange { command, answer })
    }

    fn judge_rename(
        &self,
        situation: Situation<'_>,
        request: &ConfigurationRenameAppRequest,
    ) -> Result<TableChange, Answer> {
        let table = self.available(situation, &request.old_app_name)?;
        self.check_new_name(situation, &request.new_app_name)?;
        let renamed = Table {
            name: request.new_app_name.clone(),
            ..table.clone()
        };
        Ok(TableChange {
            command: Command::UpdateTable(renamed),
            answer: self.reply(ErrorCode::Ok, ""),
        })
    }

    fn judge_envs(
        &self,
        situation: Situation<'_>,
        request: &ConfigurationUpdateAppEnvRequest,
    ) -> Result<TableChange, Answer> {
        let change = EnvChange::of_request(request)
            .map_err(|refusal| self.reply(refusal.code(), &refusal.to_string()))?;
        let table = self.available(situation, &request.app_name)?;
        let outcome = change
            .apply(&table.envs)
            .map_err(|refusal| self.reply(refusal.code(), &refusal.to_string()))?;
        match outcome {
            EnvOutcome::Unchanged { hint } => Err(self.reply(ErrorCode::Ok, &hint)),
            EnvOutcome::Changed { envs, hint } => {
                let next = Table {
                    envs,
                    ..table.clone()
                };
                Ok(TableChange {
                    command: Command::UpdateTable(next),
                    answer: self.reply(ErrorCode::Ok, &hint),
                })
            }
        }
    }

    fn judge_replica_count(
        &self,
        situation: Situation<'_>,
        request: &ConfigurationSetMaxReplicaCountRequest,
    ) -> Result<TableChange, Answer> {
        let table = self.available(situation, &request.app_name)?;
        let answer = |err, hint: &str| {
            Answer::SetReplicaCount(ConfigurationSetMaxReplicaCountResponse {
                err,
                old_max_replica_count: table.max_replica_count,
                hint_message: hint.to_owned(),
            })
        };
        if !situation.level.allows_change() {
            return Err(answer(ErrorCode::StateFreezed, FREEZED));
        }
        let (count, alive) = (request.max_replica_count, situation.capacity.alive_nodes);
        if !situation.rules.allow_replica_count(count, alive) {
            let TableRules {
                replica_count_min: least,
                replica_count_max: most,
                ..
            } = situation.rules;
            let hint = format!(
                "{count} replicas are asked for; there may be {least} to {most}, and not more \
                 than the {alive} replica servers that are alive"
            );
            return Err(answer(ErrorCode::InvalidParameters, &hint));
        }
        if count == table.max_replica_count {
            return Err(answer(ErrorCode::Ok, "there are as many replicas already"));
        }
        Ok(TableChange {
            command: Command::SetReplicaCount {
                id: table.id,
                count,
            },
            answer: answer(ErrorCode::Ok, ""),
        })
    }

    fn judge_atomic(
        &self,
        situation: Situation<'_>,
        request: &ConfigurationSetAtomicIdempotentRequest,
    ) -> Result<TableChange, Answer> {
        let table = self.available(situation, &request.app_name)?;
        let answer = |err, hint: &str| {
            Answer::SetAtomicIdempotent(ConfigurationSetAtomicIdempotentResponse {
                err,
                old_atomic_idempotent: table.atomic_idempotent,
                hint_message: hint.to_owned(),
            })
        };
        if !situation.level.allows_change() {
            return Err(answer(ErrorCode::StateFreezed, FREEZED));
        }
        let atomic_idempotent = request.atomic_idempotent;
        if atomic_idempotent == table.atomic_idempotent {
            return Err(answer(ErrorCode::Ok, "it is so already"));
        }
        let next = Table {
            atomic_idempotent,
            ..table.clone()
        };
        Ok(TableChange {
            command: Command::UpdateTable(next),
            answer: answer(ErrorCode::Ok, ""),
        })
    }
}

#[cfg(test)]
mod tests;
