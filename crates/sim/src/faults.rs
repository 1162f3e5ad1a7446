//! What goes wrong, when, and for how long.

use std::time::Duration;

use pegasus_common::Gpid;
use pegasus_pacifica::{ReplicaStatus, Standing};

use crate::checks::hosted_at;
use crate::cuts::CutShape;
use crate::disk::Condition;
use crate::disk::log_model::{CrashKind, Durability};
use crate::disk::storage_model::Health;
use crate::meta_node::MetaEvent;
use crate::packet::Place;
use crate::plan::FaultPlan;
use crate::random::Random;
use crate::server::{Server, ServerEvent};
use crate::surroundings::{Event, Life};
use crate::world::World;

/// How often an administrator looks whether the table is in service.
const RECALL_EVERY: Duration = Duration::from_millis(100);

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A server process dies.
    Crash,
    /// A server is stopped by its operator.
    Stop,
    /// A machine loses power.
    PowerLoss,
    /// All machines lose power.
    Blackout,
    /// The meta server's process dies.
    MetaCrash,
    /// A process stands still.
    Hang,
    /// Links carry nothing.
    Cut,
    /// A server loses its disk.
    Wipe,
    /// A bit of a log flips.
    BitFlip,
    /// A log fails for good.
    LogFailure,
    /// A replica's storage fails or stalls.
    StorageFailure,
    /// A disk is full for a while.
    DiskFull,
    /// A disk is slow for a while.
    DiskSlow,
    /// The table is dropped, and recalled.
    DropTable,
}

/// Something that goes wrong, or right again.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// A fault of this kind happens, and the next one is planned.
    Strike(Kind),
    /// A server process is started.
    StartServer(usize),
    /// The meta server's process is started.
    StartMeta,
    /// The disk is as it should be.
    RepairDisk(usize),
    /// A cut ends.
    Heal(Place, Place),
    /// A connection through a cut has lived long enough.
    GiveUpConnection(usize, Place),
    /// The storage of a replica that had stalled takes writes again.
    EndStall(usize, Life, Gpid),
    /// The administrator wants the table to be in service.
    Recall,
}

impl FaultPlan {
    /// The mean time between two faults of each kind.
    fn means(&self) -> [(Kind, Duration); 14] {
        [
            (Kind::Crash, self.crash),
            (Kind::Stop, self.stop),
            (Kind::PowerLoss, self.power_loss),
            (Kind::Blackout, self.blackout),
            (Kind::MetaCrash, self.meta_crash),
            (Kind::Hang, self.hang),
            (Kind::Cut, self.cut),
            (Kind::Wipe, self.wipe),
            (Kind::BitFlip, self.bit_flip),
            (Kind::LogFailure, self.log_failure),
            (Kind::StorageFailure, self.storage_failure),
            (Kind::DiskFull, self.disk_full),
            (Kind::DiskSlow, self.disk_slow),
            (Kind::DropTable, self.drop_table),
        ]
    }

    fn mean(&self, kind: Kind) -> Duration {
        let means = self.means();
        means
            .iter()
            .find(|(of, _)| *of == kind)
            .map_or(Duration::ZERO, |(_, mean)| *mean)
    }
}

impl World {
    /// Plans the first fault of each kind.
    pub(crate) fn begin_faults(&mut self) {
        for (kind, _) in self.around.plan.faults.means() {
            self.plan_next(kind);
        }
        if !self.around.plan.faults.drop_table.is_zero() {
            self.recall_table();
        }
    }

    fn plan_next(&mut self, kind: Kind) {
        let mean = self.around.plan.faults.mean(kind);
        if !mean.is_zero() {
            let delay = self.around.random.duration(mean / 4, mean * 2);
            self.around
                .scheduler
                .after(delay, Event::Fault(Fault::Strike(kind)));
        }
    }

    pub(crate) fn on_fault(&mut self, fault: Fault) {
        match fault {
            Fault::Strike(kind) => {
                if self.faults_happen {
                    self.strike(kind);
                    self.plan_next(kind);
                }
            }
            Fault::StartServer(index) => self.start_server(index),
            Fault::StartMeta => {
                if self.meta.state().is_none() {
                    self.meta.start(&mut self.around);
                }
            }
            Fault::RepairDisk(index) => self.servers[index].disk.condition = Condition::Good,
            Fault::Heal(from, to) => self.heal(from, to),
            Fault::GiveUpConnection(from, to) => self.give_up_connection(from, to),
            Fault::EndStall(index, life, gpid) => self.end_stall(index, life, gpid),
            Fault::Recall => self.recall_table(),
        }
    }

