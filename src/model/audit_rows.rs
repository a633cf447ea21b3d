//! Rows of the audit as they are shown: by the command, and on the screen, which holds a window of them.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AuditRow, Filter, FilterError, Filterable, Key, TenantId, Term, Text};

/// A row as the command and an export write it.
#[derive(Debug, Serialize)]
pub struct AuditLine<'a> {
    /// Its place, counted from 1.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: &'a str,
    /// Who, to the kernel.
    pub uid: u32,
    /// In which role.
    pub role: &'static str,
    /// What, in a word.
    pub verb: &'a str,
    /// The tenants that it is about.
    pub tenant_ids: Vec<TenantId>,
    /// The name of the tenant, of what is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<&'a str>,
    /// What there is to know beside that.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub what: &'a str,
    /// Why, in the person's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    /// How it ended.
    pub outcome: &'static str,
    /// What was answered.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub said: &'a str,
    /// The run that came of it, or that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<u64>,
    /// The user id that signed in to the host, if another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_uid: Option<u32>,
    /// The fingerprint of the SSH key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<&'a str>,
    /// Where the SSH connection came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<&'a str>,
    /// SHA-256 over the hash before it and the row.
    pub hash: &'a str,
}

impl<'a> AuditLine<'a> {
    /// Titles of its columns, and the members that stand in them.
    pub const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("NUMBER", "number"),
        ("AT", "at"),
        ("WHO", "who"),
        ("ROLE", "role"),
        ("VERB", "verb"),
        ("OUTCOME", "outcome"),
        ("TENANT", "tenant"),
        ("WHAT", "what"),
        ("REASON", "reason"),
        ("RUN", "run_id"),
        ("SAID", "said"),
        ("UID", "uid"),
        ("LOGIN UID", "login_uid"),
        ("ADDRESS", "address"),
        ("KEY", "key"),
        ("HASH", "hash"),
        ("TENANT IDS", "tenant_ids"),
    ];

    /// A row; `title` knows what a tenant is called.
    pub fn of(row: &'a AuditRow, title: impl Fn(&Key) -> Option<&'a str>) -> Self {
        let AuditRow { number, hash, deed } = row;
        let tenant = match deed.tenants.as_slice() {
            [key] => title(key),
            [] | [..] => None,
        };
        Self {
            number: *number,
            at: deed.at,
            who: &deed.caller.name,
            uid: deed.caller.uid,
            role: deed.caller.role.word(),
            verb: &deed.verb,
            tenant_ids: deed.tenants.iter().map(|key| key.tenant).collect(),
            tenant,
            what: &deed.what,
            reason: deed.reason.as_deref(),
            outcome: deed.outcome.word(),
            said: &deed.said,
            run_id: deed.run.map(|run| run.0),
            login_uid: deed.caller.login_uid,
            key: deed.caller.key.as_deref(),
            address: deed.caller.address.as_deref(),
            hash,
        }
    }

    /// What stands in its columns.
    pub fn cells(&self) -> Vec<String> {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let ids: Vec<String> = self.tenant_ids.iter().map(ToString::to_string).collect();
        vec![
            self.number.to_string(),
            self.at.to_string(),
            self.who.to_owned(),
            self.role.to_owned(),
            self.verb.to_owned(),
            self.outcome.to_owned(),
            text(self.tenant),
            self.what.to_owned(),
            text(self.reason),
            self.run_id.map_or_else(String::new, |run| run.to_string()),
            self.said.to_owned(),
            self.uid.to_string(),
            self.login_uid.map_or_else(String::new, |uid| uid.to_string()),
            text(self.address),
            text(self.key),
            self.hash.to_owned(),
            ids.join(" "),
        ]
    }
}

impl Filterable for AuditLine<'_> {
    const FIELDS: &'static [&'static str] = &[
        "who", "role", "verb", "outcome", "tenant", "what", "reason", "run", "said", "at", "number", "uid", "address",
        "key",
    ];

    fn texts(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let texts = [
            Some(self.who),
            Some(self.verb),
            self.tenant,
            Some(self.what),
            self.reason,
            Some(self.said),
            self.address,
            self.key,
        ];
        texts.into_iter().flatten().map(Cow::Borrowed).chain(self.tenant_ids.iter().map(|id| id.to_string().into()))
    }

    fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        let some = |text: &'_ str| (!text.is_empty()).then(|| Cow::Owned(text.to_owned()));
        match name {
            "who" => Some(self.who.into()),
            "role" => Some(self.role.into()),
            "verb" => Some(self.verb.into()),
            "outcome" => Some(self.outcome.into()),
            "tenant" => self.tenant.map(Into::into),
            "what" => some(self.what),
            "reason" => self.reason.map(Into::into),
            "run" => self.run_id.map(|run| run.to_string().into()),
            "said" => some(self.said),
            "at" => Some(self.at.to_string().into()),
            "number" => Some(self.number.to_string().into()),
            "uid" => Some(self.uid.to_string().into()),
            "address" => self.address.map(Into::into),
            "key" => self.key.map(Into::into),
            _ => None,
        }
    }

    fn is_hit(&self, field: &str, term: &Term) -> bool {
        let ids = || self.tenant_ids.iter().any(|id| term.hits(Some(&id.to_string())));
        term.hits(self.field(field).as_deref()) || field == "tenant" && ids()
    }
}

