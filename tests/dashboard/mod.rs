//! `dayrate dashboard`: one page, whole, self-contained, and every number on it that of the SQL.

mod figures;
mod names;
mod page;

use std::path::{Path, PathBuf};

use self::page::{Element, parse};
use super::{Answer, Desk};

/// Well under what a mail takes.
const LARGEST: usize = 1_000_000;

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

/// The page over `testdata/`, made as of a day.
fn generated(as_of: &str, more: &[&str]) -> (String, Element) {
    let desk = Desk::new();
    let mut command = desk.command(&["dashboard", "--as-of", as_of]);
    let answer = Answer::of(command.args(more).current_dir(testdata()).output().unwrap());
    answer.is_well();
    let page = parse(&answer.out);
    (answer.out, page)
}

/// Nothing on the page runs, and nothing is fetched.
#[track_caller]
fn stands_alone(html: &str, page: &Element) {
    for element in page.all() {
        assert!(
            ![
                "script", "link", "img", "iframe", "object", "embed", "form", "base"
            ]
            .contains(&element.name.as_str()),
            "{}",
            element.name
        );
        for (name, value) in &element.attributes {
            assert!(!name.starts_with("on"), "{name}");
            let refers = ["href", "src", "srcset", "action", "data", "poster"]
                .contains(&name.as_str())
                || name.ends_with(":href");
            assert!(!refers || value.starts_with('#'), "{name}={value}");
            assert!(name != "style", "style comes from the sheet alone");
        }
    }
    let style = page.named("style").next().unwrap().text();
    assert!(!style.contains("@import") && !style.contains("http"));
    for (at, _) in html.match_indices("url(") {
        assert!(html[at..].starts_with("url(#p-"), "{}", &html[at..at + 40]);
    }
    // A browser that finds a reference all the same is forbidden to follow it.
    let policy = page
        .named("meta")
        .find(|meta| meta.attributes.contains_key("http-equiv"));
    assert!(policy.unwrap().attributes["content"].starts_with("default-src 'none'"));
}

/// Links lead somewhere, identifiers are there once, and a chart has words and a table for who cannot see it.
#[track_caller]
fn is_accessible(page: &Element) {
    let ids: Vec<&String> = page
        .all()
        .iter()
        .filter_map(|element| element.attributes.get("id"))
        .collect();
    let mut once = ids.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), ids.len(), "{ids:?}");
    for link in page.named("a") {
        let target = link.attributes["href"].trim_start_matches('#');
        assert!(page.by_id(target).is_some(), "{target}");
    }
    let mut charts = 0;
    for svg in page
        .named("svg")
        .filter(|svg| svg.attributes.contains_key("role"))
    {
        charts += 1;
        let labels: Vec<&str> = svg.attributes["aria-labelledby"].split(' ').collect();
        let words = labels.iter().map(|id| page.by_id(id).unwrap().text());
        assert!(
            words.into_iter().all(|text| !text.trim().is_empty()),
            "{labels:?}"
        );
        let figure = labels[0].trim_end_matches("-title");
        assert!(!page.rows(figure, "tbody").is_empty(), "{figure}");
    }
    assert!(
        charts > 0 || page.text().contains("No message counts"),
        "no chart"
    );
    assert_eq!(page.attributes["lang"], "en");
}

#[test]
fn the_page_of_200_sites_is_whole_small_and_stands_alone() {
    for as_of in ["2025-10-01", "2026-01-01"] {
        let (html, page) = generated(as_of, &[]);
        assert!(html.len() < LARGEST, "{} bytes", html.len());
        stands_alone(&html, &page);
        is_accessible(&page);
        assert!(page.named("section").count() >= 12);
        assert!(
            page.by_id("rules")
                .unwrap()
                .text()
                .contains(env!("CARGO_PKG_VERSION"))
        );
    }
}

#[test]
fn one_organization_has_a_page_of_its_own() {
    let (html, page) = generated(
        "2025-10-01",
        &["--org", "org-048", "--title", "Acme & sons <2025>"],
    );
    stands_alone(&html, &page);
    is_accessible(&page);
    assert_eq!(
        page.named("h1").next().unwrap().text(),
        "Acme & sons <2025>"
    );
    assert_eq!(page.rows("sites", "tbody").len(), 1);
    assert!(
        page.by_id("drawdown").is_some(),
        "one commitment is shown as it adds up"
    );
    let desk = Desk::new();
    let mut command = desk.command(&["dashboard", "--org", "org-48"]);
    let answer = Answer::of(command.current_dir(testdata()).output().unwrap());
    answer.fails(&["org-48", "did you mean 'org-048'?"]);
}

