//! The relations that bills and reports are made from, column by column: what `init` looks for and `doctor` checks.

use datafusion::arrow::datatypes::DataType;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// A text or an integer that names something.
    Id,
    Text,
    /// A timestamp with a zone.
    Instant,
    Day,
    Flag,
    /// A decimal or an integer, never a float.
    Exact,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected {
    pub(super) name: &'static str,
    pub(super) required: bool,
    pub(super) holds: Holds,
    /// Other names that exports give it; letter case and `_` do not matter.
    pub(super) also: &'static str,
}

/// A relation.
#[derive(Debug)]
pub(super) struct ExpectedRelation {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) columns: &'static [Expected],
}

const fn must(name: &'static str, holds: Holds, also: &'static str) -> Expected {
    Expected {
        name,
        required: true,
        holds,
        also,
    }
}

const fn may(name: &'static str, holds: Holds, also: &'static str) -> Expected {
    Expected {
        name,
        required: false,
        holds,
        also,
    }
}

const SITE: &str =
    "site brandid brand accountid account accountnumber lpaccount workspaceid tenantid";
const CONVERSATION: &str =
    "conversation convid conv conversationuuid engagementid dialogid threadid ticketid";
const ORGANIZATION: &str = "org organization organizationid organisation organisationid customer companyid company client clientid";

