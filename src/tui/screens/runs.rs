use ratatui::text::Line;

use super::footer;
use crate::model::{Run, RunId, RunKind, RunState};
use crate::tui::keys::{Bind, Key, bind, find};
use crate::tui::listing::Listing;
use crate::tui::view::{Effect, Look, Room, ScreenId, View};
use crate::tui::words::{bytes, count, day, fit, plural, right, span};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Open,
}

pub(super) const KEYS: &[Bind<Act>] = &[bind(Key::Enter, Act::Open, "open", "open the run")];

/// All import runs, newest first.
#[derive(Default)]
pub(in crate::tui) struct Runs {
    pub(super) list: Listing<RunId>,
}

impl Runs {
    pub(super) fn press(&mut self, key: Key) -> Effect {
        match find(KEYS, key) {
            Some(Act::Open) => self.list.current().map_or(Effect::Nothing, |run| Effect::Open(ScreenId::Run(*run))),
            None => Effect::Unbound,
        }
    }

    pub(super) fn follow(&mut self, look: Look<'_>) {
        // Runs are few and only ever grow at the top: the cursor stays on its run.
        self.list.set(look.fleet.runs.keys().rev().copied().collect());
    }

    pub(super) fn row_text(&self, look: Look<'_>) -> Option<String> {
        look.fleet.runs.get(self.list.current()?).map(|run| line(run, 200).trim_end().to_owned())
    }

    pub(super) fn view(&mut self, look: Look<'_>, room: Room) -> View {
        self.follow(look);
        let (ids, cursor) = self.list.window(room.rows);
        let mut rows: Vec<Line<'static>> =
            ids.iter().filter_map(|id| look.fleet.runs.get(id)).map(|run| Line::raw(line(run, room.width))).collect();
        if rows.is_empty() {
            rows.push(Line::raw("No run yet.   tenantop import --all, or r on a tenant"));
        }
        let current = self.list.current().and_then(|id| look.fleet.runs.get(id));
        let detail = current.map(|run| {
            vec![
                Line::raw(format!(
                    "{}, {} repeats, {} of waits, {}, {}",
                    plural(run.totals.requests, "request"),
                    count(run.totals.retries),
                    span(i64::try_from(run.totals.waits_ms / 1000).unwrap_or(i64::MAX)),
                    bytes(run.totals.bytes),
                    plural(run.totals.users, "user"),
                )),
                Line::raw(run.reason.as_ref().map_or_else(String::new, |reason| format!("reason \"{reason}\""))),
            ]
        });
        let going = look.fleet.running().count();
        View {
            path: "Runs".to_owned(),
            top: vec![
                Line::raw(format!("{}, {going} running", plural(look.fleet.runs.len() as u64, "run"))),
                Line::default(),
                Line::raw(format!("show: all, {} of {}   sort: newest", self.list.len(), self.list.len())),
            ],
            header: Some(Line::raw("     RUN KIND     STARTED          TIME STATE       TENANTS    OK  NOT BY")),
            rows,
            cursor,
            rule: current.map(|run| format!("run {}", run.id)).unwrap_or_default(),
            detail: detail.unwrap_or_default(),
            pane: Vec::new(),
            footer: footer(KEYS),
        }
    }
}

pub(super) fn kind(kind: RunKind) -> &'static str {
    match kind {
        RunKind::All => "all",
        RunKind::Failed => "failed",
        RunKind::Rerun => "re-run",
        RunKind::Sync => "list",
    }
}

pub(super) fn state(state: RunState) -> &'static str {
    match state {
        RunState::Running => "running",
        RunState::Done => "done",
        RunState::Cancelled => "cancelled",
        RunState::Interrupted => "interrupted",
        RunState::Refused => "refused",
    }
}

fn line(run: &Run, width: usize) -> String {
    let time = run.ended_at.map_or_else(String::new, |ended| span(ended.as_second() - run.started_at.as_second()));
    fit(
        &format!(
            "  {:>6} {:<8} {} {} {:<11} {:>7} {:>5} {:>4} {}",
            run.id,
            kind(run.kind),
            day(run.started_at),
            right(&time, 7),
            state(run.state),
            count(run.tenants),
            count(run.ok),
            count(run.failed),
            run.by
        ),
        width,
    )
}
