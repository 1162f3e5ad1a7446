//! [`Dump`]: the metadata as a text that people can read and programs can check.
//!
//! JSON: `format`, `format_version`, `cluster_name`, `taken_unix_seconds`, `entries` (each key of the
//! store with its value, see [`stored`]) and `crc32c`, the checksum of the entries. A dump that was cut
//! short or edited is refused, and so is one that no meta server could load.

use std::collections::BTreeMap;

use bytes::Bytes;
use pegasus_metastore::{Entry, Version};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cluster_state::ClusterState;
use crate::stored::{self, LoadError};

const FORMAT: &str = "pegasus metadata dump";
const FORMAT_VERSION: u32 = 1;

/// Why a text is no dump.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// It is no JSON, or not of a dump.
    #[error("it is no metadata dump: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Another version wrote it.
    #[error(
        "its format is '{format}' version {version}, this version reads '{FORMAT}' version {FORMAT_VERSION}"
    )]
    OtherFormat {
        /// What it says of itself.
        format: String,
        /// Its version.
        version: u32,
    },
    /// It is not as it was written.
    #[error("its checksum is {found}, that of its entries {computed}: it was cut short or changed")]
    Damaged {
        /// What it says.
        found: String,
        /// What it should say.
        computed: String,
    },
    /// It is as it was written, and makes no sense.
    #[error("no meta server can load it: {0}")]
    Load(#[from] LoadError),
}

/// The metadata of a cluster at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dump {
    /// The cluster's name.
    pub cluster_name: String,
    /// When it was taken.
    pub taken_unix_seconds: i64,
    entries: BTreeMap<String, Value>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written<Text, Entries> {
    format: Text,
    format_version: u32,
    cluster_name: Text,
    taken_unix_seconds: i64,
    entries: Entries,
    crc32c: String,
}

impl Dump {
    /// Takes the present metadata.
    #[must_use]
    pub fn of(state: &ClusterState, cluster_name: &str, taken_unix_seconds: i64) -> Self {
        let entries = stored::entries(state).map(|(key, value)| {
            let value = serde_json::from_slice(&value);
            let value = value.expect("the store's values are JSON");
            (String::from_utf8_lossy(&key).into_owned(), value)
        });
        Self {
            cluster_name: cluster_name.to_owned(),
            taken_unix_seconds,
            entries: entries.collect(),
        }
    }

    /// Reads a dump and checks it.
    ///
    /// # Errors
    /// See [`DumpError`].
    pub fn parse(text: &str) -> Result<Self, DumpError> {
        let written: Written<String, BTreeMap<String, Value>> = serde_json::from_str(text)?;
        if (written.format.as_str(), written.format_version) != (FORMAT, FORMAT_VERSION) {
            return Err(DumpError::OtherFormat {
                format: written.format,
                version: written.format_version,
            });
        }
        let dump = Self {
            cluster_name: written.cluster_name,
            taken_unix_seconds: written.taken_unix_seconds,
            entries: written.entries,
        };
        let (found, computed) = (written.crc32c, dump.checksum());
        if found != computed {
            return Err(DumpError::Damaged { found, computed });
        }
        dump.load()?;
        Ok(dump)
    }

    /// The text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let written = Written {
            format: FORMAT,
            format_version: FORMAT_VERSION,
            cluster_name: self.cluster_name.as_str(),
            taken_unix_seconds: self.taken_unix_seconds,
            entries: &self.entries,
            crc32c: self.checksum(),
        };
        let json = serde_json::to_string_pretty(&written);
        json.expect("strings, numbers and string-keyed maps always have a JSON form")
    }

    /// How many tables it has, dropped ones too.
    #[must_use]
    pub fn table_count(&self) -> usize {
        let keys = self.entries.keys();
        keys.filter(|key| stored::is_table_key(key)).count()
    }

    /// The keys and values, as the store has them.
    pub fn entries(&self) -> impl Iterator<Item = (Bytes, Bytes)> + '_ {
        self.entries
            .iter()
            .map(|(key, value)| (Bytes::from(key.clone()), Bytes::from(value.to_string())))
    }

    /// The state that it holds.
    fn load(&self) -> Result<ClusterState, LoadError> {
        let entry = |(key, value)| Entry {
            key,
            value,
            version: Version::ZERO,
        };
        let entries: Vec<_> = self.entries().map(entry).collect();
        stored::load(&entries)
    }

    /// CRC-32C of the keys and values in order, each followed by a line feed; the fields of a value are
    /// in alphabetical order, without spaces.
    fn checksum(&self) -> String {
        let sum = self.entries().fold(0, |sum, (key, value)| {
            let parts: [&[u8]; 4] = [&key, b"\n", &value, b"\n"];
            parts.into_iter().fold(sum, crc32c::crc32c_append)
        });
        format!("{sum:08x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster_state::Command;
    use crate::testing::{node, state_with_table};
    use pegasus_common::Gpid;

    fn sample() -> (ClusterState, Dump) {
        let mut state = state_with_table(3, "temp", 2);
        let unborn = &state.partition(Gpid::new(3, 1)).unwrap().configuration;
        let born = unborn.born(node(1), vec![node(2)]);
        state.apply(Command::Reconfigure(born), Version(2));
        let dump = Dump::of(&state, "cluster", 1_700_000_000);
        (state, dump)
    }

    #[test]
    fn what_was_dumped_is_read_back() {
        let (state, dump) = sample();
        let text = dump.to_json();
        let read = Dump::parse(&text).unwrap();
        assert_eq!(read, dump);
        let loaded = read.load().unwrap();
        let of = |state: &ClusterState| {
            let tables = state.tables().map(|table| {
                let partitions = table.partitions.iter();
                let members = partitions.map(|partition| partition.configuration.clone());
                (table.info.clone(), members.collect::<Vec<_>>())
            });
            tables.collect::<Vec<_>>()
        };
        assert_eq!(of(&loaded), of(&state));
        assert_eq!(read.table_count(), 1);
        assert_eq!(
            Dump::parse(&Dump::of(&ClusterState::default(), "", 0).to_json())
                .unwrap()
                .entries()
                .count(),
            0
        );
    }

    #[test]
    fn every_change_is_noticed() {
        let (_, dump) = sample();
        let text = dump.to_json();
        for cut in 0..text.len() {
            assert!(Dump::parse(&text[..cut]).is_err(), "cut at {cut}");
        }
        let changed = text.replace("temp", "else");
        assert!(matches!(
            Dump::parse(&changed),
            Err(DumpError::Damaged { .. })
        ));
        let newer = text.replace(
            "\"format_version\": 1,\n  \"cluster",
            "\"format_version\": 2,\n  \"cluster",
        );
        assert!(matches!(
            Dump::parse(&newer),
            Err(DumpError::OtherFormat { version: 2, .. })
        ));
        // A right checksum around half of a table.
        let mut half = dump;
        half.entries.remove("apps/3/1");
        assert!(matches!(
            Dump::parse(&half.to_json()),
            Err(DumpError::Load(_))
        ));
    }
}
