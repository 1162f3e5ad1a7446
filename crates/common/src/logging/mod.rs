//! Logging: `tracing` events as lines in rolling files, without ever blocking the thread that logs.
//!
//! A line is `2026-11-21 23:15:02.123456 WARN shard-0 pegasus_replica::beacon: message key=value`.
//! Lines go through a bounded queue to one writer thread; when it is full, lines are dropped and
//! counted, and the count is logged as soon as there is room. The level may change at run time.

mod line;
mod queue;
mod rolling;
mod settings;

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, reload};

use self::line::LineFormat;
use self::queue::{LineQueue, WriterThread};
use self::rolling::RollingFile;
pub use self::settings::{CoreSection, LogLevel, LoggerSection};

/// Why logging could not be set up or changed.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The directory or file cannot be made.
    #[error("cannot log to {path}")]
    Open {
        /// The directory.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The writer thread cannot be started.
    #[error("cannot start the log writer thread")]
    Thread(#[source] io::Error),
    /// Another subscriber is installed already.
    #[error("logging is set up twice in one process")]
    Twice,
    /// The text is no level or filter.
    #[error("'{text}' is no log filter: {reason}")]
    Filter {
        /// As given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Owns the process's logging: keep it until the end of `main`; dropping it writes what is queued.
#[derive(Debug)]
pub struct Logging {
    level: LevelControl,
    queue: LineQueue,
    writer: WriterThread,
}

/// Changes what is logged while the process runs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LevelControl {
    filter: reload::Handle<EnvFilter, Registry>,
}

impl LevelControl {
    /// Replaces the filter: a level (`debug`), or levels by module
    /// (`info,pegasus_log=trace`). Upstream's names (`LOG_LEVEL_DEBUG`) are levels too.
    ///
    /// # Errors
    /// The text means nothing; the old filter stays.
    pub fn set(&self, text: &str) -> Result<(), LoggingError> {
        let filter = parse_filter(text)?;
        self.filter
            .reload(filter)
            .map_err(|error| LoggingError::Filter {
                text: text.to_owned(),
                reason: error.to_string(),
            })
    }

    /// Follows the option: for the subscribers of a running configuration.
    pub fn follow(&self, settings: &LoggerSection) {
        if let Err(error) = self.set(settings.logging_start_level.filter()) {
            tracing::warn!(%error, "log level not changed");
        }
    }

    /// The filter in force.
    #[must_use]
    pub fn current(&self) -> String {
        self.filter
            .with_current(ToString::to_string)
            .unwrap_or_default()
    }
}

fn parse_filter(text: &str) -> Result<EnvFilter, LoggingError> {
    let text = LogLevel::from_name(text).map_or(text, |level| level.filter());
    EnvFilter::try_new(text).map_err(|error| LoggingError::Filter {
        text: text.to_owned(),
        reason: error.to_string(),
    })
}

impl Logging {
    /// Starts logging to `<directory>/<role>.log` and makes panics appear there.
    ///
    /// # Errors
    /// The directory cannot be written, or the process logs already.
    pub fn start(
        directory: &Path,
        role: &str,
        settings: &LoggerSection,
    ) -> Result<Self, LoggingError> {
        let open_error = |source| LoggingError::Open {
            path: directory.display().to_string(),
            source,
        };
        fs::create_dir_all(directory).map_err(open_error)?;
        let file = RollingFile::open(directory, role, settings.limits()).map_err(open_error)?;
        let queue = LineQueue::new(settings.log_queue_lines_max);
        let writer = queue.spawn_writer(file).map_err(LoggingError::Thread)?;

        let filter = parse_filter(settings.logging_start_level.filter())?;
        let (filter, handle) = reload::Layer::new(filter);
        let lines = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(queue.clone())
            .event_format(LineFormat);
        Registry::default()
            .with(filter)
            .with(lines)
            .try_init()
            .map_err(|_| LoggingError::Twice)?;
        log_panics(queue.clone());
        Ok(Self {
            level: LevelControl { filter: handle },
            queue,
            writer,
        })
    }

    /// The control over what is logged.
    #[must_use]
    pub fn level(&self) -> LevelControl {
        self.level.clone()
    }

    /// Lines dropped so far because the queue was full.
    #[must_use]
    pub fn dropped_lines(&self) -> u64 {
        self.queue.dropped()
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        self.queue.close();
        self.writer.join();
    }
}

/// How long a panicking thread waits for its message to reach the file, in case the process is
/// about to end.
const PANIC_FLUSH_WAIT: Duration = Duration::from_secs(1);

/// Logs every panic with its place and backtrace, then does what was done before (standard error).
fn log_panics(queue: LineQueue) {
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let backtrace = std::backtrace::Backtrace::force_capture();
        let place = panic.location().map(ToString::to_string);
        tracing::error!(
            place = place.unwrap_or_default(),
            "panic: {}\n{backtrace}",
            panic.payload_as_str().unwrap_or("(no message)"),
        );
        queue.flush(PANIC_FLUSH_WAIT);
        previous(panic);
    }));
}
