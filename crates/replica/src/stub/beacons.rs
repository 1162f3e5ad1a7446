//! Beacons to the meta server, the lease that their answers give, and the goodbye.
//!
//! Several beacons may be on their way: one without an answer in time only raises the suspicion that
//! the meta server is gone, and its late answer still extends the lease. The lease counts from the
//! sending of the beacon that is answered, so a late answer gives no more than it should.

use std::time::Duration;

use pegasus_common::Room;
use pegasus_common::RpcAddress;
use pegasus_common::clock::MonotonicMillis;
use pegasus_wire::failure_detector::BeaconAck;
use pegasus_wire::failure_detector::BeaconMsg;
use tracing::error;
use tracing::info;
use tracing::warn;

use super::MetaQuestion;
use super::MetaStanding;
use super::Outstanding;
use super::Phase;
use super::Stub;
use super::StubEffect;
use crate::lease::Extension;

/// How long a goodbye is repeated that nobody answers.
const GOODBYE_PATIENCE: Duration = Duration::from_secs(1);
/// Between two goodbyes.
const GOODBYE_INTERVAL: Duration = Duration::from_millis(100);
/// After this many beacons in a row without an answer in time, the connection itself is suspected.
const SILENCES_BEFORE_RECONNECT: u32 = 3;

/// The beacons of one server.
#[derive(Debug)]
pub struct Beacons {
    /// When the next one is due.
    next: MonotonicMillis,
    /// The `time` of the newest one.
    newest: Option<i64>,
    /// When the newest one should have been answered.
    overdue: Option<MonotonicMillis>,
    /// Beacons in a row that were not answered in time.
    silences: u32,
    /// When a meta server that does not lead last named the one that does.
    hinted: Option<MonotonicMillis>,
    /// Whether shards have been told that the lease is held.
    announced: Announced,
    admission: Admission,
}

/// What the shards were told of the lease last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Announced {
    Held,
    NotHeld,
}

/// What the meta server thinks of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Admission {
    Welcome,
    Refused,
}

/// A beacon without an answer.
#[derive(Clone, Copy, Debug)]
pub struct SentBeacon {
    to: RpcAddress,
    sent: MonotonicMillis,
    time: i64,
    says: Says,
}

/// What a beacon says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Alive,
    Goodbye,
}

impl Beacons {
    /// The first one is due at once.
    pub(super) fn new(now: MonotonicMillis) -> Self {
        Self {
            next: now,
            newest: None,
            overdue: None,
            silences: 0,
            hinted: None,
            announced: Announced::NotHeld,
            admission: Admission::Welcome,
        }
    }

    /// Whether the lease is held, as far as the last input has seen.
    pub(super) fn has_announced_lease(&self) -> bool {
        self.announced == Announced::Held
    }
}

impl Stub {
    pub(super) fn next_beacon_timer(&self) -> Option<MonotonicMillis> {
        let leaving = match self.phase {
            Phase::Left => return None,
            Phase::Leaving { until } => Some(until),
            Phase::Loading | Phase::Serving => None,
        };
        let lapse = match self.beacons.announced {
            Announced::Held => self.lease.expiry(),
            Announced::NotHeld => None,
        };
        let wishes = [
            Some(self.beacons.next),
            self.beacons.overdue,
            leaving,
            lapse,
        ];
        wishes.into_iter().flatten().min()
    }

    /// Tells the shards if the lease has run out.
    pub(super) fn notice_lapse(&mut self, now: MonotonicMillis, out: &mut Vec<StubEffect>) {
        if self.beacons.announced == Announced::Held && !self.lease.is_held(now) {
            self.beacons.announced = Announced::NotHeld;
            warn!(meta = %self.metas.asked(), "lease lost: no meta server has answered in time");
            out.push(StubEffect::LeaseChanged);
        }
    }

    pub(super) fn send_due_beacons(&mut self, now: MonotonicMillis, out: &mut Vec<StubEffect>) {
        match self.phase {
            Phase::Left => return,
            Phase::Leaving { until } if now >= until => {
                warn!("no meta server has heard this server's goodbye");
                self.leave_for_good(out);
                return;
            }
            Phase::Leaving { .. } | Phase::Loading | Phase::Serving => {}
        }
        if self.beacons.overdue.is_some_and(|overdue| now >= overdue) {
            self.on_silence(now, out);
        }
        if now >= self.beacons.next {
            self.send_beacon(now, out);
        }
    }

    /// Sends one beacon, whenever the next one would have been due.
    pub(super) fn send_beacon(&mut self, now: MonotonicMillis, out: &mut Vec<StubEffect>) {
        let interval = self.options.beacon_interval;
        let (says, pause) = match self.phase {
            Phase::Left => return,
            Phase::Leaving { .. } => (Says::Goodbye, GOODBYE_INTERVAL.min(interval)),
            Phase::Loading | Phase::Serving => (Says::Alive, interval),
        };
        let to = self.metas.asked();
        let time = i64::try_from(now.0).unwrap_or(i64::MAX);
        let beacon = BeaconMsg {
            time,
            from_node: self.options.address,
            to_node: to,
            start_time: Some(self.options.start_time),
            lease_ms: Some(i64::try_from(self.lease.length().as_millis()).unwrap_or(i64::MAX)),
            goodbye: Some(says == Says::Goodbye),
            loading: Some(self.phase == Phase::Loading),
            no_room: Some(self.room == Room::Exhausted),
            ..BeaconMsg::default()
        };
        self.beacons.next = now.after(pause);
        self.beacons.newest = Some(time);
        self.beacons.overdue = Some(now.after(self.answer_time()));
        // The lease counts from now, before the meta server can have heard of the beacon.
        let sent = SentBeacon {
            to,
            sent: now,
            time,
            says,
        };
        self.call(MetaQuestion::Beacon(beacon), Outstanding::Beacon(sent), out);
    }

