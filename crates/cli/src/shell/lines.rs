//! Where command lines come from.

use std::collections::VecDeque;
use std::io::BufRead as _;

use super::ShellError;
use super::interactive::Editor;

/// A source of command lines.
pub struct LineSource(Source);

enum Source {
    /// The arguments of `-c`.
    Given(VecDeque<String>),
    /// Standard input that is no terminal.
    Pipe,
    /// A person. Absent only while a line is being read.
    Terminal(Option<Box<Editor>>),
}

impl LineSource {
    /// The given lines.
    #[must_use]
    pub fn given(lines: Vec<String>) -> Self {
        Self(Source::Given(lines.into()))
    }

    /// Lines of standard input.
    #[must_use]
    pub fn pipe() -> Self {
        Self(Source::Pipe)
    }

    /// Lines that are edited on the terminal.
    ///
    /// # Errors
    /// When the editor's history cannot be opened.
    pub fn terminal() -> Result<Self, ShellError> {
        Ok(Self(Source::Terminal(Some(Box::new(Editor::new()?)))))
    }

    /// The next line; `None` at the end. Reading happens on a thread of its own, so that
    /// connections are served meanwhile.
    ///
    /// # Errors
    /// When the terminal or pipe fails.
    pub async fn next(&mut self, prompt: &str) -> Result<Option<String>, ShellError> {
        match &mut self.0 {
            Source::Given(lines) => Ok(lines.pop_front()),
            Source::Pipe => read_in_background(read_pipe).await,
            Source::Terminal(slot) => {
                let Some(mut editor) = slot.take() else {
                    return Ok(None);
                };
                let prompt = prompt.to_owned();
                let (editor, line) = read_in_background(move || {
                    let line = editor.read_line(&prompt);
                    Ok((editor, line))
                })
                .await?;
                *slot = Some(editor);
                line
            }
        }
    }

    /// Names for completion behind commands that take a table.
    pub fn offer_tables(&mut self, names: Vec<String>) {
        if let Source::Terminal(Some(editor)) = &mut self.0 {
            editor.offer_tables(names);
        }
    }
}

async fn read_in_background<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, ShellError> + Send + 'static,
) -> Result<T, ShellError> {
    tokio::task::spawn_blocking(read)
        .await
        .unwrap_or_else(|error| Err(ShellError::Failed(format!("reading a line: {error}"))))
}

fn read_pipe() -> Result<Option<String>, ShellError> {
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    match read.map_err(ShellError::io("standard input"))? {
        0 => Ok(None),
        _ => Ok(Some(line)),
    }
}
