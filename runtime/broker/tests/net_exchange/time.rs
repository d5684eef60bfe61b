//! Each timeout, under the clock of the test.

use crate::world::*;
use std::sync::Arc;
use std::time::Duration;
use stepward_broker::net::*;
use stepward_fault::Rule;
use stepward_seam::Cause;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio::time::{Instant, advance, pause, resume, sleep, timeout};

/// Timeouts that can be told from each other.
fn timeouts() -> Timeouts {
    Timeouts {
        connect: Duration::from_secs(3),
        handshake: Duration::from_secs(4),
        first_byte: Duration::from_secs(10),
        total: Duration::from_secs(20),
    }
}

/// One effect against `port`. Time runs until the server says that it got as far as it goes
/// (`reached`), and then in jumps, each of which gives the sockets a moment to catch up: a blocking
/// task keeps a stopped clock where it is.
async fn timed(world: &World, port: u16, reached: &Notify) -> ((Cause, Sent, Rule), Duration) {
    timed_with(world, port, reached, timeouts()).await
}

async fn timed_with(
    world: &World,
    port: u16,
    reached: &Notify,
    timeouts: Timeouts,
) -> ((Cause, Sent, Rule), Duration) {
    let target = Target::new(TargetSpec { timeouts, ..world.spec(port) }).unwrap();
    let began = Instant::now();
    let jumps = async {
        reached.notified().await;
        pause();
        loop {
            tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(2))).await.unwrap();
            advance(Duration::from_millis(250)).await;
        }
    };
    let got = tokio::select! {
        biased;
        got = world.network.exchange(&target, post("{}")) => failed(got),
        () = jumps => unreachable!("it never ends"),
    };
    let elapsed = began.elapsed();
    resume();
    (got, elapsed)
}

/// Time moved in jumps, and ran by itself for the handshake.
#[track_caller]
fn took(elapsed: Duration, seconds: u64) {
    let expected = Duration::from_secs(seconds);
    assert!(elapsed >= expected && elapsed < expected + Duration::from_secs(2), "{elapsed:?}");
}

/// A server that reads one request, tells, and then stays silent until the other side is gone.
async fn silent(world: &World, reached: &Arc<Notify>) -> Server {
    let reached = Arc::clone(reached);
    serve(world.config(), move |mut stream, seen| {
        let reached = Arc::clone(&reached);
        async move {
            request(&mut stream, &seen).await;
            reached.notify_one();
            let _ = stream.read_u8().await;
        }
    })
    .await
}

/// A [`Notify`] that was told already, where nothing runs before time may jump.
fn at_once() -> Arc<Notify> {
    let reached = Arc::new(Notify::new());
    reached.notify_one();
    reached
}

#[tokio::test]
async fn a_server_that_never_accepts() {
    // Fill the queue of a socket that nobody accepts from, until connecting to it hangs.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut held = Vec::new();
    while let Ok(stream) = timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
        held.push(stream.unwrap());
    }
    let (got, elapsed) = timed(&World::new(), address.port(), &at_once()).await;
    assert_eq!(got, (Cause::Timeout, Sent::Nothing, CONNECT_TIMEOUT));
    took(elapsed, 3);
}

#[tokio::test]
async fn a_resolver_that_never_answers() {
    struct Silent;
    impl Resolve for Silent {
        fn resolve<'a>(&'a self, _: &'a str) -> Resolving<'a> {
            Box::pin(std::future::pending())
        }
    }
    let world = World { network: Network::new(Arc::new(Silent)), ..World::new() };
    let (got, elapsed) = timed(&world, 443, &at_once()).await;
    assert_eq!(got, (Cause::Timeout, Sent::Nothing, CONNECT_TIMEOUT));
    took(elapsed, 3);
}

