//! Many runs on one thread: guests take turns at their fuel, and the pipe gets its turn between them.

use super::broker::{Asking, Questions, STOPPED};
use super::pipe::{Gone, Pipe};
use crate::lockdown::Locked;
use crate::protocol::{Down, Ended, GuestEnd, Load, Overrun, Run, Up};
use futures_util::stream::{FuturesUnordered, Stream};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use stepward_sandbox::{self as sandbox, CodeKey, Engine, Guest, Job, Linkage, Opened, Ready, Record};
use stepward_seam::{LimitName, Limits, Usage};
use stepward_trust::Digest;
use tokio::sync::oneshot;

type Going = Pin<Box<dyn Future<Output = Ended>>>;

/// Set when a guest that gave way wants to go on.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Runner<'a> {
    engine: &'a Engine,
    key: CodeKey,
    codes: HashMap<u32, Result<Ready, String>>,
    questions: Arc<Questions>,
    /// Dropping the value ends the run.
    running: HashMap<u64, oneshot::Sender<()>>,
    going: FuturesUnordered<Going>,
}

/// Serves until the parent closes the pipe.
pub(super) fn serve(pipe: &mut Pipe, _locked: &Locked, engine: &Engine, key: [u8; 32]) -> Result<(), Gone> {
    let mut runner = Runner {
        engine,
        key: CodeKey::new(key),
        codes: HashMap::new(),
        questions: Arc::default(),
        running: HashMap::new(),
        going: FuturesUnordered::new(),
    };
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    loop {
        woken.0.store(false, Ordering::Relaxed);
        runner.advance(pipe, &mut Context::from_waker(&waker))?;
        pipe.flush()?;
        // Where a guest can go on, the pipe is only looked at; where none can, it is waited for.
        if woken.0.load(Ordering::Relaxed) {
            pipe.look()?;
        } else {
            runner.obey(pipe.receive()?)?;
        }
        while let Some(down) = pipe.received()? {
            runner.obey(down)?;
        }
    }
}

impl Runner<'_> {
    /// Lets every guest that can go on have a turn, and puts what came of it on the pipe.
    fn advance(&mut self, pipe: &mut Pipe, context: &mut Context<'_>) -> Result<(), Gone> {
        while let Poll::Ready(Some(ended)) = Pin::new(&mut self.going).poll_next(context) {
            self.running.remove(&ended.run);
            self.questions.forget(ended.run);
            pipe.queue(&Up::Ended(ended))?;
        }
        for (run, call) in self.questions.unsent() {
            pipe.queue(&Up::Call { run, call })?;
        }
        Ok(())
    }

    fn obey(&mut self, down: Down) -> Result<(), Gone> {
        match down {
            Down::Load(load) => self.load(load),
            Down::Run(run) => self.start(run)?,
            Down::Answer { run, answer } => self.questions.answer(run, answer),
            // A run that has ended meanwhile has said so already.
            Down::Cancel { run } => drop(self.running.remove(&run)),
            Down::Start(_) | Down::Compile(_) => return Err(Gone::Broken),
        }
        Ok(())
    }

    fn load(&mut self, load: Load) {
        let Load { code, component, imports, sealed } = load;
        let linkage =
            Linkage::new(Digest::from_bytes(component), imports.into_iter().map(Into::into).collect());
        let loaded = match self.engine.open_linked(&linkage, &sealed, &self.key) {
            Ok(Opened::Loaded(ready)) => Ok(ready),
            Ok(Opened::Stale(refusal)) => Err(format!("the code {refusal}")),
            Err(fault) => Err(fault.message().to_owned()),
        };
        self.codes.insert(code, loaded);
    }

    fn start(&mut self, order: Run) -> Result<(), Gone> {
        let Run { run, code, limits, input } = order;
        let limits = read(&limits)?;
        let (going_on, ends) = oneshot::channel::<()>();
        self.running.insert(run, going_on);
        let ready = match self.codes.get(&code) {
            Some(Ok(ready)) => Ok(ready.clone()),
            Some(Err(why)) => Err(why.clone()),
            None => Err("no code of this number was loaded".to_owned()),
        };
        let (engine, questions) = (self.engine.clone(), Arc::clone(&self.questions));
        let going = async move {
            let ready = match ready {
                Ok(ready) => ready,
                Err(why) => return ended(run, GuestEnd::NotLoaded(why)),
            };
            let job = Job {
                run: Arc::default(),
                step: Arc::default(),
                input: &input,
                limits,
                broker: Arc::new(Asking { run, questions }),
                record: Record::Elsewhere,
            };
            let cancelled = async { drop(ends.await) };
            let Guest { end, usage, .. } = engine.guest(&ready, job, cancelled).await;
            Ended {
                run,
                end: said(end, &usage),
                fuel: usage.fuel,
                peak_memory_bytes: usage.peak_memory_bytes,
                table_elements: usage.table_elements,
            }
        };
        self.going.push(Box::pin(going));
        Ok(())
    }
}

