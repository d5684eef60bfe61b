//! Calls without a request: signatures, secrets, the time, random bytes, log lines.

use super::{LiveBroker, RANDOM_BYTES, RANDOM_COUNT};
use crate::journal::End;
use stepward_fault::{Class, Fault, Owner, shown};
use stepward_seam::{Body, CallSite, HostReply, Label, LogLevel, Revealed};

/// An answer and what the record says of it.
type Answered<'a> = Result<(HostReply, End<'a>), Fault>;

impl LiveBroker {
    pub(super) fn sign(&self, site: &CallSite, signer: &Label, message: &Body) -> Answered<'_> {
        let key = self.signers.get(signer).ok_or_else(|| self.not_granted(signer))?;
        tracing::info!(run = %site.run, step = %site.step, call = site.sequence, signer = %signer, "signed");
        let end = End::Signed { secret: key.secret(), version: key.version() };
        Ok((HostReply::Sign(Ok(key.sign(message))), end))
    }

    pub(super) fn reveal(&self, site: &CallSite, name: &Label) -> Answered<'_> {
        let (name, secret) = self.revealed.get_key_value(name).ok_or_else(|| self.not_granted(name))?;
        let fingerprint = self.bindings.keys().fingerprint(&secret.value);
        tracing::warn!(
            run = %site.run, step = %site.step, call = site.sequence, secret = %name, version = secret.version,
            "a secret was revealed to a step"
        );
        let reply = HostReply::Reveal(Ok(Revealed {
            name: name.to_string(),
            version: secret.version.clone(),
            fingerprint,
            value: Some(secret.value.duplicate()),
        }));
        Ok((reply, End::Revealed { secret: name, version: &secret.version }))
    }

    pub(super) fn now(&self, clock: &Label) -> Answered<'static> {
        self.clocks.get(clock).ok_or_else(|| self.not_granted(clock))?;
        Ok((HostReply::Now(self.bindings.services().clock.now_ms()), End::Time))
    }

    pub(super) fn random(&self, random: &Label, count: u32) -> Answered<'static> {
        self.randoms.get(random).ok_or_else(|| self.not_granted(random))?;
        if count > RANDOM_BYTES {
            return Err(Fault::new(Class::Refused, Owner::Embedder, RANDOM_COUNT)
                .at(self.place())
                .says(format_args!("{count} random bytes were asked for at once; the most is {RANDOM_BYTES}"))
                .hint("the sandbox refuses such calls; a host of its own must do so too"));
        }
        let mut bytes = vec![0; usize::try_from(count).unwrap_or_default()];
        self.bindings.services().entropy.fill(&mut bytes)?;
        Ok((HostReply::Random(Body(bytes)), End::Random))
    }

    pub(super) fn log(&self, site: &CallSite, level: LogLevel, message: &str) -> Result<HostReply, Fault> {
        self.guard.clear(message).map_err(|leak| leak.alert(self.place(), "a log line of the step"))?;
        let (run, step, line) = (&site.run, &site.step, shown(message));
        match level {
            LogLevel::Trace => tracing::trace!(target: "stepward::step", %run, %step, "{line}"),
            LogLevel::Debug => tracing::debug!(target: "stepward::step", %run, %step, "{line}"),
            LogLevel::Info => tracing::info!(target: "stepward::step", %run, %step, "{line}"),
            LogLevel::Warn => tracing::warn!(target: "stepward::step", %run, %step, "{line}"),
            LogLevel::Error => tracing::error!(target: "stepward::step", %run, %step, "{line}"),
        }
        Ok(HostReply::Log)
    }
}
