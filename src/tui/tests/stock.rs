//! The sample as tenants of many kinds have it: products that some have and some lack, free ones, one without an id.

use uuid::Uuid;

use super::sample;
use crate::model::{Fleet, Packed, Prepaid, SkuCount, SkuId};

/// Products by id, part number and what they are for.
const PRODUCTS: [(u128, &str, &str); 9] = [
    (0x05e9_a617_0261_4cee_bb44_138d_3ef5_d965, "SPE_E3", "User"),
    (0x06eb_c4ee_1bb5_47dd_8120_1132_4bc5_4e06, "SPE_E5", "User"),
    (0xf30d_b892_07e9_47e9_837c_8072_7f46_fd3d, "FLOW_FREE", "User"),
    (0xa403_ebcc_fae0_4ca2_8c8c_7a90_7fd6_c235, "POWER_BI_STANDARD", "User"),
    (11, "VISIOCLIENT", "User"),
    (12, "Microsoft_365_Copilot", "User"),
    (13, "CDS_DB_CAPACITY", "Company"),
    (14, "PROJECTPROFESSIONAL", "User"),
    (0, "NEWPROD_2026_STEP1", "User"),
];

/// What the tenant of a number has of a product: purchased and assigned.
fn units(tenant: i64, product: usize) -> Option<(Option<i64>, Option<i64>)> {
    let known = |purchased, assigned| Some((Some(purchased), Some(assigned)));
    match product {
        0 => known(100 + 10 * tenant, 90 + 10 * tenant - tenant % 7),
        1 if tenant % 4 == 0 => known(20 + tenant, 17 + tenant + tenant % 3),
        2 => known(10_000, 12 * tenant),
        3 if tenant % 2 == 0 => known(1_000_000, 3),
        4 if tenant % 3 == 0 => known(12, 12 + tenant % 5 - 2),
        5 if tenant % 5 == 0 => known(30, 30),
        6 if tenant % 6 == 0 => known(4, 0),
        7 if tenant % 8 == 0 => Some((Some(8), (tenant != 8).then_some(6))),
        8 if tenant % 9 == 0 => known(5, 1),
        _ => None,
    }
}

fn sku(tenant: i64, product: usize) -> Option<SkuCount> {
    let (id, part, applies_to) = PRODUCTS[product];
    let (enabled, consumed) = units(tenant, product)?;
    Some(SkuCount {
        sku_id: (id > 0).then(|| SkuId::new(Uuid::from_u128(id))),
        part_number: Some(part.into()),
        applies_to: Some(applies_to.into()),
        status: Some("Enabled".into()),
        prepaid: Prepaid {
            enabled,
            suspended: Some(if product == 1 { tenant % 3 } else { 0 }),
            warning: Some(0),
            locked_out: Some(0),
        },
        consumed,
        premium: None,
    })
}

/// The sample, its SKUs and holders put together by the numbers of tenants.
pub(crate) fn fleet() -> Fleet {
    let mut fleet = sample::fleet();
    for (tenant, n) in fleet.tenants.values_mut().zip(1i64..) {
        if tenant.skus.good.is_none() {
            continue;
        }
        let skus: Vec<SkuCount> = (0..PRODUCTS.len()).filter_map(|product| sku(n, product)).collect();
        let mut held: Vec<(SkuId, u64)> = skus
            .iter()
            .filter(|sku| !sku.is_company())
            .filter_map(|sku| Some((sku.sku_id?, sku.consumed?.unsigned_abs())))
            .collect();
        if n == 7 {
            held.push((SkuId::new(Uuid::from_u128(14)), 2));
        }
        held.sort_unstable();
        tenant.sku_counts = Packed::of(&skus);
        tenant.held = Packed::of(&held);
    }
    fleet
}
