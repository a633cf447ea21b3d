//! Users of a tenant: who holds what? And the holders of a product: who, and what else? Of up to 500,000 rows only a
//! window is here.

mod dress;
mod holders;

use jiff::Timestamp;

use super::person::{People, shown};
use super::{Cx, Effect, Screen, ScreenId, counts, words};
use crate::model::{
    Exported, Filter, FilterError, Found, Key as TenantKey, Look, PersonRow, Seen, SkuId, Tenant, Text, TextField,
    User, UserField, UserId, UsersLook,
};
use crate::tui::export::{Body, Sheet, Stream};
use crate::tui::keys::{Binding, Key, Shown, bind, find, show};
use crate::tui::listing::{KEYS as LIST_KEYS, Listing, Move};
use crate::tui::page::{Line, Page, Piece};
use crate::tui::screens::CopyItem;
use crate::tui::theme::Meaning;
use crate::tui::windowed::{self, Windowed};
use dress::Dress;
pub(crate) use dress::{rows, titles};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Open,
    Problems,
    Counts,
    Licenses,
    Why,
    History,
    Diff,
}

#[rustfmt::skip]
const KEYS: &[Binding<Act>] = &[
    bind(&[Key::Enter], Act::Open, "open", "open", "open the user: all fields; never a yes"),
    bind(&[Key::Char('u')], Act::Problems, "problems", "findings", "only what is to be looked at, or all"),
    bind(&[Key::Char('f')], Act::Counts, "count", "count", "frequency: how many users per department, license, ..."),
    bind(&[Key::Char('l')], Act::Licenses, "licenses", "licenses", "licenses of the tenant"),
    bind(&[Key::Char('e')], Act::Why, "why", "why", "explain: why the tenant stands as it does"),
    bind(&[Key::Char('h')], Act::History, "history", "", "history: every try of the tenant"),
    bind(&[Key::Char('d')], Act::Diff, "diff", "changes", "difference to the import before: users, licenses, SKUs"),
];

/// Shows only users with a finding.
const ODD: &str = "!finding:none";

/// The users of a tenant, or those who hold a product.
#[derive(Debug)]
pub(crate) struct Users {
    of: TenantKey,
    holding: Option<SkuId>,
    dress: &'static Dress,
    filter: String,
    /// Only those with a finding.
    problems: bool,
    sort: Option<UserField>,
    reverse: bool,
    list: Windowed<UserId>,
    want: Option<UsersLook>,
    /// When it was asked for.
    asked_at: Timestamp,
    /// The answer to `want` is here.
    answered: bool,
    people: People,
    failed: Option<Text>,
}

impl Users {
    /// The users of a tenant; of those who hold a product, if one is named.
    pub(crate) fn new(tenant: TenantKey, holding: Option<SkuId>) -> Self {
        Self {
            of: tenant,
            holding,
            dress: Dress::of(holding),
            filter: String::new(),
            problems: false,
            sort: None,
            reverse: false,
            list: Windowed::new(),
            want: None,
            asked_at: Timestamp::UNIX_EPOCH,
            answered: false,
            people: People::default(),
            failed: None,
        }
    }

    fn tenant<'a>(&self, cx: &'a Cx<'_>) -> Option<&'a Tenant> {
        cx.fleet.tenants.get(&self.of)
    }

    fn user(&self) -> Option<&User> {
        self.people.user(self.list.at())
    }

    fn matched(&self) -> u64 {
        self.people.seen.matched
    }

    /// The filter that the users pass: as typed, and what `u` leaves out.
    fn passing(&self) -> String {
        if self.problems { format!("{} {ODD}", self.filter).trim().to_owned() } else { self.filter.clone() }
    }

    /// The filter that shows the same users among all of the tenant: of holders, those who hold it.
    fn words(&self) -> String {
        let holding = self.holding.map(|id| counts::term(UserField::License, Some(&self.people.products().name(id))));
        let words = holding.into_iter().chain([self.passing()]).filter(|words| !words.is_empty());
        words.collect::<Vec<_>>().join(" ")
    }