/// The input of the page can be checked with the tools of any system.
#[test]
fn the_fingerprint_is_that_of_the_files() {
    let (_, page) = generated("2025-10-01", &[]);
    let rows = page.rows("input", "tbody");
    let names: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(
        names,
        [
            "messages",
            "sites",
            "feature_periods",
            "contracts",
            "price_tiers",
            "channel_charges",
            "outcomes",
            "seats"
        ]
    );
    let messages = &rows[0];
    assert_eq!(
        (messages[1].as_str(), messages[3].as_str()),
        ("12", "20,000")
    );
    assert!(messages[4].starts_with("2025-01-01T") && messages[5].starts_with("2025-12-31T"));
    let script = "cat generated/messages/*/*.parquet | wc -c; \
                  sha256sum generated/messages/*/*.parquet | cut -d ' ' -f 1 | LC_ALL=C sort | sha256sum | cut -d ' ' -f 1";
    let told = std::process::Command::new("sh")
        .arg("-c")
        .arg(script)
        .current_dir(testdata())
        .output()
        .unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    assert_eq!(
        told.split_whitespace().collect::<Vec<_>>(),
        [messages[2].replace(',', ""), messages[6].clone()]
    );
}

/// Where files go and what is refused.
#[test]
fn the_page_is_written_whole_or_not_at_all() {
    let desk = Desk::new();
    let config = testdata().join("dayrate.toml");
    let run = |more: &[&str]| {
        desk.run(
            &[
                &["--config", &config.to_string_lossy(), "dashboard"][..],
                more,
            ]
            .concat(),
        )
    };
    desk.write("usage.html", "old");
    run(&["-o", "usage.html", "--as-of", "2025-03-01"]).is_well();
    parse(&desk.read("usage.html"));
    assert_eq!(desk.files(), ["usage.html"]);
    desk.write("usage.html", "old");
    run(&["-o", "usage.html", "--org", "nobody"]).fails(&["nobody"]);
    assert_eq!(
        (desk.files(), desk.read("usage.html")),
        (vec!["usage.html".to_owned()], "old".to_owned())
    );
    run(&["--format", "csv"]).fails(&["--format csv", "leave it out"]);
    run(&["-o", "no/such/usage.html"]).fails(&["no/such/usage.html"]);
    let answer = desk.run(&[
        "--config",
        &config.to_string_lossy(),
        "dashboard",
        "--as-of",
        "31.12.2025",
    ]);
    assert_eq!(answer.code, 2, "{}", answer.err);
}

const MESSAGES: &str = "SELECT 'a' AS site_id, 'c' AS conversation_id, TIMESTAMPTZ '2026-03-02T12:00:00Z' AS sent_at, 'agent' AS sent_by";
const SITES: &str = "SELECT 'a' AS site_id, 7 AS org_id, 'UTC' AS time_zone";

/// Messages and sites are enough; each section that needs more says what, and how to add it.
#[test]
fn what_is_missing_is_said() {
    let desk = Desk::new();
    desk.parquet("m.parquet", MESSAGES)
        .parquet("s.parquet", SITES);
    desk.write(
        "dayrate.toml",
        "[relations]\nmessages = \"m.parquet\"\nsites = \"s.parquet\"\n",
    );
    let answer = desk.run(&["dashboard", "--as-of", "2026-04-01"]);
    let html = &answer.is_well().out;
    let page = parse(html);
    stands_alone(html, &page);
    is_accessible(&page);
    for (section, relation) in [
        ("commitments", "contracts"),
        ("invoice", "contracts"),
        ("forecast", "contracts"),
        ("features", "feature_periods"),
        ("curve", "contracts"),
        ("engagements", "outcomes"),
        ("seats", "seats"),
    ] {
        let text = page.by_id(section).unwrap().text();
        assert!(
            text.contains(&format!("{relation} = \"exports/{relation}.parquet\"")),
            "{section}: {text}"
        );
    }
    assert_eq!(page.rows("weeks", "tfoot"), [["Total", "1", "1", "1", "1"]]);
    desk.write("dayrate.toml", "[relations]\nmessages = \"m.parquet\"\n");
    desk.run(&["dashboard"]).fails(&["sites"]);
}

