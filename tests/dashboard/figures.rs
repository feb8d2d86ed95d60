//! Every number of the page beside what the tool answers when it is asked in SQL.
//!
//! The questions here go to the public functions and the shipped reports, not to the page's own queries.

use super::super::{Answer, Desk};
use super::{Element, generated, testdata};

const AS_OF: &str = "2025-10-01";

/// What the tool answers, row by row.
fn asked(arguments: &[&str]) -> Vec<Vec<String>> {
    let desk = Desk::new();
    let mut command = desk.command(&["--format", "csv"]);
    let answer = Answer::of(
        command
            .args(arguments)
            .current_dir(testdata())
            .output()
            .unwrap(),
    );
    let rows = answer.is_well().out.lines().skip(1);
    rows.map(|row| cells(row).iter().map(|cell| plain(cell)).collect())
        .collect()
}

/// The cells of a line of CSV; none of them holds a quote.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            letter => cells.last_mut().unwrap().push(letter),
        }
    }
    cells
}

fn sql(text: &str) -> Vec<Vec<String>> {
    let text = text.replace("$as_of", &format!("DATE '{AS_OF}'"));
    asked(&["-c", &text])
}

/// A number without what is there for the eye; other text as it is.
fn plain(cell: &str) -> String {
    let text = cell.replace('\u{2212}', "-").replace("\u{202F}%", "");
    let digits = text.replace(',', "");
    let is_number = !digits.is_empty()
        && digits
            .chars()
            .all(|letter| letter.is_ascii_digit() || "-.".contains(letter));
    match (is_number, digits.contains('.')) {
        (false, _) => text,
        (true, true) => digits
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned(),
        (true, false) => digits,
    }
}

/// Columns of the rows of a table of the page.
fn shown(page: &Element, figure: &str, part: &str, columns: &[usize]) -> Vec<Vec<String>> {
    let rows = page.rows(figure, part);
    rows.iter()
        .map(|row| columns.iter().map(|at| plain(&row[*at])).collect())
        .collect()
}

/// Hundredths of hundredths: exact, however many decimals (up to four) a number has.
fn units(cell: &str) -> i128 {
    let (whole, part) = cell.split_once('.').unwrap_or((cell, ""));
    format!("{whole}{part:0<4}").parse().unwrap()
}

/// The columns of the rows of a table add up to its last row.
#[track_caller]
fn adds_up(page: &Element, figure: &str, columns: &[usize]) {
    let rows = shown(page, figure, "tbody", columns);
    let total = shown(page, figure, "tfoot", columns);
    assert_eq!(total.len(), 1, "{figure}");
    for (at, total) in total[0].iter().enumerate() {
        let sum: i128 = rows.iter().map(|row| units(&row[at])).sum();
        assert_eq!(sum, units(total), "{figure}, column {}", columns[at]);
    }
}

