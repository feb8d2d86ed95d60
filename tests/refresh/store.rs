//! A table of DARs in a bucket: there is no lock, and a store may fail at any request.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{assert_equal, rows};
use crate::stores::server::{S3, SECRET, run, store};
use crate::{Answer, Desk};

const RELATIONS: &str = "\
[relations]
messages = \"s3://exports/messages\"
sites = \"s3://exports/sites.parquet\"
feature_periods = \"s3://exports/feature_periods.parquet\"
[dar_table]
path = \"s3://exports/tables/dars\"
";

pub(super) fn start(months: &[u32]) -> S3 {
    let s3 = S3::start();
    s3.put("generated/sites.parquet", "sites.parquet").put(
        "generated/feature_periods.parquet",
        "feature_periods.parquet",
    );
    come(&s3, months);
    s3
}

/// A folder with the configuration of a store that is given time to answer: it has a whole year to deliver.
pub(super) fn patient(s3: &S3) -> Desk {
    waiting(s3.port, 60)
}

/// A folder with the configuration of a store at a port, which is given so many seconds to answer a request.
pub(super) fn waiting(port: u16, seconds: u32) -> Desk {
    let desk = Desk::new();
    let timeout = format!("request_timeout = {seconds}");
    let store = store(port).replace("request_timeout = 4", &timeout);
    desk.write("dayrate.toml", &format!("{store}{RELATIONS}"));
    desk
}

pub(super) fn come(s3: &S3, months: &[u32]) {
    for month in months {
        s3.put(
            &format!("generated/messages/month=2025-{month:02}/part-0.parquet"),
            &format!("messages/2025-{month:02}.parquet"),
        );
    }
}

/// Objects of the table that no version of it names.
pub(super) fn litter(s3: &S3) -> Vec<String> {
    let objects = s3.objects();
    let table = objects
        .iter()
        .filter(|object| object.starts_with("tables/dars/"));
    let (log, others): (Vec<&String>, Vec<&String>) =
        table.partition(|object| object.contains("/_delta_log/"));
    // The log names the manifest, and that the counts.
    let notes = others.iter().filter(|object| object.ends_with(".json"));
    let log = log.iter().filter(|object| object.ends_with(".json"));
    let log = log.chain(notes);
    let log: String = log
        .map(|object| std::fs::read_to_string(s3.object(object)).unwrap())
        .collect();
    let name = |object: &str| object.rsplit('/').next().unwrap().to_owned();
    others
        .into_iter()
        .filter(|object| !log.contains(&name(object)))
        .cloned()
        .collect()
}

#[test]
fn a_table_in_a_bucket() {
    let s3 = start(&[1, 2]);
    let desk = patient(&s3);
    run(&desk, &["refresh"]).is_well();
    assert_equal(|words| run(&desk, words));
    come(&s3, &[3]);
    let said = run(&desk, &["refresh", "--format", "json"]);
    let said: serde_json::Value = serde_json::from_str(&said.is_well().out).unwrap();
    assert_eq!(
        said["files"],
        serde_json::json!({"new": 1, "changed": 0, "gone": 0, "same": 2})
    );
    assert_equal(|words| run(&desk, words));
    let said = run(&desk, &["refresh", "--format", "json"]);
    assert!(said.is_well().out.contains("\"current\""), "{}", said.out);
    for object in s3
        .objects()
        .iter()
        .filter(|object| object.starts_with("tables/"))
    {
        let bytes = std::fs::read(s3.object(object)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(SECRET) && !text.contains("AKIA"), "{object}");
    }
}

/// Nothing is locked: two runs at once both end well or say why not, and nothing is counted twice.
#[test]
fn two_runs_on_one_bucket() {
    let s3 = start(&[1]);
    let desk = patient(&s3);
    run(&desk, &["refresh"]).is_well();
    come(&s3, &[2, 3]);
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..2)
            .map(|_| scope.spawn(|| run(&desk, &["refresh"])))
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    for answer in answers {
        answer.is_well();
    }
    assert_equal(|words| run(&desk, words));
}

/// The store hangs up for good at the n-th object that is written, for every n until all are: the error says so, the
/// table is what it was, and the run that succeeds takes away what the others left.
#[test]
fn a_store_that_fails_half_way() {
    let s3 = start(&[1, 2]);
    let desk = patient(&s3);
    run(&desk, &["refresh"]).is_well();
    come(&s3, &[3]);
    let before = rows(|words| run(&desk, words), "stale");
    let mut writes = 0;
    loop {
        let through = Desk::new();
        through.write(
            "dayrate.toml",
            &format!("{}{RELATIONS}", store(proxy(s3.port, writes))),
        );
        let answer = run(&through, &["refresh"]);
        if answer.code == 0 {
            break;
        }
        answer.fails(&["s3://exports"]);
        assert_eq!(
            rows(|words| run(&desk, words), "stale"),
            before,
            "after {writes} writes"
        );
        // The last writes are many small ones; the first and the last of them are the interesting ones.
        writes += if writes < 3 { 1 } else { 5 };
        assert!(writes < 200);
    }
    assert!(writes > 5, "{writes}");
    assert_equal(|words| run(&desk, words));
    // What the last failures wrote goes with a run that commits.
    come(&s3, &[4]);
    run(&desk, &["refresh"]).is_well();
    assert_eq!(litter(&s3), Vec::<String>::new());
    assert_equal(|words| run(&desk, words));
}

/// Forwards connections to a server on loopback, until more than `writes` objects are put: then there is nobody any more.
fn proxy(server: u16, writes: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let left = Arc::new(AtomicUsize::new(writes));
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let Ok(client) = client else { return };
            if left.load(Ordering::SeqCst) == usize::MAX {
                continue;
            }
            let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
                return;
            };
            let (mut back, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut back, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
            let left = Arc::clone(&left);
            std::thread::spawn(move || forward(client, server, &left));
        }
    });
    port
}

fn forward(mut client: TcpStream, mut server: TcpStream, left: &AtomicUsize) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read) = client.read(&mut buffer) {
        // A request begins where the client begins to speak.
        let is_put = buffer[..read].starts_with(b"PUT ");
        let is_over = is_put
            && left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| match left {
                    0 | usize::MAX => None,
                    left => Some(left - 1),
                })
                .is_err();
        if read == 0 || is_over || left.load(Ordering::SeqCst) == usize::MAX {
            if is_over {
                left.store(usize::MAX, Ordering::SeqCst);
            }
            break;
        }
        if server.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}
