//! The README and the walkthrough are true: their commands run and print what they show, and the README's table of
//! functions is the functions' own.

use std::path::Path;
use std::process::Command;

use super::Answer;

fn document(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The fenced blocks in order: what follows the fence, and the text.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((language.to_owned(), body.join("\n")));
        }
    }
    blocks
}

/// Every `sh` block runs, in a copy of what a clone has, and what follows the five fields of a line of `cron`; a `text`
/// block right behind it is what it prints.
#[track_caller]
fn runs(path: &str) -> usize {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let desk = super::Desk::new();
    std::os::unix::fs::symlink(root.join("testdata"), desk.path("testdata")).unwrap();
    let tools = super::Desk::new();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_dayrate"), tools.path("dayrate")).unwrap();
    let search = std::env::var("PATH").unwrap();
    let search = format!("{}:{search}", tools.path("").display());
    let blocks = blocks(&document(path));
    let mut ran = 0;
    for (place, (language, command)) in blocks.iter().enumerate() {
        let script = match language.as_str() {
            "sh" => command.clone(),
            "cron" => command.splitn(6, ' ').last().unwrap().to_owned(),
            _ => continue,
        };
        let mut shell = Command::new("sh");
        let answer = Answer::of(
            shell
                .current_dir(desk.path("."))
                .env("PATH", &search)
                .arg("-c")
                .arg(script)
                .output()
                .unwrap(),
        );
        assert_eq!(answer.code, 0, "{command}\n{}", answer.err);
        if let Some((next, shown)) = blocks.get(place + 1)
            && next == "text"
        {
            let printed: Vec<&str> = answer.out.lines().map(str::trim_end).collect();
            assert_eq!(printed.join("\n"), *shown, "{command}");
        }
        ran += 1;
    }
    ran
}

#[test]
fn the_examples_of_the_readme_run() {
    let ran = runs("README.md");
    assert!(ran >= 4, "only {ran} examples were found");
}

/// Each command of the walkthrough that prints something is followed by what it prints.
#[test]
fn the_walkthrough_prints_what_it_shows() {
    let ran = runs("examples/walkthrough.md");
    assert!(ran >= 14, "only {ran} examples were found");
    let blocks = blocks(&document("examples/walkthrough.md"));
    let shown = blocks.iter().filter(|(language, _)| language == "text");
    assert_eq!(shown.count(), ran - 1);
}

#[test]
fn the_table_of_functions_is_their_own() {
    let tool = env!("CARGO_BIN_EXE_dayrate");
    let mut command = Command::new(tool);
    let answer = Answer::of(
        command
            .args(["functions", "--format", "markdown"])
            .output()
            .unwrap(),
    );
    let readme = document("README.md");
    let (_, behind) = readme.split_once("<!-- functions -->\n").unwrap();
    let (table, _) = behind.split_once("<!-- /functions -->").unwrap();
    assert_eq!(table, answer.out);
}

/// Every function of ours is documented, and has SQL tests in a file of its name.
#[test]
fn every_function_is_documented_and_tested() {
    let tool = env!("CARGO_BIN_EXE_dayrate");
    let listed = Answer::of(Command::new(tool).arg("functions").output().unwrap());
    let names = listed
        .out
        .lines()
        .filter_map(|line| line.trim().split_once('(').map(|(name, _)| name));
    let names: Vec<&str> = names.filter(|name| !name.contains(' ')).collect();
    assert!(names.len() >= 13, "{names:?}");
    for name in names {
        let file = format!("tests/sql/{name}.slt");
        assert!(
            Path::new(env!("CARGO_MANIFEST_DIR")).join(&file).is_file(),
            "{file} is missing"
        );
        let page = Answer::of(
            Command::new(tool)
                .args(["functions", name])
                .output()
                .unwrap(),
        );
        assert!(
            page.out.contains("Example"),
            "{name} shows no example:\n{}",
            page.out
        );
    }
}
