//! A network whose links can be cut: each server is a host of its own (a network namespace) on one
//! bridge, the clients another.
//!
//! A link is cut in one direction by telling the sender a wrong hardware address of the receiver:
//! its frames go out and nobody takes them, as on a broken link. This needs no packet filter.

use std::net::Ipv4Addr;

use super::isolation::system;
use crate::error::CliError;
use crate::onebox::layout::{Layout, NodeName};

const BRIDGE: &str = "clients";
const CLIENT_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// A unicast address that no host has.
const NOBODY: &str = "02:00:00:00:00:01";
/// A server's end of its link.
const LINK: &str = "eth0";

/// One end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// Where the clients run.
    Clients,
    /// A server.
    Server(NodeName),
}

/// The network. It ends with the command.
#[derive(Debug)]
pub struct Network {
    cuts: Vec<(Host, Host)>,
}

impl Network {
    /// Gives every server of the layout an address of its own.
    pub fn assign_addresses(layout: &mut Layout) {
        for (place, node) in layout.nodes.iter_mut().enumerate() {
            let last = u8::try_from(place + 10).unwrap_or(u8::MAX);
            node.address.set_ip(Ipv4Addr::new(10, 77, 0, last));
        }
    }

    /// Makes the hosts and the bridge between them.
    pub fn set_up(layout: &Layout) -> Result<Self, CliError> {
        let ip = |arguments: &[&str]| system("ip", arguments);
        // The names of the namespaces are files; they shall vanish too.
        system("mount", &["-t", "tmpfs", "tmpfs", "/run"])?;
        ip(&["link", "set", "lo", "up"])?;
        ip(&["link", "add", BRIDGE, "type", "bridge"])?;
        ip(&[
            "addr",
            "add",
            &format!("{CLIENT_ADDRESS}/24"),
            "dev",
            BRIDGE,
        ])?;
        ip(&["link", "set", BRIDGE, "up"])?;
        for node in &layout.nodes {
            let name = namespace(node.name());
            let address = format!("{}/24", node.address.ip());
            ip(&["netns", "add", &name])?;
            ip(&[
                "link", "add", &name, "type", "veth", "peer", "name", LINK, "netns", &name,
            ])?;
            ip(&["link", "set", &name, "master", BRIDGE, "up"])?;
            ip(&["-n", &name, "addr", "add", &address, "dev", LINK])?;
            ip(&["-n", &name, "link", "set", LINK, "up"])?;
            ip(&["-n", &name, "link", "set", "lo", "up"])?;
        }
        Ok(Self { cuts: Vec::new() })
    }

    /// From now on nothing that `from` sends reaches `to`. Another fault may have cut the link before.
    pub fn cut(&mut self, layout: &Layout, from: Host, to: Host) -> Result<(), CliError> {
        if self.cuts.contains(&(from, to)) {
            return Ok(());
        }
        let address = address(layout, to)?.to_string();
        let link = [
            "neigh",
            "replace",
            &address,
            "lladdr",
            NOBODY,
            "nud",
            "permanent",
        ];
        run_at(from, &link)?;
        self.cuts.push((from, to));
        Ok(())
    }

    /// Heals every link.
    pub fn heal(&mut self, layout: &Layout) -> Result<(), CliError> {
        for (from, to) in self.cuts.drain(..) {
            let address = address(layout, to)?.to_string();
            run_at(from, &["neigh", "del", &address])?;
        }
        Ok(())
    }
}

/// Runs `ip` where a host's side of its links is.
fn run_at(host: Host, arguments: &[&str]) -> Result<(), CliError> {
    let mut all: Vec<&str> = Vec::new();
    let name;
    let device = match host {
        Host::Clients => BRIDGE,
        Host::Server(server) => {
            name = namespace(server);
            all.extend(["-n", &name]);
            LINK
        }
    };
    all.extend(arguments);
    all.extend(["dev", device]);
    system("ip", &all)
}

fn address(layout: &Layout, host: Host) -> Result<Ipv4Addr, CliError> {
    Ok(match host {
        Host::Clients => CLIENT_ADDRESS,
        Host::Server(name) => *layout.node(name)?.address.ip(),
    })
}

/// The name of a server's network namespace, and of the bridge's port to it.
pub fn namespace(server: NodeName) -> String {
    format!("{}{}", server.role.word(), server.number)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::onebox::layout::{DurabilityChoice, NodeRole, Shape};

    #[test]
    fn a_link_is_cut_and_healed_once_however_many_faults_cut_it() {
        let shape = Shape {
            metas: 1,
            replicas: 3,
            base_port: 1_000,
            durability: DurabilityChoice::Os,
            shards: 1,
            disks: 1,
        };
        let layout = Layout::plan(Path::new("/nowhere"), shape).unwrap();
        let server = Host::Server(NodeName {
            role: NodeRole::Replica,
            number: 1,
        });
        let cut = (server, Host::Clients);
        let mut network = Network { cuts: vec![cut] };
        // There is no such network here: a command to change it would fail.
        network.cut(&layout, cut.0, cut.1).unwrap();
        assert_eq!(network.cuts, [cut]);
    }
}
