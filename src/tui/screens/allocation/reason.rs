//! Why is this user here: rule by rule, with the values in quotes. And where would a draft put him?

use super::dress;
use super::eye::Eye;
use crate::model::allocation::{AllocationAsk, AllocationSeen, Month, Why, WhyStep};
use crate::model::{Key as TenantKey, Look, Seen, UserId};
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
    eye: Eye,
    month: Month,
    user: UserId,
    /// By the rules in force, and by those of a draft.
    told: Option<(Why, Option<Why>)>,
    top: usize,
    rows: usize,
    /// How many lines there are, as they were broken last.
    broken: usize,
}

impl Reason {
    /// Of a user.
    pub(crate) fn new(tenant: TenantKey, month: Month, user: UserId) -> Self {
        Self { eye: Eye::new(tenant), month, user, told: None, top: 0, rows: 1, broken: 0 }
    }

    /// What is known of him, and by the rules of which draft.
    fn whys(&self, cx: &Cx<'_>) -> Option<(Why, Option<Why>)> {
        let (mut why, mut then) = self.told.clone()?;
        if cx.options.privacy {
            why.mask();
            then.iter_mut().for_each(Why::mask);
        }
        Some((why, then))
    }

    /// All there is to say, with how far each line is set in where it is broken.
    fn lines(&self, cx: &Cx<'_>) -> Vec<(usize, Line)> {
        let Some((why, then)) = self.whys(cx) else {
            let said = match &self.eye.failed {
                Some(why) => format!("It cannot be told: {why}."),
                None => cx.waiting(self.eye.asked_at, "Looking rule by rule"),
            };
            return vec![(0, said.into())];
        };
        let mut lines = vec![(0, Line::of(Meaning::Caption, format!("{}  {}", why.name, why.sign_in)))];
        lines.push((3, is_in(&why)));
        if let Some(then) = &then {
            lines.push((3, would_be(&why, then)));
        }
        for step in &why.steps {
            lines.push((0, Line::default()));
            lines.extend(of_step(step));
        }
        let Some(then) = then.filter(|then| then.steps != why.steps) else { return lines };
        lines.push((0, Line::default()));
        lines.push((0, Line::of(Meaning::Caption, "BY THE RULES OF THE DRAFT")));
        for step in &then.steps {
            lines.push((0, Line::default()));
            lines.extend(of_step(step));
        }
        lines
    }
}

fn is_in(why: &Why) -> Line {
    match (why.units.is_empty(), why.assigned) {
        (true, _) => Line::of(Meaning::Aging, "-> Untracked: no rule takes him"),
        (false, true) => format!("-> {}: a place of his own, which no rule alters", dress::parts(&why.units)).into(),
        (false, false) => format!("-> {}", dress::parts(&why.units)).into(),
    }
}

/// Where a draft puts him.
fn would_be(why: &Why, then: &Why) -> Line {
    let by = then.steps.iter().find(|step| step.takes).map_or_else(String::new, |step| format!("R{} yes ", step.rule));
    if why.units == then.units {
        return format!("in the draft: {by}-> the same").into();
    }
    let units = if then.units.is_empty() { "Untracked".to_owned() } else { dress::parts(&then.units) };
    Line::of(Meaning::Key, format!("in the draft: {by}-> {units}"))
}

fn of_step(step: &WhyStep) -> Vec<(usize, Line)> {
    let (word, look) = match (step.takes, step.holds) {
        (true, _) => ("TAKES", Meaning::Key),
        (false, true) => ("holds", Meaning::Plain),
        (false, false) => ("no", Meaning::Quiet),
    };
    let mut lines = vec![(12, Line::of(look, format!("R{:<3} {word:<6} {}", step.rule, step.says)))];
    for condition in &step.conditions {
        let sign = if condition.holds { "+" } else { "-" };
        lines.push((7, format!("     {sign} {}: {}", condition.says, condition.value).into()));
    }
    lines
}

