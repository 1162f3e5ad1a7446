//! Links to other servers, as far as the server looks at them: who is suspected.

use std::collections::BTreeMap;

use super::{Turn, stub};
use crate::packet::{Packet, Place};

/// A link that is down for so many looks makes its peer suspect.
const LOOKS_UNTIL_SUSPECTED: u32 = 2;

/// Why a link is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Nobody listens there: the process is gone.
    Refused,
    /// It broke, or nothing comes back.
    Broken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Up,
    Down { looks: u32 },
    Refused,
}

/// What is known of the own links.
#[derive(Debug, Default)]
pub struct LinkStates {
    states: BTreeMap<Place, State>,
}

impl Turn<'_> {
    pub(super) fn on_link_made(&mut self, peer: Place) {
        self.process.links.states.insert(peer, State::Up);
        self.around
            .send(self.place(), self.life, peer, Packet::Hello);
        self.on_peer_connected(peer);
    }

    pub(super) fn on_link_lost(&mut self, peer: Place, loss: Loss) {
        let states = &mut self.process.links.states;
        match loss {
            Loss::Refused => {
                states.insert(peer, State::Refused);
                self.suspect(peer);
            }
            Loss::Broken => {
                let state = states.entry(peer).or_insert(State::Up);
                if *state == State::Up {
                    *state = State::Down { looks: 0 };
                }
            }
        }
    }

    /// The other side has made its link: the peer is there.
    pub(super) fn on_hello(&mut self, peer: Place) {
        let is_up = self.process.links.states.get(&peer) == Some(&State::Up);
        if !is_up {
            // As a message would: it makes the own link.
            self.around
                .send(self.place(), self.life, peer, Packet::Hello);
        }
        self.on_peer_connected(peer);
    }

    fn on_peer_connected(&mut self, peer: Place) {
        let peer = peer.address();
        self.with_each_replica(|replica, _, effects| {
            replica.machine.on_peer_connected(peer, effects);
        });
    }

    fn suspect(&mut self, peer: Place) {
        let peer = peer.address();
        self.with_each_replica(|replica, _, effects| {
            replica.machine.on_peer_suspected(peer, effects);
        });
    }

    pub(super) fn look_at_progress(&mut self) {
        let mut suspects = Vec::new();
        for (&peer, state) in &mut self.process.links.states {
            match state {
                State::Up => {}
                State::Refused => suspects.push(peer),
                State::Down { looks } => {
                    *looks += 1;
                    if *looks >= LOOKS_UNTIL_SUSPECTED {
                        suspects.push(peer);
                    }
                }
            }
        }
        for peer in suspects {
            self.suspect(peer);
        }
        self.with_each_replica(|replica, _, effects| {
            replica.machine.on_progress_timer(effects);
        });
        self.release_all_checkpoints();
        self.flush_for_vouches();
        self.look_for_failed_storages();
    }

    /// A call of the stub has failed.
    pub(super) fn on_stub_failure(&mut self, id: stub::CallId, failure: stub::CallFailure) {
        if self.process.stub_calls.remove(&id) {
            self.stub(|stub, now, out| stub.on_answer(now, id, Err(failure), out));
        }
    }
}