/// Contracts with no more than their required columns, of an organization that is a number.
#[test]
fn the_least_contracts_are_enough() {
    let desk = Desk::new();
    desk.parquet("m.parquet", MESSAGES).parquet("s.parquet", SITES).parquet(
        "c.parquet",
        "SELECT 7 AS org_id, 1 AS contract_id, DATE '2026-01-01' AS term_start, DATE '2027-01-01' AS term_end, \
         'KWD' AS currency, 10 AS committed_credits, 2 AS credit_price, 3 AS overage_price",
    );
    desk.write(
        "dayrate.toml",
        "[relations]\nmessages = \"m.parquet\"\nsites = \"s.parquet\"\ncontracts = \"c.parquet\"\n",
    );
    for more in [&[][..], &["--org", "7"]] {
        let answer = desk.run(&[&["dashboard", "--as-of", "2026-04-01"][..], more].concat());
        let page = parse(&answer.is_well().out);
        let lines = page.rows("invoice-totals", "tbody");
        assert_eq!(lines, [["KWD", "2.000", "2.000"]]);
        let periods = page.rows("commitment-bars", "tbody");
        assert_eq!(
            periods[0][..6],
            ["7", "1", "1 Jan 2026", "31 Dec 2026", "10", "1"]
        );
    }
    // An organization without use still owes what it committed to.
    desk.run(&["-o", "m.parquet", "-c", &format!("{MESSAGES} WHERE false")])
        .is_well();
    let answer = desk.run(&["dashboard", "--as-of", "2027-01-01", "--org", "7"]);
    let page = parse(&answer.is_well().out);
    let unused = page.columns("invoice-totals", &["Commitment unused"])[0];
    assert_eq!(page.rows("invoice-totals", "tbody")[0][unused], "20.000");
}

/// No message at all is a page too.
#[test]
fn no_use_is_a_page_that_says_so() {
    let desk = Desk::new();
    desk.parquet("m.parquet", &format!("{MESSAGES} WHERE false"))
        .parquet("s.parquet", SITES);
    desk.write(
        "dayrate.toml",
        "[relations]\nmessages = \"m.parquet\"\nsites = \"s.parquet\"\n",
    );
    let answer = desk.run(&["dashboard", "--as-of", "2026-04-01"]);
    let html = &answer.is_well().out;
    let page = parse(html);
    stands_alone(html, &page);
    is_accessible(&page);
    assert!(page.text().contains("No message counts before 1 Apr 2026."));
}

/// Rows that cannot be billed stop the page as they stop an invoice, unless they are skipped: then the page says so first.
#[test]
fn rejected_rows_are_never_silent() {
    let desk = Desk::new();
    desk.parquet(
        "m.parquet",
        &format!(
            "{MESSAGES} UNION ALL SELECT 'zz', 'd', TIMESTAMPTZ '2026-03-02T12:00:00Z', 'agent'"
        ),
    )
    .parquet("s.parquet", SITES);
    let config = "[relations]\nmessages = \"m.parquet\"\nsites = \"s.parquet\"\n";
    desk.write("dayrate.toml", config);
    desk.run(&["dashboard", "--as-of", "2026-04-01", "-o", "p.html"])
        .fails(&["unknown_site", "rejects = \"skip\""]);
    assert!(!desk.files().contains(&"p.html".to_owned()));
    desk.write(
        "dayrate.toml",
        &format!("{config}[options]\nrejects = \"skip\"\n"),
    );
    for more in [&[][..], &["--org", "7"]] {
        let answer = desk.run(&[&["dashboard", "--as-of", "2026-04-01"][..], more].concat());
        let page = parse(&answer.is_well().out);
        let notices = page.all().into_iter().find(|list| {
            list.attributes
                .get("class")
                .is_some_and(|class| class == "notices")
        });
        assert!(
            notices
                .unwrap()
                .text()
                .contains("1 message cannot be billed")
        );
        let rows = page.rows("dispositions", "tbody");
        assert!(
            rows.iter()
                .any(|row| row[..2] == ["rejected", "unknown_site"] && row[3] == "1"),
            "{rows:?}"
        );
        assert_eq!(page.rows("dispositions", "tfoot")[0][3], "2");
    }
}
