//! Sharing a whole exactly: every part a whole number of units, all parts together the whole.

/// `total` shared in proportion to `weights`, by largest remainder; of equal remainders the first wins.
///
/// Weights are message counts: at least one of them is above 0. Without any, the first part takes all.
pub(crate) fn shares(total: i128, weights: &[i64]) -> Vec<i128> {
    let whole: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    if whole == 0 {
        let first = std::iter::once(total).chain(std::iter::repeat(0));
        return first.take(weights.len()).collect();
    }
    // `rest` is below the sum of weights, so its product with a weight is far from the range of the type.
    let (each, rest) = (total.div_euclid(whole), total.rem_euclid(whole));
    let exact = weights.iter().map(|weight| i128::from(*weight));
    let mut parts: Vec<i128> = exact
        .clone()
        .map(|weight| each * weight + rest * weight / whole)
        .collect();
    let mut left = total - parts.iter().sum::<i128>();
    let mut by_remainder: Vec<(i128, usize)> =
        exact.map(|weight| rest * weight % whole).zip(0..).collect();
    by_remainder.sort_by(|(a, first), (b, second)| b.cmp(a).then(first.cmp(second)));
    for (_, place) in by_remainder {
        if left == 0 {
            break;
        }
        if let Some(part) = parts.get_mut(place) {
            *part += 1;
            left -= 1;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One credit over three equal conversations: the first takes the ten-thousandth that is left.
    #[test]
    fn thirds() {
        assert_eq!(shares(10_000, &[1, 1, 1]), [3_334, 3_333, 3_333]);
        assert_eq!(shares(10_000, &[5, 1]), [8_333, 1_667]);
        assert_eq!(shares(0, &[5, 1]), [0, 0]);
        assert_eq!(shares(7, &[0, 0]), [7, 0]);
        assert_eq!(shares(7, &[3]), [7]);
        assert_eq!(shares(7, &[]), []);
    }

    /// Nothing is lost, and no part is a whole unit away from its exact share.
    #[test]
    fn parts_add_up() {
        for total in (0..5_000).step_by(37).chain([10_i128.pow(30) - 1]) {
            for weights in [[1, 2, 3, 4], [7, 7, 7, 9], [1, 1_000_000, 3, 0]] {
                let parts = shares(total, &weights);
                assert_eq!(parts.iter().sum::<i128>(), total);
                let whole: i128 = weights.iter().copied().map(i128::from).sum();
                for (part, weight) in parts.iter().zip(weights) {
                    let (each, rest) = (total / whole, total % whole);
                    let below = each * i128::from(weight) + rest * i128::from(weight) / whole;
                    assert!((below..=below + 1).contains(part), "{total} {weights:?}");
                }
            }
        }
    }
}
