//! `focus_rows(invoice_lines)`: the invoice as rows of FOCUS 1.2, the open format for cost and usage data.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{Result, ScalarValue};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, Operator, binary_expr, cast, lit, when,
};

use super::expression::{beside, call, listed, no_rows, of, text, unlisted};
use super::invoice_lines::INVOICE_LINES;
use super::option::PROVIDER;
use super::relation::{IdKind, Relation, null, utc_microseconds};
use super::{Call, RelationSpec, TableFunction};
use crate::scalar::internal;

/// See the module.
pub(crate) static FOCUS_ROWS: TableFunction = TableFunction {
    name: "focus_rows",
    summary: "The charges of an invoice in the columns of FOCUS 1.2 (the FinOps open cost and usage format). Beside a \
              previous invoice of the same periods, only what changed, as corrections. Usage under no contract has no \
              cost and so no row.",
    relations: &[
        RelationSpec {
            name: "invoice_lines",
            positional: true,
            required: true,
            columns: "as invoice_lines gives them",
        },
        RelationSpec {
            name: "previous",
            positional: false,
            required: false,
            columns: "as invoice_lines gives them: any saved earlier invoice of the same periods",
        },
    ],
    options: &[&PROVIDER],
    columns: &COLUMNS,
    example: "SELECT \"ChargeCategory\", \"BillingCurrency\", sum(\"BilledCost\") AS billed FROM focus_rows() GROUP BY 1, 2",
    plan,
};

const TEXT: &str = "text";
const INSTANT: &str = "TIMESTAMP WITH TIME ZONE (UTC)";
const MONEY: &str = "DECIMAL(30,10)";
const QUANTITY: &str = "DECIMAL(20,4)";
const PRICE: &str = "DECIMAL(18,6)";

/// Engagement credits as a currency to price in: a virtual one, in three letters as the validator of FOCUS wants them.
const CREDIT_CURRENCY: &str = "ECR";

/// The columns of FOCUS, by their names, and our own, which begin with `x_` as it asks.
const COLUMNS: [(&str, &str); 62] = [
    ("AvailabilityZone", TEXT),
    ("BilledCost", MONEY),
    ("BillingAccountId", TEXT),
    ("BillingAccountName", TEXT),
    ("BillingAccountType", TEXT),
    ("BillingCurrency", TEXT),
    ("BillingPeriodEnd", INSTANT),
    ("BillingPeriodStart", INSTANT),
    ("CapacityReservationId", TEXT),
    ("CapacityReservationStatus", TEXT),
    ("ChargeCategory", TEXT),
    ("ChargeClass", TEXT),
    ("ChargeDescription", TEXT),
    ("ChargeFrequency", TEXT),
    ("ChargePeriodEnd", INSTANT),
    ("ChargePeriodStart", INSTANT),
    ("CommitmentDiscountCategory", TEXT),
    ("CommitmentDiscountId", TEXT),
    ("CommitmentDiscountName", TEXT),
    ("CommitmentDiscountQuantity", QUANTITY),
    ("CommitmentDiscountStatus", TEXT),
    ("CommitmentDiscountType", TEXT),
    ("CommitmentDiscountUnit", TEXT),
    ("ConsumedQuantity", QUANTITY),
    ("ConsumedUnit", TEXT),
    ("ContractedCost", MONEY),
    ("ContractedUnitPrice", PRICE),
    ("EffectiveCost", MONEY),
    ("InvoiceId", TEXT),
    ("InvoiceIssuerName", TEXT),
    ("ListCost", MONEY),
    ("ListUnitPrice", PRICE),
    ("PricingCategory", TEXT),
    ("PricingCurrency", TEXT),
    ("PricingCurrencyContractedUnitPrice", PRICE),
    ("PricingCurrencyEffectiveCost", MONEY),
    ("PricingCurrencyListUnitPrice", PRICE),
    ("PricingQuantity", QUANTITY),
    ("PricingUnit", TEXT),
    ("ProviderName", TEXT),
    ("PublisherName", TEXT),
    ("RegionId", TEXT),
    ("RegionName", TEXT),
    ("ResourceId", TEXT),
    ("ResourceName", TEXT),
    ("ResourceType", TEXT),
    ("ServiceCategory", TEXT),
    ("ServiceName", TEXT),
    ("ServiceSubcategory", TEXT),
    ("SkuId", TEXT),
    ("SkuMeter", TEXT),
    ("SkuPriceDetails", TEXT),
    ("SkuPriceId", TEXT),
    ("SubAccountId", TEXT),
    ("SubAccountName", TEXT),
    ("SubAccountType", TEXT),
    ("Tags", TEXT),
    ("x_Channel", TEXT),
    ("x_ContractId", TEXT),
    ("x_LineNo", "BIGINT"),
    ("x_LineType", TEXT),
    ("x_Scenario", TEXT),
];

