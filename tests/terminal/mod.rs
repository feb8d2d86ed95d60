//! The tool at a real terminal: what a person types, and what the screen then shows.
//!
//! A pseudo-terminal stands in for the real one, and an emulator for its screen. It answers where the cursor is, as a
//! terminal does when the editor asks.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::Desk;

/// How long a test waits for a screen, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(60);

const ENTER: &str = "\r";
const CTRL_C: &str = "\x03";
const UP: &str = "\x1b[A";
const TAB: &str = "\t";

type Keys = Arc<Mutex<Box<dyn Write + Send>>>;

struct Terminal {
    keys: Keys,
    screen: Arc<Mutex<vt100::Parser>>,
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    /// The tool in a folder of its own, with its state in the folder `state` of it.
    fn open(desk: &Desk, rows: u16, cols: u16, arguments: &[&str]) -> Self {
        let size = PtySize {
            rows,
            cols,
            ..PtySize::default()
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_dayrate"));
        command.args(arguments);
        command.cwd(desk.path("."));
        command.env("TERM", "xterm-256color");
        command.env("XDG_STATE_HOME", desk.path("state"));
        command.env_remove("NO_COLOR");
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let keys: Keys = Arc::new(Mutex::new(pair.master.take_writer().unwrap()));
        let screen = Arc::new(Mutex::new(vt100::Parser::new(rows, cols, 0)));
        let mut from = pair.master.try_clone_reader().unwrap();
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
                    answer.write_all(place.as_bytes()).unwrap();
                    answer.flush().unwrap();
                }
            }
        });
        Self {
            keys,
            screen,
            child,
            _master: pair.master,
        }
    }

    /// The shell, ready for a line.
    fn shell(desk: &Desk, rows: u16, cols: u16, arguments: &[&str]) -> Self {
        let terminal = Self::open(desk, rows, cols, arguments);
        terminal.shows("dayrate> ");
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
    fn shows(&self, expected: &str) -> String {
        self.waits(&format!("'{expected}' is not shown"), |contents| {
            contents.contains(expected)
        })
    }

    /// Quits the shell, which ends well.
    #[track_caller]
    fn quits(mut self) {
        self.types("\\q").types(ENTER);
        assert!(self.child.wait().unwrap().success(), "{}", self.contents());
    }
}

#[test]
fn a_statement_takes_several_lines_and_is_remembered_in_the_next_run() {
    let desk = Desk::new();
    let shell = Terminal::shell(&desk, 30, 100, &[]);
    shell.types("SELECT 41 + 1").types(ENTER).shows("    ...> ");
    shell.types("AS answer;").types(ENTER).shows("1 row");
    assert!(shell.contents().contains("     42"), "{}", shell.contents());
    shell.quits();
    let shell = Terminal::shell(&desk, 30, 100, &[]);
    shell.types(UP).types(UP).shows("AS answer;");
    shell.types(ENTER).shows("1 row");
    // What begins with a space is not kept.
    shell
        .types(" SELECT 'secret';")
        .types(ENTER)
        .shows("secret");
    shell.quits();
    // The history is in the user's state folder, for the user alone, and nothing is in the folder that is worked in.
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
    shell.types(ENTER).shows("timing is on");
    shell
        .types("SELECT local_day_s")
        .types(TAB)
        .shows("local_day_start(");
    shell.types(CTRL_C);
    shell
        .types("SELECT 1 FROM dars(a, b, rela")
        .types(TAB)
        .shows("relationship =>");
    shell.types(CTRL_C);
    shell.types("SELECT bra").types(CTRL_C);
    shell
        .types("SELECT * FROM 'expo")
        .types(TAB)
        .shows("'exports/");
    shell
        .types("mess")
        .types(TAB)
        .shows("exports/messages.parquet");
    shell.types("';").types(ENTER).shows("1 row in ");
    shell.quits();
}

