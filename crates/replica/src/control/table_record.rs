//! Keeps on disk what each replica's table is, as it changes: the metadata can be made from it again.

use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use pegasus_common::Gpid;
use tokio::sync::mpsc;
use tracing::debug;
use tracing::warn;

use super::host::Host;
use crate::disk::CheckedFileError;
use crate::disk::ReplicaDirectory;
use crate::disk::StoredAppInfo;
use crate::node::Node;

/// A replica's table is described anew.
pub type News = (Gpid, StoredAppInfo);

/// Records what comes until the server stops. Of several descriptions of one replica's table that came
/// meanwhile the last one is recorded.
pub async fn run(host: Rc<Host>, mut news: mpsc::UnboundedReceiver<News>) {
    while let Some(first) = news.recv().await {
        let mut changed = BTreeMap::from([first]);
        while let Ok((gpid, table)) = news.try_recv() {
            changed.insert(gpid, table);
        }
        let node = Arc::clone(&host.node);
        let recording = tokio::task::spawn_blocking(move || {
            for (gpid, table) in changed {
                record(&node, gpid, &table);
            }
        });
        if let Err(error) = recording.await {
            warn!(%error, "descriptions of tables were not recorded");
        }
    }
}

fn record(node: &Node, gpid: Gpid, table: &StoredAppInfo) {
    // Another one may stand there by now, or learn there: it brings its own description.
    let Some(handle) = node.router.find(gpid) else {
        return;
    };
    let directory = ReplicaDirectory::around(&handle);
    if directory.app_info().is_ok_and(|known| known == *table) {
        return;
    }
    match directory.write_app_info(table) {
        Ok(()) => debug!(%gpid, table = table.app_name, "description of the table recorded"),
        Err(CheckedFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
        Err(error) => warn!(%gpid, %error,
            "the table's present description is not on disk: a recovery of the metadata would find an \
             older one"),
    }
}
