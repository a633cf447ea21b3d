use std::fmt;
use std::str::FromStr;

use compact_str::CompactString;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Codes of ISO 4217 that are in use.
const CODES: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD \
    CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL \
    HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA \
    MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB \
    RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU \
    UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG";
/// Those without a smaller coin, and those with three decimals.
const NONE: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
const THREE: &str = "BHD IQD JOD KWD LYD OMR TND";

/// A currency by its ISO 4217 code, which says how many decimals its smallest coin has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency(&'static str);

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        CompactString::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Currency {
    /// Decimals of its smallest coin: 0, 2 or 3.
    pub fn decimals(self) -> u32 {
        let among = |codes: &str| codes.split(' ').any(|code| code == self.0);
        if among(NONE) {
            0
        } else if among(THREE) {
            3
        } else {
            2
        }
    }

    /// Its code.
    pub const fn code(self) -> &'static str {
        self.0
    }

    /// So many of its smallest coins as an amount.
    pub fn amount(self, coins: i64) -> Decimal {
        Decimal::new(coins, self.decimals())
    }

    /// An amount with all its decimals.
    pub fn shown(self, amount: Decimal) -> String {
        format!("{amount:.*}", self.decimals() as usize)
    }
}

impl FromStr for Currency {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let upper = text.trim().to_uppercase();
        let known = CODES.split_ascii_whitespace().find(|code| *code == upper);
        known.map(Self).ok_or_else(|| format!("`{}` is no currency code of ISO 4217", short(text)))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A text of a file as it is quoted in what is said of it: no longer than a line.
pub(super) fn short(text: &str) -> String {
    crate::model::clean(&text.chars().take(60).collect::<String>()).into_owned()
}

/// Shares coins out by weights: the parts add up to the whole. Each gets what its weight comes to, rounded down; what is
/// left goes, a coin each, to the largest remainders, of equal ones to those that come first. Without any weight nobody
/// gets anything.
pub fn apportion(coins: i64, weights: &[u128]) -> Vec<i64> {
    let all: u128 = weights.iter().sum();
    let Ok(whole) = u128::try_from(coins) else { return vec![0; weights.len()] };
    if all == 0 {
        return vec![0; weights.len()];
    }
    let mut rest = whole;
    let mut order: Vec<(u128, usize)> = Vec::with_capacity(weights.len());
    let mut parts: Vec<i64> = Vec::with_capacity(weights.len());
    for (n, weight) in weights.iter().enumerate() {
        let product = whole.saturating_mul(*weight);
        let part = product / all;
        rest = rest.saturating_sub(part);
        order.push((product % all, n));
        parts.push(i64::try_from(part).unwrap_or(i64::MAX));
    }
    order.sort_unstable_by(|(a, a_at), (b, b_at)| b.cmp(a).then(a_at.cmp(b_at)));
    let lucky = usize::try_from(rest).unwrap_or(usize::MAX);
    for (_, n) in order.into_iter().take(lucky) {
        if let Some(part) = parts.get_mut(n) {
            *part += 1;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_currency_says_its_decimals() {
        for (code, decimals, shown) in [("EUR", 2, "12.34"), ("jpy", 0, "1234"), ("KWD", 3, "1.234")] {
            let currency: Currency = code.parse().unwrap();
            assert_eq!(currency.decimals(), decimals);
            assert_eq!(currency.shown(currency.amount(1234)), shown);
        }
        let all = |codes: &str| codes.split_ascii_whitespace().all(|code| code.parse::<Currency>().is_ok());
        assert!(all(NONE) && all(THREE));
        assert_eq!("EUT".parse::<Currency>().unwrap_err(), "`EUT` is no currency code of ISO 4217");
        assert_eq!(Currency::from_str("EUR").unwrap().shown(Decimal::new(5, 0)), "5.00");
    }

    #[test]
    fn what_is_left_goes_to_the_largest_remainders() {
        assert_eq!(apportion(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(apportion(100, &[1, 2, 3]), [17, 33, 50]);
        assert_eq!(apportion(1, &[1, 1]), [1, 0]);
        assert_eq!(apportion(7, &[0, 5]), [0, 7]);
        assert_eq!(apportion(7, &[0, 0]), [0, 0]);
    }

    proptest! {
        #[test]
        fn parts_add_up_and_are_a_coin_from_their_share(
            coins in 0i64..1_000_000_000_000_000,
            weights in prop::collection::vec(0u128..1_000_000_000_000, 1..40),
        ) {
            let parts = apportion(coins, &weights);
            let all: u128 = weights.iter().sum();
            let share = |weight: u128| (u128::try_from(coins).unwrap() * weight).checked_div(all);
            if all > 0 {
                prop_assert_eq!(parts.iter().sum::<i64>(), coins);
                for (part, weight) in parts.iter().zip(&weights) {
                    let low = share(*weight).unwrap();
                    prop_assert!((low..=low + 1).contains(&u128::try_from(*part).unwrap()));
                    prop_assert!(*weight > 0 || *part == 0);
                }
            }
        }
    }
}
