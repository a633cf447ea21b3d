use super::{Cap, Class, Context, Failure, Hop, Owner, Relation, Remedy};

/// The most that a summary takes, unless a customer's name is long.
const SUMMARY_WIDTH: usize = 78;

impl Failure {
    /// What to say and what to do.
    pub fn remedy(&self, context: Context<'_>) -> Remedy {
        let side = Side::of(self, context.wide);
        let place = match (side, context.customer) {
            (Side::OwnTenant, _) => "our own tenant",
            (Side::Wide, _) => "many customers",
            (Side::Customer | Side::Other, "") => "the customer",
            (Side::Customer | Side::Other, name) => name,
        };
        let mut active = None;
        let mut summary = match (self.cap, self.class) {
            (Cap::Probable, Class::CapBlock) => {
                format!("{place}: probably a Conditional Access policy (a number not known yet)")
            }
            (Cap::Probable, _) => format!("{place}: a person must sign in; probably a policy asks for it"),
            (Cap::Yes | Cap::No, class) => format!("{place}: {}", class.meaning()),
        };
        if let Some(meaning) = context.relation.meaning() {
            if context.relation.is_over() {
                return over(context.relation, place, &meaning);
            }
            // Signed in, it is a role: of the relation or of the group.
            let signed_in = matches!(self.class, Class::GraphForbidden | Class::GraphTokenRejected);
            active = Some(meaning.replacen("GDAP", "GDAP is", 1)).filter(|_| !signed_in);
        }
        if let Some(control) = self.control.as_deref().filter(|control| *control != "block")
            && summary.chars().count() + control.len() + 3 <= SUMMARY_WIDTH
        {
            summary.extend([" (", control, ")"]);
        }
        let mut steps: Vec<String> = self.codes.first().map_or(&[][..], |code| note(*code)).iter().map(owned).collect();
        let holds = active.is_some();
        steps.extend(active.map(|active| format!("{active}: not the relation.")));
        match side {
            Side::Other if holds && self.class == Class::RelationshipMissing => steps.extend(lines(&[
                "Is our account in a group with an assignment for Directory Readers in it?",
                "If it is: a guest object of our account in that tenant is in the way.",
            ])),
            Side::OwnTenant => steps.extend(own_tenant(self)),
            Side::Wide => steps.extend(wide(self).iter().map(owned)),
            Side::Customer | Side::Other => steps.extend(at_customer(self, context)),
        }
        Remedy { summary, who: who(self, side).to_owned(), steps }
    }
}

/// What to say where no relationship holds.
fn over(relation: Relation, place: &str, meaning: &str) -> Remedy {
    let who = match relation.owner() {
        Owner::CustomerAdmin => "CUSTOMER (a Global Administrator), who approves what we asked for.",
        Owner::Partner | Owner::Microsoft | Owner::Retry => "US: we ask for a new one, the customer approves it.",
    };
    Remedy {
        summary: format!("{place}: {meaning}"),
        who: who.to_owned(),
        steps: relation.steps().iter().map(owned).collect(),
    }
}

/// Where the cause lies, as far as the words go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// Our own tenant refused.
    OwnTenant,
    /// Nearly all customers refuse alike what one would have to lift alone: it is ours.
    Wide,
    /// The customer acts.
    Customer,
    /// Another than the customer acts.
    Other,
}

impl Side {
    fn of(failure: &Failure, wide: bool) -> Self {
        let spreads = failure.owner == Owner::CustomerAdmin
            || matches!(
                failure.class,
                Class::ConsentMissing
                    | Class::AppMissing
                    | Class::RelationshipMissing
                    | Class::GraphForbidden
                    | Class::InteractionRequiredUnknown
            );
        if failure.hop == Hop::Partner {
            Self::OwnTenant
        } else if wide && spreads {
            Self::Wide
        } else if failure.owner == Owner::CustomerAdmin {
            Self::Customer
        } else {
            Self::Other
        }
    }
}

