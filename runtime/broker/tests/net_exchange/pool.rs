//! Which exchanges share a connection, for how long, and what is never reused.

use crate::world::*;
use std::sync::Arc;
use std::time::Duration;
use stepward_broker::net::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::{advance, pause, resume};

/// Lets time pass at once. Between jumps the clock runs, since a stopped one moves on by itself
/// whenever the test waits for a socket.
async fn skip(by: Duration) {
    pause();
    advance(by).await;
    resume();
}

#[tokio::test]
async fn one_key_reuses_its_connection() {
    let world = World::new();
    let server = always(world.config(), OK).await;
    let target = world.target(&server);
    for _ in 0..5 {
        world.get(&target).await.unwrap();
        world.network.exchange(&target, post("{}")).await.unwrap();
    }
    assert_eq!((server.seen.connections(), server.seen.requests()), (1, 10));
}

#[tokio::test]
async fn chunked_answers_and_answers_without_body_leave_it_reusable() {
    let world = World::new();
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-trailer: 1\r\n\r\n";
    for text in [chunked, "HTTP/1.1 204 No Content\r\n\r\n"] {
        let server = always(world.config(), text).await;
        let target = world.target(&server);
        for _ in 0..3 {
            world.get(&target).await.unwrap();
        }
        assert_eq!(server.seen.connections(), 1, "{text}");
    }
}

#[tokio::test]
async fn binding_credential_version_and_roots_each_keep_connections_apart() {
    let world = World::new();
    let server = always(world.config(), OK).await;
    let port = server.address.port();
    let plain = world.target(&server);
    let binding = Target::new(TargetSpec { binding: "erp@staging".into(), ..world.spec(port) }).unwrap();
    let roots = Target::new(TargetSpec { roots_id: "roots-2".into(), ..world.spec(port) }).unwrap();
    let rotated = || Wire { credential_version: "v2".to_owned(), ..get("/") };
    for _ in 0..3 {
        world.get(&plain).await.unwrap();
        world.get(&binding).await.unwrap();
        world.get(&roots).await.unwrap();
        world.network.exchange(&plain, rotated()).await.unwrap();
    }
    assert_eq!((server.seen.connections(), server.seen.requests()), (4, 12));
    assert_eq!(server.seen.resumed.load(std::sync::atomic::Ordering::SeqCst), 0, "nor do TLS sessions cross");
}

#[tokio::test]
async fn a_root_that_is_no_longer_trusted_ends_with_its_connections() {
    let world = World::new();
    let server = always(world.config(), OK).await;
    world.get(&world.target(&server)).await.unwrap();
    let distrusting = TargetSpec {
        roots: Authority::new().roots(),
        roots_id: "roots-2".into(),
        ..world.spec(server.address.port())
    };
    let got = failed(world.get(&Target::new(distrusting).unwrap()).await);
    assert_eq!(got, (stepward_seam::Cause::Tls, Sent::Nothing, TLS_FAILED));
}

#[tokio::test]
async fn a_minute_after_its_handshake_a_connection_is_closed() {
    let world = World::new();
    let closed = Arc::new(Notify::new());
    let told = Arc::clone(&closed);
    let server = serve(world.config(), move |mut stream, seen| {
        let told = Arc::clone(&told);
        async move {
            while request(&mut stream, &seen).await.is_some() {
                stream.write_all(OK.as_bytes()).await.unwrap();
                stream.flush().await.unwrap();
            }
            told.notify_one();
        }
    })
    .await;
    let target = world.target(&server);
    // Use alone does not prolong its life.
    for _ in 0..4 {
        world.get(&target).await.unwrap();
        skip(Duration::from_secs(14)).await;
    }
    assert_eq!((server.seen.connections(), server.seen.requests()), (1, 4));
    skip(Duration::from_secs(5)).await;
    // Closed by the pool itself: nobody asks for another exchange here.
    closed.notified().await;
    world.get(&target).await.unwrap();
    assert_eq!((server.seen.connections(), server.seen.requests()), (2, 5));
}

#[tokio::test]
async fn an_effect_takes_only_a_connection_that_was_just_used() {
    let world = World::new();
    let server = always(world.config(), OK).await;
    let target = world.target(&server);
    world.network.exchange(&target, post("1")).await.unwrap();
    skip(Duration::from_secs(1)).await;
    world.network.exchange(&target, post("2")).await.unwrap();
    assert_eq!(server.seen.connections(), 1);
    skip(Duration::from_secs(3)).await;
    world.get(&target).await.unwrap();
    assert_eq!(server.seen.connections(), 1, "a read takes it");
    skip(Duration::from_secs(3)).await;
    world.network.exchange(&target, post("3")).await.unwrap();
    assert_eq!(server.seen.connections(), 2, "an effect does not");
}

