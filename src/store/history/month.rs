//! The license counts of a tenant in a month, in some tens of bytes.
//!
//! ```text
//! version, days on which SKUs, users, sales were read (a bit a day), how many products, then of each product:
//!   its number less that of the one before, a byte with the form of each of four series, then the series
//! ```
//!
//! A series is purchased, assigned, held or sold: what each day on which its data set was read says of the product.
//! Numbers are LEB128; a count is told as its difference from the count before.

use std::collections::BTreeMap;

/// First byte of a month.
const V1: u8 = 1;
/// Days of the longest month.
const DAYS: usize = 31;
const ALL_DAYS: u32 = (1 << DAYS) - 1;

pub(super) const PURCHASED: usize = 0;
pub(super) const ASSIGNED: usize = 1;
pub(super) const HELD: usize = 2;
pub(super) const SOLD: usize = 3;

/// The series that another is most often the same as: a license assigned is one that is held, what was sold is there.
const LIKE: [Option<usize>; 4] = [None, Some(PURCHASED), Some(ASSIGNED), Some(PURCHASED)];

/// What a reading says of a product in one respect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Told {
    /// Nothing: it was not there.
    #[default]
    No,
    /// It was there, and the count was not told.
    Unknown,
    /// The count.
    Is(i64),
}

impl Told {
    pub(super) fn count(self) -> Option<i64> {
        match self {
            Told::Is(n) => Some(n),
            Told::No | Told::Unknown => None,
        }
    }
}

type Series = [Told; DAYS];

/// How a series is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Nothing was ever told.
    Nothing = 0,
    /// One and the same on all its days.
    Same = 1,
    /// What changed, and when.
    Changes = 2,
    /// As the series that it is like, on all its days.
    Like = 3,
}

/// The data sets of a tenant, and which series they tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Skus,
    Users,
    Sales,
}

impl Source {
    const OF: [Source; 4] = [Source::Skus, Source::Skus, Source::Users, Source::Sales];
}

/// A month of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Month {
    /// The days on which SKUs were read, a bit a day; the first day is the lowest bit.
    skus: u32,
    users: u32,
    sales: u32,
    /// Products by their numbers.
    products: BTreeMap<u32, [Series; 4]>,
}

impl Month {
    fn days(&self, source: Source) -> u32 {
        match source {
            Source::Skus => self.skus,
            Source::Users => self.users,
            Source::Sales => self.sales,
        }
    }

    /// Whether SKUs or users were read on a day, counted from 0.
    pub(super) fn is_read(&self, day: usize) -> bool {
        has(self.skus | self.users, day)
    }

    /// Whether SKUs were read on a day, counted from 0.
    pub(super) fn has_skus(&self, day: usize) -> bool {
        has(self.skus, day)
    }

    /// What is told of a day, counted from 0: of each product that was there, by number.
    pub(super) fn of_day(&self, day: usize) -> impl Iterator<Item = (u32, [Told; 4])> {
        self.products.iter().filter_map(move |(number, series)| {
            let told = series.each_ref().map(|series| series.get(day).copied().unwrap_or_default());
            told.iter().any(|told| *told != Told::No).then_some((*number, told))
        })
    }

    /// Takes what a reading of a data set says: what the day, counted from 0, had of this data set before is gone.
    /// `told` has each product that was there, with what each series of the data set says of it.
    pub(super) fn read(&mut self, day: usize, source: Source, told: &BTreeMap<u32, [Told; 4]>) {
        let days = match source {
            Source::Skus => &mut self.skus,
            Source::Users => &mut self.users,
            Source::Sales => &mut self.sales,
        };
        *days |= 1 << day.min(DAYS - 1);
        for number in told.keys() {
            self.products.entry(*number).or_insert([[Told::No; DAYS]; 4]);
        }
        for (number, series) in &mut self.products {
            let now = told.get(number).copied().unwrap_or_default();
            for ((series, now), of) in series.iter_mut().zip(now).zip(Source::OF) {
                if let Some(cell) = series.get_mut(day).filter(|_| of == source) {
                    *cell = now;
                }
            }
        }
        self.products.retain(|_, series| series.iter().flatten().any(|told| *told != Told::No));
    }