fn who(failure: &Failure, side: Side) -> &'static str {
    match (side, failure.owner) {
        (Side::Wide, _) => "US: many customers meet the same refusal, so it is not theirs.",
        (Side::OwnTenant, Owner::CustomerAdmin | Owner::Partner) => "US, in our own tenant. No customer has to act.",
        (Side::Customer, _) if failure.class.is_policy() => {
            "CUSTOMER (a Conditional Access Administrator). We cannot lift it."
        }
        (Side::Customer, _) if failure.class == Class::CrossTenantPolicy => {
            "CUSTOMER (a Security Administrator). We cannot lift it."
        }
        (Side::Customer, _) if matches!(failure.class, Class::AssignmentMissing | Class::AppMissing) => {
            "CUSTOMER (a Cloud Application Administrator). We cannot lift it."
        }
        (Side::Customer, _) | (Side::Other, Owner::CustomerAdmin) => {
            "CUSTOMER (an administrator of the customer). We cannot lift it."
        }
        (Side::Other, Owner::Partner) => "US. The customer has nothing to do first.",
        (Side::OwnTenant | Side::Other, Owner::Microsoft) => "MICROSOFT. Report it with the ids if it stays.",
        (Side::OwnTenant | Side::Other, Owner::Retry) => "NOBODY: it is tried again.",
    }
}

fn owned(line: &&str) -> String {
    (*line).to_owned()
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(owned).collect()
}

/// How our account signs in again.
const SIGN_IN: [&str; 2] = ["Sign the service account in again, with MFA:", "tenantop login --partner NAME"];

/// What is worth knowing of one number, before the steps of its class.
fn note(code: u32) -> &'static [&'static str] {
    match code {
        50_020 => &["Three causes: GDAP ended or its group lacks us, a guest object, a policy."],
        50_053 => &["The sign-in log tells: wrong passwords, or an address of bad repute."],
        50_076 => &["Also seen where sign-in to our app is switched off in the tenant."],
        50_142 => &["A risk policy wants a new password: is our account at risk at home?"],
        50_177 | 50_178 => &["The answer speaks of a user who is missing there; go by the number."],
        50_196 => &["Entra saw the same request of ours too often: wait some minutes."],
        53_004 | 53_010 => &["MFA cannot be registered from here; in our own tenant it can."],
        90_072 => &["Our account is unknown there, so it cannot meet the tenant's MFA demand."],
        500_133 | 700_024 => &["Check this machine's clock: the assertion was outside its time."],
        530_034 => &["Delegated administrators are kept out: our account looks compromised."],
        650_051 => &["The app may just be on its way into the tenant: try once more in a minute."],
        700_027 => &["Is the certificate uploaded to the app? A new one takes some seconds."],
        700_084 => &["The redirect address is registered as SPA (24-hour tokens). Use Web."],
        7_000_215 => &["Often the secret's id was stored instead of its value."],
        7_000_222 => &["The secret expired: make a new one in the app registration."],
        9_002_313 | 90_014 => &["Nearly always a stored token that is empty or cut: sign in again."],
        9_002_327 => &["Register the redirect address under Web, not SPA."],
        _ => &[],
    }
}

/// Steps where our own tenant refused.
fn own_tenant(failure: &Failure) -> Vec<String> {
    if failure.class.is_policy() || failure.cap != Cap::No {
        let mut steps = lines(&[
            "A policy of our own tenant refuses the service account. Our admin finds it:",
            "Entra admin center > Sign-in logs > the refusal > Conditional Access.",
            "Let the account pass there with MFA, then sign it in again:",
        ]);
        steps.push(SIGN_IN[1].to_owned());
        return steps;
    }
    if matches!(failure.class, Class::ConsentMissing | Class::AppMissing) {
        lines(&[
            "In our own tenant: App registrations > our app > API permissions >",
            "Grant admin consent; the app must be multitenant.",
        ])
    } else if failure.class == Class::InteractionRequiredUnknown {
        lines(&SIGN_IN)
    } else {
        general(failure)
    }
}

/// Steps where many customers of a partner refuse alike.
fn wide(failure: &Failure) -> &'static [&'static str] {
    let class = failure.class;
    if matches!(class, Class::ConsentMissing | Class::AppMissing) {
        &[
            "Did our app's permissions change, or was it switched off in our tenant?",
            "Push its consent to the customers again by Partner Center's API.",
        ]
    } else if matches!(class, Class::RelationshipMissing | Class::GraphForbidden) {
        &[
            "Is the service account still in the security groups that carry our GDAP",
            "roles, and are those groups still assigned in the relationships?",
        ]
    } else if class == Class::CapAuthFlow {
        &[
            "Our stored sign-in came from a device code, which many tenants refuse.",
            "Sign in anew by authorization code; that cures all customers at once:",
            SIGN_IN[1],
        ]
    } else if class.is_policy() || class == Class::InteractionRequiredUnknown {
        &[
            "Most likely our stored sign-in carries no usable MFA, or it is too old.",
            SIGN_IN[0],
            SIGN_IN[1],
            "If it stays: did our outgoing address change, or was a device code used?",
        ]
    } else {
        &["Look first at what all customers share: our app, account and address."]
    }
}

