//! Whatever is typed, told and resized: nothing panics, and nothing but a key takes the cursor off its object.

use proptest::prelude::*;

use super::{Desk, options, sample};
use crate::model::{Change, RunId, RunKind, RunState, Totals};
use crate::tui::Options;
use crate::tui::app::tables;
use crate::tui::screens::ScreenId;

/// Something that happens to a console.
#[derive(Debug, Clone)]
enum Happening {
    Key(String),
    Size(u16, u16),
    Fact(u8),
    Time(i64),
}

/// Every key of every table, and what is typed into inputs and at questions.
fn keys() -> Vec<String> {
    let bound = tables().into_iter().flat_map(|(_, rows)| rows).filter(|row| row.name != "leave");
    let bound = bound.flat_map(|row| row.keys.to_vec()).map(super::spell);
    let typed = ["a", "d", "t", "n", "4", "!", "x", "<Enter>", "<Del>", "<Ctrl-u>", ":why ad<Tab>", "/status:b<Enter>"];
    let mut keys: Vec<String> = bound.chain(typed.map(str::to_owned)).collect();
    keys.sort();
    keys.dedup();
    keys
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        8 => proptest::sample::select(keys()).prop_map(Happening::Key),
        2 => (1u16..310, 1u16..110).prop_map(|(w, h)| Happening::Size(w, h)),
        3 => any::<u8>().prop_map(Happening::Fact),
        1 => (0i64..200_000).prop_map(Happening::Time),
    ]
}

fn fact(n: u8, at: jiff::Timestamp) -> Change {
    let run = RunId(u64::from(n % 7));
    match n % 7 {
        0 => {
            let kind = if n.is_multiple_of(4) { RunKind::Probe } else { RunKind::Rerun };
            Change::RunStarted { run, kind, by: "jdoe".into(), reason: None, at }
        }
        1 => Change::Queued { run, tenants: vec![sample::key("emea", u128::from(n % 21))], at },
        2 => Change::RunEnded { run, state: RunState::Cancelled, at, totals: Totals::default() },
        3 => Change::Listed {
            partner: "nordics".into(),
            at,
            customers: (1..=u128::from(n % 9))
                .map(|n| crate::model::Customer {
                    tenant: sample::key("nordics", n).tenant,
                    name: format!("N {n}").into(),
                    domain: "n.example".into(),
                })
                .collect(),
        },
        4 => Change::Reviewed { tenant: sample::key("emea", 13), accepted: n.is_multiple_of(2), at },
        5 => Change::Relations {
            partner: "emea".into(),
            at,
            relations: (0..u128::from(n % 4))
                .map(|n| crate::model::Related {
                    tenant: sample::key("emea", 7 + n).tenant,
                    gdap: crate::model::Gdap { ends_at: Some(at), ..crate::model::Gdap::MISSING },
                })
                .collect(),
        },
        _ => sample::changes().swap_remove(usize::from(n) % 150),
    }
}

/// Whether the object that the cursor is on could be gone: a run that begins anew has no tenants yet, and no tries; a
/// list without any relationship says nothing of one, and a tenant that no list holds has no product.
fn can_go(desk: &Desk, happening: &Happening) -> bool {
    matches!(
        (desk.app.screen(), happening),
        (
            Some(ScreenId::Run(_) | ScreenId::History(_) | ScreenId::Expiries | ScreenId::ProductTenants(_)),
            Happening::Fact(_)
        )
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_and_the_cursor_stays_on_its_object(
        happenings in proptest::collection::vec(happening(), 1..60),
        ascii in any::<bool>(),
    ) {
        let mut desk = Desk::of(sample::fleet(), Options { ascii, mouse: true, ..options() });
        let mut size = (80, 24);
        for happening in happenings {
            let before = desk.app.at_cursor(desk.now).filter(|_| !can_go(&desk, &happening));
            let screen = desk.app.screen();
            let typed = matches!(happening, Happening::Key(_));
            match &happening {
                Happening::Key(key) => desk.press(key),
                Happening::Size(width, height) => size = (*width, *height),
                Happening::Fact(n) => desk.tell(fact(*n, desk.now)),
                Happening::Time(ms) => desk.wait(*ms),
            }
            desk.look(size.0, size.1);
            desk.wishes();
            if let (Some(before), false) = (before, typed) {
                prop_assert_eq!(desk.app.at_cursor(desk.now), Some(before), "on {:?} after {:?}", screen, happening);
            }
        }
    }
}
