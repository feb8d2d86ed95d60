//! Files that partitions share are read in small pieces, and each of their row groups once.

use datafusion::physical_plan::displayable;
use datafusion::prelude::ParquetReadOptions;

use super::paths::many;
use crate::session::block_on;

/// The DARs of a file of thirty row groups and more than a piece are those of the rows that were written to it.
#[test]
fn pieces_of_a_file_give_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("messages.parquet");
    let path = path.to_str().unwrap();
    block_on(async {
        let ctx = many(None).await;
        let write = format!(
            "COPY (SELECT * FROM messages) TO '{path}' STORED AS PARQUET \
             OPTIONS ('format.max_row_group_size' '4000', 'format.compression' 'uncompressed', \
             'format.dictionary_enabled' 'false')"
        );
        let written = dayrate::sql(&ctx, &write).await.unwrap();
        written.collect().await.unwrap();
        let options = ParquetReadOptions::default();
        ctx.register_parquet("filed", path, options).await.unwrap();

        let dars = |messages: &str| {
            format!(
                "SELECT count(*) AS dars, sum(messages) AS messages, min(day) AS first, max(day) AS last, \
                 count(DISTINCT relationship_id) AS relationships FROM dars({messages}, sites)"
            )
        };
        let mut answers = Vec::new();
        for messages in ["messages", "filed"] {
            let frame = dayrate::sql(&ctx, &dars(messages)).await.unwrap();
            answers.push(frame.to_string().await.unwrap());
        }
        assert_eq!(answers[0], answers[1]);

        let frame = dayrate::sql(&ctx, &dars("filed")).await.unwrap();
        let plan = frame.create_physical_plan().await.unwrap();
        let plan = displayable(plan.as_ref()).indent(true).to_string();
        let pieces = plan.matches("messages.parquet:").count();
        // Two partitions; more pieces than those.
        assert!(pieces > 2, "{plan}");
    });
}
