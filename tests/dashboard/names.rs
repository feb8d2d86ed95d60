//! Names out of the data stay names: nothing in them breaks the page, runs, or is lost.

use super::super::Desk;
use super::page::parse;
use super::{LARGEST, is_accessible, stands_alone};

/// Names that a page could stumble over, in every place that a name can stand.
const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "\" onload='x' & <b> ]]> --> {{ 7 * 7 }} {% raw %}",
    "שלום \u{202E}evil\u{202C}",
    "/* } body { display: none */",
    "javascript:alert(1)",
    "日本語 ﷽ 👩‍👩‍👧",
];

#[test]
fn hostile_names_stay_names() {
    let desk = Desk::new();
    let long = "x".repeat(3_000);
    let names: Vec<&str> = HOSTILE.into_iter().chain([long.as_str()]).collect();
    let quoted = |name: &str| format!("'{}'", name.replace('\'', "''"));
    let rows = |row: &dyn Fn(&str, usize) -> String| {
        let rows: Vec<String> = names
            .iter()
            .enumerate()
            .map(|(at, name)| row(&quoted(name), at))
            .collect();
        rows.join(" UNION ALL ")
    };
    desk.parquet(
        "m.parquet",
        &rows(&|name, at| {
            format!(
                "SELECT {name} AS site_id, {name} || 'c' AS conversation_id, TIMESTAMPTZ '2026-03-0{}T12:00:00Z' AS sent_at, \
                 'agent' AS sent_by, {name} AS channel, {name} AS consumer_id",
                at + 1
            )
        }),
    )
    .parquet("s.parquet", &rows(&|name, _| format!("SELECT {name} AS site_id, {name} AS org_id, 'UTC' AS time_zone")))
    .parquet(
        "c.parquet",
        &rows(&|name, _| {
            format!(
                "SELECT {name} AS org_id, {name} AS contract_id, DATE '2026-01-01' AS term_start, DATE '2027-01-01' AS term_end, \
                 'JPY' AS currency, 1 AS committed_credits, 2 AS credit_price, 3 AS overage_price"
            )
        }),
    )
    .parquet(
        "o.parquet",
        &rows(&|name, _| format!("SELECT {name} || 'c' AS conversation_id, {name} AS kind, 5 AS revenue")),
    );
    desk.write(
        "dayrate.toml",
        "[relations]\nmessages = \"m.parquet\"\nsites = \"s.parquet\"\ncontracts = \"c.parquet\"\noutcomes = \"o.parquet\"\n",
    );
    let answer = desk.run(&["dashboard", "--as-of", "2026-04-01", "--title", HOSTILE[1]]);
    let html = &answer.is_well().out;
    let page = parse(html);
    stands_alone(html, &page);
    is_accessible(&page);
    assert!(html.len() < LARGEST, "{} bytes", html.len());
    for figure in ["sites", "channels", "commitment-bars", "returns"] {
        let shown: Vec<String> = page
            .rows(figure, "tbody")
            .into_iter()
            .map(|row| row[0].clone())
            .collect();
        for name in &names {
            assert!(
                shown.iter().any(|shown| shown == name),
                "{figure} lost {name}"
            );
        }
    }
    // What is written in one direction cannot turn what stands beside it: each name is isolated.
    let cell = page
        .named("bdi")
        .filter(|cell| cell.text() == HOSTILE[2])
        .count();
    assert!(cell >= 4, "{cell}");
    assert!(html.contains("the relation <code>seats</code>"));
    for name in [names[1], names[2], names[6]] {
        let answer = desk.run(&["dashboard", "--as-of", "2026-04-01", "--org", name]);
        parse(&answer.is_well().out);
    }
}
