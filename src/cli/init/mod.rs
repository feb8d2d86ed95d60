//! `dayrate init`: a commented `dayrate.toml` for the files and folders of a folder.
//!
//! What is one of our relations as it lies is named as that. What could become one gets a name of its own and a view
//! over it as a proposal, commented out: a person decides.

mod expression;
mod matching;
mod meanings;
mod proposal;
mod sample;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::error::{DataFusionError, Result};
use datafusion::prelude::SessionContext;

use self::matching::{likely, matched};
use super::args::Init;
use super::config::FILE_NAME;
use super::expected::RELATIONS;
use super::message;
use super::output::Output;
use crate::session::{self, Settings};
use crate::{error, lake, table};

const OPTIONS: &str = "\
# How the rules are read: defaults for the options of the functions (see: dayrate functions dars).
[options]
# relationship = \"consumer\"    # or \"conversation\"
# rejects = \"fail\"             # or \"skip\": rows that cannot be billed are left out

# Zone rules: the bundled release, or a folder of compiled zone files to reproduce an old bill.
# [zones]
# source = \"bundled\"
";

/// Something in the folder that can be read.
struct Entry {
    /// As it is written in the configuration.
    path: String,
    schema: SchemaRef,
}

impl Entry {
    /// The names of its columns, in order.
    fn names(&self) -> Vec<&str> {
        let fields = self.schema.fields().iter();
        fields.map(|field| field.name().as_str()).collect()
    }
}

/// A folder as it was found.
#[derive(Default)]
struct Found {
    entries: Vec<Entry>,
    tables: Vec<Arc<dyn TableProvider>>,
    /// What cannot be read, and why.
    unread: Vec<(String, DataFusionError)>,
}

/// Writes the file and says what it found.
///
/// # Errors
///
/// If there is one already, or the folder cannot be read.
pub(super) async fn run(given: &Init, output: &mut Output) -> Result<()> {
    let file = given.folder.join(FILE_NAME);
    let exists = || {
        error::config(format!(
            "'{}' is there already and stays as it is. Edit it, or move it away first",
            file.display()
        ))
    };
    if file.exists() {
        return Err(exists());
    }
    let ctx = session::open(Settings::default())?;
    let found = entries(&ctx, &given.folder).await?;
    if found.entries.is_empty() && found.unread.is_empty() {
        return Err(error::config(format!(
            "there is nothing to read in '{}': no data file, and no folder with one. Name the folder of your exports: \
             dayrate init FOLDER. To try dayrate without any: dayrate generate --messages 20000 --out year",
            given.folder.display()
        )));
    }
    let matches = matched(&found.entries);
    let (proposals, proposed) = proposals(&ctx, &found, &matches).await?;
    let text = configuration(&found, &matches, &proposals);
    // `create_new` keeps the promise even if somebody else writes the file in this moment.
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&file);
    match written.and_then(|mut out| out.write_all(text.as_bytes())) {
        Ok(()) => {}
        Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => return Err(exists()),
        Err(cause) => {
            return Err(error::config(format!(
                "'{}' cannot be written: {cause}",
                file.display()
            )));
        }
    }
    let named = matches.iter().flatten().count();
    let config = match given.folder == Path::new(".") {
        true => String::new(),
        false => format!("--config {} ", file.display()),
    };
    message::note(&format!(
        "{} names {named} of the relations that reports read{}. Look it over, then run: dayrate {config}doctor",
        file.display(),
        match proposed {
            0 => String::new(),
            1 => " and proposes 1 more".to_owned(),
            more => format!(" and proposes {more} more"),
        },
    ));
    super::say(output, &format!("{}\n", file.display()))
}

/// What can be read, and what cannot with the reason, by name.
async fn entries(ctx: &SessionContext, folder: &Path) -> Result<Found> {
    let unreadable = |cause| {
        error::config(format!(
            "the folder '{}' cannot be read: {cause}",
            folder.display()
        ))
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_folder = entry.path().is_dir();
        if !name.starts_with(['.', '_']) && (is_folder || lake::FileKind::is_data_file(&name)) {
            names.push(if is_folder { format!("{name}/") } else { name });
        }
    }
    names.sort();
    let mut found = Found::default();
    for path in names {
        match lake::open(&ctx.state(), &folder.join(&path).to_string_lossy()).await {
            Ok(table) => {
                found.entries.push(Entry {
                    path,
                    schema: table.schema(),
                });
                found.tables.push(table);
            }
            Err(cause) => found.unread.push((path, cause)),
        }
    }
    Ok(found)
}

/// Names for what is no relation as it lies, the views that would make it one, and how many those are.
async fn proposals(
    ctx: &SessionContext,
    found: &Found,
    matches: &[Option<usize>],
) -> Result<(String, usize)> {
    let likely = likely(&found.entries, matches);
    let (mut names, mut views, mut proposed) = (String::new(), String::new(), 0);
    let mut taken: Vec<String> = Vec::new();
    for (at, entry) in found.entries.iter().enumerate() {
        if matches.contains(&Some(at)) {
            continue;
        }
        let name = raw_name(&entry.path, &taken);
        taken.push(name.clone());
        let columns = entry.names().join(", ");
        names.push_str(&format!(
            "{name} = {}  # has {columns}\n",
            quoted(&entry.path)
        ));
        if let Some(relation) = likely.iter().position(|likely| *likely == Some(at)) {
            ctx.register_table(name.as_str(), Arc::clone(&found.tables[at]))?;
            let lines = proposal::lines(ctx, entry, &name, &RELATIONS[relation]).await;
            proposed += usize::from(lines.contains("\n#SELECT"));
            views.push_str(&lines);
        }
    }
    let text = match names.is_empty() {
        true => String::new(),
        false => format!("\n# Also here, by names of their own:\n{names}{views}"),
    };
    Ok((text, proposed))
}