#[test]
fn ctrl_c_cancels_the_query_or_the_line_and_keeps_the_shell() {
    let desk = Desk::new();
    let shell = Terminal::shell(&desk, 30, 100, &[]);
    shell
        .types("SELECT sum(a.value * b.value) FROM generate_series(1, 9000000) a, generate_series(1, 9000000) b;")
        .types(ENTER);
    std::thread::sleep(Duration::from_millis(800));
    shell.types(CTRL_C).shows("cancelled");
    shell.types("SELECT garbage").shows("garbage");
    shell.types(CTRL_C);
    shell
        .types("SELECT 6 * 7 AS answer;")
        .types(ENTER)
        .shows("1 row");
    shell.quits();
}

#[test]
fn a_result_larger_than_the_screen_is_shortened_and_says_so() {
    let desk = Desk::new();
    let shell = Terminal::shell(&desk, 24, 60, &[]);
    let rows = "SELECT value FROM generate_series(1, 100);";
    shell
        .types(rows)
        .types(ENTER)
        .shows("18 of 100 rows are shown");
    let text = shell.shows("\\all shows everything");
    assert!(text.contains(" 18\n") && !text.contains(" 19\n"), "{text}");
    shell
        .types("\\all")
        .types(ENTER)
        .shows("showing everything is on");
    shell.types(rows).types(ENTER).shows("   100\n");
    shell
        .types("\\all")
        .types(ENTER)
        .shows("showing everything is off");
    let wide = "SELECT 1 AS the_first_column, 2 AS the_second_column, 3 AS the_third_column, 4 AS the_last_column;";
    shell.types(wide).types(ENTER).shows("2 of 4 columns");
    shell.types("\\x").types(ENTER).shows("records is on");
    shell
        .types(wide)
        .types(ENTER)
        .shows("the_third_column  │ 3");
    shell.quits();
    // The same on a terminal without the shell; `less` and files get everything.
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
    shell
        .types("SELECT valeu FROM generate_series(1, 3);")
        .types(ENTER);
    let text = shell.shows("^^^^^");
    assert!(
        text.contains("there is no column 'valeu': did you mean 'value'?"),
        "{text}"
    );
    shell
        .types("\\formt csv")
        .types(ENTER)
        .shows("did you mean '\\format'?");
    shell
        .types("SELECT locl_day(1, 2);")
        .types(ENTER)
        .shows("did you mean 'local_day'?");
    shell.quits();
}

#[test]
fn commands_of_the_shell() {
    let desk = Desk::new();
    let shell = Terminal::shell(&desk, 45, 110, &[]);
    shell
        .types("CREATE VIEW sites AS SELECT 'a' AS site_id, 1.50 AS price;")
        .types(ENTER);
    shell.types("\\d").types(ENTER).shows("created here");
    shell.types("\\d sites").types(ENTER).shows("DECIMAL(3,2)");
    shell
        .types("\\h local_day_end")
        .types(ENTER)
        .shows("Arguments");
    shell.types("\\format csv").types(ENTER);
    shell
        .types("SELECT 'x,y' AS t;")
        .types(ENTER)
        .shows("\"x,y\"");
    shell
        .types("\\o rows.json")
        .types(ENTER)
        .shows("'rows.json'");
    shell
        .types("SELECT 7 AS seven;")
        .types(ENTER)
        .shows("1 row");
    shell
        .types("\\report monthly_credits ?")
        .types(ENTER)
        .shows("first day; all if not given");
    shell
        .types("\\?")
        .types(ENTER)
        .shows("Ctrl-R searches the history");
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
    let shell = Terminal::shell(&desk, 30, 100, &[]);
    let slow = "SELECT count(*) FROM 'numbers.parquet' a JOIN generate_series(1, 9000000) b ON a.n % 7 < b.value % 7;";
    shell.types(slow).types(ENTER).shows("% of the files read");
    shell.types(CTRL_C).shows("cancelled");
    assert!(
        !shell.contents().contains("of the files read"),
        "{}",
        shell.contents()
    );
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
        (0..60).any(|col| {
            (0..24).any(|row| {
                screen
                    .cell(row, col)
                    .is_some_and(|cell| cell.fgcolor() != vt100::Color::Default)
            })
        })
    };
    assert!(coloured, "{}", terminal.contents());
    assert!(!desk.run(&arguments).is_well().out.contains('\x1b'));
}
