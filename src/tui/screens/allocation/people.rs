//! Users of a business unit: who bears what there, and whom a draft moves? Of up to 500,000 rows only a window is here.

use rust_decimal::Decimal;

use super::dress;
use super::eye::Eye;
use crate::model::allocation::{
    AllocationAsk, AllocationSeen, Month, MonthState, Moved, PartLine, Percent, ShareField, ShareRow, SharesLook,
    SharesRow, SharesSeen, UnitPath, UserShareLine, cells,
};
use crate::model::{Exported, Filter, FilterError, Key as TenantKey, Look, Seen, Text, UserId, mask};
use crate::tui::export::{Body, Sheet, Stream};
use crate::tui::keys::{Binding, Key, Shown, bind, find, show};
use crate::tui::listing::{Column, Fit, KEYS as LIST_KEYS, Layout, Listing, Move, column};
use crate::tui::page::{Line, Page, Piece};
use crate::tui::screens::{CopyItem, Cx, Effect, Screen, ScreenId, words};
use crate::tui::theme::Meaning;
use crate::tui::windowed::{self, Windowed};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Open,
    Why,
    Users,
}

#[rustfmt::skip]
const KEYS: &[Binding<Act>] = &[
    bind(&[Key::Enter], Act::Open, "open", "why here", "why the user is in this unit, rule by rule; never a yes"),
    bind(&[Key::Char('e')], Act::Why, "why", "", "explain: why the user is in this unit, rule by rule"),
    bind(&[Key::Char('U')], Act::Users, "users", "all users", "users of the tenant"),
];

const DRAFT: usize = 3;

const COLUMNS: [Column; 6] = [
    column("NAME", 20, false),
    column("SEATS", 5, true),
    column("AMOUNT", 12, true),
    column("DRAFT", 24, false),
    column("SIGN-IN NAME", 32, false),
    column("RULE", 5, false),
];

/// What each column is sorted by.
const FIELDS: [ShareField; 6] =
    [ShareField::Name, ShareField::Seats, ShareField::Amount, ShareField::Draft, ShareField::SignIn, ShareField::Rule];

static ALL_COLUMNS: [Column; 6] = COLUMNS;
static WITH_DRAFT: Layout = Layout { columns: &ALL_COLUMNS, grow: DRAFT, fits: &[Fit::Drop(5), Fit::Drop(4)] };

/// The same without a draft.
static PLAIN_COLUMNS: [Column; 5] = [COLUMNS[0], COLUMNS[1], COLUMNS[2], COLUMNS[4], COLUMNS[5]];
static PLAIN: Layout =
    Layout { columns: &PLAIN_COLUMNS, grow: 0, fits: &[Fit::Narrow(3, 26), Fit::Drop(4), Fit::Narrow(3, 18)] };

/// Who bears what in a unit, in a month.
#[derive(Debug)]
pub(crate) struct People {
    eye: Eye,
    month: Month,
    /// Which unit; untracked ones if absent.
    unit: Option<UnitPath>,
    list: Windowed<UserId>,
    filter: String,
    sort: Option<ShareField>,
    reverse: bool,
    want: Option<SharesLook>,
    /// What was answered last, and why it failed if it did.
    answered: Option<(Look, Option<Text>)>,
    /// What was seen, and the same where people are masked.
    seen: Option<Box<[SharesSeen; 2]>>,
}

impl People {
    /// Of a unit.
    pub(crate) fn new(tenant: TenantKey, month: Month, unit: Option<UnitPath>) -> Self {
        Self {
            eye: Eye::new(tenant),
            month,
            unit,
            list: Windowed::new(),
            filter: String::new(),
            sort: None,
            reverse: false,
            want: None,
            answered: None,
            seen: None,
        }
    }

    /// What was seen, as it may be shown.
    fn window(&self, privacy: bool) -> Option<&SharesSeen> {
        let [plain, masked] = self.seen.as_deref()?;
        Some(if privacy { masked } else { plain })
    }

    fn matched(&self) -> u64 {
        self.window(false).map_or(0, |seen| seen.matched)
    }

    fn row_at(&self, n: u64, privacy: bool) -> Option<&SharesRow> {
        let seen = self.window(privacy)?;
        seen.rows.get(usize::try_from(n.checked_sub(seen.from)?).ok()?)
    }

    fn row(&self, privacy: bool) -> Option<&SharesRow> {
        self.row_at(self.list.at(), privacy)
    }

    fn user(&self) -> Option<UserId> {
        self.row(false).map(|row| row.share.user)
    }

