//! The GDAP relationships of a partner, from its own tenant: nobody enters a customer for them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use url::Url;

use super::line::{Asking, Lane, Refusal};
use super::places::{below, same_origin};
use super::token::AccessToken;
use super::wire::{Relationship, decode_relationships};
use super::{Inner, Tell};
use crate::failure::{Class, Failure, Hop, Service};
use crate::model::{GdapStatus, Related, TenantId};

/// The largest page that Graph gives of them.
const PAGE: u32 = 300;
/// No partner comes near so many; a list that does is no list.
const MOST: usize = 200_000;
/// A run waits no longer for what it can do without.
const LIMIT: Duration = Duration::from_mins(2);

/// Reads them all: the best one of each customer. A list that repeats itself, does not end or takes too long is refused.
pub(super) async fn read(inner: &Inner, token: &AccessToken, tell: &Tell) -> Result<Vec<Related>, Box<Failure>> {
    let late = || refuse(inner, Class::Network, "the list of relationships takes too long");
    tokio::time::timeout(LIMIT, pages(inner, token, tell)).await.unwrap_or_else(|_| Err(late()))
}

fn refuse(inner: &Inner, class: Class, why: &str) -> Box<Failure> {
    Box::new(Failure::local(class, Service::Graph, Hop::Partner, why, inner.line.clock.now()))
}

async fn pages(inner: &Inner, token: &AccessToken, tell: &Tell) -> Result<Vec<Related>, Box<Failure>> {
    let bad = |why: &str| refuse(inner, Class::BadAnswer, why);
    let base = &inner.places.graph;
    let first = format!("/v1.0/tenantRelationships/delegatedAdminRelationships?$top={PAGE}");
    let mut address = below(base, &first).map_err(|why| bad(&why))?;
    let mut best = BTreeMap::new();
    let (mut rows, mut links) = (HashSet::new(), HashSet::new());
    let mut repeats = 0;
    for _ in 0..inner.line.limits.max_pages {
        let mut asking =
            Asking { service: Service::Graph, hop: Hop::Partner, lane: Lane::Gate, tell, repeats: &mut repeats };
        let made = inner.line.ask(&mut asking, |client, _| token.get(client, &address), decode_relationships);
        let ((page, next), _) = made.await.map_err(Refusal::into_failure)?;
        let came = page.len();
        let fresh: Vec<Relationship> = page.into_iter().filter(|row| rows.insert(row.hash)).collect();
        let repeated = came > 0 && fresh.is_empty();
        for row in fresh {
            keep(&mut best, row);
        }
        let Some(next) = next else { return Ok(best.into_values().map(|(_, related)| related).collect()) };
        let Ok(link) = Url::parse(&next) else { return Err(bad("the next link of the relationships is no address")) };
        if !same_origin(base, &link) {
            return Err(bad("the next link of the relationships leads to another host: it is not followed"));
        }
        let mut hash = DefaultHasher::new();
        link.hash(&mut hash);
        if repeated || !links.insert(hash.finish()) {
            return Err(bad("the list of relationships repeats itself"));
        }
        if rows.len() > MOST {
            break;
        }
        address = link;
    }
    Err(bad("the list of relationships does not end"))
}

/// What is better comes first: one that holds, then one that is asked for, then one that ended; of a partner's own
/// making; the one that ends last.
type Rank = Reverse<(u8, bool, bool, Option<jiff::Timestamp>)>;

/// Keeps a relationship if its customer has no better one.
fn keep(best: &mut BTreeMap<TenantId, (Rank, Related)>, row: Relationship) {
    let Some(related) = row.related else { return };
    let gdap = &related.gdap;
    let standing = match gdap.status {
        GdapStatus::Active => 4,
        GdapStatus::Waiting => 3,
        // What it means nobody knows; that another ended would say less than that.
        GdapStatus::Unknown => 2,
        GdapStatus::Ended => 1,
        GdapStatus::Missing => 0,
    };
    let rank = Reverse((standing, !row.moved, gdap.auto_extends, gdap.ends_at));
    let better = best.get(&related.tenant).is_none_or(|(known, _)| rank < *known);
    if better {
        best.insert(related.tenant, (rank, related));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Gdap;

    fn best(rows: &[(GdapStatus, &str, bool)]) -> Gdap {
        let mut best = BTreeMap::new();
        for (status, ends, moved) in rows {
            let gdap = Gdap { status: *status, ends_at: ends.parse().ok(), auto_extends: false, roles: Vec::new() };
            let related = Some(Related { tenant: TenantId::new(uuid::Uuid::nil()), gdap });
            keep(&mut best, Relationship { hash: 0, related, moved: *moved });
        }
        best.into_values().next().unwrap().1.gdap
    }

    #[test]
    fn an_active_one_with_the_latest_end_wins() {
        use GdapStatus::{Active, Ended, Waiting};
        let (early, late) = ("2026-12-01T00:00:00Z", "2027-12-01T00:00:00Z");
        let check = |rows: &[(GdapStatus, &str, bool)], status, ends: &str| {
            let mut turned = rows.to_vec();
            turned.reverse();
            for rows in [rows, &turned] {
                let found = best(rows);
                assert_eq!((found.status, found.ends_at), (status, ends.parse().ok()), "{rows:?}");
            }
        };
        check(&[(Ended, late, false), (Active, early, false)], Active, early);
        check(&[(Active, late, false), (Active, early, false)], Active, late);
        check(&[(Active, late, true), (Active, early, false)], Active, early);
        check(&[(Active, late, true), (Ended, early, false)], Active, late);
        check(&[(Waiting, "", false), (Ended, late, false)], Waiting, "");
        check(&[(Ended, late, false), (Ended, early, false)], Ended, late);
    }
}