/// The columns of `invoice_lines` that charges are made of.
fn rows_of(lines: &Relation, name: &str) -> Result<LogicalPlan> {
    lines.require(&[
        "scenario",
        "org_id",
        "contract_id",
        "period_start",
        "period_end",
        "line_no",
        "line_type",
        "channel",
        "quantity",
        "unit",
        "unit_price",
        "amount",
        "currency",
        "first_day",
        "last_day",
    ])?;
    let mut columns = Vec::new();
    for name in ["org_id", "contract_id"] {
        columns.push((name, lines.id(name, IdKind::Text)?));
    }
    for name in ["scenario", "line_type", "channel", "unit", "currency"] {
        columns.push((name, lines.text(name)?));
    }
    for name in ["period_start", "period_end", "first_day", "last_day"] {
        columns.push((name, lines.date(name)?));
    }
    for name in ["quantity", "unit_price", "amount"] {
        columns.push((name, lines.figure(name)?));
    }
    columns.push(("line_no", cast(lines.column("line_no"), DataType::Int64)));
    listed(lines, name, columns)
}

fn plan(call_: &Call) -> Result<LogicalPlan> {
    let lines = call_.upstream(&INVOICE_LINES)?;
    let (plan, previous) = match call_.optional("previous") {
        None => (rows_of(&lines, "line_rows")?, no_rows()),
        Some(previous) => (
            beside(
                rows_of(&lines, "line_rows")?,
                rows_of(&previous, "previous_rows")?,
            )?,
            super::expression::column("previous_rows"),
        ),
    };
    let columns = [
        "scenario",
        "org_id",
        "contract_id",
        "period_start",
        "period_end",
        "line_no",
        "line_type",
        "channel",
        "unit",
        "currency",
        "first_day",
        "last_day",
        "kind",
        "is_correction",
        "quantity",
        "unit_price",
        "cost",
        "billed",
        "effective",
    ];
    let charges = unlisted(
        plan,
        call(
            internal::focus_charges(),
            vec![super::expression::column("line_rows"), previous],
        ),
        &columns,
        "charges",
    )?;
    let provider = call_.option(&PROVIDER).unwrap_or_default();
    let output = COLUMNS
        .iter()
        .map(|(name, _)| Ok(value(name, &provider)?.alias(*name)))
        .collect::<Result<Vec<Expr>>>()?;
    LogicalPlanBuilder::from(charges).project(output)?.build()
}