    /// The command that writes the same users in the same order.
    fn command(&self) -> String {
        let mut command =
            format!("tenantop users --partner {} --tenant {}", words::quoted(&self.of.partner.0), self.of.tenant);
        let words = self.words();
        if !words.is_empty() {
            command = format!("{command} --filter {}", words::quoted(&words));
        }
        if let Some(field) = self.sorted() {
            command = format!("{command} --sort {}", field.name());
        }
        let reverse = if self.reverse { " --reverse" } else { "" };
        format!("{command}{reverse} --format csv")
    }

    /// What the product is called whose holders these are.
    fn title(&self, cx: &Cx<'_>) -> Option<String> {
        let id = self.holding?;
        if let Some(known) = cx.fleet.catalog.known(id) {
            return Some(known.to_owned());
        }
        if self.people.seen.total > 0 {
            return Some(self.people.products().name(id).into_owned());
        }
        let counts = self.tenant(cx).map(|tenant| tenant.sku_counts.to_vec()).unwrap_or_default();
        let part = counts.into_iter().find(|sku| sku.sku_id == Some(id)).and_then(|sku| sku.part_number);
        Some(cx.fleet.catalog.name(self.holding, part.as_deref()).into_owned())
    }

    /// The field that it is sorted by. Holders with a finding come first.
    fn sorted(&self) -> Option<UserField> {
        self.sort.or_else(|| self.holding.map(|_| UserField::Finding))
    }

    /// Makes up its mind what window it wants: another one where order, filter or data changed, around the user under the
    /// cursor; or where the rows on the screen are not in the present one.
    fn aim(&mut self, cx: &Cx<'_>) {
        let Some(good) = self.tenant(cx).and_then(|tenant| tenant.users.good.as_ref()) else {
            self.want = None;
            return;
        };
        let skus = self.tenant(cx).and_then(|tenant| tenant.skus.good.as_ref()).map(|good| good.snapshot);
        let (from, count) = self.list.window(UsersLook::MOST);
        let look = UsersLook {
            users: good.snapshot,
            skus,
            holding: self.holding,
            filter: self.passing(),
            sort: self.sorted(),
            reverse: self.reverse,
            from,
            count,
            at: self.list.wanted().copied(),
        };
        let Some(want) = &self.want else {
            self.want = Some(look);
            self.wait(cx);
            return;
        };
        let same = UsersLook { from: want.from, count: want.count, at: want.at, ..look.clone() } == *want;
        if !same {
            self.want = Some(look);
            self.wait(cx);
            return;
        }
        let seen = &self.people.seen;
        let misses = self.list.misses((seen.from, seen.rows.len()), seen.matched, UsersLook::MOST);
        let look = Some(UsersLook { at: None, ..look });
        if self.answered && misses && self.failed.is_none() && look != self.want {
            self.want = look;
            self.wait(cx);
        }
    }

    fn wait(&mut self, cx: &Cx<'_>) {
        self.answered = false;
        self.asked_at = cx.now;
    }

    fn go(&mut self, act: Move, key: Key) {
        let field = self.list.column(key).and_then(|i| self.dress.fields.get(i)).copied();
        windowed::arrange(act, field, (&mut self.sort, &mut self.reverse), &mut self.filter);
        if self.list.go(act, self.matched(), self.dress.layout) {
            self.list.follow(self.user().map(|user| user.id));
        }
    }

    fn dead(&self, act: Act) -> Option<String> {
        match act {
            Act::Open if self.user().is_none() => Some("no user is under the cursor".to_owned()),
            Act::Open | Act::Problems | Act::Counts | Act::Licenses | Act::Why | Act::History | Act::Diff => None,
        }
    }

