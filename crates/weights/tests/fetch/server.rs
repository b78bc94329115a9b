//! A server of one file that answers as a test wants it.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

/// What the server does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What is asked for.
    Whole,
    /// So many bytes of what is asked for, then nothing.
    Cut(usize),
    /// All of it, for the file has another version.
    Changed,
    /// All of it, and no version, whatever is asked for.
    NoRanges,
    /// Another range than the one that is asked for.
    WrongRange,
    /// 404.
    Missing,
    /// It is elsewhere.
    Redirect,
}

pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// A server of `file` that gives `answers` in their order, then none.
    pub fn new(file: Vec<u8>, answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (requests, done) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let address = listener.local_addr().unwrap();
        let (log, stop) = (requests.clone(), done.clone());
        let thread = std::thread::spawn(move || {
            let mut answers = answers.into_iter();
            while let Ok((stream, _)) = listener.accept() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let Some(answer) = answers.next() else { break };
                let request = read(&stream);
                log.lock().unwrap().push(request.clone());
                // Whoever asked may have gone.
                let _ = reply(stream, &file, answer, &request);
            }
        });
        Self { address, requests, done, thread: Some(thread) }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests so far, in lower case.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn read(stream: &TcpStream) -> String {
    let mut request = String::new();
    for line in BufReader::new(stream).lines() {
        let line = line.unwrap_or_default();
        if line.is_empty() {
            break;
        }
        request += &line.to_lowercase();
        request.push('\n');
    }
    request
}

fn reply(mut stream: TcpStream, file: &[u8], answer: Answer, request: &str) -> std::io::Result<()> {
    let header = |name: &str| request.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    let version = if answer == Answer::Changed { "\"v2\"" } else { "\"v1\"" };
    let asked =
        header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let same = header("if-range").is_none_or(|asked| asked == version);
    let from: usize = asked.filter(|_| same && answer != Answer::NoRanges).unwrap_or(0);
    let length = file.len();
    match answer {
        Answer::Missing => {
            return stream
                .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
        Answer::Redirect => {
            return stream.write_all(
                b"HTTP/1.1 302 Found\r\nLocation: /moved\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            );
        }
        _ if from > length => {
            return stream.write_all(
                b"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            );
        }
        _ => {}
    }
    let mut head = if from > 0 {
        let first = if answer == Answer::WrongRange { from + 1 } else { from };
        format!("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {first}-{}/{length}\r\n", length - 1)
    } else {
        "HTTP/1.1 200 OK\r\n".to_owned()
    };
    if answer != Answer::NoRanges {
        head += &format!("ETag: {version}\r\n");
    }
    head += &format!("Content-Length: {}\r\nConnection: close\r\n\r\n", length - from);
    let body = &file[from..];
    let body = if let Answer::Cut(count) = answer { &body[..count.min(body.len())] } else { body };
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    stream.flush()
}
