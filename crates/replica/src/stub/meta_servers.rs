//! Which meta server is asked: the one that leads, as far as known.

use pegasus_common::RpcAddress;

/// The configured meta servers, and the one that is asked now.
#[derive(Debug)]
pub(super) struct MetaServers {
    list: Vec<RpcAddress>,
    /// May be none of the list: a meta server that does not lead may name one.
    asked: RpcAddress,
    /// Index of the one of the list that was tried last.
    tried: usize,
}

impl MetaServers {
    /// Asks the first one.
    pub(super) fn new(list: Vec<RpcAddress>) -> Self {
        let asked = list.first().copied().unwrap_or(RpcAddress::INVALID);
        Self {
            list,
            asked,
            tried: 0,
        }
    }

    pub(super) fn asked(&self) -> RpcAddress {
        self.asked
    }

    /// `leader` was named as the one that leads.
    pub(super) fn follow(&mut self, leader: RpcAddress) {
        self.asked = leader;
    }

    /// `failed` does not lead and names nobody, or does not answer: asks another one from now on,
    /// unless that was done already.
    pub(super) fn leave(&mut self, failed: RpcAddress) {
        if failed == self.asked && !self.list.is_empty() {
            self.tried = (self.tried + 1) % self.list.len();
            self.asked = self.list[self.tried];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::server;

    #[test]
    fn the_list_is_tried_in_turn_until_somebody_names_the_leader() {
        let (first, second, elsewhere) = (server(1), server(2), server(9));
        let mut metas = MetaServers::new(vec![first, second]);
        assert_eq!(metas.asked(), first);
        metas.leave(first);
        assert_eq!(metas.asked(), second);
        metas.leave(first);
        assert_eq!(metas.asked(), second, "left already");
        metas.follow(elsewhere);
        metas.leave(elsewhere);
        assert_eq!(metas.asked(), first);
    }
}