#[test]
fn the_figures_of_use_are_those_of_the_sql() {
    let (_, page) = generated(AS_OF, &[]);
    let used = "FROM rated_dars() WHERE day < $as_of";
    let sums = "count(*), sum(messages), sum(credits)";
    let named = [
        (
            "weeks",
            format!(
                "SELECT to_char(date_trunc('week', day), '%-d %b %Y'), count(DISTINCT day), {sums} {used} GROUP BY date_trunc('week', day) ORDER BY date_trunc('week', day)"
            ),
        ),
        (
            "channels",
            format!(
                "SELECT coalesce(channel, '(none)'), {sums} {used} GROUP BY channel ORDER BY sum(credits) DESC"
            ),
        ),
        (
            "months",
            format!(
                "SELECT to_char(date_trunc('month', day), '%b %Y'), count(*), sum(messages), sum(base_credits), sum(gen_ai_credits), \
             sum(intent_analyzer_credits), sum(credits) {used} GROUP BY date_trunc('month', day) ORDER BY date_trunc('month', day)"
            ),
        ),
    ];
    for (figure, query) in named {
        let expected = sql(&query);
        let columns: Vec<usize> = (0..expected[0].len()).collect();
        assert_eq!(
            shown(&page, figure, "tbody", &columns),
            expected,
            "{figure}"
        );
        adds_up(&page, figure, &columns[1..]);
    }
    let weekdays = sql(&format!(
        "SELECT to_char(min(day), '%A'), count(DISTINCT day), {sums} {used} GROUP BY date_part('dow', day) \
         ORDER BY (date_part('dow', day) + 6) % 7"
    ));
    assert_eq!(
        shown(&page, "weekdays", "tbody", &[0, 1, 2, 3, 4]),
        weekdays
    );
    adds_up(&page, "weekdays", &[1, 2, 3, 4]);

    // The largest twelve, and the rest of them in one row.
    let sites = sql(&format!(
        "SELECT site_id, {sums} {used} GROUP BY site_id ORDER BY sum(credits) DESC, site_id"
    ));
    let shown_sites = shown(&page, "sites", "tbody", &[0, 1, 2, 3]);
    assert_eq!(shown_sites[..12], sites[..12]);
    assert_eq!(
        shown_sites[12][0],
        format!("{} other sites", sites.len() - 12)
    );
    adds_up(&page, "sites", &[1, 2, 3]);

    let whole = sql(&format!(
        "SELECT sum(consumer_messages), sum(agent_messages), sum(bot_messages), sum(messages) {used}"
    ));
    assert_eq!(
        shown(&page, "senders", "tbody", &[1]).concat(),
        whole[0][..3]
    );
    adds_up(&page, "senders", &[1]);
    let classes = sql(&format!(
        "SELECT {sums} {used} GROUP BY bot_messages > 0, agent_messages > 0, consumer_messages > 0 ORDER BY count(*) DESC"
    ));
    assert_eq!(
        shown(&page, "participants-dars", "tbody", &[1, 2, 3]),
        classes
    );
    adds_up(&page, "participants-dars", &[1, 2, 3]);

    // Every table of use has the same total.
    let total = &sql(&format!("SELECT {sums} {used}"))[0];
    for (figure, columns) in [
        ("weeks", [2, 3, 4]),
        ("months", [1, 2, 6]),
        ("sites", [1, 2, 3]),
        ("channels", [1, 2, 3]),
        ("weekdays", [2, 3, 4]),
        ("participants-dars", [1, 2, 3]),
    ] {
        assert_eq!(
            shown(&page, figure, "tfoot", &columns)[0],
            *total,
            "{figure}"
        );
    }

    let quality = sql(
        "SELECT disposition, reason, messages FROM dispositions() ORDER BY disposition, messages DESC",
    );
    assert_eq!(shown(&page, "dispositions", "tbody", &[0, 1, 3]), quality);
    adds_up(&page, "dispositions", &[3]);
    assert_eq!(
        shown(&page, "dispositions", "tfoot", &[3]),
        sql("SELECT count(*) FROM messages")
    );
}

/// The minor units of the currencies of the generated year.
const ROUNDED: &str = "CASE currency WHEN 'JPY' THEN round(amount, 0)::DECIMAL(28, 3) \
                       WHEN 'KWD' THEN round(amount, 3)::DECIMAL(28, 3) ELSE round(amount, 2)::DECIMAL(28, 3) END";

