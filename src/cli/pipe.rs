//! The standard output, whose reader may go away.

use std::io::{BufWriter, ErrorKind, Stdout, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the reader of the standard output went away.
#[derive(Debug, Clone, Default)]
pub(super) struct Closed(Arc<AtomicBool>);

impl Closed {
    pub(super) fn is_closed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The standard output, which remembers that its reader went away.
pub(super) struct Pipe {
    inner: BufWriter<Stdout>,
    closed: Closed,
}

impl Pipe {
    pub(super) fn new() -> Self {
        Self {
            inner: BufWriter::new(std::io::stdout()),
            closed: Closed::default(),
        }
    }

    /// Tells, also later, whether the reader went away.
    pub(super) fn closed(&self) -> Closed {
        self.closed.clone()
    }

    fn watch<T>(&self, outcome: std::io::Result<T>) -> std::io::Result<T> {
        if let Err(cause) = &outcome
            && cause.kind() == ErrorKind::BrokenPipe
        {
            self.closed.0.store(true, Ordering::Relaxed);
        }
        outcome
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let outcome = self.inner.write(bytes);
        self.watch(outcome)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let outcome = self.inner.flush();
        self.watch(outcome)
    }
}
