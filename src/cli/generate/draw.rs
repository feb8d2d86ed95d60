//! Random draws in whole numbers.
//!
//! Floating point logarithms and powers differ by a last bit between machines, and one such bit would make two people's
//! "same" data differ. Every shape here (lognormal, skewed) is therefore made of integers.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A stream of draws that is the same on every machine for one seed and purpose.
pub(super) struct Draw(ChaCha8Rng);

/// What a stream is for: streams of one seed are independent, so that more draws for one purpose never shift another.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    /// Sites and organizations.
    World = 1,
    /// Conversations and their messages.
    Messages = 2,
    /// What came of conversations.
    Outcomes = 3,
    /// Contracts, prices, seats.
    Money = 4,
}

impl Draw {
    /// The stream of `seed` for `purpose`.
    pub(super) fn new(seed: u64, purpose: Purpose) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(purpose as u64);
        Self(rng)
    }

    /// A whole number from 0 to `n - 1`, each as likely; 0 when `n` is 0.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        high_half(self.0.next_u64(), n)
    }

    /// A whole number from `low` to `high`, both possible, each as likely.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// As [`Draw::below`], small numbers more likely: the product of two draws.
    pub(super) fn skewed_below(&mut self, n: u64) -> u64 {
        let first = self.below(n);
        high_half(self.0.next_u64(), first + 1).min(n.saturating_sub(1))
    }

    /// True in `per_mille` of 1000 draws.
    pub(super) fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// One of `choices`, as likely as its weight says.
    pub(super) fn weighted<T: Copy>(&mut self, choices: &[(T, u64)], otherwise: T) -> T {
        let total = choices.iter().map(|(_, weight)| weight).sum();
        let mut left = self.below(total);
        for (choice, weight) in choices {
            if left < *weight {
                return *choice;
            }
            left -= weight;
        }
        otherwise
    }

    /// A lognormal number: half of the draws are below `median`, and one standard deviation is `spread` hundredths of a
    /// doubling (144 is a natural sigma of 1). `median` is below 2^32.
    pub(super) fn lognormal(&mut self, median: u64, spread: i64) -> u64 {
        let doublings = (self.normal() * spread / 100).clamp(-DOUBLINGS, DOUBLINGS);
        let fraction = (doublings & 0xffff).unsigned_abs();
        // 2^f = 1 + f (0.6565 + 0.3435 f) to two parts in a thousand, in 16 binary places.
        let power = (1 << 16) + ((fraction * (43_024 + ((fraction * 22_512) >> 16))) >> 16);
        let scaled = median * power;
        match doublings >> 16 {
            up @ 0.. => (scaled << up) >> 16,
            down => (scaled >> down.unsigned_abs()) >> 16,
        }
    }

    /// A random (version 4) UUID as text.
    pub(super) fn uuid(&mut self) -> String {
        uuid_text(self.0.next_u64(), self.0.next_u64())
    }

    /// A standard normal number in 16 binary places: the sum of twelve uniform ones, so never beyond 6.
    fn normal(&mut self) -> i64 {
        let mut sum = 0_i64;
        for _ in 0..3 {
            let word = self.0.next_u64();
            for quarter in 0..4 {
                sum += ((word >> (16 * quarter)) & 0xffff).cast_signed();
            }
        }
        sum - 6 * 0xffff
    }
}

/// The furthest that a lognormal draw goes from its median: 12 doublings, in 16 binary places.
const DOUBLINGS: i64 = 12 << 16;

/// The id of the `index`-th consumer of a site: nothing has to be kept to meet a consumer again.
pub(super) fn consumer_id(seed: u64, site: u64, index: u64) -> String {
    let high = mix(seed ^ mix(site + 1));
    uuid_text(mix(high ^ index), mix(high.rotate_left(32) ^ mix(index)))
}

/// The finalizer of SplitMix64: every bit of `x` moves every bit of the result.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Two words as a UUID of version 4, variant 1, in lower case.
fn uuid_text(high: u64, low: u64) -> String {
    let high = (high & !0xf000) | 0x4000;
    let low = (low & !(0b11 << 62)) | (0b10 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

/// The upper half of a product: scales a random word to a number below `n`.
fn high_half(word: u64, n: u64) -> u64 {
    u64::try_from((u128::from(word) * u128::from(n)) >> 64).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_pinned() {
        let mut draw = Draw::new(7, Purpose::Messages);
        let first = (
            draw.below(1_000_000),
            draw.lognormal(40_000, 150),
            draw.uuid(),
        );
        let mut again = Draw::new(7, Purpose::Messages);
        assert_eq!(
            first,
            (
                again.below(1_000_000),
                again.lognormal(40_000, 150),
                again.uuid()
            )
        );
        assert_ne!(
            Draw::new(8, Purpose::Messages).uuid(),
            Draw::new(7, Purpose::Messages).uuid()
        );
        assert_ne!(
            Draw::new(7, Purpose::World).uuid(),
            Draw::new(7, Purpose::Messages).uuid()
        );
    }

    #[test]
    fn lognormal_has_its_median_and_its_spread() {
        let mut draw = Draw::new(1, Purpose::Messages);
        let mut values: Vec<u64> = (0..20_000).map(|_| draw.lognormal(10_000, 100)).collect();
        values.sort_unstable();
        assert!(
            values[10_000].abs_diff(10_000) < 300,
            "median {}",
            values[10_000]
        );
        // One deviation above the median is one doubling: 84.1 % of the draws lie below 20,000.
        assert!(
            values[16_827].abs_diff(20_000) < 800,
            "84th percentile {}",
            values[16_827]
        );
    }

    #[test]
    fn ids_have_the_form_of_version_4() {
        let mut draw = Draw::new(1, Purpose::Messages);
        for id in [draw.uuid(), consumer_id(1, 2, 3)] {
            assert_eq!(id.len(), 36);
            assert_eq!(&id[14..15], "4");
            assert!("89ab".contains(&id[19..20]), "{id}");
        }
        assert_eq!(consumer_id(1, 2, 3), consumer_id(1, 2, 3));
        assert_ne!(consumer_id(1, 2, 3), consumer_id(1, 3, 3));
    }

    #[test]
    fn weights_are_kept() {
        let mut draw = Draw::new(1, Purpose::Messages);
        let sms = (0..10_000)
            .filter(|_| draw.weighted(&[("web", 900), ("sms", 100)], "web") == "sms")
            .count();
        assert!(sms.abs_diff(1000) < 120, "{sms}");
    }
}