#[test]
fn the_figures_of_money_are_those_of_the_sql() {
    let (_, page) = generated(AS_OF, &[]);
    let lines = "invoice_lines(as_of => $as_of)";
    let current = "period_end >= $as_of AND currency IS NOT NULL";
    let totals = sql(&format!(
        "SELECT currency, sum(amount) FILTER (WHERE line_type = 'committed_usage'), sum(amount) FILTER (WHERE line_type = 'overage'), \
         sum(amount) FROM {lines} WHERE {current} GROUP BY currency ORDER BY currency"
    ));
    assert_eq!(
        shown(
            &page,
            "invoice-totals",
            "tbody",
            &page.columns(
                "invoice-totals",
                &["Currency", "Commitment used", "Overage", "Total in force"]
            )
        ),
        totals
    );
    let ended = sql(&format!(
        "SELECT sum(amount) FROM {lines} WHERE currency = 'USD' AND period_end < $as_of"
    ));
    let shown_totals = shown(
        &page,
        "invoice-totals",
        "tbody",
        &page.columns("invoice-totals", &["Currency", "Ended before"]),
    );
    assert_eq!(
        shown_totals.iter().find(|row| row[0] == "USD").unwrap()[1],
        ended[0][0]
    );
    let every = sql(&format!(
        "SELECT currency, org_id, contract_id, quantity, unit, unit_price, amount FROM {lines} WHERE {current} \
         ORDER BY currency, abs(amount) DESC, org_id, contract_id, line_no"
    ));
    assert_eq!(
        shown(&page, "invoice-lines", "tbody", &[9, 0, 1, 5, 6, 7, 8]),
        every
    );
    assert_eq!(
        shown(&page, "invoice-lines", "tfoot", &[9, 8]),
        totals
            .iter()
            .map(|row| vec![row[0].clone(), row[3].clone()])
            .collect::<Vec<_>>()
    );

    // The commitments in force, as the shipped reports have them.
    let drawdown = asked(&["report", "drawdown", &format!("as_of={AS_OF}")]);
    let forecast = asked(&["report", "overage_forecast", &format!("as_of={AS_OF}")]);
    let in_force = |rows: &[Vec<String>]| -> Vec<Vec<String>> {
        rows.iter()
            .filter(|row| row[2].as_str() < AS_OF && row[3].as_str() >= AS_OF)
            .cloned()
            .collect()
    };
    let periods = shown(&page, "commitment-bars", "tbody", &[0, 1, 4, 5, 7]);
    let (drawdown, forecast) = (in_force(&drawdown), in_force(&forecast));
    assert!(drawdown.len() > 80);
    for (row, expected) in drawdown.iter().zip(&forecast) {
        let period = periods
            .iter()
            .find(|period| period[..2] == row[..2])
            .unwrap();
        assert_eq!(
            period[2..],
            [row[4].clone(), expected[6].clone(), expected[7].clone()],
            "{row:?}"
        );
    }
    adds_up(&page, "commitment-bars", &[4, 5, 7]);

    // Where neither blocks nor tiers apply, the report's plain price is that of the invoice.
    let odd = ["org-003", "org-004", "org-041"];
    let exceeded: Vec<&Vec<String>> = forecast
        .iter()
        .filter(|row| row[9] != "0" && !odd.contains(&row[0].as_str()))
        .collect();
    let costs = shown(&page, "forecast-bars", "tbody", &[0, 1, 7, 8, 9]);
    assert!(exceeded.len() > 5);
    for row in &exceeded {
        let cost = costs.iter().find(|cost| cost[..2] == row[..2]).unwrap();
        assert_eq!(cost[2..4], [row[9].clone(), row[11].clone()]);
        if row[11] == "USD" || row[11] == "EUR" {
            assert_eq!(cost[4], row[10], "{row:?}");
        }
    }
    let above: i128 = forecast.iter().map(|row| units(&row[9])).sum();
    assert_eq!(
        shown(&page, "forecast-bars", "tfoot", &[7])
            .iter()
            .map(|row| units(&row[0]))
            .sum::<i128>(),
        above
    );

    let contracts = "JOIN contracts AS c ON c.contract_id = d.contract_id AND d.day >= c.term_start AND d.day < c.term_end AND c.scenario IS NULL";
    let features = sql(&format!(
        "SELECT feature, currency, dars, extra, {ROUNDED} FROM (\
         SELECT 'Generative AI' AS feature, c.currency, count(*) AS dars, sum(d.gen_ai_credits) AS extra, sum(d.gen_ai_credits * c.credit_price) AS amount \
         FROM rated_dars() AS d {contracts} WHERE d.gen_ai AND d.day < $as_of GROUP BY c.currency \
         UNION ALL SELECT 'Intent Analyzer', c.currency, count(*), sum(d.intent_analyzer_credits), sum(d.intent_analyzer_credits * c.credit_price) \
         FROM rated_dars() AS d {contracts} WHERE d.intent_analyzer AND d.day < $as_of GROUP BY c.currency) ORDER BY feature, currency"
    ));
    assert_eq!(
        shown(&page, "feature-costs", "tbody", &[0, 1, 2, 3, 4]),
        features
    );
    adds_up(&page, "feature-credits", &[1]);

    let returns = sql(&format!(
        "SELECT kinds, currency, engagements, {ROUNDED}, {}, {} FROM (\
         SELECT coalesce(kinds, 'without an outcome') AS kinds, currency, count(*) AS engagements, sum(amount) AS amount, sum(revenue) AS revenue, sum(saving) AS saving \
         FROM engagement_outcomes(cost => 'amortised', as_of => $as_of) WHERE currency IS NOT NULL GROUP BY 1, 2) ORDER BY currency, amount DESC",
        ROUNDED.replace("amount", "coalesce(revenue, 0)"),
        ROUNDED.replace("amount", "coalesce(saving, 0)")
    ));
    let mut shown_returns = shown(&page, "returns", "tbody", &[0, 1, 2, 5, 6, 7]);
    shown_returns.retain(|row| row[1] != "none");
    assert_eq!(shown_returns, returns);

    let seats = asked(&[
        "report",
        "seat_comparison",
        "from=2025-01-01",
        &format!("to={AS_OF}"),
    ]);
    let used = sql(&format!(
        "SELECT currency, {ROUNDED} FROM (SELECT l.currency, sum(l.amount) AS amount FROM ledger(as_of => $as_of) AS l \
         JOIN (SELECT DISTINCT org_id, currency FROM seats WHERE valid_from < $as_of) AS s ON s.org_id = l.org_id AND s.currency = l.currency \
         GROUP BY l.currency) ORDER BY currency"
    ));
    let shown_seats = shown(&page, "seat-costs", "tbody", &[0, 1, 3, 4, 6]);
    assert_eq!(shown_seats.len(), used.len());
    for (row, used) in shown_seats.iter().zip(&used) {
        let own: Vec<&Vec<String>> = seats.iter().filter(|seats| seats[1] == row[0]).collect();
        let sum = |column: usize| own.iter().map(|seats| units(&seats[column])).sum::<i128>();
        assert_eq!(own.len().to_string(), row[1]);
        assert_eq!(
            (sum(2), sum(3)),
            (units(&row[2]), units(&row[3])),
            "{row:?}"
        );
        assert_eq!([&row[0], &row[4]], [&used[0], &used[1]]);
    }
}

/// The curve is the function's own, and its least is where the page says.
#[test]
fn the_commitment_curve_is_that_of_the_function() {
    let (_, page) = generated(AS_OF, &["--org", "org-048"]);
    let rows = shown(&page, "curve-lines", "tbody", &[0, 1, 2, 3, 4]);
    let sizes: Vec<String> = rows
        .iter()
        .map(|row| format!("SELECT {}::DECIMAL(18, 4) AS committed_credits", row[0]))
        .collect();
    let contract = sql(
        "SELECT credit_price, overage_price FROM contracts WHERE org_id = 'org-048' AND scenario IS NULL AND term_start < $as_of AND term_end >= $as_of",
    );
    let expected = sql(&format!(
        "SELECT committed_credits, used, unused, overage, round(total, 2) FROM commitment_curve((SELECT * FROM rated_dars() WHERE org_id = 'org-048'), \
         (SELECT *, {}::DECIMAL(18, 6) AS credit_price, {}::DECIMAL(18, 6) AS overage_price FROM ({})), from => DATE '2024-10-01', to => $as_of) ORDER BY 1",
        contract[0][0],
        contract[0][1],
        sizes.join(" UNION ALL ")
    ));
    assert_eq!(rows, expected);
}
