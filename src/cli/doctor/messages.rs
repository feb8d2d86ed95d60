//! What becomes of the messages: how many cannot be billed and why, from when to when they are, and what is missing.

use datafusion::prelude::SessionContext;
use jiff::civil::Date;

use super::finding::Findings;
use super::question::{Row, asked, count, text};
use crate::cli::count::grouped;
use crate::table::option::{REJECTS, SessionDefaults};

const CHECK: &str = "messages";

/// Days in a row without a message from which on somebody should look.
const SILENCE: i32 = 7;

/// The first and the last day of the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) first: Date,
    pub(super) last: Date,
}

/// The days of the messages that count; `None` if they cannot be counted, or none does.
pub(super) async fn check(ctx: &SessionContext, findings: &mut Findings) -> Option<Range> {
    let query = "SELECT disposition, reason, messages FROM dispositions() ORDER BY disposition, messages DESC";
    let rows = asked(ctx, query, findings, CHECK, "messages, sites").await?;
    dispositions(ctx, &rows, findings);
    let query =
        "SELECT DISTINCT day FROM message_days() WHERE disposition = 'counted' ORDER BY day";
    let rows = asked(ctx, query, findings, CHECK, "messages").await?;
    let days: Vec<Date> = rows
        .iter()
        .filter_map(|row| text(row, 0).parse().ok())
        .collect();
    let (Some(first), Some(last)) = (days.first().copied(), days.last().copied()) else {
        findings.error(
            CHECK,
            "messages",
            "none of them counts, so there is nothing to bill",
            "look at the rows above: what was excluded, and why",
        );
        return None;
    };
    findings.ok(
        CHECK,
        "messages.sent_at",
        format!("{} days with messages, from {first} to {last}", days.len()),
    );
    silences(&days, findings);
    // A day that has begun nowhere yet; the first zone is 14 hours ahead of UTC.
    let today = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(14)))
        .date();
    if last > today {
        findings.warning(
            CHECK,
            "messages.sent_at",
            format!("the last day, {last}, is in the future"),
            "look at the unit and the zone of the export's timestamps",
        );
    }
    Some(Range { first, last })
}

fn dispositions(ctx: &SessionContext, rows: &[Row], findings: &mut Findings) {
    let total: u64 = rows.iter().map(|row| count(row, 2)).sum();
    let share = |messages: u64| {
        let hundredths =
            (u128::from(messages) * 20_000 + u128::from(total)) / u128::from(total.max(1) * 2);
        format!(
            "{} of {} messages ({}.{:02} %)",
            grouped(messages),
            grouped(total),
            hundredths / 100,
            hundredths % 100
        )
    };
    let state = ctx.state();
    let defaults = state
        .config_options()
        .extensions
        .get::<SessionDefaults>()
        .and_then(|defaults| defaults.get(&REJECTS));
    let skips = defaults.as_deref() == Some("skip");
    for row in rows {
        let (reason, messages) = (text(row, 1), count(row, 2));
        match text(row, 0).as_str() {
            "rejected" if skips => findings.warning(
                CHECK,
                &reason,
                format!(
                    "{} are left out, because [options] says rejects = \"skip\"",
                    share(messages)
                ),
                &remedy(&reason),
            ),
            "rejected" => findings.error(
                CHECK,
                &reason,
                format!("{} cannot be billed", share(messages)),
                &format!(
                    "{}; or leave them out: rejects = \"skip\" under [options]",
                    remedy(&reason)
                ),
            ),
            "excluded" => {
                findings.ok(
                    CHECK,
                    &reason,
                    format!("{} do not count, by the rules", share(messages)),
                );
            }
            _ => findings.ok(CHECK, "", format!("{} count", share(messages))),
        }
    }
}

/// What to do about rejected rows.
fn remedy(reason: &str) -> String {
    let rows = format!("SELECT * FROM rejects WHERE reason = '{reason}' LIMIT 10");
    match reason {
        "unknown_sender" => {
            "map the values to consumer, agent, bot or system: SELECT sent_by, count(*) FROM rejects GROUP BY sent_by"
                .to_owned()
        }
        "unknown_audience" => {
            "map the values to ALL or AGENTS_AND_MANAGERS: SELECT audience, count(*) FROM rejects GROUP BY audience"
                .to_owned()
        }
        "unknown_site" => {
            "add these sites to the relation sites: SELECT DISTINCT site_id FROM rejects WHERE reason = 'unknown_site'"
                .to_owned()
        }
        "no_zone_in_force" => {
            "let valid_from and valid_to of the sites cover these messages: SELECT site_id, min(sent_at), max(sent_at) \
             FROM rejects WHERE reason = 'no_zone_in_force' GROUP BY site_id"
                .to_owned()
        }
        "impossible_sent_at" => {
            format!("exports write 0 and -1 for \"none\"; look at the rows: {rows}")
        }
        _ => format!("look at the rows: {rows}"),
    }
}

/// Stretches without any message: an export that was forgotten looks like this.
fn silences(days: &[Date], findings: &mut Findings) {
    let mut silences = Vec::new();
    for pair in days.windows(2) {
        let [before, after] = pair else { continue };
        let between = before.until(*after).map_or(0, |span| span.get_days()) - 1;
        if between >= SILENCE {
            let first = before.tomorrow().unwrap_or(*before);
            let last = after.yesterday().unwrap_or(*after);
            silences.push(format!("{first} to {last}"));
        }
    }
    if silences.is_empty() {
        return;
    }
    let shown = silences.iter().take(3).cloned().collect::<Vec<_>>();
    let more = match silences.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    findings.warning(
        CHECK,
        "messages.sent_at",
        format!(
            "no message at all for {SILENCE} days or more: {}{more}",
            shown.join(", ")
        ),
        "see whether an export is missing",
    );
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_week_of_silence_is_worth_a_word() {
        let mut findings = Findings::default();
        silences(&[date(2026, 1, 1), date(2026, 1, 8)], &mut findings);
        assert!(findings.all().is_empty());
        silences(&[date(2026, 1, 1), date(2026, 1, 9)], &mut findings);
        let text = findings.text(200);
        assert!(text.contains("2026-01-02 to 2026-01-08"), "{text}");
    }
}
