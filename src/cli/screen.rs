//! The terminal that a person looks at: its size, and whether it shows colours.

use std::io::IsTerminal;

/// A terminal at the standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Screen {
    /// Columns of letters.
    pub(super) width: usize,
    /// Lines.
    pub(super) height: usize,
    /// Whether colours are welcome.
    pub(super) colour: bool,
}

impl Screen {
    /// The terminal, if the standard output is one.
    pub(super) fn at_the_output() -> Option<Self> {
        if !std::io::stdout().is_terminal() {
            return None;
        }
        // A terminal that does not know its size says nothing, or 0.
        let (width, height) = terminal_size::terminal_size_of(std::io::stdout())
            .map(|(width, height)| (width.0, height.0))
            .filter(|(width, height)| *width > 0 && *height > 0)
            .unwrap_or((80, 24));
        Some(Self {
            width: usize::from(width),
            height: usize::from(height),
            colour: colours(),
        })
    }
}

/// Whether nobody asked for plain text: <https://no-color.org>.
pub(super) fn colours() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let plain = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !refused && !plain
}