/// All of them, in the order in which they are explained.
pub(super) static RELATIONS: [ExpectedRelation; 8] = [
    ExpectedRelation {
        name: "messages",
        about: "every message sent, by anyone",
        columns: &[
            must("site_id", Holds::Id, SITE),
            must("conversation_id", Holds::Id, CONVERSATION),
            must(
                "sent_at",
                Holds::Instant,
                "timestamp ts timel time sent senttime sentattime eventtime messagetime createdat created datetime date occurredat servertimestamp",
            ),
            must(
                "sent_by",
                Holds::Text,
                "sender role sendertype senderrole author authortype authorrole usertype usertypename originator participanttype participantrole fromtype direction",
            ),
            may(
                "consumer_id",
                Holds::Id,
                "consumer consumerparticipantid visitorid visitor enduserid customerid contactid userid",
            ),
            may("message_id", Holds::Id, "message msgid messageuuid eventid"),
            may("audience", Holds::Text, "messageaudience visibility"),
            may("channel", Holds::Text, "source medium channeltype platform"),
            may(
                "intent_analyzer",
                Holds::Flag,
                "intentanalyser listened intentanalyzed",
            ),
        ],
    },
    ExpectedRelation {
        name: "sites",
        about: "the organization and time zone of each site",
        columns: &[
            must("site_id", Holds::Id, SITE),
            must("org_id", Holds::Id, ORGANIZATION),
            must(
                "time_zone",
                Holds::Text,
                "tz zone timezonename tzid ianazone",
            ),
            may(
                "valid_from",
                Holds::Instant,
                "from since startsat effectivefrom",
            ),
            may("valid_to", Holds::Instant, "to until endsat effectiveto"),
            may("is_test", Holds::Flag, "test sandbox istestsite"),
        ],
    },
    ExpectedRelation {
        name: "feature_periods",
        about: "when Generative AI and Intent Analyzer were on",
        columns: &[
            must("org_id", Holds::Id, ORGANIZATION),
            must("feature", Holds::Text, "featurename switch capability"),
            may("site_id", Holds::Id, SITE),
            must(
                "enabled_from",
                Holds::Instant,
                "from since enabledat start validfrom",
            ),
            may(
                "enabled_to",
                Holds::Instant,
                "to until disabledat end validto",
            ),
        ],
    },
    ExpectedRelation {
        name: "contracts",
        about: "terms, commitments and prices",
        columns: &[
            must(
                "contract_id",
                Holds::Id,
                "contract agreementid agreement orderid",
            ),
            must("org_id", Holds::Id, ORGANIZATION),
            must(
                "term_start",
                Holds::Day,
                "start startdate termfrom effectivedate validfrom",
            ),
            must(
                "term_end",
                Holds::Day,
                "end enddate termto expirydate validto",
            ),
            must("currency", Holds::Text, "currencycode ccy"),
            must(
                "committed_credits",
                Holds::Exact,
                "commitment committed credits commitcredits",
            ),
            must(
                "credit_price",
                Holds::Exact,
                "price unitprice rate creditrate",
            ),
            must(
                "overage_price",
                Holds::Exact,
                "overage overagerate overageunitprice",
            ),
            may("period", Holds::Text, "billingperiod"),
            may("overage_block", Holds::Exact, "block blocksize"),
            may("block_mode", Holds::Text, ""),
            may("dar_credits", Holds::Exact, ""),
            may("gen_ai_multiplier", Holds::Exact, ""),
            may("intent_analyzer_credits", Holds::Exact, ""),
            may("surcharge_mode", Holds::Text, ""),
            may("collection", Holds::Text, ""),
            may("scenario", Holds::Text, ""),
        ],
    },
    ExpectedRelation {
        name: "price_tiers",
        about: "overage prices by volume",
        columns: &[
            must("contract_id", Holds::Id, "contract agreementid"),
            must("from_credits", Holds::Exact, "from threshold tierfrom"),
            must("price", Holds::Exact, "unitprice rate"),
            may("mode", Holds::Text, "tiermode"),
        ],
    },
    ExpectedRelation {
        name: "channel_charges",
        about: "what providers charge for a channel or feature",
        columns: &[
            must("org_id", Holds::Id, ORGANIZATION),
            must("channel", Holds::Text, "source medium"),
            may("feature", Holds::Text, ""),
            must("per", Holds::Text, "unit chargedper"),
            must("price", Holds::Exact, "unitprice rate charge"),
            must("currency", Holds::Text, "currencycode ccy"),
            may("valid_from", Holds::Day, "from startdate"),
            may("valid_to", Holds::Day, "to enddate"),
        ],
    },
    ExpectedRelation {
        name: "outcomes",
        about: "sales and support outcomes of conversations",
        columns: &[
            must("conversation_id", Holds::Id, CONVERSATION),
            must(
                "kind",
                Holds::Text,
                "outcomekind outcometype outcome type category",
            ),
            may("site_id", Holds::Id, SITE),
            may("outcome_id", Holds::Id, "orderid caseid"),
            may("occurred_at", Holds::Instant, "outcometime closedat"),
            may("currency", Holds::Text, "currencycode ccy"),
            may("revenue", Holds::Exact, "ordertotal salesvalue total"),
            may("saving", Holds::Exact, "savings costsaved"),
            may("resolved", Holds::Flag, "isresolved fcr"),
        ],
    },
    ExpectedRelation {
        name: "seats",
        about: "the price of seats, to compare with",
        columns: &[
            must("org_id", Holds::Id, ORGANIZATION),
            must("seats", Holds::Exact, "seatcount licenses licences agents"),
            must("seat_price", Holds::Exact, "price pricepermonth seatrate"),
            must("currency", Holds::Text, "currencycode ccy"),
            must("valid_from", Holds::Day, "from startdate"),
            may("valid_to", Holds::Day, "to enddate"),
        ],
    },
];

impl ExpectedRelation {
    /// The relation of that name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        RELATIONS.iter().find(|relation| relation.name == name)
    }

    /// The columns without which it is none.
    pub(super) fn required(&self) -> impl Iterator<Item = &'static Expected> {
        self.columns.iter().filter(|column| column.required)
    }
}

