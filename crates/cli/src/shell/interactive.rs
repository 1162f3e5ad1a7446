//! Line editing on a terminal: history, completion of commands and table names, hints.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use clap::CommandFactory as _;
use parking_lot::Mutex;
use reedline::{
    ColumnarMenu, Completer, CompletionResult, DefaultHinter, Emacs, FileBackedHistory, KeyCode,
    KeyModifiers, MenuBuilder as _, Prompt, PromptEditMode, PromptHistorySearch, Reedline,
    ReedlineEvent, ReedlineMenu, Signal, Span, Suggestion, default_emacs_keybindings,
};

use super::ShellError;
use super::commands::Line;

/// Lines that the history keeps.
const HISTORY_LINES: usize = 1000;
const MENU: &str = "completion_menu";
/// Commands whose first argument is a table that exists.
const TABLE_COMMANDS: [&str; 3] = ["use", "app", "drop"];

/// The line editor.
pub struct Editor {
    reedline: Reedline,
    tables: Arc<Mutex<Vec<String>>>,
}

impl Editor {
    /// An editor with the history of earlier shells, kept in `~/.pegasus_shell_history`.
    ///
    /// # Errors
    /// When the history file cannot be opened.
    pub fn new() -> Result<Self, ShellError> {
        let tables: Arc<Mutex<Vec<String>>> = Arc::default();
        let completer = Completions::new(tables.clone());
        let menu = ColumnarMenu::default().with_name(MENU);
        let mut keys = default_emacs_keybindings();
        keys.add_binding(
            KeyModifiers::NONE,
            KeyCode::Tab,
            ReedlineEvent::UntilFound(vec![
                ReedlineEvent::Menu(MENU.to_owned()),
                ReedlineEvent::MenuNext,
            ]),
        );
        let mut reedline = Reedline::create()
            .with_completer(Box::new(completer))
            .with_quick_completions(true)
            .with_partial_completions(true)
            .with_menu(ReedlineMenu::EngineCompleter(Box::new(menu)))
            .with_hinter(Box::new(DefaultHinter::default()))
            .with_edit_mode(Box::new(Emacs::new(keys)));
        if let Some(home) = std::env::var_os("HOME") {
            let path = PathBuf::from(home).join(".pegasus_shell_history");
            let history = FileBackedHistory::with_file(HISTORY_LINES, path)
                .map_err(|error| ShellError::Failed(format!("history file: {error}")))?;
            reedline = reedline.with_history(Box::new(history));
        }
        Ok(Self { reedline, tables })
    }

    /// Replaces the table names that completion offers.
    pub fn offer_tables(&mut self, names: Vec<String>) {
        *self.tables.lock() = names;
    }

    /// One line; `None` when the person leaves by Ctrl-D. Ctrl-C empties the line.
    ///
    /// # Errors
    /// When the terminal fails.
    pub fn read_line(&mut self, prompt: &str) -> Result<Option<String>, ShellError> {
        let read = self.reedline.read_line(&PlainPrompt(prompt));
        match read.map_err(ShellError::io("terminal"))? {
            Signal::Success(line) => Ok(Some(line)),
            Signal::CtrlC => Ok(Some(String::new())),
            _ => Ok(None),
        }
    }
}

/// A prompt without decoration.
struct PlainPrompt<'a>(&'a str);

impl Prompt for PlainPrompt<'_> {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_indicator(&self, _mode: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed("... ")
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        Cow::Owned(format!("(search: {}) ", search.term))
    }
}

/// Completes the command's name, and a table's name where one is expected.
struct Completions {
    commands: Vec<(String, String)>,
    tables: Arc<Mutex<Vec<String>>>,
}

impl Completions {
    fn new(tables: Arc<Mutex<Vec<String>>>) -> Self {
        let root = Line::command();
        let commands = root.get_subcommands().map(|command| {
            let about = command.get_about().map(ToString::to_string);
            (command.get_name().to_owned(), about.unwrap_or_default())
        });
        Self {
            commands: commands.collect(),
            tables,
        }
    }
}

impl Completer for Completions {
    fn complete(&mut self, line: &str, position: usize) -> CompletionResult {
        CompletionResult::fresh(self.candidates(line, position))
    }
}

impl Completions {
    fn candidates(&self, line: &str, position: usize) -> Vec<Suggestion> {
        let Some(before) = line.get(..position) else {
            return Vec::new();
        };
        let start = before
            .rfind(char::is_whitespace)
            .map_or(0, |space| space + 1);
        let (earlier, typed) = before.split_at(start);
        let suggestion = |value: &str, description: Option<String>| Suggestion {
            value: value.to_owned(),
            description,
            span: Span::new(start, position),
            append_whitespace: true,
            ..Suggestion::default()
        };
        let earlier: Vec<&str> = earlier.split_whitespace().collect();
        match earlier.as_slice() {
            [] | ["help"] => {
                let fitting = self.commands.iter();
                let fitting = fitting.filter(|(name, _)| name.starts_with(typed));
                fitting
                    .map(|(name, about)| suggestion(name, Some(about.clone())))
                    .collect()
            }
            [command] if TABLE_COMMANDS.contains(command) => {
                let tables = self.tables.lock();
                let fitting = tables.iter().filter(|name| name.starts_with(typed));
                fitting.map(|name| suggestion(name, None)).collect()
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(line: &str) -> Vec<String> {
        let tables = Arc::new(Mutex::new(vec!["temp".to_owned(), "test".to_owned()]));
        let suggestions = Completions::new(tables).candidates(line, line.len());
        suggestions.into_iter().map(|found| found.value).collect()
    }

    #[test]
    fn commands_and_tables_are_completed_where_they_stand() {
        assert_eq!(complete("multi_get_s"), ["multi_get_sortkeys"]);
        assert_eq!(complete("help tt"), ["ttl"]);
        assert_eq!(complete("use te"), ["temp", "test"]);
        assert_eq!(complete("app tem"), ["temp"]);
        assert!(complete("get te").is_empty());
    }
}
