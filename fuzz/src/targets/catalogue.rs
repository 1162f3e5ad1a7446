//! What the meta server keeps in its store, and dumps of it.

use bytes::Bytes;
use pegasus_meta::cluster_state::ClusterState;
use pegasus_meta::dump::Dump;
use pegasus_meta::stored;
use pegasus_metastore::{Entry, Version};

use crate::input::Input;
use crate::memory::MemoryBound;

/// In parts: keys and values by turns. The whole as the text of a dump, too.
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
        let dump = Dump::of(&state, "", 0);
        let read = Dump::parse(&dump.to_json()).expect("what is dumped can be read");
        assert_eq!(dump, read);
    }
    let text = String::from_utf8_lossy(input);
    drop(MemoryBound::VALUES.check(input.len(), || Dump::parse(&text)));
}

/// The records of a state, all of one version.
fn entries_of(state: &ClusterState) -> Vec<Entry> {
    let record = |(key, value)| Entry {
        key,
        value,
        version: Version(1),
    };
    stored::entries(state).map(record).collect()
}
