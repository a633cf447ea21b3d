use super::*;
use crate::model::{Catalog, Filter, Prepaid, ServicePlan};

fn uuid(n: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(n)
}

fn sku_id(n: u128) -> SkuId {
    SkuId::new(uuid(n))
}

fn plan_id(n: u128) -> PlanId {
    PlanId::new(uuid(n))
}

fn license(n: u128, off: &[u128]) -> AssignedLicense {
    AssignedLicense { sku_id: Some(sku_id(n)), disabled_plans: off.iter().map(|n| plan_id(*n)).collect() }
}

fn user() -> User {
    let mut user = User::new(UserId::new(uuid(7)));
    for (field, text) in [
        (TextField::DisplayName, "Lena Bauer"),
        (TextField::UserPrincipalName, "lena.bauer@adatum.example"),
        (TextField::Department, "Sales"),
        (TextField::JobTitle, "Clerk"),
    ] {
        user.texts[field as usize] = Some(text.into());
    }
    user.licenses = Some(vec![license(1, &[]), license(2, &[11, 12])]);
    user.manager = Some(Manager {
        id: Some(UserId::new(uuid(8))),
        display_name: Some("Noah Weiss".into()),
        user_principal_name: Some("noah@adatum.example".into()),
    });
    user
}

/// A row in a line: kind, then each field with what it was and is.
fn said(rows: &[DiffRow]) -> Vec<String> {
    let products = BTreeMap::from([(sku_id(1), "SPE_E3".into()), (sku_id(2), "VISIO".into())]);
    let plans = BTreeMap::from([(plan_id(11), "SWAY".into())]);
    let catalog = Catalog::default();
    let names = DiffNames { catalog: &catalog, products: &products, plans: &plans };
    let value =
        |value: &Option<DiffValue>| value.as_ref().map_or("-".to_owned(), |value| names.value(value).into_owned());
    rows.iter()
        .map(|row| {
            let changes = row.changes.iter();
            let changes = changes.map(|c| format!(" {} {} -> {}", c.field.name(), value(&c.was), value(&c.now)));
            format!("{}:{}", row.kind.name(), changes.collect::<Vec<_>>().join(";"))
        })
        .collect()
}

#[test]
fn a_user_has_a_row_of_each_kind() {
    let before = user();
    let mut now = user();
    now.texts[TextField::DisplayName as usize] = Some("Lena Weber".into());
    now.texts[TextField::Surname as usize] = Some("Weber".into());
    now.texts[TextField::Department as usize] = None;
    now.texts[TextField::JobTitle as usize] = Some("Lead".into());
    now.extension = Some(Box::default());
    now.extension.as_mut().unwrap()[2] = Some("CC 1".into());
    now.licenses = Some(vec![license(3, &[]), license(2, &[12, 13])]);
    now.manager.as_mut().unwrap().id = Some(UserId::new(uuid(9)));
    now.manager.as_mut().unwrap().display_name = Some("Mara Costa".into());
    let rows = user_rows(Some(&before), Some(&now));
    assert_eq!(
        said(&rows),
        [
            "renamed: displayName Lena Bauer -> Lena Weber; surname - -> Weber",
            "moved: department Sales -> -; manager Noah Weiss -> Mara Costa",
            "license_gained: assignedLicenses - -> 00000000-0000-0000-0000-000000000003",
            "license_lost: assignedLicenses SPE_E3 -> -",
            "plans: disabledPlans SWAY -> 00000000-0000-0000-0000-00000000000d",
            "other: jobTitle Clerk -> Lead; extensionAttribute3 - -> CC 1",
        ]
    );
    assert!(rows.iter().all(|row| row.name == "Lena Weber"), "as the user is called now");
}

#[test]
fn who_comes_or_goes_is_told_with_what_counts() {
    let want = "userPrincipalName - -> lena.bauer@adatum.example; department - -> Sales; assignedLicenses - -> SPE_E3; \
                assignedLicenses - -> VISIO";
    assert_eq!(said(&user_rows(None, Some(&user()))), [format!("new: {want}")]);
    assert_eq!(said(&user_rows(Some(&user()), None))[0].matches(" -> -").count(), 4);
    assert!(user_rows(None, None).is_empty());
}

