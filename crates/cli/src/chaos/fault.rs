//! The faults: what each does to the cluster, and how it is undone.

use std::time::Duration;

use rand::Rng;
use rand::seq::IndexedRandom as _;
use rustix::process::Signal;

use super::cluster::ChaosCluster;
use super::network::Host;
use crate::error::CliError;
use crate::onebox::layout::{NodeName, NodeRole};

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum FaultKind {
    /// A replica server is killed and started again after some seconds.
    Kill,
    /// A replica server is killed and started again at once.
    Restart,
    /// A replica server is stopped cleanly and started again after some seconds.
    Term,
    /// A replica server is frozen for a while.
    Stop,
    /// A meta server is killed and started again, or stands still.
    Meta,
    /// The leading meta server is killed, stands still, or is cut off, until another one leads.
    Leader,
    /// Every process is killed and started again.
    All,
    /// A replica server is killed, loses its data, and is started again.
    Wipe,
    /// Links of a replica server are cut, in one or both directions.
    Network,
    /// A replica server's disk is full for a while.
    Disk,
}

impl FaultKind {
    /// Its name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Restart => "restart",
            Self::Term => "term",
            Self::Stop => "stop",
            Self::Meta => "meta",
            Self::Leader => "leader",
            Self::All => "all",
            Self::Wipe => "wipe",
            Self::Network => "network",
            Self::Disk => "disk",
        }
    }

    /// Whether this cluster can suffer it.
    pub fn is_possible(self, cluster: &ChaosCluster) -> bool {
        match self {
            Self::Network => cluster.has_network(),
            Self::Disk => cluster.server_with_small_disk().is_some(),
            Self::Leader => cluster.names(NodeRole::Meta).len() > 2,
            _ => true,
        }
    }

    /// Whether all members must be there: the fault destroys one of them.
    pub fn needs_health(self) -> bool {
        self == Self::Wipe
    }

    /// How long it lasts. Milliseconds.
    pub fn duration(self, random: &mut impl Rng) -> Duration {
        let range = match self {
            Self::Kill => 4_000..8_000,
            Self::Term => 1_000..4_000,
            Self::Restart | Self::All => 0..1,
            Self::Stop => 200..6_000,
            Self::Meta => 0..3_000,
            Self::Leader => 1_000..4_000,
            Self::Wipe => 0..1_000,
            Self::Network => 500..8_000,
            Self::Disk => 2_000..6_000,
        };
        Duration::from_millis(random.random_range(range))
    }
}

/// So often a meta server stands still instead of dying.
const STANDSTILL_SHARE: f64 = 0.33;

/// So often a leading meta server that does not stand still is cut off instead of dying.
const CUT_SHARE: f64 = 0.5;

/// Which links of a server are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// All, in both directions.
    Everything,
    /// To the other servers, but not to the clients: it may take itself for a primary.
    Servers,
    /// What it sends to the meta servers.
    ToMeta,
    /// What the meta servers send to it.
    FromMeta,
    /// What it sends to one other replica server.
    ToPeer,
    /// Between it and one meta server.
    OneMeta,
    /// All links of a meta server, in both directions; no replica server's own.
    MetaAlone,
    /// Between it and the clients.
    Clients,
}

const CUTS: [Cut; 8] = [
    Cut::Everything,
    Cut::Servers,
    Cut::ToMeta,
    Cut::FromMeta,
    Cut::ToPeer,
    Cut::OneMeta,
    Cut::MetaAlone,
    Cut::Clients,
];

/// A fault that has begun.
#[derive(Debug)]
pub struct Fault {
    kind: FaultKind,
    victim: NodeName,
    description: String,
}

