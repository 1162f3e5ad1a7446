//! Administrative calls that change a table that exists: its environments, its name, its number of
//! replicas, and whether it is in service.

use std::collections::BTreeMap;

use pegasus_common::ErrorCode;
use pegasus_wire::layer2::{AppInfo, AppStatus};
use pegasus_wire::meta_admin::{
    AppEnvOperation, ConfigurationGetAtomicIdempotentRequest,
    ConfigurationGetMaxReplicaCountRequest, ConfigurationRecallAppRequest,
    ConfigurationRenameAppRequest, ConfigurationSetAtomicIdempotentRequest,
    ConfigurationSetMaxReplicaCountRequest, ConfigurationUpdateAppEnvRequest,
};

use crate::admin::Admin;
use crate::error::ClientError;
use crate::retry::Repeat;

/// Which environments to remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvFamily<'a> {
    /// Every one.
    All,
    /// Those whose keys begin with this and a dot.
    Prefix(&'a str),
}

/// Whether a table's atomic operations are marked as idempotent (data-semantics.md section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtomicOperations {
    /// They are.
    Idempotent,
    /// They are not.
    Plain,
}

impl AtomicOperations {
    fn of_wire(atomic_idempotent: bool) -> Self {
        if atomic_idempotent {
            Self::Idempotent
        } else {
            Self::Plain
        }
    }
}

impl Admin {
    /// The environments of a table.
    ///
    /// # Errors
    /// [`ClientError::NoLeader`]; [`ClientError::Meta`] where there is no such table.
    pub async fn envs(&self, table: &str) -> Result<BTreeMap<String, String>, ClientError> {
        let apps = self.list_apps(AppStatus::AS_AVAILABLE).await?;
        let found = apps.into_iter().find(|app| app.app_name == table);
        found.map(|app| app.envs).ok_or_else(|| ClientError::Meta {
            call: "list_apps",
            code: ErrorCode::AppNotExist,
            hint: format!("there is no table '{table}'"),
        })
    }

