//! Why is this user here: rule by rule, with the values in quotes.

use jiff::Timestamp;

use super::is_other;
use crate::model::allocation::{
    Allocated, AllocationAsk, AllocationLook, AllocationOf, AllocationSeen, Draft, Month, Why,
};
use crate::model::{Found, Key as TenantKey, Look, Seen, Tenant, Text, UserId};
use crate::tui::export::{Body, Sheet};
use crate::tui::keys::{Binding, Key, Shown, bind, find, show};
use crate::tui::page::{Line, Page};
use crate::tui::screens::{CopyItem, Cx, Effect, Screen, ScreenId, words};
use crate::tui::theme::Meaning;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Down,
    Up,
    PageDown,
    PageUp,
    First,
    Last,
    Allocation,
}

#[rustfmt::skip]
const KEYS: &[Binding<Act>] = &[
    bind(&[Key::Down, Key::Char('j')], Act::Down, "down", "", "a line down"),
    bind(&[Key::Up, Key::Char('k')], Act::Up, "up", "", "a line up"),
    bind(&[Key::PageDown], Act::PageDown, "page-down", "page", "a page down"),
    bind(&[Key::PageUp], Act::PageUp, "page-up", "", "a page up"),
    bind(&[Key::Char('g'), Key::Home], Act::First, "first", "", "the start"),
    bind(&[Key::Char('G'), Key::End], Act::Last, "last", "", "the end"),
    bind(&[Key::Char('b')], Act::Allocation, "allocation", "units", "allocation: what licenses cost each business unit"),
];

/// Why a user is in his units.
#[derive(Debug)]
pub(crate) struct Reason {
    of: TenantKey,
    month: Month,
    user: UserId,
    want: Option<AllocationOf>,
    known: Option<Allocated>,
    round: u64,
    answered: bool,
    asked_at: Timestamp,
    told: Option<Result<Why, Text>>,
    top: usize,
    rows: usize,
}

impl Reason {
    /// Of a user.
    pub(crate) fn new(tenant: TenantKey, month: Month, user: UserId) -> Self {
        Self {
            of: tenant,
            month,
            user,
            want: None,
            known: None,
            round: 0,
            answered: false,
            asked_at: Timestamp::UNIX_EPOCH,
            told: None,
            top: 0,
            rows: 1,
        }
    }

    fn tenant<'a>(&self, cx: &'a Cx<'_>) -> Option<&'a Tenant> {
        cx.fleet.tenants.get(&self.of)
    }

    fn why(&self, cx: &Cx<'_>) -> Option<Why> {
        let mut why = self.told.as_ref()?.as_ref().ok()?.clone();
        if cx.options.privacy {
            why.mask();
        }
        Some(why)
    }

    fn lines(&self, cx: &Cx<'_>) -> Vec<Line> {
        let Some(why) = self.why(cx) else {
            return match &self.told {
                Some(Err(why)) => vec![format!("It cannot be told: {why}.").into()],
                Some(Ok(_)) | None => vec![cx.waiting(self.asked_at, "Looking rule by rule").into()],
            };
        };
        let mut lines = vec![Line::of(Meaning::Caption, format!("{}  {}", why.name, why.sign_in))];
        let units: Vec<String> = why.units.iter().map(|part| format!("{} {}%", part.unit, part.percent)).collect();
        lines.push(match (units.as_slice(), why.assigned) {
            ([], _) => Line::of(Meaning::Aging, "-> Untracked: no rule takes him"),
            (_, true) => format!("-> {}: a place of his own, which no rule alters", units.join(", ")).into(),
            (_, false) => format!("-> {}", units.join(", ")).into(),
        });
        for step in &why.steps {
            let (word, look) = match (step.takes, step.holds) {
                (true, _) => ("TAKES", Meaning::Key),
                (false, true) => ("holds", Meaning::Plain),
                (false, false) => ("no", Meaning::Quiet),
            };
            lines.push(Line::default());
            lines.push(Line::of(look, format!("R{:<3} {word:<6} {}", step.rule, step.says)));
            for condition in &step.conditions {
                let sign = if condition.holds { "+" } else { "-" };
                lines.push(format!("     {sign} {}: {}", condition.says, condition.value).into());
            }
        }
        lines
    }
}

impl Screen for Reason {
    fn id(&self) -> ScreenId {
        ScreenId::AllocationWhy(self.of.clone(), self.month, self.user)
    }

