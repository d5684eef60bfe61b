//! `stepward:step/log`.

use super::{Ctx, ask, mismatch};
use crate::ending::Ended;
use stepward_seam::{HostCall, HostReply, LogLevel};
use wasmtime::component::{ComponentType, Lift, LinkerInstance, Lower};

#[derive(ComponentType, Lift, Lower, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "values come from the guest; `Lift` makes them from their discriminants")]
enum Level {
    #[component(name = "trace")]
    Trace,
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Trace => Self::Trace,
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
            Level::Error => Self::Error,
        }
    }
}

pub(super) fn link(instance: &mut LinkerInstance<'_, Ctx>) -> wasmtime::Result<()> {
    instance.func_wrap_async("emit", |mut store, (level, message): (Level, String)| {
        Box::new(async move {
            match ask(&mut store, Box::new(HostCall::Log { level: level.into(), message })).await? {
                HostReply::Log => Ok(()),
                HostReply::Http(_)
                | HostReply::Sign(_)
                | HostReply::Reveal(_)
                | HostReply::Now(_)
                | HostReply::Random(_) => Err(mismatch()),
            }
        })
    })?;
    instance.func_wrap("abort", |_store, (place, message): (String, String)| -> wasmtime::Result<()> {
        Err(wasmtime::Error::new(Ended::Aborted { place, message }))
    })
}
