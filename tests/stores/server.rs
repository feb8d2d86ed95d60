//! Servers on loopback: a real S3 server over a folder, and one that answers as a test says.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::{Answer, Desk};

pub(crate) const KEY: &str = "AKIARECOGNISABLEKEY";
pub(crate) const SECRET: &str = "recognisable/secret+of-the-store";

/// `s3s-fs`, whose buckets are the folders of a folder. It ends with the test.
pub(crate) struct S3 {
    server: Child,
    pub(crate) port: u16,
    folder: TempDir,
}

impl S3 {
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("exports")).unwrap();
        let port = free_port();
        let server = Command::new(program())
            .args(["--host", "127.0.0.1", "--port", &port.to_string()])
            .args(["--access-key", KEY, "--secret-key", SECRET])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                started.elapsed() < Duration::from_secs(30),
                "the S3 server does not start"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Self {
            server,
            port,
            folder,
        }
    }

    /// A file of the bucket `exports`.
    pub(crate) fn object(&self, path: &str) -> PathBuf {
        self.folder.path().join("exports").join(path)
    }

    /// Puts a file of `testdata` there.
    pub(crate) fn put(&self, from: &str, to: &str) -> &Self {
        let from = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("testdata")
            .join(from);
        copy(&from, &self.object(to));
        self
    }

    /// A folder with a configuration for this server and this text of relations.
    pub(crate) fn desk(&self, relations: &str) -> Desk {
        let desk = Desk::new();
        desk.write("dayrate.toml", &format!("{}{relations}", self.stores()));
        desk
    }

    fn stores(&self) -> String {
        store(self.port)
    }

    /// Every object of the bucket, without what the server keeps for itself.
    pub(crate) fn objects(&self) -> Vec<String> {
        let mut found = Vec::new();
        walk(&self.object(""), &self.object(""), &mut found);
        found.sort();
        found
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The configuration of an S3 server on that port.
pub(crate) fn store(port: u16) -> String {
    format!(
        "[stores.\"s3://\"]\nendpoint = \"http://127.0.0.1:{port}\"\nregion = \"eu-central-1\"\npath_style = true\n\
         allow_http = true\nretries = 1\nconnect_timeout = 2\nrequest_timeout = 4\n"
    )
}

/// Runs the tool with the keys of the server, or with others.
pub(crate) fn run_as(desk: &Desk, key: &str, secret: &str, arguments: &[&str]) -> Answer {
    let mut command = desk.command(arguments);
    command
        .env("AWS_ACCESS_KEY_ID", key)
        .env("AWS_SECRET_ACCESS_KEY", secret);
    Answer::of(command.output().unwrap())
}

pub(crate) fn run(desk: &Desk, arguments: &[&str]) -> Answer {
    run_as(desk, KEY, SECRET, arguments)
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(root, &path, found);
        } else {
            found.push(
                path.strip_prefix(root)
                    .unwrap()
                    .to_string_lossy()
                    .into_owned(),
            );
        }
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from, to).unwrap();
    }
}

/// The server's program, installed once into `target/tools`.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools");
        let program = tools.join("bin/s3s-fs");
        if !program.exists() {
            let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
            let installed = Command::new(cargo)
                .args([
                    "install",
                    "s3s-fs",
                    "--version",
                    "0.14.1",
                    "--features",
                    "binary",
                    "--locked",
                    "--root",
                ])
                .arg(&tools)
                .status()
                .unwrap();
            assert!(
                installed.success(),
                "the S3 server of the tests cannot be installed"
            );
        }
        program
    })
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// A server that hands each request's first line and the connection to `answer`; its port.
pub(crate) fn serve(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = std::sync::Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let answer = std::sync::Arc::clone(&answer);
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut first = String::new();
                if reader.read_line(&mut first).unwrap_or(0) == 0 {
                    return;
                }
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                    line.clear();
                }
                answer(first.trim(), &mut stream);
            });
        }
    });
    port
}

/// Answers with this body, or with its headers alone.
pub(crate) fn respond(request: &str, stream: &mut TcpStream, status: &str, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nETag: \"1\"\r\nLast-Modified: Sun, 01 Nov 2026 00:00:00 GMT\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes());
    if !request.starts_with("HEAD") {
        let _ = stream.write_all(body);
    }
}