#[tokio::test]
async fn a_handshake_that_never_ends() {
    let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let reached = Arc::new(Notify::new());
    let tell = Arc::clone(&reached);
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // The header of a handshake record, and then a byte of it each second.
        stream.write_all(&[22, 3, 3, 0x3f, 0xff]).await.unwrap();
        tell.notify_one();
        while stream.write_all(&[2]).await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
    });
    let (got, elapsed) = timed(&World::new(), port, &reached).await;
    assert_eq!(got, (Cause::Timeout, Sent::Nothing, HANDSHAKE_TIMEOUT));
    took(elapsed, 4);
    server.await.unwrap();
}

#[tokio::test]
async fn a_server_that_stays_silent() {
    let (world, reached) = (World::new(), Arc::new(Notify::new()));
    let server = silent(&world, &reached).await;
    let (got, elapsed) = timed(&world, server.address.port(), &reached).await;
    assert_eq!(got, (Cause::Timeout, Sent::Maybe, FIRST_BYTE_TIMEOUT));
    took(elapsed, 10);
    assert_eq!((server.seen.connections(), server.seen.requests()), (1, 1), "sent once");
}

/// Writes `at_once`, then one byte of `slowly` a second.
async fn trickle(
    world: &World,
    reached: &Arc<Notify>,
    at_once: &'static str,
    slowly: &'static str,
) -> Server {
    let reached = Arc::clone(reached);
    serve(world.config(), move |mut stream, seen| {
        let reached = Arc::clone(&reached);
        async move {
            request(&mut stream, &seen).await;
            stream.write_all(at_once.as_bytes()).await.unwrap();
            reached.notify_one();
            for byte in slowly.bytes().cycle() {
                if stream.write_u8(byte).await.is_err() || stream.flush().await.is_err() {
                    return;
                }
                sleep(Duration::from_secs(1)).await;
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_head_of_one_byte_a_second() {
    let (world, reached) = (World::new(), Arc::new(Notify::new()));
    let server = trickle(&world, &reached, "", "HTTP/1.1 200 OK\r\nx: y\r\n\r\n").await;
    let (got, elapsed) = timed(&world, server.address.port(), &reached).await;
    assert_eq!(got, (Cause::Timeout, Sent::Maybe, FIRST_BYTE_TIMEOUT));
    took(elapsed, 10);
}

#[tokio::test]
async fn a_body_of_one_byte_a_second() {
    let (world, reached) = (World::new(), Arc::new(Notify::new()));
    let server = trickle(&world, &reached, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", "x").await;
    let (got, elapsed) = timed(&world, server.address.port(), &reached).await;
    assert_eq!(got, (Cause::Timeout, Sent::Maybe, TOTAL_TIMEOUT));
    took(elapsed, 20);
}

#[tokio::test]
async fn informational_answers_do_not_buy_time() {
    let (world, reached) = (World::new(), Arc::new(Notify::new()));
    let server = trickle(&world, &reached, "", "HTTP/1.1 102 Processing\r\n\r\n").await;
    let short = Timeouts { first_byte: Duration::from_mins(1), total: Duration::from_secs(90), ..timeouts() };
    let (got, elapsed) = timed_with(&world, server.address.port(), &reached, short).await;
    assert_eq!(got, (Cause::Timeout, Sent::Maybe, FIRST_BYTE_TIMEOUT));
    took(elapsed, 60);
}

#[tokio::test]
async fn the_total_cuts_every_stage_short() {
    let (world, reached) = (World::new(), Arc::new(Notify::new()));
    let server = silent(&world, &reached).await;
    let short = Timeouts { total: Duration::from_secs(5), ..timeouts() };
    let (got, elapsed) = timed_with(&world, server.address.port(), &reached, short).await;
    assert_eq!(got, (Cause::Timeout, Sent::Maybe, TOTAL_TIMEOUT));
    took(elapsed, 5);
}

#[tokio::test]
async fn one_silent_server_does_not_hold_up_another() {
    let world = World::new();
    let quiet = silent(&world, &Arc::new(Notify::new())).await;
    let good = always(world.config(), OK).await;
    let (quiet, good) = (world.target(&quiet), world.target(&good));
    tokio::select! {
        biased;
        _ = world.get(&quiet) => panic!("it stays silent"),
        answer = world.get(&good) => assert_eq!(answer.unwrap().status, 200),
    }
}