/// A line in a width: what is broken off is set in.
fn hanging(line: &Line, width: usize, indent: usize) -> Vec<Line> {
    let text = line.text();
    if unicode_width::UnicodeWidthStr::width(text.as_str()) <= width {
        return vec![line.clone()];
    }
    let body = text.trim_start();
    let lead = text.len() - body.len();
    let meaning = line.0.first().map_or(Meaning::Plain, |piece| piece.meaning);
    let wrapped = words::wrap(body, width.saturating_sub(indent.max(lead)));
    let set_in = |(n, part): (usize, String)| {
        Line::of(meaning, format!("{}{part}", " ".repeat(if n == 0 { lead } else { indent })))
    };
    wrapped.into_iter().enumerate().map(set_in).collect()
}

impl Screen for Reason {
    fn id(&self) -> ScreenId {
        ScreenId::AllocationWhy(self.eye.of.clone(), self.month, self.user)
    }

    fn path(&self, cx: &Cx<'_>) -> Vec<String> {
        let month = words::month(self.month);
        vec![self.eye.title(cx), "Allocation".to_owned(), month, "Why here".to_owned()]
    }

    fn keys(&self, _: &Cx<'_>) -> Vec<Shown> {
        show(KEYS, |_| None)
    }

    fn press(&mut self, key: Key, _: &Cx<'_>) -> Option<Effect> {
        let page = self.rows.saturating_sub(1).max(1);
        let end = self.broken.saturating_sub(self.rows);
        self.top = match find(KEYS, key)? {
            Act::Down => (self.top + 1).min(end),
            Act::Up => self.top.saturating_sub(1),
            Act::PageDown => (self.top + page).min(end),
            Act::PageUp => self.top.saturating_sub(page),
            Act::First => 0,
            Act::Last => end,
            Act::Allocation => return Some(Effect::Open(ScreenId::Allocation(self.eye.of.clone()))),
        };
        Some(Effect::Nothing)
    }

    fn changed(&mut self, cx: &Cx<'_>) {
        self.eye.changed(self.month, cx);
    }

    fn look(&self, cx: &Cx<'_>) -> Option<Look> {
        let ask = AllocationAsk::Why(self.user.to_string().into());
        Some(Look::Allocation(Box::new(self.eye.look(self.eye.draft(self.month, cx), ask)?)))
    }

    fn seen(&mut self, seen: &Seen, cx: &Cx<'_>) {
        let look = self.look(cx);
        match self.eye.hears(look.as_ref(), seen) {
            Some(Ok(AllocationSeen::Why { why, then })) => {
                self.told = Some(((**why).clone(), then.as_deref().cloned()));
            }
            Some(Err(_)) => self.told = None,
            Some(Ok(AllocationSeen::Sheet { .. } | AllocationSeen::Alone(_) | AllocationSeen::Users(_))) | None => {}
        }
    }

    fn draw(&mut self, page: &mut Page<'_>, cx: &Cx<'_>) {
        let area = page.main;
        if self.eye.tenant(cx).is_none() {
            page.line(area.y + 1, &"This tenant is not known here: no customer list holds it.".into());
            return;
        }
        let width = usize::from(area.width);
        let lines: Vec<Line> = self.lines(cx).iter().flat_map(|(indent, line)| hanging(line, width, *indent)).collect();
        self.rows = usize::from(area.height).max(1);
        self.broken = lines.len();
        self.top = self.top.min(self.broken.saturating_sub(self.rows));
        for (line, y) in lines.iter().skip(self.top).zip(area.y..area.bottom()) {
            page.line(y, line);
        }
    }

    fn subjects(&self, _: &Cx<'_>) -> Vec<TenantKey> {
        vec![self.eye.of.clone()]
    }

    fn copies(&self, cx: &Cx<'_>) -> Vec<CopyItem> {
        let all = self.lines(cx).iter().map(|(_, line)| line.text()).collect::<Vec<_>>().join("\n");
        vec![
            CopyItem { letter: 'i', what: "id", text: self.user.to_string() },
            CopyItem { letter: 'a', what: "all of it", text: all },
        ]
    }

    fn sheet(&self, cx: &Cx<'_>) -> Option<Sheet> {
        let lines = self.lines(cx).iter().map(|(_, line)| line.text()).collect();
        Some(Sheet { name: "why-here", instead: "q, then tenantop allocate --why USER", body: Body::Text(lines) })
    }
}