impl Fault {
    /// Lets a fault begin. `victim` is a replica server, or the meta server that leads for
    /// [`FaultKind::Leader`]; some kinds choose another one.
    pub fn begin(
        kind: FaultKind,
        victim: NodeName,
        cluster: &mut ChaosCluster,
        random: &mut impl Rng,
    ) -> Result<Self, CliError> {
        let mut victim = victim;
        let mut description = None;
        match kind {
            FaultKind::Kill | FaultKind::Restart => cluster.end(&[victim], Signal::KILL)?,
            FaultKind::Term => cluster.end(&[victim], Signal::TERM)?,
            FaultKind::Stop => cluster.signal(victim, Signal::STOP)?,
            FaultKind::Meta => {
                victim = meta_server(cluster, random).unwrap_or(victim);
                if random.random_bool(STANDSTILL_SHARE) {
                    cluster.signal(victim, Signal::STOP)?;
                    description = Some(format!("meta: {victim} stands still"));
                } else {
                    cluster.end(&[victim], Signal::KILL)?;
                }
            }
            FaultKind::Leader => {
                if random.random_bool(STANDSTILL_SHARE) {
                    cluster.signal(victim, Signal::STOP)?;
                    description = Some(format!("leader: {victim} stands still"));
                } else if cluster.has_network() && random.random_bool(CUT_SHARE) {
                    for (from, to) in links(Cut::MetaAlone, victim, cluster, random) {
                        cluster.cut(from, to)?;
                    }
                    description = Some(format!("leader: {victim} is cut off"));
                } else {
                    cluster.end(&[victim], Signal::KILL)?;
                }
            }
            FaultKind::All => {
                let mut everybody = cluster.names(NodeRole::Meta);
                everybody.extend(cluster.names(NodeRole::Replica));
                cluster.end(&everybody, Signal::KILL)?;
                description = Some("all: every process".to_owned());
            }
            FaultKind::Wipe => {
                cluster.end(&[victim], Signal::KILL)?;
                cluster.wipe(victim)?;
            }
            FaultKind::Network => {
                let cut = *CUTS.choose(random).unwrap_or(&Cut::Everything);
                if cut == Cut::MetaAlone {
                    victim = meta_server(cluster, random).unwrap_or(victim);
                }
                for (from, to) in links(cut, victim, cluster, random) {
                    cluster.cut(from, to)?;
                }
                description = Some(format!("network: {victim}, {cut:?}"));
            }
            FaultKind::Disk => {
                victim = cluster.server_with_small_disk().unwrap_or(victim);
                cluster.fill_disk()?;
            }
        }
        Ok(Self {
            kind,
            victim,
            description: description.unwrap_or_else(|| format!("{}: {victim}", kind.name())),
        })
    }

    /// What was done to whom.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Which replica server suffers, if it is one.
    pub fn victim(&self) -> Option<NodeName> {
        let is_one_server = self.kind != FaultKind::All && self.victim.role == NodeRole::Replica;
        is_one_server.then_some(self.victim)
    }

    /// Undoes it.
    pub fn end(self, cluster: &mut ChaosCluster) -> Result<(), CliError> {
        cluster.heal()
    }
}

fn meta_server(cluster: &ChaosCluster, random: &mut impl Rng) -> Option<NodeName> {
    cluster.names(NodeRole::Meta).choose(random).copied()
}

fn links(
    cut: Cut,
    victim: NodeName,
    cluster: &ChaosCluster,
    random: &mut impl Rng,
) -> Vec<(Host, Host)> {
    let victim_host = Host::Server(victim);
    let hosts = |names: Vec<NodeName>| names.into_iter().map(Host::Server);
    let others = |role| {
        let mut names = cluster.names(role);
        names.retain(|&name| name != victim);
        names
    };
    let mut metas = hosts(others(NodeRole::Meta));
    let peers = others(NodeRole::Replica);
    let both = |other: Host| [(victim_host, other), (other, victim_host)];
    match cut {
        Cut::Everything | Cut::MetaAlone => {
            let others = metas.chain(hosts(peers)).chain([Host::Clients]);
            others.flat_map(both).collect()
        }
        Cut::Servers => metas.chain(hosts(peers)).flat_map(both).collect(),
        Cut::ToMeta => metas.map(|meta| (victim_host, meta)).collect(),
        Cut::FromMeta => metas.map(|meta| (meta, victim_host)).collect(),
        Cut::ToPeer => {
            let peer = peers.choose(random).copied().map(Host::Server);
            let peer = peer.or_else(|| metas.next());
            peer.map(|peer| (victim_host, peer)).into_iter().collect()
        }
        Cut::OneMeta => {
            let meta = meta_server(cluster, random).map(Host::Server);
            meta.into_iter().flat_map(both).collect()
        }
        Cut::Clients => both(Host::Clients).to_vec(),
    }
}
