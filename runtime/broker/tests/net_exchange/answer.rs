//! Answers of every shape: plain ones, redirects, and those that break the protocol or a cap.

use crate::world::*;
use http::{HeaderName, HeaderValue};
use std::fmt::Write as _;
use stepward_broker::net::*;
use stepward_seam::{Cause, Method};
use tokio::io::AsyncWriteExt as _;

#[tokio::test]
async fn a_request_goes_out_as_it_was_built() {
    let world = World::new();
    let server = always(
        world.config(),
        "HTTP/1.1 201 Created\r\nX-Id: 7\r\nx-id: 8\r\ncontent-length: 3\r\n\r\n\u{e9}a",
    )
    .await;
    let target = world.target(&server);
    let mut wire = post("{}");
    wire.path_and_query = "/orders/a%2Fb?x=1&y=%20".to_owned();
    wire.headers.insert("authorization", HeaderValue::from_static("Bearer t"));
    let answer = world.network.exchange(&target, wire).await.unwrap();
    assert_eq!(answer.status, 201);
    assert_eq!(answer.headers[0], ("x-id".to_owned(), b"7".to_vec()));
    assert_eq!(answer.headers[1], ("x-id".to_owned(), b"8".to_vec()));
    let head = server.seen.last();
    assert!(head.starts_with("POST /orders/a%2Fb?x=1&y=%20 HTTP/1.1\r\n"), "{head}");
    let mut lines: Vec<_> = head.trim_end().lines().skip(1).map(str::to_owned).collect();
    lines.sort();
    let host = format!("host: {NAME}:{}", server.address.port());
    assert_eq!(lines, ["accept-encoding: identity", "authorization: Bearer t", "content-length: 2", &host]);
}

#[tokio::test]
async fn every_method_and_an_empty_body() {
    let world = World::new();
    let server = always(world.config(), "HTTP/1.1 204 No Content\r\n\r\n").await;
    let target = world.target(&server);
    for method in
        [Method::Get, Method::Head, Method::Options, Method::Post, Method::Put, Method::Patch, Method::Delete]
    {
        let answer = world.network.exchange(&target, Wire { method, ..get("/x") }).await.unwrap();
        assert_eq!((answer.status, answer.body.len()), (204, 0));
        assert!(server.seen.last().starts_with(&format!("{} /x HTTP/1.1\r\n", method.as_str())));
        assert!(!server.seen.last().contains("transfer-encoding"));
    }
    assert_eq!(server.seen.connections(), 1);
}

#[tokio::test]
async fn redirects_are_answers_and_are_not_followed() {
    let world = World::new();
    let elsewhere = always(world.config(), OK).await;
    let at = elsewhere.address;
    for status in [300, 301, 302, 303, 304, 305, 306, 307, 308] {
        for location in
            [format!("https://{NAME}:{}/", at.port()), format!("http://{at}/"), "/again".to_owned()]
        {
            let text =
                format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
            let server = always(world.config(), text).await;
            let target = world.target(&server);
            let mut wire = post("{}");
            wire.headers.insert("authorization", HeaderValue::from_static("Bearer t"));
            let answer = world.network.exchange(&target, wire).await.unwrap();
            assert_eq!(answer.status, status);
            assert!(answer.headers.contains(&("location".to_owned(), location.clone().into_bytes())));
            assert_eq!((server.seen.connections(), server.seen.requests()), (1, 1), "{status} {location}");
        }
    }
    assert_eq!(elsewhere.seen.connections(), 0);
}

#[tokio::test]
async fn what_belongs_to_the_host_cannot_be_brought_along() {
    let world = World::new();
    let server = always(world.config(), OK).await;
    let target = world.target(&server);
    for name in [
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "upgrade",
        "te",
        "trailer",
        "expect",
        "keep-alive",
        "proxy-connection",
        "accept-encoding",
    ] {
        let mut wire = get("/");
        wire.headers.insert(HeaderName::from_static(name), HeaderValue::from_static("1"));
        assert_eq!(refused(world.network.exchange(&target, wire).await), REQUEST_NOT_PLAIN, "{name}");
    }
    for path in ["", "x", "http://other.test/", "/a b", "/a\r\nx: y", "/a#b", "/\0"] {
        assert_eq!(refused(world.network.exchange(&target, get(path)).await), REQUEST_NOT_PLAIN, "{path:?}");
    }
    assert_eq!(server.seen.connections(), 0);
}

#[tokio::test]
async fn answers_that_are_not_http_are_malformed() {
    let world = World::new();
    let broken = [
        "garbage\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 99999 OK\r\n\r\n",
        "HTTP/3.7 200 OK\r\n\r\n",
        "<html>no head at all</html>\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabXX0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nab\r\n0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
    ];
    for text in broken {
        let server = once_and_close(world.config(), text).await;
        let got = failed(world.get(&world.target(&server)).await);
        assert_eq!(got, (Cause::Malformed, Sent::Maybe, ANSWER_MALFORMED), "{text:?}");
        assert_eq!((server.seen.connections(), server.seen.requests()), (1, 1), "{text:?}");
    }
}

#[tokio::test]
async fn answers_that_end_early_are_resets() {
    let world = World::new();
    let cut = [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ];
    for text in cut {
        let server = once_and_close(world.config(), text).await;
        let got = failed(world.network.exchange(&world.target(&server), post("{}")).await);
        assert_eq!(got, (Cause::Reset, Sent::Maybe, CONNECTION_ENDED), "{text:?}");
        assert_eq!((server.seen.connections(), server.seen.requests()), (1, 1), "{text:?}: sent once");
    }
}

