//! A line of an invoice.

use super::super::day::Day;
use super::super::money::{Amount4, Credits4, Price6};

/// What a line bills. The order is that of the lines on an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LineType {
    /// The whole commitment, in advance.
    CommitmentFee,
    /// Credits used within the commitment.
    CommittedUsage,
    /// Credits committed and not used when the period has ended; they do not roll over.
    UnusedCommitment,
    /// Credits above the commitment.
    Overage,
    /// What a channel or a feature costs beside the credits.
    ChannelCharge,
    /// Usage under no contract: credits without a price.
    Uncontracted,
}

impl LineType {
    /// As SQL has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            LineType::CommitmentFee => "commitment_fee",
            LineType::CommittedUsage => "committed_usage",
            LineType::UnusedCommitment => "unused_commitment",
            LineType::Overage => "overage",
            LineType::ChannelCharge => "channel_charge",
            LineType::Uncontracted => "uncontracted",
        }
    }
}

/// What a quantity counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Engagement credits.
    Credit,
    /// Blocks of overage credits.
    Block,
    /// Messages.
    Message,
    /// Daily Active Relationships.
    Dar,
}

impl Unit {
    /// As SQL has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Unit::Credit => "credit",
            Unit::Block => "block",
            Unit::Message => "message",
            Unit::Dar => "dar",
        }
    }
}

/// See the module; the fields are the columns of `invoice_lines`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// As rated.
    pub(crate) scenario: Option<String>,
    /// As text.
    pub(crate) org_id: String,
    /// `None`: under no contract.
    pub(crate) contract_id: Option<String>,
    /// Half open.
    pub(crate) period: (Day, Day),
    /// From 1, in its period.
    pub(crate) line_no: i64,
    /// What it bills.
    pub(crate) line_type: LineType,
    /// Of a channel charge.
    pub(crate) channel: Option<String>,
    /// DARs counted in this line alone.
    pub(crate) dars: i64,
    /// In ten-thousandths.
    pub(crate) quantity: i128,
    /// What the quantity counts.
    pub(crate) unit: Unit,
    /// `None`: no price, or paid by the fee.
    pub(crate) unit_price: Option<Price6>,
    /// `None` only without a contract.
    pub(crate) amount: Option<Amount4>,
    /// ISO 4217.
    pub(crate) currency: Option<String>,
    /// Of the DARs with credits in the line.
    pub(crate) first_day: Option<Day>,
    /// Of the DARs with credits in the line.
    pub(crate) last_day: Option<Day>,
    /// The stretch of the period's drawdown that the line bills.
    pub(crate) stretch: Option<(Credits4, Credits4)>,
}

impl Line {
    /// A line of `quantity`, of which everything else is still open.
    pub(super) fn new(line_type: LineType, period: (Day, Day), quantity: i128, unit: Unit) -> Self {
        Self {
            scenario: None,
            org_id: String::new(),
            contract_id: None,
            period,
            line_no: 0,
            line_type,
            channel: None,
            dars: 0,
            quantity,
            unit,
            unit_price: None,
            amount: None,
            currency: None,
            first_day: None,
            last_day: None,
            stretch: None,
        }
    }
}