    fn act(&mut self, act: Act, cx: &Cx<'_>) -> Effect {
        if let Some(why) = self.dead(act) {
            return Effect::Say(why);
        }
        match act {
            Act::Open => self.user().map_or(Effect::Nothing, |user| {
                let name = user.text(TextField::DisplayName).unwrap_or("(no name)");
                let privacy = cx.options.privacy;
                Effect::Show {
                    title: shown(name, UserField::Text(TextField::DisplayName), privacy).into_owned(),
                    lines: self.people.detail(user, &cx.fleet.catalog, privacy),
                }
            }),
            Act::Problems => {
                self.problems = !self.problems;
                self.aim(cx);
                Effect::Nothing
            }
            Act::Counts => Effect::Open(ScreenId::Counts(self.of.clone(), self.words())),
            Act::Licenses => Effect::Open(ScreenId::Licenses(self.of.clone())),
            Act::Why => Effect::Open(ScreenId::Why(self.of.clone())),
            Act::History => Effect::Open(ScreenId::History(self.of.clone())),
            Act::Diff => Effect::Open(ScreenId::Diff(self.of.clone())),
        }
    }

    fn draw_state(&self, page: &mut Page<'_>, y: u16, age: &str, cx: &Cx<'_>) {
        let seen = &self.people.seen;
        let what = if self.problems { "findings" } else { "all" };
        let (matched, total) = (words::count(seen.matched), words::count(seen.total));
        let mut text = format!("show: {what}, {matched} of {total}{age}");
        if !self.filter.is_empty() {
            text = format!("{text}  filter /{}", self.filter);
        }
        if !self.answered && self.want.is_some() {
            text = format!("{text}  {}", cx.waiting(self.asked_at, "reading"));
        }
        page.line(y, &text.as_str().into());
        let sort = self.sorted().map_or("as Graph lists them", UserField::name);
        let reversed = if self.reverse { ", reversed" } else { "" };
        let taken = unicode_width::UnicodeWidthStr::width(text.as_str());
        page.right(y, taken, &format!("sort: {sort}{reversed}"), Meaning::Plain);
    }

    fn draw_rows(&mut self, page: &mut Page<'_>, y: u16, rows: u16, cx: &Cx<'_>) {
        let Dress { fields, layout } = self.dress;
        let of = (self.holding, cx.options.privacy);
        let mut list = std::mem::replace(&mut self.list, Windowed::new());
        list.draw(page, layout, (y, rows), self.matched(), |n, placed| {
            let user = self.people.user(n)?;
            let cell = |(i, field): (usize, &UserField)| {
                let text =
                    if placed.contains(&i) { dress::cell(&self.people, user, *field, of) } else { String::new() };
                let is_finding = *field == UserField::Finding;
                Piece { text, meaning: if is_finding { Meaning::Aging } else { Meaning::Plain } }
            };
            Some(fields.iter().enumerate().map(cell).collect())
        });
        self.list = list;
    }

    fn draw_empty(&self, page: &mut Page<'_>, y: u16, tenant: &Tenant, cx: &Cx<'_>) {
        let (said, key) = match (&self.failed, &tenant.users.good) {
            (Some(why), _) => (format!("The users cannot be shown: {why}."), cx.hint("fresh", "tries again")),
            (None, None) => ("The users of this tenant were never read.".to_owned(), cx.hint("why", "says why")),
            (None, Some(_)) if !self.answered => {
                (cx.waiting(self.asked_at, "Reading users from the store"), String::new())
            }
            (None, Some(_)) if !self.filter.is_empty() => {
                let hidden = words::count(self.people.seen.total);
                (
                    format!("No user matches \"{}\".  {hidden} hidden by the filter.", self.filter),
                    cx.hint("clear", "clears it"),
                )
            }
            (None, Some(_)) if self.problems && self.people.seen.total > 0 => {
                let all = words::count(self.people.seen.total);
                (format!("Nothing to look at: none of {all} has a finding."), cx.hint("problems", "shows all"))
            }
            (None, Some(_)) if self.holding.is_some() => {
                ("No user holds this product.".to_owned(), cx.hint("licenses", "shows what is held"))
            }
            (None, Some(_)) => ("This tenant has no user.".to_owned(), cx.hint("why", "says why")),
        };
        Listing::<u64>::draw_empty(page, y, &said, &key);
    }

