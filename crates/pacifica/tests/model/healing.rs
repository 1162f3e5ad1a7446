//! The end of a run: faults are over, and the group must come back by itself.

use super::meta::Copies;
use super::{World, index_of};

/// Rounds of everything within which a group is whole again.
const ROUNDS_MAX: usize = 60;

impl World {
    /// Everything under way arrives, is flushed and applied, until nothing moves.
    pub fn settle(&mut self) {
        for _ in 0..10_000 {
            if !self.settle_once() {
                return;
            }
        }
        panic!("the group never comes to rest");
    }

    fn settle_once(&mut self) -> bool {
        let count = self.nodes.len();
        let mut moved = false;
        for index in 0..count {
            moved |= self.settle_server(index);
            for from in 0..count {
                while self.network.waiting(from, index) > 0 {
                    moved = true;
                    self.deliver(from, index);
                }
            }
        }
        while self.meta.requests() > 0 {
            moved = true;
            self.answer_request(0, Copies::Last);
        }
        moved
    }

    fn settle_server(&mut self, index: usize) -> bool {
        let node = &self.nodes[index];
        let moved = node.unflushed() > 0
            || !node.to_apply.is_empty()
            || !node.inbox.is_empty()
            || !node.work.is_empty()
            || node.fetch.is_some()
            || node.wants_sync;
        self.flush_log(index, usize::MAX);
        while !self.nodes[index].to_apply.is_empty() {
            self.apply(index);
        }
        while !self.nodes[index].inbox.is_empty() {
            self.take_notice(index);
        }
        while !self.nodes[index].work.is_empty() {
            self.teach(index);
        }
        self.fetch(index);
        if self.nodes[index].wants_sync {
            self.ask_for_sync(index);
        }
        moved
    }

    /// Faults are over: everyone comes back, and meta cures. The group must become whole, and serve
    /// also writes, more than what any replica may have left from older ballots.
    pub fn heal(&mut self) {
        for round in 0..ROUNDS_MAX {
            if round > 1 && self.is_whole() {
                break;
            }
            self.heal_once(round);
        }
        assert!(self.is_whole(), "not whole: {}", self.story());
        let primary = self.meta.configuration.primary.map(index_of);
        let primary = primary.expect("it is whole");
        for _ in 0..self.options.prepared_max {
            self.write(primary).expect("a healed group takes writes");
            self.settle();
        }
        self.group_check(primary);
        self.settle();
    }

    fn heal_once(&mut self, round: usize) {
        for index in 0..self.nodes.len() {
            self.restart(index);
            self.beacon(index);
            self.notice_lease(index);
            self.ask_for_sync(index);
        }
        self.clear_primary();
        self.settle();
        if let Some((to, kind, node)) = self.cure(round) {
            self.send_proposal(to, kind, node);
        }
        self.settle();
        for index in 0..self.nodes.len() {
            self.input(index, |replica, out| replica.on_reconfiguration_timer(out));
            self.progress(index);
            self.group_check(index);
        }
        self.settle();
    }

    /// Whether there are as many members as there can be, all of them with the group.
    fn is_whole(&self) -> bool {
        let now = &self.meta.configuration;
        let wanted = self.nodes.len().min(3);
        let follows = |index: usize| {
            let replica = self.nodes[index].replica.as_ref();
            replica.is_some_and(|replica| replica.configuration() == Some(now))
        };
        let primary = now.primary.map(index_of);
        now.member_count() >= wanted
            && now.members().all(|node| follows(index_of(node)))
            && primary.is_some_and(|index| self.nodes[index].may_read())
    }

    /// What everyone is, in words.
    pub fn story(&self) -> String {
        let replicas = self.nodes.iter().map(|node| {
            let replica = node.replica.as_ref();
            let text = replica.map(|replica| {
                format!(
                    "{:?} ballot {} committed {} prepared {} request {:?}\n  {:?}",
                    replica.standing(),
                    replica.ballot(),
                    replica.committed(),
                    replica.prepared(),
                    replica.request(),
                    replica.role()
                )
            });
            format!("{}: {}", node.address, text.unwrap_or_default())
        });
        let replicas: Vec<String> = replicas.collect();
        format!("{:?}\n{}", self.meta, replicas.join("\n"))
    }
}
