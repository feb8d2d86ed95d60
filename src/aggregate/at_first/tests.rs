//! Firsts of groups, apart and together.

#![expect(clippy::unwrap_used, reason = "a test may")]
use arrow::array::{StringViewArray, TimestampMillisecondArray};

use super::*;

fn batch(rows: &[(Option<&str>, Option<i64>)]) -> Vec<ArrayRef> {
    let values: StringViewArray = rows.iter().map(|row| row.0).collect();
    let instants =
        TimestampMillisecondArray::from(rows.iter().map(|row| row.1).collect::<Vec<_>>());
    vec![Arc::new(values), Arc::new(instants.with_timezone("UTC"))]
}

fn firsts() -> Firsts {
    Firsts::new(&DataType::Utf8View, batch(&[])[1].data_type()).unwrap()
}

fn text(array: &ArrayRef) -> Vec<Option<String>> {
    use arrow::array::AsArray;
    array
        .as_string_view()
        .iter()
        .map(|value| value.map(Into::into))
        .collect()
}

/// Earliest instant, then smallest value, NULL last; in any order and split of the rows.
#[test]
fn earliest_then_smallest() {
    let rows = [
        (Some("z"), Some(5)),
        (Some("b"), Some(3)),
        (None, Some(3)),
        (Some("a"), Some(3)),
        (Some("a"), None),
        (None, Some(9)),
    ];
    for split in 0..rows.len() {
        for reversed in [false, true] {
            let mut rows = rows;
            if reversed {
                rows.reverse();
            }
            let mut all = firsts();
            for part in [&rows[..split], &rows[split..]] {
                let mut one = firsts();
                one.update(&batch(part), &vec![0; part.len()], None, 2)
                    .unwrap();
                let state = one.state(EmitTo::All).unwrap();
                all.merge_batch(&state, &[0, 1], 2).unwrap();
            }
            let value = all.evaluate(EmitTo::All).unwrap();
            assert_eq!(text(&value), [Some("a".into()), None], "split {split}");
        }
    }
}

/// What an aggregate over sorted rows holds does not grow with the groups that it has given away.
#[test]
fn groups_that_left_take_no_memory() {
    let mut all = firsts();
    let mut most = 0;
    let mut last = String::new();
    for step in 0..1_000 {
        let texts: Vec<String> = (0..10).map(|row| format!("a value {step} {row}")).collect();
        let rows: Vec<_> = texts
            .iter()
            .map(|text| (Some(text.as_str()), Some(1)))
            .collect();
        let groups: Vec<usize> = (1..11).collect();
        all.update(&batch(&[(Some(&last), Some(1))]), &[0], None, 1)
            .unwrap();
        all.update(&batch(&rows), &groups, None, 11).unwrap();
        let left = all.evaluate(EmitTo::First(10)).unwrap();
        assert_eq!(text(&left)[9], Some(format!("a value {step} 8")));
        most = most.max(all.size());
        last = texts[9].clone();
    }
    assert!(most < 10_000, "{most} bytes");
    assert_eq!(text(&all.evaluate(EmitTo::All).unwrap()), [Some(last)]);
}

/// A NULL at the only first instant is the answer, and stays one through a merge.
#[test]
fn null_may_be_first() {
    let mut one = firsts();
    one.update(
        &batch(&[(None, Some(1)), (Some("a"), Some(2))]),
        &[0, 0],
        None,
        1,
    )
    .unwrap();
    let state = one.state(EmitTo::All).unwrap();
    let mut all = firsts();
    all.merge_batch(&batch(&[(Some("b"), Some(2))]), &[0], 1)
        .unwrap();
    all.merge_batch(&state, &[0], 1).unwrap();
    assert_eq!(text(&all.evaluate(EmitTo::All).unwrap()), [None]);
}

#[test]
fn filtered_rows_have_no_say_and_first_n_groups_leave() {
    let rows = batch(&[
        (Some("x"), Some(1)),
        (Some("y"), Some(2)),
        (Some("z"), Some(3)),
    ]);
    let filter = BooleanArray::from(vec![Some(false), Some(true), None]);
    let mut one = firsts();
    one.update(&rows, &[0, 0, 1], Some(&filter), 2).unwrap();
    assert_eq!(
        text(&one.evaluate(EmitTo::First(1)).unwrap()),
        [Some("y".into())]
    );
    assert_eq!(text(&one.evaluate(EmitTo::All).unwrap()), [None]);
    let state = one.convert_to_state(&rows, Some(&filter)).unwrap();
    assert_eq!(state[1].null_count(), 2);
}
