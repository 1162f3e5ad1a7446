//! What a run is like, drawn from its seed: each run has its own cluster, load and faults (swarm
//! testing), so that no combination is hidden behind an average one.

use std::time::Duration;

use pegasus_pacifica::Options;
use pegasus_pacifica::prepare_list::HistoryLimits;

use crate::disk::log_model::Durability;
use crate::random::Random;

/// Everything that a run does not decide as it goes.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Replica servers.
    pub servers: usize,
    /// Partitions of the one table.
    pub partitions: i32,
    /// Replicas of each partition.
    pub replica_count: i32,
    /// Whether a disk flushes before anything is acknowledged.
    pub durability: Durability,
    /// How long a server may serve after a beacon.
    pub lease: Duration,
    /// How long the meta server waits for one.
    pub grace: Duration,
    /// Between two beacons.
    pub beacon_interval: Duration,
    /// The largest error of a clock's rate, in a million.
    pub drift_ppm_max: u32,
    /// Limits of the replication state machine.
    pub options: Options,
    /// The network when nothing is wrong with it, and what may be.
    pub network: NetworkPlan,
    /// The disks.
    pub disk: DiskPlan,
    /// What clients do.
    pub load: LoadPlan,
    /// What goes wrong.
    pub faults: FaultPlan,
}

/// How messages travel.
#[derive(Clone, Copy, Debug)]
pub struct NetworkPlan {
    /// The shortest way.
    pub delay_min: Duration,
    /// The longest way.
    pub delay_max: Duration,
    /// Calls and answers that get lost, per mille.
    pub loss: u32,
    /// Replication messages that arrive once more, much later, per mille.
    pub late_copies: u32,
    /// Replication messages with which their connection breaks, per mille.
    pub breaks: u32,
}

/// How disks behave.
#[derive(Clone, Copy, Debug)]
pub struct DiskPlan {
    /// The shortest write with its flush.
    pub write_min: Duration,
    /// The longest one.
    pub write_max: Duration,
    /// Mean time between two flushes of a replica's storage.
    pub storage_flush_every: Duration,
}

/// What clients do.
#[derive(Clone, Copy, Debug)]
pub struct LoadPlan {
    /// So many, each with one operation at a time.
    pub clients: usize,
    /// Hash keys in all.
    pub hash_keys: u64,
    /// Sort keys of each.
    pub sort_keys: u64,
    /// Longest pause between two operations.
    pub pause_max: Duration,
    /// How long a client waits for one answer.
    pub attempt_timeout: Duration,
    /// Shares of the kinds of operations, in the order of `workload::Kind`.
    pub mix: [u32; 9],
}

/// What goes wrong, and how often: mean times between two faults of a kind; zero is never.
#[derive(Clone, Copy, Debug, Default)]
pub struct FaultPlan {
    /// How long faults happen.
    pub lasting: Duration,
    /// A server process dies and is started again.
    pub crash: Duration,
    /// A server is stopped properly and started again.
    pub stop: Duration,
    /// Longest time that a process stays away. Short: it is back before its lease ends.
    pub down_max: Duration,
    /// A machine loses power.
    pub power_loss: Duration,
    /// All machines lose power.
    pub blackout: Duration,
    /// The meta server dies and is started again.
    pub meta_crash: Duration,
    /// A process stands still.
    pub hang: Duration,
    /// Longest such time.
    pub hang_max: Duration,
    /// Some links carry nothing, in one direction or both.
    pub cut: Duration,
    /// Longest such time.
    pub cut_max: Duration,
    /// A server's data is gone when it starts again.
    pub wipe: Duration,
    /// A bit of a log flips.
    pub bit_flip: Duration,
    /// A log fails for good.
    pub log_failure: Duration,
    /// A replica's storage fails for good.
    pub storage_failure: Duration,
    /// A disk takes no writes for a while.
    pub disk_full: Duration,
    /// A disk is slow for a while.
    pub disk_slow: Duration,
    /// The table is dropped, and comes back.
    pub drop_table: Duration,
    /// Longest time that it stays away.
    pub dropped_max: Duration,
}

impl Plan {
    /// The plan of a seed.
    #[must_use]
    pub fn draw(random: &mut Random) -> Self {
        let servers = usize::try_from(random.between(3, 6)).unwrap_or(3);
        let replica_count = *random.pick(&[3, 3, 3, 3, 3, 2, 1]);
        let (lease, grace) = *random.pick(&[(2_000, 2_400), (2_280, 2_400), (1_000, 1_300)]);
        Self {
            servers,
            partitions: *random.pick(&[1, 1, 2, 4, 8]),
            replica_count,
            durability: Durability::Fsync,
            lease: Duration::from_millis(lease),
            grace: Duration::from_millis(grace),
            beacon_interval: Duration::from_millis(300),
            drift_ppm_max: *random.pick(&[0, 1_000, 24_000]),
            options: draw_options(random),
            network: NetworkPlan::draw(random),
            disk: DiskPlan::draw(random),
            load: LoadPlan::draw(random),
            faults: FaultPlan::draw(random),
        }
    }
}

