//! One HTTP exchange with one named endpoint: look up its host, judge the addresses, dial one that
//! passed, check the certificate, send once, read the answer within caps.
//!
//! ```text
//! TargetSpec ─► Target ─┐
//!                       ├─ Network::exchange ─► Answer
//!                 Wire ─┘                    └► NoAnswer: refused · failed, nothing sent · failed, maybe sent
//! ```
//!
//! What this room holds to, whatever a guest, an answer or the process around it says:
//!
//! - **Only the address decides**, not how the host is spelled: [`judge`] is asked about every
//!   address of the host on every exchange, and a [`CheckedAddress`] is all that can be dialled. The
//!   address that was judged is the address that is dialled.
//! - **One request on the wire per exchange.** There is no retry, no redirect (a 3xx is an answer
//!   like any other), no proxy and no environment variable. An idle connection that turns out to be
//!   closed before a byte was written is replaced; after that, every failure is [`Sent::Maybe`].
//! - **Nothing is decompressed.** `Accept-Encoding: identity` is sent; an answer that is encoded all
//!   the same is passed on as it stands, so its cap is the cap on memory.
//! - **Connections are not shared** between bindings, credential versions or sets of roots, live for
//!   a minute at most, and TLS sessions are not resumed.
//! - **Every stage has its timeout**: look-up and connecting, handshake, first byte, total.
//!
//! Dropping the future of an exchange closes its connection. An effect that must outlive its caller
//! is spawned by whoever owns it.

mod address;
mod clock;
mod connection;
mod dial;
mod failure;
mod pool;
mod resolve;
mod target;
mod wire;

pub use address::{
    ADDRESS_DENIED, ADDRESS_METADATA, ADDRESS_NOT_A_HOST, ADDRESS_OWN_LISTENER, CheckedAddress, Denied, judge,
};
pub use failure::{
    ANSWER_MALFORMED, ANSWER_TOO_LARGE, CONNECT_FAILED, CONNECT_TIMEOUT, CONNECTION_ENDED,
    FIRST_BYTE_TIMEOUT, HANDSHAKE_TIMEOUT, NoAnswer, REQUEST_NOT_PLAIN, RESOLVE_FAILED, Sent, TLS_FAILED,
    TOTAL_TIMEOUT,
};
pub use resolve::{Dns, Resolve, ResolveError, Resolving, servers_in};
pub use target::{
    BODY_BYTES, CONNECT, Caps, FIRST_BYTE, HANDSHAKE, HEADER_BYTES, HEADERS, HOST_NOT_A_NAME, TOTAL, Target,
    TargetSpec, Timeouts,
};
pub use wire::{Answer, Wire};

use clock::Clock;
use connection::{BodyError, Open, Outgoing, Unanswered};
use http::{Response, StatusCode};
use hyper::body::Incoming;
use pool::{Key, Pool};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use std::sync::Arc;

/// The way out: a resolver and the idle connections. One per environment is enough.
pub struct Network {
    resolver: Arc<dyn Resolve>,
    provider: Arc<CryptoProvider>,
    pool: Arc<Pool>,
}

impl Network {
    /// Makes a network that looks names up with `resolver`. Dropping it closes all idle connections.
    pub fn new(resolver: Arc<dyn Resolve>) -> Self {
        Self { resolver, provider: Arc::new(aws_lc_rs::default_provider()), pool: Arc::default() }
    }

    /// Sends one request to one endpoint and reads its answer.
    ///
    /// Runs on tokio, with its I/O and its time. Dropping the future closes the connection.
    ///
    /// # Errors
    /// [`NoAnswer`] says whether the endpoint can have acted on the request.
    pub async fn exchange(&self, target: &Target, wire: Wire) -> Result<Answer, NoAnswer> {
        let clock = Clock::start(target);
        let is_read = wire.method.is_read();
        let (mut request, credential_version) = wire.into_request(target)?;
        let key = Key { identity: Arc::clone(&target.identity), credential_version };
        let addresses = clock.lookup(target.addresses(&*self.resolver)).await??;

        while let Some(open) = self.pool.take(&key, &addresses, is_read) {
            match self.on(open, target, &clock, &key, request).await? {
                Tried::Answered(answer) => return Ok(answer),
                Tried::Unsent(back, _) => request = *back,
            }
        }
        let config = self.pool.config(&key, target, &self.provider);
        let config = config.map_err(|error| NoAnswer::unsent(target, TLS_FAILED, error))?;
        let open = dial::dial(target, addresses, config, &clock).await?;
        match self.on(open, target, &clock, &key, request).await? {
            Tried::Answered(answer) => Ok(answer),
            Tried::Unsent(_, error) => Err(NoAnswer::unsent(
                target,
                CONNECTION_ENDED,
                format_args!("the connection ended before the request was written: {error}"),
            )),
        }
    }

    /// The exchange on one connection, which goes back to the pool only at its good end.
    async fn on(
        &self,
        mut open: Box<Open>,
        target: &Target,
        clock: &Clock<'_>,
        key: &Key,
        request: Outgoing,
    ) -> Result<Tried, NoAnswer> {
        let response = match clock.head(open.send(request)).await? {
            Ok(response) => response,
            Err(Unanswered::Unsent(request, error)) => return Ok(Tried::Unsent(request, error)),
            Err(Unanswered::Broken(error)) => return Err(NoAnswer::broken(target, &error)),
            Err(Unanswered::Informational) => {
                return Err(NoAnswer::maybe(
                    target,
                    ANSWER_TOO_LARGE,
                    "informational answers (1xx) without end",
                ));
            }
        };
        let answer = read(&mut open, response, target, clock).await?;
        if let Some(open) = open.rest().await {
            self.pool.put(key, open);
        }
        Ok(Tried::Answered(answer))
    }
}

/// What came of a request on one connection.
enum Tried {
    Answered(Answer),
    /// The connection was closed already and nothing was written.
    Unsent(Box<Outgoing>, hyper::Error),
}

async fn read(
    open: &mut Open,
    response: Response<Incoming>,
    target: &Target,
    clock: &Clock<'_>,
) -> Result<Answer, NoAnswer> {
    let (head, body) = response.into_parts();
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(NoAnswer::maybe(
            target,
            ANSWER_MALFORMED,
            "it switched to a protocol that nobody asked for",
        ));
    }
    let body = clock.rest(open.body(body, target.caps.body_bytes)).await?.map_err(|error| match error {
        BodyError::Broken(error) => NoAnswer::broken(target, &error),
        BodyError::TooLarge => {
            let cap = target.caps.body_bytes;
            NoAnswer::maybe(
                target,
                ANSWER_TOO_LARGE,
                format_args!("the body of the answer is larger than {cap} bytes"),
            )
        }
    })?;
    let headers =
        head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()));
    Ok(Answer { status: head.status.as_u16(), headers: headers.collect(), body })
}
