//! Idle connections, kept apart by binding, credential version and roots.
//!
//! A connection is used by one exchange at a time and only goes back when that exchange ended well.
//! It lives for a minute from its handshake at most, so every certificate is checked again at least
//! that often; TLS sessions are not resumed at all. Before reuse the caller looks up and judges the
//! host's addresses again, and only a connection to one of them is handed out.

use super::address::CheckedAddress;
use super::connection::Open;
use super::target::{Identity, Target};
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::version::{TLS12, TLS13};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

/// How long a connection lives after its handshake, and a key without connections is remembered.
const LIFE: Duration = Duration::from_mins(1);
/// How long a connection may have been idle to carry an effect. Servers close idle connections
/// after a few seconds at the earliest; a request that crosses with such a close is in doubt, which
/// a read can bear and an effect should not have to.
const EFFECT_IDLE: Duration = Duration::from_secs(2);
/// Idle connections of one key: what a burst of parallel steps leaves behind.
const IDLE_PER_KEY: usize = 8;
/// Idle connections altogether, two file descriptors each.
const IDLE_ALL: usize = 128;

/// What two exchanges must have in common to use one connection.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) identity: Arc<Identity>,
    pub(super) credential_version: String,
}

#[derive(Default)]
pub(super) struct Pool(Mutex<State>);

#[derive(Default)]
struct State {
    rooms: HashMap<Key, Room>,
    idle: usize,
    sweeper: Option<AbortHandle>,
}

struct Room {
    config: Arc<ClientConfig>,
    #[expect(clippy::vec_box, reason = "a connection carries its buffers; it moves by its pointer")]
    idle: Vec<Box<Open>>,
    used: Instant,
}

impl Pool {
    /// An idle connection to one of the addresses that were just judged.
    pub(super) fn take(&self, key: &Key, addresses: &[CheckedAddress], is_read: bool) -> Option<Box<Open>> {
        let now = Instant::now();
        let fit = |open: &Open| {
            addresses.iter().any(|address| address.get() == open.peer)
                && now.duration_since(open.born) < LIFE
                && (is_read || now.duration_since(open.used) < EFFECT_IDLE)
        };
        loop {
            // The one used last is the one least likely to have been closed.
            let open = {
                let mut state = self.state();
                let room = state.rooms.get_mut(key)?;
                let at = room.idle.iter().rposition(|open| fit(open))?;
                let open = room.idle.remove(at);
                state.idle -= 1;
                open
            };
            if let Some(open) = open.quiet() {
                return Some(open);
            }
        }
    }

    /// Takes a connection back for later, if it is fit and there is room.
    pub(super) fn put(self: &Arc<Self>, key: &Key, open: Box<Open>) {
        let mut state = self.state();
        let has_room = state.idle < IDLE_ALL;
        let Some(room) = state.rooms.get_mut(key) else { return };
        if has_room && room.idle.len() < IDLE_PER_KEY && open.used.duration_since(open.born) < LIFE {
            room.used = open.used;
            room.idle.push(open);
            state.idle += 1;
        }
    }

    /// The TLS settings of a key, made once and shared by its connections.
    pub(super) fn config(
        self: &Arc<Self>,
        key: &Key,
        target: &Target,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<ClientConfig>, rustls::Error> {
        let mut state = self.state();
        let used = Instant::now();
        if let Some(room) = state.rooms.get_mut(key) {
            room.used = used;
            return Ok(Arc::clone(&room.config));
        }
        let config = Arc::new(tls(target, provider)?);
        state.rooms.insert(key.clone(), Room { config: Arc::clone(&config), idle: Vec::new(), used });
        // A sweeper that died with its runtime is replaced.
        if state.sweeper.as_ref().is_none_or(AbortHandle::is_finished) {
            state.sweeper = Some(tokio::spawn(sweep(Arc::downgrade(self))).abort_handle());
        }
        Ok(config)
    }

    /// Closes what has lived long enough and says when to look again; nothing when nothing is left.
    fn sweep(&self) -> Option<Instant> {
        let mut state = self.state();
        let now = Instant::now();
        for room in state.rooms.values_mut() {
            room.idle.retain(|open| now.duration_since(open.born) < LIFE);
        }
        state.rooms.retain(|_, room| !room.idle.is_empty() || now.duration_since(room.used) < LIFE);
        state.idle = state.rooms.values().map(|room| room.idle.len()).sum();
        let first = |room: &Room| room.idle.iter().map(|open| open.born).min().unwrap_or(room.used);
        let next = state.rooms.values().map(first).min().map(|since| since + LIFE);
        if next.is_none() {
            state.sweeper = None;
        }
        next
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock can leave the state half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes connections on time. Ends with the pool, or when there is nothing to watch.
async fn sweep(pool: Weak<Pool>) {
    while let Some(next) = pool.upgrade().and_then(|pool| pool.sweep()) {
        sleep_until(next).await;
    }
}

/// TLS 1.2 and 1.3 with aws-lc-rs, whatever the process has as its default; HTTP/1.1 alone; the
/// target's roots alone. Resumption is off: a resumed session shows no certificate to check.
fn tls(target: &Target, provider: &Arc<CryptoProvider>) -> Result<ClientConfig, rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_root_certificates(Arc::clone(&target.roots))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}