impl Plan {
    /// The same, with an administrator who drops the table and recalls it. One run in seven has one;
    /// which ones, and what they do, the seed says without touching what was drawn before, so that the
    /// other runs, among them those that once failed, are what they were.
    #[must_use]
    pub fn with_administrator(mut self, seed: u64) -> Self {
        if seed % 7 == 6 {
            let mut random = Random::new(seed);
            self.faults.drop_table = Duration::from_secs(*random.pick(&[1, 3, 8]));
            self.faults.dropped_max = Duration::from_millis(*random.pick(&[100, 1_000, 8_000]));
        }
        self
    }
}

fn draw_options(random: &mut Random) -> Options {
    let window = u32::try_from(random.between(2, 12)).unwrap_or(2);
    Options {
        mutation_2pc_min_replica_count: *random.pick(&[0, 1, 1, 2]),
        window_mutations: window,
        window_bytes: 64 << 10,
        prepared_max: window * 3,
        history: HistoryLimits {
            mutations_max: *random.pick(&[2, 8, 64]),
            bytes_max: 64 << 10,
        },
        digest_history: *random.pick(&[4, 64]),
    }
}

impl NetworkPlan {
    fn draw(random: &mut Random) -> Self {
        let (delay_min, delay_max) = *random.pick(&[(50, 500), (200, 5_000), (500, 60_000)]);
        Self {
            delay_min: Duration::from_micros(delay_min),
            delay_max: Duration::from_micros(delay_max),
            loss: *random.pick(&[0, 0, 2, 30]),
            late_copies: *random.pick(&[0, 0, 2, 20]),
            breaks: *random.pick(&[0, 0, 1, 10]),
        }
    }
}

impl DiskPlan {
    fn draw(random: &mut Random) -> Self {
        let (write_min, write_max) = *random.pick(&[(80, 300), (300, 4_000), (1_000, 30_000)]);
        Self {
            write_min: Duration::from_micros(write_min),
            write_max: Duration::from_micros(write_max),
            storage_flush_every: Duration::from_millis(*random.pick(&[100, 1_000, 8_000])),
        }
    }
}

impl LoadPlan {
    fn draw(random: &mut Random) -> Self {
        let share = |random: &mut Random| *random.pick(&[0, 1, 4]);
        let mut mix = std::array::from_fn(|_| share(random));
        // Something is always written and read.
        mix[0] = mix[0].max(2);
        mix[1] = mix[1].max(2);
        Self {
            clients: usize::try_from(random.between(2, 5)).unwrap_or(2),
            hash_keys: random.between(1, 8),
            sort_keys: random.between(1, 3),
            pause_max: Duration::from_millis(*random.pick(&[10, 40, 200])),
            attempt_timeout: Duration::from_millis(*random.pick(&[300, 800, 2_000])),
            mix,
        }
    }
}

impl FaultPlan {
    fn draw(random: &mut Random) -> Self {
        let every = |random: &mut Random, seconds: [u64; 3]| {
            Duration::from_secs(*random.pick(&[0, 0, seconds[0], seconds[1], seconds[2]]))
        };
        Self {
            lasting: Duration::from_secs(*random.pick(&[6, 12, 30])),
            crash: every(random, [2, 5, 15]),
            stop: every(random, [3, 8, 15]),
            down_max: Duration::from_millis(*random.pick(&[200, 3_000, 12_000])),
            power_loss: every(random, [4, 10, 20]),
            blackout: every(random, [10, 15, 20]),
            meta_crash: every(random, [3, 8, 20]),
            hang: every(random, [2, 5, 15]),
            hang_max: Duration::from_millis(*random.pick(&[300, 4_000, 10_000])),
            cut: every(random, [2, 5, 15]),
            cut_max: Duration::from_millis(*random.pick(&[500, 5_000, 15_000])),
            wipe: every(random, [5, 10, 20]),
            bit_flip: every(random, [4, 10, 20]),
            log_failure: every(random, [5, 15, 20]),
            storage_failure: every(random, [5, 15, 20]),
            disk_full: every(random, [5, 15, 20]),
            disk_slow: every(random, [4, 10, 20]),
            // Not of every run: see `Plan::with_administrator`.
            drop_table: Duration::ZERO,
            dropped_max: Duration::ZERO,
        }
    }
}