    /// What the strip says of a user, in so many lines: what is odd about its licenses first, where that is
    /// looked for.
    fn strip(&self, user: &User, rows: usize, privacy: bool) -> Vec<Line> {
        let cell = |field| self.people.cell(user, field, privacy);
        let text = |field| cell(UserField::Text(field));
        let join =
            |parts: Vec<String>| parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ");
        let licenses = match cell(UserField::License) {
            none if none.is_empty() => "No license.".to_owned(),
            held => held,
        };
        let manager = match cell(UserField::Manager) {
            none if none.is_empty() => String::new(),
            name => format!("manager {name}"),
        };
        let who = join(vec![text(TextField::UserPrincipalName), text(TextField::UserType), manager]);
        let place = join(vec![
            text(TextField::JobTitle),
            text(TextField::CompanyName),
            text(TextField::OfficeLocation),
            text(TextField::City),
            text(TextField::Country),
        ]);
        let findings = self.people.findings(user).into_iter().map(|said| Line::of(Meaning::Aging, said));
        let known = [who.into(), licenses.into(), place.into()];
        let odd_first = self.holding.is_some() || self.problems;
        if odd_first { findings.chain(known).take(rows).collect() } else { known.into() }
    }

    /// How old the users are, and whether they could not be read anew.
    fn data(tenant: &Tenant, cx: &Cx<'_>) -> (Meaning, String) {
        let Some(good) = &tenant.users.good else {
            return (Meaning::Plain, "No users yet: no import of this tenant succeeded.".to_owned());
        };
        let refused = if tenant.users.failing.is_some() { "  last import refused" } else { "" };
        let (when, age) = (words::when(good.at, cx.now), cx.age(good.at));
        let meaning = if refused.is_empty() { Meaning::Plain } else { Meaning::Aging };
        (meaning, format!("data: users {when} ({age}){refused}"))
    }

    /// The answer of the screen: of all users how old they are, of holders how many there are. Whether the age found its
    /// room.
    fn draw_answer(&self, page: &mut Page<'_>, y: u16, tenant: &Tenant, cx: &Cx<'_>) -> bool {
        let (meaning, data) = Self::data(tenant, cx);
        let Some(tally) = self.people.seen.tally.as_ref() else {
            page.line(y, &Line::of(meaning, data));
            return true;
        };
        let answer = holders::answer(tally);
        let taken = unicode_width::UnicodeWidthStr::width(answer.text().as_str());
        page.line(y, &answer);
        page.right(y, taken, &data, meaning);
        taken + 2 + data.len() <= usize::from(page.main.width)
    }

    fn draw_pane(&self, page: &mut Page<'_>, cx: &Cx<'_>) {
        let lines: Vec<Line> = match (&self.people.seen.tally, self.title(cx), self.user()) {
            (Some(tally), Some(name), _) => holders::pane(&name, tally, self.people.products()),
            (None | Some(_), _, Some(user)) => self
                .people
                .detail(user, &cx.fleet.catalog, cx.options.privacy)
                .iter()
                .filter_map(narrow)
                .flat_map(|line| words::wrap(&line, 39))
                .map(Line::from)
                .collect(),
            (None | Some(_), _, None) => return,
        };
        page.fill_pane(&lines);
    }
}

impl Screen for Users {
    fn id(&self) -> ScreenId {
        match self.holding {
            None => ScreenId::Users(self.of.clone()),
            Some(product) => ScreenId::Holders(self.of.clone(), product),
        }
    }

