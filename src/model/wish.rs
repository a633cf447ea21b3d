use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::allocation::Allocating;
use super::{Explained, Key, Look, PartnerName, RunId, SessionId, SkuId, Text};

/// Which tenants an import run is to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Scope {
    /// These, paused or not.
    Tenants(Vec<Key>),
    /// Every tenant of every partner, or of one; paused ones are left out.
    All(Option<PartnerName>),
    /// Those whose last import failed or was cut off; paused ones are left out.
    Failed(Option<PartnerName>),
}

/// A wish of an operator. The engine decides; it answers the asker alone if it refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Run imports. A tenant that a run already holds is joined, never read twice at once.
    Import {
        /// Which tenants.
        scope: Scope,
        /// Whether to read the customer list first (`All` does so in any case).
        list: bool,
        /// Why, in the operator's words.
        reason: Option<Text>,
    },
    /// Sign in to tenants and read nothing: does access work? A tenant that a run already holds is joined.
    Probe {
        /// Which tenants, paused or not.
        tenants: Vec<Key>,
        /// Why, in the operator's words.
        reason: Option<Text>,
    },
    /// Read the customer list of all partners, or of one.
    Sync {
        /// Whose.
        partner: Option<PartnerName>,
    },
    /// End a run early, or one tenant's part in it. What is saved stays saved.
    Cancel {
        /// Which run.
        run: RunId,
        /// Only this tenant.
        tenant: Option<Key>,
    },
    /// Leave a tenant out of runs until a day.
    Pause {
        /// Which tenant.
        tenant: Key,
        /// Why.
        reason: Text,
        /// Until when.
        until: Timestamp,
    },
    /// End a pause.
    Resume {
        /// Which tenant.
        tenant: Key,
    },
    /// Record that the customer was asked to lift what refuses us.
    Ticket {
        /// Which tenant.
        tenant: Key,
        /// The number of the ticket.
        number: Text,
        /// What there is to know beside it.
        note: Option<Text>,
    },
    /// Close the ticket of a tenant.
    CloseTicket {
        /// Which tenant.
        tenant: Key,
    },
    /// Decide over an import that the shrink guard holds aside.
    Review {
        /// Which tenant.
        tenant: Key,
        /// Take it as the good one, or throw it away.
        accept: bool,
    },
    /// Record that a finding of a product is as it should be.
    Know {
        /// Which tenant.
        tenant: Key,
        /// Which finding, why, until when.
        known: Box<Explained>,
    },
    /// Take back what was said of a product's finding.
    Forget {
        /// Which tenant.
        tenant: Key,
        /// Which product.
        sku_id: SkuId,
    },
    /// Give a product a name of our own, for all tenants; an empty one takes it away.
    Name {
        /// Which product.
        sku_id: SkuId,
        /// The name.
        name: Text,
    },
    /// Save rules or prices of an allocation, close a month or open it again.
    Allocate {
        /// Which tenant.
        tenant: Key,
        /// What.
        wish: Box<Allocating>,
    },
    /// Tell the others which tenant is looked at here.
    At(Option<Key>),
    /// End somebody's session.
    Kick {
        /// Which.
        session: SessionId,
    },
    /// Show rows that the fleet does not hold. A newer wish of this kind takes the place of one not answered yet.
    Look(Look),
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use serde_json::Value;

    use super::*;
    use crate::model::allocation::{
        AllocationAsk, AllocationLook, AllocationOf, Assigned, Attribute, Condition, Counted, Currency, Draft, Month,
        Part, Percent, Period, Price, PriceBook, Rule, Rules, ShareField, SharesLook, SheetFacts, Test, Then, Unit,
        UnitPath,
    };
    use crate::model::{
        AuditAsk, AuditFrom, AuditLook, AuditRows, DiffLook, Exported, SnapshotId, TenantId, TextField, UserField,
        UserId, UsersLook,
    };

    fn key() -> Key {
        Key { partner: "emea".into(), tenant: TenantId::new(uuid::Uuid::from_u128(1)) }
    }

    fn at() -> Timestamp {
        "2026-11-27T09:56:00Z".parse().unwrap()
    }

    fn sku() -> SkuId {
        SkuId::new(uuid::Uuid::from_u128(2))
    }

    /// Rules and prices in which nothing is left out.
    fn means() -> (Rules, PriceBook) {
        let unit = || UnitPath(vec!["Rail".into(), "Depot".into()]);
        let part = Part { unit: unit(), percent: Percent::WHOLE };
        let when = Condition {
            attribute: Attribute::Text(TextField::Department),
            test: Test::In(vec!["Rail".into()]),
            any_case: true,
            trim: true,
        };
        let each = Then::Each { by: vec![Attribute::Text(TextField::Department)], under: Some(unit()), fold: true };
        let rule = |then| Rule { name: Some("x".into()), when: vec![when.clone()], then };
        let halves = vec![part.clone(), part.clone()];
        let rules = Rules {
            levels: vec!["unit".into()],
            units: vec![Unit { path: unit(), code: Some("4711".into()) }],
            rules: vec![rule(Then::Unit(unit())), rule(Then::Split(halves.clone())), rule(each)],
            assigned: vec![Assigned { user: "lena@example.com".into(), to: halves }],
        };
        let price = Price {
            sku_id: sku(),
            amount: rust_decimal::Decimal::ONE,
            currency: "EUR".parse::<Currency>().unwrap(),
            period: Period::ALL[0],
            from: Some(jiff::civil::date(2026, 1, 1)),
            to: Some(jiff::civil::date(2026, 12, 31)),
            quantity: Some(4),
        };
        (rules, PriceBook { prices: vec![price] })
    }

    fn looks() -> Vec<Look> {
        let (users, skus) = (SnapshotId(1), Some(SnapshotId(2)));
        let user = UserId::new(uuid::Uuid::from_u128(3));
        let window = || UsersLook { holding: Some(sku()), at: Some(user), ..UsersLook::of(users, skus) };
        let at = at();
        let facts = SheetFacts {
            key: key(),
            title: "x".into(),
            month: Month::of(at),
            today: Month::of(at),
            rules: Some(1),
            prices: Some(1),
            users_at: Some(at),
            skus_at: Some(at),
            together: true,
        };
        let counted = Counted {
            sku_id: Some(sku()),
            part_number: Some("SPE_E3".into()),
            name: "x".into(),
            purchased: Some(1),
            held: 1,
            is_company: false,
        };
        let of = |before| AllocationOf {
            facts: facts.clone(),
            users: Some(users),
            counted: Arc::new(vec![counted.clone()]),
            kept: true,
            before,
        };
        let of = of(Some(Box::new(of(None))));
        let (rules, prices) = means();
        let draft = Draft { rules: Some(Arc::new(rules)), prices: Some(Arc::new(prices)) };
        let allocated = |ask| Box::new(AllocationLook { of: of.clone(), draft: draft.clone(), ask, round: 0 });
        let allocation = |ask| Look::Allocation(allocated(ask));
        let shares = || {
            let mut look = SharesLook::of(Some("Rail".into()));
            (look.sort, look.at) = (Some(ShareField::Name), Some(UserId::new(uuid::Uuid::nil())));
            look
        };
        let rows = || {
            let rows = AuditRows { filter: "x".into(), from: AuditFrom::Before(9), count: 1 };
            Box::new(AuditLook { tenant: Some(key()), ask: AuditAsk::Rows(rows), round: 0 })
        };
        vec![
            Look::Away,
            Look::Users(window()),
            Look::Export(Some(Exported::Users(window()))),
            Look::Export(Some(Exported::Shares(allocated(AllocationAsk::Users(shares()))))),
            Look::Counts { users, skus, filter: "x".into(), field: UserField::License },
            Look::Tries { tenant: key(), round: 0 },
            Look::Diff { of: DiffLook { users: [Some(users), None], skus: [skus, None] }, round: 0 },
            Look::LicenseHistory { tenant: key(), sku_id: sku(), round: 0 },
            allocation(AllocationAsk::Sheet),
            allocation(AllocationAsk::Alone),
            allocation(AllocationAsk::Users(shares())),
            allocation(AllocationAsk::Why("x".into())),
            Look::Audit(rows()),
            Look::Audit(Box::new(AuditLook { tenant: None, ask: AuditAsk::Chain { part: 0 }, round: 0 })),
            Look::ExportAudit(rows()),
        ]
    }

    /// Every wish, each with all that it can hold.
    fn wishes() -> Vec<Command> {
        let until = at();
        let known = Explained { sku_id: sku(), finding: "x".into(), reason: "x".into(), until };
        let reason = || Some(Text::const_new("x"));
        let (rules, prices) = means();
        let month = Month::of(until);
        let allocate = |wish| Command::Allocate { tenant: key(), wish: Box::new(wish) };
        let mut wishes = vec![
            Command::Import { scope: Scope::Tenants(vec![key()]), list: true, reason: reason() },
            Command::Import { scope: Scope::All(Some("emea".into())), list: true, reason: reason() },
            Command::Import { scope: Scope::Failed(None), list: true, reason: reason() },
            Command::Probe { tenants: vec![key()], reason: reason() },
            Command::Sync { partner: Some("emea".into()) },
            Command::Cancel { run: RunId(1), tenant: Some(key()) },
            Command::Pause { tenant: key(), reason: "x".into(), until },
            Command::Resume { tenant: key() },
            Command::Ticket { tenant: key(), number: "1".into(), note: reason() },
            Command::CloseTicket { tenant: key() },
            Command::Review { tenant: key(), accept: true },
            Command::Know { tenant: key(), known: Box::new(known) },
            Command::Forget { tenant: key(), sku_id: sku() },
            Command::Name { sku_id: sku(), name: "x".into() },
            allocate(Allocating::SaveRules { rules: Box::new(rules), from: 0, reason: "x".into() }),
            allocate(Allocating::SavePrices { prices: Box::new(prices), from: 0, reason: "x".into() }),
            allocate(Allocating::Close { month, reason: reason() }),
            allocate(Allocating::Reopen { month, reason: "x".into() }),
            Command::At(Some(key())),
            Command::Kick { session: 1 },
        ];
        wishes.extend(looks().into_iter().map(Command::Look));
        wishes
    }

    /// Its number among all wishes: one that is added does not compile before it has one, and a place among those above.
    fn number(wish: &Command) -> usize {
        match wish {
            Command::Import { .. } => 0,
            Command::Probe { .. } => 1,
            Command::Sync { .. } => 2,
            Command::Cancel { .. } => 3,
            Command::Pause { .. } => 4,
            Command::Resume { .. } => 5,
            Command::Ticket { .. } => 6,
            Command::CloseTicket { .. } => 7,
            Command::Review { .. } => 8,
            Command::Know { .. } => 9,
            Command::Forget { .. } => 10,
            Command::Name { .. } => 11,
            Command::Allocate { wish, .. } => match **wish {
                Allocating::SaveRules { .. } => 12,
                Allocating::SavePrices { .. } => 13,
                Allocating::Close { .. } => 14,
                Allocating::Reopen { .. } => 15,
            },
            Command::At(_) => 16,
            Command::Kick { .. } => 17,
            Command::Look(look) => match look {
                Look::Away => 18,
                Look::Users(_) => 19,
                Look::Export(_) => 20,
                Look::Counts { .. } => 21,
                Look::Tries { .. } => 22,
                Look::Diff { .. } => 23,
                Look::LicenseHistory { .. } => 24,
                Look::Allocation(_) => 25,
                Look::Audit(_) => 26,
                Look::ExportAudit(_) => 27,
            },
        }
    }

    /// The objects in a value, each by the way that leads there.
    fn objects(value: &Value, way: &str, out: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                out.push(way.to_owned());
                members.iter().for_each(|(name, member)| objects(member, &format!("{way}/{name}"), out));
            }
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(n, member)| objects(member, &format!("{way}/{n}"), out));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn a_member_that_nobody_knows_is_refused_wherever_it_stands_in_a_wish() {
        let numbers: BTreeSet<usize> = wishes().iter().map(number).collect();
        assert_eq!(numbers, (0..28).collect(), "each wish stands above");
        let mut tried = 0;
        for wish in wishes() {
            let value = serde_json::to_value(&wish).unwrap();
            assert_eq!(serde_json::from_value::<Command>(value.clone()).unwrap(), wish);
            let mut ways = Vec::new();
            objects(&value, "", &mut ways);
            for way in ways {
                let mut altered = value.clone();
                let object = altered.pointer_mut(&way).and_then(Value::as_object_mut).unwrap();
                object.insert("unknown".to_owned(), Value::from(1));
                let read = serde_json::from_value::<Command>(altered);
                assert!(read.is_err(), "{wish:?}: a member at `{way}` is accepted");
                tried += 1;
            }
        }
        assert!(tried > 100, "{tried} places");
    }
}
