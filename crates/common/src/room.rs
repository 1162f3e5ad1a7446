//! [`Room`]: whether a replica server has space for more.

/// What a server says of its disks in its beacons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Room {
    /// New replicas can be put there, and clients can write to those that are there.
    #[default]
    Left,
    /// No data directory takes anything: each is short of space, or has failed.
    Exhausted,
}
