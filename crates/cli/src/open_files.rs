//! How many files and connections a server may have open.

use pegasus_rpc::SERVERS_BEYOND_LIMITS_MAX;
use rustix::process::Resource;
use rustix::process::getrlimit;
use rustix::process::setrlimit;
use tracing::warn;

/// Open files of the storage and the log, as a rule of thumb: a thousand replicas have about as many.
const FILES_BESIDE_CONNECTIONS: u64 = 4_096;

/// Takes as many as the system allows: systems start processes with far fewer, for old programs' sake.
/// Says so if connections alone could take them all, for then the storage could open no file.
pub fn raise_limit(max_connections: usize) {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        warn!(%error, "the limit of open files stays as it is");
    }
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let connections = max_connections.saturating_add(SERVERS_BEYOND_LIMITS_MAX);
    let connections = u64::try_from(connections).unwrap_or(u64::MAX);
    if allowed < connections.saturating_add(FILES_BESIDE_CONNECTIONS) {
        warn!(
            allowed,
            max_connections,
            "so many connections could leave the storage no open files: lower [network] \
             max_connections, or raise the limit of open files (ulimit -n)"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_becomes_what_the_system_allows() {
        raise_limit(1);
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