fn ended(run: u64, end: GuestEnd) -> Ended {
    Ended { run, end, fuel: 0, peak_memory_bytes: 0, table_elements: 0 }
}

/// One value for each limit: a parent that leaves one out is none.
fn read(values: &[u64]) -> Result<Limits, Gone> {
    if values.len() != LimitName::ALL.len() {
        return Err(Gone::Broken);
    }
    let mut limits = Limits::default();
    for (name, value) in LimitName::ALL.iter().zip(values) {
        limits.set(*name, *value).map_err(|_| Gone::Broken)?;
    }
    Ok(limits)
}

fn said(end: sandbox::GuestEnd, usage: &Usage) -> GuestEnd {
    match end {
        sandbox::GuestEnd::Returned(text) => GuestEnd::Returned(text),
        sandbox::GuestEnd::Errored { kind, code, message } => GuestEnd::Errored { kind, code, message },
        sandbox::GuestEnd::Aborted { place, message } => GuestEnd::Aborted { place, message },
        sandbox::GuestEnd::Trapped(message) => GuestEnd::Trapped(message),
        sandbox::GuestEnd::Limit(name) => ran_out(name, usage),
        sandbox::GuestEnd::Stopped(fault) if fault.rule() == STOPPED => GuestEnd::Stopped,
        sandbox::GuestEnd::Stopped(fault) => GuestEnd::Refused {
            rule: fault.rule().to_string(),
            owner: fault.owner().to_string(),
            message: fault.message().to_owned(),
        },
    }
}

fn ran_out(limit: LimitName, usage: &Usage) -> GuestEnd {
    match limit {
        // These count what is too much before they end the run.
        LimitName::HostCalls
        | LimitName::BytesOut
        | LimitName::LogLines
        | LimitName::LogBytes
        | LimitName::OutputBytes
        // A call is counted before it is paid for.
        | LimitName::Fuel => GuestEnd::Overrun(Overrun {
            limit,
            host_calls: usage.host_calls,
            bytes_out: usage.bytes_out,
            log_lines: usage.log_lines,
            log_bytes: usage.log_bytes,
            output_bytes: usage.output_bytes,
        }),
        LimitName::MemoryBytes
        | LimitName::TableElements
        | LimitName::Instances
        | LimitName::WallTimeMs
        | LimitName::BytesOutPerCall
        | LimitName::BytesInPerCall
        | LimitName::BytesIn
        | LimitName::InputBytes
        | LimitName::ComponentBytes
        | LimitName::CompileTimeMs => GuestEnd::Limit(limit),
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use stepward_seam::{LimitName, Limits};

    #[test]
    fn no_limit_can_be_left_out() {
        let values: Vec<u64> = LimitName::ALL.iter().map(|name| name.most()).collect();
        assert_eq!(read(&values).unwrap(), Limits::most());
        for wrong in [&values[1..], &[], &[values.as_slice(), &[1]].concat()] {
            read(wrong).unwrap_err();
        }
        for at in 0..values.len() {
            for wrong in [0, u64::MAX] {
                let mut values = values.clone();
                values[at] = wrong;
                read(&values).unwrap_err();
            }
        }
    }
}
