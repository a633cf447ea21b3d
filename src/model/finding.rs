use jiff::Timestamp;

use super::{Catalog, Known, LicenseRow, SkuCount};

/// What there is to say of the counts of a product, the gravest first. A row has one finding; where several hold, the
/// first of this order counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// More assigned than usable: units lapsed while people held them.
    Over(i64),
    /// More sold than the tenant has: an order did not arrive, or a subscription is off.
    NotThere(i64),
    /// Past their term and still usable, for about 30 days.
    InGrace(i64),
    /// Graph counts more as assigned than users hold: deleted users keep a unit for a while, or a list lags.
    Unseen(i64),
    /// Users hold more than Graph counts as assigned.
    Uncounted(i64),
    /// Users hold it, and the tenant's SKUs no longer list it.
    NotListed(u64),
    /// Sold, and nobody knows which product of the tenant it is: no list ties it to one.
    NoProduct(i64),
    /// The tenant has more than we sold: a direct order, a trial, another reseller.
    NotByUs(i64),
    /// Suspended or cancelled by the customer: they cannot be assigned.
    Off(i64),
    /// Graph left a count out; it is not taken as 0.
    NoCount,
    /// No list has a name for it, neither a public one nor the operators' own.
    NoName,
    /// For the whole company: nobody holds it.
    WholeCompany,
    /// Every usable unit is assigned.
    Full,
    /// The counts agree.
    Fine,
}

/// What a finding asks of whoever reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Something is wrong.
    Wrong,
    /// It is to be looked at.
    Check,
    /// Somebody explained it.
    Known,
    /// Nothing is to be done.
    Fine,
}

impl Finding {
    /// Each of them once, the gravest first; numbers are 1.
    pub const ALL: [Finding; 14] = [
        Finding::Over(1),
        Finding::NotThere(1),
        Finding::InGrace(1),
        Finding::Unseen(1),
        Finding::Uncounted(1),
        Finding::NotListed(1),
        Finding::NoProduct(1),
        Finding::NotByUs(1),
        Finding::Off(1),
        Finding::NoCount,
        Finding::NoName,
        Finding::WholeCompany,
        Finding::Full,
        Finding::Fine,
    ];

    /// The finding of a row. Where nobody read what was sold, nothing is said of it.
    pub fn of(row: &LicenseRow, catalog: &Catalog) -> Self {
        let free = row.sku_id.is_some_and(Catalog::is_free);
        let Some(sku) = &row.sku else {
            return match (row.sku_id, row.sold.filter(|sold| *sold > 0)) {
                _ if !row.basis.skus => Finding::NoCount,
                (None, Some(sold)) => Finding::NoProduct(sold),
                (Some(_), Some(sold)) if row.basis.sold => Finding::NotThere(sold),
                (_, _) => Finding::NotListed(row.held.unwrap_or_default()),
            };
        };
        if let Some(n) = sku.unassigned().filter(|n| *n < 0 && !sku.is_company()) {
            return Finding::Over(n.saturating_neg());
        }
        // What was sold when it was last read says nothing of what is there since.
        let gap = row.gap().filter(|_| row.basis.sold);
        if let Some(n) = gap.filter(|n| *n < 0) {
            return Finding::NotThere(n.saturating_neg());
        }
        if let Some(n) = sku.prepaid.warning.filter(|n| *n > 0) {
            return Finding::InGrace(n);
        }
        match row.unseen() {
            Some(n) if n > 0 => return Finding::Unseen(n),
            Some(n) if n < 0 => return Finding::Uncounted(n.saturating_neg()),
            Some(_) | None => {}
        }
        if let Some(n) = gap.filter(|n| *n > 0 && !free && row.basis.joined) {
            return Finding::NotByUs(n);
        }
        if let Some(n) = sku.off().filter(|n| *n > 0) {
            return Finding::Off(n);
        }
        if free { Self::full_or_fine(sku) } else { Self::calm(row, sku, catalog) }
    }

    fn calm(row: &LicenseRow, sku: &SkuCount, catalog: &Catalog) -> Self {
        if sku.purchased().is_none() || sku.consumed.is_none() {
            return Finding::NoCount;
        }
        if row.sku_id.is_none_or(|id| catalog.known(id).is_none()) {
            return Finding::NoName;
        }
        if sku.is_company() {
            return Finding::WholeCompany;
        }
        Self::full_or_fine(sku)
    }

    fn full_or_fine(sku: &SkuCount) -> Self {
        match sku.unassigned() {
            Some(0) if sku.purchased() != Some(0) => Finding::Full,
            Some(_) | None => Finding::Fine,
        }
    }

