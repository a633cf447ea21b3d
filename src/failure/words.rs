use super::{Class, Code, Context, Failure, Hop, Owner, Remedy};

impl Class {
    /// All of them, in the order of the documentation.
    pub const ALL: [Class; 38] = [
        Class::CapBlock,
        Class::CapDevice,
        Class::CapAppProtection,
        Class::CapTokenProtection,
        Class::CapAuthFlow,
        Class::CapExternalControl,
        Class::CapSignInFrequency,
        Class::MfaRequired,
        Class::SecurityDefaults,
        Class::RiskHomeTenant,
        Class::RefreshTokenExpired,
        Class::RefreshTokenRevoked,
        Class::RefreshTokenInvalid,
        Class::ConsentMissing,
        Class::AppMissing,
        Class::ResourceMissing,
        Class::AssignmentMissing,
        Class::RelationshipMissing,
        Class::CrossTenantPolicy,
        Class::TenantUnavailable,
        Class::WrongCloud,
        Class::ClientCredential,
        Class::ServiceUser,
        Class::Transient,
        Class::Throttled,
        Class::RequestBug,
        Class::DeviceFlowPending,
        Class::DeviceFlowEnded,
        Class::GraphTokenRejected,
        Class::GraphClaimsChallenge,
        Class::GraphForbidden,
        Class::GraphNotLicensed,
        Class::PartnerCenterMfa,
        Class::PartnerCenterForbidden,
        Class::InteractionRequiredUnknown,
        Class::Network,
        Class::BadAnswer,
        Class::Unknown,
    ];

    /// The name in JSON rows.
    pub const fn name(self) -> &'static str {
        self.facts().0
    }

    /// What it means, as the middle of a sentence: "Adatum: …".
    pub const fn meaning(self) -> &'static str {
        self.facts().1
    }

    /// At most ten characters for a column, beside a number.
    pub const fn short(self) -> &'static str {
        self.facts().2
    }

    /// Name, meaning, short form.
    const fn facts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Class::CapBlock => ("cap_block", "a Conditional Access policy blocks our sign-in", "policy"),
            Class::CapDevice => ("cap_device", "a policy wants a known device, which a service has not", "device"),
            Class::CapAppProtection => ("cap_app_protection", "a policy wants an approved or protected app", "app"),
            Class::CapTokenProtection => ("cap_token_protection", "a policy wants tokens bound to a device", "binding"),
            Class::CapAuthFlow => {
                ("cap_auth_flow", "a policy refuses sign-ins that began with a device code", "devcode")
            }
            Class::CapExternalControl => {
                ("cap_external_control", "a policy wants terms of use or a control that we cannot meet", "terms")
            }
            Class::CapSignInFrequency => {
                ("cap_sign_in_frequency", "a policy wants a fresher sign-in than ours", "sign-in age")
            }
            Class::MfaRequired => ("mfa_required", "a second factor is demanded", "MFA"),
            Class::SecurityDefaults => ("security_defaults", "the tenant's security defaults refuse us", "defaults"),
            Class::RiskHomeTenant => {
                ("risk_home_tenant", "our service account is held to be at risk in our own tenant", "risk")
            }
            Class::RefreshTokenExpired => ("refresh_token_expired", "our stored sign-in expired", "expired"),
            Class::RefreshTokenRevoked => ("refresh_token_revoked", "our stored sign-in was revoked", "revoked"),
            Class::RefreshTokenInvalid => ("refresh_token_invalid", "our stored sign-in cannot be used", "token"),
            Class::ConsentMissing => ("consent_missing", "our app has no consent in this tenant", "consent"),
            Class::AppMissing => ("app_missing", "our app is not known or not enabled in this tenant", "app"),
            Class::ResourceMissing => {
                ("resource_missing", "the service that we ask for is not in this tenant", "resource")
            }
            Class::AssignmentMissing => {
                ("assignment_missing", "the tenant wants our account assigned to the app", "assignment")
            }
            Class::RelationshipMissing => {
                ("relationship_missing", "no usable GDAP relationship for our account", "GDAP")
            }
            Class::CrossTenantPolicy => ("cross_tenant_policy", "cross-tenant access settings forbid it", "x-tenant"),
            Class::TenantUnavailable => ("tenant_unavailable", "the tenant is unknown, gone or blocked", "tenant"),
            Class::WrongCloud => ("wrong_cloud", "the tenant lives in another national cloud", "cloud"),
            Class::ClientCredential => {
                ("client_credential", "our app's secret or certificate is refused", "credential")
            }
            Class::ServiceUser => ("service_user", "our service account is disabled, locked or expired", "account"),
            Class::Transient => ("transient", "a passing fault of the service", "fault"),
            Class::Throttled => ("throttled", "the service has too many requests from us", "throttled"),
            Class::RequestBug => ("request_bug", "our request is wrong: a defect on our side", "request"),
            Class::DeviceFlowPending => ("device_flow_pending", "the device sign-in is not finished yet", "pending"),
            Class::DeviceFlowEnded => ("device_flow_ended", "the device sign-in ended without a token", "ended"),
            Class::GraphTokenRejected => ("graph_token_rejected", "Graph refused our access token", "token"),
            Class::GraphClaimsChallenge => {
                ("graph_claims_challenge", "Graph asks for a token with other claims", "claims")
            }
            Class::GraphForbidden => ("graph_forbidden", "signed in, but a role or permission is missing", "role"),
            Class::GraphNotLicensed => {
                ("graph_not_licensed", "the tenant has no license for what was asked", "no license")
            }
            Class::PartnerCenterMfa => {
                ("partner_center_mfa", "Partner Center wants proof of MFA in our sign-in", "PC MFA")
            }
            Class::PartnerCenterForbidden => {
                ("partner_center_forbidden", "Partner Center refuses our account", "PC role")
            }
            Class::InteractionRequiredUnknown => {
                ("interaction_required_unknown", "a person must sign in; the answer does not say why", "sign-in")
            }
            Class::Network => ("network", "no connection, or no answer in time", "network"),
            Class::BadAnswer => ("bad_answer", "the answer cannot be read", "bad answer"),
            Class::Unknown => ("unknown", "the answer is not known to us; the raw text is kept", "unknown"),
        }
    }
}

