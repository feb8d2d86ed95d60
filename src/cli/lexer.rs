//! SQL cut into tokens, also while it is still being typed: a text or a comment that nobody has closed is a token too.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Space,
    Comment,
    /// A keyword, a name or a `$parameter`.
    Word,
    /// A name in double quotes.
    Name,
    /// A text in single quotes, or between `$$`.
    Text,
    Number,
    /// Anything else: an operator, a bracket, a comma.
    Symbol,
}

/// A token and where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    pub(super) start: usize,
    /// Whether its end is missing: a quote or a comment that is still open.
    pub(super) open: bool,
}

impl<'a> Token<'a> {
    /// Whether it is this symbol or, in any letter case, this word.
    pub(super) fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Symbol) && self.text.eq_ignore_ascii_case(text)
    }

    /// The byte after its last one.
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// What stands between its quotes, or the token itself; a doubled quote stays doubled.
    pub(super) fn inner(&self) -> &'a str {
        let quote = match self.kind {
            Kind::Name => '"',
            Kind::Text => '\'',
            _ => return self.text,
        };
        let inner = self.text.strip_prefix(quote).unwrap_or(self.text);
        if self.open {
            inner
        } else {
            inner.strip_suffix(quote).unwrap_or(inner)
        }
    }

    /// Whether it says something: no space and no comment.
    pub(super) fn speaks(&self) -> bool {
        !matches!(self.kind, Kind::Space | Kind::Comment)
    }
}

/// Symbols of more than one letter.
const LONG_SYMBOLS: [&str; 9] = ["=>", ":=", "::", "<>", "<=", ">=", "!=", "||", "->"];

/// The tokens of a text: put together they are the text again.
pub(super) fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut start = 0;
    while let Some(rest) = sql.get(start..).filter(|rest| !rest.is_empty()) {
        let (kind, length, open) = first(rest);
        let length = length.max(1);
        tokens.push(Token {
            kind,
            text: rest.get(..length).unwrap_or(rest),
            start,
            open,
        });
        start += length;
    }
    tokens
}

/// The tokens of each statement, without the `;` behind it; a statement without words is none.
pub(super) fn statements<'t, 'a>(tokens: &'t [Token<'a>]) -> Vec<&'t [Token<'a>]> {
    let parts = tokens.split(|token| token.is(";"));
    parts
        .filter(|part| part.iter().any(Token::speaks))
        .collect()
}

/// Whether the text ends with the `;` of a statement: one in a text or a comment does not end it.
pub(super) fn is_complete(sql: &str) -> bool {
    let tokens = tokens(sql);
    let last = tokens.iter().rev().find(|token| token.speaks());
    last.is_some_and(|token| token.is(";")) && !tokens.iter().any(|token| token.open)
}

/// The token at the beginning: its kind, its bytes, and whether it is still open.
fn first(rest: &str) -> (Kind, usize, bool) {
    let letter = rest.chars().next().unwrap_or(' ');
    let run =
        |ends: &dyn Fn(char) -> bool| rest.find(|next: char| ends(next)).unwrap_or(rest.len());
    if letter.is_whitespace() {
        return (Kind::Space, run(&|next| !next.is_whitespace()), false);
    }
    if rest.starts_with("--") {
        return (Kind::Comment, run(&|next| next == '\n'), false);
    }
    if rest.starts_with("/*") {
        return comment(rest);
    }
    if letter == '\'' || letter == '"' {
        let kind = if letter == '"' {
            Kind::Name
        } else {
            Kind::Text
        };
        let (length, open) = quoted(rest, letter);
        return (kind, length, open);
    }
    if let Some(tag) = dollar_tag(rest) {
        let body = &rest[tag.len()..];
        return match body.find(tag) {
            Some(end) => (Kind::Text, end + 2 * tag.len(), false),
            None => (Kind::Text, rest.len(), true),
        };
    }
    let in_word = |next: char| next.is_alphanumeric() || next == '_' || next == '$';
    if letter.is_ascii_digit() {
        let in_number = |next: char| in_word(next) || next == '.';
        return (Kind::Number, run(&|next| !in_number(next)), false);
    }
    if in_word(letter) {
        return (Kind::Word, run(&|next| !in_word(next)), false);
    }
    let long = LONG_SYMBOLS.iter().find(|symbol| rest.starts_with(*symbol));
    let length = long.map_or(letter.len_utf8(), |symbol| symbol.len());
    (Kind::Symbol, length, false)
}

