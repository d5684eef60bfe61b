//! Exchanges with real servers: real sockets, real certificates, a real name server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod answer;
mod certificates;
mod names;
mod pool;
mod proxies;
mod time;
mod world;
