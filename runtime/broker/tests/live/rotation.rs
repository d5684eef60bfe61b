//! A secret that changes, ends or is taken away while steps work.

use crate::world::{Act, ERP, TOKEN, World, ask, get, ok, post};
use std::{fs, sync::Arc};
use stepward_broker::{Bindings, LiveBroker, StepIdentity};
use stepward_fault::Fault;
use stepward_seam::{Cause, HttpFailure};
use tokio::sync::Notify;

const NEXT: &str = "tok-next-0001";

/// A step of a run that stays the same, from bindings that stay open.
fn step(bindings: &Arc<Bindings>) -> Result<LiveBroker, Fault> {
    let identity = StepIdentity { run: "run-1".into(), step: "post".into(), item: None };
    LiveBroker::new(Arc::clone(bindings), serde_json::from_str(ERP).unwrap(), identity)
}

fn header<'a>(request: &'a str, name: &str) -> &'a str {
    request.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).expect(request)
}

/// Every request's token, and that no connection carried two of them.
fn tokens(world: &World) -> Vec<String> {
    let requests = world.requests.lock().unwrap();
    let token = |request: &String| header(request, "authorization").replace("Bearer ", "");
    let tokens: Vec<_> = requests.iter().map(token).collect();
    let connections = world.connections.lock().unwrap();
    for (one, token) in connections.iter().zip(&tokens) {
        for (other, second) in connections.iter().zip(&tokens) {
            assert!(one != other || token == second, "{connections:?} {tokens:?}");
        }
    }
    tokens
}

#[tokio::test]
async fn a_call_under_way_ends_as_it_began_and_the_next_step_has_the_new_secret() {
    let world = World::new(ok("{}")).await;
    let renamed =
        world.environment().replace("erp-token = { version = \"1\" }", "erp-token = { version = \"2\" }");
    // With and without a new version in the environment's file: the bytes decide.
    for environment in [world.environment(), renamed] {
        world.requests.lock().unwrap().clear();
        world.connections.lock().unwrap().clear();
        world.rotate("erp-token", TOKEN.as_bytes());
        let old = world.erp();
        // One idle connection of the old secret waits in the pool, and one is in use.
        world.act(ok("{}"));
        let (one, two) = tokio::join!(ask(&old, get("a")), ask(&old, get("b")));
        assert!(one.unwrap().is_ok() && two.unwrap().is_ok());
        let (has, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        world.act(Act::Hold(Arc::clone(&has), Arc::clone(&go)));
        let rotated = async {
            has.notified().await;
            world.act(ok("{}"));
            world.rotate("erp-token", NEXT.as_bytes());
            let new = step(&world.bindings(&environment).unwrap()).unwrap();
            assert_eq!(ask(&new, get("c")).await.unwrap().unwrap().status, 200);
            go.notify_one();
            new
        };
        let (held, new) = tokio::join!(ask(&old, post("pay-1")), rotated);
        assert_eq!(held.unwrap().unwrap().status, 201, "it ended as it began");
        for (broker, path) in [(&old, "d"), (&new, "e"), (&old, "f"), (&new, "g")] {
            assert_eq!(ask(broker, get(path)).await.unwrap().unwrap().status, 200);
        }
        let expected = [TOKEN, TOKEN, TOKEN, NEXT, TOKEN, NEXT, TOKEN, NEXT];
        assert_eq!(tokens(&world), expected, "a step keeps the secret that it began with");
    }
}

#[tokio::test]
async fn both_versions_are_guarded_each_by_the_step_that_has_it() {
    let world = World::new(Act::Echo).await;
    let old = world.erp();
    world.rotate("erp-token", NEXT.as_bytes());
    let new = world.erp();
    for broker in [&old, &new] {
        let stop = ask(broker, get("echo")).await.map(drop).unwrap_err();
        assert_eq!(stop.0.rule().as_str(), "secret-leak");
    }
    assert_eq!(tokens(&world), [TOKEN, NEXT]);
}

#[tokio::test]
async fn a_secret_that_ends_while_a_run_waits_stops_its_next_step_before_anything_is_sent() {
    let world = World::new(ok("{}")).await;
    let bindings = world.bindings(&world.environment()).unwrap();
    ask(&step(&bindings).unwrap(), post("pay-1")).await.unwrap().unwrap();
    fs::remove_file(world.secret("erp-token")).unwrap();
    let fault = step(&bindings).map(drop).unwrap_err();
    assert_eq!(fault.rule().as_str(), "secret-missing");
    assert!(fault.remedy().contains("secrets/erp-token"), "{fault:?}");
    assert_eq!(tokens(&world), [TOKEN]);
    // The run goes on when there is one again, also where the process never ended.
    world.rotate("erp-token", NEXT.as_bytes());
    ask(&step(&bindings).unwrap(), post("pay-2")).await.unwrap().unwrap();
    assert_eq!(tokens(&world), [TOKEN, NEXT]);
}

#[tokio::test]
async fn an_effect_in_doubt_is_not_tried_again_with_a_secret_that_was_taken_away() {
    let world = World::new(Act::Close).await;
    let idempotent = world.environment().replacen("[endpoints.erp]", "[endpoints.erp]\nidempotent = true", 1);
    let bindings = world.bindings(&idempotent).unwrap();
    let first = step(&bindings).unwrap();
    assert_eq!(ask(&first, post("pay-1")).await.unwrap().unwrap_err(), HttpFailure::Unknown(Cause::Reset));
    drop(first);
    fs::remove_file(world.secret("erp-token")).unwrap();
    world.act(ok("{}"));
    assert_eq!(step(&bindings).map(drop).unwrap_err().rule().as_str(), "secret-missing");
    assert_eq!(tokens(&world), [TOKEN]);
    // With another secret the same effect goes out under the same key.
    world.rotate("erp-token", NEXT.as_bytes());
    assert_eq!(ask(&step(&bindings).unwrap(), post("pay-1")).await.unwrap().unwrap().status, 200);
    assert_eq!(tokens(&world), [TOKEN, NEXT]);
    let requests = world.requests.lock().unwrap();
    assert_eq!(header(&requests[0], "idempotency-key"), header(&requests[1], "idempotency-key"));
}