    /// As bytes.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![V1];
        put(&mut out, self.skus.into());
        // Mostly the same days.
        put(&mut out, (self.users ^ self.skus).into());
        put(&mut out, self.sales.into());
        put(&mut out, self.products.len() as u128);
        let mut last = 0;
        for (number, series) in &self.products {
            put(&mut out, u128::from(number - last));
            last = *number;
            self.put_product(&mut out, series);
        }
        out
    }

    fn put_product(&self, out: &mut Vec<u8>, all: &[Series; 4]) {
        let mut forms = 0;
        let at = out.len();
        out.push(0);
        for (n, ((series, of), like)) in all.iter().zip(Source::OF).zip(LIKE).enumerate() {
            let like = like.and_then(|like| all.get(like));
            let days = self.days(of);
            let form = form(series, like, days);
            forms |= (form as u8) << (2 * n);
            let mut last = base(like);
            match form {
                Form::Nothing | Form::Like => {}
                Form::Same => put_told(out, first(series, days), &mut last),
                Form::Changes => {
                    let changes = changes(series, days);
                    put(out, changes.len() as u128);
                    let mut next = 0;
                    for (n, told) in changes {
                        put(out, (n - next) as u128);
                        next = n + 1;
                        put_told(out, told, &mut last);
                    }
                }
            }
        }
        if let Some(byte) = out.get_mut(at) {
            *byte = forms;
        }
    }

    /// From bytes. Says what is wrong with those that are damaged.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let mut bytes = bytes;
        let cut = || "a month of license counts is cut".to_owned();
        match bytes.split_off_first() {
            Some(&V1) => {}
            Some(version) => return Err(format!("a month of license counts has version {version}")),
            None => return Err(cut()),
        }
        let days = |bytes: &mut &[u8]| take(bytes).and_then(|n| u32::try_from(n).ok()).filter(|n| *n <= ALL_DAYS);
        let skus = days(&mut bytes).ok_or_else(cut)?;
        let users = days(&mut bytes).ok_or_else(cut)? ^ skus;
        let sales = days(&mut bytes).ok_or_else(cut)?;
        let mut month = Self { skus, users, sales, products: BTreeMap::new() };
        let count = take(&mut bytes).ok_or_else(cut)?;
        let mut number = 0_u32;
        for _ in 0..count {
            let step = take(&mut bytes).and_then(|n| u32::try_from(n).ok()).filter(|step| *step > 0);
            number = step.and_then(|step| number.checked_add(step)).ok_or_else(cut)?;
            let series = month.take_product(&mut bytes).ok_or_else(cut)?;
            month.products.insert(number, series);
        }
        if bytes.is_empty() { Ok(month) } else { Err("a month of license counts is too long".to_owned()) }
    }

    fn take_product(&self, bytes: &mut &[u8]) -> Option<[Series; 4]> {
        let forms = *bytes.split_off_first()?;
        let mut all = [[Told::No; DAYS]; 4];
        for (n, (of, like)) in Source::OF.into_iter().zip(LIKE).enumerate() {
            let like = like.and_then(|like| all.get(like)).copied();
            let mut last = base(like.as_ref());
            let mut series = [Told::No; DAYS];
            let days: Vec<usize> = (0..DAYS).filter(|day| has(self.days(of), *day)).collect();
            let from = |series: &mut Series, n: usize, told| {
                for day in days.get(n..).unwrap_or_default() {
                    series[*day] = told;
                }
            };
            match forms >> (2 * n) & 3 {
                0 => {}
                1 => from(&mut series, 0, take_told(bytes, &mut last)?),
                2 => {
                    let count = take(bytes)?;
                    let mut next = 0_usize;
                    for _ in 0..count {
                        let n = next.checked_add(usize::try_from(take(bytes)?).ok()?)?;
                        if n >= days.len() {
                            return None;
                        }
                        from(&mut series, n, take_told(bytes, &mut last)?);
                        next = n + 1;
                    }
                }
                _ => {
                    let like = like?;
                    for day in &days {
                        series[*day] = like[*day];
                    }
                }
            }
            if let Some(place) = all.get_mut(n) {
                *place = series;
            }
        }
        Some(all)
    }
}