/// Steps where a customer's tenant refused.
fn at_customer(failure: &Failure, context: Context<'_>) -> Vec<String> {
    if failure.class == Class::InteractionRequiredUnknown {
        let mut steps = lines(&["The answer names no reason; often it is a policy of the customer."]);
        steps.extend(in_the_log(failure, "its tab Conditional Access shows whether one failed, and which."));
        steps
    } else if failure.class == Class::SecurityDefaults {
        lines(&[
            "Security defaults know no exclusions. The customer trusts our MFA",
            "(Cross-tenant access settings > our tenant > Inbound > Trust settings),",
            "or replaces them by policies (needs Entra ID P1) that exclude us:",
            "Users > Exclude > Guest or external users > Service provider users.",
        ])
    } else if failure.class.is_policy() {
        of_policy(failure, context)
    } else {
        general(failure)
    }
}

/// Steps where a policy of the customer refused: the exclusion, and what else helps or does not.
fn of_policy(failure: &Failure, context: Context<'_>) -> Vec<String> {
    let class = failure.class;
    let before: &[&str] = if class == Class::CapAuthFlow {
        &[
            "Better: we sign in anew by authorization code instead of device code;",
            "that cures all customers at once. Or, at this customer:",
        ]
    } else {
        &[]
    };
    let after: &[&str] = if class == Class::CapExternalControl {
        &["Nothing else helps: our account can accept no terms in another tenant."]
    } else if class == Class::CapSignInFrequency {
        &["A new sign-in of ours helps only until it is too old again."]
    } else if class == Class::MfaRequired {
        &[
            "Or trust our MFA: External Identities > Cross-tenant access settings >",
            "our tenant > Inbound access > Trust settings > trust MFA.",
            "Without Entra ID P1 it is security defaults or per-user MFA, no policy.",
        ]
    } else {
        &[]
    };
    let mut steps = lines(before);
    steps.extend(exclude(failure, context));
    steps.extend(lines(after));
    steps
}

/// The exclusion of exactly our service-provider users, in the policies that the answer or the sign-in log names.
fn exclude(failure: &Failure, context: Context<'_>) -> Vec<String> {
    let tenant =
        context.partner_tenant.map_or_else(|| "our tenant id".to_owned(), |id| format!("{id} (our tenant id)"));
    let mut steps = match failure.policies.len() {
        0 => in_the_log(failure, "its tab Conditional Access shows what failed. In each policy that did:"),
        1 => lines(&["In the policy whose id is named, in the customer's Entra admin center:"]),
        n => vec![format!("In each of the {n} policies named by id, in the customer's admin center:")],
    };
    steps.extend([
        "Users > Exclude > Guest or external users > Service provider users,".to_owned(),
        format!("organisation: {tenant}"),
        "Add to the exclusions, take none away; test with What If, then save.".to_owned(),
        "It lets in only users of our tenant, within their GDAP roles.".to_owned(),
    ]);
    steps
}

/// Where the customer's administrator sees which policy it was; `then` says what to look at there.
fn in_the_log(failure: &Failure, then: &str) -> Vec<String> {
    let filter = failure.correlation_id.as_deref().map_or_else(
        || "Cross tenant access type = Service provider, Status = Failure;".to_owned(),
        |id| format!("Correlation ID {id};"),
    );
    vec!["Sign-in logs > User sign-ins (non-interactive) at the customer, filter".to_owned(), filter, then.to_owned()]
}