/// What a screen or an export wants to see of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditLook {
    /// Only what is about this tenant; absent for all.
    pub tenant: Option<Key>,
    /// What of it.
    pub ask: AuditAsk,
    /// Counted up by the asker to ask again.
    pub round: u64,
}

/// What of the audit is to be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AuditAsk {
    /// Some rows.
    Rows(AuditRows),
    /// Whether all rows are those that were written, and none is missing.
    Chain {
        /// Counted up by the asker: a check of many rows is answered in parts.
        part: u64,
    },
}

/// A window on the rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditRows {
    /// The filter as typed, for rows of the audit.
    pub filter: String,
    /// Where it begins.
    pub from: AuditFrom,
    /// How many rows that pass, at most [`AuditRows::MOST`].
    pub count: u32,
}

/// Where a window begins, and which way it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AuditFrom {
    /// With the newest row that has a smaller number, to older ones.
    Before(u64),
    /// With the oldest row that has a larger number, to newer ones.
    After(u64),
}

impl AuditRows {
    /// The most rows of a window.
    pub const MOST: u32 = 1_024;
    /// Rows that are looked through for a window. Whoever wants more asks for what lies behind them.
    pub const LOOKED: u64 = 200_000;
    /// About so many bytes of rows that pass are of one window.
    pub const BYTES: usize = 4 << 20;
    /// Rows of the chain that are checked for an answer.
    pub const CHECKED: u64 = 500_000;
}

/// A window on the rows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AuditSeen {
    /// Rows that pass, the newest first.
    pub rows: Vec<AuditRow>,
    /// The number of the row that was looked at last; absent if there was none.
    pub reached: Option<u64>,
    /// Whether nothing lies behind that one.
    pub is_end: bool,
    /// The number of the newest row that there is.
    pub last: u64,
}

/// How far the chain holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// Rows that were checked and hold, from the first one on.
    pub rows: u64,
    /// The number of the newest row that there is.
    pub of: u64,
    /// The hash of the last one that holds, in hexadecimal; of no row, zeros.
    pub last: Text,
    /// When the first row was written.
    pub since: Option<Timestamp>,
    /// The first row that does not hold, and what is wrong with it.
    pub broken: Option<(u64, Text)>,
}

impl Chain {
    /// Whether nothing is left to be checked.
    pub fn is_over(&self) -> bool {
        self.broken.is_some() || self.rows >= self.of
    }
}

/// Gathers the rows of a window, in the order in which they come.
pub struct AuditGather<'a> {
    tenant: Option<&'a Key>,
    filter: Filter,
    newer: bool,
    most: usize,
    looked: u64,
    bytes: usize,
    seen: AuditSeen,
}

impl<'a> AuditGather<'a> {
    /// A window for somebody who wants it, of which nothing was looked at.
    pub fn new(tenant: Option<&'a Key>, wanted: &AuditRows, last: u64) -> Result<Self, FilterError> {
        Ok(Self {
            tenant,
            filter: Filter::parse::<AuditLine<'_>>(&wanted.filter)?,
            newer: matches!(wanted.from, AuditFrom::After(_)),
            most: wanted.count.min(AuditRows::MOST) as usize,
            looked: 0,
            bytes: 0,
            seen: AuditSeen { is_end: true, last, ..AuditSeen::default() },
        })
    }

    /// Whether the window is full, in rows or in bytes, or enough was looked through: what lies behind is left for the
    /// next one.
    pub fn is_full(&mut self) -> bool {
        let has_room = self.seen.rows.len() < self.most && self.bytes < AuditRows::BYTES;
        let full = !has_room || self.looked >= AuditRows::LOOKED;
        self.seen.is_end = !full;
        full
    }

