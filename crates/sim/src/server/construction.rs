//! A replica that learned, or is to learn, is put in the place of whatever was here.

use pegasus_common::Gpid;
use pegasus_pacifica::{Configuration, LearnSignature, Message, Recovered};

use super::Turn;
use crate::disk::Origin;
use crate::disk::log_model::{LogRecord, Writer};
use crate::disk::storage_model::{ModelStorage, Snapshot};
use crate::packet::Place;
use crate::planted::{self, DriverBug};

/// A replica that is being put in place.
#[derive(Debug)]
pub(super) struct Construction {
    number: u64,
    snapshot: Snapshot,
    recovered: Recovered,
    opening: Opening,
}

/// What a new replica hears first.
#[derive(Debug)]
pub(super) enum Opening {
    /// It goes on with an attempt.
    Resume(Configuration, LearnSignature),
    /// What the primary said.
    Hear(Place, Message),
}

impl Turn<'_> {
    /// A replica without anything, which is to learn. A directory that is here was of no use.
    pub(super) fn make_empty_for_learning(&mut self, gpid: Gpid, from: Place, message: Message) {
        let opening = Opening::Hear(from, message);
        let recovered = Recovered::for_learning();
        self.begin_construction(gpid, Snapshot::default(), recovered, opening);
    }

    /// Puts a new replica in the place of whatever was here: what was is put aside, then the log lets
    /// go of it, and only then the new directory gets its name.
    pub(super) fn begin_construction(
        &mut self,
        gpid: Gpid,
        snapshot: Snapshot,
        recovered: Recovered,
        opening: Opening,
    ) {
        self.disk.replicas.remove(&gpid);
        self.process.last_instance += 1;
        let number = self.process.last_instance;
        let ballot = recovered.ballot;
        let site = Construction {
            number,
            snapshot,
            recovered,
            opening,
        };
        self.process.teaching.sites.insert(gpid, site);
        if planted::is(DriverBug::ResetSkipped) {
            let instance = number;
            return self.on_reset_safe(Writer { gpid, instance });
        }
        self.append(gpid, number, LogRecord::Reset(ballot));
    }

    /// The log has let go of what it had of a partition.
    pub(super) fn on_reset_safe(&mut self, writer: Writer) {
        let gpid = writer.gpid;
        let sites = &mut self.process.teaching.sites;
        if sites
            .get(&gpid)
            .is_none_or(|site| site.number != writer.instance)
        {
            return;
        }
        let Some(site) = sites.remove(&gpid) else {
            return;
        };
        let index = self.index;
        let at = site.snapshot.at().decree;
        self.around
            .note("learned", [index as u64, gpid.to_u64(), 0], || {
                format!("server{index} {gpid} begins to learn with {at}")
            });
        self.begin_directory(gpid, site.snapshot.clone(), Origin::Learner);
        self.install(gpid, ModelStorage::open(site.snapshot), site.recovered);
        match site.opening {
            Opening::Resume(configuration, signature) => {
                self.with_replica(gpid, |replica, _, effects| {
                    let machine = &mut replica.machine;
                    machine.resume_learning(&configuration, signature, effects);
                });
            }
            Opening::Hear(from, message) => self.on_peer_message(from, gpid, message),
        }
    }
}
