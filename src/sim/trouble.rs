//! What goes wrong in the made-up cloud: where, when, how often and how.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::Deserialize;

/// A call of which something can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// A token request for the tenant.
    Token,
    /// A page of users.
    Users,
    /// The subscribed SKUs.
    Skus,
    /// A page of the partner's customers.
    Customers,
    /// A page of the partner's GDAP relationships.
    Relations,
    /// The subscriptions of a customer at Partner Center.
    Sold,
    /// The customer's own list of commerce subscriptions.
    Commerce,
    /// A sign-in with a browser.
    Authorize,
    /// A request for a device code.
    DeviceCode,
}

impl Step {
    /// As scenario files and counters name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Users => "users",
            Self::Skus => "skus",
            Self::Customers => "customers",
            Self::Relations => "relations",
            Self::Sold => "sold",
            Self::Commerce => "commerce",
            Self::Authorize => "authorize",
            Self::DeviceCode => "device_code",
        }
    }
}

/// Whom a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Audience {
    /// Microsoft Graph.
    Graph,
    /// Partner Center.
    PartnerCenter,
}

/// A misbehaviour that is more than a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// The connection ends before a byte of an answer.
    Close,
    /// The connection ends in the middle of the body of a 200.
    Cut,
    /// A body without end.
    Endless,
    /// A small gzipped body that grows to gigabytes.
    GzipBomb,
    /// JSON nested a hundred thousand deep.
    Deep,
    /// A page of HTML (502 unless a status is given).
    Html,
    /// No body (503 unless a status is given).
    Empty,
    /// A byte order mark before the body, where the service sends none.
    Bom,
    /// 302 to another server.
    Redirect,
    /// A 200 cut in the middle, with an error object put behind.
    ErrorAppended,
    /// The right body called `text/plain`.
    ContentType,
    /// The next link leads to another server.
    NextElsewhere,
    /// The next link is the one of this page.
    NextAgain,
    /// The first of this page is the last of the page before, and comes twice.
    Twice,
    /// Nothing on this page, and a next link.
    EmptyPage,
    /// Half of what the page could hold, and a next link.
    ShortPage,
    /// Nobody shows a license, though units are consumed.
    NoLicenses,
    /// Only `users` users are there.
    Shrunk,
    /// No SKU.
    NoSkus,
    /// The token in the next link has expired.
    ExpiredPageToken,
    /// The access token dies here.
    TokenExpires,
    /// The access token is refused here, though it is good.
    RefuseToken,
}

/// In what the other server of [`Kind::NextElsewhere`] differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Elsewhere {
    /// Host and port.
    Host,
    /// The port.
    Port,
    /// `https` instead of `http`.
    Scheme,
}

/// An error code: a number of Entra and Partner Center, a word of Graph.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Code {
    Number(u32),
    Word(String),
}

/// The form of `Retry-After`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub(crate) enum RetryAfter {
    /// Whole seconds.
    Whole(u64),
    /// Decimal seconds.
    Decimal(f64),
    /// `date 20`: an HTTP date so many seconds from now. Any other text is sent as it stands.
    Text(String),
}

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trouble {
    pub(crate) step: Step,
    /// Only this page, counted from 1 anew for each reading.
    pub(crate) page: Option<u32>,
    /// First and last night.
    pub(crate) nights: Option<[u32; 2]>,
    /// Only the first so many calls of a night.
    pub(crate) times: Option<u32>,
    /// Only tokens for this service.
    pub(crate) audience: Option<Audience>,
    #[serde(rename = "do")]
    pub(crate) kind: Option<Kind>,
    /// Milliseconds before the answer begins.
    pub(crate) delay: Option<u64>,
    /// Milliseconds between pieces of 64 bytes of the body.
    pub(crate) drip: Option<u64>,
    pub(crate) status: Option<u16>,
    pub(crate) code: Option<Code>,
    /// Further numbers for `error_codes`, in front of `code`.
    #[serde(default)]
    pub(crate) codes: Vec<u32>,
    pub(crate) error: Option<String>,
    pub(crate) suberror: Option<String>,
    #[serde(default)]
    pub(crate) policies: Vec<String>,
    /// The `claims` text as it stands, instead of one made of `policies`.
    pub(crate) claims: Option<String>,
    pub(crate) text: Option<String>,
    /// The whole body as it stands.
    pub(crate) body: Option<String>,
    pub(crate) content_type: Option<String>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) retry_after: Option<RetryAfter>,
    /// For `shrunk`.
    pub(crate) users: Option<u64>,
    /// For `next_elsewhere`.
    pub(crate) to: Option<Elsewhere>,
}

impl Trouble {
    /// Whether the call ends in a refusal with a status.
    pub(crate) fn refuses(&self) -> bool {
        self.kind.is_none()
            && (self.code.is_some() || self.status.is_some() || self.body.is_some() || self.error.is_some())
    }

