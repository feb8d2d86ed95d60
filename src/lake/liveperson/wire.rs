//! `HistoryExec` as bytes, for another process that sees the same files.

use std::path::PathBuf;

use datafusion::common::exec_datafusion_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::object_store::path::Path;

use super::inputs::Input;
use super::part::Part;
use super::scan::{HistoryExec, Scan};

/// A scan of a history.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct HistoryNode {
    /// The place of the part in [`PARTS`].
    #[prost(uint32, tag = "1")]
    part: u32,
    #[prost(bool, tag = "2")]
    fails: bool,
    #[prost(message, repeated, tag = "3")]
    inputs: Vec<InputNode>,
    #[prost(message, repeated, tag = "4")]
    shares: Vec<Places>,
    /// All columns if there is none.
    #[prost(message, optional, tag = "5")]
    projection: Option<Places>,
}

/// One file.
#[derive(Clone, PartialEq, prost::Message)]
struct InputNode {
    #[prost(string, tag = "1")]
    path: String,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(uint64, tag = "3")]
    bytes: u64,
}

/// Places in a list.
#[derive(Clone, PartialEq, prost::Message)]
struct Places {
    #[prost(uint64, repeated, tag = "1")]
    places: Vec<u64>,
}

const PARTS: [Part; 4] = [
    Part::Messages,
    Part::Outcomes,
    Part::Rejects,
    Part::Deliveries,
];

impl HistoryExec {
    /// The files of a partition and their bytes on disk; an error for a path that no store knows.
    pub(crate) fn files(&self, partition: usize) -> impl Iterator<Item = (Result<Path>, u64)> {
        let places = self.shares.get(partition).into_iter().flatten();
        let inputs = places.filter_map(|at| self.scan.inputs.get(*at));
        inputs.map(|input| {
            let path = Path::from_absolute_path(&input.path);
            (
                path.map_err(|cause| DataFusionError::External(Box::new(cause))),
                input.bytes,
            )
        })
    }

    /// One scan for each partition.
    pub(crate) fn apart(&self) -> Vec<Self> {
        let one = |share: &Vec<usize>| Self::new(self.scan.clone(), vec![share.clone()]);
        self.shares.iter().map(one).collect()
    }
}

impl HistoryNode {
    /// The bytes of a scan.
    pub(crate) fn of(history: &HistoryExec) -> Self {
        let scan = &history.scan;
        let inputs = scan.inputs.iter().map(|input| InputNode {
            path: input.path.to_string_lossy().into_owned(),
            name: input.name.clone(),
            bytes: input.bytes,
        });
        let part = (0..).zip(PARTS).find(|(_, part)| *part == scan.part);
        Self {
            part: part.map_or(0, |(at, _)| at),
            fails: scan.fails,
            inputs: inputs.collect(),
            shares: history
                .shares
                .iter()
                .map(|share| Places::of(share))
                .collect(),
            projection: scan.projection.as_deref().map(Places::of),
        }
    }

    /// The scan, in a process that sees the same files under the same paths.
    ///
    /// # Errors
    ///
    /// Bytes that are no scan.
    pub(crate) fn into_exec(self) -> Result<HistoryExec> {
        let part = usize::try_from(self.part).ok().and_then(|at| PARTS.get(at));
        let part =
            *part.ok_or_else(|| exec_datafusion_err!("a history arrived without its part"))?;
        let inputs = self.inputs.into_iter().map(InputNode::into_input);
        let scan = Scan {
            part,
            inputs: inputs.collect::<Vec<_>>().into(),
            fails: self.fails,
            projection: self.projection.map(Places::into_places).transpose()?,
        };
        let shares = self.shares.into_iter().map(Places::into_places);
        Ok(HistoryExec::new(scan, shares.collect::<Result<_>>()?))
    }
}

impl InputNode {
    fn into_input(self) -> Input {
        Input {
            path: PathBuf::from(self.path),
            name: self.name,
            bytes: self.bytes,
        }
    }
}

impl Places {
    fn of(places: &[usize]) -> Self {
        Self {
            places: places.iter().map(|at| *at as u64).collect(),
        }
    }

    fn into_places(self) -> Result<Vec<usize>> {
        let place = |at| usize::try_from(at).map_err(|_| exec_datafusion_err!("{at} is no place"));
        self.places.into_iter().map(place).collect()
    }
}
