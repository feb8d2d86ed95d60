//! The line editor: what keys do, what a line looks like, and when it is complete.

use std::borrow::Cow;

use datafusion::prelude::SessionContext;
use nu_ansi_term::{Color, Style};
use reedline::{
    ColumnarMenu, DefaultHinter, EditCommand, Emacs, InputMode, KeyCode, KeyModifiers, MenuBuilder,
    PromptEditMode, PromptHistorySearch, Reedline, ReedlineEvent, ReedlineMenu, ValidationResult,
    Validator, default_emacs_keybindings,
};

use super::completer::SqlCompleter;
use super::highlighter::SqlHighlighter;
use super::history;
use super::vocabulary::Vocabulary;
use crate::cli::lexer;
use crate::cli::screen;

const MENU: &str = "completions";

/// An editor that knows the names of the session.
pub(super) fn open(ctx: &SessionContext) -> Reedline {
    let colours = screen::colours();
    let mut keys = default_emacs_keybindings();
    keys.add_binding(
        KeyModifiers::NONE,
        KeyCode::Tab,
        ReedlineEvent::UntilFound(vec![
            ReedlineEvent::Menu(MENU.to_owned()),
            ReedlineEvent::MenuNext,
        ]),
    );
    keys.add_binding(
        KeyModifiers::ALT,
        KeyCode::Enter,
        ReedlineEvent::Edit(vec![EditCommand::InsertNewline]),
    );
    let menu = ColumnarMenu::default()
        .with_name(MENU)
        .with_marker("> ")
        .with_input_mode(InputMode::FullBuffer);
    let vocabulary = Vocabulary::new(ctx);
    let highlighter = SqlHighlighter::new(&vocabulary, colours);
    let mut editor = Reedline::create()
        .with_ansi_colors(colours)
        .use_bracketed_paste(true)
        .with_completer(Box::new(SqlCompleter::new(vocabulary)))
        .with_quick_completions(true)
        .with_partial_completions(true)
        .with_menu(ReedlineMenu::EngineCompleter(Box::new(menu)))
        .with_highlighter(Box::new(highlighter))
        .with_validator(Box::new(Statements))
        .with_edit_mode(Box::new(Emacs::new(keys)));
    if colours {
        let faint = Style::new().fg(Color::DarkGray);
        editor = editor.with_hinter(Box::new(DefaultHinter::default().with_style(faint)));
    }
    match history::open() {
        Some(history) => editor
            .with_history(history)
            // What begins with a space is not kept, as in other shells.
            .with_history_exclusion_prefix(Some(" ".to_owned())),
        None => editor,
    }
}

/// A line is complete when its statement is, or when it is a command.
struct Statements;

impl Validator for Statements {
    fn validate(&self, line: &str) -> ValidationResult {
        let text = line.trim();
        let is_word = matches!(text, "" | "exit" | "quit" | "help");
        if is_word || text.starts_with('\\') || lexer::is_complete(line) {
            ValidationResult::Complete
        } else {
            ValidationResult::Incomplete
        }
    }
}

/// `dayrate> `, and `    ...> ` on the lines below.
pub(super) struct Prompt;

impl reedline::Prompt for Prompt {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed("dayrate")
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed("> ")
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed("    ...> ")
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        Cow::Owned(format!("history '{}'> ", search.term))
    }
}
