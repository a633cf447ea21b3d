//! The gallery: every screen in every state, at four sizes, in every theme and in ASCII.

use std::fmt::Write;

use super::rules::SCREENS;
use super::{Desk, options, sample, stock};
use crate::failure::{Class, Owner};
use crate::model::{Change, Command, Event, Fleet, Role, RunId, RunState, Totals};
use crate::tui::{Options, Theme, View};

/// The sizes at which everything is looked at.
const SIZES: [(u16, u16); 4] = [(60, 15), (80, 24), (120, 35), (200, 60)];

/// The world that a scene begins with.
#[derive(Clone, Copy)]
enum World {
    /// Each state once.
    Sample,
    /// All is well.
    Quiet,
    /// Nobody was ever told of.
    Empty,
    /// What ends is known: tokens, secrets, relationships.
    Ending,
    /// Tenants have different products.
    Stocked,
    /// A partner's own sign-in is refused.
    Refused,
    /// The engine ended.
    Gone,
    /// A wish is not answered.
    Waiting,
    /// An admin looks.
    Admin,
}

fn desk(world: World) -> Desk {
    let of = |fleet: Fleet| Desk::of(fleet, options());
    let empty = || Fleet::new([], [], [], 93_600);
    match world {
        World::Sample | World::Waiting => of(sample::fleet()),
        World::Admin => Desk::of(sample::fleet(), Options { role: Role::Admin, ..options() }),
        World::Quiet => of(sample::quiet()),
        World::Empty => of(empty()),
        World::Ending => of(sample::ending()),
        World::Stocked => of(stock::fleet()),
        World::Refused => {
            let mut desk = of(sample::fleet());
            let (at, run) = (desk.now, RunId(4));
            let failure = sample::failure(Class::RefreshTokenExpired, Owner::Partner, 700_082, at);
            desk.tell(Change::PartnerRefused { partner: "emea".into(), run, failure: Box::new(failure), at });
            desk.tell(Change::RunEnded { run, state: RunState::Refused, at, totals: Totals::default() });
            desk.wait(600);
            desk
        }
        World::Gone => {
            let mut desk = of(sample::fleet());
            desk.app.closed(desk.now);
            desk
        }
    }
}

