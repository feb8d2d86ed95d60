//! `dayrate.toml`: which files are which relation, and how the rules are read.

mod columns;
mod stores;

use std::path::{Path, PathBuf};

use datafusion::error::{DataFusionError, Result};
use datafusion::prelude::SessionContext;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::args::SessionArguments;
#[cfg(feature = "cluster")]
use crate::cluster::Part;
use crate::error;
use crate::lake::delta::Moment;
use crate::lake::relations::Relation;
use crate::lake::{FileKind, Source};
use crate::session::{self, Settings};

/// The name that is looked for.
pub(super) const FILE_NAME: &str = "dayrate.toml";

/// Whether a configuration that was not named is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Discovery {
    On,
    Off,
}

/// A session with what the configuration and the arguments say; the arguments win.
pub(super) fn session(
    arguments: &SessionArguments,
    discovery: Discovery,
) -> Result<SessionContext> {
    session::open(settings(arguments, discovery)?)
}

/// What the configuration and the arguments say; the arguments win.
pub(super) fn settings(arguments: &SessionArguments, discovery: Discovery) -> Result<Settings> {
    let file = match discovery {
        Discovery::On => found(arguments),
        Discovery::Off => arguments.config.clone(),
    };
    let mut settings = match file {
        Some(file) => read(&file)?,
        None => Settings::default(),
    };
    settings.threads = arguments.threads.map(Into::into);
    settings.memory_limit = arguments.memory_limit;
    for (name, location) in &arguments.relations {
        settings.relations.retain(|(known, _)| known != name);
        let source = Source {
            location: location.clone(),
            ..Source::default()
        };
        settings
            .relations
            .push((name.clone(), Relation::Files(source)));
    }
    #[cfg(feature = "delta")]
    if let Some(location) = &arguments.dar_table {
        settings.dar_table = Some(location.clone());
    }
    #[cfg(feature = "cluster")]
    if let Some(address) = &arguments.cluster {
        settings.part = Some(Part::Client(address.clone()));
    }
    Ok(settings)
}

/// The configuration that is read: the one named, or the one found.
pub(super) fn found(arguments: &SessionArguments) -> Option<PathBuf> {
    arguments.config.clone().or_else(discovered)
}

/// The `dayrate.toml` of this folder, or of the nearest one above that has one.
fn discovered() -> Option<PathBuf> {
    let here = PathBuf::from(FILE_NAME);
    if here.is_file() {
        return Some(here);
    }
    let folder = std::env::current_dir().ok()?;
    folder
        .ancestors()
        .skip(1)
        .map(|folder| folder.join(FILE_NAME))
        .find(|file| file.is_file())
}

/// The settings that a file holds.
///
/// # Errors
///
/// If it cannot be read or has a key or a value that means nothing: the error names the line.
fn read(path: &Path) -> Result<Settings> {
    let text = std::fs::read_to_string(path).map_err(|cause| {
        error::config(format!(
            "the configuration '{}' cannot be read: {cause}",
            path.display()
        ))
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    File {
        path,
        text: &text,
        folder,
    }
    .settings()
}

/// What can be said about a relation.
const RELATION_KEYS: [&str; 6] = ["path", "sql", "format", "columns", "version", "timestamp"];

/// The formats that a relation can have.
fn formats() -> Vec<&'static str> {
    FileKind::NAMES.into_iter().chain(["delta"]).collect()
}

/// A configuration that is being read.
struct File<'a> {
    path: &'a Path,
    text: &'a str,
    /// What its paths start from.
    folder: &'a Path,
}

type Value<'i> = Spanned<DeValue<'i>>;

