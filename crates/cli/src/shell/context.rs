//! What the shell remembers between commands, and how it prints.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use clap::CommandFactory as _;
use parking_lot::Mutex;
use pegasus_client::{Answered, AppStatus, Cluster, Table};
use serde::Serialize as _;
use serde_json::{Value, json};

use super::ShellError;
use super::commands::Line;
use super::escape::{EscapeMode, escape, quote};
use super::tables::Report;

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
    /// Aligned text for people.
    Text,
    /// One JSON value for each command.
    Json,
}

/// Time to fetch table names for completion: nobody waits longer for a convenience.
const COMPLETION_TIMEOUT: Duration = Duration::from_secs(1);

/// The shell's state.
pub struct Context {
    pub(super) cluster: Cluster,
    pub(super) format: OutputFormat,
    pub(super) escape: EscapeMode,
    timeout: Duration,
    chosen: Option<Chosen>,
    last_answer: Arc<Mutex<Option<Answered>>>,
    new_table_names: Option<Vec<String>>,
    out: Box<dyn Write + Send>,
}

/// The table in use; opened by the first command that needs it.
struct Chosen {
    name: String,
    table: Option<Table>,
}

impl Context {
    /// A fresh shell.
    #[must_use]
    pub fn new(
        cluster: Cluster,
        format: OutputFormat,
        timeout: Duration,
        out: Box<dyn Write + Send>,
    ) -> Self {
        Self {
            cluster,
            format,
            escape: EscapeMode::default(),
            timeout,
            chosen: None,
            last_answer: Arc::default(),
            new_table_names: None,
            out,
        }
    }

    /// The first lines on a terminal.
    pub(super) fn greet(&mut self, meta: &str) -> Result<(), ShellError> {
        self.line(&format!("Pegasus Shell {}", env!("CARGO_PKG_VERSION")))?;
        self.line("Type \"help\" for more information.")?;
        self.line("Type \"Ctrl-D\" or \"exit\" to exit the shell.")?;
        self.line("")?;
        self.line(&format!("The cluster meta list is: {meta}"))
    }

    pub(super) fn choose_table(&mut self, name: &str) {
        self.chosen = Some(Chosen {
            name: name.to_owned(),
            table: None,
        });
    }

    pub(super) fn use_table(&mut self, name: Option<String>) -> Result<(), ShellError> {
        if let Some(name) = name {
            self.choose_table(&name);
            return self.done("OK", &json!({"current_app": name}));
        }
        match self.chosen_name().map(str::to_owned) {
            Some(name) => self.done(
                &format!("The current using app is: {name}"),
                &json!({"current_app": name}),
            ),
            None => self.done(
                "No app is using now, use 'use <app_name>' to choose one",
                &json!({"current_app": null}),
            ),
        }
    }

    pub(super) fn chosen_name(&self) -> Option<&str> {
        self.chosen.as_ref().map(|chosen| chosen.name.as_str())
    }

    /// The table in use.
    pub(super) async fn table(&mut self) -> Result<Table, ShellError> {
        let chosen = self.chosen.as_mut().ok_or(ShellError::NoTable)?;
        let table = match &chosen.table {
            Some(table) => table.clone(),
            None => {
                let table = self.cluster.table(&chosen.name).await?;
                chosen.table = Some(table.clone());
                table
            }
        };
        *self.last_answer.lock() = None;
        let last_answer = self.last_answer.clone();
        let table = table.with_timeout(self.timeout);
        Ok(table.with_observer(move |answered| *last_answer.lock() = Some(answered)))
    }

    pub(super) fn escape_all(&mut self, choice: Option<bool>) -> Result<(), ShellError> {
        match choice {
            Some(true) => self.escape = EscapeMode::All,
            Some(false) => self.escape = EscapeMode::Unprintable,
            None => {}
        }
        let all = self.escape == EscapeMode::All;
        self.done(
            &format!("Current escape_all: {all}."),
            &json!({"escape_all": all}),
        )
    }

    pub(super) fn change_timeout(&mut self, choice: Option<u64>) -> Result<(), ShellError> {
        if let Some(milliseconds) = choice {
            self.timeout = Duration::from_millis(milliseconds);
        }
        let milliseconds = self.timeout.as_millis();
        self.done(
            &format!("Current timeout: {milliseconds} ms."),
            &json!({"timeout_ms": u64::try_from(milliseconds).unwrap_or(u64::MAX)}),
        )
    }

    pub(super) fn version(&mut self) -> Result<(), ShellError> {
        let version = env!("CARGO_PKG_VERSION");
        self.done(&format!("pegasus {version}"), &json!({"version": version}))
    }

