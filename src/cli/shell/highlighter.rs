//! The colours of a statement while it is typed.

use std::collections::HashSet;

use nu_ansi_term::{Color, Style};
use reedline::{Highlighter, StyledText};

use super::vocabulary::Vocabulary;
use crate::cli::keywords::is_keyword;
use crate::cli::lexer::{Kind, Token, tokens};

/// Colours by what a token is; a text that is still open warns.
pub(super) struct SqlHighlighter {
    functions: HashSet<String>,
    colours: bool,
}

impl SqlHighlighter {
    pub(super) fn new(vocabulary: &Vocabulary, colours: bool) -> Self {
        let functions = vocabulary.functions();
        Self {
            functions: functions
                .iter()
                .map(|function| function.name.clone())
                .collect(),
            colours,
        }
    }

    fn style(&self, token: &Token<'_>, behind: Option<&Token<'_>>) -> Style {
        let plain = Style::new();
        match token.kind {
            Kind::Comment => plain.fg(Color::DarkGray),
            Kind::Text if token.open => plain.fg(Color::Yellow),
            Kind::Text => plain.fg(Color::Green),
            Kind::Number => plain.fg(Color::Magenta),
            Kind::Name => plain.fg(Color::Cyan),
            Kind::Word if is_keyword(token.text) => plain.fg(Color::Blue).bold(),
            Kind::Word
                if behind.is_some_and(|next| next.text == "(")
                    && self.functions.contains(&token.text.to_lowercase()) =>
            {
                plain.fg(Color::Cyan)
            }
            _ => plain,
        }
    }
}

impl Highlighter for SqlHighlighter {
    fn highlight(&self, line: &str, _cursor: usize) -> StyledText {
        let mut styled = StyledText::new();
        if !self.colours || line.starts_with('\\') {
            styled.push((Style::new(), line.to_owned()));
            return styled;
        }
        let tokens = tokens(line);
        for (at, token) in tokens.iter().enumerate() {
            let style = self.style(token, tokens.get(at + 1));
            styled.push((style, token.text.to_owned()));
        }
        styled
    }
}
