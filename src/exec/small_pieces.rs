//! A physical rule: files are read in pieces small enough that no partition waits for long while another reads its last one.
//!
//! Partitions share their files: whoever is done takes the next. The engine hands out whole files, or as much of one as
//! makes a partition's share. A piece has the row groups that begin in it, so that each is read once, whatever the pieces.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfig, FileScanConfigBuilder, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;

use super::fold::FoldMessagesExec;

/// How many pieces make a partition's share.
const PIECES: u64 = 16;

/// Smaller ones are not worth the look at a file: a row group is hardly ever smaller.
const SMALLEST: u64 = 1 << 20;

/// See the module.
#[derive(Debug)]
pub(crate) struct SmallPieces;

impl PhysicalOptimizerRule for SmallPieces {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| match plan.downcast_ref::<FoldMessagesExec>() {
            Some(_) => plan.transform_down(|plan| {
                let scan = plan.downcast_ref::<DataSourceExec>();
                Ok(match scan.and_then(in_pieces) {
                    Some(scan) => Transformed::yes(scan),
                    None => Transformed::no(plan),
                })
            }),
            None => Ok(Transformed::no(plan)),
        })
        .data()
    }

    fn name(&self) -> &str {
        "dayrate_small_pieces"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// A scan of Parquet files in smaller pieces; `None` where that changes nothing or the order of rows matters.
fn in_pieces(scan: &DataSourceExec) -> Option<Arc<dyn ExecutionPlan>> {
    let config = scan.data_source().downcast_ref::<FileScanConfig>()?;
    let is_parquet = config
        .file_source()
        .downcast_ref::<ParquetSource>()
        .is_some();
    let groups = u64::try_from(config.file_groups.len()).ok()?;
    if !is_parquet || groups < 2 || config.preserve_order || !config.output_ordering.is_empty() {
        return None;
    }
    let files = || config.file_groups.iter().flat_map(FileGroup::iter);
    let bytes: u64 = files().map(|file| file.effective_size()).sum();
    let piece = (bytes / (groups * PIECES)).max(SMALLEST);
    if files().all(|file| file.effective_size() <= piece) {
        return None;
    }
    let of_group = |group: &FileGroup| group.iter().flat_map(|file| pieces(file, piece)).collect();
    let config = FileScanConfigBuilder::from(config.clone())
        .with_file_groups(config.file_groups.iter().map(of_group).collect())
        .build();
    Some(DataSourceExec::from_data_source(config))
}

/// A file, or what is to be read of it, in pieces of at most so many bytes.
fn pieces(file: &PartitionedFile, most: u64) -> Vec<PartitionedFile> {
    let (start, end) = file.range();
    if end - start <= most {
        return vec![file.clone()];
    }
    let piece = |number: u64| {
        let from = start + number * most;
        let to = end.min(from + most);
        file.clone()
            .with_range(from.cast_signed(), to.cast_signed())
    };
    (0..(end - start).div_ceil(most)).map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces of a file follow each other from where it begins to where it ends.
    #[test]
    fn pieces_make_the_whole() {
        let whole = PartitionedFile::new("file", 1_000);
        let part = PartitionedFile::new("file", 1_000).with_range(17, 900);
        for file in [whole, part] {
            for most in [1, 7, 100, 882, 883, 999, 1_000, 2_000] {
                let pieces: Vec<(u64, u64)> = pieces(&file, most)
                    .iter()
                    .map(PartitionedFile::range)
                    .collect();
                assert_eq!(pieces.first().map(|piece| piece.0), Some(file.range().0));
                assert_eq!(pieces.last().map(|piece| piece.1), Some(file.range().1));
                assert!(pieces.windows(2).all(|two| two[0].1 == two[1].0), "{most}");
                assert!(
                    pieces.iter().all(|(start, end)| end - start <= most),
                    "{most}"
                );
            }
        }
    }
}
