//! The configured meta servers.

use pegasus_common::{HostPort, RpcAddress};
use pegasus_rpc::names;

use crate::error::ClientError;

/// `host:port,host:port`, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MetaList {
    text: String,
    servers: Vec<HostPort>,
}

impl MetaList {
    pub(crate) fn parse(text: &str) -> Result<Self, ClientError> {
        let fail = |reason: String| ClientError::MetaList {
            list: text.to_owned(),
            reason,
        };
        let parts = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        let servers: Result<Vec<HostPort>, _> = parts.map(str::parse).collect();
        let servers = servers.map_err(|error| fail(error.to_string()))?;
        if servers.is_empty() {
            return Err(fail("it is empty".to_owned()));
        }
        Ok(Self {
            text: text.to_owned(),
            servers,
        })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The IPv4 addresses behind the names, without duplicates. Names are looked up each time: a
    /// server may have moved.
    pub(crate) async fn resolve(&self) -> Result<Vec<RpcAddress>, ClientError> {
        let mut addresses = Vec::new();
        let mut last = String::from("no name leads to an IPv4 address");
        for server in &self.servers {
            match names::lookup((server.host.as_str(), server.port)).await {
                Ok(found) => {
                    for address in found {
                        if !addresses.contains(&address) {
                            addresses.push(address);
                        }
                    }
                }
                Err(error) => last = format!("{server}: {error}"),
            }
        }
        if addresses.is_empty() {
            return Err(ClientError::MetaList {
                list: self.text.clone(),
                reason: last,
            });
        }
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_split_at_commas() {
        let list = MetaList::parse("127.0.0.1:34601, localhost:34602,").unwrap();
        assert_eq!(list.servers.len(), 2);
        assert_eq!(list.servers[1].host, "localhost");
    }

    #[test]
    fn bad_lists_are_refused_with_the_reason() {
        for bad in ["", " , ", "localhost", "a:b"] {
            let error = MetaList::parse(bad).unwrap_err().to_string();
            assert!(error.contains(&format!("'{bad}'")), "{error}");
        }
    }
}
