//! What is done with an input. A target panics where it finds a bug, and ends otherwise.

pub mod catalogue;
pub mod config;
pub mod group_messages;
pub mod http;
pub mod log;
pub mod messages;
pub mod metadata_store;
pub mod native_frames;
pub mod peer_messages;
pub mod reads;
pub mod replica_files;
pub mod responses;
mod storage;
pub mod texts;
pub mod thrift_frames;
pub mod writes;

use tempfile::TempDir;

/// One target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: that of its program and of its corpus.
    pub name: &'static str,
    /// Tries an input.
    pub run: fn(&[u8]),
    /// Inputs from our own encoders, for a generator to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

macro_rules! targets {
    ($($module:ident,)*) => {
        /// Every target.
        pub const TARGETS: &[Target] = &[$(Target {
            name: stringify!($module),
            run: $module::run,
            seeds: crate::seeds::$module,
        },)*];
    };
}

targets! {
    catalogue,
    config,
    group_messages,
    http,
    log,
    messages,
    metadata_store,
    native_frames,
    peer_messages,
    reads,
    replica_files,
    responses,
    texts,
    thrift_frames,
    writes,
}

/// A directory for the files of one input: in memory where the system has such a place.
fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a temporary directory")
}