    /// Sets environments of a table. They are all set, or none is. Replicas act on them at once;
    /// one that misses the news, a little later.
    ///
    /// # Errors
    /// [`ClientError::NoLeader`]; [`ClientError::Meta`] with a hint where a pair cannot be set.
    pub async fn set_envs<K: Into<String>, V: Into<String>>(
        &self,
        table: &str,
        envs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<(), ClientError> {
        let pairs = envs.into_iter();
        let (keys, values) = pairs.map(|(key, value)| (key.into(), value.into())).unzip();
        let request = ConfigurationUpdateAppEnvRequest {
            app_name: table.to_owned(),
            op: AppEnvOperation::APP_ENV_OP_SET,
            keys: Some(keys),
            values: Some(values),
            clear_prefix: None,
        };
        self.update_envs(&request).await.map(drop)
    }

    /// Removes environments of a table; returns what the meta server says of it.
    ///
    /// # Errors
    /// [`ClientError::NoLeader`], [`ClientError::Meta`].
    pub async fn del_envs<K: Into<String>>(
        &self,
        table: &str,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<String, ClientError> {
        let request = ConfigurationUpdateAppEnvRequest {
            app_name: table.to_owned(),
            op: AppEnvOperation::APP_ENV_OP_DEL,
            keys: Some(keys.into_iter().map(Into::into).collect()),
            values: None,
            clear_prefix: None,
        };
        self.update_envs(&request).await
    }

    /// Removes a family of environments of a table; returns what the meta server says of it.
    ///
    /// # Errors
    /// [`ClientError::NoLeader`], [`ClientError::Meta`].
    pub async fn clear_envs(
        &self,
        table: &str,
        family: EnvFamily<'_>,
    ) -> Result<String, ClientError> {
        let prefix = match family {
            EnvFamily::All => "",
            EnvFamily::Prefix(prefix) => prefix,
        };
        let request = ConfigurationUpdateAppEnvRequest {
            app_name: table.to_owned(),
            op: AppEnvOperation::APP_ENV_OP_CLEAR,
            keys: None,
            values: None,
            clear_prefix: Some(prefix.to_owned()),
        };
        self.update_envs(&request).await
    }

    async fn update_envs(
        &self,
        request: &ConfigurationUpdateAppEnvRequest,
    ) -> Result<String, ClientError> {
        // Whatever was set or removed is so a second time too.
        let answer = self.ask(Repeat::Harmless, request).await?;
        Ok(answer.hint_message)
    }

    /// Puts a dropped table back into service, under its old name or another one. It can be used
    /// soon after this returns, see [`Admin::partitions`].
    ///
    /// # Errors
    /// [`ClientError::NoLeader`], after which it may have been recalled; [`ClientError::Meta`].
    pub async fn recall_app(
        &self,
        app_id: i32,
        new_name: Option<&str>,
    ) -> Result<AppInfo, ClientError> {
        let request = ConfigurationRecallAppRequest {
            app_id,
            new_app_name: new_name.unwrap_or_default().to_owned(),
        };
        let answer = self.ask(Repeat::Harmful, &request).await?;
        Ok(answer.info)
    }

    /// Gives a table another name.
    ///
    /// # Errors
    /// [`ClientError::NoLeader`], after which it may have the name; [`ClientError::Meta`].
    pub async fn rename_app(&self, old_name: &str, new_name: &str) -> Result<(), ClientError> {
        let request = ConfigurationRenameAppRequest {
            old_app_name: old_name.to_owned(),
            new_app_name: new_name.to_owned(),
        };
        self.ask(Repeat::Harmful, &request).await?;
        Ok(())
    }

    /// How many replicas each partition of a table shall have.
    ///
    /// # Errors
    /// [`ClientError::NoLeader`], [`ClientError::Meta`].
    pub async fn max_replica_count(&self, table: &str) -> Result<i32, ClientError> {
        let request = ConfigurationGetMaxReplicaCountRequest {
            app_name: table.to_owned(),
        };
        let answer = self.ask(Repeat::Harmless, &request).await?;
        Ok(answer.max_replica_count)
    }

    /// Sets how many replicas each partition of a table shall have, and returns how many it was.
    /// Members come and go after that, one at a time.
    ///
    /// # Errors
    /// [`ClientError::NoLeader`], [`ClientError::Meta`].
    pub async fn set_max_replica_count(&self, table: &str, count: i32) -> Result<i32, ClientError> {
        let request = ConfigurationSetMaxReplicaCountRequest {
            app_name: table.to_owned(),
            max_replica_count: count,
        };
        let answer = self.ask(Repeat::Harmless, &request).await?;
        Ok(answer.old_max_replica_count)
    }

    /// Whether the atomic operations of a table are marked as idempotent.
    ///
    /// # Errors
    /// [`ClientError::NoLeader`], [`ClientError::Meta`].
    pub async fn atomic_operations(&self, table: &str) -> Result<AtomicOperations, ClientError> {
        let request = ConfigurationGetAtomicIdempotentRequest {
            app_name: table.to_owned(),
        };
        let answer = self.ask(Repeat::Harmless, &request).await?;
        Ok(AtomicOperations::of_wire(answer.atomic_idempotent))
    }

    /// Marks the atomic operations of a table, and returns how they were marked.
    ///
    /// # Errors
    /// [`ClientError::NoLeader`], [`ClientError::Meta`].
    pub async fn set_atomic_operations(
        &self,
        table: &str,
        operations: AtomicOperations,
    ) -> Result<AtomicOperations, ClientError> {
        let request = ConfigurationSetAtomicIdempotentRequest {
            app_name: table.to_owned(),
            atomic_idempotent: operations == AtomicOperations::Idempotent,
        };
        let answer = self.ask(Repeat::Harmless, &request).await?;
        Ok(AtomicOperations::of_wire(answer.old_atomic_idempotent))
    }
}
