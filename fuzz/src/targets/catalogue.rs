//! What the meta server keeps in its store.

use bytes::Bytes;
use pegasus_meta::cluster_state::ClusterState;
use pegasus_meta::stored;
use pegasus_metastore::{Entry, Version};

use crate::input::Input;
use crate::memory::MemoryBound;

/// In parts: keys and values by turns.
pub fn run(input: &[u8]) {
    let mut parts = Input::new(input).parts().map(Bytes::copy_from_slice);
    let mut entries = Vec::new();
    while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
        entries.push(Entry {
            key,
            value,
            version: Version(1),
        });
    }
    let loaded = MemoryBound::VALUES.check(input.len(), || stored::load(&entries));
    if let Ok(state) = loaded {
        let again = stored::load(&entries_of(&state)).expect("what is stored can be loaded");
        assert_eq!(state, again);
    }
}

/// The records of a state.
fn entries_of(state: &ClusterState) -> Vec<Entry> {
    let mut entries = Vec::new();
    for table in state.tables() {
        entries.push(Entry {
            key: stored::table_key(table.info.id),
            value: stored::table_value(&table.info),
            version: table.version,
        });
        for partition in &table.partitions {
            entries.push(Entry {
                key: stored::partition_key(partition.configuration.pid),
                value: stored::partition_value(&partition.configuration),
                version: partition.version,
            });
        }
    }
    entries
}
