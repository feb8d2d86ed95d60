//! Ctrl-C, heard whatever the engine does.
//!
//! The engine's workers may be deep in rows for a long time; a signal that only they could notice would wait for them. So
//! a thread of its own listens.

use std::sync::OnceLock;

use tokio::sync::watch::{Receiver, channel};

static HEARD: OnceLock<Receiver<u64>> = OnceLock::new();

/// Begins to listen, once in a process.
fn heard() -> Receiver<u64> {
    let heard = HEARD.get_or_init(|| {
        let (say, heard) = channel(0);
        let listen = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let Ok(runtime) = runtime else { return };
            runtime.block_on(async {
                while tokio::signal::ctrl_c().await.is_ok() {
                    say.send_modify(|times| *times += 1);
                }
            });
        };
        // Without the thread, Ctrl-C ends the process as the system has it.
        let _ = std::thread::Builder::new()
            .name("interrupt".to_owned())
            .spawn(listen);
        heard
    });
    let mut heard = heard.clone();
    // What was pressed before is over.
    heard.mark_unchanged();
    heard
}

/// Ends when Ctrl-C is pressed from now on.
pub(super) fn pressed() -> impl Future<Output = ()> {
    let mut heard = heard();
    async move {
        if heard.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
