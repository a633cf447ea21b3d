use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Currency, Month};
use crate::model::SkuId;

/// For how long a price is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// A month.
    Month,
    /// A year.
    Year,
    /// Three years.
    ThreeYears,
}

impl Period {
    /// All of them.
    pub const ALL: [Period; 3] = [Period::Month, Period::Year, Period::ThreeYears];

    /// How many months it has.
    pub const fn months(self) -> i128 {
        match self {
            Period::Month => 1,
            Period::Year => 12,
            Period::ThreeYears => 36,
        }
    }

    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Period::Month => "month",
            Period::Year => "year",
            Period::ThreeYears => "three_years",
        }
    }

    /// The period of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|period| period.name() == word)
    }
}

/// What a seat of a product costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Which product.
    pub sku_id: SkuId,
    /// How much, for the period.
    pub amount: Decimal,
    /// In which currency.
    pub currency: Currency,
    /// For how long.
    pub period: Period,
    /// From this day on; always if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// Up to this day, which counts; for ever if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Date>,
    /// Of how many seats: what several prices of a product at one time are blended by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
}

impl Price {
    /// The highest amount.
    const MOST: i64 = 1_000_000_000;
    /// The most decimals.
    const DECIMALS: u32 = 6;

    /// Whether it is valid on a day.
    pub fn is_valid(&self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }

    /// Its amount in millionths.
    fn millionths(&self) -> Result<i128, String> {
        let wrong =
            || format!("{} is no price: 0 to {}, with up to {} decimals", self.amount, Self::MOST, Self::DECIMALS);
        let millionths = self.amount.checked_mul(Decimal::from(1_000_000)).ok_or_else(wrong)?;
        if self.amount.is_sign_negative() && !self.amount.is_zero()
            || self.amount > Decimal::from(Self::MOST)
            || !millionths.fract().is_zero()
        {
            return Err(wrong());
        }
        i128::try_from(millionths).map_err(|_| wrong())
    }

    fn check(&self) -> Result<(), String> {
        self.millionths()?;
        if self.from.zip(self.to).is_some_and(|(from, to)| to < from) {
            return Err("a price ends before it begins".to_owned());
        }
        if self.quantity == Some(0) {
            return Err("a price of 0 seats is none".to_owned());
        }
        Ok(())
    }
}

/// The prices of a customer. Checked ones have one currency and no doubt on any day.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceBook {
    /// The prices, in the order in which they were given.
    pub prices: Vec<Price>,
}

impl PriceBook {
    /// The most prices of a customer.
    pub const MOST: usize = 2_000;

    /// Refuses what has no answer on some day: two currencies, several prices of a product without quantities.
    pub fn check(&self) -> Result<(), String> {
        if self.prices.len() > Self::MOST {
            return Err(format!("{} prices: a customer has {} at most", self.prices.len(), Self::MOST));
        }
        for (n, price) in self.prices.iter().enumerate() {
            price.check().map_err(|why| format!("price {} of {}: {why}", n + 1, price.sku_id))?;
        }
        // What is valid changes on these days and on no others.
        let mut days: BTreeSet<Date> = self.prices.iter().filter_map(|price| price.from).collect();
        days.insert(Date::MIN);
        days.into_iter().try_for_each(|day| self.on(day).map(drop))
    }

    /// The prices of a day by product, or why they have no answer.
    fn on(&self, day: Date) -> Result<BTreeMap<SkuId, Vec<&Price>>, String> {
        let mut found: BTreeMap<SkuId, Vec<&Price>> = BTreeMap::new();
        let mut currency = None;
        let when = || if day == Date::MIN { "at first".to_owned() } else { format!("on {day}") };
        for price in self.prices.iter().filter(|price| price.is_valid(day)) {
            let known = *currency.get_or_insert(price.currency);
            if known != price.currency {
                let other = price.currency;
                return Err(format!("{} there are prices in {known} and in {other}: a sheet has one currency", when()));
            }
            found.entry(price.sku_id).or_default().push(price);
        }
        for (sku_id, prices) in &found {
            if prices.len() > 1 && prices.iter().any(|price| price.quantity.is_none()) {
                let n = prices.len();
                return Err(format!("{} {sku_id} has {n} prices: each needs the quantity that it is for", when()));
            }
        }
        Ok(found)
    }