#[test]
fn what_tells_a_person_nothing_is_no_change() {
    let check = |alter: &dyn Fn(&mut User)| {
        let mut now = user();
        alter(&mut now);
        assert_eq!(said(&user_rows(Some(&user()), Some(&now))), Vec::<String>::new());
        assert_eq!(said(&user_rows(Some(&now), Some(&user()))), Vec::<String>::new());
    };
    check(&|user| user.absent = 0);
    check(&|user| user.texts[TextField::City as usize] = Some("".into()));
    check(&|user| user.extension = Some(Box::default()));
    check(&|user| user.licenses = Some(vec![license(2, &[12, 11, 12]), license(1, &[]), license(1, &[])]));
    check(&|user| user.manager.as_mut().unwrap().display_name = Some("Noah Weiss-Haas".into()));
    let mut none = user();
    none.licenses = None;
    let mut empty = user();
    empty.licenses = Some(vec![]);
    assert!(user_rows(Some(&none), Some(&empty)).is_empty());
    assert_eq!(
        said(&user_rows(Some(&none), Some(&user()))),
        ["other: assignedLicenses - -> SPE_E3; assignedLicenses - -> VISIO"],
        "what the answer before did not tell was not gained"
    );
}

#[test]
fn two_managers_of_one_name_are_told_apart() {
    let mut now = user();
    let manager = now.manager.as_mut().unwrap();
    manager.id = Some(UserId::new(uuid(9)));
    manager.user_principal_name = Some("noah2@adatum.example".into());
    assert_eq!(
        said(&user_rows(Some(&user()), Some(&now))),
        ["moved: manager noah@adatum.example -> noah2@adatum.example"]
    );
    now.manager.as_mut().unwrap().user_principal_name = Some("noah@adatum.example".into());
    let rows = said(&user_rows(Some(&user()), Some(&now)));
    assert!(rows[0].starts_with("moved: manager 00000000-0000-0000-0000-000000000008 -> "), "{rows:?}");
}

fn sku(n: u128, part: &str, enabled: i64, consumed: i64) -> Sku {
    Sku {
        id: Some(format!("a_{n}").into()),
        sku_id: Some(sku_id(n)),
        part_number: Some(part.into()),
        status: Some("Enabled".into()),
        consumed: Some(consumed),
        prepaid: Some(Prepaid { enabled: Some(enabled), suspended: Some(0), warning: Some(0), locked_out: Some(0) }),
        ..Sku::default()
    }
}

#[test]
fn products_are_matched_by_id_and_their_units_told() {
    let before = [sku(1, "SPE_E3", 10, 8), sku(2, "VISIO", 5, 5), sku(3, "EMS", 1, 1)];
    let mut more = sku(1, "SPE_E3", 12, 8);
    more.prepaid.as_mut().unwrap().warning = None;
    more.status = Some("Warning".into());
    more.service_plans =
        vec![ServicePlan { id: Some(plan_id(11)), name: Some("SWAY".into()), status: None, applies_to: None }];
    let now = [sku(4, "FLOW", 100, 0), sku(3, "EMS", 1, 1), more];
    let found = compare_skus(Some(&before), Some(&now));
    assert_eq!(
        found.compared.map(|compared| (compared, compared.all())),
        Some((Compared { before: 3, now: 3, both: 2 }, 4))
    );
    assert_eq!(
        said(&found.rows),
        [
            "units: enabled 10 -> 12; warning 0 -> -",
            "sku_other: capabilityStatus Enabled -> Warning; servicePlans - -> SWAY",
            "sku_gone: enabled 5 -> -; consumedUnits 5 -> -",
            "sku_new: enabled - -> 100; consumedUnits - -> 0",
        ]
    );
    let mut turned = now.clone();
    turned.reverse();
    assert!(compare_skus(Some(&turned), Some(&now)).rows.is_empty(), "the order means nothing");
    let alone = compare_skus(None, Some(&now));
    assert!(alone.compared.is_none() && alone.rows.is_empty() && alone.products.len() == 3);
}