/// A name for a file that is none of our relations: its own, unless that means something already.
fn raw_name(path: &str, taken: &[String]) -> String {
    let stem = path.trim_end_matches('/').split('.').next();
    let mut name: String = stem
        .unwrap_or_default()
        .to_lowercase()
        .chars()
        .map(|letter| match letter.is_ascii_alphanumeric() {
            true => letter,
            false => '_',
        })
        .collect();
    let means_something = RELATIONS.iter().any(|relation| relation.name == name)
        || table::find(&name).is_some()
        || !name.starts_with(|first: char| first.is_ascii_alphabetic());
    if means_something {
        name.insert_str(0, "raw_");
    }
    let mut number = 2;
    let first = name.clone();
    while taken.contains(&name) {
        name = format!("{first}_{number}");
        number += 1;
    }
    name
}

fn configuration(found: &Found, matches: &[Option<usize>], proposals: &str) -> String {
    let mut text = String::from(
        "# What dayrate reads here. Paths start from this file. A relation is a file, a folder (read with all that is\n\
         # below it), a pattern such as \"exports/*/*.parquet\", or SQL over the others:\n\
         #   messages = { sql = \"SELECT *, 'web' AS channel FROM raw_messages\" }\n\
         [relations]\n",
    );
    for (relation, at) in RELATIONS.iter().zip(matches) {
        let (name, about) = (relation.name, relation.about);
        match at.and_then(|at| found.entries.get(at)) {
            Some(entry) => {
                text.push_str(&format!("{name} = {}  # {about}\n", quoted(&entry.path)));
            }
            None => {
                let needed: Vec<&str> = relation.required().map(|column| column.name).collect();
                text.push_str(&format!(
                    "# {name} = \"…\"  # {about}; needs {}\n",
                    needed.join(", ")
                ));
            }
        }
    }
    text.push_str(proposals);
    for (path, cause) in &found.unread {
        let why = message::paragraph(cause).replace('\n', " ");
        text.push_str(&format!("\n# Not read: {}: {why}\n", quoted(path)));
    }
    text.push('\n');
    text.push_str(OPTIONS);
    text
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use datafusion::arrow::datatypes::{Field, Schema};

    use super::*;
    use crate::cli::expected::{ExpectedRelation, Holds};
    use datafusion::arrow::datatypes::{DataType, TimeUnit};

    /// An entry with the columns of a relation that are required, or with others.
    fn entry(path: &str, relation: &str, others: &[&str]) -> Entry {
        let known = ExpectedRelation::named(relation);
        let typed = known.iter().flat_map(|relation| relation.required());
        let typed = typed.map(|column| {
            let data_type = match column.holds {
                Holds::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
                Holds::Day => DataType::Date32,
                Holds::Exact => DataType::Decimal128(18, 4),
                _ => DataType::Utf8View,
            };
            Field::new(column.name, data_type, true)
        });
        let others = others
            .iter()
            .map(|name| Field::new(*name, DataType::Utf8View, true));
        Entry {
            path: path.to_owned(),
            schema: Arc::new(Schema::new(typed.chain(others).collect::<Vec<_>>())),
        }
    }

    #[test]
    fn names_and_columns_both_count() {
        let found = Found {
            entries: vec![
                entry("conv/", "messages", &[]),
                entry("sites-2026.parquet", "sites", &[]),
                entry("seats.parquet", "", &["org_id"]),
            ],
            tables: Vec::new(),
            unread: vec![("notes.csv".to_owned(), error::config("no Parquet"))],
        };
        let text = configuration(&found, &matched(&found.entries), "");
        for expected in [
            "\nmessages = \"conv/\"",
            "\nsites = \"sites-2026.parquet\"",
            "\n# seats = ",
            "# Not read: \"notes.csv\": no Parquet",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        assert!(text.parse::<toml::Table>().is_ok(), "{text}");
    }

    #[test]
    fn two_candidates_without_a_name_are_left_to_a_person() {
        assert_eq!(
            matched(&[entry("a/", "sites", &[]), entry("b/", "sites", &[])]),
            vec![None; RELATIONS.len()]
        );
    }

    #[test]
    fn a_name_that_means_something_is_not_given_away() {
        assert_eq!(
            raw_name("Chat Export-2026.parquet", &[]),
            "chat_export_2026"
        );
        assert_eq!(raw_name("messages/", &[]), "raw_messages");
        assert_eq!(raw_name("2026/", &[]), "raw_2026");
        assert_eq!(raw_name("a.parquet", &["a".to_owned()]), "a_2");
    }

    #[tokio::test]
    async fn every_file_of_our_own_names_is_taken_as_it_lies() {
        let ctx = session::open(Settings::default()).unwrap();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/generated");
        let found = entries(&ctx, Path::new(folder)).await.unwrap();
        assert!(matched(&found.entries).iter().all(Option::is_some));
    }
}