impl Failure {
    /// The refusal in at most 16 characters for a column: `53003 2 pol`, `65001 consent`, `Graph 503`, `network`.
    pub fn cause(&self) -> String {
        let what = match self.policies.len() {
            0 => self.class.short().to_owned(),
            n => format!("{n} pol"),
        };
        let text = match (self.codes.first(), self.status) {
            (Some(code), _) => format!("{code} {what}"),
            (None, Some(status)) if what.len() <= 12 => format!("{status} {what}"),
            (None, _) => what,
        };
        text.chars().take(16).collect()
    }

    /// What to say and what to do.
    pub fn remedy(&self, context: Context<'_>) -> Remedy {
        let ours = self.hop == Hop::Partner || context.wide;
        let owner = if ours && self.owner == Owner::CustomerAdmin { Owner::Partner } else { self.owner };
        let place = match (self.hop, context.customer) {
            (Hop::Partner, _) => "our own tenant",
            (Hop::Customer, "") => "the customer",
            (Hop::Customer, name) => name,
        };
        let mut summary = format!("{place}: {}", self.class.meaning());
        if self.cap == super::Cap::Probable {
            summary.push_str(" (probably Conditional Access)");
        }
        if let Some(control) = &self.control {
            summary.push_str(&format!(" ({control})"));
        }
        let who = match owner {
            Owner::CustomerAdmin => "CUSTOMER (an administrator of the customer). We cannot lift it.",
            Owner::Partner if context.wide => "US: most customers meet the same refusal, so it is not theirs.",
            Owner::Partner => "US. The customer has nothing to do first.",
            Owner::Microsoft => "MICROSOFT. Report it with the ids below if it stays.",
            Owner::Retry => "NOBODY: it is tried again.",
        };
        let steps = steps(self, ours, context);
        Remedy { summary: summary.chars().take(160).collect(), who: who.to_owned(), steps }
    }
}

