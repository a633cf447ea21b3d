//! Licenses of the whole fleet: what sums over 10,000 tenants cost, at first and after one import, and on the screen.
//! The yardstick is a loop that only unpacks the same counts and adds up one of their numbers.

use std::hint::black_box;
use std::time::Instant;

use tenantop::model::{
    Catalog, Clock, Coverage, FleetLicenses, Good, Id, Key, Packed, Prepaid, RunId, SkuCount, SkuId, SnapshotId, Tenant,
};
use uuid::Uuid;

use crate::made::{Made, TENANTS};
use crate::people::Random;
use crate::terminal::Terminal;
use crate::{CALM, DOWN, PAGE_DOWN, PAGE_UP, ROUNDS, SMALL, Table, UP, each, latency, percentile, told, worst};

/// Products that the tenants have between them, and how many of them each has.
const PRODUCTS: usize = 312;
const EACH: usize = 15;
const TIMES: usize = 9;

/// A tenant with fifteen of all products, counted on the day before.
fn tenant(n: u64, random: &mut Random, clock: &Clock) -> Tenant {
    let key = Key { partner: "emea".into(), tenant: Id::new(Uuid::from_u128(u128::from(n) << 64)) };
    let mut tenant = Tenant::new(key, format!("Customer {n}").into(), "c.example".into(), clock.now());
    let start = random.next(PRODUCTS);
    let counts: Vec<SkuCount> = (0..EACH)
        .map(|of| {
            let product = (start + of * 17) % PRODUCTS;
            let enabled = i64::try_from(random.next(300)).unwrap();
            SkuCount {
                sku_id: Some(SkuId::new(Uuid::from_u128(0x5000 + ((product as u128) << 64)))),
                part_number: Some(format!("PRODUCT_OF_SOME_{product}").into()),
                applies_to: Some("User".into()),
                status: Some("Enabled".into()),
                prepaid: Prepaid { enabled: Some(enabled), suspended: Some(0), warning: Some(0), locked_out: Some(0) },
                consumed: Some(enabled - 3 + i64::try_from(random.next(9)).unwrap()),
                premium: Some(false),
            }
        })
        .collect();
    let mut held: Vec<(SkuId, u64)> = counts.iter().map(|sku| (sku.sku_id.unwrap(), 7)).collect();
    held.sort_unstable();
    let good = Good { at: clock.now(), count: 9, snapshot: SnapshotId(n), run: RunId(1) };
    (tenant.users.good, tenant.skus.good) = (Some(good.clone()), Some(good));
    (tenant.sku_counts, tenant.held) = (Packed::of(&counts), Packed::of(&held));
    tenant
}

/// Milliseconds that something takes.
fn ms<T>(of: impl FnOnce() -> T) -> f64 {
    let began = Instant::now();
    black_box(of());
    began.elapsed().as_secs_f64() * 1_000.0
}

/// Tells what sums cost.
pub(crate) fn sums(table: &mut Table) {
    assert_eq!((TENANTS, PRODUCTS, EACH), (10_000, 312, 15), "the titles say so");
    let (clock, mut random) = (Clock::system(), Random(11));
    let mut tenants: Vec<Tenant> = (0..TENANTS).map(|n| tenant(n, &mut random, &clock)).collect();
    let catalog = Catalog::default();
    let (mut yardsticks, mut firsts, mut next, mut same) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for n in 0..TIMES {
        yardsticks.push(ms(|| {
            let counts = tenants.iter().flat_map(|tenant| tenant.sku_counts.to_vec());
            let held = tenants.iter().flat_map(|tenant| tenant.held.to_vec());
            (counts.filter_map(|sku| sku.consumed).sum::<i64>(), held.map(|(_, n)| n).sum::<u64>())
        }));
        let mut licenses = FleetLicenses::default();
        firsts.push(ms(|| {
            licenses.update(&tenants);
            licenses.products(&catalog, |_| true)
        }));
        assert_eq!(licenses.products(&catalog, |_| true).len(), PRODUCTS);
        tenants[n * 1_000] = tenant((n * 1_000) as u64, &mut random, &clock);
        next.push(ms(|| assert!(licenses.update(&tenants), "one tenant has other counts")));
        same.push(ms(|| {
            assert!(!licenses.update(&tenants));
            licenses.products(&catalog, |_| true)
        }));
    }
    let (yardstick, first) = (percentile(&yardsticks, 50), percentile(&firsts, 50));
    told("yardstick: 10,000 tenants x 15 of 312 products, only unpacked", yardstick, "ms");
    table.held("10,000 tenants x 15 of 312 products: summed up, median of 9", first, "ms", 150.0);
    table.held("10,000 tenants x 15 of 312 products: summed up for yardstick", first / yardstick, "times", 3.0);
    table.held("the same after an import of one tenant, median of 9", percentile(&next, 50), "ms", 10.0);
    told("the same after a fact that changes no count, slowest of 9", worst(&same), "ms");
    let fleet = tenantop::model::Fleet::new([], tenants, [], 93_600);
    let covered = ms(|| Coverage::of(&fleet, fleet.tenants.values(), clock.now()));
    told("whose data lack or are old, of 10,000 tenants", covered, "ms");
}

/// Tells what the screen costs on the store of 10,000 tenants.
pub(crate) fn screen(made: &Made, table: &mut Table) {
    let mut drawn = Vec::new();
    let mut terminal = Terminal::open(made, SMALL);
    terminal.bytes_within(CALM);
    for _ in 0..TIMES {
        drawn.push(terminal.press_until("W", "sort: waste").ms);
        terminal.press("\x7f");
    }
    table.held("fleet licenses of 10,000 tenants: drawn first, slowest of 9", worst(&drawn), "ms", 150.0);
    told("fleet licenses of 10,000 tenants: drawn first, median", percentile(&drawn, 50), "ms");
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        // Opened anew it begins at its top: a key that alters nothing has no frame.
        terminal.press_until("W", "sort: waste");
        let times = |n: usize, key: (&'static str, &'static str)| std::iter::repeat_n(key, n);
        let round = times(10, ("Down", DOWN))
            .chain(times(9, ("Up", UP)))
            .chain([("PgDn", PAGE_DOWN), ("PgUp", PAGE_UP)])
            .chain([("2", "2"), ("6", "6"), ("0", "0"), ("S", "S")].repeat(3));
        rounds.push(each(&mut terminal, round));
        terminal.press("\x7f");
    }
    terminal.press_until("W", "sort: waste");
    latency("fleet licenses of 10,000 tenants", &rounds, table);
    let tenants = terminal.press_until("\r", "sort: unassigned");
    told("fleet licenses: the tenants of a product, drawn first", tenants.ms, "ms");
    told("fleet licenses: memory with both", terminal.memory("VmRSS"), "MB");
    terminal.leave();
}
