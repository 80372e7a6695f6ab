//! What cells yield, in the columns of their study.

/// What a cell yields.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row<'a> {
    /// Every measure; NaN is undefined.
    pub values: &'a [f64],
    /// What else it tells, a bit for each: the model constants it drew on, and whether it drew a
    /// random number. What has cells to play says which of these it tells.
    pub used: &'a [u64],
}

/// A row that is being made.
pub struct NewRow<'a> {
    /// Every measure; undefined at first.
    pub values: &'a mut [f64],
    /// What the cell drew on; nothing at first.
    pub used: &'a mut [u64],
}

/// Rows of one form, one after the other. They lie in two pieces of memory for all of them: a piece
/// for each would stand between those that the next cell uses again and again, and slow it down.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    shape: Shape,
    count: usize,
    values: Vec<f64>,
    used: Vec<u64>,
}

/// The length of the parts of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shape {
    values: usize,
    used: usize,
}

/// Rows to look at.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    shape: Shape,
    count: usize,
    values: &'a [f64],
    used: &'a [u64],
}

impl Batch {
    /// Room for so many rows of so many measures and words of bits.
    pub fn new(values: usize, used: usize, rows: usize) -> Batch {
        let shape = Shape { values, used };
        let (values, used) = (Vec::with_capacity(rows * values), Vec::with_capacity(rows * used));
        Batch { shape, count: 0, values, used }
    }

    /// One more row, to be filled in.
    pub fn add(&mut self) -> NewRow<'_> {
        let Batch { shape, count, values, used } = self;
        let (value, word) = (values.len(), used.len());
        *count += 1;
        values.resize(value + shape.values, f64::NAN);
        used.resize(word + shape.used, 0);
        NewRow { values: &mut values[value..], used: &mut used[word..] }
    }

    /// Takes all rows out, and keeps the room.
    pub fn clear(&mut self) {
        self.count = 0;
        self.values.clear();
        self.used.clear();
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The rows.
    pub fn rows(&self) -> Rows<'_> {
        let Batch { shape, count, values, used } = self;
        Rows { shape: *shape, count: *count, values, used }
    }
}

impl<'a> From<Row<'a>> for Rows<'a> {
    fn from(Row { values, used }: Row<'a>) -> Rows<'a> {
        let shape = Shape { values: values.len(), used: used.len() };
        Rows { shape, count: 1, values, used }
    }
}

impl<'a> Rows<'a> {
    /// How many there are.
    pub fn len(self) -> usize {
        self.count
    }

    /// Are there none?
    pub fn is_empty(self) -> bool {
        self.count == 0
    }

    /// The row at a place.
    pub fn at(self, place: usize) -> Row<'a> {
        let Shape { values, used } = self.shape;
        Row {
            values: &self.values[place * values..][..values],
            used: &self.used[place * used..][..used],
        }
    }

    /// All of them, in order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = Row<'a>> {
        (0..self.count).map(move |place| self.at(place))
    }

    /// What they have in a column; NaN is undefined.
    pub fn column(self, column: usize) -> impl Iterator<Item = f64> + use<'a> {
        self.values.chunks_exact(self.shape.values.max(1)).map(move |values| values[column])
    }

    /// What they have in a column, where it is defined.
    pub fn known(self, column: usize) -> impl Iterator<Item = f64> + use<'a> {
        self.column(column).filter(|value| value.is_finite())
    }

    /// The first of them, and the others.
    pub fn split_at(self, place: usize) -> (Rows<'a>, Rows<'a>) {
        let Shape { values, used } = self.shape;
        let (first, others) =
            (self.values.split_at(place * values), self.used.split_at(place * used));
        let part = |count, values, used| Rows { shape: self.shape, count, values, used };
        (part(place, first.0, others.0), part(self.count - place, first.1, others.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> Batch {
        let mut batch = Batch::new(3, 1, 2);
        for row in 0..4u8 {
            let new = batch.add();
            assert!(new.values.iter().all(|value| value.is_nan()) && *new.used == [0]);
            new.values[1] = f64::from(row);
            new.used[0] = u64::from(row) + 10;
        }
        batch
    }

    #[test]
    fn rows_come_back_as_they_were_filled_in() {
        let batch = batch();
        let rows = batch.rows();
        assert_eq!((rows.len(), batch.len()), (4, 4));
        assert_eq!((rows.at(2).values[1], rows.at(2).used), (2.0, &[12][..]));
        assert!(rows.at(2).values[0].is_nan() && rows.at(2).values[2].is_nan());
        assert!(rows.column(1).eq([0.0, 1.0, 2.0, 3.0]));
        assert!(rows.column(2).count() == 4 && rows.column(2).all(f64::is_nan));
        assert!(rows.iter().map(|row| row.used[0]).eq(10..14));
        assert!(rows.known(1).eq([0.0, 1.0, 2.0, 3.0]) && rows.known(2).next().is_none());
    }

    #[test]
    fn nothing_is_left_of_what_is_taken_out() {
        let mut batch = batch();
        batch.clear();
        batch.add().values[0] = 5.0;
        assert_eq!((batch.rows().len(), batch.rows().at(0).used), (1, &[0][..]));
        assert!(batch.rows().at(0).values[0] == 5.0 && batch.rows().at(0).values[1].is_nan());
    }

    #[test]
    fn parts_are_rows_of_their_own() {
        let batch = batch();
        let (first, others) = batch.rows().split_at(1);
        assert_eq!((first.len(), others.len()), (1, 3));
        assert!(first.column(1).eq([0.0]) && others.column(1).eq([1.0, 2.0, 3.0]));
        assert!(others.iter().map(|row| row.used[0]).eq(11..14));
        let (all, none) = others.split_at(3);
        assert!(all.len() == 3 && none.is_empty() && none.column(1).next().is_none());
    }

    #[test]
    fn rows_without_measures_count_too() {
        let mut batch = Batch::new(0, 0, 0);
        batch.add();
        batch.add();
        assert_eq!((batch.rows().iter().count(), batch.rows().column(0).count()), (2, 0));
        batch.clear();
        assert!(batch.is_empty() && batch.rows().is_empty());
    }
}
