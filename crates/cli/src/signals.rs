//! How a server in the foreground is told to end.

use std::thread;

use rustix::process::Signal;
use rustix::process::getpid;
use rustix::process::kill_process;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::sync::oneshot;
use tracing::error;
use tracing::warn;

/// Listens for TERM, and INT from a terminal, from now on. The future is ready with the first of
/// them; the second ends the process at once, whatever the server is doing then.
pub fn ended() -> impl Future<Output = ()> {
    let (tell, is_told) = oneshot::channel();
    // A thread of its own: the server's event loop does not turn while it waits for its threads.
    let listening = thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            if let Err(problem) = listen(tell) {
                error!(error = %problem, "signals cannot be heard: only KILL ends this server");
            }
        });
    if let Err(problem) = listening {
        error!(error = %problem, "signals cannot be heard: only KILL ends this server");
    }
    async move {
        if is_told.await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

fn listen(first: oneshot::Sender<()>) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        next().await;
        // The server may have failed meanwhile.
        let _ = first.send(());
        next().await;
        warn!("told to end a second time: ended at once");
        kill_process(getpid(), Signal::KILL)?;
        Ok(())
    })
}
