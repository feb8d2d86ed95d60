//! `channel_charges.parquet` and `seats.parquet`: what providers charge for channels and features, and what the same
//! organizations paid by seat before.

use std::path::Path;

use datafusion::error::Result;
use jiff::civil::{Date, date};

use super::columns::Columns;
use super::timeline::Totals;
use super::world::{UNCONTRACTED_ORG, currency, has_gen_ai, org_id};

/// One charge; the price in millionths of US dollars before [`local_price`].
#[derive(Clone, Copy)]
struct Charge {
    org: usize,
    channel: Option<&'static str>,
    feature: Option<&'static str>,
    per: &'static str,
    micros: i128,
    from: Option<Date>,
    to: Option<Date>,
}

/// Writes `channel_charges.parquet`: SMS by the message for a third of the organizations (dearer since July for one),
/// WhatsApp by the DAR for a fifth, and a charge on Generative AI for some of those that have it.
pub(super) fn write_channel_charges(folder: &Path) -> Result<()> {
    let july = date(2025, 7, 1);
    let mut rows = vec![];
    for org in 0..UNCONTRACTED_ORG {
        let sms = Charge {
            org,
            channel: Some("SMS"),
            feature: None,
            per: "message",
            micros: 7_500,
            from: None,
            to: None,
        };
        match org {
            0 => {
                rows.push(Charge {
                    to: Some(july),
                    ..sms
                });
                rows.push(Charge {
                    micros: 8_000,
                    from: Some(july),
                    ..sms
                });
            }
            _ if org % 3 == 0 => rows.push(sms),
            _ => (),
        }
        if org % 5 == 0 {
            rows.push(Charge {
                channel: Some("WHATSAPP"),
                per: "dar",
                micros: 30_000,
                ..sms
            });
        }
        if has_gen_ai(org) && org % 8 == 1 && org % 5 != 0 {
            rows.push(Charge {
                channel: None,
                feature: Some("gen_ai"),
                per: "dar",
                micros: 10_000,
                ..sms
            });
        }
    }
    Columns::default()
        .text("org_id", rows.iter().map(|row| org_id(row.org)).collect())
        .text_or_null(
            "channel",
            rows.iter()
                .map(|row| row.channel.map(str::to_owned))
                .collect(),
        )
        .text_or_null(
            "feature",
            rows.iter()
                .map(|row| row.feature.map(str::to_owned))
                .collect(),
        )
        .text("per", rows.iter().map(|row| row.per.to_owned()).collect())
        .price(
            "price",
            rows.iter()
                .map(|row| local_price(row.micros, currency(row.org)))
                .collect(),
        )?
        .text(
            "currency",
            rows.iter()
                .map(|row| currency(row.org).to_owned())
                .collect(),
        )
        .day_or_null("valid_from", rows.iter().map(|row| row.from).collect())
        .day_or_null("valid_to", rows.iter().map(|row| row.to).collect())
        .write(&folder.join("channel_charges.parquet"))
}

/// Writes `seats.parquet`: a quarter of the organizations used to pay by seat, about one for 400 sittings a month; one
/// of them took on more people in mid-year.
pub(super) fn write_seats(totals: &Totals, folder: &Path) -> Result<()> {
    let (january, july) = (date(2025, 1, 1), date(2025, 7, 1));
    let mut rows = vec![];
    for (org, sittings) in totals
        .sittings
        .iter()
        .enumerate()
        .take(UNCONTRACTED_ORG)
        .step_by(4)
    {
        let seats = i64::try_from(sittings / 12 / 400)
            .unwrap_or(i64::MAX)
            .saturating_add(1);
        if org == 4 {
            rows.push((org, seats, january, Some(july)));
            rows.push((org, seats + 2, july, None));
        } else {
            rows.push((org, seats, january, None));
        }
    }
    Columns::default()
        .text("org_id", rows.iter().map(|row| org_id(row.0)).collect())
        .integer("seats", rows.iter().map(|row| row.1).collect())
        .price(
            "seat_price",
            rows.iter()
                .map(|row| local_price(90_000_000, currency(row.0)))
                .collect(),
        )?
        .text(
            "currency",
            rows.iter().map(|row| currency(row.0).to_owned()).collect(),
        )
        .day("valid_from", rows.iter().map(|row| row.2).collect())
        .day_or_null("valid_to", rows.iter().map(|row| row.3).collect())
        .write(&folder.join("seats.parquet"))
}

/// Millionths of a US dollar as about the same money in `currency`, in its millionths.
fn local_price(micros: i128, currency: &str) -> i128 {
    match currency {
        "EUR" => micros * 9 / 10,
        "JPY" => micros * 150,
        "KWD" => micros * 3 / 10,
        _ => micros,
    }
}
