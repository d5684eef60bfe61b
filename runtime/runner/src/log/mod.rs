//! What the rooms below report while they work: on standard error, for people or as JSON lines.

mod line;

#[cfg(test)]
mod tests;

use clap::{Args, ValueEnum};
use line::Line;
use tracing_subscriber::{
    Layer, Registry,
    filter::{LevelFilter, Targets},
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// Alerts of the broker want a person, whatever the level.
const ALERT: &str = "stepward::alert";
/// The heading of what every command takes, in its help.
const EVERYWHERE: &str = "Everywhere";

/// How much is reported.
#[derive(Args)]
pub(crate) struct LogArguments {
    /// Reports on standard error what happens, the events of the log and the steps' log lines too; alerts
    /// are reported in any case
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "LEVEL", env = "STEPWARD_LOG", value_enum, default_value = "off", num_args = 0..=1, require_equals = true, default_missing_value = "info")]
    log: Level,
    /// Reports as JSON lines
    #[arg(long, global = true, help_heading = EVERYWHERE)]
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
    /// Starts reporting, for the rest of the process.
    pub(crate) fn install(&self) {
        let targets = Targets::new()
            .with_target("stepward", self.log.filter())
            .with_target(ALERT, self.log.filter().max(LevelFilter::WARN));
        let json = self.log_json;
        let reports = layer(json, move || Line::to(std::io::stderr(), json)).with_filter(targets);
        // Installed once for each process; a second time changes nothing.
        drop(tracing_subscriber::registry().with(reports).try_init());
    }
}

/// Reports as they are written: one line each.
fn layer<W>(json: bool, to: W) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let layer = fmt::layer().with_writer(to).with_ansi(false);
    if json { layer.json().boxed() } else { layer.boxed() }
}