    /// A price in place of those of its product, for as long as it is valid: before it and behind it they stay.
    #[must_use]
    pub fn with(self, price: Price) -> Self {
        let (of_it, mut prices): (Vec<Price>, Vec<Price>) =
            self.prices.into_iter().partition(|known| known.sku_id == price.sku_id);
        for known in of_it {
            let first = price.from.and_then(|from| from.yesterday().ok()).filter(|end| known.from <= Some(*end));
            let then = price.to.and_then(|to| to.tomorrow().ok()).filter(|next| known.to.is_none_or(|to| *next <= to));
            if let Some(end) = first {
                let to = Some(known.to.map_or(end, |to| to.min(end)));
                prices.push(Price { to, ..known.clone() });
            }
            if let Some(next) = then {
                let from = Some(known.from.map_or(next, |from| from.max(next)));
                prices.push(Price { from, ..known });
            }
        }
        prices.push(price);
        Self { prices }
    }

    /// The prices of a month by product: those valid on its last day.
    pub fn of(&self, month: Month) -> Result<BTreeMap<SkuId, Vec<&Price>>, String> {
        self.on(month.last())
    }
}

/// What a month of a product costs: a fraction of millionths, since a twelfth of a price seldom ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Monthly {
    /// Which currency.
    pub(super) currency: Currency,
    above: i128,
    below: i128,
}

impl Monthly {
    /// The price of a month, of several prices the mean by quantity; absent if there are none.
    pub(super) fn of(prices: &[&Price]) -> Result<Option<Self>, String> {
        let Some(first) = prices.first() else { return Ok(None) };
        let (mut above, mut below) = (0i128, 0i128);
        for price in prices {
            let quantity = i128::from(price.quantity.unwrap_or(1));
            above += quantity * price.millionths()? * (Period::ThreeYears.months() / price.period.months());
            below += quantity * Period::ThreeYears.months();
        }
        Ok(Some(Self { currency: first.currency, above, below }))
    }

    /// What so many seats cost, in the smallest coins, rounded once, half up; absent where that is beyond all reckoning.
    pub(super) fn coins(&self, seats: u64) -> Option<i64> {
        let scale = 10i128.checked_pow(6 - self.currency.decimals())?;
        let below = self.below.checked_mul(scale)?;
        let above = self.above.checked_mul(i128::from(seats))?;
        let rounded = above.checked_mul(2)?.checked_add(below)?.checked_div(below.checked_mul(2)?)?;
        i64::try_from(rounded).ok().filter(|coins| *coins <= Self::MOST)
    }

    /// The largest bill of a product in coins.
    const MOST: i64 = 1_000_000_000_000_000;

