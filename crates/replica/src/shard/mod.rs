//! A shard: one thread that owns some replicas, some client connections and its links to other
//! servers (design.md section 4).

mod core;
mod dispatch;
mod exits;
mod failures;
mod learning;
mod log_lane;
mod membership;
mod message;
#[cfg(test)]
mod tests;
mod ticks;

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use pegasus_common::RpcAddress;
use pegasus_log::LogFailure;
use pegasus_log::LogObserver;
use pegasus_rpc::Inbound;
use pegasus_rpc::Mailbox;
use pegasus_rpc::MailboxSender;
use pegasus_rpc::Outputs;
use pegasus_rpc::PeerEvents;
use pegasus_rpc::PeerLinks;
use pegasus_rpc::ShardRuntime;
use pegasus_rpc::turn::at_turn_end;

use self::core::Core;
use self::exits::Exits;
use self::log_lane::LogLane;
pub use self::message::ShardMessage;
use crate::node::Node;
use crate::peer_messages;
use crate::router::ShardIndex;

/// What the tasks of a shard share.
struct Shard {
    index: ShardIndex,
    node: Arc<Node>,
    outputs: Rc<Outputs>,
    core: RefCell<Core>,
}

/// Runs a shard on the calling thread until the server stops.
///
/// # Errors
/// The event loop cannot be made.
pub fn run(index: ShardIndex, node: Arc<Node>, mailbox: Mailbox<ShardMessage>) -> io::Result<()> {
    let runtime = ShardRuntime::new()?;
    runtime.block_on(async move {
        let limits = node.config.network.limits();
        let outputs = Outputs::new(&limits);
        let links = PeerLinks::new();
        let lanes = node
            .disks
            .iter()
            .enumerate()
            .map(|(disk, open)| {
                let observer = LogEvents {
                    disk,
                    shard: node.shards[index].clone(),
                };
                LogLane::new(open.log.register(Arc::new(observer)))
            })
            .collect();
        let exits = Exits::new(
            index,
            Arc::clone(&node),
            Rc::clone(&outputs),
            Rc::clone(&links),
            lanes,
        );
        let shard = Rc::new(Shard {
            index,
            node,
            outputs: Rc::clone(&outputs),
            core: RefCell::new(Core::new(exits)),
        });
        links.set_events(Rc::clone(&shard) as Rc<dyn PeerEvents>);
        let at_end = Rc::clone(&shard);
        let _hook = at_turn_end(move || at_end.core.borrow_mut().end_turn());
        let inbound = Inbound::new(Rc::clone(&shard), outputs, limits);
        let ticks = tokio::task::spawn_local(ticks::run(Rc::clone(&shard)));
        shard.receive(&mailbox, &inbound).await;
        ticks.abort();
    });
    Ok(())
}

impl Shard {
    async fn receive(
        self: &Rc<Self>,
        mailbox: &Mailbox<ShardMessage>,
        inbound: &Rc<Inbound<Self>>,
    ) {
        let mut batch = Vec::new();
        loop {
            mailbox.receive(&mut batch).await;
            for message in batch.drain(..) {
                match message {
                    ShardMessage::Connection(connection) => inbound.serve(connection),
                    ShardMessage::Stop(done) => {
                        self.core.borrow_mut().end_turn();
                        // Whoever asked may have given up waiting.
                        let _ = done.send(());
                        return;
                    }
                    other => self.on_message(other),
                }
            }
        }
    }
}

impl PeerEvents for Shard {
    fn on_connected(&self, peer: RpcAddress) {
        self.core.borrow_mut().on_peer_connected(peer);
    }

    fn on_refused(&self, peer: RpcAddress) {
        self.core.borrow_mut().on_peer_suspected(peer);
    }

    fn hello(&self, _: RpcAddress) -> Bytes {
        peer_messages::hello(self.node.address, self.index)
    }
}

/// What the log thread of a disk reports, on its way to a shard.
struct LogEvents {
    disk: usize,
    shard: MailboxSender<ShardMessage>,
}

impl LogObserver for LogEvents {
    fn on_safe(&self, ticket: u64) {
        self.shard.send(ShardMessage::LogSafe {
            disk: self.disk,
            ticket,
        });
    }

    fn on_failed(&self, failure: &LogFailure) {
        let reason: Arc<str> = format!("{failure}: {}", failure.source).into();
        self.shard.send(ShardMessage::LogFailed {
            disk: self.disk,
            reason,
        });
    }
}
