//! Where rows go: the standard output, or a file, here or in a store, that appears whole or not at all.

use std::io::{BufWriter, ErrorKind, IsTerminal, Stdout, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::error::{DataFusionError, Result};
use datafusion::prelude::DataFrame;
use futures::StreamExt;
use tempfile::NamedTempFile;

use super::args::OutputArguments;
use super::format::{self, Kind};
use super::upload::{self, Parcel};
use crate::lake::stores::{self, Address, Service};
use crate::{error, secret};

/// The destination of a run.
pub(super) struct Output {
    kind: Kind,
    target: Target,
}

enum Target {
    Screen(Pipe),
    File(PathBuf),
    /// An address, as it was written.
    Store(String),
}

/// Whether the reader of the standard output went away.
#[derive(Debug, Clone, Default)]
pub(super) struct Closed(Arc<AtomicBool>);

impl Closed {
    pub(super) fn is_closed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Output {
    /// The destination that the arguments name.
    ///
    /// # Errors
    ///
    /// If the format of a file is not told, or bytes would go to a terminal.
    pub(super) fn from_arguments(arguments: &OutputArguments) -> Result<Self> {
        let file = arguments.output.as_deref().filter(|path| *path != "-");
        let Some(path) = file else {
            let kind = arguments.format.unwrap_or(Kind::Table);
            if kind.is_binary() && std::io::stdout().is_terminal() {
                return Err(error::config(format!(
                    "--format {} writes bytes that a terminal cannot show: add -o FILE, or pipe it into another program",
                    kind.name()
                )));
            }
            return Ok(Self {
                kind,
                target: Target::Screen(Pipe::new()),
            });
        };
        let kind = match arguments.format {
            Some(kind) => kind,
            None => Kind::of_file(path)?,
        };
        let address = Address::of(path)?;
        let target = match address.service {
            Service::Local => Target::File(PathBuf::from(address.path)),
            _ if path.ends_with('/') || address.path.is_empty() => {
                return Err(error::config(format!(
                    "-o '{path}' is a folder: name a file in it"
                )));
            }
            _ => Target::Store(path.to_owned()),
        };
        Ok(Self { kind, target })
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn closed(&self) -> Closed {
        match &self.target {
            Target::Screen(pipe) => pipe.closed.clone(),
            Target::File(_) | Target::Store(_) => Closed::default(),
        }
    }

    /// Refuses a number of results that the destination cannot take, before anything runs.
    pub(super) fn expect(&self, results: usize) -> Result<()> {
        let written = match &self.target {
            Target::Screen(_) => return Ok(()),
            Target::File(path) => path.display().to_string(),
            Target::Store(written) => written.clone(),
        };
        if results == 1 {
            return Ok(());
        }
        Err(error::config(format!(
            "-o '{written}' takes the rows of one statement, and {results} of the statements given return rows. Run them \
             one at a time, each with its own -o"
        )))
    }

    /// Writes the rows of `rows` as they come, and returns how many they were.
    pub(super) async fn rows(&mut self, rows: DataFrame) -> Result<usize> {
        match &mut self.target {
            Target::Screen(pipe) => {
                let count = stream(self.kind, pipe, rows).await?;
                pipe.flush().map_err(DataFusionError::IoError)?;
                Ok(count)
            }
            Target::File(path) => to_file(self.kind, path, rows).await,
            Target::Store(written) => to_store(self.kind, written, rows).await,
        }
    }

    /// Writes words that were asked for.
    pub(super) fn words(
        &mut self,
        write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        match &mut self.target {
            Target::Screen(pipe) => {
                write(pipe)?;
                pipe.flush()
            }
            Target::File(path) => {
                let mut text = Vec::new();
                write(&mut text)?;
                std::fs::write(path, text)
            }
            Target::Store(written) => Err(std::io::Error::other(format!(
                "words go to a file of this machine, and not to '{}'",
                secret::hide(written)
            ))),
        }
    }
}

async fn stream(kind: Kind, out: &mut (dyn Write + Send), rows: DataFrame) -> Result<usize> {
    let mut batches = rows.execute_stream().await?;
    let mut writer = format::writer(kind, out, &batches.schema())?;
    let mut count = 0;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        count += batch.num_rows();
        writer.write(&batch)?;
    }
    writer.finish()?;
    Ok(count)
}

/// Writes beside the file and puts it in place at the end, so that nobody ever reads half a bill.
async fn to_file(kind: Kind, path: &Path, rows: DataFrame) -> Result<usize> {
    let failed = |cause: std::io::Error| {
        error::config(format!("'{}' cannot be written: {cause}", path.display()))
    };
    // A link is followed, and what is no ordinary file (a pipe, /dev/null) has nothing to put in its place.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if path.exists() && !path.is_file() {
        if path.is_dir() {
            return Err(error::config(format!(
                "-o '{}' is a folder: name a file in it",
                path.display()
            )));
        }
        let file = std::fs::OpenOptions::new()
            .write(true)
            .open(path)
            .map_err(failed)?;
        let mut file = BufWriter::new(file);
        let count = stream(kind, &mut file, rows).await?;
        file.flush().map_err(failed)?;
        return Ok(count);
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let beside = beside(folder).map_err(failed)?;
    let mut file = BufWriter::new(beside);
    let count = stream(kind, &mut file, rows).await?;
    let beside = file
        .into_inner()
        .map_err(|cause| failed(cause.into_error()))?;
    beside.as_file().sync_all().map_err(failed)?;
    beside.persist(path).map_err(|cause| failed(cause.error))?;
    Ok(count)
}

/// Writes here first, and sends the file when it is finished.
async fn to_store(kind: Kind, written: &str, rows: DataFrame) -> Result<usize> {
    let place = stores::place(&rows.task_ctx().runtime_env(), written)?;
    upload::check(&place, written)?;
    let failed = |cause: std::io::Error| {
        error::config(format!(
            "'{written}' cannot be written, because there is no room for it here first: {cause}. Set TMPDIR to a folder \
             that has"
        ))
    };
    let mut file = BufWriter::new(NamedTempFile::new().map_err(failed)?);
    let count = stream(kind, &mut file, rows).await?;
    let file = file
        .into_inner()
        .map_err(|cause| failed(cause.into_error()))?;
    let parcel = Parcel {
        file: file.path().to_owned(),
        path: place.path.clone(),
    };
    upload::send(&place, vec![parcel]).await?;
    Ok(count)
}

/// A file that goes away by itself unless it is kept.
fn beside(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".dayrate-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any new file; the process's mask still applies.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// The standard output, which remembers that its reader went away.
struct Pipe {
    inner: BufWriter<Stdout>,
    closed: Closed,
}

impl Pipe {
    fn new() -> Self {
        Self {
            inner: BufWriter::new(std::io::stdout()),
            closed: Closed::default(),
        }
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