    /// What the unit is called.
    fn title(&self, privacy: bool) -> String {
        let Some(unit) = &self.unit else { return "Untracked".to_owned() };
        match self.window(privacy).and_then(|seen| seen.sheet.rows.first()) {
            Some(row) => row.unit.to_string(),
            None if privacy => mask(&unit.to_string()),
            None => unit.to_string(),
        }
    }

    /// Whether there is a draft of rules that moves users.
    fn is_drafted(&self, cx: &Cx<'_>) -> bool {
        self.eye.draft(self.month, cx).rules.is_some()
    }

    /// Those whom a draft moves come first, else they stand by name.
    fn sorted(&self, cx: &Cx<'_>) -> ShareField {
        self.sort.unwrap_or(if self.is_drafted(cx) { ShareField::Draft } else { ShareField::Name })
    }

    /// Makes up its mind what window it wants: another one where order or filter changed, around the user under the cursor;
    /// or where the rows on the screen are not in the present one.
    fn aim(&mut self, cx: &Cx<'_>) {
        self.choose(cx);
        if self.eye.answered {
            return;
        }
        // Keys may lead back to what was answered last: nobody asks for that again.
        let look = self.look(cx);
        if let Some((_, failed)) = self.answered.as_ref().filter(|(known, _)| Some(known) == look.as_ref()) {
            (self.eye.answered, self.eye.failed) = (true, failed.clone());
        }
    }

    fn choose(&mut self, cx: &Cx<'_>) {
        let (from, count) = self.list.window(SharesLook::MOST);
        let look = SharesLook {
            unit: self.unit.clone(),
            filter: self.filter.clone(),
            sort: Some(self.sorted(cx)),
            reverse: self.reverse,
            from,
            count,
            at: self.list.wanted().copied(),
        };
        let same =
            |want: &SharesLook| SharesLook { from: want.from, count: want.count, at: want.at, ..look.clone() } == *want;
        if !self.want.as_ref().is_some_and(same) {
            self.want = Some(look);
            self.eye.wait(cx);
            return;
        }
        let Some(seen) = self.window(false) else { return };
        let misses = self.list.misses((seen.from, seen.rows.len()), seen.matched, SharesLook::MOST);
        let look = Some(SharesLook { at: None, ..look });
        if self.eye.answered && misses && look != self.want {
            self.want = look;
            self.eye.wait(cx);
        }
    }

    fn cells(&self, row: &SharesRow, seen: &SharesSeen) -> Vec<Piece> {
        let piece = |text: String| Piece { text, meaning: Meaning::Plain };
        let here: Vec<&PartLine> = row.share.lines.iter().filter(|line| self.is_here(seen, line.unit)).collect();
        let rule = match (row.share.rule, row.share.assigned) {
            (Some(rule), _) => format!("R{rule}"),
            (None, true) => "own".to_owned(),
            (None, false) => "none".to_owned(),
        };
        let open = |line: &&&PartLine| is_open(seen, line);
        let (known, unknown) = (here.iter().any(|line| !open(&line)), here.iter().any(|line| open(&line)));
        let coins = here.iter().map(|line| line.coins).sum();
        let amount = seen.sheet.currency.map_or(Decimal::ZERO, |currency| currency.amount(coins));
        let (amount, looks) = match row.moved {
            Moved::Comes => ("-".to_owned(), Meaning::Plain),
            Moved::Stays | Moved::Leaves | Moved::Within => (
                dress::known(&seen.sheet, amount, (known, unknown)),
                if unknown { Meaning::Aging } else { Meaning::Plain },
            ),
        };
        let draft = match row.moved {
            Moved::Stays => String::new(),
            Moved::Comes => "comes".to_owned(),
            Moved::Leaves | Moved::Within => format!("-> {}", dress::goes(row.then.as_ref())),
        };
        vec![
            piece(row.share.name.to_string()),
            piece(words::count(here.len() as u64)),
            Piece { text: amount, meaning: looks },
            Piece { text: draft, meaning: Meaning::Key },
            piece(row.share.sign_in.to_string()),
            piece(rule),
        ]
    }

    /// Whether a line is of this unit.
    fn is_here(&self, seen: &SharesSeen, unit: usize) -> bool {
        is_here(seen, self.unit.as_ref().and(seen.sheet.rows.first().map(|row| &row.unit)), unit)
    }

