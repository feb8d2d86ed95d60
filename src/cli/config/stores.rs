//! `[stores."s3://exports"]`: how a store is opened.

use datafusion::error::Result;
use toml::Spanned;

use super::{File, Value};
use crate::session::Settings;

impl File<'_> {
    /// Takes the options of one store.
    #[cfg(feature = "stores")]
    pub(super) fn store(
        &self,
        settings: &mut Settings,
        heading: &Spanned<impl AsRef<str>>,
        value: &Value<'_>,
    ) -> Result<()> {
        use crate::lake::stores::{Address, StoreOptions};

        let name = heading.get_ref().as_ref();
        let service =
            Address::of_heading(name).map_err(|text| self.fault(heading.span().start, &text))?;
        let table = value.get_ref().as_table().ok_or_else(|| {
            self.fault(
                value.span().start,
                &format!("the options of a store are a section: [stores.\"{name}\"]"),
            )
        })?;
        let mut options = StoreOptions::default();
        for (key, value) in table {
            options
                .set(service, key.get_ref(), self.setting(value)?)
                .map_err(|text| self.fault(key.span().start, &text))?;
        }
        settings.stores.push((name.to_owned(), options));
        Ok(())
    }

    #[cfg(not(feature = "stores"))]
    pub(super) fn store(
        &self,
        _: &mut Settings,
        heading: &Spanned<impl AsRef<str>>,
        _: &Value<'_>,
    ) -> Result<()> {
        Err(self.fault(
            heading.span().start,
            "this dayrate was built without stores: build it with the feature 'stores'",
        ))
    }

    /// A value as it stands, or `{ env = "NAME" }`.
    #[cfg(feature = "stores")]
    fn setting(&self, value: &Value<'_>) -> Result<crate::lake::stores::Setting> {
        use crate::lake::stores::Setting;

        let Some(table) = value.get_ref().as_table() else {
            return Ok(Setting::Given(self.option(value)?));
        };
        let mut variable = None;
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "env" => variable = Some(self.text(value)?.to_owned()),
                _ => return Err(self.unknown(key, &["env"])),
            }
        }
        variable.map(Setting::Variable).ok_or_else(|| {
            self.fault(
                value.span().start,
                "a variable of the environment is named so: { env = \"NAME\" }",
            )
        })
    }
}

#[cfg(all(test, feature = "stores"))]
mod tests {
    use std::path::Path;

    use super::*;

    fn error(text: &str) -> String {
        let file = File {
            path: Path::new("dayrate.toml"),
            text,
            folder: Path::new(""),
        };
        file.settings()
            .err()
            .map(|cause| cause.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn a_mistake_in_a_store_names_its_line_and_no_secret() {
        for (text, expected) in [
            (
                "[stores.\"s3://b\"]\nregoin = \"x\"",
                "line 2: unknown key 'regoin': did you mean 'region'?",
            ),
            (
                "[stores.\"s3://b/x\"]\nregion = \"x\"",
                "line 1: 's3://b/x' has a path",
            ),
            (
                "[stores.\"s4://b\"]\nregion = \"x\"",
                "line 1: unknown scheme 's4': did you mean 's3'?",
            ),
            (
                "[stores.\"s3://b\"]\nsecret_access_key = \"hunter2-hunter2\"",
                "line 2: 'secret_access_key' is a secret",
            ),
            (
                "[stores.\"s3://b\"]\nsecret_access_key = { evn = \"X\" }",
                "unknown key 'evn': did you mean 'env'?",
            ),
        ] {
            let said = error(text);
            assert!(
                said.contains(expected) && !said.contains("hunter2"),
                "{said}"
            );
        }
        assert_eq!(
            error(
                "[stores.\"s3://b\"]\nendpoint = \"http://h:9\"\npath_style = true\nretries = 2\naccess_key_id = { env = \"K\" }"
            ),
            ""
        );
    }
}
