//! Configuration files, and changes while a server runs.

use std::fmt::Debug;

use pegasus_common::config::{ConfigFile, Detail, parse, to_toml};
use pegasus_meta::config::MetaServerConfig;
use pegasus_replica::ReplicaServerConfig;

use crate::memory::MemoryBound;

/// All of it: a file, and an option with its value.
pub fn run(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    MemoryBound::BUFFERS.check(input.len(), || {
        check::<ReplicaServerConfig>(text);
        check::<MetaServerConfig>(text);
    });
}

fn check<C: ConfigFile + PartialEq + Debug>(text: &str) {
    if let Ok(config) = parse::<C>(text, "fuzz") {
        check_written(&config);
    }
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    let mut running = C::default();
    match running.change(name, value) {
        Ok(()) => check_written(&running),
        Err(_) => assert_eq!(running, C::default(), "a refused change changes nothing"),
    }
}

/// A configuration that is written is read as it was.
fn check_written<C: ConfigFile + PartialEq + Debug>(config: &C) {
    for detail in [Detail::Changed, Detail::All] {
        let written = to_toml(config, detail);
        match parse::<C>(&written, "written") {
            Ok(again) => assert_eq!(*config, again),
            Err(error) => panic!("{error}\n{written}"),
        }
    }
}