    pub(super) fn help(&mut self, command: Option<&str>) -> Result<(), ShellError> {
        let mut root = Line::command();
        root.build();
        let text = match command {
            None => {
                let commands = root.get_subcommands().map(|command| {
                    let about = command.get_about().map(ToString::to_string);
                    format!("{:<22}{}\n", command.get_name(), about.unwrap_or_default())
                });
                let commands: String = commands.collect();
                format!("{commands}\n'help <command>' shows the arguments of one.")
            }
            Some(name) => {
                let found = root.find_subcommand_mut(name);
                let found = found.ok_or_else(|| {
                    ShellError::Usage(format!("there is no command '{name}'; try 'help'"))
                })?;
                found.render_help().to_string().trim_end().to_owned()
            }
        };
        self.done(&text, &json!({"help": text}))
    }

    /// Prints tables.
    pub(super) fn show(&mut self, report: &Report) -> Result<(), ShellError> {
        match self.format {
            OutputFormat::Text => self.write(&report.to_text()),
            OutputFormat::Json => self.json(&report.to_json()),
        }
    }

    /// Prints a result that is no table.
    pub(super) fn done(&mut self, text: &str, value: &Value) -> Result<(), ShellError> {
        match self.format {
            OutputFormat::Text => self.line(text),
            OutputFormat::Json => self.json(value),
        }
    }

    /// Prints the result of a data operation and who answered it.
    pub(super) fn answer(&mut self, text: &str, mut value: Value) -> Result<(), ShellError> {
        let answered = self.last_answer.lock().take();
        if self.format == OutputFormat::Json {
            if let (Some(fields), Some(answered)) = (value.as_object_mut(), answered) {
                fields.insert("app_id".to_owned(), answered.gpid.app_id.0.into());
                let index = answered.gpid.partition_index.0;
                fields.insert("partition_index".to_owned(), index.into());
                if let Some(decree) = answered.decree {
                    fields.insert("decree".to_owned(), decree.0.into());
                }
                fields.insert("server".to_owned(), answered.server.into());
            }
            return self.json(&value);
        }
        self.line(text)?;
        let Some(answered) = answered else {
            return Ok(());
        };
        self.line("")?;
        self.line(&format!("app_id          : {}", answered.gpid.app_id.0))?;
        let index = answered.gpid.partition_index.0;
        self.line(&format!("partition_index : {index}"))?;
        if let Some(decree) = answered.decree {
            self.line(&format!("decree          : {decree}"))?;
        }
        self.line(&format!("server          : {}", answered.server))
    }

    /// Progress of something that takes a while; JSON readers do not want it.
    pub(super) fn progress(&mut self, text: &str) -> Result<(), ShellError> {
        match self.format {
            OutputFormat::Text => self.line(text),
            OutputFormat::Json => Ok(()),
        }
    }

    /// Prints a failure that does not end the shell.
    pub(super) fn report(&mut self, error: &ShellError) -> Result<(), ShellError> {
        match self.format {
            OutputFormat::Text => self.line(&format!("ERROR: {error}")),
            OutputFormat::Json => self.json(&json!({"error": error.to_string()})),
        }
    }

    pub(super) fn line(&mut self, text: &str) -> Result<(), ShellError> {
        self.write(text)?;
        self.write("\n")
    }

    /// Printable bytes between quotes.
    pub(super) fn quoted(&self, bytes: &[u8]) -> String {
        quote(bytes, self.escape)
    }

    /// Printable bytes as a JSON string: C-escaped, so that nothing is lost.
    pub(super) fn escaped(&self, bytes: &[u8]) -> Value {
        Value::String(escape(bytes, self.escape))
    }

    fn json(&mut self, value: &Value) -> Result<(), ShellError> {
        let mut text = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
        let mut serializer = serde_json::Serializer::with_formatter(&mut text, formatter);
        let written = value.serialize(&mut serializer);
        written.map_err(|error| ShellError::Failed(error.to_string()))?;
        self.line(&String::from_utf8_lossy(&text))
    }

    fn write(&mut self, text: &str) -> Result<(), ShellError> {
        let written = self.out.write_all(text.as_bytes());
        written
            .and_then(|()| self.out.flush())
            .map_err(ShellError::io("standard output"))
    }

    /// Names of the tables, for completion; none while no meta server answers.
    pub(super) async fn table_names(&self) -> Vec<String> {
        let admin = self.cluster.admin().with_timeout(COMPLETION_TIMEOUT);
        let apps = admin.list_apps(AppStatus::AS_AVAILABLE).await;
        let names = apps.unwrap_or_default().into_iter();
        names.map(|app| app.app_name).collect()
    }

    /// Remembers names for completion.
    pub(super) fn note_table_names(&mut self, names: Vec<String>) {
        self.new_table_names = Some(names);
    }

    pub(super) fn take_new_table_names(&mut self) -> Option<Vec<String>> {
        self.new_table_names.take()
    }
}
