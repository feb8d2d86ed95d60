//! A pass over the messages of some files for the counts alone.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use datafusion::catalog::Session;
use datafusion::common::Result;
use datafusion::common::runtime::SpawnedTask;
use datafusion::execution::memory_pool::MemoryLimit;
use datafusion::physical_plan::ExecutionPlanProperties;
use futures::StreamExt;

use crate::exec::{self, Census, DayScope, FILE, FileNotes, FoldedFiles, Folding, Found, Keep};
use crate::lake::dar_table::message_files::KnownFile;
use crate::lake::dar_table::present::Present;
use crate::lake::dar_table::run::{joined, within};
use crate::table::DarSource;

/// Where messages are read, and by what rules.
#[derive(Clone, Copy)]
pub(in crate::lake::dar_table) struct Reader<'a> {
    pub(in crate::lake::dar_table) session: &'a dyn Session,
    pub(in crate::lake::dar_table) source: &'a DarSource,
    pub(in crate::lake::dar_table) present: &'a Present,
    pub(in crate::lake::dar_table) keep: &'a Keep,
}

/// What was found in files, by the places of the files among those that were read.
pub(in crate::lake::dar_table) struct Read {
    pub(in crate::lake::dar_table) found: Found,
    pub(in crate::lake::dar_table) notes: Vec<FileNotes>,
}

impl Reader<'_> {
    /// How many bytes a census may hold: the days that are settled need some, too.
    pub(in crate::lake::dar_table) fn memory(&self) -> usize {
        match self.session.runtime_env().memory_pool.memory_limit() {
            MemoryLimit::Finite(limit) => limit / 4,
            MemoryLimit::Infinite | MemoryLimit::Unknown => usize::MAX,
        }
    }

    /// Reads files, on these days if they are said.
    ///
    /// # Errors
    ///
    /// Files that cannot be read; memory that is not enough.
    pub(super) async fn read(
        &self,
        files: &[(u32, &KnownFile)],
        days: Option<RangeInclusive<i32>>,
        census: Census,
    ) -> Result<Read> {
        let places = (0..).zip(files);
        let places: HashMap<&str, u32> = places
            .map(|(place, (_, file))| (file.path.as_str(), place))
            .collect();
        let messages = self.present.files.read(&places)?;
        let messages = match days {
            Some(days) => within(messages, days)?,
            None => messages,
        };
        let messages = self.source.counted(messages, false, &[FILE])?;
        let messages = self.session.create_physical_plan(&messages).await?;
        // Their DARs are not wanted.
        let wanted = files.iter().map(|_| Arc::new(DayScope::default()));
        let noted = Arc::new(FoldedFiles::new(wanted.collect()));
        let census = Arc::new(census);
        let folding = Folding {
            with_consumers: false,
            skip_rejected: true,
            files: Some(Arc::clone(&noted)),
            census: Some(Arc::clone(&census)),
            ..self.source.folding.clone()
        };
        let fold = exec::fold(folding, Arc::clone(&self.keep.calendar), messages);
        let partitions = 0..fold.output_partitioning().partition_count();
        let tasks = partitions.map(|partition| {
            let mut parts = fold.execute(partition, self.session.task_ctx())?;
            Ok(SpawnedTask::spawn(async move {
                while let Some(part) = parts.next().await {
                    part?;
                }
                Ok(())
            }))
        });
        for task in tasks.collect::<Result<Vec<_>>>()? {
            joined::<()>(task.await)?;
        }
        Ok(Read {
            found: census.found()?,
            notes: noted.notes(),
        })
    }
}

/// Gives files their numbers in the place of where they stood among those that were read.
pub(super) fn numbered(mut found: Found, files: &[(u32, &KnownFile)]) -> Found {
    let number = |place: u32| {
        let file = files.get(place as usize);
        file.map_or(u32::MAX, |(number, _)| *number)
    };
    for (file, ..) in &mut found.counts {
        *file = number(*file);
    }
    for row in &mut found.rows {
        row.file = number(row.file);
    }
    let noted = std::mem::take(&mut found.conversations).into_iter();
    found.conversations = noted
        .map(|((file, mark), days)| ((number(file), mark), days))
        .collect();
    found
}
