//! An order desk: someone else's service that runs one sealed step for each request.
//!
//! ```text
//! order-desk COMPONENT sha256:… DATABASE [in-process]
//! ```
//!
//! The step runs in worker processes, which are this program once more: they hold neither the database
//! nor the socket, so whoever breaks out of the step finds nothing. With `in-process` it runs here.
//!
//! It pins the component by digest, grants it the desk's own orders under the label `orders`, and
//! answers its calls from a database that the step knows nothing of. What runs read and came to stands in
//! an event log in the folder DATABASE.log. Prints its address and
//! listens on loopback until standard input closes; then it lets runs end and prints how they did.

mod desk;
mod journal;
mod runs;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
    routing::{get, post, put},
};
use desk::Desk;
use runs::Runs;
use serde_json::json;
use std::{env, error::Error, path::Path as FilePath, process::ExitCode, sync::Arc};
use stepward::{Digest, Engine, EngineOptions, Program, WorkerOptions, worker::SystemKeys};
use tokio::{fs, io, net::TcpListener};

const USAGE: &str = "usage: order-desk COMPONENT sha256:… DATABASE [in-process]";

#[derive(Clone)]
struct Service {
    desk: Arc<Desk>,
    runs: Arc<Runs>,
}

/// The first argument of this program as a worker.
const WORKER: &str = "worker";

fn main() -> ExitCode {
    // Before anything else: a worker must hold nothing, and have no second thread.
    let mut arguments = env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == WORKER) {
        return stepward::worker::main(arguments);
    }
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("order-desk: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Where the step runs.
fn engine(mode: &[String]) -> Result<Engine, Box<dyn Error>> {
    match mode {
        [] => {
            let program = Program::new(env::current_exe()?, [WORKER]);
            Ok(Engine::with_workers(WorkerOptions::new(program, Arc::new(SystemKeys)))?)
        }
        [mode] if mode == "in-process" => Ok(Engine::new(EngineOptions { concurrency: 16 })?),
        _ => Err(USAGE.into()),
    }
}

#[tokio::main]
async fn serve() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [component, digest, database, mode @ ..] = arguments.as_slice() else {
        return Err(USAGE.into());
    };
    let component = fs::read(component).await?;
    let (engine, pin) = (engine(mode)?, Digest::parse(digest)?);
    let journal = journal::open(FilePath::new(&format!("{database}.log"))).await?;
    let runs = Arc::new(Runs::prepare(engine, journal, component, pin).await?);
    let desk = Arc::new(Desk::open(database).await?);
    let service = Service { desk: Arc::clone(&desk), runs: Arc::clone(&runs) };
    let app = Router::new()
        .route("/orders/{number}", put(store))
        .route("/orders/{number}/announcement", put(announce))
        .route("/orders/{number}/reading", post(read))
        .route("/runs", get(counts))
        .with_state(service);

    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", json!({ "address": listener.local_addr()? }));
    axum::serve(listener, app).with_graceful_shutdown(stdin_closed()).await?;
    runs.close().await?;
    desk.close().await;
    println!("{}", runs.counts());
    Ok(())
}

async fn stdin_closed() {
    // An unreadable standard input has ended too.
    let _ = io::copy(&mut io::stdin(), &mut io::sink()).await;
}

async fn store(State(service): State<Service>, Path(number): Path<String>, body: String) -> StatusCode {
    stored(&service.desk.put(&number, Some(&body)).await)
}

async fn announce(State(service): State<Service>, Path(number): Path<String>) -> StatusCode {
    stored(&service.desk.put(&number, None).await)
}

fn stored(result: &sqlx::Result<()>) -> StatusCode {
    match result {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn read(State(service): State<Service>, Path(number): Path<String>) -> Response {
    service.runs.read_order(&number, service.desk).await
}

async fn counts(State(service): State<Service>) -> Json<serde_json::Value> {
    Json(service.runs.counts())
}