/// The value of a column of FOCUS.
fn value(name: &str, provider: &str) -> Result<Expr> {
    let charge = |name: &str| of("charges", name);
    let kind = |kind: &str| charge("kind").eq(text(kind));
    let is_purchase = || kind("purchase");
    let of_commitment =
        || charge("kind").in_list(["purchase", "used", "unused"].map(text).to_vec(), false);
    let of_credits = || charge("unit").in_list(vec![text("credit"), text("block")], false);
    let only = |condition: Expr, value: Expr| when(condition, value).end();
    let either = |condition: Expr, yes: Expr, no: Expr| when(condition, yes).otherwise(no);
    let joined = |parts: Vec<Expr>| {
        let more = |all: Expr, part: Expr| {
            let part = binary_expr(text(" "), Operator::StringConcat, part);
            binary_expr(all, Operator::StringConcat, coalesce(vec![part, text("")]))
        };
        let all = parts.into_iter().reduce(more).unwrap_or_else(|| text(""));
        cast(all, DataType::Utf8View)
    };
    let money = |value: Expr| cast(value, DataType::Decimal128(30, 10));
    let instant = |day: Expr| {
        let utc = DataType::Timestamp(TimeUnit::Microsecond, None);
        cast(cast(day, utc), utc_microseconds())
    };
    let after = |day: Expr| {
        let next = day + lit(ScalarValue::new_interval_mdn(0, 1, 0));
        cast(next, DataType::Date32)
    };
    let contract = || {
        let start = cast(charge("period_start"), DataType::Utf8View);
        joined(vec![charge("contract_id"), start])
    };
    let units = || {
        when(charge("unit").eq(text("credit")), text("Credits"))
            .when(charge("unit").eq(text("block")), text("Blocks"))
            .when(charge("unit").eq(text("message")), text("Messages"))
            .otherwise(text("Relationships"))
    };
    let description = || {
        when(
            charge("line_type").eq(text("commitment_fee")),
            text("Engagement credits committed, in advance"),
        )
        .when(
            is_purchase(),
            text("Engagement credits committed, in arrears"),
        )
        .when(
            kind("used"),
            text("Engagement credits used within the commitment"),
        )
        .when(
            kind("unused"),
            text("Engagement credits committed and not used"),
        )
        .when(
            charge("line_type").eq(text("overage")),
            text("Engagement credits above the commitment"),
        )
        .otherwise(joined(vec![
            text("Channel charge"),
            coalesce(vec![charge("channel"), text("of any channel")]),
        ]))
    };
    // A price list's entry: its kind, and for a channel the channel.
    let sku = || {
        either(
            of_credits(),
            text("engagement-credit"),
            text("channel-charge"),
        )
    };
    Ok(match name {
        "BilledCost" => money(charge("billed")),
        "EffectiveCost" => money(charge("effective")),
        "ContractedCost" | "ListCost" => coalesce(vec![charge("cost"), money(charge("billed"))]),
        "ContractedUnitPrice" | "ListUnitPrice" => charge("unit_price"),
        "BillingAccountId" | "BillingAccountName" => charge("org_id"),
        "BillingAccountType" => text("organization"),
        "BillingCurrency" => charge("currency"),
        "BillingPeriodStart" => instant(charge("period_start")),
        "BillingPeriodEnd" => instant(charge("period_end")),
        "ChargePeriodStart" => either(
            is_purchase(),
            instant(charge("period_start")),
            instant(coalesce(vec![charge("first_day"), charge("period_start")])),
        )?,
        "ChargePeriodEnd" => either(
            is_purchase().or(charge("last_day").is_null()),
            instant(charge("period_end")),
            instant(after(charge("last_day"))),
        )?,
        "ChargeCategory" => either(is_purchase(), text("Purchase"), text("Usage"))?,
        "ChargeClass" => only(charge("is_correction"), text("Correction"))?,
        "ChargeDescription" => description()?,
        "ChargeFrequency" => either(is_purchase(), text("Recurring"), text("Usage-Based"))?,
        "CommitmentDiscountCategory" => only(of_commitment(), text("Usage"))?,
        "CommitmentDiscountId" | "CommitmentDiscountName" => only(of_commitment(), contract())?,
        "CommitmentDiscountQuantity" => only(
            of_commitment().and(charge("is_correction").is_false()),
            charge("quantity"),
        )?,
        "CommitmentDiscountUnit" => only(
            of_commitment().and(charge("is_correction").is_false()),
            text("Credits"),
        )?,
        "CommitmentDiscountStatus" => when(kind("used"), text("Used"))
            .when(kind("unused"), text("Unused"))
            .end()?,
        "CommitmentDiscountType" => only(of_commitment(), text("engagement credit commitment"))?,
        "ConsumedQuantity" => only(
            charge("kind").in_list(vec![text("used"), text("usage")], false),
            charge("quantity"),
        )?,
        "ConsumedUnit" => only(
            charge("kind").in_list(vec![text("used"), text("usage")], false),
            units()?,
        )?,
        "InvoiceId" => joined(vec![
            charge("org_id"),
            charge("contract_id"),
            cast(charge("period_start"), DataType::Utf8View),
            charge("currency"),
            charge("scenario"),
        ]),
        "InvoiceIssuerName" | "ProviderName" | "PublisherName" => text(provider),
        "PricingCategory" => either(
            charge("kind").in_list(vec![text("used"), text("unused")], false),
            text("Committed"),
            text("Standard"),
        )?,
        "PricingCurrency" => either(of_credits(), text(CREDIT_CURRENCY), charge("currency"))?,
        "PricingCurrencyContractedUnitPrice" | "PricingCurrencyListUnitPrice" => either(
            charge("unit").eq(text("credit")),
            cast(lit(1_i64), DataType::Decimal128(18, 6)),
            charge("unit_price"),
        )?,
        "PricingCurrencyEffectiveCost" => when(is_purchase(), money(lit(0_i64)))
            .when(charge("unit").eq(text("credit")), money(charge("quantity")))
            .otherwise(money(charge("effective")))?,
        "PricingQuantity" => charge("quantity"),
        "PricingUnit" => units()?,
        "ServiceCategory" => text("Integration"),
        "ServiceSubcategory" => text("Messaging"),
        "ServiceName" => text("Conversational messaging"),
        "SkuId" => sku()?,
        "SkuMeter" => either(of_credits(), text("Daily Active Relationships"), units()?)?,
        "SkuPriceId" => joined(vec![sku()?, charge("line_type"), charge("channel")]),
        "x_Channel" => charge("channel"),
        "x_ContractId" => charge("contract_id"),
        "x_LineNo" => charge("line_no"),
        "x_LineType" => charge("line_type"),
        "x_Scenario" => charge("scenario"),
        // No resource, no region, no tags and no account below the organization.
        _ => null(&DataType::Utf8View),
    })
}
