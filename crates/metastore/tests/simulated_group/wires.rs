//! The network between members.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use openraft::AsyncRuntime as _;
use openraft_rt_sim::SimRuntime;
use parking_lot::Mutex;
use pegasus_metastore::EmbeddedStore;
use pegasus_metastore::embedded::network::{Link, LinkError};
use pegasus_metastore::store::BoxFuture;
use rand::Rng as _;
use rand::rngs::StdRng;
use tokio::sync::oneshot;

pub type Store = EmbeddedStore<SimRuntime>;

/// Who listens where, and what happens to messages.
pub struct Wires {
    pub listening: BTreeMap<usize, Arc<Store>>,
    /// Directions in which nothing arrives.
    pub cut: BTreeSet<(usize, usize)>,
    /// Share of the messages that are lost, or come twice.
    pub trouble: f64,
    pub random: StdRng,
}

impl Wires {
    fn delay(&mut self) -> Duration {
        let slow = self.random.random_bool(self.trouble);
        let range = if slow { 5_000..400_000 } else { 50..2_000 };
        Duration::from_micros(self.random.random_range(range))
    }

    fn is_lost(&mut self, from: usize, to: usize) -> bool {
        self.cut.contains(&(from, to)) || self.random.random_bool(self.trouble)
    }
}

/// One member's end.
pub struct Plug {
    pub wires: Arc<Mutex<Wires>>,
    pub own: usize,
}

/// Carries a message to a member and its answer back, however long its sender waits.
async fn deliver(
    wires: Arc<Mutex<Wires>>,
    from: usize,
    to: usize,
    message: Bytes,
    answered: oneshot::Sender<Result<Bytes, LinkError>>,
) {
    let delay = wires.lock().delay();
    SimRuntime::sleep(delay).await;
    let (is_lost, store) = {
        let mut wires = wires.lock();
        (wires.is_lost(from, to), wires.listening.get(&to).cloned())
    };
    if is_lost {
        // The sender hears nothing until its patience ends.
        return std::future::pending().await;
    }
    let answer = match store {
        Some(store) => Ok(store.answer(&message).await),
        None => Err(LinkError::Unreachable("nobody listens".to_owned())),
    };
    let (is_lost, delay) = {
        let mut wires = wires.lock();
        (wires.is_lost(to, from), wires.delay())
    };
    if is_lost {
        return std::future::pending().await;
    }
    SimRuntime::sleep(delay).await;
    drop(answered.send(answer));
}

impl Link for Plug {
    fn call<'a>(
        &'a self,
        address: &'a str,
        message: Bytes,
        patience: Duration,
    ) -> BoxFuture<'a, Result<Bytes, LinkError>> {
        Box::pin(async move {
            let to = address.parse().unwrap();
            let (answered, answer) = oneshot::channel();
            let doubled = {
                let mut wires = self.wires.lock();
                let share = wires.trouble;
                wires.random.random_bool(share)
            };
            let carry = |message, answered| {
                let wires = Arc::clone(&self.wires);
                drop(SimRuntime::spawn(SimRuntime::timeout(
                    Duration::from_secs(5),
                    deliver(wires, self.own, to, message, answered),
                )));
            };
            if doubled {
                carry(message.clone(), oneshot::channel().0);
            }
            carry(message, answered);
            match SimRuntime::timeout(patience, answer).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) | Err(_) => Err(LinkError::TimedOut),
            }
        })
    }
}