    /// The price of a seat a month, to six decimals: to be read, not to be reckoned with.
    pub(super) fn shown(&self) -> Decimal {
        let above = Decimal::try_from_i128_with_scale(self.above, 6).unwrap_or_default();
        let below = Decimal::try_from_i128_with_scale(self.below, 0).unwrap_or(Decimal::ONE);
        above.checked_div(below).unwrap_or_default().round_dp(6).normalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(sku: u128, amount: &str, currency: &str, period: Period) -> Price {
        Price {
            sku_id: SkuId::new(uuid::Uuid::from_u128(sku)),
            amount: amount.parse().unwrap(),
            currency: currency.parse().unwrap(),
            period,
            from: None,
            to: None,
            quantity: None,
        }
    }

    fn coins(prices: &[Price], seats: u64) -> i64 {
        let all: Vec<&Price> = prices.iter().collect();
        Monthly::of(&all).unwrap().unwrap().coins(seats).unwrap()
    }

    #[test]
    fn a_year_is_twelve_months_and_is_rounded_once() {
        assert_eq!(coins(&[price(1, "115.2", "EUR", Period::Year)], 1), 960);
        assert_eq!(coins(&[price(1, "100", "EUR", Period::Year)], 1), 833);
        assert_eq!(coins(&[price(1, "100", "EUR", Period::Year)], 200), 166_667, "not 200 times 8.33");
        assert_eq!(coins(&[price(1, "100", "EUR", Period::ThreeYears)], 36), 10_000);
        assert_eq!(coins(&[price(1, "0.005", "EUR", Period::Month)], 1), 1, "half up");
        assert_eq!(coins(&[price(1, "1499.5", "JPY", Period::Month)], 3), 4_499);
        assert_eq!(coins(&[price(1, "1.2345", "KWD", Period::Month)], 2), 2_469);
        assert_eq!(coins(&[price(1, "1000000000", "EUR", Period::Month)], 1_000), 100_000_000_000_000);
        let most = price(1, "1000000000", "EUR", Period::Month);
        assert_eq!(Monthly::of(&[&most]).unwrap().unwrap().coins(u64::MAX), None);
    }

    #[test]
    fn several_terms_are_blended_by_quantity() {
        let mut year = price(1, "360", "EUR", Period::Year);
        year.quantity = Some(150);
        let mut month = price(1, "36", "EUR", Period::Month);
        month.quantity = Some(50);
        // (150 x 30 + 50 x 36) / 200 = 31.50
        let monthly = Monthly::of(&[&year, &month]).unwrap().unwrap();
        assert_eq!((monthly.shown().to_string().as_str(), monthly.coins(200)), ("31.5", Some(630_000)));
        assert_eq!(monthly.coins(210), Some(661_500));
        assert_eq!(Monthly::of(&[]).unwrap(), None);
    }

    #[test]
    fn a_price_takes_the_place_of_others_only_while_it_is_valid() {
        let day = |text: &str| (!text.is_empty()).then(|| text.parse::<Date>().unwrap());
        let of = |amount: &str, from: &str, to: &str| Price {
            from: day(from),
            to: day(to),
            ..price(1, amount, "EUR", Period::Month)
        };
        let other = price(2, "7", "EUR", Period::Year);
        let with = |known: Vec<Price>, new: Price| {
            let book = PriceBook { prices: [vec![other.clone()], known].concat() }.with(new);
            book.check().unwrap();
            assert_eq!(book.prices[0], other, "other products stay");
            book.prices[1..].to_vec()
        };
        let all = of("1", "", "");
        assert_eq!(with(vec![all.clone()], of("2", "", "")), [of("2", "", "")]);
        let new = of("2", "2026-12-01", "");
        assert_eq!(with(vec![all.clone()], new.clone()), [of("1", "", "2026-11-30"), new.clone()]);
        let between = of("2", "2026-12-01", "2026-12-31");
        assert_eq!(
            with(vec![all], between.clone()),
            [of("1", "", "2026-11-30"), of("1", "2027-01-01", ""), between.clone()]
        );
        // One that ended before, one that the day is in, one that begins later.
        let known = || {
            vec![of("1", "", "2026-06-30"), of("3", "2026-07-01", "2026-12-15"), of("4", "2026-12-16", "2027-01-31")]
        };
        let ended = [of("1", "", "2026-06-30"), of("3", "2026-07-01", "2026-11-30")];
        assert_eq!(with(known(), new.clone()), [&ended[..], &[new]].concat());
        assert_eq!(
            with(known(), between.clone()),
            [&ended[..], &[of("4", "2027-01-01", "2027-01-31"), between]].concat()
        );
        // Of terms that are blended each one ends.
        let terms = [100, 50].map(|seats| Price { quantity: Some(seats), ..of("1", "", "") });
        let left = with(terms.to_vec(), of("2", "2026-12-01", ""));
        assert_eq!(left.iter().map(|price| price.to).collect::<Vec<_>>(), [day("2026-11-30"), day("2026-11-30"), None]);
    }

    #[test]
    fn what_has_no_answer_is_refused() {
        let book = |prices: Vec<Price>| PriceBook { prices }.check();
        let eur = || price(1, "1", "EUR", Period::Month);
        let day = |text: &str| Some(text.parse::<Date>().unwrap());
        assert_eq!(book(vec![eur(), price(2, "1", "EUR", Period::Year)]), Ok(()));
        let why = book(vec![eur(), price(2, "1", "USD", Period::Year)]).unwrap_err();
        assert!(why.contains("prices in EUR and in USD"), "{why}");
        let ended = Price { to: day("2026-10-31"), ..eur() };
        let usd = Price { from: day("2026-11-01"), ..price(1, "1", "USD", Period::Month) };
        assert_eq!(book(vec![ended.clone(), usd.clone()]), Ok(()));
        let early = Price { from: day("2026-10-31"), ..usd };
        assert!(book(vec![ended, early]).unwrap_err().starts_with("on 2026-10-31 there are prices"));
        assert!(book(vec![eur(), eur()]).unwrap_err().contains("each needs the quantity"));
        for wrong in ["-1", "1.0000001", "1000000001"] {
            assert!(book(vec![price(1, wrong, "EUR", Period::Month)]).is_err(), "{wrong}");
        }
        assert!(book(vec![Price { from: day("2026-02-01"), to: day("2026-01-01"), ..eur() }]).is_err());
        assert!(book(vec![Price { quantity: Some(0), ..eur() }]).is_err());
        assert!(book(vec![eur(); PriceBook::MOST + 1]).is_err());
        let of = |month: &str, prices: &[Price]| {
            let book = PriceBook { prices: prices.to_vec() };
            book.of(month.parse().unwrap()).unwrap().len()
        };
        let late = [Price { from: day("2026-11-30"), ..eur() }];
        assert_eq!((of("2026-11", &late), of("2026-10", &late)), (1, 0), "the last day of the month decides");
    }
}