    fn path(&self, cx: &Cx<'_>) -> Vec<String> {
        let name = self.tenant(cx).map_or_else(|| self.of.to_string(), |tenant| tenant.title().to_owned());
        match self.title(cx) {
            None => vec![name, "Users".to_owned()],
            Some(product) => vec![name, "Licenses".to_owned(), format!("holders of {product}")],
        }
    }

    fn keys(&self, _: &Cx<'_>) -> Vec<Shown> {
        let mut keys = show(KEYS, |act| self.dead(act));
        for row in &mut keys {
            if row.name == "problems" && self.problems {
                row.foot = "all";
            }
        }
        keys.extend(show(LIST_KEYS, |act| match act {
            Move::Mark | Move::MarkAll => Some("nothing here is done to many at once".to_owned()),
            Move::Up
            | Move::Down
            | Move::PageUp
            | Move::PageDown
            | Move::First
            | Move::Last
            | Move::Left
            | Move::Right
            | Move::Sort
            | Move::DefaultSort
            | Move::Reverse
            | Move::Filter
            | Move::Clear
            | Move::Fresh => None,
        }));
        keys
    }

    fn press(&mut self, key: Key, cx: &Cx<'_>) -> Option<Effect> {
        if let Some(act) = find(KEYS, key) {
            return Some(self.act(act, cx));
        }
        let act = find(LIST_KEYS, key)?;
        match act {
            Move::Filter => return Some(Effect::Filter),
            Move::Mark | Move::MarkAll => {
                return Some(Effect::Say("nothing here is done to many at once".to_owned()));
            }
            Move::Fresh => {
                self.want = None;
                self.failed = None;
                return Some(Effect::Look);
            }
            Move::Up
            | Move::Down
            | Move::PageUp
            | Move::PageDown
            | Move::First
            | Move::Last
            | Move::Left
            | Move::Right
            | Move::Sort
            | Move::DefaultSort
            | Move::Reverse
            | Move::Clear => self.go(act, key),
        }
        Some(Effect::Nothing)
    }

    fn click(&mut self, row: u16, _: &Cx<'_>) {
        if self.list.click(row, self.matched()) {
            self.list.follow(self.user().map(|user| user.id));
        }
    }

    fn changed(&mut self, cx: &Cx<'_>) {
        self.aim(cx);
    }

    fn draw(&mut self, page: &mut Page<'_>, cx: &Cx<'_>) {
        let (top, bottom) = (page.main.y, page.main.bottom());
        let Some(tenant) = cx.fleet.tenants.get(&self.of) else {
            page.line(top + 1, &"This tenant is not known here: no customer list holds it.".into());
            return;
        };
        let is_dated = self.draw_answer(page, top, tenant, cx);
        let good = tenant.users.good.as_ref().filter(|_| !is_dated);
        let refused = if tenant.users.failing.is_some() { ", refused since" } else { "" };
        let age = good.map_or_else(String::new, |good| format!("  data {}{refused}", cx.age(good.at)));
        self.draw_state(page, top + 1, &age, cx);
        let detail = match page.main.height {
            ..18 => 2,
            18..28 => 4,
            28.. => 4 + if self.holding.is_some() { 2 } else { 0 },
        };
        let room = bottom.saturating_sub(top + 3 + detail);
        self.draw_rows(page, top + 2, room, cx);
        if self.matched() == 0 {
            self.draw_empty(page, top + 4, tenant, cx);
        }
        let privacy = cx.options.privacy;
        if let Some(user) = self.user() {
            let name = self.people.cell(user, UserField::Text(TextField::DisplayName), privacy);
            page.rule(bottom - detail, &name);
            for (line, y) in self.strip(user, usize::from(detail) - 1, privacy).iter().zip(bottom - detail + 1..bottom)
            {
                page.line(y, line);
            }
        }
        if page.pane.is_some() {
            self.draw_pane(page, cx);
        }
        self.aim(cx);
    }