    fn strike(&mut self, kind: Kind) {
        let index = self.around.random.index(self.servers.len());
        match kind {
            Kind::Crash => self.crash(index, CrashKind::Process),
            Kind::Stop => self.terminate(index),
            Kind::PowerLoss => self.lose_power(index),
            Kind::Blackout => self.black_out(),
            Kind::MetaCrash => self.crash_meta(),
            Kind::Hang => self.hang(index),
            Kind::Cut => self.cut_some(),
            Kind::Wipe => self.wipe(index),
            Kind::BitFlip => self.flip_bit(index),
            Kind::LogFailure => self.break_log(index),
            Kind::StorageFailure => self.fail_storage(index),
            Kind::DiskFull => self.trouble_disk(index, Condition::Full),
            Kind::DiskSlow => self.trouble_disk(index, Condition::Slow),
            Kind::DropTable => self.drop_table(),
        }
    }

    fn down_time(random: &mut Random, plan: &FaultPlan) -> Duration {
        random.duration(Duration::from_millis(1), plan.down_max)
    }

    pub(crate) fn start_later(&mut self, index: usize) {
        let delay = Self::down_time(&mut self.around.random, &self.around.plan.faults);
        self.around
            .scheduler
            .after(delay, Event::Fault(Fault::StartServer(index)));
    }

    fn crash(&mut self, index: usize, kind: CrashKind) {
        if self.end_process(index, kind) {
            self.start_later(index);
        }
    }

    fn terminate(&mut self, index: usize) {
        let life = self.servers[index].life();
        if self.servers[index].is_up() {
            self.around
                .in_server(index, life, Duration::ZERO, ServerEvent::Terminate);
        }
    }

    fn lose_power(&mut self, index: usize) {
        let keeps_all = self.around.plan.durability == Durability::Fsync;
        if keeps_all || self.may_lose(index) {
            self.crash(index, CrashKind::PowerLoss);
        }
    }

    fn black_out(&mut self) {
        if self.around.plan.durability == Durability::Fsync {
            for index in 0..self.servers.len() {
                self.crash(index, CrashKind::PowerLoss);
            }
            self.crash_meta();
        }
    }

    fn crash_meta(&mut self) {
        if self.meta.state().is_some() {
            self.meta.crash(&mut self.around);
            let delay = Self::down_time(&mut self.around.random, &self.around.plan.faults);
            self.around
                .scheduler
                .after(delay, Event::Fault(Fault::StartMeta));
        }
    }

    fn hang(&mut self, index: usize) {
        let longest = self.around.plan.faults.hang_max;
        let lasting = self
            .around
            .random
            .duration(Duration::from_millis(20), longest);
        if self.around.random.chance(200) {
            self.meta.hang(&mut self.around);
            let life = self.meta.life();
            let event = MetaEvent::Resume;
            self.around
                .scheduler
                .after(lasting, Event::Meta { life, event });
        } else if self.servers[index].is_up() {
            self.servers[index].hang(&mut self.around);
            let life = self.servers[index].life();
            self.around
                .in_server(index, life, lasting, ServerEvent::Resume);
        }
    }

    fn cut_some(&mut self) {
        let shape = CutShape::draw(&mut self.around.random, self.servers.len());
        self.around.note("cut", [0; 3], || format!("{shape:?}"));
        let longest = self.around.plan.faults.cut_max;
        for (from, to) in shape.links(self.servers.len()) {
            self.around.network.cut(from, to);
            let lasting = self
                .around
                .random
                .duration(Duration::from_millis(50), longest);
            self.around
                .scheduler
                .after(lasting, Event::Fault(Fault::Heal(from, to)));
            if let (Place::Server(owner), Place::Server(_)) = (from, to) {
                let life = self.around.network.cut_connection_life();
                let give_up = Event::Fault(Fault::GiveUpConnection(owner, to));
                self.around.scheduler.after(life, give_up);
            }
        }
    }

    fn wipe(&mut self, index: usize) {
        if self.may_lose(index) {
            self.crash(index, CrashKind::PowerLoss);
            self.servers[index].disk.wipe();
            self.around
                .note("wipe", [index as u64, 0, 0], || format!("server{index}"));
        }
    }

    fn flip_bit(&mut self, index: usize) {
        if self.may_lose(index) {
            let flipped = self.servers[index].disk.log.damage(&mut self.around.random);
            self.around.note("bit-flip", [index as u64, 0, 0], || {
                format!("server{index} {flipped:?}")
            });
            self.crash(index, CrashKind::Process);
        }
    }

