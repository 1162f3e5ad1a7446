//! Which databases this process has open. A replica's directory may be renamed only when its database
//! is closed for good: RocksDB writes to paths, so one that is still open would write into whatever
//! lies there next.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use parking_lot::Mutex;
use pegasus_common::Gpid;
use tokio::sync::Notify;

/// Counts open databases by partition.
#[derive(Debug, Default)]
pub struct OpenStorages {
    open: Mutex<HashMap<Gpid, usize, FixedState>>,
    closed: Notify,
}

/// One open database. It lies where the database drops it when it has closed.
#[derive(Debug)]
pub struct OpenStorage {
    gpid: Gpid,
    storages: Arc<OpenStorages>,
}

impl OpenStorages {
    /// A database of this partition is about to be opened.
    #[must_use]
    pub fn begin(self: &Arc<Self>, gpid: Gpid) -> OpenStorage {
        *self.open.lock().entry(gpid).or_default() += 1;
        OpenStorage {
            gpid,
            storages: Arc::clone(self),
        }
    }

    /// Whether a database of this partition is open.
    #[must_use]
    pub fn is_open(&self, gpid: Gpid) -> bool {
        self.open.lock().contains_key(&gpid)
    }

    /// Waits until no database of this partition is open. Cancel safe.
    pub async fn closed(&self, gpid: Gpid) {
        loop {
            let mut next = std::pin::pin!(self.closed.notified());
            // Registered before the look, so that nothing is missed between the two.
            next.as_mut().enable();
            if !self.is_open(gpid) {
                return;
            }
            next.await;
        }
    }
}

impl Drop for OpenStorage {
    fn drop(&mut self) {
        let mut open = self.storages.open.lock();
        if let Some(count) = open.get_mut(&self.gpid) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.gpid);
            }
        }
        drop(open);
        self.storages.closed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn closing_is_heard_of_when_the_last_one_is_dropped() {
        let storages = Arc::new(OpenStorages::default());
        let gpid = Gpid::new(2, 0);
        storages.closed(gpid).await;
        let (first, second) = (storages.begin(gpid), storages.begin(gpid));
        drop(first);
        assert!(storages.is_open(gpid));
        let waiting = tokio::spawn({
            let storages = Arc::clone(&storages);
            async move { storages.closed(gpid).await }
        });
        drop(second);
        waiting.await.unwrap();
        assert!(!storages.is_open(gpid));
    }
}