/// A comment in `/* … */`, which may hold others.
fn comment(rest: &str) -> (Kind, usize, bool) {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(next) = rest.get(at..).filter(|next| !next.is_empty()) {
        if next.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if next.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return (Kind::Comment, at, false);
            }
        } else {
            at += next.chars().next().map_or(1, char::len_utf8);
        }
    }
    (Kind::Comment, rest.len(), true)
}

/// What is quoted at the beginning: its bytes, and whether the end is missing. A doubled quote is one in the text.
fn quoted(rest: &str, quote: char) -> (usize, bool) {
    let mut at = 1;
    while let Some(end) = rest.get(at..).and_then(|behind| behind.find(quote)) {
        at += end + 1;
        match rest.get(at..) {
            Some(behind) if behind.starts_with(quote) => at += 1,
            _ => return (at, false),
        }
    }
    (rest.len(), true)
}

/// The `$$` or `$tag$` that opens a text, if one does.
fn dollar_tag(rest: &str) -> Option<&str> {
    let inner = rest.strip_prefix('$')?;
    let end = inner.find('$')?;
    let tag = &inner[..end];
    let is_tag = !tag.starts_with(|first: char| first.is_ascii_digit())
        && tag
            .chars()
            .all(|letter| letter.is_alphanumeric() || letter == '_');
    is_tag.then(|| &rest[..end + 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(sql: &str) -> Vec<(Kind, &str)> {
        let tokens = tokens(sql);
        let whole: String = tokens.iter().map(|token| token.text).collect();
        assert_eq!(whole, sql);
        tokens
            .iter()
            .filter(|token| token.kind != Kind::Space)
            .map(|token| (token.kind, token.text))
            .collect()
    }

    #[test]
    fn a_statement_falls_into_its_tokens() {
        use Kind::{Comment, Name, Number, Symbol, Text, Word};
        assert_eq!(
            kinds("SELECT \"a\"\"b\", 1.50 -- x\nFROM f(k=>'it''s', $p) /* a /* b */ c */;"),
            [
                (Word, "SELECT"),
                (Name, "\"a\"\"b\""),
                (Symbol, ","),
                (Number, "1.50"),
                (Comment, "-- x"),
                (Word, "FROM"),
                (Word, "f"),
                (Symbol, "("),
                (Word, "k"),
                (Symbol, "=>"),
                (Text, "'it''s'"),
                (Symbol, ","),
                (Word, "$p"),
                (Symbol, ")"),
                (Comment, "/* a /* b */ c */"),
                (Symbol, ";"),
            ]
        );
        assert_eq!(kinds("$$a;'$$"), [(Text, "$$a;'$$")]);
    }

    #[test]
    fn what_is_still_open_is_a_token() {
        for sql in ["'abc;", "\"abc", "/* abc", "$x$ abc"] {
            let tokens = tokens(sql);
            assert_eq!((tokens.len(), tokens[0].open), (1, true), "{sql}");
        }
        assert_eq!(tokens("'Zürich 🙂")[0].inner(), "Zürich 🙂");
    }

    #[test]
    fn only_the_semicolon_of_a_statement_ends_it() {
        assert!(is_complete("SELECT 1; -- and a word\n"));
        assert!(!is_complete("SELECT ';\n"));
        assert!(!is_complete("SELECT 1 -- done;\n"));
        assert!(!is_complete("SELECT 1 /* ; \n"));
        assert!(!is_complete("\n"));
    }

    #[test]
    fn statements_are_those_that_say_something() {
        let tokens = tokens("SELECT 1; ; -- x\n; SELECT ';'");
        let statements = statements(&tokens);
        assert_eq!(statements.len(), 2);
    }
}
