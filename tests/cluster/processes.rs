//! A scheduler and executors as processes of their own, on loopback. They end with the test.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::{Answer, Desk};

/// A process of a cluster.
pub(super) struct Process {
    child: Child,
    said: BufReader<Box<dyn Read + Send>>,
}

impl Process {
    /// Starts one in `folder` and waits for the word that says where it listens; what stands behind it.
    fn start(
        folder: &Path,
        environment: &[(&str, &str)],
        arguments: &[&str],
        word: &str,
    ) -> (Self, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dayrate"))
            .current_dir(folder)
            .arg("cluster")
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr: Box<dyn Read + Send> = Box::new(child.stderr.take().unwrap());
        let mut process = Self {
            child,
            said: BufReader::new(stderr),
        };
        loop {
            let mut line = String::new();
            let read = process.said.read_line(&mut line).unwrap();
            assert!(read > 0, "{arguments:?} ended before it said '{word}'");
            if let Some((_, rest)) = line.trim_end().split_once(word) {
                let rest = rest.to_owned();
                return (process.heard(), rest);
            }
        }
    }

    /// Goes on to hear what it says, so that it never waits for a listener.
    fn heard(mut self) -> Self {
        let nothing: Box<dyn Read + Send> = Box::new(std::io::empty());
        let mut said = std::mem::replace(&mut self.said, BufReader::new(nothing));
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        self
    }

    pub(super) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A scheduler and its executors.
pub(super) struct Cluster {
    pub(super) address: String,
    pub(super) scheduler: Process,
    pub(super) executors: Vec<Process>,
    folder: PathBuf,
    _kept: TempDir,
}

impl Cluster {
    /// A scheduler and two executors that need no configuration.
    pub(super) fn start() -> Self {
        let nowhere = TempDir::new().unwrap();
        let folder = nowhere.path().to_owned();
        Self::scheduler(&folder, &[], nowhere)
            .with_executor(&[])
            .with_executor(&[])
    }

    /// A scheduler that reads the configuration of `folder`.
    pub(super) fn scheduler(folder: &Path, environment: &[(&str, &str)], kept: TempDir) -> Self {
        Self::scheduler_with(folder, environment, kept, &[])
    }

    /// The same, with more arguments.
    pub(super) fn scheduler_with(
        folder: &Path,
        environment: &[(&str, &str)],
        kept: TempDir,
        more: &[&str],
    ) -> Self {
        let arguments = [&["scheduler", "--port", "0"], more].concat();
        let (scheduler, address) = Process::start(folder, environment, &arguments, "listens on ");
        Self {
            address,
            scheduler,
            executors: Vec::new(),
            folder: folder.to_owned(),
            _kept: kept,
        }
    }

    /// One more executor, with the configuration of the scheduler.
    pub(super) fn with_executor(self, environment: &[(&str, &str)]) -> Self {
        let folder = self.folder.clone();
        self.with_executor_in(&folder, environment)
    }

    /// One more executor, with the configuration of `folder`.
    pub(super) fn with_executor_in(mut self, folder: &Path, environment: &[(&str, &str)]) -> Self {
        let arguments = ["executor", "--scheduler", &self.address, "--threads", "1"];
        let (executor, _) = Process::start(folder, environment, &arguments, "works for ");
        self.executors.push(executor);
        self
    }

    /// The answer of this cluster.
    pub(super) fn run(&self, desk: &Desk, arguments: &[&str]) -> Answer {
        Answer::of(self.command(desk, arguments).output().unwrap())
    }

    pub(super) fn command(&self, desk: &Desk, arguments: &[&str]) -> Command {
        let mut command = desk.command(&["--cluster", &self.address, "--threads", "3"]);
        command.args(arguments);
        command
    }
}
