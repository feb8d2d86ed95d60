//! Messages beside their site's calendar: the step that every table function over messages starts with.
//!
//! `sites` and `feature_periods` become the small relation `calendar` (see [`crate::domain::site`]), in which every
//! instant of a known site has exactly one row. `calendar RIGHT JOIN messages` therefore keeps every message once.

use arrow::datatypes::DataType;
use datafusion::common::{JoinType, Result};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit, when};

use super::Call;
use super::expression::{beside, call, listed, no_rows, of, text, unlisted};
use super::option::{GEN_AI_SCOPE, REJECTS};
use super::relation::{IdKind, Relation, null};
use crate::domain::message::Reason;
use crate::scalar::internal;

/// Messages joined with their calendar, and the expressions over that join.
pub(crate) struct Dated {
    /// `calendar RIGHT JOIN messages`.
    pub(crate) plan: LogicalPlan,
    /// The messages alone, aliased `messages`.
    pub(crate) messages: Relation,
    /// The calendar alone.
    pub(crate) calendar: LogicalPlan,
    site: IdKind,
    conversation: IdKind,
    consumer: Option<IdKind>,
    organization: IdKind,
    zones: crate::domain::zone::ZoneDatabase,
}

const CALENDAR: &str = "calendar";

/// Joins the messages of a call with their calendar, without dropping or checking any.
pub(crate) fn dated(call: &Call) -> Result<Dated> {
    let messages = call.relation("messages")?;
    let sites = call.relation("sites")?;
    messages.require(&["site_id", "conversation_id", "sent_at", "sent_by"])?;
    sites.require(&["site_id", "org_id", "time_zone"])?;
    let aliased = LogicalPlanBuilder::from(messages.plan.clone())
        .alias("messages")?
        .build()?;
    let messages = Relation::new("messages", aliased);
    messages.instant("sent_at")?;

    let kind = |relation: &Relation, name| {
        relation
            .id_kind(name)
            .map(|kind| kind.unwrap_or(IdKind::Text))
    };
    let (site, in_sites) = (kind(&messages, "site_id")?, kind(&sites, "site_id")?);
    let key = site.meet(in_sites);
    let calendar = calendar(call, &messages, &sites)?;
    let join = LogicalPlanBuilder::from(calendar.clone()).join_with_expr_keys(
        messages.plan.clone(),
        JoinType::Right,
        (
            vec![cast_to(of(CALENDAR, "site_id"), key)],
            vec![messages.id("site_id", key)?],
        ),
        Some(
            messages
                .column("sent_at")
                .gt_eq(of(CALENDAR, "first_instant"))
                .and(
                    messages
                        .column("sent_at")
                        .lt_eq(of(CALENDAR, "last_instant")),
                ),
        ),
    )?;
    Ok(Dated {
        plan: join.build()?,
        site,
        conversation: kind(&messages, "conversation_id")?,
        consumer: messages.id_kind("consumer_id")?,
        organization: kind(&sites, "org_id")?,
        zones: call.zones.clone(),
        messages,
        calendar,
    })
}

/// Calendar ids are text; `kind` has them back as they were.
fn cast_to(id: Expr, kind: IdKind) -> Expr {
    if kind == IdKind::Text {
        id
    } else {
        cast(id, kind.data_type())
    }
}

/// The rows of `sites` as the one value `site_rows`.
pub(crate) fn listed_sites(sites: &Relation) -> Result<LogicalPlan> {
    listed(
        sites,
        "site_rows",
        vec![
            ("site_id", sites.id("site_id", IdKind::Text)?),
            ("org_id", sites.id("org_id", IdKind::Text)?),
            ("time_zone", sites.text("time_zone")?),
            ("valid_from", sites.instant("valid_from")?),
            ("valid_to", sites.instant("valid_to")?),
            ("is_test", sites.flag("is_test")?),
        ],
    )
}

/// The rows of `sites` and `feature_periods` as lists, side by side in one row: `sites`, `feature_periods`.
fn lists(call: &Call, sites: &Relation) -> Result<(LogicalPlan, Vec<Expr>)> {
    let site_rows = listed_sites(sites)?;
    let scope = call.option(&GEN_AI_SCOPE).unwrap_or_default();
    let Some(features) = call.optional("feature_periods") else {
        return Ok((
            site_rows,
            vec![
                super::expression::column("site_rows"),
                no_rows(),
                lit(scope),
            ],
        ));
    };
    features.require(&["org_id", "feature", "enabled_from"])?;
    let feature_rows = listed(
        &features,
        "feature_rows",
        vec![
            ("org_id", features.id("org_id", IdKind::Text)?),
            ("feature", features.text("feature")?),
            ("site_id", features.id("site_id", IdKind::Text)?),
            ("enabled_from", features.instant("enabled_from")?),
            ("enabled_to", features.instant("enabled_to")?),
        ],
    )?;
    let both = beside(site_rows, feature_rows)?;
    let columns = ["site_rows", "feature_rows"].map(super::expression::column);
    Ok((both, columns.into_iter().chain([lit(scope)]).collect()))
}

fn calendar(call_: &Call, messages: &Relation, sites: &Relation) -> Result<LogicalPlan> {
    let (plan, mut arguments) = lists(call_, sites)?;
    arguments.push(null(&messages.instant_type("sent_at")));
    let columns = [
        "site_id",
        "first_instant",
        "last_instant",
        "in_force",
        "org_id",
        "time_zone",
        "is_test",
        "gen_ai_on",
        "intent_analyzer_on",
    ];
    unlisted(
        plan,
        call(internal::site_periods(&call_.zones), arguments),
        &columns,
        CALENDAR,
    )
}

