//! The administrative calls: which request has which task code and which answer.

use pegasus_common::ErrorCode;
use pegasus_wire::meta_admin::{
    ConfigurationBalancerRequest, ConfigurationBalancerResponse, ConfigurationClusterInfoRequest,
    ConfigurationClusterInfoResponse, ConfigurationCreateAppRequest,
    ConfigurationCreateAppResponse, ConfigurationDropAppRequest, ConfigurationDropAppResponse,
    ConfigurationGetAtomicIdempotentRequest, ConfigurationGetAtomicIdempotentResponse,
    ConfigurationGetMaxReplicaCountRequest, ConfigurationGetMaxReplicaCountResponse,
    ConfigurationListAppsRequest, ConfigurationListAppsResponse, ConfigurationListNodesRequest,
    ConfigurationListNodesResponse, ConfigurationMetaControlRequest,
    ConfigurationMetaControlResponse, ConfigurationRecallAppRequest,
    ConfigurationRecallAppResponse, ConfigurationRenameAppRequest, ConfigurationRenameAppResponse,
    ConfigurationSetAtomicIdempotentRequest, ConfigurationSetAtomicIdempotentResponse,
    ConfigurationSetMaxReplicaCountRequest, ConfigurationSetMaxReplicaCountResponse,
    ConfigurationUpdateAppEnvRequest, ConfigurationUpdateAppEnvResponse, DddDiagnoseRequest,
    DddDiagnoseResponse, MetaDumpRequest, MetaDumpResponse, MetaMembersRequest,
    MetaMembersResponse,
};
use pegasus_wire::{Message, TaskCode};

use crate::admin::Admin;
use crate::error::ClientError;
use crate::meta_client::{MetaAnswer, MetaCall};
use crate::retry::Repeat;

/// A request of an administrator.
pub(crate) trait AdminRequest: Message {
    /// What the meta server answers.
    type Answer: MetaAnswer;
    /// What it asks for.
    const CODE: TaskCode;
    /// For error messages.
    const NAME: &'static str;
}

/// The explanation of an error that an answer has, if its kind has any.
macro_rules! hint {
    ($answer:ident, none) => {
        ""
    };
    ($answer:ident, required) => {
        &$answer.hint_message
    };
    ($answer:ident, optional) => {
        $answer.hint_message.as_deref().unwrap_or_default()
    };
}

macro_rules! admin_calls {
    ($($request:ident -> $answer:ident: $code:ident $name:literal, hint $hint:ident;)*) => {
        $(
            impl AdminRequest for $request {
                type Answer = $answer;
                const CODE: TaskCode = TaskCode::$code;
                const NAME: &'static str = $name;
            }

            impl MetaAnswer for $answer {
                fn err(&self) -> ErrorCode {
                    self.err
                }

                fn hint(&self) -> &str {
                    let _answer = self;
                    hint!(_answer, $hint)
                }
            }
        )*
    };
}

admin_calls! {
    ConfigurationListAppsRequest -> ConfigurationListAppsResponse: ListApps "list_apps", hint optional;
    ConfigurationUpdateAppEnvRequest -> ConfigurationUpdateAppEnvResponse: UpdateAppEnv "update_app_env", hint required;
    ConfigurationRecallAppRequest -> ConfigurationRecallAppResponse: RecallApp "recall_app", hint none;
    ConfigurationRenameAppRequest -> ConfigurationRenameAppResponse: RenameApp "rename_app", hint required;
    ConfigurationGetMaxReplicaCountRequest -> ConfigurationGetMaxReplicaCountResponse: GetMaxReplicaCount "get_max_replica_count", hint required;
    ConfigurationSetMaxReplicaCountRequest -> ConfigurationSetMaxReplicaCountResponse: SetMaxReplicaCount "set_max_replica_count", hint required;
    ConfigurationGetAtomicIdempotentRequest -> ConfigurationGetAtomicIdempotentResponse: GetAtomicIdempotent "get_atomic_idempotent", hint required;
    ConfigurationSetAtomicIdempotentRequest -> ConfigurationSetAtomicIdempotentResponse: SetAtomicIdempotent "set_atomic_idempotent", hint required;
    ConfigurationCreateAppRequest -> ConfigurationCreateAppResponse: CreateApp "create_app", hint none;
    ConfigurationDropAppRequest -> ConfigurationDropAppResponse: DropApp "drop_app", hint none;
    ConfigurationListNodesRequest -> ConfigurationListNodesResponse: ListNodes "list_nodes", hint none;
    ConfigurationClusterInfoRequest -> ConfigurationClusterInfoResponse: ClusterInfo "cluster_info", hint none;
    ConfigurationMetaControlRequest -> ConfigurationMetaControlResponse: ControlMeta "control_meta", hint none;
    ConfigurationBalancerRequest -> ConfigurationBalancerResponse: ProposeBalancer "propose", hint none;
    DddDiagnoseRequest -> DddDiagnoseResponse: DddDiagnose "ddd_diagnose", hint none;
    MetaMembersRequest -> MetaMembersResponse: MetaMembers "meta_members", hint required;
    MetaDumpRequest -> MetaDumpResponse: MetaDump "meta_dump", hint none;
}

impl Admin {
    /// Asks the leading meta server; an error inside the answer becomes an error. `repeat` says what
    /// may be done when nobody knows whether the request has arrived.
    ///
    /// # Errors
    /// [`ClientError::NoLeader`], [`ClientError::Meta`].
    pub(crate) async fn ask<Q: AdminRequest>(
        &self,
        repeat: Repeat,
        request: &Q,
    ) -> Result<Q::Answer, ClientError> {
        let call = MetaCall {
            name: Q::NAME,
            code: Q::CODE,
            repeat,
        };
        let answer: Q::Answer = self.meta().ask(call, request, self.timeout()).await?;
        if answer.err().is_ok() {
            return Ok(answer);
        }
        Err(ClientError::Meta {
            call: Q::NAME,
            code: answer.err(),
            hint: answer.hint().to_owned(),
        })
    }
}
