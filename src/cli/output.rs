//! Where rows go: the standard output, or a file, here or in a store, that appears whole or not at all.

use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::error::{DataFusionError, Result};
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::DataFrame;
use futures::StreamExt;
use tempfile::NamedTempFile;

use super::args::OutputArguments;
use super::format::{self, Kind};
use super::pipe::{Closed, Pipe};
use super::screen::Screen;
use super::upload::{self, Parcel};
use super::{engine, message, progress};
use crate::lake::stores::{self, Address, Service};
use crate::{error, secret};

/// The destination of a run.
pub(super) struct Output {
    kind: Kind,
    target: Target,
    /// Whether a table that goes to a terminal is shortened to it.
    shortens: bool,
    /// How everything is seen where a terminal shows a part.
    remedy: &'static str,
}

/// How everything is seen when the tool was called from another shell.
const REMEDY: &str = "Pipe it into `less -S`, write it with -o FILE, or take --format records";

enum Target {
    Screen(Pipe),
    File(PathBuf),
    /// An address, as it was written.
    Store(String),
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
                shortens: true,
                remedy: REMEDY,
            });
        };
        let kind = match arguments.format {
            Some(kind) => kind,
            None => Kind::of_file(path)?,
        };
        Ok(Self {
            kind,
            target: target_of(path)?,
            shortens: true,
            remedy: REMEDY,
        })
    }

    /// The destination of a page, which has no rows and so no format of them.
    ///
    /// # Errors
    ///
    /// If a format is asked for, or the page would go to a terminal or a store.
    pub(super) fn of_page(arguments: &OutputArguments) -> Result<Self> {
        if let Some(format) = arguments.format {
            return Err(error::config(format!(
                "--format {} is for rows, and a dashboard is one page of HTML: leave it out",
                format.name()
            )));
        }
        let target = match arguments.output.as_deref().filter(|path| *path != "-") {
            Some(path) => match target_of(path)? {
                Target::Store(written) => {
                    return Err(error::config(format!(
                        "-o '{written}' is in a store, and a page is written to a file of this machine"
                    )));
                }
                file => file,
            },
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
            shortens: true,
            remedy: REMEDY,
        })
    }

    /// The standard output, as a shell has it: `remedy` says how everything is seen there.
    pub(super) fn of_a_shell(kind: Kind, remedy: &'static str) -> Self {
        Self {
            kind,
            target: Target::Screen(Pipe::new()),
            shortens: true,
            remedy,
        }
    }

    /// The file `path`, in the format that its name tells.
    ///
    /// # Errors
    ///
    /// If it tells none.
    pub(super) fn of_file(path: &str) -> Result<Self> {
        let arguments = OutputArguments {
            format: None,
            output: Some(path.to_owned()),
            ..OutputArguments::default()
        };
        Self::from_arguments(&arguments)
    }

    /// Writes the rows to come in another format.
    ///
    /// # Errors
    ///
    /// If it is one of bytes, and a terminal would get them.
    pub(super) fn set_kind(&mut self, kind: Kind) -> Result<()> {
        if kind.is_binary() && std::io::stdout().is_terminal() {
            return Err(error::config(format!(
                "the format {} is bytes that a terminal cannot show: write them to a file that ends in .{0}",
                kind.name()
            )));
        }
        self.kind = kind;
        Ok(())
    }

    /// Whether tables are shortened to the terminal from now on.
    pub(super) fn shorten(&mut self, shortens: bool) {
        self.shortens = shortens;
    }

    /// Whether tables are shortened to the terminal.
    pub(super) fn shortens(&self) -> bool {
        self.shortens
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn closed(&self) -> Closed {
        match &self.target {
            Target::Screen(pipe) => pipe.closed(),
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
                let screen = Screen::at_the_output();
                let shown = screen.filter(|_| self.shortens || self.kind != Kind::Table);
                let (count, left_out) = stream_to(self.kind, pipe, rows, shown).await?;
                pipe.flush().map_err(DataFusionError::IoError)?;
                if let Some(left_out) = left_out {
                    message::note(&format!("{left_out}. {}", self.remedy));
                }
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
                put(path, &text)
            }
            Target::Store(written) => Err(std::io::Error::other(format!(
                "words go to a file of this machine, and not to '{}'",
                secret::hide(written)
            ))),
        }
    }
}

/// Where `-o` points to.
fn target_of(path: &str) -> Result<Target> {
    let address = Address::of(path)?;
    match address.service {
        Service::Local => Ok(Target::File(PathBuf::from(address.path))),
        _ if path.ends_with('/') || address.path.is_empty() => Err(error::config(format!(
            "-o '{path}' is a folder: name a file in it"
        ))),
        _ => Ok(Target::Store(path.to_owned())),
    }
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
    Ok(stream_to(kind, out, rows, None).await?.0)
}

/// Writes rows as they come, with progress until there are some; returns their number, and what a screen had no room
/// for.
async fn stream_to(
    kind: Kind,
    out: &mut (dyn Write + Send),
    rows: DataFrame,
    screen: Option<Screen>,
) -> Result<(usize, Option<String>)> {
    let context = Arc::new(rows.task_ctx());
    let plan = rows.create_physical_plan().await?;
    let mut watch = Some(progress::watch(&plan));
    let mut writer = format::writer(kind, out, &plan.schema(), screen)?;
    let mut count = 0;
    let (give, mut take) = tokio::sync::mpsc::channel(1);
    let work = engine::start(async move {
        let mut batches = execute_stream(plan, context)?;
        while let Some(batch) = batches.next().await {
            if give.send(batch).await.is_err() {
                break;
            }
        }
        Ok::<(), DataFusionError>(())
    })?;
    while let Some(batch) = take.recv().await {
        let batch = batch?;
        if screen.is_some() {
            // The rows take the place of the progress on a terminal.
            watch = None;
        }
        count += batch.num_rows();
        writer.write(&batch)?;
    }
    work.join().await??;
    drop(watch);
    writer.finish()?;
    Ok((count, writer.left_out()))
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