/// What is seen, by the name of its picture: the world, and the keys that lead there.
#[rustfmt::skip]
const SCENES: &[(&str, World, &str)] = &[
    ("tenants", World::Sample, "<Down>"),
    ("tenants-all-at-the-end", World::Sample, "u<End>"),
    ("tenants-filtered-and-marked", World::Sample, "/acts:us<Enter><Space><Space>"),
    ("tenants-filter-typed", World::Sample, "/!status:blocked ad"),
    ("tenants-filter-refused", World::Sample, "/state:x"),
    ("tenants-filter-hides-all", World::Sample, "/contso<Enter>"),
    ("tenants-sorted-and-turned-round", World::Sample, "u2S"),
    ("tenants-columns-scrolled", World::Sample, "<Right><Right>"),
    ("tenants-no-problem", World::Quiet, ""),
    ("tenants-none-yet", World::Empty, ""),
    ("tenants-partner-refused", World::Refused, ""),
    ("tenants-incidents", World::Refused, "i"),
    ("tenants-server-gone", World::Gone, "<Down>ry"),
    ("tenants-answer-waited-for", World::Waiting, "<Down>ry"),
    ("tenants-key-that-is-none", World::Sample, "z"),
    ("question-one", World::Sample, "<Down>r"),
    ("question-many", World::Sample, "u<Space><Space><Space>r"),
    ("question-very-many", World::Sample, "u*r"),
    ("question-held-back", World::Sample, "/margie<Enter>v"),
    ("question-cancel", World::Sample, "R<Enter>c"),
    ("why-blocked", World::Sample, "/adatum<Enter>e"),
    ("why-blocked-further-down", World::Sample, "/adatum<Enter>e<PgDn>"),
    ("why-device", World::Sample, "/trey<Enter>e"),
    ("why-no-access", World::Sample, "/humongous<Enter>e"),
    ("why-consent", World::Sample, "/wingtip<Enter>e"),
    ("why-ours", World::Sample, "/saimaa<Enter>e"),
    ("why-failed", World::Sample, "/northwind<Enter>e"),
    ("why-partial", World::Sample, "/fabrikam<Enter>e"),
    ("why-stale", World::Sample, "/alpine<Enter>e"),
    ("why-held-back", World::Sample, "/margie<Enter>e"),
    ("why-paused", World::Sample, "u/tailwind<Enter>e"),
    ("why-running", World::Sample, "u/contoso<Enter>e"),
    ("why-never", World::Sample, "/lamna<Enter>e"),
    ("why-well", World::Sample, "u2<End>e"),
    ("why-raw-answer", World::Sample, "/adatum<Enter>ee"),
    ("history", World::Sample, "<Down>h"),
    ("history-filter-hides-all", World::Sample, "<Down>h/nobody<Enter>"),
    ("history-never-tried", World::Sample, "/lamna<Enter>h"),
    ("changes", World::Sample, "u/woodgrove<Enter>djjj"),
    ("changes-that-count", World::Sample, "u/woodgrove<Enter>du3"),
    ("changes-filtered", World::Sample, "u/woodgrove<Enter>d/department:sales<Enter>"),
    ("changes-filter-hides-all", World::Sample, "u/woodgrove<Enter>d/nobody<Enter>"),
    ("changes-masked", World::Sample, "u/woodgrove<Enter>dPG"),
    ("changes-of-one-import", World::Sample, "/alpine<Enter>d"),
    ("changes-never-read", World::Sample, "/lamna<Enter>d"),
    ("change-of-a-user", World::Sample, "u/woodgrove<Enter>d/lena<Enter><Enter>"),
    ("change-of-a-product", World::Sample, "u/woodgrove<Enter>djj<Enter>"),
    ("allocation", World::Sample, "<Down>bjjj"),
    ("allocation-untracked", World::Sample, "<Down>b/untracked<Enter>"),
    ("allocation-draft", World::Sample, "<Down>bT"),
    ("allocation-rules", World::Sample, "<Down>bVj"),
    ("allocation-rules-draft", World::Sample, "<Down>bVj("),
    ("allocation-closed", World::Sample, "<Down>b,"),
    ("allocation-save", World::Sample, "<Down>bT:save-rules spelled twice<Enter>"),
    ("allocation-filter-hides-all", World::Sample, "<Down>b/nobody<Enter>"),
    ("allocation-never-read", World::Sample, "/lamna<Enter>b"),
    ("unit-users", World::Sample, "<Down>b<Enter>jj"),
    ("unit-users-masked", World::Sample, "<Down>b<Enter>P"),
    ("unit-users-filter-hides-all", World::Sample, "<Down>b<Enter>/nobody<Enter>"),
    ("unit-users-draft", World::Sample, "<Down>bT/untracked<Enter><Enter>"),
    ("why-here", World::Sample, "<Down>b<Enter><Enter>"),
    ("why-here-draft", World::Sample, "<Down>bT/untracked<Enter><Enter>e"),
    ("prices", World::Sample, "<Down>b$"),
    ("prices-draft", World::Sample, "<Down>b$:price 40 month<Enter>"),
    ("prices-missing", World::Sample, "<Down>b$<Down><Del>"),
    ("prices-never-read", World::Sample, "/lamna<Enter>b$"),
    ("licenses", World::Sample, "<Down>l"),
    ("licenses-findings", World::Sample, "<Down>lu<Down>"),
    ("licenses-filter-hides-all", World::Sample, "<Down>l/nothing<Enter>"),
    ("licenses-never-read", World::Sample, "/lamna<Enter>l"),
    ("fleet-licenses", World::Stocked, "W<Down>"),
    ("fleet-licenses-with-free-ones", World::Stocked, "Wi<End>"),
    ("fleet-licenses-over", World::Stocked, "W/visio<Enter>"),
    ("fleet-licenses-of-a-partner", World::Stocked, "W/partner:nordics<Enter>"),
    ("fleet-licenses-filter-hides-all", World::Stocked, "W/nothing<Enter>"),
    ("fleet-licenses-all-counted", World::Quiet, "W"),
    ("fleet-licenses-none-yet", World::Empty, "W"),
    ("product-tenants", World::Stocked, "W/visio<Enter><Enter><Down>"),
    ("product-tenants-no-count", World::Stocked, "W/project<Enter><Enter><End>"),
    ("product-tenants-filter-hides-all", World::Stocked, "W<Enter>/nobody<Enter>"),
    ("tenants-not-counted", World::Stocked, "Wm"),
    ("license-history", World::Sample, "<Down>l/spe_e3<Enter>hj"),
    ("license-history-of-a-year", World::Sample, "<Down>l/spe_e3<Enter>hZujjjjjj"),
    ("license-history-over", World::Sample, "<Down>l/visio<Enter>hZZG"),
    ("license-history-held-alone", World::Sample, "<Down>l/000063<Enter>hZ"),
    ("license-history-filter-hides-all", World::Sample, "<Down>l/spe_e3<Enter>h/nothing<Enter>"),
    ("license-history-never-kept", World::Sample, "u/wide<Enter>l/spe_e3<Enter>h"),
    ("users", World::Sample, "<Down>Ujj"),
    ("users-filtered", World::Sample, "<Down>U/department:sales !guest<Enter>1"),
    ("users-filter-hides-all", World::Sample, "<Down>U/nobody<Enter>"),
    ("users-never-read", World::Sample, "/lamna<Enter>U"),
    ("users-masked", World::Sample, "<Down>UPj"),
    ("users-with-findings", World::Sample, "<Down>Uu<Down>"),
    ("holders", World::Sample, "<Down>l/spe_e3<Enter><Enter><Down>"),
    ("holders-with-findings", World::Sample, "<Down>l/spe_e3<Enter><Enter>u<Down>"),
    ("holders-none-to-look-at", World::Sample, "<Down>l/visio<Enter><Enter>u"),
    ("holders-filter-hides-all", World::Sample, "<Down>l/spe_e3<Enter><Enter>/nobody<Enter>"),
    ("holders-nobody", World::Sample, "<Down>l/power_bi<Enter><Enter>"),
    ("user", World::Sample, "<Down>Ujj<Enter>"),
    ("counts", World::Sample, "<Down>Uf"),
    ("counts-of-licenses", World::Sample, "<Down>Uff<Down>"),
    ("counts-of-none", World::Sample, "<Down>U/nobody<Enter>f"),
    ("audit", World::Admin, ":audit<Enter>jjj"),
    ("audit-of-a-tenant", World::Sample, "<Down>aj"),
    ("audit-of-a-run", World::Admin, "Ra"),
    ("audit-filtered", World::Admin, ":audit<Enter>/outcome:refused<Enter>j"),
    ("audit-oldest", World::Admin, ":audit<Enter>G"),
    ("audit-filter-hides-all", World::Admin, ":audit<Enter>/nobody<Enter>"),
    ("audit-row", World::Admin, ":audit<Enter>jjj<Enter>"),
    ("audit-chain", World::Admin, ":audit<Enter>i"),
    ("audit-not-for-an-operator", World::Sample, ":audit<Enter>"),
    ("help-audit", World::Sample, "<Down>a?"),
    ("runs", World::Sample, "R"),
    ("runs-none-yet", World::Empty, "R"),
    ("runs-filter-hides-all", World::Sample, "R/by:nobody<Enter>"),
    ("runs-refused", World::Refused, "R"),
    ("run-live", World::Sample, "R<Enter><Down>"),
    ("run-live-waiting", World::Sample, "R<Enter><Down><Down>"),
    ("run-over", World::Sample, "R<Down><Down><Enter>"),
    ("run-over-only-problems", World::Sample, "R<Down><Down><Enter>u"),
    ("run-filter-hides-all", World::Sample, "R<Enter>/nobody<Enter>"),
    ("run-refused", World::Refused, "R<Enter>"),
    ("run-unknown", World::Empty, "R<Enter>"),
    ("expiries", World::Ending, "E<Down>"),
    ("expiries-all", World::Ending, "Eu<End>"),
    ("expiries-none-known", World::Empty, "E"),
    ("why-relationship-ended", World::Ending, "/humongous<Enter>e"),
    ("ticket-text", World::Sample, "/adatum<Enter>t"),
    ("ticket-where-it-is-ours", World::Sample, "/saimaa<Enter>t"),
    ("ticket-note-typed", World::Sample, "/adatum<Enter>nCS-4411 lead back on Monday"),
    ("copy", World::Sample, "<Down>y"),
    ("copy-to-be-selected", World::Sample, "<Down>yv"),
    ("command", World::Sample, "<Down>:why <Tab>"),
    ("command-refused", World::Sample, "<Down>:pause tomorrow x<Enter>"),
    ("help-tenants", World::Sample, "?"),
    ("help-why", World::Sample, "/adatum<Enter>e?"),
    ("help-users", World::Sample, "<Down>U?"),
    ("help-holders", World::Sample, "<Down>l/spe_e3<Enter><Enter>?"),
    ("help-run", World::Sample, "R<Enter>?<PgDn>"),
];

