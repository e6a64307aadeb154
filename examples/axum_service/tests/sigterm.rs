//! Ends the service by a signal while clients keep asking, and counts the lines of its log.

use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;

const CLIENTS: u64 = 4;
/// Answers after which the service is told to end.
const ENOUGH: usize = 2_000;

struct Service {
    process: Child,
    out: BufReader<std::process::ChildStdout>,
    address: String,
}

impl Service {
    fn start(log: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_axum-service"));
        let mut process =
            command.arg(log).env_remove("RUST_LOG").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { process, out, address }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end; whether it was orderly, and what it said last.
    fn end(mut self) -> (bool, String) {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        (self.process.wait().unwrap().success(), rest)
    }
}

/// One request on a connection that stays open; the status of the answer.
fn get(connection: &mut BufReader<TcpStream>, path: &str) -> io::Result<u16> {
    // In one piece: the second of several small ones would wait until the first is acknowledged, 40 ms later.
    connection.get_mut().write_all(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n").as_bytes())?;
    let (mut line, mut status, mut length) = (String::new(), None, 0);
    loop {
        line.clear();
        if connection.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let text = line.trim().to_ascii_lowercase();
        match text.strip_prefix("content-length: ") {
            Some(bytes) => length = bytes.parse().unwrap(),
            None if text.starts_with("http/1.1 ") => status = text.split(' ').nth(1).and_then(|code| code.parse().ok()),
            None if text.is_empty() => break,
            None => {}
        }
    }
    connection.read_exact(&mut vec![0; length])?;
    status.ok_or(io::ErrorKind::InvalidData.into())
}

/// Asks for orders, each with a number of its own, until the service does not answer any more.
fn ask(address: &str, client: u64, answered: &Sender<u64>) {
    let Ok(connection) = TcpStream::connect(address) else { return };
    let mut connection = BufReader::new(connection);
    for id in (0..).map(|n| n * CLIENTS + client) {
        match get(&mut connection, &format!("/orders/{id}")) {
            Ok(status) => {
                assert_eq!(status, 200);
                answered.send(id).unwrap();
            }
            Err(_) => return,
        }
    }
}

fn lines(log: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(log).unwrap();
    assert!(text.ends_with('\n'), "the last line is whole");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_was_answered_is_in_the_log_after_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("service.jsonl");
    let service = Service::start(&log);
    let (answered, answers) = channel();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (address, answered) = (service.address.clone(), answered.clone());
            thread::spawn(move || ask(&address, client, &answered))
        })
        .collect();
    drop(answered);
    let mut ids: Vec<u64> = answers.iter().take(ENOUGH).collect();
    service.signal("-TERM");
    ids.extend(answers.iter());
    clients.into_iter().for_each(|client| client.join().unwrap());
    let (orderly, said) = service.end();
    assert!(orderly, "{said}");

    let lines = lines(&log);
    assert_eq!(said, format!("{} records delivered, 0 abandoned\n", lines.len()));
    assert_eq!((&lines[0]["message"], &lines[lines.len() - 1]["message"]), (&"started".into(), &"ended".into()));
    let mut served: BTreeMap<u64, u32> = BTreeMap::new();
    for line in lines.iter().filter(|line| line["message"] == "order served") {
        *served.entry(line["fields"]["order.id"].as_u64().unwrap()).or_default() += 1;
    }
    assert!(ids.len() >= ENOUGH);
    let missing: Vec<&u64> = ids.iter().filter(|id| served.get(id) != Some(&1)).collect();
    assert!(missing.is_empty(), "{} of {} answers are not in the log once: {missing:?}", missing.len(), ids.len());
    // A client may have asked and not got its answer any more; each asks for one thing at a time.
    assert!(served.len() <= ids.len() + CLIENTS as usize, "{} served, {} answered", served.len(), ids.len());
}

#[test]
fn a_panic_is_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("service.jsonl");
    let service = Service::start(&log);
    let mut connection = BufReader::new(TcpStream::connect(&service.address).unwrap());
    assert!(get(&mut connection, "/panic").is_err(), "the connection ends with the handler");
    drop(connection);
    service.signal("-TERM");
    assert!(service.end().0);
    let lines = lines(&log);
    let panic = lines.iter().find(|line| line["level"] == "error").unwrap();
    assert_eq!(panic["message"], "a handler panics");
    assert!(panic["fields"]["location"].as_str().unwrap().starts_with("src/main.rs:"), "{panic}");
}