    /// How long an answer may take before the meta server is suspected.
    fn answer_time(&self) -> Duration {
        self.options.beacon_interval * 2 / 3
    }

    /// Before a meta server is tried again.
    fn retry_pause(&self) -> Duration {
        self.options.beacon_interval / 3
    }

    /// The newest beacon was not answered in time: another meta server is asked, at once if there is
    /// one. The answer is still welcome.
    fn on_silence(&mut self, now: MonotonicMillis, out: &mut Vec<StubEffect>) {
        let silent = self.metas.asked();
        self.beacons.overdue = None;
        self.standing = MetaStanding::Silent;
        self.metas.leave(silent);
        if self.metas.asked() != silent {
            self.beacons.next = now;
        }
        self.beacons.silences += 1;
        if self.beacons.silences >= SILENCES_BEFORE_RECONNECT {
            self.beacons.silences = 0;
            out.push(StubEffect::Reconnect);
        }
    }

    pub(super) fn on_beacon_failure(&mut self, now: MonotonicMillis, sent: SentBeacon) {
        if sent.to == self.metas.asked() && self.beacons.overdue.is_some() {
            self.beacons.overdue = None;
            self.standing = MetaStanding::Silent;
            self.metas.leave(sent.to);
            let retry = now.after(self.retry_pause());
            self.beacons.next = self.beacons.next.min(retry);
        }
    }

    pub(super) fn on_beacon_ack(
        &mut self,
        now: MonotonicMillis,
        sent: SentBeacon,
        ack: &BeaconAck,
        out: &mut Vec<StubEffect>,
    ) {
        if ack.time != sent.time {
            return;
        }
        if !ack.is_master {
            return self.on_follower(now, sent, ack, out);
        }
        self.metas.follow(sent.to);
        self.beacons.silences = 0;
        // An answer to an older beacon is a sign of life too: the newest one gets its time anew.
        let is_newest = self.beacons.newest == Some(sent.time);
        self.beacons.overdue = (!is_newest).then(|| now.after(self.answer_time()));
        if !self.is_admitted(ack) {
            return;
        }
        if sent.says == Says::Goodbye {
            return self.leave_for_good(out);
        }
        self.extend_lease(now, sent, out);
        if self.standing == MetaStanding::Silent {
            self.standing = MetaStanding::Answering;
            self.send_all_requests(now, out);
        }
        if ack.report_wanted == Some(true) {
            self.on_replica_changed(now, out);
        }
    }

    /// The meta server that was asked does not lead. It may know who does.
    fn on_follower(
        &mut self,
        now: MonotonicMillis,
        sent: SentBeacon,
        ack: &BeaconAck,
        out: &mut Vec<StubEffect>,
    ) {
        if sent.to != self.metas.asked() {
            return;
        }
        self.beacons.overdue = None;
        let retry = now.after(self.retry_pause());
        let Some(leader) = ack.primary_node.valid().filter(|&leader| leader != sent.to) else {
            self.metas.leave(sent.to);
            self.beacons.next = self.beacons.next.min(retry);
            return;
        };
        self.metas.follow(leader);
        // Two servers that name each other are not asked in a circle without pause.
        let hinted = self.beacons.hinted.replace(now);
        if hinted.is_none_or(|before| now.since(before) >= self.retry_pause()) {
            self.send_beacon(now, out);
        } else {
            self.beacons.next = self.beacons.next.min(retry);
        }
    }

    fn is_admitted(&mut self, ack: &BeaconAck) -> bool {
        let admission = if ack.allowed {
            Admission::Welcome
        } else {
            Admission::Refused
        };
        if self.beacons.admission != admission {
            self.beacons.admission = admission;
            match admission {
                Admission::Welcome => info!(meta = %ack.this_node, "accepted by the meta server"),
                Admission::Refused => error!(meta = %ack.this_node,
                    lease_ms = self.lease.length().as_millis(),
                    "the meta server does not accept this server: its list of servers, or its \
                     fd_grace_ms against this server's fd_lease_ms, says why"),
            }
        }
        admission == Admission::Welcome
    }

    fn extend_lease(&mut self, now: MonotonicMillis, sent: SentBeacon, out: &mut Vec<StubEffect>) {
        match self.lease.extend(sent.sent, now) {
            Extension::Began(term) => {
                info!(meta = %sent.to, term = term.0, "lease held");
                self.beacons.announced = Announced::Held;
                out.push(StubEffect::LeaseChanged);
                self.sync_at_once(now, out);
            }
            Extension::Prolonged | Extension::None => {}
        }
    }

    /// The server is to stop: it serves nothing more as primary from here on, and tells the meta
    /// server so until that has heard it. Replicas go on acknowledging as secondaries meanwhile.
    pub fn leave(&mut self, now: MonotonicMillis, out: &mut Vec<StubEffect>) {
        match self.phase {
            Phase::Leaving { .. } | Phase::Left => return,
            Phase::Loading | Phase::Serving => {}
        }
        self.lease.close();
        self.beacons.announced = Announced::NotHeld;
        self.phase = Phase::Leaving {
            until: now.after(GOODBYE_PATIENCE),
        };
        out.push(StubEffect::LeaseChanged);
        self.send_beacon(now, out);
    }

    fn leave_for_good(&mut self, out: &mut Vec<StubEffect>) {
        self.phase = Phase::Left;
        out.push(StubEffect::Left);
    }
}