/// Steps that are the same wherever it was refused.
fn general(failure: &Failure) -> Vec<String> {
    match failure.class {
        Class::RefreshTokenExpired | Class::RefreshTokenRevoked | Class::RefreshTokenInvalid => {
            let mut steps = lines(&SIGN_IN);
            steps.push("No customer of this partner can be read until then.".to_owned());
            steps
        }
        Class::PartnerCenterMfa => {
            lines(&["Partner Center takes Microsoft's MFA only, and none that was remembered.", SIGN_IN[0], SIGN_IN[1]])
        }
        Class::ServiceUser | Class::RiskHomeTenant => lines(&[
            "In our own tenant: is the service account enabled, unlocked, not at risk?",
            "The sign-in log tells which. Put it right, then:",
            SIGN_IN[0],
            SIGN_IN[1],
        ]),
        Class::ClientCredential => lines(&[
            "Check the app's secret or certificate in our tenant: its end date, and that",
            "the value in the file is the secret itself. Then replace it there.",
        ]),
        Class::CrossTenantPolicy if failure.owner == Owner::CustomerAdmin => lines(&[
            "Customer: External Identities > Cross-tenant access settings > our tenant >",
            "Inbound access: allow our users and our app.",
        ]),
        Class::CrossTenantPolicy => lines(&[
            "Our own tenant or network forbids it: Cross-tenant access settings >",
            "Outbound access, or the tenant restrictions of our proxy.",
        ]),
        Class::AppMissing if failure.owner == Owner::CustomerAdmin => lines(&[
            "The customer switches our app on again: Enterprise applications > our app >",
            "Properties > Enabled for users to sign in.",
        ]),
        Class::ConsentMissing | Class::AppMissing => lines(&[
            "Push the app's consent to this customer by Partner Center's API",
            "(applicationconsents), wait some minutes, run the import again.",
            "If it stays: is our account a guest there? The customer deletes the guest.",
        ]),
        Class::ResourceMissing => lines(&[
            "Does the customer still have a subscription for the service that we ask?",
            "If not, nothing is to be read there. If so, its administrator enables it.",
        ]),
        Class::AssignmentMissing => lines(&[
            "The customer opens our app under Enterprise applications and switches",
            "'Assignment required' off, or assigns our account. It is no policy.",
        ]),
        Class::RelationshipMissing if failure.owner == Owner::CustomerAdmin => lines(&[
            "Our account stands in that tenant as a guest who never accepted.",
            "The customer deletes that guest: Entra admin center > Users > External.",
        ]),
        Class::RelationshipMissing => lines(&[
            "Partner Center: is the GDAP relationship active, is our account in a group",
            "with an assignment for Directory Readers? Else send a new GDAP request.",
            "If it stays: a guest object of our account in that tenant is in the way.",
        ]),
        Class::TenantUnavailable => lines(&[
            "Is it still our customer? Read the customer list again: tenantop sync.",
            "If Partner Center lists it, ask the customer whether the tenant still is.",
        ]),
        Class::WrongCloud => lines(&["Set the right `cloud` for this partner; clouds do not mix."]),
        Class::GraphForbidden => lines(&[
            "The sign-in was fine, so it is no policy. Our account lacks a role there:",
            "add Directory Readers to the GDAP relationship and its group; run it again.",
        ]),
        Class::GraphNotLicensed => lines(&["Nobody has to act: the tenant needs Entra ID P1 for what was asked."]),
        Class::PartnerCenterForbidden => lines(&[
            "Is the service account in AdminAgents, in our own tenant? Is our app",
            "consented for Partner Center there?",
        ]),
        Class::GraphTokenRejected | Class::GraphClaimsChallenge if failure.owner == Owner::CustomerAdmin => lines(&[
            "Graph judges another outgoing address than Entra saw, or one is blocked:",
            "keep our address the same; the customer excludes us from that location.",
        ]),
        Class::GraphTokenRejected | Class::GraphClaimsChallenge => {
            lines(&["Run the import again; if it stays, look at the raw answer."])
        }
        Class::Transient | Class::Throttled => {
            lines(&["Nothing to do now. If it lasts for a day, report it to Microsoft with ids."])
        }
        Class::Network => lines(&["Check this host's connection, DNS and firewall; then run the import again."]),
        Class::BadAnswer => lines(&["Run the import again. If it stays, look at the raw answer: a proxy?"]),
        Class::RequestBug => lines(&["A defect of ours: report it with the raw answer. No customer has to act."]),
        Class::DeviceFlowPending | Class::DeviceFlowEnded => lines(&["Begin the sign-in again."]),
        Class::Unknown
        | Class::CapBlock
        | Class::CapDevice
        | Class::CapAppProtection
        | Class::CapTokenProtection
        | Class::CapAuthFlow
        | Class::CapExternalControl
        | Class::CapSignInFrequency
        | Class::MfaRequired
        | Class::SecurityDefaults
        | Class::InteractionRequiredUnknown => {
            lines(&["Look at the raw answer, and report it so that it becomes known."])
        }
    }
}

#[cfg(test)]
mod tests;
