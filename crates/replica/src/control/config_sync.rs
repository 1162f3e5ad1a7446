//! The regular exchange of the whole configuration with the meta server: what this server has
//! against what it should have (meta-server.md section 10).

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use pegasus_common::Ballot;
use pegasus_common::ErrorCode;
use pegasus_common::Gpid;
use pegasus_pacifica::ConfigurationSource;
use pegasus_pacifica::Membership;
use pegasus_rpc::CallError;
use pegasus_wire::TaskCode;
use pegasus_wire::meta_admin::ConfigurationQueryByNodeRequest;
use pegasus_wire::meta_admin::ConfigurationQueryByNodeResponse;
use pegasus_wire::meta_admin::ConfigurationUpdateRequest;
use pegasus_wire::metadata::ReplicaInfo;
use tokio::sync::oneshot;
use tracing::debug;
use tracing::error;
use tracing::info;
use tracing::warn;

use super::Control;
use crate::disk::ReplicaDirectory;
use crate::peer_messages::configuration_of;
use crate::shard::ShardMessage;

const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two rounds, whatever happens meanwhile.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// After a refusal that passes by itself.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// Synchronises for ever: at each interval, and when asked to.
pub async fn run(control: Rc<Control>) {
    let interval = Duration::from_millis(control.node.config.replication.config_sync_interval_ms);
    loop {
        let pause = match synchronise(&control).await {
            Ok(()) => interval,
            Err(problem) => {
                debug!(problem, "config sync failed");
                RETRY_PAUSE.min(interval)
            }
        };
        // Not more often than this, however many replicas change.
        tokio::time::sleep(PAUSE_MIN.min(pause)).await;
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = control.sync_now.notified() => {}
        }
    }
}

async fn synchronise(control: &Control) -> Result<(), String> {
    let stored = control.report().await;
    let request = ConfigurationQueryByNodeRequest {
        node: control.node.address,
        stored_replicas: Some(stored.clone()),
        ..ConfigurationQueryByNodeRequest::default()
    };
    let answer: Result<ConfigurationQueryByNodeResponse, CallError> = match control
        .meta
        .call(TaskCode::ConfigSync, CALL_TIMEOUT, &request)
        .await
    {
        Ok(response) => response.decode(),
        Err(error) => Err(error),
    };
    let answer = answer.map_err(|error| error.to_string())?;
    match answer.err {
        ErrorCode::Ok => {}
        ErrorCode::ForwardToOthers => {
            control.meta.try_next();
            return Err("this meta server does not lead".to_owned());
        }
        error => return Err(format!("the meta server answers {error}")),
    }
    let held: BTreeSet<Gpid> = stored.iter().map(|replica| replica.pid).collect();
    let mut listed = BTreeSet::new();
    for update in answer.partitions {
        listed.insert(update.config.pid);
        take_configuration(control, update, &held);
    }
    for replica in &stored {
        // A replica that has never had members is at its birth: nobody lists it yet.
        if !listed.contains(&replica.pid) && replica.ballot > Ballot::ZERO.0 {
            close(control, replica.pid).await;
        }
    }
    for replica in answer.gc_replicas.unwrap_or_default() {
        remove(control, &replica).await;
    }
    Ok(())
}

fn take_configuration(
    control: &Control,
    update: ConfigurationUpdateRequest,
    held: &BTreeSet<Gpid>,
) {
    let gpid = update.config.pid;
    let Some(configuration) = configuration_of(&update.config) else {
        warn!(%gpid, config = ?update.config, "the meta server sent a malformed configuration");
        return;
    };
    let is_member = configuration.membership_of(control.node.address) != Membership::Outside;
    if !held.contains(&gpid) {
        if is_member && configuration.ballot > Ballot::ZERO {
            // Never an empty start (I6): data that should be here is not.
            error!(%gpid, ballot = %configuration.ballot,
                "the meta server lists this server as a member, but it has no such replica");
        }
        return;
    }
    let message = ShardMessage::Configuration {
        gpid,
        configuration,
        app: Box::new(update.info),
        source: ConfigurationSource::Sync,
    };
    control.node.send_to_owner(gpid, message);
}

/// The meta server does not list the replica: its table was dropped, or others took its place. The
/// directory stays until the meta server says that nobody needs it.
async fn close(control: &Control, gpid: Gpid) {
    info!(%gpid, "the meta server lists this replica no more: closed");
    let (done, is_done) = oneshot::channel();
    control
        .node
        .send_to_owner(gpid, ShardMessage::Close(gpid, done));
    // The shard answers at its next turn; if it has ended, the server is stopping.
    drop(is_done.await);
}

async fn remove(control: &Control, replica: &ReplicaInfo) {
    let gpid = replica.pid;
    close(control, gpid).await;
    for disk in &control.node.disks {
        let directory = ReplicaDirectory::of(&disk.path, gpid);
        if !directory.path.exists() {
            continue;
        }
        match directory.put_aside("gar") {
            Ok(path) => info!(%gpid, path = %path.display(), "replica is garbage now"),
            Err(error) => warn!(%gpid, %error, "replica cannot be put aside"),
        }
    }
}
