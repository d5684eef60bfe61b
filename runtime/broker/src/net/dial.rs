//! From checked addresses to an open connection.

use super::address::{ADDRESS_OWN_LISTENER, CheckedAddress};
use super::clock::Clock;
use super::connection::Open;
use super::failure::{CONNECT_FAILED, NoAnswer};
use super::target::Target;
use rustls::ClientConfig;
use std::net::SocketAddr;
use std::sync::Arc;
use stepward_fault::{Class, Fault, Owner};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Addresses that one exchange tries. Each gets an equal share of what is left of the connect
/// timeout, so that a silent first address cannot use it all up.
const TRIES: usize = 4;

/// Connects to the first address that accepts, and does the TLS handshake there. Only connecting is
/// tried again elsewhere: a host that fails TLS fails the exchange.
pub(super) async fn dial(
    target: &Target,
    addresses: Vec<CheckedAddress>,
    config: Arc<ClientConfig>,
    clock: &Clock<'_>,
) -> Result<Box<Open>, NoAnswer> {
    let (stream, peer) = connect(target, addresses, clock).await?;
    let broken = |error: &dyn std::fmt::Display| NoAnswer::unsent(target, CONNECT_FAILED, error);
    // The same socket twice: one for the runtime, one to ask for its state.
    let stream = stream.into_std().map_err(|error| broken(&error))?;
    let probe = stream.try_clone().map_err(|error| broken(&error))?;
    let stream = TcpStream::from_std(stream).map_err(|error| broken(&error))?;

    let handshake = TlsConnector::from(config).connect(target.server_name.clone(), stream);
    let stream = clock.handshake(handshake).await?.map_err(|error| NoAnswer::handshake(target, &error))?;
    Open::begin(stream, probe, peer, &target.caps).await.map_err(|error| broken(&error))
}

async fn connect(
    target: &Target,
    addresses: Vec<CheckedAddress>,
    clock: &Clock<'_>,
) -> Result<(TcpStream, SocketAddr), NoAnswer> {
    let mut left = addresses.len().min(TRIES);
    let mut last = NoAnswer::unsent(target, CONNECT_FAILED, "there is no address to connect to");
    for address in addresses.into_iter().take(TRIES) {
        let peer = address.get();
        last = match clock.connect(left, TcpStream::connect(peer)).await {
            Ok(Ok(stream)) => return admit(target, stream, peer),
            Ok(Err(error)) => NoAnswer::unsent(target, CONNECT_FAILED, format_args!("{peer}: {error}")),
            Err(overrun) => overrun,
        };
        left -= 1;
    }
    Err(last)
}

/// Closes the gap that a listener on every interface leaves: a connection whose two ends have the
/// same address never left this machine. Nothing has been written to it yet.
fn admit(target: &Target, stream: TcpStream, peer: SocketAddr) -> Result<(TcpStream, SocketAddr), NoAnswer> {
    let everywhere = |listener: &SocketAddr| {
        listener.ip().to_canonical().is_unspecified() && listener.port() == peer.port()
    };
    let broken = |error| NoAnswer::unsent(target, CONNECT_FAILED, format_args!("{peer}: {error}"));
    let local = stream.local_addr().map_err(broken)?;
    if local.ip().to_canonical() == peer.ip().to_canonical() && target.listeners.iter().any(everywhere) {
        let fault = Fault::new(Class::Refused, Owner::Operator, ADDRESS_OWN_LISTENER)
            .at(target.place())
            .says(format_args!("the address {peer} is one that this process listens on"))
            .hint("point the endpoint's URL at the service itself");
        return Err(NoAnswer::Refused(fault));
    }
    // Requests are written whole; waiting to fill a segment only adds delay.
    stream.set_nodelay(true).map_err(broken)?;
    Ok((stream, peer))
}
