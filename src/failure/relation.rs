//! Whether a refusal is the GDAP relationship's doing. Our own tenant lists the relationships, so nobody enters a
//! customer to find it out.

use jiff::Timestamp;

use super::{Class, Failure, Hop, Owner};

/// How our GDAP relationship with a customer stood when it refused us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Relation {
    /// Nobody looked, or too long before.
    #[default]
    Unknown,
    /// It holds.
    Active {
        /// When it ends, if that is known.
        until: Option<Timestamp>,
        /// Whether it goes on by itself then.
        extends: bool,
    },
    /// It is asked for and not approved yet.
    Waiting,
    /// It ended.
    Ended {
        /// When, if that is known.
        at: Option<Timestamp>,
    },
    /// There is none, though other customers have one.
    Missing,
}

impl Relation {
    /// The words for a column, where there is no relationship that holds.
    pub const fn cause(self) -> Option<&'static str> {
        match self {
            Self::Ended { .. } => Some("GDAP ended"),
            Self::Missing => Some("GDAP missing"),
            Self::Waiting => Some("GDAP waiting"),
            Self::Unknown | Self::Active { .. } => None,
        }
    }

    /// Whether there is none that holds.
    pub const fn is_over(self) -> bool {
        self.cause().is_some()
    }

    /// Who acts where none holds: a request that waits is the customer's, the rest is ours.
    pub const fn owner(self) -> Owner {
        match self {
            Self::Waiting => Owner::CustomerAdmin,
            Self::Unknown | Self::Active { .. } | Self::Ended { .. } | Self::Missing => Owner::Partner,
        }
    }

    /// What it says of a refusal, as the middle of a sentence; absent where it is not known.
    pub fn meaning(self) -> Option<String> {
        let day = |at: Timestamp| at.strftime("%-d %b %Y").to_string();
        match self {
            Self::Unknown => None,
            Self::Active { until, extends } => {
                let until = until.map_or_else(String::new, |at| format!(" until {}", day(at)));
                let extends = if extends { ", extends itself" } else { "" };
                Some(format!("GDAP active{until}{extends}"))
            }
            Self::Waiting => Some("our GDAP request is not approved yet".to_owned()),
            Self::Ended { at: Some(at) } => Some(format!("our GDAP relationship ended on {}", day(at))),
            Self::Ended { at: None } => Some("our GDAP relationship ended".to_owned()),
            Self::Missing => Some("no GDAP relationship with this customer".to_owned()),
        }
    }

    /// First steps where none holds.
    pub(super) const fn steps(self) -> &'static [&'static str] {
        match self {
            Self::Unknown | Self::Active { .. } => &[],
            Self::Waiting => &[
                "The customer's Global Administrator approves our request (Partner Center >",
                "the customer > Admin relationships has the link). Then run it again.",
            ],
            Self::Ended { .. } | Self::Missing => &[
                "Partner Center > the customer > Admin relationships: send a new request with",
                "Directory Readers. Once approved, assign our group to it; then run it again.",
                "It is no policy: the customer has nothing to change in Conditional Access.",
            ],
        }
    }
}

impl Failure {
    /// Whether a relationship that does not hold can be the cause: what Entra and Graph answer then (reference on Entra,
    /// section 2). A policy that says so itself is a policy.
    const fn may_be_relation(&self) -> bool {
        matches!(self.hop, Hop::Customer)
            && matches!(
                self.class,
                Class::RelationshipMissing
                    | Class::ConsentMissing
                    | Class::InteractionRequiredUnknown
                    | Class::GraphForbidden
                    | Class::GraphTokenRejected
            )
    }

    /// What a relationship has to do with this refusal: itself where it can be the cause, else nothing that is known.
    pub const fn of_relation(&self, relation: Relation) -> Relation {
        if self.may_be_relation() { relation } else { Relation::Unknown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Answer, Context, Service, classify};

    fn failure(service: Service, hop: Hop, status: u16, body: &str) -> Failure {
        let answer = Answer { status: Some(status), headers: &[], body: body.as_bytes(), hop, service };
        classify(answer, Timestamp::UNIX_EPOCH)
    }

    fn check(failure: &Failure, relation: Relation, cause: Option<&str>, said: &str) {
        let relation = failure.of_relation(relation);
        assert_eq!(relation.cause(), cause, "{failure:?}");
        let context = Context { customer: "Adatum", relation, ..Context::default() };
        let remedy = failure.remedy(context);
        let all = format!("{} | {} | {}", remedy.summary, remedy.who, remedy.steps.join(" "));
        assert!(all.contains(said), "`{said}` in {all}");
        for step in &remedy.steps {
            assert!(step.chars().count() <= 76, "{step}");
        }
        assert!(remedy.summary.chars().count() <= 78, "{}", remedy.summary);
    }

    #[test]
    fn a_relationship_that_ended_is_told_apart_from_a_policy() {
        let at = "2026-11-02T00:00:00Z".parse().ok();
        let entra = |code: u32| failure(Service::Entra, Hop::Customer, 400, &format!(r#"{{"error_codes":[{code}]}}"#));
        let ended = Relation::Ended { at };
        let active = Relation::Active { until: at, extends: true };
        let graph = failure(Service::Graph, Hop::Customer, 403, "");
        let over = "Adatum: our GDAP relationship ended on 2 Nov 2026 | US";
        check(&entra(50_020), ended, Some("GDAP ended"), over);
        check(&entra(50_020), Relation::Ended { at: None }, Some("GDAP ended"), "our GDAP relationship ended | US");
        check(&entra(50_020), Relation::Missing, Some("GDAP missing"), "no GDAP relationship with this customer");
        check(&entra(50_020), Relation::Waiting, Some("GDAP waiting"), "not approved yet | CUSTOMER");
        check(&entra(50_020), active, None, "GDAP is active until 2 Nov 2026, extends itself: not the relation.");
        check(&entra(50_020), active, None, "Is our account in a group");
        check(&entra(65_001), active, None, "GDAP is active until 2 Nov 2026, extends itself: not the relation.");
        check(&entra(50_020), Relation::Unknown, None, "is the GDAP relationship active");
        check(&entra(65_001), ended, Some("GDAP ended"), over);
        check(&graph, ended, Some("GDAP ended"), over);
        check(&graph, active, None, "add Directory Readers");
        // A policy that names itself, a dead tenant and our own secret are what they say.
        for code in [53_003, 50_076, 700_016, 90_002, 7_000_222] {
            check(&entra(code), ended, None, "");
        }
        let own = failure(Service::Entra, Hop::Partner, 400, r#"{"error_codes":[50020]}"#);
        check(&own, ended, None, "our own tenant");
    }
}