    /// What a user holds, and what of it is borne where; what a draft makes of him comes first.
    fn detail(row: &SharesRow, seen: &SharesSeen) -> Vec<Line> {
        let sheet = &seen.sheet;
        let line = |line: &PartLine| {
            let product = sheet.products.get(line.product);
            let name = product.map_or("", |product| product.name.as_str());
            let unit = seen.units.get(line.unit).map_or_else(|| "Untracked".to_owned(), ToString::to_string);
            let amount = sheet.currency.map_or(Decimal::ZERO, |currency| currency.amount(line.coins));
            let percent = Percent::of_millionths(line.millionths);
            let share = if percent == Percent::WHOLE { String::new() } else { format!(" ({percent}%)") };
            let open = product.map(|product| product.state).filter(|state| state.is_open());
            let amount = open.map_or_else(|| dress::grouped(sheet, amount), |state| state.name().to_owned());
            Line::from(format!("{amount:>12}  {name}{share}: {unit}"))
        };
        let then = row.then.as_ref().map(|then| {
            let by = then.rule.map_or_else(String::new, |rule| format!("R{rule} "));
            Line::of(Meaning::Key, format!("in the draft: {by}-> {}", dress::goes(Some(then))))
        });
        then.into_iter().chain(row.share.lines.iter().map(line)).collect()
    }

    fn act(&mut self, act: Act) -> Effect {
        match (act, self.user()) {
            (Act::Open | Act::Why, Some(user)) => {
                Effect::Open(ScreenId::AllocationWhy(self.eye.of.clone(), self.month, user))
            }
            (Act::Open | Act::Why, None) => Effect::Say("no user is under the cursor".to_owned()),
            (Act::Users, _) => Effect::Open(ScreenId::Users(self.eye.of.clone())),
        }
    }

    fn go(&mut self, act: Move, key: Key, cx: &Cx<'_>) {
        let layout = if self.is_drafted(cx) { &WITH_DRAFT } else { &PLAIN };
        // Without a draft there is no column of one.
        let place = |i: usize| if layout.columns.len() < COLUMNS.len() && i >= DRAFT { i + 1 } else { i };
        let field = self.list.column(key).and_then(|i| FIELDS.get(place(i))).copied();
        windowed::arrange(act, field, (&mut self.sort, &mut self.reverse), &mut self.filter);
        if self.list.go(act, self.matched(), layout) {
            self.list.follow(self.user());
        }
    }

    fn draw_state(&self, page: &mut Page<'_>, y: u16, cx: &Cx<'_>) {
        let seen = self.window(false);
        let (total, comes) = seen.map_or((0, 0), |seen| (seen.total, seen.moved.0));
        let matched = words::count(self.matched());
        let mut text = format!("show: users, {matched} of {}", words::count(total + comes));
        if !self.filter.is_empty() {
            text = format!("{text}  filter /{}", self.filter);
        }
        if !self.eye.answered {
            text = format!("{text}  {}", cx.waiting(self.eye.asked_at, "reckoning"));
        }
        page.line(y, &text.as_str().into());
        let sort = FIELDS.iter().position(|field| *field == self.sorted(cx)).and_then(|i| COLUMNS.get(i));
        let sort = sort.map_or_else(String::new, |column| column.title.to_lowercase());
        let reversed = if self.reverse { ", reversed" } else { "" };
        let taken = unicode_width::UnicodeWidthStr::width(text.as_str());
        page.right(y, taken, &format!("sort: {sort}{reversed}"), Meaning::Plain);
    }

    fn draw_empty(&self, page: &mut Page<'_>, y: u16, cx: &Cx<'_>) {
        let (said, key) = match (&self.eye.failed, self.eye.answered) {
            (Some(why), _) => (format!("The users cannot be shown: {why}."), cx.hint("fresh", "tries again")),
            (None, false) => (cx.waiting(self.eye.asked_at, "Reckoning"), String::new()),
            (None, true) if self.filter.is_empty() => ("Nobody is there.".to_owned(), String::new()),
            (None, true) => (format!("No user matches \"{}\".", self.filter), cx.hint("clear", "clears it")),
        };
        Listing::<u64>::draw_empty(page, y, &said, &key);
    }

    /// How many users there are, what they bear, and whom a draft moves.
    fn answer(&self, privacy: bool) -> Line {
        let title = self.title(privacy);
        let Some(seen) = self.window(privacy) else { return title.into() };
        let row = seen.sheet.rows.first();
        let amount = row.map_or(seen.sheet.untracked, |row| row.amount);
        let least = if row.is_some_and(|row| !row.open_seats.is_zero()) { "at least " } else { "" };
        let users = words::of(seen.total, "user");
        let line = Line::from(format!("{title}: {users}, {least}{}", dress::money(&seen.sheet, amount)));
        match seen.moved {
            (0, 0) => line,
            (comes, leaves) => {
                let (comes, leaves) = (words::count(comes), words::count(leaves));
                line.and(Meaning::Key, format!("   in the draft {comes} come, {leaves} leave"))
            }
        }
    }

