//! `dayrate init`: a commented `dayrate.toml` for the data files and folders of a folder.

use std::io::Write;
use std::path::Path;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::SessionState;

use super::args::Init;
use super::config::FILE_NAME;
use super::message;
use super::output::Output;
use crate::session::{self, Settings};
use crate::{error, lake};

/// The relations that reports read, what each one is, and the columns without which it is none of them.
const RELATIONS: [(&str, &str, &[&str]); 8] = [
    (
        "messages",
        "every message sent, by anyone",
        &["site_id", "conversation_id", "sent_at", "sent_by"],
    ),
    (
        "sites",
        "the organization and time zone of each site",
        &["site_id", "org_id", "time_zone"],
    ),
    (
        "feature_periods",
        "when Generative AI and Intent Analyzer were on",
        &["org_id", "feature", "enabled_from"],
    ),
    (
        "contracts",
        "terms, commitments and prices",
        &[
            "contract_id",
            "org_id",
            "term_start",
            "term_end",
            "currency",
            "committed_credits",
            "credit_price",
            "overage_price",
        ],
    ),
    (
        "price_tiers",
        "overage prices by volume",
        &["contract_id", "from_credits", "price"],
    ),
    (
        "channel_charges",
        "what providers charge for a channel or feature",
        &["org_id", "channel", "per", "price", "currency"],
    ),
    (
        "outcomes",
        "sales and support outcomes of conversations",
        &["conversation_id", "kind"],
    ),
    (
        "seats",
        "the price of seats, to compare with",
        &["org_id", "seats", "seat_price", "currency", "valid_from"],
    ),
];

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
    let (entries, unread) = entries(&ctx.state(), &given.folder).await?;
    let text = configuration(&entries, &unread);
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
    let found = matched(&entries)
        .into_iter()
        .filter(|entry| entry.is_some())
        .count();
    message::note(&format!(
        "{} names {found} of the relations that reports read. Look it over, then run: dayrate {}report monthly_credits",
        file.display(),
        if given.folder == Path::new(".") {
            String::new()
        } else {
            format!("--config {} ", file.display())
        }
    ));
    super::say(output, &format!("{}\n", file.display()))
}

/// What can be read, and what cannot with the reason, by name.
async fn entries(
    state: &SessionState,
    folder: &Path,
) -> Result<(Vec<Entry>, Vec<(String, DataFusionError)>)> {
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
    let (mut entries, mut unread) = (Vec::new(), Vec::new());
    for path in names {
        match lake::open(state, &folder.join(&path).to_string_lossy()).await {
            Ok(table) => entries.push(Entry {
                path,
                schema: table.schema(),
            }),
            Err(cause) => unread.push((path, cause)),
        }
    }
    Ok((entries, unread))
}

/// For each entry of [`RELATIONS`], the one that is it: by name and columns, or by columns alone.
fn matched(entries: &[Entry]) -> Vec<Option<usize>> {
    let fits = |entry: &Entry, columns: &[&str]| {
        columns
            .iter()
            .all(|column| entry.schema.index_of(column).is_ok())
    };
    let mut taken = vec![false; entries.len()];
    let mut matched = vec![None; RELATIONS.len()];
    for by_name in [true, false] {
        for (relation, (name, _, columns)) in RELATIONS.iter().enumerate() {
            if matched[relation].is_some() {
                continue;
            }
            let mut candidates = (0..entries.len()).filter(|at| {
                !taken[*at]
                    && fits(&entries[*at], columns)
                    && (!by_name || is_called(&entries[*at].path, name))
            });
            // Without a name to go by, two candidates are none: a person decides.
            let (first, second) = (candidates.next(), candidates.next());
            if let Some(at) = first.filter(|_| by_name || second.is_none()) {
                taken[at] = true;
                matched[relation] = Some(at);
            }
        }
    }
    matched
}

/// Whether a path carries the relation's name: `messages/`, `sites.parquet`, `messages_2026.parquet`.
fn is_called(path: &str, relation: &str) -> bool {
    let stem = path
        .trim_end_matches('/')
        .split('.')
        .next()
        .unwrap_or_default()
        .to_lowercase()
        .replace('-', "_");
    stem == relation
        || stem.starts_with(&format!("{relation}_"))
        || stem.ends_with(&format!("_{relation}"))
}

fn configuration(entries: &[Entry], unread: &[(String, DataFusionError)]) -> String {
    let mut text = String::from(
        "# What dayrate reads here. Paths start from this file. A relation is a file, a folder (read with all that is\n\
         # below it), a pattern such as \"exports/*/*.parquet\", or SQL over the others:\n\
         #   messages = { sql = \"SELECT *, 'web' AS channel FROM raw_messages\" }\n\
         [relations]\n",
    );
    let matched = matched(entries);
    for ((name, about, columns), at) in RELATIONS.iter().zip(&matched) {
        match at.and_then(|at| entries.get(at)) {
            Some(entry) => {
                text.push_str(&format!("{name} = {}  # {about}\n", quoted(&entry.path)));
            }
            None => text.push_str(&format!(
                "# {name} = \"…\"  # {about}; needs {}\n",
                columns.join(", ")
            )),
        }
    }
    for (at, entry) in entries.iter().enumerate() {
        if !matched.contains(&Some(at)) {
            let columns: Vec<&str> = entry
                .schema
                .fields()
                .iter()
                .map(|field| field.name().as_str())
                .collect();
            text.push_str(&format!(
                "\n# Also here: {}, with the columns {}",
                quoted(&entry.path),
                columns.join(", ")
            ));
        }
    }
    for (path, cause) in unread {
        let why = message::paragraph(cause).replace('\n', " ");
        text.push_str(&format!("\n# Not read: {}: {why}", quoted(path)));
    }
    if text.ends_with('\n') {
        text.push('\n')
    } else {
        text.push_str("\n\n")
    }
    text.push_str(OPTIONS);
    text
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    fn entry(path: &str, columns: &[&str]) -> Entry {
        let fields: Vec<Field> = columns
            .iter()
            .map(|name| Field::new(*name, DataType::Utf8View, true))
            .collect();
        Entry {
            path: path.to_owned(),
            schema: Arc::new(Schema::new(fields)),
        }
    }

    #[test]
    fn names_and_columns_both_count() {
        let entries = [
            entry(
                "conv/",
                &["site_id", "conversation_id", "sent_at", "sent_by"],
            ),
            entry("sites-2026.parquet", &["site_id", "org_id", "time_zone"]),
            entry("seats.parquet", &["org_id"]),
        ];
        let text = configuration(
            &entries,
            &[("notes.csv".to_owned(), error::config("no Parquet"))],
        );
        for expected in [
            "\nmessages = \"conv/\"",
            "\nsites = \"sites-2026.parquet\"",
            "\n# seats = ",
            "# Also here: \"seats.parquet\", with the columns org_id",
            "# Not read: \"notes.csv\": no Parquet",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        assert!(text.parse::<toml::Table>().is_ok(), "{text}");
    }

    #[test]
    fn two_candidates_without_a_name_are_left_to_a_person() {
        let columns = ["site_id", "org_id", "time_zone"];
        assert_eq!(
            matched(&[entry("a/", &columns), entry("b/", &columns)]),
            vec![None; RELATIONS.len()]
        );
    }
}