    /// What it asks of whoever reads it.
    pub const fn grade(self) -> Grade {
        match self {
            Finding::Over(_) | Finding::NotThere(_) | Finding::InGrace(_) => Grade::Wrong,
            Finding::Unseen(_)
            | Finding::Uncounted(_)
            | Finding::NotListed(_)
            | Finding::NoProduct(_)
            | Finding::NotByUs(_)
            | Finding::Off(_)
            | Finding::NoCount
            | Finding::NoName => Grade::Check,
            Finding::WholeCompany | Finding::Full | Finding::Fine => Grade::Fine,
        }
    }

    /// Its name in rows of commands.
    pub const fn name(self) -> &'static str {
        match self {
            Finding::Over(_) => "over",
            Finding::NotThere(_) => "not_there",
            Finding::InGrace(_) => "in_grace",
            Finding::Unseen(_) => "unseen_users",
            Finding::Uncounted(_) => "uncounted_users",
            Finding::NotListed(_) => "not_listed",
            Finding::NoProduct(_) => "no_product",
            Finding::NotByUs(_) => "not_by_us",
            Finding::Off(_) => "off",
            Finding::NoCount => "no_count",
            Finding::NoName => "no_name",
            Finding::WholeCompany => "whole_company",
            Finding::Full => "full",
            Finding::Fine => "fine",
        }
    }

    /// How many units or users it is about.
    pub fn units(self) -> Option<i64> {
        match self {
            Finding::Over(n)
            | Finding::NotThere(n)
            | Finding::InGrace(n)
            | Finding::Unseen(n)
            | Finding::Uncounted(n)
            | Finding::NoProduct(n)
            | Finding::NotByUs(n)
            | Finding::Off(n) => Some(n),
            Finding::NotListed(n) => i64::try_from(n).ok(),
            Finding::NoCount | Finding::NoName | Finding::WholeCompany | Finding::Full | Finding::Fine => None,
        }
    }

    /// What somebody said of it that still holds: the same finding, with the same number, before its end.
    pub fn known<'a>(self, row: &LicenseRow, known: &'a [Known], now: Timestamp) -> Option<&'a Known> {
        let text = self.key();
        known.iter().find(|known| known.explains(row.sku_id, &text, now))
    }

    /// What a [`Known`] keeps of it: another number is another finding.
    pub fn key(self) -> String {
        self.units().map_or_else(|| self.name().to_owned(), |n| format!("{} {n}", self.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Basis, Explained, Prepaid, SkuId};

    const E3: u128 = 0x05e9_a617_0261_4cee_bb44_138d_3ef5_d965;
    const FREE: u128 = 0xf30d_b892_07e9_47e9_837c_8072_7f46_fd3d;

    fn sku(enabled: i64, consumed: i64) -> SkuCount {
        SkuCount {
            sku_id: None,
            part_number: Some("PART".into()),
            applies_to: Some("User".into()),
            status: None,
            prepaid: Prepaid { enabled: Some(enabled), suspended: Some(0), warning: Some(0), locked_out: Some(0) },
            consumed: Some(consumed),
            premium: None,
        }
    }

    fn row(id: u128, sku: SkuCount, held: u64, sold: Option<i64>) -> LicenseRow {
        let sku_id = Some(SkuId::new(uuid::Uuid::from_u128(id)));
        LicenseRow {
            sku_id,
            sku: Some(SkuCount { sku_id, ..sku }),
            held: Some(held),
            sold,
            offer: None,
            basis: Basis::WHOLE,
        }
    }

    fn finding(row: &LicenseRow) -> Finding {
        Finding::of(row, &Catalog::default())
    }

    #[test]
    fn each_is_there_once_in_its_order() {
        assert!(Finding::ALL.is_sorted());
        let names: std::collections::BTreeSet<&str> = Finding::ALL.into_iter().map(Finding::name).collect();
        assert_eq!(names.len(), Finding::ALL.len());
    }

    #[test]
    fn every_finding_has_its_case() {
        let plain = |enabled, consumed, held, sold| finding(&row(E3, sku(enabled, consumed), held, sold));
        assert_eq!(plain(200, 198, 198, Some(220)), Finding::NotThere(20));
        assert_eq!(plain(12, 14, 14, Some(12)), Finding::Over(2));
        assert_eq!(plain(60, 52, 52, Some(50)), Finding::NotByUs(10));
        assert_eq!(plain(60, 52, 52, None), Finding::Fine, "nobody looked what was sold");
        assert_eq!(plain(60, 52, 52, Some(0)), Finding::NotByUs(60));
        assert_eq!(plain(25, 25, 24, Some(25)), Finding::Unseen(1));
        assert_eq!(plain(25, 24, 25, Some(25)), Finding::Uncounted(1));
        assert_eq!(plain(30, 30, 30, Some(30)), Finding::Full);
        assert_eq!(plain(45, 41, 41, Some(45)), Finding::Fine);
        assert_eq!(plain(0, 0, 0, None), Finding::Fine, "none of none is not full");
        let mut grace = sku(0, 6);
        grace.prepaid.warning = Some(8);
        assert_eq!(finding(&row(E3, grace, 6, Some(8))), Finding::InGrace(8));
        let mut off = sku(10, 4);
        off.prepaid.locked_out = Some(3);
        assert_eq!(finding(&row(E3, off, 4, None)), Finding::Off(3));
        let company = SkuCount { applies_to: Some("Company".into()), ..sku(4, 0) };
        let company = LicenseRow { held: None, ..row(E3, company, 0, None) };
        assert_eq!(finding(&company), Finding::WholeCompany);
        assert_eq!(finding(&row(99, sku(5, 0), 0, None)), Finding::NoName);
        let unknown = SkuCount { consumed: None, ..sku(5, 0) };
        assert_eq!(finding(&row(E3, unknown, 0, None)), Finding::NoCount);
        assert_eq!(finding(&row(FREE, sku(10_000, 12), 12, Some(0))), Finding::Fine, "nobody sells what is free");
        let held_only = LicenseRow { sku: None, ..row(E3, sku(0, 0), 2, None) };
        assert_eq!(finding(&held_only), Finding::NotListed(2));
        let sold_only = LicenseRow { sold: Some(5), ..held_only };
        assert_eq!(finding(&sold_only), Finding::NotThere(5));
        assert_eq!(finding(&LicenseRow { sku_id: None, ..sold_only }), Finding::NoProduct(5));
    }

    #[test]
    fn what_is_not_of_one_time_or_not_whole_is_no_finding() {
        let on = |basis: Basis, sold| finding(&LicenseRow { basis, ..row(E3, sku(60, 52), 51, Some(sold)) });
        assert_eq!(
            on(Basis { together: false, ..Basis::WHOLE }, 60),
            Finding::Fine,
            "HELD and USED are of two imports"
        );
        let apart = Basis { together: false, ..Basis::WHOLE };
        assert_eq!(on(Basis { sold: false, ..apart }, 70), Finding::Fine, "what was sold is old");
        assert_eq!(on(Basis { joined: false, ..apart }, 50), Finding::Fine, "10 more may be of it");
        assert_eq!(on(Basis { joined: false, ..apart }, 70), Finding::NotThere(10), "at least");
    }

    /// Real answers that were published (reference on Graph, section 2).
    #[test]
    fn published_counts_give_the_right_rows() {
        let mut grace = sku(0, 1_100);
        grace.prepaid.warning = Some(1_100);
        let row_of = row(E3, grace, 1_100, None);
        let counts = row_of.sku.as_ref().unwrap();
        assert_eq!((counts.purchased(), counts.unassigned()), (Some(1_100), Some(0)), "in grace they are usable");
        assert_eq!(finding(&row_of), Finding::InGrace(1_100));

        let mut lapsed = sku(0, 14);
        lapsed.prepaid.suspended = Some(25);
        let row_of = row(E3, lapsed, 14, None);
        assert_eq!(row_of.sku.as_ref().unwrap().unassigned(), Some(-14));
        assert_eq!(finding(&row_of), Finding::Over(14));

        let mut old = sku(6, 5);
        old.prepaid.locked_out = None;
        let row_of = row(E3, old, 5, None);
        assert_eq!(finding(&row_of), Finding::Fine, "a count that old answers lack is no finding");
        assert_eq!(finding(&row(FREE, sku(1_000_000, 5), 5, None)), Finding::Fine);
    }

    #[test]
    fn what_is_known_holds_for_that_number_and_until_its_end() {
        let row = row(E3, sku(60, 52), 52, Some(50));
        let now: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        let what = Explained {
            sku_id: row.sku_id.unwrap(),
            finding: finding(&row).key().into(),
            reason: "direct order of the customer".into(),
            until: "2026-12-01T00:00:00Z".parse().unwrap(),
        };
        let known = [Known { what, by: "jdoe".into(), at: now }];
        assert!(Finding::NotByUs(10).known(&row, &known, now).is_some());
        assert!(Finding::NotByUs(11).known(&row, &known, now).is_none(), "another number is another finding");
        assert!(Finding::NotByUs(10).known(&row, &known, known[0].what.until).is_none());
    }
}
