//! What goes wrong.

use crate::cluster::Cluster;
use crate::traffic::Arrival;

impl Cluster {
    pub fn end_reign(&mut self, pause: u64) {
        self.core = None;
        self.meta_away_until = self.now + pause;
        self.askers.clear();
        let mut lost = std::mem::take(&mut self.arrivals);
        lost.retain(|_, arrival| match arrival {
            // Some commits were on their way to the disk.
            Arrival::Durable { transaction, .. } => {
                if self.random.chance(50) {
                    self.store.commit_now(self.epoch, transaction).unwrap();
                }
                false
            }
            Arrival::Question { .. } | Arrival::Created { .. } => false,
            _ => true,
        });
        self.arrivals = lost;
    }

    pub fn break_something(&mut self) {
        if !self.random.chance(2) {
            return;
        }
        let victim = usize::try_from(self.random.below(self.servers.len() as u64)).unwrap();
        let now = self.now;
        let server = &mut self.servers[victim];
        match self.random.below(12) {
            0..=1 if server.is_up => server.kill(now + self.random.between(200, 8_000)),
            2..=4 if server.is_up => server.kill(now + self.random.between(10, 100)),
            5..=6 if server.runs(now) => {
                server.away_until = now + self.random.between(100, 5_000);
            }
            7 if server.runs(now) => server.leave(),
            8..=9 => self.cut_until[victim] = now + self.random.between(500, 6_000),
            10 if self.meta_runs() => {
                let pause = self.random.between(10, 1_500);
                self.end_reign(pause);
            }
            11 if self.meta_runs() => {
                self.meta_away_until = now + self.random.between(100, 4_000);
            }
            _ => {}
        }
    }

    pub fn wake_up(&mut self) {
        let now = self.now;
        for server in &mut self.servers {
            if server.is_leaving && server.is_up && self.random.chance(3) {
                server.kill(now + self.random.between(10, 3_000));
            }
            if !server.is_up && server.away_until <= now {
                server.start(now, self.random.between(0, 1_500));
                if self.is_loud {
                    eprintln!("{now} start {server:?}");
                }
            }
        }
        if self.core.is_none() && self.meta_away_until <= now {
            self.begin_reign();
        }
    }
}
