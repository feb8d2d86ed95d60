//! Where numbers lie in a chart, in whole hundredths of a percent of its width or height: no float comes near them.

use super::number::Number;
use crate::domain::money::half_up;

/// A place or a length in hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Place(i128);

impl Place {
    /// The whole width or height.
    pub(super) const WHOLE: Place = Place(10_000);

    /// `part` of `whole`, between nothing and all of it.
    pub(super) fn of(part: i128, whole: i128) -> Self {
        let place = part
            .checked_mul(Self::WHOLE.0)
            .and_then(|scaled| half_up(scaled, whole));
        // Numbers too large to be scaled are brought down first: a chart shows four digits of them at most.
        let place = place.or_else(|| half_up(part, whole / Self::WHOLE.0));
        Self(place.unwrap_or_default().clamp(0, Self::WHOLE.0))
    }

    /// The place counted from the other side.
    pub(super) fn mirrored(self) -> Self {
        Self(Self::WHOLE.0 - self.0)
    }

    /// The distance to a later place.
    pub(super) fn until(self, end: Self) -> Self {
        Self((end.0 - self.0).max(0))
    }

    /// Where `slot` of so many equal ones begins, moved by so many hundredths of its width.
    pub(super) fn in_slots(slot: usize, hundredths: i128, slots: usize) -> Self {
        let (slot, slots) = (whole(slot), whole(slots.max(1)));
        Self::of(slot * 100 + hundredths, slots * 100)
    }

    /// Hundredths of a percent, the unit of lines.
    pub(super) fn units(self) -> i128 {
        self.0
    }

    /// `12.34%`
    pub(super) fn percent(self) -> String {
        let text = format!("{}.{:02}", self.0 / 100, self.0 % 100);
        format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// A count as a number to reckon with.
pub(super) fn whole(count: usize) -> i128 {
    i128::try_from(count).unwrap_or(i128::MAX)
}

/// An axis from nothing to a round number, with a few round steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Axis {
    step: i128,
    steps: i128,
    scale: u32,
}

impl Axis {
    /// One on which `most`, in units of 10^-`scale`, has its place: the roundest step that needs at most five.
    pub(super) fn up_to(most: i128, scale: u32) -> Self {
        let most = most.max(1);
        let mut power = 1_i128;
        loop {
            for digit in [1, 2, 5] {
                let Some(step) = power.checked_mul(digit) else {
                    return Self {
                        step: most,
                        steps: 1,
                        scale,
                    };
                };
                if most <= step.saturating_mul(5) {
                    let steps = most / step + i128::from(most % step != 0);
                    return Self { step, steps, scale };
                }
            }
            power = power.saturating_mul(10);
        }
    }

    /// The last step.
    pub(super) fn top(self) -> i128 {
        self.step.saturating_mul(self.steps)
    }

    /// One step.
    pub(super) fn step(self) -> i128 {
        self.step
    }

    /// Where a value of the axis's scale lies.
    pub(super) fn place(self, value: i128) -> Place {
        Place::of(value, self.top())
    }

    /// Each step with its label, from nothing on.
    pub(super) fn ticks(self) -> impl Iterator<Item = (Place, String)> {
        (0..=self.steps).map(move |at| {
            let value = self.step.saturating_mul(at);
            (self.place(value), Number::new(value, self.scale).compact())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(most: i128, scale: u32) -> Vec<String> {
        Axis::up_to(most, scale)
            .ticks()
            .map(|tick| tick.1)
            .collect()
    }

    #[test]
    fn steps_are_round_and_few() {
        assert_eq!(labels(97, 0), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(labels(3_200, 0), ["0", "1k", "2k", "3k", "4k"]);
        assert_eq!(labels(9, 1), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        assert_eq!(labels(0, 0), ["0", "1"]);
        // 1.7e38 takes four steps of 5e37.
        assert_eq!(labels(i128::MAX, 0).len(), 5);
    }

    #[test]
    fn places_lie_between_nothing_and_all() {
        assert_eq!(Place::of(1, 3).percent(), "33.33%");
        assert_eq!(Place::of(1, 2).percent(), "50%");
        assert_eq!(Place::of(7, 2), Place::WHOLE);
        assert_eq!(Place::of(-7, 2).percent(), "0%");
        assert_eq!(Place::of(1, 0).percent(), "0%");
        assert_eq!(Place::of(i128::MAX / 2, i128::MAX).percent(), "50%");
        assert_eq!(Place::of(1, 4).mirrored().percent(), "75%");
        assert_eq!(Place::in_slots(1, 50, 4).percent(), "37.5%");
    }
}