impl Expected {
    /// Whether a column of this name and meaning may have this type.
    pub(super) fn takes(&self, data_type: &DataType) -> bool {
        if let DataType::Dictionary(_, value) = data_type {
            return self.takes(value);
        }
        if *data_type == DataType::Null {
            return true;
        }
        match self.holds {
            Holds::Id => data_type.is_integer() || data_type.is_string(),
            Holds::Text => data_type.is_string(),
            Holds::Instant => matches!(data_type, DataType::Timestamp(_, Some(_))),
            Holds::Day => matches!(data_type, DataType::Date32 | DataType::Date64),
            Holds::Flag => *data_type == DataType::Boolean,
            Holds::Exact => data_type.is_integer() || data_type.is_decimal(),
        }
    }

    /// What it must be, and how another type becomes it.
    pub(super) fn remedy(&self, data_type: &DataType) -> String {
        let name = self.name;
        match self.holds {
            Holds::Id => format!("write CAST({name} AS VARCHAR) AS {name}"),
            Holds::Text => format!("write CAST({name} AS VARCHAR) AS {name}"),
            Holds::Instant if matches!(data_type, DataType::Timestamp(_, None)) => format!(
                "say which clock it is: {name} AT TIME ZONE 'UTC' AS {name}, or the zone that the export was written in"
            ),
            Holds::Instant if data_type.is_integer() => {
                format!(
                    "write to_timestamp_millis({name}) AT TIME ZONE 'UTC' AS {name}, if it counts milliseconds"
                )
            }
            Holds::Instant => format!("write to_timestamp({name}) AT TIME ZONE 'UTC' AS {name}"),
            Holds::Day => format!("write CAST({name} AS DATE) AS {name}"),
            Holds::Flag => format!("write CAST({name} AS BOOLEAN) AS {name}"),
            Holds::Exact => format!("write CAST({name} AS DECIMAL(18, 6)) AS {name}"),
        }
    }

    /// What it holds, in words.
    pub(super) fn holds_words(&self) -> &'static str {
        match self.holds {
            Holds::Id => "text or integers",
            Holds::Text => "text",
            Holds::Instant => "timestamps with a zone",
            Holds::Day => "dates",
            Holds::Flag => "true or false",
            Holds::Exact => "decimals or integers, no floats",
        }
    }
}

impl Expected {
    /// The columns among `names` that probably are this one, the likeliest first: by its own name, then by the names
    /// that exports give it, in their order.
    pub(super) fn candidates<'n>(&self, names: &[&'n str]) -> Vec<&'n str> {
        let own = plain(self.name);
        let known = std::iter::once(own.as_str())
            .chain(self.also.split(' ').filter(|name| !name.is_empty()));
        known
            .filter_map(|known| names.iter().find(|name| plain(name) == known))
            .copied()
            .collect()
    }
}

/// A name without what writers of exports do differently: letter case, `_`, `-`, spaces and a path before the dot.
fn plain(name: &str) -> String {
    let last = name.rsplit('.').next().unwrap_or(name);
    last.chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    #[test]
    fn names_of_exports_are_recognised_whatever_their_letters() {
        let messages = ExpectedRelation::named("messages").unwrap();
        let named = |column: &str, names: &[&str]| -> Vec<String> {
            let expected = messages.columns.iter().find(|known| known.name == column);
            let found = expected.unwrap().candidates(names);
            found.into_iter().map(str::to_owned).collect()
        };
        assert_eq!(named("sent_at", &["Time", "timeL", "x"]), ["timeL", "Time"]);
        assert_eq!(
            named("site_id", &["brandId", "site-id"]),
            ["site-id", "brandId"]
        );
        assert_eq!(named("sent_by", &["msg.role"]), ["msg.role"]);
        assert!(named("sent_by", &["text"]).is_empty());
    }

    #[test]
    fn other_names_are_plain_and_mean_one_column() {
        for relation in &RELATIONS {
            let mut seen = Vec::new();
            for column in relation.columns {
                for name in std::iter::once(plain(column.name))
                    .chain(column.also.split_whitespace().map(str::to_owned))
                {
                    assert_eq!(name, plain(&name), "{}", relation.name);
                    assert!(!seen.contains(&name), "{}: {name} twice", relation.name);
                    seen.push(name);
                }
            }
        }
    }
}