/// First steps, a line each.
fn steps(failure: &Failure, ours: bool, context: Context<'_>) -> Vec<String> {
    let tenant = context.partner_tenant.map_or_else(|| "our partner tenant id".to_owned(), |id| id.to_string());
    let exclude = || {
        vec![
            "In each policy named above, in the customer's Entra admin center:".to_owned(),
            "Users > Exclude > Guest or external users > Service provider users,".to_owned(),
            format!("organisation {tenant}"),
            "Add to the exclusions, take none away; test with What If, then save.".to_owned(),
        ]
    };
    let said = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    if ours && failure.class.is_policy() {
        return said(&[
            "The refusal is our own tenant's, or our sign-in lacks MFA.",
            "Sign the service account in again with MFA and store the new token:",
            "tenantop login --partner NAME --refresh-token-file -",
            "Then run one import; if it stays, look at our own policies.",
        ]);
    }
    match failure.class {
        Class::CapBlock
        | Class::CapDevice
        | Class::CapAppProtection
        | Class::CapTokenProtection
        | Class::CapExternalControl => exclude(),
        Class::CapSignInFrequency => {
            let mut steps = exclude();
            steps.push("A new sign-in of ours helps only until it is too old again.".to_owned());
            steps
        }
        Class::CapAuthFlow => {
            let mut steps = said(&[
                "Better: sign our account in anew by authorization code, not device code;",
                "that cures all customers at once. Or, at this customer:",
            ]);
            steps.extend(exclude());
            steps
        }
        Class::MfaRequired => {
            let mut steps = exclude();
            steps.push("Or: Cross-tenant access settings > our tenant > Inbound > trust MFA.".to_owned());
            steps
        }
        Class::SecurityDefaults => said(&[
            "Security defaults know no exclusions.",
            "The customer replaces them by policies (needs Entra ID P1) and excludes us,",
            "or our own sign-in is renewed with MFA.",
        ]),
        Class::RefreshTokenExpired | Class::RefreshTokenRevoked | Class::RefreshTokenInvalid => said(&[
            "Sign the service account in again and store the new refresh token:",
            "tenantop login --partner NAME --refresh-token-file -",
            "No customer of this partner can be read until then.",
        ]),
        Class::ClientCredential => said(&[
            "Check the app's secret or certificate in our tenant: its end date, and that",
            "the secret's value (not its id) is in the file. Then replace it there.",
        ]),
        Class::ServiceUser | Class::RiskHomeTenant => said(&[
            "In our own tenant: is the service account enabled, unlocked, not at risk?",
            "The sign-in log tells which. Then sign it in again.",
        ]),
        Class::ConsentMissing | Class::AppMissing => said(&[
            "Push the app's consent to this customer by Partner Center's API",
            "(applicationconsents), wait some minutes, run the import again.",
            "If it stays: is our account a guest there? The customer deletes the guest.",
        ]),
        Class::ResourceMissing => said(&["Does the customer still have a subscription for this service?"]),
        Class::AssignmentMissing => said(&[
            "The customer opens our app under Enterprise applications and switches",
            "'Assignment required' off, or assigns our account. It is no policy.",
        ]),
        Class::RelationshipMissing => said(&[
            "Partner Center: is the GDAP relationship active, is our account in a group",
            "with an assignment for Directory Readers? Else send a new GDAP request.",
            "If it stays: a guest object of our account in that tenant is in the way.",
        ]),
        Class::CrossTenantPolicy if failure.owner == Owner::CustomerAdmin => said(&[
            "Customer: External Identities > Cross-tenant access settings > Inbound:",
            "allow our tenant for the app.",
        ]),
        Class::CrossTenantPolicy => said(&[
            "Our own tenant or network forbids it: Cross-tenant access settings >",
            "Outbound, or tenant restrictions of our proxy.",
        ]),
        Class::TenantUnavailable => {
            said(&["Is it still our customer? Read the customer list again; look in Partner", "Center."])
        }
        Class::WrongCloud => said(&["Set the right `cloud` for this partner; clouds do not mix."]),
        Class::GraphForbidden => said(&[
            "The token was fine, so it is no policy. Our account lacks a role there:",
            "add Directory Readers to the GDAP relationship and its group; run it again.",
        ]),
        Class::GraphNotLicensed => said(&["Nobody has to act: the tenant lacks a premium license for this."]),
        Class::PartnerCenterMfa => said(&[
            "Sign the service account in again with Microsoft MFA and store the token:",
            "tenantop login --partner NAME --refresh-token-file -",
        ]),
        Class::PartnerCenterForbidden => said(&[
            "Is the service account in AdminAgents? Is the app consented for Partner",
            "Center in our own tenant?",
        ]),
        Class::GraphTokenRejected | Class::GraphClaimsChallenge => {
            said(&["Run the import again; if it stays, sign in again and look at the raw answer."])
        }
        Class::InteractionRequiredUnknown => said(&[
            "The answer names no reason. The customer's sign-in log does: filter by the",
            "correlation id below and look at its tab Conditional Access.",
        ]),
        Class::Transient | Class::Throttled => {
            said(&["Nothing to do now. If it lasts for a day, report it to Microsoft with ids."])
        }
        Class::Network => said(&["Check this host's connection, DNS and proxy; then run the import again."]),
        Class::BadAnswer => said(&["Run the import again. If it stays, look at the raw answer: a proxy?"]),
        Class::RequestBug => said(&["A defect of ours: report it with the raw answer. No customer has to act."]),
        Class::DeviceFlowPending | Class::DeviceFlowEnded => said(&["Begin the sign-in again."]),
        Class::Unknown => said(&["Look at the raw answer, and report it so that it becomes known."]),
    }
}

