//! Lists of numbers, one a row, in two flat vectors (compressed sparse rows).

/// Rows are sorted and hold nothing twice.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    /// Where each row begins; one more than there are rows.
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Rows {
    /// Sorts pairs of row and item into `rows` rows, in whatever order they come. Pairs beyond the last row
    /// are left out. The callers' caps keep the number of pairs below `u32::MAX`.
    pub(crate) fn from_pairs(rows: usize, pairs: &[(u32, u32)]) -> Self {
        let mut ends = vec![0_u32; rows];
        for (row, _) in pairs {
            if let Some(count) = ends.get_mut(*row as usize) {
                *count = count.saturating_add(1);
            }
        }
        // Each count becomes the row's beginning, and moves to its end as the row is filled.
        let mut total = 0_u32;
        for end in &mut ends {
            let count = *end;
            *end = total;
            total = total.saturating_add(count);
        }
        let mut items = vec![0_u32; total as usize];
        for (row, item) in pairs {
            if let Some(end) = ends.get_mut(*row as usize) {
                if let Some(place) = items.get_mut(*end as usize) {
                    *place = *item;
                }
                *end = end.saturating_add(1);
            }
        }
        let mut sorted = Self::with_capacity(rows, items.len());
        let mut rest = items.as_mut_slice();
        let mut start = 0_u32;
        for end in ends {
            let (row, tail) =
                rest.split_at_mut_checked(end.saturating_sub(start) as usize).unwrap_or_default();
            (rest, start) = (tail, end);
            row.sort_unstable();
            sorted.push(row);
        }
        sorted.shrink();
        sorted
    }

    pub(crate) fn with_capacity(rows: usize, items: usize) -> Self {
        let mut starts = Vec::with_capacity(rows.saturating_add(1));
        starts.push(0);
        Self { starts, items: Vec::with_capacity(items) }
    }

    /// Adds a sorted row; what is in it twice is kept once.
    pub(crate) fn push(&mut self, row: &[u32]) {
        let mut last = None;
        for item in row {
            if last != Some(*item) {
                self.items.push(*item);
                last = Some(*item);
            }
        }
        self.starts.push(u32::try_from(self.items.len()).unwrap_or(u32::MAX));
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// The row's items; none if there is no such row.
    #[inline]
    pub(crate) fn row(&self, row: u32) -> &[u32] {
        let row = row as usize;
        match (self.starts.get(row), self.starts.get(row.saturating_add(1))) {
            (Some(start), Some(end)) => self.items.get(*start as usize..*end as usize).unwrap_or_default(),
            _ => &[],
        }
    }

    pub(crate) fn shrink(&mut self) {
        self.starts.shrink_to_fit();
        self.items.shrink_to_fit();
    }

    /// What it holds on the heap.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.starts.as_slice()).saturating_add(size_of_val(self.items.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The order of rows must not matter.
    #[test]
    fn pairs_in_any_order_make_the_same_sorted_rows() {
        let rows = Rows::from_pairs(4, &[(2, 9), (0, 5), (2, 1), (0, 5), (2, 9), (9, 9)]);
        assert_eq!(rows.len(), 4);
        assert_eq!(rows.row(0), [5]);
        assert!(rows.row(1).is_empty());
        assert_eq!(rows.row(2), [1, 9]);
        assert!(rows.row(3).is_empty());
        assert!(rows.row(4).is_empty());
    }

    #[test]
    fn there_may_be_no_rows() {
        assert_eq!(Rows::from_pairs(0, &[]).len(), 0);
        assert!(Rows::default().row(0).is_empty());
    }
}
