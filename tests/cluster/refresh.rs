//! The table of DARs on a cluster: read by reports.

use super::processes::Cluster;
use crate::refresh::{assert_equal, come, desk};

/// A report that has its DARs from the table has the rows of the messages, and reads the table.
#[test]
fn reports_from_the_table_of_dars_are_those_of_one_machine() {
    let (desk, files) = desk();
    come(&desk, &files);
    desk.run(&["refresh", "--as-of", "2026-01-01"]).is_well();
    let cluster = Cluster::start();
    assert_equal(|arguments| cluster.run(&desk, arguments));
    for sql in [
        "SELECT org_id, day, sum(credits) FROM rated_dars WHERE day > DATE '2025-06-10' GROUP BY 1, 2 ORDER BY 1, 2",
        "SELECT * FROM invoice_lines(as_of => DATE '2026-01-01') ORDER BY org_id, period_start, line_no",
        "SELECT site_id, day, row_number() OVER (PARTITION BY site_id ORDER BY day, relationship_id) AS n \
         FROM dars ORDER BY site_id, n",
    ] {
        let arguments = ["--format", "csv", "-c", sql];
        let (alone, together) = (desk.run(&arguments), cluster.run(&desk, &arguments));
        assert_eq!(together.is_well().out, alone.is_well().out, "{sql}");
    }
    // A file that is gone from the table is an error that names it.
    let mut kept = std::fs::read_dir(desk.path("dars/day=2025-07-01")).unwrap();
    std::fs::remove_file(kept.next().unwrap().unwrap().path()).unwrap();
    cluster
        .run(
            &desk,
            &[
                "-c",
                "SELECT max(messages) FROM dars WHERE day = DATE '2025-07-01'",
            ],
        )
        .fails(&["day=2025-07-01", "is not there for this executor"]);
}
