//! One open HTTP/1.1 connection, driven by the task that uses it.
//!
//! hyper splits a client connection into a sender and a driver. Both live here and the driver is
//! polled by the exchange itself, not by a task of its own: dropping an exchange closes its socket
//! at once, and no hand-over between threads is paid for.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::{fmt, io};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;

use super::target::Caps;

/// A request as it is handed to hyper.
pub(super) type Outgoing = Request<Full<Bytes>>;
type Io = TokioIo<TlsStream<TcpStream>>;

/// What hyper reads at a time, at most, where the cap on headers is not larger: four TLS records.
const READ_BUFFER: usize = 64 << 10;
/// Informational answers (1xx) before the real one. Servers send none or one.
const INFORMATIONAL_MOST: u32 = 16;
/// What is set aside for a body on the word of its Content-Length alone.
const BODY_START: usize = 64 << 10;

/// An open connection that no exchange shares.
pub(super) struct Open {
    sender: http1::SendRequest<Full<Bytes>>,
    /// Absent once the connection has ended.
    driver: Option<http1::Connection<Io, Full<Bytes>>>,
    /// The same socket, to ask the kernel what hyper has not been told yet.
    probe: std::net::TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) born: Instant,
    pub(super) used: Instant,
}

/// Why a request was not answered.
pub(super) enum Unanswered {
    /// Nothing was written; here is the request again.
    Unsent(Box<Outgoing>, hyper::Error),
    /// The connection or the answer failed after the request was handed over.
    Broken(hyper::Error),
    /// More informational answers than anyone needs.
    Informational,
}

/// Why a body was not read to its end.
pub(super) enum BodyError {
    /// The connection or its framing failed.
    Broken(hyper::Error),
    /// The body passed the cap.
    TooLarge,
}

impl Open {
    /// Begins HTTP on a connection whose certificate was checked.
    pub(super) async fn begin(
        stream: TlsStream<TcpStream>,
        probe: std::net::TcpStream,
        peer: SocketAddr,
        caps: &Caps,
    ) -> Result<Box<Self>, hyper::Error> {
        let (sender, driver) = http1::Builder::new()
            .max_headers(caps.headers)
            .max_header_size(caps.header_bytes)
            .max_buf_size(READ_BUFFER.max(caps.header_bytes))
            .handshake(TokioIo::new(stream))
            .await?;
        let now = Instant::now();
        Ok(Box::new(Self { sender, driver: Some(driver), probe, peer, born: now, used: now }))
    }

    /// Gives the connection back if nothing happened on it while it was idle.
    ///
    /// Whatever is there to read, an end of the stream, an alert, an answer that nobody asked for,
    /// disqualifies it. The kernel is asked, since the runtime may not have heard of it yet: an
    /// effect that is written to a closed connection would be in doubt for no reason.
    pub(super) fn quiet(self: Box<Self>) -> Option<Box<Self>> {
        match self.probe.peek(&mut [0]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Some(self),
            Ok(_) | Err(_) => None,
        }
    }

    /// Sends a request and reads the head of its answer.
    pub(super) async fn send(&mut self, mut request: Outgoing) -> Result<Response<Incoming>, Unanswered> {
        let informational = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&informational);
        hyper::ext::on_informational(&mut request, move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        let answer = self.sender.try_send_request(request);
        let answer =
            drive(&mut self.driver, answer, || informational.load(Ordering::Relaxed) > INFORMATIONAL_MOST);
        match answer.await {
            None => Err(Unanswered::Informational),
            Some(Ok(response)) => Ok(response),
            Some(Err(mut failed)) => match failed.take_message() {
                Some(request) => Err(Unanswered::Unsent(Box::new(request), failed.into_error())),
                None => Err(Unanswered::Broken(failed.into_error())),
            },
        }
    }

    /// Reads a body under a cap. Trailers are dropped.
    pub(super) async fn body(&mut self, mut body: Incoming, cap: usize) -> Result<Vec<u8>, BodyError> {
        let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if declared > cap {
            return Err(BodyError::TooLarge);
        }
        let mut bytes = Vec::with_capacity(declared.min(BODY_START));
        while !body.is_end_stream() {
            let frame = match drive(&mut self.driver, body.frame(), || false).await.flatten() {
                None => break,
                Some(frame) => frame.map_err(BodyError::Broken)?,
            };
            let Ok(data) = frame.into_data() else { continue };
            if data.len() > cap - bytes.len() {
                return Err(BodyError::TooLarge);
            }
            bytes.extend_from_slice(&data);
        }
        Ok(bytes)
    }

    /// Gives the connection back if the exchange left it ready for another one: the request was
    /// written to its end, the answer read to its end, and nothing follows it.
    pub(super) async fn rest(mut self: Box<Self>) -> Option<Box<Self>> {
        let ready = poll_fn(|cx| {
            advance(&mut self.driver, cx);
            Poll::Ready(matches!(self.sender.poll_ready(cx), Poll::Ready(Ok(()))))
        });
        let ready = ready.await;
        self.used = Instant::now();
        (ready && self.driver.is_some()).then_some(self)
    }
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Open({})", self.peer)
    }
}

/// Works on `work` while the connection moves; `None` when `stop` says so.
async fn drive<F: Future>(
    driver: &mut Option<http1::Connection<Io, Full<Bytes>>>,
    work: F,
    stop: impl Fn() -> bool,
) -> Option<F::Output> {
    let mut work = pin!(work);
    poll_fn(|cx| {
        if let Poll::Ready(done) = work.as_mut().poll(cx) {
            return Poll::Ready(Some(done));
        }
        advance(driver, cx);
        if stop() {
            return Poll::Ready(None);
        }
        work.as_mut().poll(cx).map(Some)
    })
    .await
}

/// Moves the connection on. When it has ended, whoever waits for an answer is told by hyper; there
/// is nothing to learn from the driver's own result.
fn advance(driver: &mut Option<http1::Connection<Io, Full<Bytes>>>, cx: &mut std::task::Context<'_>) {
    if let Some(connection) = driver
        && Pin::new(connection).poll(cx).is_ready()
    {
        *driver = None;
    }
}
