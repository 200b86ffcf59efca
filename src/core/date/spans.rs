//! Sets of whole numbers, such as days and parts of dates.

/// Whole numbers, as the spans that they form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Spans {
    /// The first and the last of each; ascending, and never next to each other
    spans: Vec<(i32, i32)>,
}

impl Spans {
    /// The numbers of all these spans, each with its first and its last one.
    #[must_use]
    pub fn of(spans: impl IntoIterator<Item = (i32, i32)>) -> Self {
        let mut spans: Vec<_> = spans.into_iter().filter(|(first, last)| first <= last).collect();
        spans.sort_unstable();
        let mut merged: Vec<(i32, i32)> = Vec::with_capacity(spans.len());
        for (first, last) in spans {
            match merged.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        Spans { spans: merged }
    }

    /// The numbers that are in both.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let (mut left, mut right) = (self.spans.iter().peekable(), other.spans.iter().peekable());
        let mut shared = Vec::new();
        while let (Some(one), Some(two)) = (left.peek(), right.peek()) {
            let (first, last) = (one.0.max(two.0), one.1.min(two.1));
            if first <= last {
                shared.push((first, last));
            }
            if one.1 < two.1 {
                left.next()
            } else {
                right.next()
            };
        }
        Spans { spans: shared }
    }

    /// Whether the number is among them.
    #[must_use]
    pub fn contains(&self, number: i32) -> bool {
        let after = self.spans.partition_point(|(first, _)| *first <= number);
        after.checked_sub(1).is_some_and(|place| number <= self.spans[place].1)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The first and the last number of each span, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (i32, i32)> + '_ {
        self.spans.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_touch_are_one() {
        let spans = Spans::of([(5, 7), (1, 2), (8, 9), (3, 3), (20, 10), (i32::MAX, i32::MAX)]);
        assert_eq!(spans.iter().collect::<Vec<_>>(), [(1, 3), (5, 9), (i32::MAX, i32::MAX)]);
        assert!(Spans::of([]).is_empty());
    }

    #[test]
    fn sets_of_numbers_combine() {
        let (left, right) = (Spans::of([(1, 5), (8, 12), (20, 20)]), Spans::of([(0, 0), (4, 9), (12, 30)]));
        let both = left.intersect(&right);
        assert_eq!(both.iter().collect::<Vec<_>>(), [(4, 5), (8, 9), (12, 12), (20, 20)]);
        for number in -1..40 {
            assert_eq!(both.contains(number), left.contains(number) && right.contains(number), "{number}");
        }
    }
}
