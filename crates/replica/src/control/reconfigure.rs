//! A replica's request for a new configuration, carried to the meta server and back. The answer, also
//! a refusal, brings the present configuration; without an answer the replica asks again.

use std::time::Duration;

use pegasus_common::Decree;
use pegasus_common::ErrorCode;
use pegasus_common::Gpid;
use pegasus_pacifica::ConfigurationSource;
use pegasus_pacifica::ReconfigurationRequest;
use pegasus_rpc::CallError;
use pegasus_wire::TaskCode;
use pegasus_wire::layer2::AppInfo;
use pegasus_wire::meta_admin::ConfigType;
use pegasus_wire::meta_admin::ConfigurationUpdateRequest;
use pegasus_wire::meta_admin::ConfigurationUpdateResponse;
use tracing::debug;
use tracing::info;

use super::Control;
use crate::peer_messages::configuration_of;
use crate::peer_messages::wire_configuration;
use crate::shard::ShardMessage;

const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Asks the meta server.
pub async fn ask(
    control: &Control,
    gpid: Gpid,
    request: ReconfigurationRequest,
    app: AppInfo,
    committed: Decree,
) {
    let wire = ConfigurationUpdateRequest {
        info: app.clone(),
        config: wire_configuration(gpid, &request.configuration, committed),
        r#type: ConfigType(request.kind.code()),
        node: request.node,
        ..ConfigurationUpdateRequest::default()
    };
    let answer: Result<ConfigurationUpdateResponse, CallError> = match control
        .meta
        .call(TaskCode::UpdatePartitionConfiguration, CALL_TIMEOUT, &wire)
        .await
    {
        Ok(response) => response.decode(),
        Err(error) => Err(error),
    };
    match answer {
        Ok(answer) if matches!(answer.err, ErrorCode::Ok | ErrorCode::InvalidVersion) => {
            info!(%gpid, kind = ?request.kind, err = %answer.err, ballot = answer.config.ballot,
                "the meta server answered a change of configuration");
            let Some(configuration) = configuration_of(&answer.config) else {
                return;
            };
            let message = ShardMessage::Configuration {
                gpid,
                configuration,
                app: Box::new(app),
                source: ConfigurationSource::Reply,
            };
            control.node.send_to_owner(gpid, message);
        }
        Ok(answer) => {
            if answer.err == ErrorCode::ForwardToOthers {
                control.meta.try_next();
            }
            debug!(%gpid, err = %answer.err, "a change of configuration was refused");
        }
        Err(error) => debug!(%gpid, %error, "a change of configuration was not answered"),
    }
}
