//! Links that keep order but may break, and old copies that turn up later.

use std::collections::VecDeque;

use pegasus_pacifica::Message;

/// One link in each direction between any two servers.
#[derive(Clone, Debug, Hash)]
pub struct Network {
    links: Vec<Vec<VecDeque<Message>>>,
    stale: VecDeque<(usize, usize, Message)>,
}

/// Old copies remembered.
const STALE_MAX: usize = 24;

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

    /// Copies that wait.
    pub fn stale(&self) -> usize {
        self.stale.len()
    }

    /// An old copy, by choice. It may come again.
    pub fn stale_copy(&self, choice: usize) -> Option<(usize, usize, Message)> {
        let choice = choice.checked_rem(self.stale.len())?;
        self.stale.get(choice).cloned()
    }
}
