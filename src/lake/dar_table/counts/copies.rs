//! Messages that came more than once: what their copies add to the counts of all rows, and what takes that off again.

use std::collections::BTreeMap;

use crate::exec::{Delivered, Kind};

/// What is to be added to the counts of rows, so that each message counts once, as its earliest copy says.
pub(in crate::lake::dar_table) type Corrections = BTreeMap<Kind, i64>;

/// What changes by rows that are new. `rows` are all rows of their messages, in files that were counted and in new ones;
/// that some are of messages that came only once does no harm.
///
/// The rows to keep come with it: all those of messages that came more than once, without what was kept before.
pub(in crate::lake::dar_table) fn corrected(
    mut rows: Vec<Delivered>,
    is_new: impl Fn(&Delivered) -> bool,
) -> (Corrections, Vec<Delivered>) {
    rows.sort_unstable_by(|a, b| message(a).cmp(&message(b)));
    let mut corrections = Corrections::new();
    let mut add = |kind: &Kind, count: i64| {
        *corrections.entry(kind.clone()).or_default() += count;
    };
    let mut kept = Vec::new();
    for copies in rows.chunk_by(|a, b| message(a) == message(b)) {
        let (new, old): (Vec<&Delivered>, Vec<&Delivered>) =
            copies.iter().partition(|row| is_new(row));
        if new.is_empty() || copies.len() == 1 {
            continue;
        }
        for row in &new {
            add(&row.kind, -1);
        }
        if let Some(first) = first(copies.iter()) {
            add(&first.kind, 1);
        }
        if let Some(first) = first(old.iter().copied()) {
            add(&first.kind, -1);
        }
        kept.extend(new.into_iter().cloned());
        // Of two or more, each is kept already.
        if let [only] = old[..] {
            kept.push(only.clone());
        }
    }
    corrections.retain(|_, count| *count != 0);
    (corrections, kept)
}

/// What copies have in common.
fn message(row: &Delivered) -> (&str, &[u8], &[u8]) {
    (&row.site_id, &row.conversation_id, &row.message_id)
}

/// The earliest copy; of several at one instant the one that [`crate::aggregate::at_first`] chooses.
fn first<'r>(rows: impl Iterator<Item = &'r Delivered>) -> Option<&'r Delivered> {
    rows.min_by_key(|row| {
        let Kind {
            org_id,
            day,
            channel,
        } = &row.kind;
        (row.sent_at, org_id, day, channel.is_none(), channel)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn row() -> impl Strategy<Value = Delivered> {
        let channel = prop::sample::select(vec![None, Some("SMS"), Some("WEB")]);
        let row = (0..4_u32, 0..3_u8, 0..3_i64, 0..2_i32, channel);
        row.prop_map(|(file, id, sent_at, day, channel)| Delivered {
            file,
            mark: 0,
            site_id: "1".into(),
            conversation_id: [0].into(),
            message_id: [id].into(),
            sent_at,
            kind: Kind {
                org_id: "one".into(),
                day,
                channel: channel.map(Into::into),
            },
        })
    }

    /// Every message of some rows once.
    fn once(rows: &[Delivered]) -> Corrections {
        let mut messages: HashMap<&[u8], Vec<&Delivered>> = HashMap::new();
        for row in rows {
            messages.entry(&row.message_id).or_default().push(row);
        }
        let mut counts = Corrections::new();
        for copies in messages.into_values() {
            if let Some(first) = first(copies.into_iter()) {
                *counts.entry(first.kind.clone()).or_default() += 1;
            }
        }
        counts
    }

    proptest! {
        /// Files come one after the other, and some go again: rows and corrections add up to each message once, and the
        /// rows that are kept are those of messages that came more than once.
        #[test]
        fn every_message_counts_once(rows in prop::collection::vec(row(), 0..24), gone in 0..4_u32) {
            let mut corrections = Corrections::new();
            let mut kept: Vec<Delivered> = Vec::new();
            let check = |there: &[Delivered], corrections: &Corrections, kept: &[Delivered]| {
                let mut counts = corrections.clone();
                for row in there {
                    *counts.entry(row.kind.clone()).or_default() += 1;
                }
                counts.retain(|_, count| *count != 0);
                prop_assert_eq!(&counts, &once(there));
                let of = |row: &Delivered| there.iter().filter(|other| message(other) == message(row)).count();
                let several = there.iter().filter(|row| of(row) > 1);
                prop_assert_eq!(kept.len(), several.count());
                Ok(())
            };
            for file in 0..4 {
                let there: Vec<Delivered> = rows.iter().filter(|row| row.file <= file).cloned().collect();
                let (more, copies) = corrected(there.clone(), |row| row.file == file);
                for (kind, count) in more {
                    *corrections.entry(kind).or_default() += count;
                }
                kept.extend(copies);
                check(&there, &corrections, &kept)?;
            }
            let left: Vec<Delivered> = rows.into_iter().filter(|row| row.file != gone).collect();
            kept.retain(|row| row.file != gone);
            let (corrections, kept) = corrected(kept, |_| true);
            check(&left, &corrections, &kept)?;
        }
    }
}