    fn break_log(&mut self, index: usize) {
        if self.servers[index].is_up() {
            self.servers[index].disk.condition = Condition::LogBroken;
            self.around.note("log-failure", [index as u64, 0, 0], || {
                format!("server{index}")
            });
            // An operator replaces the disk's controller and starts the server again.
            let delay = Self::down_time(&mut self.around.random, &self.around.plan.faults);
            let life = self.servers[index].life();
            self.around
                .in_server(index, life, delay, ServerEvent::Terminate);
        }
    }

    fn fail_storage(&mut self, index: usize) {
        let server = &self.servers[index];
        let Some(process) = server.process.as_ref().filter(|_| server.is_up()) else {
            return;
        };
        let count = process.hosted.len();
        if count == 0 {
            return;
        }
        let chosen = self.around.random.index(count);
        let is_stall = self.around.random.chance(500);
        let life = server.life();
        let Some((&gpid, hosted)) = process.hosted.iter().nth(chosen) else {
            return;
        };
        if hosted.storage.health() != Health::Good {
            return;
        }
        self.around.note(
            "storage",
            [index as u64, gpid.to_u64(), u64::from(is_stall)],
            || {
                format!(
                    "server{index} {gpid} {}",
                    if is_stall { "stalls" } else { "fails" }
                )
            },
        );
        if is_stall {
            hosted.storage.set_health(Health::Stalled);
            let lasting = self
                .around
                .random
                .duration(Duration::from_millis(10), Duration::from_secs(3));
            let event = Event::Fault(Fault::EndStall(index, life, gpid));
            self.around.scheduler.after(lasting, event);
        } else {
            hosted.storage.set_health(Health::Broken);
        }
    }

    fn end_stall(&mut self, index: usize, life: Life, gpid: Gpid) {
        let server = &self.servers[index];
        if server.life() == life
            && let Some(hosted) = hosted_at(server, gpid)
            && hosted.storage.health() == Health::Stalled
        {
            hosted.storage.set_health(Health::Good);
        }
    }

    fn trouble_disk(&mut self, index: usize, condition: Condition) {
        let disk = &mut self.servers[index].disk;
        if disk.condition == Condition::Good {
            disk.condition = condition;
            self.around.note("disk", [index as u64, 0, 0], || {
                format!("server{index} {condition:?}")
            });
            let lasting = self
                .around
                .random
                .duration(Duration::from_millis(50), Duration::from_secs(8));
            self.around
                .scheduler
                .after(lasting, Event::Fault(Fault::RepairDisk(index)));
        }
    }

    fn drop_table(&mut self) {
        self.meta.drop_table(&mut self.around);
        let longest = self.around.plan.faults.dropped_max;
        let away = self.around.random.duration(Duration::ZERO, longest);
        self.recall_not_before = self.now().after(away);
    }

    /// An administrator looks after the table, also when nothing is wrong any more: a drop may take
    /// effect late.
    fn recall_table(&mut self) {
        if self.now() >= self.recall_not_before {
            self.meta.recall_table(&mut self.around);
        }
        self.around
            .scheduler
            .after(RECALL_EVERY, Event::Fault(Fault::Recall));
    }

    /// Whether the data of a server may be destroyed: each partition then still has two members that
    /// have everything, so that a change of membership under way cannot lean on this server alone. A
    /// partition without members has none, also where its table is dropped.
    fn may_lose(&self, index: usize) -> bool {
        let Some(state) = self.meta.state() else {
            return false;
        };
        let partitions = state.tables().flat_map(|table| &table.partitions);
        partitions.into_iter().all(|partition| {
            let configuration = &partition.configuration;
            let others = configuration.members().filter_map(Place::of);
            let sound = others.filter(|place| match place {
                Place::Server(other) => {
                    *other != index
                        && is_sound(
                            &self.servers[*other],
                            configuration.pid,
                            configuration.ballot,
                        )
                }
                _ => false,
            });
            sound.count() >= 2
        })
    }
}

/// Whether a server surely has everything of a partition, as a member of the present configuration.
fn is_sound(server: &Server, gpid: Gpid, ballot: pegasus_common::Ballot) -> bool {
    let Some(hosted) = hosted_at(server, gpid) else {
        return false;
    };
    let machine = hosted.machine();
    let is_member = matches!(
        machine.status(),
        ReplicaStatus::Primary | ReplicaStatus::Secondary
    );
    is_member
        && machine.ballot() == ballot
        && machine.standing() == Standing::Proven
        && hosted.storage.health() == Health::Good
        && server.disk.condition != Condition::LogBroken
        && !server.disk.log.doubts(gpid)
}