    fn path(&self, cx: &Cx<'_>) -> Vec<String> {
        let name = self.tenant(cx).map_or_else(|| self.of.to_string(), |tenant| tenant.title().to_owned());
        vec![name, "Allocation".to_owned(), "Why here".to_owned()]
    }

    fn keys(&self, _: &Cx<'_>) -> Vec<Shown> {
        show(KEYS, |_| None)
    }

    fn press(&mut self, key: Key, cx: &Cx<'_>) -> Option<Effect> {
        let page = self.rows.saturating_sub(1).max(1);
        let end = self.lines(cx).len().saturating_sub(1);
        self.top = match find(KEYS, key)? {
            Act::Down => (self.top + 1).min(end),
            Act::Up => self.top.saturating_sub(1),
            Act::PageDown => (self.top + page).min(end),
            Act::PageUp => self.top.saturating_sub(page),
            Act::First => 0,
            Act::Last => end,
            Act::Allocation => return Some(Effect::Open(ScreenId::Allocation(self.of.clone()))),
        };
        Some(Effect::Nothing)
    }

    fn changed(&mut self, cx: &Cx<'_>) {
        let want =
            self.tenant(cx).map(|tenant| AllocationOf::new(tenant, &cx.fleet.catalog, self.month, Month::of(cx.now)));
        let other = is_other(&mut self.known, cx.fleet.tenants.get(&self.of));
        if other {
            self.round += 1;
        }
        if other || want != self.want {
            self.want = want;
            (self.answered, self.asked_at) = (false, cx.now);
        }
    }

    fn look(&self, _: &Cx<'_>) -> Option<Look> {
        let of = self.want.clone()?;
        let ask = AllocationAsk::Why(self.user.to_string().into());
        let look = AllocationLook { of, draft: Draft::default(), ask, round: self.round };
        Some(Look::Allocation(Box::new(look)))
    }

    fn seen(&mut self, seen: &Seen, cx: &Cx<'_>) {
        if self.look(cx).as_ref() != Some(&seen.look) {
            return;
        }
        self.answered = true;
        match &seen.found {
            Ok(Found::Allocation(found)) => {
                if let AllocationSeen::Why(why) = &**found {
                    self.told = Some(Ok((**why).clone()));
                }
            }
            Ok(
                Found::Away
                | Found::Audit(_)
                | Found::Chain(_)
                | Found::Users(_)
                | Found::Counts { .. }
                | Found::Tries(_)
                | Found::Diff(_)
                | Found::LicenseHistory(_),
            ) => {}
            Err(why) => self.told = Some(Err(why.clone())),
        }
    }

    fn draw(&mut self, page: &mut Page<'_>, cx: &Cx<'_>) {
        let area = page.main;
        if self.tenant(cx).is_none() {
            page.line(area.y + 1, &"This tenant is not known here: no customer list holds it.".into());
            return;
        }
        let width = usize::from(area.width);
        let mut lines: Vec<Line> = Vec::new();
        for line in self.lines(cx) {
            let text = line.text();
            if unicode_width::UnicodeWidthStr::width(text.as_str()) <= width {
                lines.push(line);
            } else {
                lines.extend(words::wrap(&text, width).into_iter().map(Line::from));
            }
        }
        self.rows = usize::from(area.height).max(1);
        self.top = self.top.min(lines.len().saturating_sub(self.rows));
        for (line, y) in lines.iter().skip(self.top).zip(area.y..area.bottom()) {
            page.line(y, line);
        }
    }

    fn subjects(&self, _: &Cx<'_>) -> Vec<TenantKey> {
        vec![self.of.clone()]
    }

    fn copies(&self, cx: &Cx<'_>) -> Vec<CopyItem> {
        let all = self.lines(cx).iter().map(Line::text).collect::<Vec<_>>().join("\n");
        vec![
            CopyItem { letter: 'i', what: "id", text: self.user.to_string() },
            CopyItem { letter: 'a', what: "all of it", text: all },
        ]
    }

    fn sheet(&self, cx: &Cx<'_>) -> Option<Sheet> {
        let lines = self.lines(cx).iter().map(Line::text).collect();
        Some(Sheet { name: "why-here", instead: "q, then tenantop allocate --why USER", body: Body::Text(lines) })
    }
}
