//! Two things of the world that the command line needs beside the daemons.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

/// 32 octets from the kernel's generator, for a key.
///
/// # Errors
///
/// The kernel has none to give.
pub fn random_key() -> io::Result<[u8; 32]> {
    let mut key = [0; 32];
    linux::random(&mut key)?;
    Ok(key)
}

/// Waits for Ctrl-C or a request to end, at most `patience`; whether one came. From the first
/// call on, the process no longer ends by itself on these.
///
/// # Errors
///
/// The system refuses to watch signals.
pub fn interrupted_within(patience: Duration) -> io::Result<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        Ok(tokio::select! {
            _ = interrupt.recv() => true,
            _ = terminate.recv() => true,
            () = tokio::time::sleep(patience) => false,
        })
    })
}
