//! What a shard does by the clock. Nothing here decides anything: it only calls inputs.

use std::rc::Rc;
use std::time::Duration;

use pegasus_common::clock::MonotonicMillis;
use tokio::time::MissedTickBehavior;

use super::Shard;

/// Between two requests of the same change to the meta server.
const REPEAT_REQUESTS: Duration = Duration::from_secs(1);
/// Between two looks for followers and learners that get nowhere.
const CHECK_PROGRESS: Duration = Duration::from_millis(500);
/// A link that is down for this long makes its server suspect.
const LINK_DOWN_MAX: Duration = Duration::from_secs(1);
/// Between two looks for abandoned scan contexts.
const EXPIRE_SCANS: Duration = Duration::from_secs(10);

/// Runs until the shard ends.
pub(super) async fn run(shard: Rc<Shard>) {
    let section = &shard.node.config.replication;
    let group_check = Duration::from_millis(section.group_check_interval_ms);
    let mut ticks = tokio::time::interval(Duration::from_millis(section.commit_notice_interval_ms));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let start = MonotonicMillis::now();
    let (mut checked, mut repeated, mut expired) = (start, start, start);
    let mut progressed = start;
    loop {
        ticks.tick().await;
        let mut core = shard.core.borrow_mut();
        let now = core.now();
        core.check_lease();
        core.retry_backlog();
        core.notice_commits();
        if now.since(checked) >= group_check {
            checked = now;
            core.check_groups();
        }
        if now.since(progressed) >= CHECK_PROGRESS {
            progressed = now;
            core.check_progress(LINK_DOWN_MAX);
            core.release_all_checkpoints();
            core.flush_for_vouches();
            core.reopen_failed();
        }
        if now.since(repeated) >= REPEAT_REQUESTS {
            repeated = now;
            core.repeat_requests();
        }
        if now.since(expired) >= EXPIRE_SCANS {
            expired = now;
            core.expire_scan_contexts();
        }
    }
}