    fn filter(&self) -> String {
        self.filter.clone()
    }

    fn set_filter(&mut self, text: &str, cx: &Cx<'_>) -> Result<(), FilterError> {
        Filter::parse::<PersonRow<'_>>(text)?;
        text.clone_into(&mut self.filter);
        self.aim(cx);
        Ok(())
    }

    fn look(&self, _: &Cx<'_>) -> Option<Look> {
        self.want.clone().map(Look::Users)
    }

    fn seen(&mut self, seen: &Seen, cx: &Cx<'_>) {
        let Look::Users(look) = &seen.look else { return };
        if Some(look) != self.want.as_ref() {
            return;
        }
        self.answered = true;
        match &seen.found {
            Ok(Found::Users(found)) => {
                self.failed = None;
                self.people = People::of(found.clone());
                if let Some(at) = found.at {
                    self.list.found(at);
                }
                self.list.settle(self.matched());
                if self.list.wanted().is_none() {
                    self.list.follow(self.user().map(|user| user.id));
                }
            }
            Ok(
                Found::Away
                | Found::Audit(_)
                | Found::Chain(_)
                | Found::Counts { .. }
                | Found::Tries(_)
                | Found::Diff(_)
                | Found::LicenseHistory(_)
                | Found::Allocation(_),
            ) => {}
            Err(why) => {
                self.failed = Some(why.clone());
                self.people = People::default();
            }
        }
        self.aim(cx);
    }

    fn subjects(&self, _: &Cx<'_>) -> Vec<TenantKey> {
        vec![self.of.clone()]
    }

    fn product(&self, _: &Cx<'_>) -> Option<SkuId> {
        self.holding
    }

    fn copies(&self, cx: &Cx<'_>) -> Vec<CopyItem> {
        let Some(user) = self.user() else { return Vec::new() };
        let privacy = cx.options.privacy;
        let item = |letter, what, text| CopyItem { letter, what, text };
        let of = (self.holding, privacy);
        let row: Vec<String> =
            self.dress.fields.iter().map(|field| dress::cell(&self.people, user, *field, of)).collect();
        let file = if self.holding.is_some() { "holders.csv" } else { "users.csv" };
        let stream = match &cx.options.fetched_from {
            Some(from) => format!("ssh {from} {} > {file}", words::quoted(&self.command())),
            None => format!("{} > {file}", self.command()),
        };
        let all: Vec<String> = self.people.detail(user, &cx.fleet.catalog, privacy).iter().map(Line::text).collect();
        vec![
            item('i', "user id", user.id.to_string()),
            item('u', "sign-in name", self.people.cell(user, UserField::Text(TextField::UserPrincipalName), privacy)),
            item('r', "row", row.join("\t")),
            item('a', "all fields", all.join("\n")),
            item('c', "the command that writes all of these users to a file", stream),
        ]
    }

    fn sheet(&self, cx: &Cx<'_>) -> Option<Sheet> {
        if self.answered && self.matched() == 0 {
            return None;
        }
        let (look, privacy) = (self.want.clone()?, cx.options.privacy);
        let look = Exported::Users(look);
        let body = Body::Stream(Stream { key: self.of.clone(), look, command: self.command(), privacy });
        let name = if self.holding.is_some() { "holders" } else { "users" };
        Some(Sheet { name, instead: "q, then tenantop users --format csv", body })
    }
}

/// A line of the detail for the pane: what has no value is left out.
fn narrow(line: &Line) -> Option<String> {
    let [name, value] = line.0.as_slice() else { return None };
    let (name, value) = (name.text.trim_end(), value.text.trim());
    let part = name.trim_start();
    match (name, value) {
        (_, value) if value == "-" || value.starts_with("- (") => None,
        ("", value) => Some(format!("- {value}")),
        (name, value) if part.len() < name.len() => Some(format!("- {part}: {value}")),
        (name, value) => Some(format!("{name}: {value}")),
    }
}
