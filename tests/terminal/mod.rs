//! The tool at a real terminal: what a person types, and what the screen then shows.
//!
//! `script` of the system makes the pseudo-terminal, and an emulator stands in for the screen. It answers where the
//! cursor is, as a terminal does when the editor asks.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::Desk;

/// How long a test waits for a screen, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(60);

const ENTER: &str = "\r";
const CTRL_C: &str = "\x03";
const UP: &str = "\x1b[A";
const TAB: &str = "\t";

type Keys = Arc<Mutex<ChildStdin>>;

pub(super) struct Terminal {
    keys: Keys,
    screen: Arc<Mutex<vt100::Parser>>,
    child: Child,
}

impl Terminal {
    /// The tool in a folder of its own, with its state in the folder `state` of it.
    fn open(desk: &Desk, rows: u16, cols: u16, arguments: &[&str]) -> Self {
        let quoted = |text: &&str| format!("'{}'", text.replace('\'', "'\\''"));
        let arguments: Vec<String> = arguments.iter().map(quoted).collect();
        let line = format!(
            "stty rows {rows} cols {cols}; exec '{}' {}",
            env!("CARGO_BIN_EXE_dayrate"),
            arguments.join(" ")
        );
        let mut command = Command::new("script");
        command
            .args([
                "--quiet",
                "--flush",
                "--return",
                "--command",
                &line,
                "/dev/null",
            ])
            .current_dir(desk.path("."))
            .env("TERM", "xterm-256color")
            .env("SHELL", "/bin/sh")
            .env("XDG_STATE_HOME", desk.path("state"))
            .env_remove("NO_COLOR")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let keys: Keys = Arc::new(Mutex::new(child.stdin.take().unwrap()));
        let screen = Arc::new(Mutex::new(vt100::Parser::new(
            rows.try_into().unwrap(),
            cols.try_into().unwrap(),
            0,
        )));
        let mut from = child.stdout.take().unwrap();
        let (shown, answer) = (Arc::clone(&screen), Arc::clone(&keys));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = from.read(&mut bytes) {
                let bytes = &bytes[..read];
                let mut shown = shown.lock().unwrap();
                shown.process(bytes);
                if bytes.windows(4).any(|four| four == b"\x1b[6n") {
                    let (row, col) = shown.screen().cursor_position();
                    let place = format!("\x1b[{};{}R", row + 1, col + 1);
                    let mut answer = answer.lock().unwrap();
                    // A tool that is gone needs no answer.
                    let _ = answer.write_all(place.as_bytes());
                    let _ = answer.flush();
                }
            }
        });
        Self {
            keys,
            screen,
            child,
        }
    }

    /// The shell, ready for a line.
    pub(super) fn shell(desk: &Desk, rows: u16, cols: u16, arguments: &[&str]) -> Self {
        let terminal = Self::open(desk, rows, cols, arguments);
        terminal.is_ready();
        terminal
    }

    #[track_caller]
    fn types(&self, text: &str) -> &Self {
        let mut keys = self.keys.lock().unwrap();
        keys.write_all(text.as_bytes()).unwrap();
        keys.flush().unwrap();
        drop(keys);
        self
    }

    fn contents(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits until the screen is as wanted, and returns it.
    #[track_caller]
    fn waits(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let contents = self.contents();
            if wanted(&contents) {
                return contents;
            }
            assert!(begun.elapsed() < PATIENCE, "{what}:\n{contents}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[track_caller]
    pub(super) fn shows(&self, expected: &str) -> String {
        self.waits(&format!("'{expected}' is not shown"), |contents| {
            contents.contains(expected)
        })
    }

    /// Types a line, and waits until the shell is ready for the next.
    #[track_caller]
    pub(super) fn says(&self, line: &str) -> &Self {
        self.types(line).types(ENTER);
        self.is_ready()
    }

    /// Waits until the last line of the screen is an empty prompt.
    #[track_caller]
    fn is_ready(&self) -> &Self {
        // What was typed shows before its answer does.
        std::thread::sleep(Duration::from_millis(150));
        self.waits("no prompt", |contents| {
            contents.trim_end().ends_with("dayrate>")
        });
        self
    }

    /// Quits the shell, which ends well.
    #[track_caller]
    pub(super) fn quits(mut self) {
        self.types("\\q").types(ENTER);
        assert!(self.child.wait().unwrap().success(), "{}", self.contents());
    }
}

#[test]
fn a_statement_takes_several_lines_and_is_remembered_in_the_next_run() {
    let desk = Desk::new();
    let shell = Terminal::shell(&desk, 30, 100, &[]);
    shell.types("SELECT 41 + 1").types(ENTER).shows("    ...> ");
    let text = shell.says("AS answer;").shows("1 row");
    assert!(text.contains("     42"), "{text}");
    shell.quits();
    let shell = Terminal::shell(&desk, 30, 100, &[]);
    shell.types(UP).types(UP).shows("AS answer;");
    shell.types(ENTER).is_ready().shows("1 row");
    // What begins with a space is not kept.
    shell.says(" SELECT 'secret';").shows("secret");
    shell.quits();
    // The history is in the user's state folder, for the user alone; nothing is in the folder that is worked in.
    assert_eq!(desk.files(), ["state"]);
    let history = desk.read("state/dayrate/history");
    assert!(
        history.contains("answer") && !history.contains("secret"),
        "{history}"
    );
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(desk.path("state/dayrate/history"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0);
}

#[test]
fn tab_completes_commands_functions_options_and_files() {
    let desk = Desk::new();
    desk.parquet("exports/messages.parquet", "SELECT 1 AS brand");
    let shell = Terminal::shell(&desk, 30, 100, &[]);
    shell.types("\\tim").types(TAB).shows("\\timing");
    shell.types(ENTER).is_ready().shows("timing is on");
    shell
        .types("SELECT local_day_s")
        .types(TAB)
        .shows("local_day_start(");
    shell.types(CTRL_C).is_ready();
    shell
        .types("SELECT 1 FROM dars(a, b, rela")
        .types(TAB)
        .shows("relationship =>");
    shell.types(CTRL_C).is_ready();
    shell
        .types("SELECT * FROM 'expo")
        .types(TAB)
        .shows("'exports/");
    shell
        .types("mess")
        .types(TAB)
        .shows("exports/messages.parquet");
    shell.says("';").shows("1 row in ");
    shell.quits();
}

#[test]
fn ctrl_c_cancels_the_query_or_the_line_and_keeps_the_shell() {
    let desk = Desk::new();
    let shell = Terminal::shell(&desk, 30, 100, &[]);
    // Its workers are deep in it, without a pause.
    let endless = "SELECT sum(a.value * b.value) FROM generate_series(1, 90000) a, generate_series(1, 900000) b;";
    shell.types(endless).types(ENTER);
    std::thread::sleep(Duration::from_millis(800));
    shell.types(CTRL_C).is_ready().shows("cancelled");
    shell.types("SELECT garbage").shows("garbage");
    shell.types(CTRL_C).is_ready();
    let text = shell.says("SELECT 6 * 7 AS answer;").shows("1 row");
    assert!(text.contains("     42"), "{text}");
    shell.quits();
}

#[test]
fn a_result_larger_than_the_screen_is_shortened_and_says_so() {
    let desk = Desk::new();
    let shell = Terminal::shell(&desk, 24, 60, &[]);
    let rows = "SELECT value FROM generate_series(1, 100);";
    let text = shell.says(rows).shows("18 of 100 rows are shown");
    assert!(text.contains("\\all shows everything"), "{text}");
    assert!(text.contains(" 18\n") && !text.contains(" 19\n"), "{text}");
    shell.says("\\all").shows("showing everything is on");
    shell.says(rows).shows("   100\n");
    shell.says("\\all").shows("showing everything is off");
    let wide = "SELECT 1 AS the_first_column, 2 AS the_second_column, 3 AS the_third_column, 4 AS the_last_column;";
    shell.says(wide).shows("3 of 4 columns");
    shell.says("\\x").shows("records is on");
    shell.says(wide).shows("the_third_column  │ 3");
    shell.quits();
    // The same on a terminal without the shell; a pipe gets everything.
    let terminal = Terminal::open(&desk, 24, 60, &["-c", rows]);
    terminal.shows("18 of 100 rows are shown");
    let piped = desk.run(&["-c", rows]);
    assert_eq!(piped.is_well().out.lines().count(), 102);
    assert_eq!(piped.err, "");
}

#[test]
fn an_error_points_at_the_place_and_names_what_was_meant() {
    let desk = Desk::new();
    let shell = Terminal::shell(&desk, 40, 100, &[]);
    let text = shell
        .says("SELECT valeu FROM generate_series(1, 3);")
        .shows("^^^^^");
    assert!(
        text.contains("there is no column 'valeu': did you mean 'value'?"),
        "{text}"
    );
    shell.says("\\formt csv").shows("did you mean '\\format'?");
    shell
        .says("SELECT locl_day(1, 2);")
        .shows("did you mean 'local_day'?");
    shell.quits();
}

#[test]
fn commands_of_the_shell() {
    let desk = Desk::new();
    let shell = Terminal::shell(&desk, 45, 110, &[]);
    shell.says("CREATE VIEW sites AS SELECT 'a' AS site_id, 1.50 AS price;");
    shell.says("\\d").shows("created here");
    shell.says("\\d sites").shows("DECIMAL(3,2)");
    shell.says("\\h local_day_end").shows("Arguments");
    shell.says("\\format csv");
    shell.says("SELECT 'x,y' AS t;").shows("\"x,y\"");
    shell.says("\\o rows.json").shows("'rows.json'");
    shell.says("SELECT 7 AS seven;").shows("1 row");
    shell
        .says("\\report monthly_credits ?")
        .shows("first day; all if not given");
    shell.says("\\?").shows("Ctrl-R searches the history");
    shell.quits();
    assert_eq!(desk.read("rows.json"), "[\n{\"seven\":7}\n]\n");
}

/// Progress shows while long work runs, says how far it is, and is gone afterwards.
#[test]
fn progress_comes_and_goes() {
    let desk = Desk::new();
    desk.parquet(
        "numbers.parquet",
        "SELECT value AS n FROM generate_series(1, 100000)",
    );
    let shell = Terminal::shell(&desk, 30, 120, &[]);
    let slow = "SELECT count(*) FROM 'numbers.parquet' a JOIN generate_series(1, 900000) b ON a.n % 7 < b.value % 7;";
    shell.types(slow).types(ENTER).shows("% of the files read");
    let text = shell.types(CTRL_C).is_ready().shows("cancelled");
    assert!(!text.contains("of the files read"), "{text}");
    shell.quits();
}

#[test]
fn colours_are_for_screens_that_want_them() {
    let desk = Desk::new();
    let chart = "SELECT 'web' AS channel, 3 AS dars UNION ALL SELECT 'sms', 1";
    let arguments = ["--format", "chart", "-c", chart];
    let terminal = Terminal::open(&desk, 24, 60, &arguments);
    terminal.shows("web");
    let coloured = {
        let parser = terminal.screen.lock().unwrap();
        let screen = parser.screen();
        let mut cells = (0..24).flat_map(|row| (0..60).map(move |col| (row, col)));
        cells.any(|(row, col)| {
            screen
                .cell(row, col)
                .is_some_and(|cell| cell.fgcolor() != vt100::Color::Default)
        })
    };
    assert!(coloured, "{}", terminal.contents());
    assert!(!desk.run(&arguments).is_well().out.contains('\x1b'));
}
