//! The shapes of network cuts.

use crate::packet::Place;
use crate::random::Random;

/// Which links a cut takes.
#[derive(Clone, Copy, Debug)]
pub enum CutShape {
    /// A server is cut off from the meta server, and not from clients and other servers.
    FromMeta(usize, Direction),
    /// Two servers do not reach each other.
    Pair(usize, usize, Direction),
    /// A server is cut off from all other servers, and not from the meta server.
    FromServers(usize, Direction),
    /// A server is cut off from everybody but clients.
    Island(usize),
    /// The servers with a smaller number are cut off from the others; the meta server is on the
    /// side of the smaller ones.
    Halves(usize),
}

/// In which direction nothing goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Neither.
    Both,
    /// Away from the server.
    Out,
    /// To the server.
    In,
}

impl CutShape {
    /// One of them.
    pub fn draw(random: &mut Random, servers: usize) -> Self {
        let server = random.index(servers);
        let other = (server + 1 + random.index(servers - 1)) % servers;
        let direction = *random.pick(&[Direction::Both, Direction::Out, Direction::In]);
        match random.below(5) {
            0 => Self::FromMeta(server, direction),
            1 => Self::Pair(server, other, direction),
            2 => Self::FromServers(server, direction),
            3 => Self::Island(server),
            _ => Self::Halves(server),
        }
    }

    /// The links, each from a sender to a receiver.
    #[must_use]
    pub fn links(&self, servers: usize) -> Vec<(Place, Place)> {
        let mut links = Vec::new();
        match *self {
            Self::FromMeta(server, direction) => {
                direction.add(Place::Server(server), Place::Meta, &mut links);
            }
            Self::Pair(server, other, direction) => {
                direction.add(Place::Server(server), Place::Server(other), &mut links);
            }
            Self::FromServers(server, direction) => {
                for other in (0..servers).filter(|other| *other != server) {
                    direction.add(Place::Server(server), Place::Server(other), &mut links);
                }
            }
            Self::Island(server) => {
                Direction::Both.add(Place::Server(server), Place::Meta, &mut links);
                for other in (0..servers).filter(|other| *other != server) {
                    Direction::Both.add(Place::Server(server), Place::Server(other), &mut links);
                }
            }
            Self::Halves(first) => {
                for server in first..servers {
                    Direction::Both.add(Place::Server(server), Place::Meta, &mut links);
                    for other in 0..first {
                        Direction::Both.add(
                            Place::Server(server),
                            Place::Server(other),
                            &mut links,
                        );
                    }
                }
            }
        }
        links
    }
}

impl Direction {
    fn add(self, server: Place, other: Place, links: &mut Vec<(Place, Place)>) {
        if self != Self::In {
            links.push((server, other));
        }
        if self != Self::Out {
            links.push((other, server));
        }
    }
}
