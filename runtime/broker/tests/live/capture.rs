//! The events of one test, as an operator would read them.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, OnceLock},
};
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};

#[derive(Clone, Default)]
pub(crate) struct Lines(pub(crate) Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// Everything from `TRACE` up, without colours and times.
    pub(crate) fn subscriber(&self) -> impl tracing::Subscriber + Send + Sync + 'static {
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_ansi(false)
            .without_time()
            .with_writer(self.clone())
            .finish()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The events of every thread that has no listener of its own.
pub(crate) fn of_the_process() -> &'static Lines {
    static LINES: OnceLock<Lines> = OnceLock::new();
    LINES.get_or_init(|| {
        let lines = Lines::default();
        tracing::subscriber::set_global_default(lines.subscriber()).unwrap();
        lines
    })
}

/// What `work` yields, and the events of this thread meanwhile: a test has one.
pub(crate) async fn captured<T>(work: impl Future<Output = T>) -> (T, String) {
    // `tracing` remembers for the whole process whether anybody listens to an event: without a listener
    // that stays, a test beside this one that listens to nothing can have that answered with nobody.
    of_the_process();
    let lines = Lines::default();
    let _events = tracing::subscriber::set_default(lines.subscriber());
    let done = work.await;
    (done, lines.text())
}