    /// Takes the next row; `title` knows what a tenant is called.
    pub fn take<'t>(&mut self, row: AuditRow, title: impl Fn(&Key) -> Option<&'t str>) {
        self.looked += 1;
        self.seen.reached = Some(row.number);
        let about = self.tenant.is_none_or(|key| row.deed.is_about(key));
        if about && (self.filter.is_empty() || self.filter.matches(&AuditLine::of(&row, |key| title(key)))) {
            self.bytes += row.size();
            self.seen.rows.push(row);
        }
    }

    /// The window.
    pub fn seen(mut self) -> AuditSeen {
        if self.newer {
            self.seen.rows.reverse();
        }
        self.seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Caller, Deed, Outcome, Role, RunId};

    fn row(number: u64) -> AuditRow {
        let caller = Caller { name: "jdoe".into(), role: Role::Operate, uid: 1_001, ..Caller::default() };
        let at = Timestamp::from_second(1_763_000_000).unwrap();
        let tenant = Key { partner: "emea".into(), tenant: TenantId::new(uuid::Uuid::from_u128(7)) };
        let deed = Deed { run: Some(RunId(23)), tenants: vec![tenant], ..Deed::plain(at, caller, "import", "") };
        AuditRow { number, hash: "00".repeat(32), deed: Deed { outcome: Outcome::Refused, ..deed } }
    }

    fn hits(filter: &str) -> bool {
        let row = row(12);
        Filter::parse::<AuditLine<'_>>(filter).unwrap().matches(&AuditLine::of(&row, |_| Some("Contoso Rail AG")))
    }

    #[test]
    fn a_row_is_found_by_what_is_seen_of_it() {
        for filter in [
            "jdoe",
            "rail",
            "who:jd",
            "verb:import",
            "outcome:refused",
            "tenant:contoso",
            "tenant:00000000-0000-0000-0000-000000000007",
            "000000000007",
            "run:=23",
            "at:2025-11-13",
            "number:12",
            "uid:1001",
            "role:operate",
            "reason:none",
            "what:none",
            "!mlee",
        ] {
            assert!(hits(filter), "{filter}");
        }
        for filter in ["mlee", "run:2318", "outcome:done", "tenant:none", "!who:jdoe"] {
            assert!(!hits(filter), "{filter}");
        }
        assert!(Filter::parse::<AuditLine<'_>>("state:x").is_err());
    }

    #[test]
    fn each_column_has_its_cell_as_the_object_has_it() {
        let row = row(12);
        let line = AuditLine::of(&row, |_| Some("Contoso Rail AG"));
        let cells = line.cells();
        assert_eq!(cells.len(), AuditLine::COLUMNS.len());
        let object = serde_json::to_value(&line).unwrap();
        for ((_, member), cell) in AuditLine::COLUMNS.iter().zip(cells) {
            let told = match object.get(*member) {
                None => String::new(),
                Some(serde_json::Value::String(text)) => text.clone(),
                Some(serde_json::Value::Array(list)) => {
                    list.iter().map(|one| one.as_str().unwrap()).collect::<Vec<_>>().join(" ")
                }
                Some(other) => other.to_string(),
            };
            assert_eq!(cell, told, "{member}");
        }
    }

    #[test]
    fn a_window_is_bounded_and_says_where_it_stopped() {
        let gather = |from, count, rows: &mut dyn Iterator<Item = u64>| {
            let wanted = AuditRows { filter: "jdoe".to_owned(), from, count };
            let mut gather = AuditGather::new(None, &wanted, 9).unwrap();
            for number in rows {
                if gather.is_full() {
                    break;
                }
                gather.take(row(number), |_| None);
            }
            let seen = gather.seen();
            (seen.rows.iter().map(|row| row.number).collect::<Vec<_>>(), seen.reached, seen.is_end)
        };
        assert_eq!(gather(AuditFrom::Before(9), 3, &mut (1..=8).rev()), (vec![8, 7, 6], Some(6), false));
        assert_eq!(gather(AuditFrom::Before(3), 3, &mut (1..=2).rev()), (vec![2, 1], Some(1), true));
        assert_eq!(gather(AuditFrom::After(0), 2, &mut (1..=9)), (vec![2, 1], Some(2), false), "the newest first");
        assert_eq!(gather(AuditFrom::After(9), 2, &mut (10..10)), (vec![], None, true));
    }

    #[test]
    fn a_window_of_large_rows_ends_before_it_is_full() {
        let wanted = AuditRows { filter: String::new(), from: AuditFrom::Before(9), count: AuditRows::MOST };
        let large = |number| {
            let mut row = row(number);
            row.deed.tenants = vec![row.deed.tenants[0].clone(); Deed::TENANTS];
            for key in &mut row.deed.tenants {
                key.partner = "p".repeat(10_000).as_str().into();
            }
            row
        };
        let size = serde_json::to_vec(&large(8)).unwrap().len();
        assert!(large(8).size().abs_diff(size) < size / 4, "{} is not about {size}", large(8).size());
        let mut gather = AuditGather::new(None, &wanted, 9).unwrap();
        for number in (1..=8).rev() {
            if gather.is_full() {
                break;
            }
            gather.take(large(number), |_| None);
        }
        let seen = gather.seen();
        let numbers: Vec<u64> = seen.rows.iter().map(|row| row.number).collect();
        assert_eq!((numbers, seen.reached, seen.is_end), (vec![8, 7, 6], Some(6), false));
        assert!(row(8).size() > serde_json::to_vec(&row(8)).unwrap().len(), "a small one is not taken for smaller");
    }
}
