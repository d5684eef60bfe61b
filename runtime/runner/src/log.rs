//! What the rooms below report while they work: on standard error, for people or as JSON lines.

use clap::{Args, ValueEnum};
use tracing_subscriber::{
    Layer as _, Registry,
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// Alerts of the broker want a person, whatever the level.
const ALERT: &str = "stepward::alert";

/// How much is reported.
#[derive(Args)]
pub(crate) struct LogArguments {
    /// Reports on standard error what happens, the steps' log lines too
    #[arg(long, value_name = "LEVEL", env = "STEPWARD_LOG", value_enum, default_value = "off", num_args = 0..=1, require_equals = true, default_missing_value = "info")]
    log: Level,
    /// Reports as JSON lines
    #[arg(long, requires = "log")]
    log_json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Level {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Level {
    const fn filter(self) -> LevelFilter {
        match self {
            Self::Off => LevelFilter::OFF,
            Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
            Self::Trace => LevelFilter::TRACE,
        }
    }
}

impl LogArguments {
    /// Starts reporting.
    pub(crate) fn install(&self) {
        let targets = Targets::new()
            .with_target("stepward", self.log.filter())
            .with_target(ALERT, self.log.filter().max(LevelFilter::WARN));
        let layer = fmt::layer().with_writer(std::io::stderr).with_ansi(false);
        let layer: Box<dyn tracing_subscriber::Layer<Registry> + Send + Sync> = if self.log_json {
            layer.json().with_filter(targets).boxed()
        } else {
            layer.with_filter(targets).boxed()
        };
        // Installed once for each process; a second time changes nothing.
        drop(tracing_subscriber::registry().with(layer).try_init());
    }
}
