//! The first comment of a report: what it shows, and `-- param NAME TYPE [= default]  description` for what it takes.

use datafusion::error::Result;
use datafusion::sql::sqlparser::ast::{DataType, Expr};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use crate::error;

/// What the comment says.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) about: Vec<String>,
    pub(super) parameters: Vec<Parameter>,
}

/// A declared parameter.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) data_type: DataType,
    /// A constant expression.
    pub(super) default: Option<Expr>,
    pub(super) about: String,
}

impl Header {
    /// The comment at the beginning of `sql`.
    ///
    /// # Errors
    ///
    /// If a `param` line has no name, no SQL type or a default that is no expression.
    pub(super) fn read(sql: &str) -> Result<Self> {
        let mut header = Self {
            about: Vec::new(),
            parameters: Vec::new(),
        };
        for line in comment(sql) {
            match line.strip_prefix("param ") {
                Some(declaration) => {
                    let parameter = Parameter::read(declaration.trim())?;
                    if header
                        .parameters
                        .iter()
                        .any(|known| known.name == parameter.name)
                    {
                        return Err(error::config(format!(
                            "'-- param {}' is declared twice",
                            parameter.name
                        )));
                    }
                    header.parameters.push(parameter);
                }
                None => header.about.push(line.to_owned()),
            }
        }
        Ok(header)
    }

    /// What the report shows and takes, for people.
    pub(super) fn describe(&self, name: &str) -> String {
        format!(
            "{}\n\n{}\n",
            self.about.join("\n").trim_end(),
            self.takes(name)
        )
    }

    /// What the report takes, one parameter a line.
    pub(super) fn takes(&self, name: &str) -> String {
        if self.parameters.is_empty() {
            return format!("The report '{name}' takes no values.");
        }
        let mut text = format!("The report '{name}' takes:");
        for parameter in &self.parameters {
            text.push_str(&format!(
                "\n  {}=…  {}",
                parameter.name, parameter.data_type
            ));
            match &parameter.default {
                Some(default) => text.push_str(&format!(" (default {default})")),
                None => text.push_str(" (required)"),
            }
            if !parameter.about.is_empty() {
                text.push_str(&format!("  {}", parameter.about));
            }
        }
        text
    }
}

impl Parameter {
    fn read(declaration: &str) -> Result<Self> {
        let (declared, about) = declaration.split_once("  ").unwrap_or((declaration, ""));
        let wrong = |what: &str| {
            error::config(format!(
                "'-- param {declaration}' {what}. Write it as: -- param as_of DATE = current_date  last day"
            ))
        };
        let (name, rest) = declared
            .trim()
            .split_once(' ')
            .ok_or_else(|| wrong("has no type"))?;
        if !name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        {
            return Err(wrong("has a name with other letters than a-z, 0-9 and _"));
        }
        let dialect = GenericDialect {};
        let mut parser = Parser::new(&dialect)
            .try_with_sql(rest)
            .map_err(|cause| wrong(&format!("cannot be read: {cause}")))?;
        let data_type = parser
            .parse_data_type()
            .map_err(|_| wrong("has no SQL type after its name"))?;
        // A word that is no type would be taken for one of the user's own.
        if matches!(data_type, DataType::Custom(..)) {
            return Err(wrong(&format!(
                "has the type '{data_type}', which SQL does not know"
            )));
        }
        use datafusion::sql::sqlparser::tokenizer::Token;
        let default = match parser.consume_token(&Token::Eq) {
            true => Some(
                parser
                    .parse_expr()
                    .map_err(|_| wrong("has a default that is no SQL expression"))?,
            ),
            false => None,
        };
        if parser.peek_token().token != Token::EOF {
            return Err(wrong(
                "has words that belong to neither type nor default: two spaces go before the description",
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            data_type,
            default,
            about: about.trim().to_owned(),
        })
    }
}

/// The first line of the comment.
pub(super) fn title(sql: &str) -> &str {
    comment(sql)
        .find(|line| !line.is_empty())
        .unwrap_or_default()
}

/// The lines of the comment that `sql` begins with, without their dashes.
fn comment(sql: &str) -> impl Iterator<Item = &str> {
    sql.lines()
        .map(str::trim)
        .skip_while(|line| line.is_empty())
        .map_while(|line| line.strip_prefix("--"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    #[test]
    fn a_parameter_has_a_name_a_type_a_default_and_words() {
        let header = Header::read(
            "-- Shows it.\n-- param as_of DATE = current_date  last day = the last\n-- param n DECIMAL(10, 2)\nSELECT 1 -- param x",
        )
        .unwrap();
        assert_eq!(header.about, ["Shows it."]);
        assert_eq!(
            header.takes("r"),
            "The report 'r' takes:\n  as_of=…  DATE (default current_date)  last day = the last\n  n=…  DECIMAL(10,2) (required)"
        );
    }

    #[test]
    fn a_bad_declaration_says_so() {
        for (text, expected) in [
            ("-- param x", "has no type"),
            ("-- param x DATE current_date", "two spaces go before"),
            ("-- param x DATUM", "which SQL does not know"),
            ("-- param x DATE = =", "no SQL expression"),
            ("-- param x DATE\n-- param x DATE", "twice"),
        ] {
            let cause = Header::read(text).unwrap_err().to_string();
            assert!(cause.contains(expected), "{text}: {cause}");
        }
    }
}
