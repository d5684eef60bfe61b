//! Brokers that tests put behind the seam.

use std::sync::{Arc, Mutex};
use stepward_seam::{Algorithm, HttpResponse, SecretBytes, Signature};
use stepward_seam::{Body, Broker, BrokerFuture, CallSite, HostCall, HostReply, Refusal, Revealed, Stop};
use tokio::sync::oneshot;

/// Answers at once with whatever the function says.
pub(crate) struct Answers<F>(F);

impl<F: Fn(&CallSite, &HostCall) -> Result<HostReply, Stop> + Send + Sync> Broker for Answers<F> {
    fn call<'a>(&'a self, site: CallSite, call: HostCall) -> BrokerFuture<'a> {
        Box::pin(std::future::ready((self.0)(&site, &call)))
    }
}

/// A broker from a function.
pub(crate) fn answers<F>(answer: F) -> Arc<dyn Broker>
where
    F: Fn(&CallSite, &HostCall) -> Result<HostReply, Stop> + Send + Sync + 'static,
{
    Arc::new(Answers(answer))
}

/// Answers every call with success and the same plain values.
pub(crate) fn plain() -> Arc<dyn Broker> {
    answers(|_, call| Ok(plain_reply(call)))
}

/// The reply of [`plain`].
pub(crate) fn plain_reply(call: &HostCall) -> HostReply {
    match call {
        HostCall::Http { .. } => {
            HostReply::Http(Ok(HttpResponse { status: 200, headers: vec![], body: Body(b"{}".to_vec()) }))
        }
        HostCall::Sign { .. } => HostReply::Sign(Ok(Signature {
            algorithm: Algorithm::HmacSha256,
            key_version: "1".to_owned(),
            bytes: Body(vec![7; 32]),
        })),
        HostCall::Reveal { .. } => HostReply::Reveal(Ok(Revealed {
            name: "token".to_owned(),
            version: "1".to_owned(),
            fingerprint: "00".to_owned(),
            value: Some(SecretBytes::new(b"hush".to_vec())),
        })),
        HostCall::Now { .. } => HostReply::Now(1_700_000_000_000),
        HostCall::Random { count, .. } => HostReply::Random(Body(vec![4; *count as usize])),
        HostCall::Log { .. } => HostReply::Log,
    }
}

/// Refuses every call to the guest, where the call can be refused.
pub(crate) fn refusal(rule: &str) -> Refusal {
    Refusal { rule: rule.to_owned(), message: "no".to_owned() }
}

/// Never answers. Says that it was asked.
struct Silent(Mutex<Option<oneshot::Sender<()>>>);

impl Broker for Silent {
    fn call<'a>(&'a self, _site: CallSite, _call: HostCall) -> BrokerFuture<'a> {
        if let Some(asked) = self.0.lock().unwrap().take() {
            // Whoever wanted to know may be gone.
            let _ = asked.send(());
        }
        Box::pin(std::future::pending())
    }
}

/// A broker that never answers, and a future that ends when it is first asked.
pub(crate) fn silent() -> (Arc<dyn Broker>, impl Future<Output = ()> + Send) {
    let (tell, told) = oneshot::channel();
    let asked = async {
        // A broker that is dropped is not asked any more.
        if told.await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    (Arc::new(Silent(Mutex::new(Some(tell)))), asked)
}
