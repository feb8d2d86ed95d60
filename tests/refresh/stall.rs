//! A store that stops to answer in the midst of a refresh: connections stand, and nothing comes any more.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::store::{come, litter, patient, start, waiting};
use super::{assert_equal, rows};
use crate::Desk;
use crate::stores::server::{S3, run};

/// A store behind a wire that carries so many bytes, both ways together, and then stands still.
fn through(s3: &S3, bytes: u64) -> (Desk, Arc<AtomicU64>) {
    let carried = Arc::new(AtomicU64::new(0));
    let port = wire(s3.port, bytes, &carried);
    (waiting(port, 3), carried)
}

/// Every stall is an error that names the store and what gives it more time, after no longer than the tries of a request
/// take; the table is what it was, and the run that succeeds takes away what the others left.
#[test]
fn a_store_that_stalls_half_way() {
    // What a whole run sends and gets, found out on another store.
    let whole = {
        let s3 = start(&[1, 2]);
        run(&patient(&s3), &["refresh"]).is_well();
        come(&s3, &[3]);
        let (desk, carried) = through(&s3, u64::MAX);
        run(&desk, &["refresh"]).is_well();
        carried.load(Ordering::SeqCst)
    };
    let s3 = start(&[1, 2]);
    let desk = patient(&s3);
    run(&desk, &["refresh"]).is_well();
    come(&s3, &[3]);
    let before = rows(|words| run(&desk, words), "stale");
    let log = || {
        s3.objects()
            .iter()
            .filter(|object| object.contains("_delta_log"))
            .count()
    };
    let versions = log();
    // While it looks around, while it reads, while it writes days, and shortly before it commits.
    for part in [1, 4, 9, 14, 18] {
        let (stalled, _) = through(&s3, whole * part / 20);
        let started = Instant::now();
        let answer = run(&stalled, &["refresh"]);
        answer.fails(&["s3://exports", "no answer in time", "request_timeout"]);
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "{part}: {:?}",
            started.elapsed()
        );
        assert_eq!(log(), versions, "{part}: nothing was committed");
        assert_eq!(rows(|words| run(&desk, words), "stale"), before, "{part}");
    }
    run(&desk, &["refresh"]).is_well();
    assert_equal(|words| run(&desk, words));
    // Without a lock, what was there when this run began goes with it, and what a run leaves of itself is nothing.
    assert_eq!(litter(&s3), Vec::<String>::new());
}

/// A wire to a server on loopback; see [`through`].
fn wire(server: u16, bytes: u64, carried: &Arc<AtomicU64>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let carried = Arc::clone(carried);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let Ok(client) = client else { return };
            let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
                return;
            };
            for (from, to) in [
                (client.try_clone().unwrap(), server.try_clone().unwrap()),
                (server, client),
            ] {
                let carried = Arc::clone(&carried);
                std::thread::spawn(move || carry(from, to, bytes, &carried));
            }
        }
    });
    port
}

fn carry(mut from: TcpStream, mut to: TcpStream, bytes: u64, carried: &AtomicU64) {
    let mut buffer = vec![0; 1 << 12];
    while let Ok(read) = from.read(&mut buffer) {
        let now = carried.fetch_add(read as u64, Ordering::SeqCst) + read as u64;
        if read == 0 {
            let _ = to.shutdown(std::net::Shutdown::Write);
            return;
        }
        if now > bytes {
            // The connection stands as long as the client holds it.
            while from.read(&mut buffer).is_ok_and(|read| read > 0) {}
            return;
        }
        if to.write_all(&buffer[..read]).is_err() {
            return;
        }
    }
}
