//! Beacons to the meta server: each answer of the leader extends this server's lease.

use std::rc::Rc;
use std::time::Duration;

use pegasus_common::clock::MonotonicMillis;
use pegasus_common::clock::WallMicros;
use pegasus_rpc::CallError;
use pegasus_wire::TaskCode;
use pegasus_wire::failure_detector::BeaconAck;
use pegasus_wire::failure_detector::BeaconMsg;
use tokio::time::MissedTickBehavior;
use tracing::debug;
use tracing::info;
use tracing::warn;

use super::Control;

/// Pause before the next meta server is tried after one has failed.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Sends beacons for ever.
pub async fn run(control: Rc<Control>) {
    let interval = control.node.config.replication.beacon_interval();
    let start_time = WallMicros::now().to_unix_millis();
    let mut rounds = tokio::time::interval(interval);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut was_acknowledged = false;
    loop {
        rounds.tick().await;
        let mut acknowledged = send(&control, start_time, interval * 2 / 3).await;
        for _ in 0..2 {
            if acknowledged {
                break;
            }
            tokio::time::sleep(RETRY_PAUSE.min(interval)).await;
            acknowledged = send(&control, start_time, interval * 2 / 3).await;
        }
        if acknowledged && !was_acknowledged {
            info!(meta = %control.meta.leader(), "the meta server answers: lease held");
            control.sync_now.notify_one();
        }
        if !acknowledged {
            control.node.metrics.beacon_failures.increment();
            warn!(meta = %control.meta.leader(), "no meta server answers this server's beacons");
        }
        was_acknowledged = acknowledged;
    }
}

/// Sends one beacon. Returns whether the leader has acknowledged it.
async fn send(control: &Control, start_time: i64, timeout: Duration) -> bool {
    let meta = control.meta.leader();
    // The lease counts from before the meta server can have heard of it.
    let sent = MonotonicMillis::now();
    let beacon = BeaconMsg {
        time: i64::try_from(sent.0).unwrap_or(i64::MAX),
        from_node: control.node.address,
        to_node: meta,
        start_time: Some(start_time),
        ..BeaconMsg::default()
    };
    let answer: Result<BeaconAck, CallError> =
        match control.meta.call(TaskCode::Beacon, timeout, &beacon).await {
            Ok(response) => response.decode(),
            Err(error) => Err(error),
        };
    match answer {
        Ok(ack) if ack.is_master && ack.allowed && ack.time == beacon.time => {
            control.node.lease.extend(sent);
            true
        }
        Ok(ack) if ack.is_master => {
            warn!(%meta, allowed = ack.allowed, "the meta server does not accept this server");
            false
        }
        Ok(ack) => {
            match ack.primary_node.valid() {
                Some(leader) => control.meta.follow(leader),
                None => control.meta.try_next(),
            }
            false
        }
        Err(error) => {
            debug!(%meta, %error, "beacon failed");
            control.meta.try_next();
            false
        }
    }
}
