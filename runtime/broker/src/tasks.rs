//! Tasks that outlive whoever started them, and a way to wait for their end.

use std::{future::Future, sync::Arc};
use tokio::{sync::watch, task::JoinHandle};

/// Counts tasks that are under way.
#[derive(Debug, Default)]
pub(crate) struct Tasks(Arc<watch::Sender<usize>>);

/// One task under way; it ends when this is dropped, also by a panic.
struct UnderWay(Arc<watch::Sender<usize>>);

impl Tasks {
    /// Starts a task on tokio's runtime. Dropping the handle does not end it.
    pub(crate) fn start<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.0.send_modify(|count| *count += 1);
        let under_way = UnderWay(Arc::clone(&self.0));
        tokio::spawn(async move {
            let _under_way = under_way;
            task.await
        })
    }

    /// Waits until none is under way.
    pub(crate) async fn settled(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}
