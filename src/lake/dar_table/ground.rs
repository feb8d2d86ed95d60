//! Sections of a manifest in the making: days that stand on the same files and the same calendar are one.

use std::collections::BTreeMap;

use super::manifest::{ReadFile, Section};
use super::message_files::KnownFile;
use super::settled_calendar::SettledCalendar;
use crate::exec::DaySet;

/// What files are sorted by: path, version, size.
type Key = (String, String, u64);

/// See the module.
#[derive(Default)]
pub(super) struct Ground {
    files: BTreeMap<Key, ReadFile>,
    sections: Vec<Stretch>,
}

/// A section whose files have no places yet.
struct Stretch {
    files: Vec<Key>,
    calendar: SettledCalendar,
    days: DaySet,
}

/// The parts of a manifest that sections are made of.
pub(super) struct Laid {
    pub(super) files: Vec<ReadFile>,
    pub(super) calendars: Vec<SettledCalendar>,
    pub(super) sections: Vec<Section>,
}

impl Ground {
    /// Adds days that stand on these files and this calendar.
    pub(super) fn add<'r>(
        &mut self,
        days: DaySet,
        files: impl Iterator<Item = &'r ReadFile>,
        calendar: &SettledCalendar,
    ) {
        if days.is_empty() {
            return;
        }
        let mut keys = Vec::new();
        for read in files {
            let key = key(&read.file);
            let known = self.files.entry(key.clone());
            known.or_insert_with(|| read.clone());
            keys.push(key);
        }
        keys.sort_unstable();
        let same = self
            .sections
            .iter_mut()
            .find(|section| section.files == keys && section.calendar == *calendar);
        match same {
            Some(section) => section.days.unite(&days),
            None => self.sections.push(Stretch {
                files: keys,
                calendar: calendar.clone(),
                days,
            }),
        }
    }

    /// Files, calendars and sections as a manifest has them: the same ones always in the same order.
    pub(super) fn laid(mut self) -> Laid {
        self.sections
            .sort_by_key(|section| section.days.hull().map(|hull| *hull.start()));
        let places: BTreeMap<&Key, usize> = self.files.keys().zip(0..).collect();
        let mut calendars: Vec<SettledCalendar> = Vec::new();
        let mut sections = Vec::new();
        for section in self.sections {
            let known = calendars
                .iter()
                .position(|known| *known == section.calendar);
            let calendar = known.unwrap_or_else(|| {
                calendars.push(section.calendar);
                calendars.len() - 1
            });
            let files = section.files.iter();
            sections.push(Section {
                days: section.days,
                files: files.filter_map(|key| places.get(key).copied()).collect(),
                calendar,
            });
        }
        drop(places);
        Laid {
            files: self.files.into_values().collect(),
            calendars,
            sections,
        }
    }
}

fn key(file: &KnownFile) -> Key {
    (file.path.clone(), file.version.clone(), file.size)
}