fn has(days: u32, day: usize) -> bool {
    day < DAYS && days >> day & 1 == 1
}

/// What a series says on its days, in order.
fn told(series: &Series, days: u32) -> impl Iterator<Item = Told> {
    series.iter().enumerate().filter(move |(day, _)| has(days, *day)).map(|(_, told)| *told)
}

fn first(series: &Series, days: u32) -> Told {
    told(series, days).next().unwrap_or_default()
}

/// The days, counted among those of the series, on which it says something else than on the one before.
fn changes(series: &Series, days: u32) -> Vec<(usize, Told)> {
    let mut last = Told::No;
    let changed = |(_, told): &(usize, Told)| std::mem::replace(&mut last, *told) != *told;
    told(series, days).enumerate().filter(changed).collect()
}

fn form(series: &Series, like: Option<&Series>, days: u32) -> Form {
    if told(series, days).all(|told| told == Told::No) {
        Form::Nothing
    } else if like.is_some_and(|like| told(series, days).eq(told(like, days))) {
        Form::Like
    } else if told(series, days).all(|told| told == first(series, days)) {
        Form::Same
    } else {
        Form::Changes
    }
}

/// The count from which the first one of a series is told.
fn base(like: Option<&Series>) -> i64 {
    like.and_then(|like| like.iter().find_map(|told| told.count())).unwrap_or(0)
}

fn put_told(out: &mut Vec<u8>, told: Told, last: &mut i64) {
    match told {
        Told::No => put(out, 0),
        Told::Unknown => put(out, 1),
        Told::Is(n) => {
            let step = n.wrapping_sub(*last);
            // The sign stands in the lowest bit: small steps of either sign are small numbers.
            put(out, u128::from(((step << 1) ^ (step >> 63)).cast_unsigned()) + 2);
            *last = n;
        }
    }
}

fn take_told(bytes: &mut &[u8], last: &mut i64) -> Option<Told> {
    Some(match take(bytes)? {
        0 => Told::No,
        1 => Told::Unknown,
        n => {
            let n = u64::try_from(n - 2).ok()?;
            let step = (n >> 1).cast_signed() ^ -(n & 1).cast_signed();
            *last = last.wrapping_add(step);
            Told::Is(*last)
        }
    })
}

