//! Links that keep order but may break, and old copies that turn up later.

use std::collections::VecDeque;

use pegasus_pacifica::Message;

/// One link in each direction between any two servers.
pub struct Network {
    links: Vec<Vec<VecDeque<Message>>>,
    stale: VecDeque<(usize, usize, Message)>,
}

/// Old copies remembered.
const STALE_MAX: usize = 32;

impl Network {
    pub fn new(count: usize) -> Self {
        Self {
            links: vec![vec![VecDeque::new(); count]; count],
            stale: VecDeque::new(),
        }
    }

    pub fn send(&mut self, from: usize, to: usize, message: Message) {
        self.links[from][to].push_back(message);
    }

    pub fn waiting(&self, from: usize, to: usize) -> usize {
        self.links[from][to].len()
    }

    pub fn take(&mut self, from: usize, to: usize) -> Option<Message> {
        self.links[from][to].pop_front()
    }

    /// The next message of a link, which stays.
    pub fn peek(&self, from: usize, to: usize) -> Option<&Message> {
        self.links[from][to].front()
    }

    /// Forgets what is under way.
    pub fn lose(&mut self, from: usize, to: usize) {
        self.links[from][to].clear();
    }

    /// Keeps a copy of the next message for later.
    pub fn copy_for_later(&mut self, from: usize, to: usize) {
        if let Some(message) = self.links[from][to].front().cloned() {
            if self.stale.len() == STALE_MAX {
                self.stale.pop_front();
            }
            self.stale.push_back((from, to, message));
        }
    }

    /// An old copy, by choice.
    pub fn take_stale(&mut self, choice: usize) -> Option<(usize, usize, Message)> {
        self.stale.remove(choice.checked_rem(self.stale.len())?)
    }
}