    /// What is wrong with the description itself.
    pub(crate) fn fault(&self) -> Option<String> {
        let paged = matches!(self.step, Step::Users | Step::Customers | Step::Relations | Step::Sold);
        if self.page.is_some() && !paged {
            return Some(format!("`page` means nothing at step {}", self.step.name()));
        }
        if self.page == Some(0) {
            return Some("pages are counted from 1".to_owned());
        }
        if self.audience.is_some() && self.step != Step::Token {
            return Some("`audience` belongs to step token".to_owned());
        }
        if self.kind.is_none() && !self.refuses() && self.delay.is_none() && self.drip.is_none() {
            return Some(
                "nothing goes wrong: give `do`, `code`, `status`, `error`, `body`, `delay` or `drip`".to_owned(),
            );
        }
        if self.nights.is_some_and(|[first, last]| first > last) {
            return Some("`nights` ends before it begins".to_owned());
        }
        if self.status.is_some_and(|status| !(200..600).contains(&status)) {
            return Some("`status` is not one of HTTP from 200 on".to_owned());
        }
        let kind = self.kind?;
        let fits = match kind {
            Kind::NextElsewhere | Kind::NextAgain | Kind::Twice | Kind::EmptyPage | Kind::ShortPage => paged,
            Kind::NoLicenses | Kind::Shrunk | Kind::ExpiredPageToken => self.step == Step::Users,
            Kind::NoSkus => self.step == Step::Skus,
            Kind::TokenExpires | Kind::RefuseToken => {
                !matches!(self.step, Step::Token | Step::Authorize | Step::DeviceCode)
            }
            Kind::Close
            | Kind::Cut
            | Kind::Endless
            | Kind::GzipBomb
            | Kind::Deep
            | Kind::Html
            | Kind::Empty
            | Kind::Bom
            | Kind::Redirect
            | Kind::ErrorAppended
            | Kind::ContentType => true,
        };
        if !fits {
            return Some(format!("`do` does not fit step {}", self.step.name()));
        }
        if kind == Kind::Shrunk && self.users.is_none() {
            return Some("`shrunk` needs `users`".to_owned());
        }
        None
    }
}

/// The troubles of a tenant and how often each was met in this night.
#[derive(Debug, Default)]
pub(crate) struct Armed {
    list: Vec<(Trouble, AtomicU32)>,
}

/// The call that looks for trouble.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub(crate) step: Step,
    pub(crate) page: u32,
    pub(crate) night: u32,
    pub(crate) audience: Option<Audience>,
}

impl Armed {
    pub(crate) fn new(list: impl IntoIterator<Item = Trouble>) -> Self {
        Self { list: list.into_iter().map(|trouble| (trouble, AtomicU32::new(0))).collect() }
    }

    /// What this call meets; counts it.
    pub(crate) fn meet(&self, call: Call) -> Met {
        let mut met = Vec::new();
        for (trouble, used) in &self.list {
            let holds = trouble.step == call.step
                && trouble.page.is_none_or(|page| page == call.page)
                && trouble.nights.is_none_or(|[first, last]| (first..=last).contains(&call.night))
                && (trouble.audience.is_none() || trouble.audience == call.audience);
            if holds && trouble.times.is_none_or(|times| used.fetch_add(1, Ordering::Relaxed) < times) {
                met.push(trouble.clone());
            }
        }
        Met(met)
    }

    /// A new night: what is limited in times begins anew.
    pub(crate) fn rearm(&self) {
        for (_, used) in &self.list {
            used.store(0, Ordering::Relaxed);
        }
    }
}

/// What a call has met.
#[derive(Debug, Default)]
pub(crate) struct Met(Vec<Trouble>);

impl Met {
    /// The first that is of one kind.
    pub(crate) fn of(&self, kind: Kind) -> Option<&Trouble> {
        self.0.iter().find(|trouble| trouble.kind == Some(kind))
    }

    pub(crate) fn has(&self, kind: Kind) -> bool {
        self.of(kind).is_some()
    }

    /// The first refusal.
    pub(crate) fn refusal(&self) -> Option<&Trouble> {
        self.0.iter().find(|trouble| trouble.refuses())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Trouble> {
        self.0.iter()
    }

    /// Milliseconds before the answer.
    pub(crate) fn delay(&self) -> u64 {
        self.0.iter().filter_map(|trouble| trouble.delay).sum()
    }

    /// Milliseconds between pieces of the body.
    pub(crate) fn drip(&self) -> Option<u64> {
        self.0.iter().find_map(|trouble| trouble.drip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Trouble {
        toml::from_str(text).unwrap()
    }

    fn call(step: Step, page: u32, night: u32) -> Call {
        Call { step, page, night, audience: None }
    }

    #[test]
    fn a_trouble_is_met_where_when_and_as_often_as_it_says() {
        let armed = Armed::new([parse("step='users'\npage=3\nnights=[2,4]\ntimes=2\nstatus=503")]);
        let met = |page, night| armed.meet(call(Step::Users, page, night)).refusal().is_some();
        assert!(!met(3, 1) && !met(2, 2) && !met(3, 5));
        assert!(met(3, 2) && met(3, 4) && !met(3, 4));
        armed.rearm();
        assert!(met(3, 3));
        assert!(armed.meet(call(Step::Skus, 3, 3)).refusal().is_none());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (text, wanted) in [
            ("step='skus'\npage=1\nstatus=500", "`page`"),
            ("step='users'", "nothing goes wrong"),
            ("step='users'\ndo='shrunk'", "needs `users`"),
            ("step='token'\ndo='no_skus'", "does not fit"),
            ("step='users'\nstatus=500\nnights=[3,2]", "ends before"),
            ("step='users'\nstatus=42", "status"),
            ("step='users'\nstatus=500\naudience='graph'", "audience"),
        ] {
            let fault = parse(text).fault().unwrap();
            assert!(fault.contains(wanted), "{text}: {fault}");
        }
        assert_eq!(parse("step='token'\ncode=53003").fault(), None);
    }
}
