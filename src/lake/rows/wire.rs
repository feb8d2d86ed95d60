//! `RowsExec` as bytes, for another process that sees the same files.

use std::sync::Arc;

use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::stats::Precision;
use datafusion::common::{ScalarValue, exec_datafusion_err};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::object_store::ObjectMeta;
use datafusion::object_store::path::Path;
use datafusion_proto::protobuf;

use super::RowFormat;
use super::bytes::Compression;
use super::scan::{RowsExec, RowsFile, RowsScan};

/// A scan of files of rows.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RowsNode {
    #[prost(string, tag = "1")]
    store: String,
    /// The byte between two cells; 0 for JSON lines, 1 for Arrow.
    #[prost(uint32, tag = "2")]
    format: u32,
    #[prost(message, optional, tag = "3")]
    file_schema: Option<protobuf::Schema>,
    #[prost(message, optional, tag = "4")]
    folder_schema: Option<protobuf::Schema>,
    #[prost(uint64, repeated, tag = "5")]
    projection: Vec<u64>,
    #[prost(message, repeated, tag = "6")]
    groups: Vec<GroupNode>,
}

/// The files of one partition.
#[derive(Clone, PartialEq, prost::Message)]
struct GroupNode {
    #[prost(message, repeated, tag = "1")]
    files: Vec<FileNode>,
}

/// One file. Its time and its tag in the store are left out: they are of the store that the client asked.
#[derive(Clone, PartialEq, prost::Message)]
struct FileNode {
    #[prost(string, tag = "1")]
    path: String,
    #[prost(uint64, tag = "2")]
    bytes: u64,
    #[prost(string, tag = "3")]
    name: String,
    /// 0: none, 1: gzip, 2: zstd.
    #[prost(uint32, tag = "4")]
    compression: u32,
    #[prost(message, repeated, tag = "5")]
    folders: Vec<protobuf::ScalarValue>,
    #[prost(uint64, optional, tag = "6")]
    rows: Option<u64>,
}

const NDJSON: u32 = 0;
const IPC: u32 = 1;

impl RowsExec {
    /// What another process calls the store of the files.
    pub(crate) fn store_url(&self) -> &ObjectStoreUrl {
        &self.scan.store_url
    }

    /// The files of a partition.
    pub(crate) fn files(&self, partition: usize) -> impl Iterator<Item = &ObjectMeta> {
        self.groups
            .get(partition)
            .into_iter()
            .flatten()
            .map(|file| &file.meta)
    }

    /// One scan for each partition.
    pub(crate) fn apart(&self) -> Vec<Self> {
        let one = |group: &Vec<RowsFile>| Self::of_groups(self.scan.clone(), vec![group.clone()]);
        self.groups.iter().map(one).collect()
    }
}

impl RowsNode {
    /// The bytes of a scan.
    ///
    /// # Errors
    ///
    /// A type that cannot be written.
    pub(crate) fn of(rows: &RowsExec) -> Result<Self> {
        let scan = &rows.scan;
        let groups = rows.groups.iter().map(|files| {
            let files = files.iter().map(FileNode::of).collect::<Result<_>>()?;
            Ok(GroupNode { files })
        });
        Ok(Self {
            store: scan.store_url.as_str().to_owned(),
            format: match scan.format {
                RowFormat::Csv { separator } => separator.into(),
                RowFormat::Ndjson => NDJSON,
                RowFormat::Ipc => IPC,
            },
            file_schema: Some(scan.file_schema.as_ref().try_into()?),
            folder_schema: Some((&Schema::new(scan.folder_fields.clone())).try_into()?),
            projection: scan.projection.iter().map(|at| *at as u64).collect(),
            groups: groups.collect::<Result<_>>()?,
        })
    }

    /// The scan, in a process whose stores are those of `context`.
    ///
    /// # Errors
    ///
    /// A store that cannot be opened; bytes that are no scan.
    pub(crate) fn into_exec(self, context: &TaskContext) -> Result<RowsExec> {
        let store_url = ObjectStoreUrl::parse(&self.store)?;
        let groups = self.groups.into_iter().map(|group| {
            let files = group.files.into_iter().map(FileNode::into_file);
            files.collect::<Result<Vec<_>>>()
        });
        let scan = RowsScan {
            store: context.runtime_env().object_store(&store_url)?,
            store_url,
            format: match self.format {
                NDJSON => RowFormat::Ndjson,
                IPC => RowFormat::Ipc,
                separator => RowFormat::Csv {
                    separator: u8::try_from(separator).map_err(|_| unreadable("separator"))?,
                },
            },
            file_schema: schema(self.file_schema)?,
            folder_fields: schema(self.folder_schema)?.fields().clone(),
            projection: self
                .projection
                .into_iter()
                .map(|at| number(at, "column"))
                .collect::<Result<_>>()?,
        };
        Ok(RowsExec::of_groups(scan, groups.collect::<Result<_>>()?))
    }
}

impl FileNode {
    fn of(file: &RowsFile) -> Result<Self> {
        let folders = file.folders.iter().map(protobuf::ScalarValue::try_from);
        Ok(Self {
            path: file.meta.location.as_ref().to_owned(),
            bytes: file.meta.size,
            name: file.name.clone(),
            compression: match file.compression {
                Compression::None => 0,
                Compression::Gzip => 1,
                Compression::Zstd => 2,
            },
            folders: folders.collect::<Result<_, _>>()?,
            rows: match file.rows {
                Precision::Exact(rows) => Some(rows as u64),
                Precision::Inexact(_) | Precision::Absent => None,
            },
        })
    }

    fn into_file(self) -> Result<RowsFile> {
        let path =
            Path::parse(&self.path).map_err(|cause| DataFusionError::External(Box::new(cause)))?;
        let mut meta = PartitionedFile::new("", self.bytes).object_meta;
        meta.location = path;
        let folders = self.folders.iter().map(ScalarValue::try_from);
        Ok(RowsFile {
            meta,
            name: self.name,
            compression: match self.compression {
                0 => Compression::None,
                1 => Compression::Gzip,
                2 => Compression::Zstd,
                _ => return Err(unreadable("compression")),
            },
            folders: folders.collect::<Result<_, _>>()?,
            rows: match self.rows {
                Some(rows) => Precision::Exact(number(rows, "row count")?),
                None => Precision::Absent,
            },
        })
    }
}

fn schema(schema: Option<protobuf::Schema>) -> Result<SchemaRef> {
    let schema = schema.ok_or_else(|| unreadable("schema"))?;
    Ok(Arc::new(Schema::try_from(&schema)?))
}

fn number(number: u64, what: &str) -> Result<usize> {
    usize::try_from(number).map_err(|_| unreadable(what))
}

fn unreadable(what: &str) -> DataFusionError {
    exec_datafusion_err!("a scan of rows arrived without a {what} that can be read")
}