#[tokio::test]
async fn a_body_without_length_ends_only_where_tls_says_so() {
    let world = World::new();
    let text = "HTTP/1.1 200 OK\r\n\r\nall of it";
    let whole = once_and_close(world.config(), text).await;
    assert_eq!(world.get(&world.target(&whole)).await.unwrap().body, b"all of it");
    let cut = serve(world.config(), move |mut stream, seen| async move {
        request(&mut stream, &seen).await;
        stream.write_all(text.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        // Dropped without a close_notify, as by someone who cuts the wire.
    })
    .await;
    assert_eq!(failed(world.get(&world.target(&cut)).await), (Cause::Reset, Sent::Maybe, CONNECTION_ENDED));
}

#[tokio::test]
async fn a_body_longer_than_declared_never_becomes_the_next_answer() {
    let world = World::new();
    let two =
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
    let server = always(world.config(), two).await;
    let target = world.target(&server);
    for _ in 0..3 {
        assert_eq!(world.get(&target).await.unwrap().body, b"ok");
    }
    assert_eq!((server.seen.connections(), server.seen.requests()), (3, 3));
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_not_taken() {
    let world = World::new();
    let server = serve(world.config(), |mut stream, seen| async move {
        request(&mut stream, &seen).await;
        stream.write_all(OK.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        tokio::task::yield_now().await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil").await;
        let _ = stream.flush().await;
        request(&mut stream, &seen).await;
    })
    .await;
    let target = world.target(&server);
    for _ in 0..3 {
        assert_eq!(world.get(&target).await.unwrap().body, b"ok");
        // Let the server write what it writes too much.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(server.seen.connections(), 3);
}

#[tokio::test]
async fn heads_are_capped() {
    let world = World::new();
    let many = (0..1000).fold(String::from("HTTP/1.1 200 OK\r\n"), |mut text, n| {
        write!(text, "h{n}: x\r\n").unwrap();
        text
    });
    let wide = format!("HTTP/1.1 200 OK\r\nwide: {}\r\ncontent-length: 0\r\n", "x".repeat(HEADER_BYTES));
    let endless = format!("HTTP/1.1 200 OK\r\nwide: {}", "x".repeat(4 * HEADER_BYTES));
    for head in [many, wide] {
        let server = always(world.config(), head + "\r\n").await;
        let got = failed(world.get(&world.target(&server)).await);
        assert_eq!(got, (Cause::TooLarge, Sent::Maybe, ANSWER_TOO_LARGE));
    }
    let server = always(world.config(), endless).await;
    assert_eq!(
        failed(world.get(&world.target(&server)).await),
        (Cause::TooLarge, Sent::Maybe, ANSWER_TOO_LARGE)
    );
    let chatty = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(17) + OK;
    let server = always(world.config(), chatty).await;
    assert_eq!(
        failed(world.get(&world.target(&server)).await),
        (Cause::TooLarge, Sent::Maybe, ANSWER_TOO_LARGE)
    );
    let polite = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(16) + OK;
    let server = always(world.config(), polite).await;
    assert_eq!(world.get(&world.target(&server)).await.unwrap().body, b"ok");
}

#[tokio::test]
async fn bodies_are_capped() {
    let world = World::new();
    let capped = |server: &Server| {
        let spec = world.spec(server.address.port());
        Target::new(TargetSpec { caps: Caps { body_bytes: 1000, ..Caps::default() }, ..spec }).unwrap()
    };
    let fits = format!("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{}", "x".repeat(1000));
    let server = always(world.config(), fits).await;
    assert_eq!(world.get(&capped(&server)).await.unwrap().body.len(), 1000);

    // Refused on its own word, before a byte of it.
    let server = always(world.config(), "HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n").await;
    assert_eq!(failed(world.get(&capped(&server)).await), (Cause::TooLarge, Sent::Maybe, ANSWER_TOO_LARGE));

    for head in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"] {
        let server = serve(world.config(), move |mut stream, seen| async move {
            request(&mut stream, &seen).await;
            let _ = stream.write_all(head.as_bytes()).await;
            while stream.write_all(b"3\r\nabc\r\n").await.is_ok() {}
        })
        .await;
        assert_eq!(
            failed(world.get(&capped(&server)).await),
            (Cause::TooLarge, Sent::Maybe, ANSWER_TOO_LARGE)
        );
    }
}

#[tokio::test]
async fn nothing_is_decompressed() {
    // The first bytes of a gzip stream; decoding them, or failing to, would both show.
    let world = World::new();
    let body = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\xed\xc1\x01";
    for coding in ["gzip", "br", "zstd", "deflate"] {
        let mut text = format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        text.extend_from_slice(body);
        let server = always(world.config(), text).await;
        let answer = world.get(&world.target(&server)).await.unwrap();
        assert_eq!(answer.body, body);
        assert!(answer.headers.contains(&("content-encoding".to_owned(), coding.into())));
        assert!(server.seen.last().contains("accept-encoding: identity\r\n"));
    }
}

#[tokio::test]
async fn guests_learn_no_address_and_no_inner_cause() {
    let world = World::new();
    let server = once_and_close(world.config(), "garbage\r\n\r\n").await;
    let failed = world.get(&world.target(&server)).await.err().unwrap();
    assert_eq!(guest_view(&failed), "Unknown(Malformed)");
    let spec = TargetSpec { networks: vec![], ..world.spec(server.address.port()) };
    let refused = world.get(&Target::new(spec).unwrap()).await.err().unwrap();
    assert!(refused.fault().message().contains("127.0.0.1"), "the operator does");
    assert!(!guest_view(&refused).contains("127"), "{}", guest_view(&refused));
}

fn guest_view(no_answer: &NoAnswer) -> String {
    format!("{:?}", no_answer.for_guest())
}