    /// The command that writes the same rows.
    fn command(&self) -> String {
        format!("tenantop allocate {} --month {} --users --format csv", self.eye.of.tenant, self.month)
    }
}

fn is_open(seen: &SharesSeen, line: &PartLine) -> bool {
    seen.sheet.products.get(line.product).is_some_and(|product| product.state.is_open())
}

/// Whether a place is that of a unit, or of a part of it; of no unit, of untracked.
fn is_here(seen: &SharesSeen, unit: Option<&UnitPath>, place: usize) -> bool {
    match (unit, seen.units.get(place)) {
        (Some(unit), Some(of)) => of.is_in(unit),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Titles of the file: those of the command.
pub(crate) fn titles() -> Vec<&'static str> {
    UserShareLine::COLUMNS.iter().map(|(_, member)| *member).collect()
}

/// The rows of a window for a file: what each user bears here, product by product, as the command writes it. Whom a draft
/// brings bears nothing here yet.
pub(crate) fn rows(seen: &SharesSeen, unit: Option<&UnitPath>, privacy: bool) -> Vec<Vec<String>> {
    let mut shown = seen.clone();
    if privacy {
        shown.mask();
    }
    let state = if seen.closed { MonthState::Closed } else { MonthState::Open };
    let row = |(row, is): (&SharesRow, &SharesRow)| -> Vec<Vec<String>> {
        let here = row.share.lines.iter().zip(&is.share.lines).filter(|(_, is)| is_here(seen, unit, is.unit));
        let line = |(line, _): (&PartLine, &PartLine)| {
            cells(&UserShareLine::of(&shown.sheet, &shown.units, &row.share, line, state), UserShareLine::COLUMNS)
        };
        here.map(line).collect()
    };
    shown.rows.iter().zip(&seen.rows).flat_map(row).collect()
}

impl Screen for People {
    fn id(&self) -> ScreenId {
        ScreenId::AllocationUsers(self.eye.of.clone(), self.month, self.unit.clone())
    }

    fn path(&self, cx: &Cx<'_>) -> Vec<String> {
        let month = words::month(self.month);
        vec![self.eye.title(cx), "Allocation".to_owned(), month, self.title(cx.options.privacy)]
    }

    fn keys(&self, _: &Cx<'_>) -> Vec<Shown> {
        let mut keys = show(KEYS, |act| {
            let needs = matches!(act, Act::Open | Act::Why) && self.user().is_none();
            needs.then(|| "no user is under the cursor".to_owned())
        });
        keys.extend(show(LIST_KEYS, |act| {
            let many = matches!(act, Move::Mark | Move::MarkAll);
            many.then(|| "nothing here is done to many at once".to_owned())
        }));
        keys
    }

    fn press(&mut self, key: Key, cx: &Cx<'_>) -> Option<Effect> {
        if let Some(act) = find(KEYS, key) {
            return Some(self.act(act));
        }
        let act = find(LIST_KEYS, key)?;
        match act {
            Move::Filter => return Some(Effect::Filter),
            Move::Mark | Move::MarkAll => {
                return Some(Effect::Say("nothing here is done to many at once".to_owned()));
            }
            Move::Fresh => self.eye.again(cx),
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
            | Move::Clear => {
                self.go(act, key, cx);
                self.aim(cx);
            }
        }
        Some(Effect::Nothing)
    }

    fn click(&mut self, row: u16, _: &Cx<'_>) {
        if self.list.click(row, self.matched()) {
            self.list.follow(self.user());
        }
    }

    fn changed(&mut self, cx: &Cx<'_>) {
        self.eye.changed(self.month, cx);
        self.aim(cx);
    }

    fn look(&self, cx: &Cx<'_>) -> Option<Look> {
        let ask = AllocationAsk::Users(self.want.clone()?);
        Some(Look::Allocation(Box::new(self.eye.look(self.eye.draft(self.month, cx), ask)?)))
    }

    fn seen(&mut self, seen: &Seen, cx: &Cx<'_>) {
        let look = self.look(cx);
        match self.eye.hears(look.as_ref(), seen) {
            Some(Ok(AllocationSeen::Users(found))) => {
                let mut masked = (**found).clone();
                masked.mask();
                self.seen = Some(Box::new([(**found).clone(), masked]));
                if let Some(at) = found.at {
                    self.list.found(at);
                }
                self.list.settle(found.matched);
                if self.list.wanted().is_none() {
                    self.list.follow(self.user());
                }
            }
            Some(Err(_)) => self.seen = None,
            Some(Ok(AllocationSeen::Sheet { .. } | AllocationSeen::Alone(_) | AllocationSeen::Why { .. })) | None => {
                return;
            }
        }
        self.answered = look.map(|look| (look, self.eye.failed.clone()));
        self.aim(cx);
    }

    fn draw(&mut self, page: &mut Page<'_>, cx: &Cx<'_>) {
        let (top, bottom) = (page.main.y, page.main.bottom());
        let privacy = cx.options.privacy;
        if self.eye.tenant(cx).is_none() {
            page.line(top + 1, &"This tenant is not known here: no customer list holds it.".into());
            return;
        }
        page.line(top, &self.answer(privacy));
        self.draw_state(page, top + 1, cx);
        let detail = if page.main.height < 18 { 2 } else { 4 };
        let rows = bottom.saturating_sub(top + 3 + detail);
        let layout = if self.is_drafted(cx) { &WITH_DRAFT } else { &PLAIN };
        let mut list = std::mem::replace(&mut self.list, Windowed::new());
        let drafted = self.is_drafted(cx);
        list.draw(page, layout, (top + 2, rows), self.matched(), |n, _| {
            let mut cells = self.cells(self.row_at(n, privacy)?, self.window(privacy)?);
            if !drafted {
                cells.remove(DRAFT);
            }
            Some(cells)
        });
        self.list = list;
        if self.matched() == 0 {
            self.draw_empty(page, top + 4, cx);
        }
        let strip = bottom - detail;
        if let Some((row, seen)) = self.row(privacy).zip(self.window(privacy)) {
            page.rule(strip, &format!("{}  {}", row.share.name, row.share.sign_in));
            let lines = Self::detail(row, seen);
            for (line, y) in lines.iter().zip(strip + 1..bottom) {
                page.line(y, line);
            }
            if page.pane.is_some() {
                let mut all = vec![
                    Line::of(Meaning::Caption, row.share.name.as_str()),
                    row.share.sign_in.as_str().into(),
                    Line::default(),
                ];
                let wide = |line: &Line| words::wrap(&line.text(), 39).into_iter().map(Line::from).collect::<Vec<_>>();
                all.extend(lines.iter().flat_map(wide));
                page.fill_pane(&all);
            }
        } else {
            page.rule(strip, "");
        }
        self.aim(cx);
    }

    fn filter(&self) -> String {
        self.filter.clone()
    }

    fn set_filter(&mut self, text: &str, cx: &Cx<'_>) -> Result<(), FilterError> {
        Filter::parse::<ShareRow<'_>>(text)?;
        text.clone_into(&mut self.filter);
        self.aim(cx);
        Ok(())
    }

    fn subjects(&self, _: &Cx<'_>) -> Vec<TenantKey> {
        vec![self.eye.of.clone()]
    }

    fn copies(&self, cx: &Cx<'_>) -> Vec<CopyItem> {
        let privacy = cx.options.privacy;
        let Some((row, seen)) = self.row(privacy).zip(self.window(privacy)) else { return Vec::new() };
        let item = |letter, what, text| CopyItem { letter, what, text };
        let line =
            |row: &SharesRow| self.cells(row, seen).into_iter().map(|cell| cell.text).collect::<Vec<_>>().join("\t");
        vec![
            item('i', "user id", row.share.user.to_string()),
            item('u', "sign-in name", row.share.sign_in.to_string()),
            item('r', "row", line(row)),
            item('c', "the command that writes the users of all units to a file", self.command()),
        ]
    }

    fn sheet(&self, cx: &Cx<'_>) -> Option<Sheet> {
        if self.eye.answered && self.matched() == 0 {
            return None;
        }
        let Some(Look::Allocation(look)) = self.look(cx) else { return None };
        let (key, privacy) = (self.eye.of.clone(), cx.options.privacy);
        let stream = Stream { key, look: Exported::Shares(look), command: self.command(), privacy };
        let instead = "q, then tenantop allocate --users --format csv";
        Some(Sheet { name: "allocation-users", instead, body: Body::Stream(stream) })
    }
}
