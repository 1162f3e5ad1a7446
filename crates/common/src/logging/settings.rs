//! The options of the log, under upstream's names.

use super::rolling::Limits;

crate::config_choice! {
    /// The lowest level that is logged, by upstream's names.
    LogLevel {
        /// For developers.
        Debug = "LOG_LEVEL_DEBUG",
        /// Lifecycle: starts, stops, changes of role.
        Info = "LOG_LEVEL_INFO",
        /// Look at it tomorrow.
        Warning = "LOG_LEVEL_WARNING",
        /// An operator must act.
        Error = "LOG_LEVEL_ERROR",
    }
}

impl LogLevel {
    /// The level as a filter of the `tracing` crates.
    #[must_use]
    pub const fn filter(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            // The consensus tells at this level what a developer of it would want to know.
            Self::Info => "info,openraft=warn",
            Self::Warning => "warn",
            Self::Error => "error",
        }
    }
}

crate::config_section! {
    /// The process.
    "core" => CoreSection {
        /// Where log files go; relative to the directory in which the server was started.
        log_directory: String = "log".to_owned(),
    }
}

crate::config_section! {
    /// The log files of a server.
    "tools.simple_logger" => LoggerSection {
        /// The lowest level that is logged from the start; change it later without a restart.
        logging_start_level: LogLevel = LogLevel::Info; mutable,
        /// A log file that has grown to this size is closed and renamed. Bytes.
        max_log_file_bytes: u64 = 67_108_864 => 4_096..=u64::MAX,
        /// How many closed log files are kept; the oldest go first.
        max_number_of_log_files_on_disk: usize = 20 => 1..=10_000,
        /// How many lines may wait for the disk before lines are dropped.
        log_queue_lines_max: usize = 16_384 => 16..=1_048_576,
    }
}

impl LoggerSection {
    pub(super) fn limits(&self) -> Limits {
        Limits {
            file_bytes_max: self.max_log_file_bytes,
            closed_files_max: self.max_number_of_log_files_on_disk,
        }
    }
}
