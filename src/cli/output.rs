//! Where rows go: the standard output, or a file that appears whole or not at all.

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
use crate::error;

/// The destination of a run.
pub(super) struct Output {
    kind: Kind,
    target: Target,
}

enum Target {
    Screen(Pipe),
    File(PathBuf),
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
        let target = local(path)?;
        let kind = match arguments.format {
            Some(kind) => kind,
            None => Kind::of_file(path)?,
        };
        Ok(Self { kind, target })
    }

    /// The destination of a page, which has no rows and so no format of them.
    ///
    /// # Errors
    ///
    /// If a format is asked for, or the page would go to a terminal.
    pub(super) fn of_page(arguments: &OutputArguments) -> Result<Self> {
        if let Some(format) = arguments.format {
            return Err(error::config(format!(
                "--format {} is for rows, and a dashboard is one page of HTML: leave it out",
                format.name()
            )));
        }
        let target = match arguments.output.as_deref().filter(|path| *path != "-") {
            Some(path) => local(path)?,
            None if std::io::stdout().is_terminal() => {
                return Err(error::config(
                    "a dashboard is a page for a browser: name its file, such as -o usage.html",
                ));
            }
            None => Target::Screen(Pipe::new()),
        };
        Ok(Self {
            kind: Kind::Table,
            target,
        })
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn closed(&self) -> Closed {
        match &self.target {
            Target::Screen(pipe) => pipe.closed.clone(),
            Target::File(_) => Closed::default(),
        }
    }

    /// Refuses a number of results that the destination cannot take, before anything runs.
    pub(super) fn expect(&self, results: usize) -> Result<()> {
        match &self.target {
            Target::File(path) if results != 1 => Err(error::config(format!(
                "-o '{}' takes the rows of one statement, and {results} of the statements given return rows. Run them \
                 one at a time, each with its own -o",
                path.display()
            ))),
            _ => Ok(()),
        }
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
                put(path, &text)
            }
        }
    }
}

/// A file of this machine.
fn local(path: &str) -> Result<Target> {
    if path.contains("://") {
        return Err(error::config(format!(
            "-o '{path}' is an address, and dayrate writes local files"
        )));
    }
    Ok(Target::File(PathBuf::from(path)))
}

/// Writes bytes beside the file and puts them in place at the end, as [`to_file`] does with rows.
fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let written = if path.exists() && !path.is_file() {
        std::fs::write(path, bytes)
    } else {
        beside(folder_of(path)).and_then(|mut beside| {
            beside.write_all(bytes)?;
            beside.as_file().sync_all()?;
            beside.persist(path).map_err(|cause| cause.error)?;
            Ok(())
        })
    };
    written.map_err(|cause| {
        let text = format!("'{}' cannot be written: {cause}", path.display());
        std::io::Error::new(cause.kind(), text)
    })
}

/// The folder that a file is or will be in.
fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
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
    let beside = beside(folder_of(path)).map_err(failed)?;
    let mut file = BufWriter::new(beside);
    let count = stream(kind, &mut file, rows).await?;
    let beside = file
        .into_inner()
        .map_err(|cause| failed(cause.into_error()))?;
    beside.as_file().sync_all().map_err(failed)?;
    beside.persist(path).map_err(|cause| failed(cause.error))?;
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
