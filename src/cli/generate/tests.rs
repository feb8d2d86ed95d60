//! The data set as a whole: what is asked for is there, twice the same, and nothing half-written stays.
#![expect(clippy::unwrap_used, reason = "a test may")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use arrow::array::{Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, TimeUnit};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;

fn arguments(messages: u64, out: &Path) -> GenerateArgs {
    GenerateArgs {
        messages,
        seed: 7,
        out: out.to_path_buf(),
    }
}

/// Every file below `folder`, by its path in it.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(
                    path.strip_prefix(folder).unwrap().to_path_buf(),
                    fs::read(&path).unwrap(),
                );
            }
        }
    }
    found
}

fn read(file: &Path) -> Vec<RecordBatch> {
    let file = fs::File::open(file).unwrap();
    ParquetRecordBatchReaderBuilder::try_new(file)
        .unwrap()
        .build()
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

fn months(folder: &Path) -> Vec<PathBuf> {
    (1..=12)
        .map(|month| folder.join(format!("messages/month=2025-{month:02}/part-0.parquet")))
        .collect()
}

#[test]
fn the_same_numbers_give_the_same_bytes() {
    let scratch = tempfile::tempdir().unwrap();
    let (first, second) = (
        scratch.path().join("a/first"),
        scratch.path().join("second"),
    );
    let summary = generate(&arguments(3000, &first), &mut |_| ()).unwrap();
    generate(&arguments(3000, &second), &mut |_| ()).unwrap();
    assert_eq!((summary.messages, summary.sites), (3000, 200));

    let files = files(&first);
    assert!(files == self::files(&second), "two runs differ");
    let names: Vec<_> = files
        .keys()
        .filter(|name| name.components().count() == 1)
        .collect();
    let expected = [
        "channel_charges.parquet",
        "contracts.parquet",
        "dayrate.toml",
        "feature_periods.parquet",
        "outcomes.parquet",
        "price_tiers.parquet",
        "seats.parquet",
        "sites.parquet",
    ];
    assert_eq!(
        names,
        expected
            .iter()
            .map(PathBuf::from)
            .collect::<Vec<_>>()
            .iter()
            .collect::<Vec<_>>()
    );
    // Only what was asked for: no partial folder stays beside it.
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 2);
}

#[test]
fn the_committed_data_is_what_the_command_gives() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/generated");
    let scratch = tempfile::tempdir().unwrap();
    let out = scratch.path().join("generated");
    generate(&arguments(20_000, &out), &mut |_| ()).unwrap();

    let (committed_files, files) = (files(&committed), files(&out));
    assert_eq!(
        committed_files.keys().collect::<Vec<_>>(),
        files.keys().collect::<Vec<_>>()
    );
    for (name, bytes) in files {
        // Rows, not bytes: a newer Parquet writer may pack the same rows differently.
        let same = match name.extension().is_some_and(|kind| kind == "parquet") {
            true => read(&committed.join(&name)) == read(&out.join(&name)),
            false => committed_files.get(&name) == Some(&bytes),
        };
        assert!(
            same,
            "{} differs: run `dayrate generate --messages 20000 --seed 7` anew",
            name.display()
        );
    }
}

#[test]
fn messages_are_complete_ordered_and_plainly_typed() {
    let scratch = tempfile::tempdir().unwrap();
    let out = scratch.path().join("out");
    generate(&arguments(2500, &out), &mut |_| ()).unwrap();

    let (mut rows, mut last, mut ids) = (0, i64::MIN, BTreeSet::new());
    for batch in months(&out).iter().flat_map(|file| read(file)) {
        let schema = batch.schema();
        let names: Vec<&str> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        assert_eq!(
            names,
            [
                "site_id",
                "conversation_id",
                "sent_at",
                "sent_by",
                "consumer_id",
                "message_id",
                "audience",
                "channel",
                "intent_analyzer",
                "queue"
            ]
        );
        for field in schema.fields() {
            let expected = match field.name().as_str() {
                "sent_at" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
                "intent_analyzer" => DataType::Boolean,
                _ => DataType::Utf8,
            };
            assert_eq!(field.data_type(), &expected, "{}", field.name());
        }
        let sent_at = batch
            .column(2)
            .as_any()
            .downcast_ref::<TimestampMicrosecondArray>()
            .unwrap();
        for at in sent_at.values() {
            assert!(*at >= last);
            last = *at;
        }
        let message_id = batch
            .column(5)
            .as_any()
            .downcast_ref::<StringArray>()
            .unwrap();
        ids.extend(message_id.iter().map(|id| id.unwrap().to_owned()));
        rows += batch.num_rows();
    }
    assert_eq!((rows, ids.len()), (2500, 2500));
}

#[test]
fn a_consumer_is_named_wherever_it_wrote_and_not_everywhere_else() {
    let scratch = tempfile::tempdir().unwrap();
    let out = scratch.path().join("out");
    generate(&arguments(2500, &out), &mut |_| ()).unwrap();

    let (mut brand, mut unnamed) = (0, 0);
    for batch in months(&out).iter().flat_map(|file| read(file)) {
        let sent_by = batch
            .column(3)
            .as_any()
            .downcast_ref::<StringArray>()
            .unwrap();
        for row in 0..batch.num_rows() {
            let named = batch.column(4).is_valid(row);
            if sent_by.value(row) == "consumer" {
                assert!(named);
            } else {
                brand += 1;
                unnamed += usize::from(!named);
            }
        }
    }
    assert!(
        (300..500).contains(&(unnamed * 1000 / brand)),
        "{unnamed} of {brand}"
    );
}

#[test]
fn a_single_message_is_a_data_set_too() {
    let scratch = tempfile::tempdir().unwrap();
    let out = scratch.path().join("out");
    fs::create_dir(&out).unwrap();
    let summary = generate(&arguments(1, &out), &mut |_| ()).unwrap();
    assert_eq!((summary.messages, summary.conversations), (1, 1));
    assert!(out.join("outcomes.parquet").exists());
}

#[test]
fn a_folder_in_use_is_left_alone() {
    let scratch = tempfile::tempdir().unwrap();
    fs::write(scratch.path().join("mine.txt"), "mine").unwrap();
    let error = generate(&arguments(10, scratch.path()), &mut |_| ())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("is not empty") && error.contains("choose another --out"),
        "{error}"
    );
    assert_eq!(files(scratch.path()).len(), 1);

    let error = generate(&arguments(10, Path::new("..")), &mut |_| ())
        .unwrap_err()
        .to_string();
    assert!(error.contains("has no name of its own"), "{error}");
    let error = generate(
        &arguments(10, &scratch.path().join("mine.txt")),
        &mut |_| (),
    )
    .unwrap_err()
    .to_string();
    assert!(error.contains("cannot be the folder"), "{error}");
}

#[test]
fn numbers_as_people_write_them() {
    assert_eq!(count("20000"), Ok(20_000));
    assert_eq!(count("20_000_000"), Ok(20_000_000));
    assert_eq!(count("20M"), Ok(20_000_000));
    assert_eq!(count("3k"), Ok(3_000));
    for wrong in [
        "0",
        "-1",
        "1.5",
        "",
        "M",
        "99999999999999999999",
        "20000000M",
    ] {
        assert!(count(wrong).is_err(), "{wrong}");
    }
    let scratch = tempfile::tempdir().unwrap();
    let error = generate(&arguments(0, &scratch.path().join("out")), &mut |_| ())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("--messages takes a number from 1"),
        "{error}"
    );
}