#[test]
fn every_screen_in_every_state_at_every_size() {
    let mut names = std::collections::BTreeSet::new();
    for (name, world, keys) in SCENES {
        assert!(names.insert(name), "{name} stands twice");
        let mut pictures = String::new();
        for (width, height) in SIZES {
            let mut desk = desk(*world);
            desk.look(width, height);
            desk.press(keys);
            if matches!(world, World::Waiting) {
                desk.wait(4_000);
            }
            write!(pictures, "=== {width}x{height}\n{}", desk.picture(width, height)).unwrap();
        }
        insta::assert_snapshot!(format!("gallery-{name}"), pictures);
    }
}

#[test]
fn every_screen_in_every_theme_and_in_ascii() {
    let ascii = Options { ascii: true, ..options() };
    let themed = |theme| Options { theme, ..options() };
    let looks = [
        ("mono", themed(Theme::Mono)),
        ("light", themed(Theme::Light)),
        ("high-contrast", themed(Theme::HighContrast)),
        ("ascii", ascii),
    ];
    for (name, path) in SCREENS {
        let mut pictures = String::new();
        for (look, options) in &looks {
            let mut desk = Desk::of(sample::fleet(), options.clone()).keys(path);
            write!(pictures, "=== {look}\n{}", desk.picture(80, 24)).unwrap();
        }
        let name = name.to_lowercase().replace([':', ' '], "-").replace("--", "-");
        insta::assert_snapshot!(format!("gallery-look-{name}"), pictures);
    }
}

#[test]
fn before_the_first_picture_and_where_it_is_too_small() {
    let mut app = super::App::new(Options { view: View::Runs, ..options() });
    let mut pictures = String::new();
    for (width, height) in SIZES.into_iter().chain([(59, 15), (20, 4), (1, 1)]) {
        let mut buffer = super::Buffer::empty(super::Rect::new(0, 0, width, height));
        app.tick(sample::now());
        app.draw(&mut buffer, sample::now().checked_add(jiff::SignedDuration::from_secs(5)).unwrap());
        write!(pictures, "=== {width}x{height}\n{}", super::picture(&buffer)).unwrap();
    }
    insta::assert_snapshot!("gallery-before-the-first-picture", pictures);
}

#[test]
fn a_wish_that_waits_was_sent() {
    let mut desk = desk(World::Waiting).keys("<Down>ry");
    assert!(matches!(desk.wishes().as_slice(), [Command::Import { .. }]), "the scene of the wait is one");
    desk.app.hear(Event::Done("done".into()), desk.now);
    assert!(desk.row(22).ends_with("done"));
}
