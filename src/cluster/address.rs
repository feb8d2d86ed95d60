//! Where the scheduler of a cluster is: `df://HOST:PORT`.

use std::fmt;
use std::str::FromStr;

/// The port of a scheduler whose address names none, as the engine has it.
pub(crate) const SCHEDULER_PORT: u16 = 50050;

/// The scheduler that work is sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    host: String,
    port: u16,
}

impl Address {
    /// The scheme that addresses of clusters have.
    const SCHEME: &'static str = "df://";

    /// The name or number of the machine; a number of six groups is in brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The port of the scheduler.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// As the transport takes it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}:{}", self.host, self.port)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}:{}", Self::SCHEME, self.host, self.port)
    }
}

impl FromStr for Address {
    type Err = String;

    /// Reads `df://HOST:PORT`; without a port it is [`SCHEDULER_PORT`].
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "'{text}' is no address of a cluster: write df://HOST:PORT, such as df://127.0.0.1:{SCHEDULER_PORT}"
            )
        };
        let place = text.strip_prefix(Self::SCHEME).ok_or_else(wrong)?;
        let place = place.trim_end_matches('/');
        // The colons within [::1] are no port's.
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().map_err(|_| wrong())?),
            _ => (place, SCHEDULER_PORT),
        };
        let is_open = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
        if host.is_empty() || is_open || host.contains(['/', '@', '?', '#']) {
            return Err(wrong());
        }
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    #[test]
    fn an_address_has_a_host_and_may_have_a_port() {
        for (text, url) in [
            ("df://127.0.0.1:50", "http://127.0.0.1:50"),
            ("df://planner", "http://planner:50050"),
            ("df://planner:7/", "http://planner:7"),
            ("df://[::1]:7", "http://[::1]:7"),
            ("df://[::1]", "http://[::1]:50050"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().url(), url);
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_way_to_write_it() {
        for text in [
            "planner:7",
            "df://",
            "df://:7",
            "df://a:b",
            "http://a:7",
            "df://::1",
            "df://u@a:7",
        ] {
            let fault = text.parse::<Address>().unwrap_err();
            assert!(fault.contains("df://127.0.0.1:50050"), "{fault}");
        }
    }
}
