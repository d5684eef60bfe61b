//! A relay in front of the ERP: what the service answers waits on the way until the test lets it pass.

use crate::process::RUN;
use crate::stage::{Stage, edit};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{sleep, timeout},
};

/// A stage whose environment names the relay. `T` is what the test says, `A` what an answer is known by.
pub(crate) struct Relay<T> {
    pub(crate) stage: Arc<Stage>,
    /// What the test says now.
    pub(crate) says: watch::Sender<T>,
}

/// Which answers pass.
pub(crate) struct Passing<T, A> {
    /// What an answer is known by, asked when it comes.
    pub(crate) known_by: fn(&Stage) -> A,
    /// Whether it passes, by what the test says.
    pub(crate) passes: fn(&T, &A) -> bool,
}

impl<T, A> Clone for Passing<T, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, A> Copy for Passing<T, A> {}

impl<T: Send + Sync + 'static> Relay<T> {
    pub(crate) async fn new<A: Send + Sync + 'static>(first: T, passing: Passing<T, A>) -> Self {
        let stage = Arc::new(Stage::new().await);
        let url = stage.erp.as_ref().unwrap().url();
        let port: u16 = url.trim_end_matches("/api").rsplit(':').next().unwrap().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ours = listener.local_addr().unwrap().port();
        edit(&stage.environment(), &format!(":{port}/api"), &format!(":{ours}/api"));
        let (says, said) = watch::channel(first);
        let behind = Arc::clone(&stage);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let service = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                tokio::spawn(pass(client, service, Arc::clone(&behind), said.clone(), passing));
            }
        });
        Self { stage, says }
    }
}

async fn pass<T, A>(
    client: TcpStream,
    service: TcpStream,
    stage: Arc<Stage>,
    mut said: watch::Receiver<T>,
    passing: Passing<T, A>,
) {
    let ((mut asks, mut hears), (mut answers, mut service)) = (client.into_split(), service.into_split());
    let asking = async { copy(&mut asks, &mut service).await.map(drop) };
    let answering = async {
        let mut bytes = [0; 4096];
        loop {
            let count = answers.read(&mut bytes).await?;
            if count == 0 {
                return Ok(());
            }
            let answer = (passing.known_by)(&stage);
            said.wait_for(|said| (passing.passes)(said, &answer)).await.unwrap();
            hears.write_all(&bytes[..count]).await?;
        }
    };
    // Either end may leave first.
    let _: Result<((), ()), std::io::Error> = tokio::try_join!(asking, answering);
}

/// Waits until something is there, as long as a run may take.
pub(crate) async fn until(there: impl Fn() -> bool) {
    let waiting = async {
        while !there() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(RUN, waiting).await.unwrap();
}
