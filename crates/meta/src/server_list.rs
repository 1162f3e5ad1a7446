//! Which entry of `server_list` stands for this server. Entries may be names of hosts.

use pegasus_common::RpcAddress;
use pegasus_rpc::names;

/// Why no entry is known to stand for this server.
#[derive(Debug, thiserror::Error)]
pub enum NotListed {
    /// Every entry stands for another one.
    #[error(
        "[meta_server] server_list: no entry leads to this server, [network] address {0}; \
         name it there as the others reach it"
    )]
    Missing(RpcAddress),
    /// An entry that may stand for it cannot be looked up now.
    #[error("[meta_server] server_list: '{name}' cannot be looked up")]
    Lookup {
        /// The entry.
        name: String,
        /// Why.
        source: std::io::Error,
    },
}

/// The entry that stands for the server that listens at `address`. The group knows the server by it. A
/// list of one or none is of this server.
///
/// # Errors
/// See [`NotListed`].
pub async fn own_entry(list: &[String], address: RpcAddress) -> Result<String, NotListed> {
    match list {
        [] => return Ok(address.to_string()),
        // However others name it, there is no other.
        [only] => return Ok(only.clone()),
        _ => {}
    }
    let literal = address.to_string();
    if list.contains(&literal) {
        return Ok(literal);
    }
    let mut failed = None;
    for name in list {
        if name.parse::<RpcAddress>().is_ok() {
            continue;
        }
        match names::lookup(name).await {
            Ok(found) if found.contains(&address) => return Ok(name.clone()),
            Ok(_) => {}
            Err(source) => {
                let name = name.clone();
                failed.get_or_insert(NotListed::Lookup { name, source });
            }
        }
    }
    Err(failed.unwrap_or(NotListed::Missing(address)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[&str]) -> Vec<String> {
        entries.iter().map(|&entry| entry.to_owned()).collect()
    }

    #[tokio::test]
    async fn an_entry_is_found_by_its_address_and_by_its_name() {
        let own: RpcAddress = "127.0.0.1:34602".parse().unwrap();
        let found = async |entries: &[&str]| own_entry(&list(entries), own).await;
        assert_eq!(found(&[]).await.unwrap(), "127.0.0.1:34602");
        assert_eq!(found(&["any:1"]).await.unwrap(), "any:1");
        let literal = ["127.0.0.1:34601", "127.0.0.1:34602", "127.0.0.1:34603"];
        assert_eq!(found(&literal).await.unwrap(), literal[1]);
        let names = ["localhost:34601", "localhost:34602", "localhost:34603"];
        assert_eq!(found(&names).await.unwrap(), names[1]);
        let other = ["localhost:1", "127.0.0.1:2", "localhost:3"];
        assert!(matches!(found(&other).await, Err(NotListed::Missing(_))));
        let unknown = ["no such host:1", "127.0.0.1:2", "localhost:3"];
        let refused = found(&unknown).await;
        assert!(
            matches!(refused, Err(NotListed::Lookup { .. })),
            "{refused:?}"
        );
    }
}
