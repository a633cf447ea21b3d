use crate::model::{Sku, Text};

/// The shrink guard over the users of an import: why they are doubtful, or nothing.
///
/// A reader whose role is too small gets 200 with every `assignedLicenses` empty (reference on Graph, section 1.4), and
/// a list that ends early looks like a whole one: both would pass as a success and wipe good data.
pub(super) fn users(before: Option<u64>, now: u64, holders: u64, skus: Option<&[Sku]>, max_drop: f64) -> Option<Text> {
    if let Some(before) = before
        && dropped(before, now) > max_drop
    {
        return Some(format!("import would drop {before} -> {now} users").into());
    }
    let consumed: i64 = skus
        .unwrap_or_default()
        .iter()
        .filter(|sku| !sku.is_company())
        .filter_map(|sku| sku.consumed)
        .fold(0, i64::saturating_add);
    if now > 0 && holders == 0 && consumed > 0 {
        return Some(format!("no user holds a license, yet Graph counts {consumed} as assigned").into());
    }
    None
}

/// The shrink guard over the SKUs of an import.
pub(super) fn skus(before: Option<u64>, now: usize) -> Option<Text> {
    match before {
        Some(before) if before > 0 && now == 0 => Some(format!("import would drop all {before} SKUs").into()),
        Some(_) | None => None,
    }
}

/// The shrink guard over a customer list: an account that lost its role at Partner Center may be shown an empty one.
pub(super) fn list(known: usize, now: usize) -> Option<Text> {
    (known > 0 && now == 0).then(|| format!("the customer list came empty; the {known} known customers stay").into())
}

#[expect(clippy::cast_precision_loss, reason = "a share of users needs no more than 52 bits")]
fn dropped(before: u64, now: u64) -> f64 {
    if before == 0 { 0.0 } else { before.saturating_sub(now) as f64 / before as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sku(consumed: Option<i64>, applies_to: &str) -> Sku {
        Sku {
            id: None,
            sku_id: None,
            part_number: None,
            applies_to: Some(applies_to.into()),
            status: None,
            consumed,
            prepaid: None,
            service_plans: Vec::new(),
            subscription_ids: Vec::new(),
        }
    }

    fn check(before: Option<u64>, now: u64, holders: u64, skus: &[Sku], doubtful: bool) {
        let why = users(before, now, holders, Some(skus), 0.5);
        assert_eq!(why.is_some(), doubtful, "{before:?} -> {now}, {holders} holders: {why:?}");
    }

    #[test]
    fn a_large_drop_and_empty_licenses_are_doubtful() {
        let used = [sku(Some(5), "User")];
        check(None, 10, 4, &used, false);
        check(Some(812), 40, 30, &used, true);
        check(Some(10), 5, 5, &used, false);
        check(Some(10), 4, 4, &used, true);
        check(Some(10), 0, 0, &[], true);
        check(Some(0), 0, 0, &used, false);
        check(None, 10, 0, &used, true);
        check(Some(10), 10, 0, &[sku(Some(0), "User"), sku(None, "User")], false);
        check(Some(10), 10, 0, &[sku(Some(3), "Company")], false);
    }

    #[test]
    fn losing_every_sku_is_doubtful() {
        assert!(skus(Some(3), 0).is_some());
        assert!(skus(Some(3), 1).is_none());
        assert!(skus(Some(0), 0).is_none());
        assert!(skus(None, 0).is_none());
    }
}