fn put(out: &mut Vec<u8>, mut n: u128) {
    loop {
        let low = u8::try_from(n & 0x7f).unwrap_or_default();
        n >>= 7;
        if n == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// A number of at most 70 bits, and the bytes behind it.
fn take(bytes: &mut &[u8]) -> Option<u128> {
    let mut n = 0;
    for shift in (0..70).step_by(7) {
        let byte = *bytes.split_off_first()?;
        n |= u128::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(n);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NO: Told = Told::No;

    fn is(purchased: i64, assigned: i64) -> [Told; 4] {
        [Told::Is(purchased), Told::Is(assigned), NO, NO]
    }

    fn held(n: i64) -> [Told; 4] {
        [NO, NO, Told::Is(n), NO]
    }

    #[test]
    fn an_unchanged_month_is_some_tens_of_bytes() {
        let mut month = Month::default();
        for day in 0..31 {
            let of = |n: u32| (n, is(200 + i64::from(n), 150 + i64::from(n)));
            month.read(day, Source::Skus, &(1..=15).map(of).collect());
            month.read(day, Source::Users, &(1..=15).map(|n| (n, held(150 + i64::from(n)))).collect());
        }
        let bytes = month.to_bytes();
        assert!(bytes.len() < 100, "{} bytes", bytes.len());
        assert_eq!(Month::from_bytes(&bytes).unwrap(), month);
        let seven: Vec<_> = month.of_day(30).filter(|(number, _)| *number == 7).collect();
        assert_eq!(seven, [(7, [Told::Is(207), Told::Is(157), Told::Is(157), NO])]);
    }

    #[test]
    fn the_last_reading_of_a_day_counts_and_a_day_without_one_says_nothing() {
        let mut month = Month::default();
        month.read(3, Source::Skus, &BTreeMap::from([(1, is(10, 8)), (2, is(5, 5))]));
        month.read(3, Source::Users, &BTreeMap::from([(1, held(8)), (2, held(5))]));
        month.read(3, Source::Skus, &BTreeMap::from([(1, is(10, 9))]));
        let told: Vec<_> = month.of_day(3).collect();
        assert_eq!(told, [(1, [Told::Is(10), Told::Is(9), Told::Is(8), NO]), (2, held(5))], "2 is held and not listed");
        assert_eq!(month.of_day(2).count(), 0);
        assert_eq!((month.is_read(3), month.is_read(2)), (true, false));
        month.read(3, Source::Users, &BTreeMap::from([(1, held(9))]));
        assert_eq!(month.of_day(3).count(), 1, "a product that is nowhere any more is gone");
    }

    #[test]
    fn counts_of_any_size_come_back() {
        let mut month = Month::default();
        for (day, n) in [i64::MAX, i64::MIN, 0, -1, 1, i64::MIN, i64::MAX].into_iter().enumerate() {
            month.read(
                day,
                Source::Skus,
                &BTreeMap::from([(u32::MAX, [Told::Is(n), Told::Is(n.wrapping_neg()), NO, NO])]),
            );
            month.read(day, Source::Sales, &BTreeMap::from([(u32::MAX, [NO, NO, NO, Told::Is(i64::MAX)])]));
        }
        assert_eq!(Month::from_bytes(&month.to_bytes()).unwrap(), month);
    }

    fn told_of() -> impl Strategy<Value = Told> {
        prop_oneof![
            Just(Told::No),
            Just(Told::Unknown),
            (-3i64..40).prop_map(Told::Is),
            any::<i64>().prop_map(Told::Is)
        ]
    }

    /// A reading: the day, the data set, and what it says of some products.
    fn reading() -> impl Strategy<Value = (usize, Source, BTreeMap<u32, [Told; 4]>)> {
        let source = prop_oneof![Just(Source::Skus), Just(Source::Users), Just(Source::Sales)];
        let series = [told_of(), told_of(), told_of(), told_of()];
        (0usize..31, source, proptest::collection::btree_map(1u32..9, series, 0..6))
    }

    proptest! {
        #[test]
        fn days_come_back_as_a_plain_map_has_them(readings in proptest::collection::vec(reading(), 0..60)) {
            let mut plain: BTreeMap<(usize, u32), [Told; 4]> = BTreeMap::new();
            let mut month = Month::default();
            for (day, source, told) in readings {
                for n in 1..9 {
                    let now = told.get(&n).copied().unwrap_or_default();
                    let cell = plain.entry((day, n)).or_default();
                    for i in (0..4).filter(|i| Source::OF[*i] == source) {
                        cell[i] = now[i];
                    }
                }
                month.read(day, source, &told);
                month = Month::from_bytes(&month.to_bytes()).unwrap();
            }
            for day in 0..31 {
                let mine: Vec<_> = month.of_day(day).collect();
                let theirs = plain.range((day, 0)..(day + 1, 0)).map(|((_, n), told)| (*n, *told));
                let theirs: Vec<_> = theirs.filter(|(_, told)| told.iter().any(|told| *told != Told::No)).collect();
                prop_assert_eq!(mine, theirs);
            }
        }

        #[test]
        fn damaged_bytes_are_told_and_never_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            readings in proptest::collection::vec(reading(), 1..9),
            at in 0usize..400,
        ) {
            let _ = Month::from_bytes(&bytes);
            let mut month = Month::default();
            for (day, source, told) in readings {
                month.read(day, source, &told);
            }
            let mut bytes = month.to_bytes();
            let at = at % bytes.len();
            bytes[at] ^= 0x55;
            if let Ok(month) = Month::from_bytes(&bytes) {
                prop_assert_eq!(Month::from_bytes(&month.to_bytes()).unwrap(), month, "what is read can be written");
            }
            bytes.truncate(at);
            prop_assert!(Month::from_bytes(&bytes).is_err());
        }
    }
}