impl File<'_> {
    fn settings(&self) -> Result<Settings> {
        let root = DeTable::parse(self.text).map_err(|cause| {
            self.fault(cause.span().map_or(0, |span| span.start), cause.message())
        })?;
        let mut settings = Settings::default();
        for (key, value) in root.get_ref() {
            let table = || {
                let wrong = || {
                    self.fault(
                        value.span().start,
                        &format!("'{}' must be a section: [{0}]", key.get_ref()),
                    )
                };
                value.get_ref().as_table().ok_or_else(wrong)
            };
            match key.get_ref().as_ref() {
                "relations" => {
                    for (name, value) in table()? {
                        settings.relations.push((
                            name.get_ref().to_string(),
                            self.relation(name.get_ref(), value)?,
                        ));
                    }
                }
                "options" => {
                    for (name, value) in table()? {
                        settings
                            .options
                            .push((name.get_ref().to_string(), self.option(value)?));
                    }
                }
                "zones" => settings.zone_folder = self.zones(table()?)?,
                "stores" => {
                    for (heading, value) in table()? {
                        self.store(&mut settings, heading, value)?;
                    }
                }
                "dar_table" => settings.dar_table = Some(self.dar_table(value, table()?)?),
                _ => {
                    let known = ["relations", "options", "zones", "stores", "dar_table"];
                    return Err(self.unknown(key, &known));
                }
            }
        }
        Ok(settings)
    }

    fn relation(&self, name: &str, value: &Value<'_>) -> Result<Relation> {
        match value.get_ref() {
            DeValue::String(location) => {
                Ok(Relation::Files(Source { location: self.place(location), ..Source::default() }))
            }
            DeValue::Table(table) => self.relation_of(name, value, table),
            _ => Err(self.fault(
                value.span().start,
                &format!("the relation '{name}' must be a path, or a table with 'path' or 'sql': {name} = \"exports/{name}\""),
            )),
        }
    }

    fn relation_of(&self, name: &str, value: &Value<'_>, table: &DeTable<'_>) -> Result<Relation> {
        let mut source = Source::default();
        let (mut path, mut query) = (None, None);
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "path" => path = Some(self.text(value)?),
                "sql" => query = Some(self.text(value)?),
                "format" if value.get_ref().as_str() == Some("delta") => source.is_delta = true,
                "format" => {
                    let text = self.text(value)?;
                    let wrong = || {
                        self.fault(
                            value.span().start,
                            &error::unknown("format", text, &formats()),
                        )
                    };
                    source.format = Some(FileKind::named(text).ok_or_else(wrong)?);
                }
                "columns" => source.columns = self.columns(value)?,
                "version" | "timestamp" if source.moment.is_some() => {
                    return Err(self.fault(
                        key.span().start,
                        "'version' and 'timestamp' both say which state of a Delta table is meant: write one of them",
                    ));
                }
                "version" => source.moment = Some(self.version(value)?),
                "timestamp" => source.moment = Some(self.timestamp(value)?),
                _ => return Err(self.unknown(key, &RELATION_KEYS)),
            }
        }
        match (path, query) {
            (Some(path), None) => {
                source.location = self.place(path);
                Ok(Relation::Files(source))
            }
            (None, Some(query)) if table.len() == 1 => Ok(Relation::Query(query.to_owned())),
            _ => Err(self.fault(
                value.span().start,
                &format!("the relation '{name}' needs either 'path' (with 'format', 'columns', 'version' or 'timestamp' if wanted) or 'sql' alone"),
            )),
        }
    }

    fn version(&self, value: &Value<'_>) -> Result<Moment> {
        let number = match value.get_ref() {
            DeValue::Integer(number) => number.as_str().parse().ok(),
            _ => None,
        };
        number.map(Moment::Version).ok_or_else(|| {
            self.fault(
                value.span().start,
                "'version' is the number of a commit, counted from 0",
            )
        })
    }

    fn timestamp(&self, value: &Value<'_>) -> Result<Moment> {
        // TOML has instants of its own: timestamp = 2026-11-01T00:00:00Z
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Datetime(time) => time.to_string(),
            _ => String::new(),
        };
        text.parse().map(Moment::At).map_err(|_| {
            self.fault(
                value.span().start,
                "'timestamp' is an instant with its zone, such as \"2026-11-01T00:00:00Z\"",
            )
        })
    }

    /// An option as `SET` would take it. A number keeps the digits that were written.
    fn option(&self, value: &Value<'_>) -> Result<String> {
        match value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            DeValue::Integer(number) => Ok(number.as_str().to_owned()),
            DeValue::Float(number) => Ok(number.as_str().to_owned()),
            DeValue::Boolean(flag) => Ok(flag.to_string()),
            _ => Err(self.fault(
                value.span().start,
                "an option is a text, a number, true or false",
            )),
        }
    }

    fn zones(&self, table: &DeTable<'_>) -> Result<Option<PathBuf>> {
        let mut folder = None;
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "source" => {
                    let source = self.text(value)?;
                    folder = (source != "bundled").then(|| PathBuf::from(self.place(source)));
                }
                _ => return Err(self.unknown(key, &["source"])),
            }
        }
        Ok(folder)
    }

    fn dar_table(&self, value: &Value<'_>, table: &DeTable<'_>) -> Result<String> {
        if cfg!(not(feature = "delta")) {
            let text =
                "this dayrate was built without Delta tables: build it with the feature 'delta'";
            return Err(self.fault(value.span().start, text));
        }
        let mut path = None;
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "path" => path = Some(self.place(self.text(value)?)),
                _ => return Err(self.unknown(key, &["path"])),
            }
        }
        let missing = "[dar_table] needs 'path': the folder of the table";
        path.ok_or_else(|| self.fault(value.span().start, missing))
    }

    fn text<'v>(&self, value: &'v Value<'_>) -> Result<&'v str> {
        value
            .get_ref()
            .as_str()
            .ok_or_else(|| self.fault(value.span().start, "a text in quotes is expected"))
    }

    /// A path starts from the folder of the file, wherever the tool is run.
    fn place(&self, location: &str) -> String {
        if location.contains("://")
            || Path::new(location).is_absolute()
            || self.folder.as_os_str().is_empty()
        {
            return location.to_owned();
        }
        self.folder.join(location).to_string_lossy().into_owned()
    }

    fn unknown(&self, key: &Spanned<impl AsRef<str>>, known: &[&str]) -> DataFusionError {
        self.fault(
            key.span().start,
            &error::unknown("key", key.get_ref().as_ref(), known),
        )
    }

    fn fault(&self, at: usize, text: &str) -> DataFusionError {
        let line = self
            .text
            .get(..at)
            .map_or(1, |before| before.matches('\n').count() + 1);
        error::config(format!("{}, line {line}: {text}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "a test may")]
    use super::*;

    fn settings(text: &str) -> Result<Settings> {
        File {
            path: Path::new("conf/dayrate.toml"),
            text,
            folder: Path::new("conf"),
        }
        .settings()
    }

    #[test]
    fn paths_start_from_the_file() {
        let settings = settings(
            "[relations]\nmessages = \"exports/*/m.parquet\"\nsites = { path = \"/s.parquet\" }\n\
             small = { sql = \"SELECT 1\" }\n[options]\nrelationship = \"conversation\"\ngrowth = 1.20\n\
             [zones]\nsource = \"bundled\"\n",
        )
        .unwrap();
        let locations: Vec<_> = settings
            .relations
            .iter()
            .map(|(name, relation)| match relation {
                Relation::Files(source) => (name.as_str(), source.location.as_str()),
                Relation::Query(query) => (name.as_str(), query.as_str()),
            })
            .collect();
        assert_eq!(
            locations,
            [
                ("messages", "conf/exports/*/m.parquet"),
                ("sites", "/s.parquet"),
                ("small", "SELECT 1")
            ]
        );
        assert!(
            settings
                .options
                .contains(&("growth".to_owned(), "1.20".to_owned()))
        );
        assert_eq!(settings.zone_folder, None);
    }

    #[test]
    fn a_mistake_names_its_line_and_the_nearest_right_word() {
        for (text, expected) in [
            (
                "[relations]\n\n[optoins]\n",
                "line 3: unknown key 'optoins': did you mean 'options'?",
            ),
            (
                "[relations]\nm = { pth = \"x\" }",
                "line 2: unknown key 'pth': did you mean 'path'?",
            ),
            (
                "[relations]\nm = 3",
                "line 2: the relation 'm' must be a path",
            ),
            (
                "[relations]\nm = { path = \"x\", sql = \"SELECT 1\" }",
                "needs either 'path'",
            ),
            (
                "[relations]\nm = { path = \"x\", columns = { day = \"DAT\" } }",
                "'DAT' is no type",
            ),
            ("[relations\n", "line 1"),
        ] {
            let Err(cause) = settings(text) else {
                panic!("{text} was taken")
            };
            assert!(cause.to_string().contains(expected), "{cause}");
        }
    }
}
