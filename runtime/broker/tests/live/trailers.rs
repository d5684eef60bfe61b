//! Fields after a body: none goes out, and none that comes in reaches a step.

use crate::world::{Act, TOKEN, World, ask, get, post};
use stepward_seam::{Body, Cause, HttpFailure, HttpRequest, Pair};

const HEAD: &str =
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-note, connection\r\nx-head: 1";

fn chunked(trailers: &str) -> Act {
    let pieces = [&format!("{HEAD}\r\n\r\n"), "4\r\nbody\r\n", "0\r\n", trailers, "\r\n"];
    Act::Answer(pieces.map(|piece| piece.as_bytes().to_vec()).to_vec())
}

#[tokio::test]
async fn trailers_are_dropped_whatever_they_are_called() {
    let world = World::new(chunked("")).await;
    let broker = world.erp();
    let plain = ask(&broker, get("a")).await.unwrap().unwrap();
    assert_eq!(plain.body, Body(b"body".to_vec()));
    // Framing, routing, hop-by-hop, identity; what a head would have said twice; a secret.
    let every = [
        "x-note: seen",
        "x-head: 2",
        "connection: close, x-head",
        "keep-alive: timeout=0",
        "proxy-authenticate: Basic",
        "proxy-connection: close",
        "te: trailers",
        "trailer: x-more",
        "transfer-encoding: identity",
        "upgrade: h2c",
        "content-length: 99",
        "content-encoding: gzip",
        "host: other.example",
        "set-cookie: a=b",
        "authorization: Bearer other",
        &format!("x-echo: {TOKEN}"),
    ];
    for trailers in every.map(|field| format!("{field}\r\n")).into_iter().chain([every.join("\r\n") + "\r\n"])
    {
        world.act(chunked(&trailers));
        let answer = ask(&broker, get("a")).await.unwrap().unwrap();
        assert_eq!(answer, plain, "{trailers}");
    }
    // None of them ended the connection, or was taken for the start of another answer.
    let connections = world.connections.lock().unwrap();
    assert!(connections.len() == 18 && connections.iter().all(|number| *number == 0), "{connections:?}");
}

#[tokio::test]
async fn trailers_are_capped_like_headers() {
    let world = World::new(chunked("")).await;
    for trailers in ["x-note: 1\r\n".repeat(1001), format!("x-note: {}\r\n", "v".repeat(65 << 10))] {
        world.act(chunked(&trailers));
        let failure = ask(&world.erp(), get("a")).await.unwrap().unwrap_err();
        assert!(matches!(failure, HttpFailure::Unknown(Cause::Malformed | Cause::TooLarge)), "{failure:?}");
    }
}

#[tokio::test]
async fn a_step_can_neither_announce_trailers_nor_send_them() {
    let world = World::new(chunked("")).await;
    let broker = world.erp();
    for (name, value) in [("Trailer", "x-note"), ("TE", "trailers"), ("Transfer-Encoding", "chunked")] {
        let headers = vec![Pair { name: name.to_owned(), value: value.to_owned() }];
        let failure = ask(&broker, HttpRequest { headers, ..post("pay-1") }).await.unwrap().unwrap_err();
        assert!(
            matches!(failure, HttpFailure::Refused(refusal) if refusal.rule == "endpoint-header"),
            "{name}"
        );
    }
    // A body that looks like chunks with trailers is a body, whole and under its length.
    let body = b"2\r\nok\r\n0\r\nauthorization: Bearer other\r\n\r\n".to_vec();
    let length = body.len();
    ask(&broker, HttpRequest { body: Some(Body(body)), ..post("pay-2") }).await.unwrap().unwrap();
    let sent = world.last();
    let (head, rest) = sent.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("content-length: {length}")) && rest.len() == length, "{sent}");
    for field in ["transfer-encoding:", "trailer:", "te:"] {
        assert!(!head.lines().any(|line| line.starts_with(field)), "{sent}");
    }
    assert_eq!(world.requests.lock().unwrap().len(), 1);
}