/// When generative AI was on, by `site_id` and `org_id` (as text), each stretch from `first_instant` to
/// `last_instant`, both inclusive and of type `instant`: the relation `gen_ai_spans`.
pub(crate) fn gen_ai_spans(call_: &Call, instant: &DataType) -> Result<LogicalPlan> {
    let (plan, mut arguments) = lists(call_, &call_.relation("sites")?)?;
    arguments.push(null(instant));
    let columns = ["site_id", "org_id", "first_instant", "last_instant"];
    unlisted(
        plan,
        call(internal::gen_ai_spans(), arguments),
        &columns,
        "gen_ai_spans",
    )
}

impl Dated {
    /// The messages' own column.
    pub(crate) fn own(&self, name: &str) -> Expr {
        self.messages.column(name)
    }

    /// `site_id` in the kind of the output.
    pub(crate) fn site_id(&self) -> Result<Expr> {
        self.messages.id("site_id", self.site)
    }

    /// `conversation_id` as `kind`.
    pub(crate) fn conversation_id(&self, kind: IdKind) -> Result<Expr> {
        self.messages.id("conversation_id", kind)
    }

    /// The kind of `conversation_id`.
    pub(crate) fn conversation_kind(&self) -> IdKind {
        self.conversation
    }

    /// The kind of `consumer_id`; `None` if there is no such column.
    pub(crate) fn consumer_kind(&self) -> Option<IdKind> {
        self.consumer
    }

    /// `consumer_id` as `kind`; NULL if there is no such column.
    pub(crate) fn consumer_id(&self, kind: IdKind) -> Result<Expr> {
        self.messages.id("consumer_id", kind)
    }

    /// `org_id` of the row of `sites` in force.
    pub(crate) fn org_id(&self) -> Expr {
        cast_to(of(CALENDAR, "org_id"), self.organization)
    }

    /// The kind of `org_id`.
    pub(crate) fn org_kind(&self) -> IdKind {
        self.organization
    }

    /// The kind of `site_id`.
    pub(crate) fn site_kind(&self) -> IdKind {
        self.site
    }

    /// The zone in force.
    pub(crate) fn time_zone(&self) -> Expr {
        of(CALENDAR, "time_zone")
    }

    /// The local day; NULL without a zone or beyond the calendar.
    pub(crate) fn day(&self) -> Expr {
        call(
            internal::day(&self.zones),
            vec![self.own("sent_at"), self.time_zone()],
        )
    }

    /// Generative AI was on; never NULL.
    pub(crate) fn gen_ai_on(&self) -> Expr {
        coalesce(vec![of(CALENDAR, "gen_ai_on"), lit(false)])
    }

    /// Intent Analyzer listened: the message's own word, or else the switch; never NULL.
    pub(crate) fn listened(&self) -> Result<Expr> {
        let own = self.messages.flag("intent_analyzer")?;
        Ok(coalesce(vec![
            own,
            of(CALENDAR, "intent_analyzer_on"),
            lit(false),
        ]))
    }

    /// `consumer`, `agent`, `bot` or `system`.
    pub(crate) fn sender(&self) -> Result<Expr> {
        Ok(call(
            internal::sender(),
            vec![self.messages.text("sent_by")?],
        ))
    }

    fn facts(&self) -> Result<Vec<Expr>> {
        Ok(vec![
            self.own("site_id"),
            self.own("conversation_id"),
            self.own("sent_at"),
            self.messages.text("sent_by")?,
            self.messages.text("audience")?,
            of(CALENDAR, "in_force"),
            of(CALENDAR, "is_test"),
        ])
    }

    /// Why the message is not counted; NULL if it is.
    pub(crate) fn reason(&self) -> Result<Expr> {
        Ok(call(internal::message_reason(), self.facts()?))
    }

    /// True of every message, but only once `sites` and `feature_periods` are checked.
    pub(crate) fn checked(&self) -> Expr {
        call(internal::checked(), vec![of(CALENDAR, "in_force")])
    }

    /// The rows that count, by the option `rejects`: the check stands directly above the join.
    pub(crate) fn billable(&self, call_: &Call) -> Result<LogicalPlan> {
        let mut arguments = self.facts()?;
        arguments.push(text(&call_.option(&REJECTS).unwrap_or_default()));
        LogicalPlanBuilder::from(self.plan.clone())
            .filter(call(internal::billable(), arguments))?
            .build()
    }

    /// The messages' own columns, in order, and an error if one of them has a name in `taken`.
    pub(crate) fn own_columns(&self, function: &str, taken: &[&str]) -> Result<Vec<Expr>> {
        self.messages.leaves_free(function, taken)?;
        let names = self.messages.column_names();
        Ok(names.into_iter().map(|name| self.own(name)).collect())
    }
}

/// `counted`, `excluded` or `rejected`, from a reason.
pub(crate) fn disposition(reason: Expr) -> Result<Expr> {
    let excluded: Vec<Expr> = Reason::ALL
        .iter()
        .filter(|reason| !reason.is_rejection())
        .map(|reason| text(reason.name()))
        .collect();
    when(reason.clone().is_null(), text("counted"))
        .when(reason.in_list(excluded, false), text("excluded"))
        .otherwise(text("rejected"))
}
