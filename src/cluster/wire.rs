//! Our operators as bytes. Children are not in here: the engine writes them beside.

use datafusion_proto::protobuf::Schema;

use super::guard::Guard;
use crate::lake::{DeltaNode, HistoryNode, RowsNode};

/// One operator, and the rules it was planned with.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Envelope {
    #[prost(message, optional, tag = "1")]
    pub(super) guard: Option<Guard>,
    /// The columns it gives, so that one that must not run can still stand in its place.
    #[prost(message, optional, tag = "2")]
    pub(super) schema: Option<Schema>,
    #[prost(oneof = "Node", tags = "3, 4, 5, 6, 7, 8, 9, 10, 11, 12")]
    pub(super) node: Option<Node>,
}

/// Whose operator it is: the tag.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum Node {
    /// The engine's own, as its codec writes it.
    #[prost(bytes, tag = "3")]
    Ballista(Vec<u8>),
    #[prost(message, tag = "4")]
    Fold(FoldNode),
    #[prost(message, tag = "5")]
    Settle(SettleNode),
    #[prost(message, tag = "6")]
    SameRules(SameRulesNode),
    #[prost(message, tag = "7")]
    SeenFiles(SeenFilesNode),
    #[prost(message, tag = "8")]
    Rows(RowsNode),
    #[prost(message, tag = "9")]
    SameColumns(SameColumnsNode),
    #[prost(message, tag = "10")]
    History(HistoryNode),
    #[prost(message, tag = "11")]
    Delta(DeltaNode),
    #[prost(message, tag = "12")]
    NotedFold(NotedFoldNode),
}

/// `FoldMessagesExec`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct FoldNode {
    #[prost(bool, tag = "1")]
    pub(super) by_consumer: bool,
    #[prost(bool, tag = "2")]
    pub(super) with_consumers: bool,
    #[prost(bool, tag = "3")]
    pub(super) skip_rejected: bool,
    /// Two fields, of the types of `site_id` and `org_id`.
    #[prost(message, optional, tag = "4")]
    pub(super) ids: Option<Schema>,
    /// The first and the last day of each stretch of days that is asked for.
    #[prost(sint32, repeated, tag = "5")]
    pub(super) days: Vec<i32>,
    /// The sites that are asked for, unless all are.
    #[prost(message, optional, tag = "6")]
    pub(super) sites: Option<SitesNode>,
}

/// Ids of sites.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SitesNode {
    #[prost(string, repeated, tag = "1")]
    pub(super) ids: Vec<String>,
}

/// `NotedFoldExec`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct NotedFoldNode {
    #[prost(message, optional, tag = "1")]
    pub(super) folding: Option<FoldNode>,
    /// What is wanted of files, each but once.
    #[prost(message, repeated, tag = "2")]
    pub(super) scopes: Vec<ScopeNode>,
    /// By number of the file, the place of what is wanted of it.
    #[prost(uint32, repeated, tag = "3")]
    pub(super) wanted: Vec<u32>,
}

/// Days, of all sites and of single ones.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ScopeNode {
    /// The first and the last day of each stretch.
    #[prost(sint32, repeated, tag = "1")]
    pub(super) everywhere: Vec<i32>,
    #[prost(message, repeated, tag = "2")]
    pub(super) by_site: Vec<SiteDaysNode>,
}

/// Days of one site, by its number in the calendar.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SiteDaysNode {
    #[prost(uint32, tag = "1")]
    pub(super) site: u32,
    #[prost(sint32, repeated, tag = "2")]
    pub(super) days: Vec<i32>,
}

/// `SettleDarsExec`; its columns are those of the envelope.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SettleNode {
    #[prost(message, optional, tag = "1")]
    pub(super) folding: Option<FoldNode>,
    /// The name of the rule, as the option has it.
    #[prost(string, tag = "2")]
    pub(super) gen_ai_rule: String,
}

/// `SameRulesExec`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SameRulesNode {}

/// `SameColumnsExec`; its columns are those of the envelope.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SameColumnsNode {}

/// `SeenFilesExec`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SeenFilesNode {}