#[test]
fn rows_of_one_product_are_summed() {
    let two = |a: i64, b: i64| [Sku { id: Some("b_1".into()), ..sku(1, "SPE_E3", a, 1) }, sku(1, "SPE_E3", b, 2)];
    assert!(compare_skus(Some(&two(3, 4)), Some(&two(4, 3))).rows.is_empty());
    let found = compare_skus(Some(&two(3, 4)), Some(&[sku(1, "SPE_E3", 5, 3)]));
    assert_eq!(said(&found.rows)[0].split(';').next(), Some("units: enabled 7 -> 5"));
}

#[test]
fn rows_are_found_by_kind_field_value_and_product() {
    let before = user();
    let mut now = user();
    now.texts[TextField::Department as usize] = Some("Sales EMEA".into());
    now.texts[TextField::JobTitle as usize] = None;
    now.licenses = Some(vec![license(2, &[11, 12])]);
    let products = BTreeMap::from([(sku_id(1), "SPE_E3".into())]);
    let mut catalog = Catalog::default();
    let name =
        crate::model::LocalName { name: "Microsoft 365 E3".into(), by: "x".into(), at: jiff::Timestamp::UNIX_EPOCH };
    catalog.set_local(sku_id(1), Some(name));
    let plans = BTreeMap::new();
    let names = DiffNames { catalog: &catalog, products: &products, plans: &plans };
    let mut rows = user_rows(Some(&before), Some(&now));
    rows.extend(compare_skus(Some(&[sku(1, "SPE_E3", 1, 1)]), Some(&[sku(1, "SPE_E3", 2, 1)])).rows);
    let kinds = |text: &str| -> Vec<&str> {
        let filter = Filter::parse::<DiffLine<'_>>(text).unwrap();
        rows.iter().filter(|row| filter.matches(&DiffLine { row, names })).map(|row| row.kind.name()).collect()
    };
    for (filter, want) in [
        ("", &["moved", "license_lost", "other", "units"][..]),
        ("kind:moved", &["moved"]),
        ("kind:lost", &["license_lost"]),
        ("kind:license", &["license_lost"]),
        ("!kind:moved lena", &["license_lost", "other"]),
        ("name:lena", &["moved", "license_lost", "other"]),
        ("emea", &["moved"]),
        ("department:sales", &["moved"]),
        ("department:none", &[]),
        ("title:none", &["other"]),
        ("was:clerk", &["other"]),
        ("now:=\"sales emea\"", &["moved"]),
        ("field:job", &["other"]),
        ("license:microsoft", &["license_lost"]),
        ("license:spe", &["license_lost"]),
        ("product:spe", &["license_lost", "units"]),
        ("product:\"microsoft 365\"", &["license_lost", "units"]),
        ("lena.bauer@", &["moved", "license_lost", "other"]),
        ("id:00000000-0000-0000-0000-000000000001", &["units"]),
    ] {
        assert_eq!(kinds(filter), want, "{filter}");
    }
    assert!(Filter::parse::<DiffLine<'_>>("shoe:x").is_err());
}

#[test]
fn every_kind_has_a_name_a_word_and_a_sum_of_its_own() {
    let distinct =
        |name: fn(DiffKind) -> &'static str| DiffKind::ALL.into_iter().map(name).collect::<BTreeSet<_>>().len();
    assert_eq!((distinct(DiffKind::name), distinct(DiffKind::word)), (12, 12));
    let mut sums = DiffSums::default();
    for (n, kind) in DiffKind::ALL.into_iter().enumerate() {
        for _ in 0..=n {
            sums.add(kind);
        }
    }
    assert!((1..).zip(DiffKind::ALL).all(|(n, kind)| sums.of(kind) == n));
    let mut twice = sums;
    twice.join(&sums);
    assert_eq!((sums.total(), twice.total()), (78, 156));
}
