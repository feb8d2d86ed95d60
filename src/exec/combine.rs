//! Parts with as few of them as can be: one for each conversation's day and consumer.

use datafusion::common::Result;
use hashbrown::HashTable;

use super::held::Bucket;
use super::id_hash::IdHash;
use super::parts::Part;
use super::window::channel_order;

/// The same DARs in parts of which each conversation's day and consumer has one, but for more messages than a part can
/// count.
///
/// # Errors
///
/// Bytes that are no parts.
pub(super) fn combined(parts: &Bucket) -> Result<Bucket> {
    let hasher = IdHash::default();
    let mut table: HashTable<u32> = HashTable::new();
    let mut hashes: Vec<u64> = Vec::new();
    let mut whole: Vec<Part<'_>> = Vec::new();
    for part in parts.parts() {
        let part = part?;
        let hash = hasher.of(part.conversation_id, part.site, part.day);
        let found = table.find(hash, |place| {
            let place = *place as usize;
            hashes.get(place) == Some(&hash)
                && whole.get(place).is_some_and(|whole| is_of(whole, &part))
        });
        let place = found.and_then(|place| whole.get_mut(*place as usize));
        if let Some(place) = place
            && let Some(both) = united(place, &part)
        {
            *place = both;
            continue;
        }
        let place = u32::try_from(whole.len()).unwrap_or(u32::MAX);
        whole.push(part);
        hashes.push(hash);
        table.insert_unique(hash, place, |place| {
            hashes.get(*place as usize).copied().unwrap_or_default()
        });
    }
    let mut combined = Bucket::default();
    for part in &whole {
        combined.put(part);
    }
    Ok(combined)
}

fn is_of(whole: &Part<'_>, part: &Part<'_>) -> bool {
    whole.site == part.site
        && whole.day == part.day
        && whole.conversation_id == part.conversation_id
        && whole.consumer_id == part.consumer_id
}

/// Two parts of one conversation's day and consumer as one; `None` if their messages are too many.
fn united<'a>(a: &Part<'a>, b: &Part<'a>) -> Option<Part<'a>> {
    let order = |part: &Part<'a>| (part.first, channel_order(part.channel));
    let first = if order(b) < order(a) { b } else { a };
    let mut messages = a.messages;
    for (count, more) in messages.iter_mut().zip(b.messages) {
        *count = count.checked_add(more)?;
    }
    Some(Part {
        first: first.first,
        channel: first.channel,
        last: a.last.max(b.last),
        messages,
        flags: a.flags | b.flags,
        ..*a
    })
}