#[tokio::test]
async fn a_connection_that_the_server_closed_while_idle_is_replaced() {
    let world = World::new();
    for clean in [true, false] {
        let server = serve(world.config(), move |mut stream, seen| async move {
            request(&mut stream, &seen).await;
            stream.write_all(OK.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
            if clean {
                stream.shutdown().await.unwrap();
            }
        })
        .await;
        let target = world.target(&server);
        for _ in 0..3 {
            assert_eq!(world.network.exchange(&target, post("{}")).await.unwrap().status, 200);
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!((server.seen.connections(), server.seen.requests()), (3, 3), "clean: {clean}");
    }
}

#[tokio::test]
async fn a_server_that_says_close_is_believed() {
    let world = World::new();
    for head in ["HTTP/1.1 200 OK\r\nconnection: close", "HTTP/1.0 200 OK"] {
        let server = always(world.config(), format!("{head}\r\ncontent-length: 2\r\n\r\nok")).await;
        let target = world.target(&server);
        for _ in 0..2 {
            world.get(&target).await.unwrap();
        }
        assert_eq!(server.seen.connections(), 2, "{head}");
    }
}

#[tokio::test]
async fn a_failed_exchange_leaves_no_connection_behind() {
    let world = World::new();
    let server = always(world.config(), "HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\nx").await;
    let target = world.target(&server);
    for _ in 0..2 {
        failed(world.get(&target).await);
    }
    assert_eq!(server.seen.connections(), 2);
}

#[tokio::test]
async fn dropping_an_exchange_closes_its_connection() {
    let world = World::new();
    let (arrived, closed) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell_arrived, tell_closed) = (Arc::clone(&arrived), Arc::clone(&closed));
    let server = serve(world.config(), move |mut stream, seen| {
        let (arrived, closed) = (Arc::clone(&tell_arrived), Arc::clone(&tell_closed));
        async move {
            request(&mut stream, &seen).await;
            // Half an answer, so that the exchange is in its middle.
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await.unwrap();
            stream.flush().await.unwrap();
            arrived.notify_one();
            let _ = stream.read_u8().await;
            closed.notify_one();
        }
    })
    .await;
    let target = world.target(&server);
    tokio::select! {
        _ = world.get(&target) => panic!("the answer never ends"),
        () = arrived.notified() => {}
    }
    closed.notified().await;
    // And the next one does not inherit it.
    tokio::select! {
        _ = world.get(&target) => panic!("the answer never ends"),
        () = arrived.notified() => {}
    }
    assert_eq!(server.seen.connections(), 2);
}

#[tokio::test]
async fn parallel_exchanges_do_not_share_one_connection() {
    let world = World::new();
    let server = always(world.config(), OK).await;
    let target = world.target(&server);
    let (a, b, c) = tokio::join!(world.get(&target), world.get(&target), world.get(&target));
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(server.seen.connections(), 3);
    let (a, b, c) = tokio::join!(world.get(&target), world.get(&target), world.get(&target));
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(server.seen.connections(), 3, "all three were kept");
}

#[tokio::test]
async fn an_idle_connection_counts_only_while_its_address_is_an_answer() {
    let world = World::new();
    let one = always(world.config(), OK).await;
    let port = one.address.port();
    let Ok(listener) = TcpListener::bind(("127.0.0.2", port)).await else { return };
    let two = serve_on(listener, world.config(), |mut stream, seen| async move {
        while request(&mut stream, &seen).await.is_some() {
            stream.write_all(OK.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
        }
    });
    let target = world.target(&one);
    world.get(&target).await.unwrap();
    world.names.set(NAME, &["127.0.0.2".parse().unwrap()]);
    world.get(&target).await.unwrap();
    assert_eq!((one.seen.requests(), two.seen.requests()), (1, 1), "the name moved, and so did the exchange");
    world.names.set(NAME, &["10.0.0.1".parse().unwrap()]);
    assert_eq!(
        refused(world.get(&target).await),
        ADDRESS_DENIED,
        "an open connection is no way round the policy"
    );
}
