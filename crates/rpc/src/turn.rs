//! The turn of a shard's event loop (design.md section 4): everything that the tasks of one turn
//! want done is staged, and one hook at the end of the turn hands it over.
//!
//! A *turn* ends when the ready queue is empty, just before the thread would park in the poll. Tokio
//! calls the hook there, and looks for woken tasks once more after it, so the hook may wake tasks.
//! It is not called while tasks keep the queue full. So that a storm of connections does not hold back
//! what others have staged, the readers of connections count ([`reader_waits`]) and end a turn that has
//! become long; whoever stages much must also flush past a size bound.

use std::cell::Cell;
use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::rc::Rc;

use tokio::runtime::Builder;
use tokio::runtime::LocalOptions;
use tokio::runtime::LocalRuntime;

thread_local! {
    static TURN_END: RefCell<Option<Rc<dyn Fn()>>> = const { RefCell::new(None) };
    static READERS: Cell<u32> = const { Cell::new(0) };
}

/// Readers that may have had their turn before it ends. More requests than this in one write of the log
/// save nothing any more, and so many readers take about a millisecond.
const READERS_MAX: u32 = 256;

/// The event loop of one shard: a single thread, tasks that need not be `Send`, and a hook at the
/// end of every turn.
#[derive(Debug)]
pub struct ShardRuntime {
    runtime: LocalRuntime,
}

impl ShardRuntime {
    /// Builds the event loop for the calling thread.
    ///
    /// # Errors
    /// The operating system refuses an epoll or event descriptor.
    pub fn new() -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .on_thread_park(run_turn_end)
            .build_local(LocalOptions::default())?;
        Ok(Self { runtime })
    }

    /// Runs `main` and everything it spawns with `tokio::task::spawn_local` until `main` ends.
    pub fn block_on<F: Future>(&self, main: F) -> F::Output {
        self.runtime.block_on(main)
    }
}

/// Keeps a turn-end hook in place; dropping it removes the hook.
#[must_use = "the hook is removed when this is dropped"]
#[derive(Debug)]
pub struct TurnEndHook(());

impl Drop for TurnEndHook {
    fn drop(&mut self) {
        TURN_END.with(|hook| hook.borrow_mut().take());
    }
}

/// Calls `hook` at the end of each turn of this thread's [`ShardRuntime`]. A thread has one hook;
/// a second call replaces the first.
pub fn at_turn_end(hook: impl Fn() + 'static) -> TurnEndHook {
    TURN_END.with(|slot| *slot.borrow_mut() = Some(Rc::new(hook)));
    TurnEndHook(())
}

/// The reader of a connection has handed on what had come and is about to wait. Ends the turn if it is one of
/// many. Nothing that the hook uses may be borrowed.
pub(crate) fn reader_waits() {
    let readers = READERS.get() + 1;
    READERS.set(readers);
    if readers >= READERS_MAX {
        run_turn_end();
    }
}

fn run_turn_end() {
    READERS.set(0);
    // The hook is cloned out so that it may replace itself without meeting its own borrow.
    if let Some(hook) = TURN_END.with(|hook| hook.borrow().clone()) {
        hook();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_that_always_have_something_to_read_do_not_keep_a_turn_from_its_end() {
        const READERS: u32 = 10;
        let runtime = ShardRuntime::new().unwrap();
        let turns = Rc::new(Cell::new(0));
        let count = Rc::clone(&turns);
        let _hook = at_turn_end(move || count.set(count.get() + 1));
        let turns = runtime.block_on(async {
            let busy: Vec<_> = (0..READERS)
                .map(|_| {
                    tokio::task::spawn_local(async {
                        for _ in 0..10 * READERS_MAX / READERS {
                            reader_waits();
                            // At once into the ready queue again.
                            std::future::poll_fn({
                                let mut is_ready = false;
                                move |context| {
                                    if std::mem::replace(&mut is_ready, true) {
                                        return std::task::Poll::Ready(());
                                    }
                                    context.waker().wake_by_ref();
                                    std::task::Poll::Pending
                                }
                            })
                            .await;
                        }
                    })
                })
                .collect();
            for reader in busy {
                reader.await.unwrap();
            }
            turns.get()
        });
        assert!(turns >= 9, "{turns}");
    }

    #[test]
    fn the_hook_runs_before_each_park_and_may_wake_tasks() {
        let runtime = ShardRuntime::new().unwrap();
        let turns = Rc::new(Cell::new(0));
        let wake = Rc::new(tokio::sync::Notify::new());
        let (count, waker) = (turns.clone(), wake.clone());
        let _hook = at_turn_end(move || {
            count.set(count.get() + 1);
            waker.notify_one();
        });
        // Nothing but the hook wakes this future: it would hang if the hook did not run.
        runtime.block_on(async { wake.notified().await });
        assert!(turns.get() >= 1);
    }
}