/// The documentation of all classes, as a page.
pub fn page() -> String {
    use std::fmt::Write;
    let mut page = String::from(
        "# What a failure means\n\nGenerated from the classifier. Owner: who acts first when a customer's tenant says it.\n",
    );
    for class in Class::ALL {
        let mut codes: Vec<&Code> = super::codes::CODES.iter().filter(|code| code.class == class).collect();
        codes.sort_by_key(|code| code.number);
        // Writing to a String cannot fail.
        let _ = write!(page, "\n## `{}`\n\n{}.\n", class.name(), sentence(class.meaning()));
        for owner in [Owner::CustomerAdmin, Owner::Partner, Owner::Microsoft, Owner::Retry] {
            let numbers: Vec<String> =
                codes.iter().filter(|code| code.owner == owner).map(|code| code.number.to_string()).collect();
            if !numbers.is_empty() {
                let _ = write!(page, "\n- {}: {}", owner.word(), numbers.join(", "));
            }
        }
        let _ = writeln!(page, "{}\nFirst steps:\n", if codes.is_empty() { "" } else { "\n" });
        let failure = Failure {
            cap: super::Cap::No,
            ..Failure::local(class, super::Service::Unknown, Hop::Customer, "", jiff::Timestamp::UNIX_EPOCH)
        };
        for step in steps(&failure, false, Context::default()) {
            let _ = writeln!(page, "> {step}  ");
        }
    }
    page
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

impl Owner {
    /// The operators' word, as screens and filters show it.
    pub const fn word(self) -> &'static str {
        match self {
            Owner::CustomerAdmin => "customer",
            Owner::Partner => "us",
            Owner::Microsoft => "Microsoft",
            Owner::Retry => "wait",
        }
    }

    /// The name in JSON rows.
    pub const fn name(self) -> &'static str {
        match self {
            Owner::CustomerAdmin => "customer_admin",
            Owner::Partner => "partner",
            Owner::Microsoft => "microsoft",
            Owner::Retry => "retry",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Service, codes::CODES};

    #[test]
    fn lines_fit_and_are_ascii() {
        for class in Class::ALL {
            let mut failure = Failure::local(class, Service::Entra, Hop::Customer, "", jiff::Timestamp::UNIX_EPOCH);
            for owner in [Owner::CustomerAdmin, Owner::Partner] {
                failure.owner = owner;
                let remedy = failure.remedy(Context { customer: "Adatum", partner_tenant: None, wide: false });
                assert!(!remedy.steps.is_empty(), "{class:?} has a first step");
                for line in remedy.steps.iter().chain([&remedy.summary, &remedy.who]) {
                    assert!(line.is_ascii() && line.len() <= 80, "{class:?}: {line} ({})", line.len());
                }
            }
        }
        for code in CODES {
            let mut failure =
                Failure::local(code.class, Service::Entra, Hop::Customer, "", jiff::Timestamp::UNIX_EPOCH);
            failure.codes = vec![code.number];
            assert!(failure.cause().len() <= 16, "{}", failure.cause());
        }
    }

    #[test]
    fn the_exclusion_names_exactly_our_tenant() {
        let ours = uuid::Uuid::from_u128(0x8c1f_0f0e_52d3_4f0b_9a3a_6b1c_7d2e_9f44);
        let mut failure =
            Failure::local(Class::CapBlock, Service::Entra, Hop::Customer, "", jiff::Timestamp::UNIX_EPOCH);
        failure.owner = Owner::CustomerAdmin;
        let context = Context { customer: "Adatum", partner_tenant: Some(ours), wide: false };
        let steps = failure.remedy(context).steps.join("\n");
        assert!(steps.contains("Service provider users") && steps.contains(&ours.to_string()), "{steps}");
        let wide = failure.remedy(Context { wide: true, ..context });
        assert!(wide.who.starts_with("US") && !wide.steps.join("\n").contains("Exclude"), "{wide:?}");
    }

    #[test]
    fn names_are_those_of_serde() {
        for class in Class::ALL {
            assert_eq!(serde_json::to_value(class).unwrap(), class.name());
        }
    }
}
