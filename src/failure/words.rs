use compact_str::{CompactString, format_compact};

use super::{Again, Cap, Class, Code, Failure, Owner, Service};

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

    /// Whose it is where many customers of one partner begin to be refused so within minutes, as a word for the line above
    /// all tenants (reference on Entra, section 5); absent for what so many cannot have in common.
    pub const fn shared_cause(self) -> Option<&'static str> {
        match self {
            Class::MfaRequired | Class::CapSignInFrequency | Class::InteractionRequiredUnknown => Some("our MFA"),
            Class::RefreshTokenExpired | Class::RefreshTokenRevoked | Class::RefreshTokenInvalid => Some("our token"),
            Class::ServiceUser | Class::RiskHomeTenant | Class::PartnerCenterMfa | Class::PartnerCenterForbidden => {
                Some("our account")
            }
            Class::ConsentMissing
            | Class::AppMissing
            | Class::ResourceMissing
            | Class::ClientCredential
            | Class::WrongCloud
            | Class::RequestBug => Some("our app"),
            Class::AssignmentMissing | Class::RelationshipMissing | Class::GraphForbidden => Some("our GDAP groups"),
            Class::CapBlock
            | Class::CapDevice
            | Class::CapAppProtection
            | Class::CapTokenProtection
            | Class::CapAuthFlow
            | Class::CapExternalControl
            | Class::SecurityDefaults
            | Class::CrossTenantPolicy => Some("our address, or a policy of Microsoft's"),
            Class::Transient | Class::Throttled | Class::GraphTokenRejected | Class::GraphClaimsChallenge => {
                Some("Microsoft")
            }
            Class::Network | Class::BadAnswer => Some("our network, or Microsoft"),
            Class::TenantUnavailable
            | Class::GraphNotLicensed
            | Class::DeviceFlowPending
            | Class::DeviceFlowEnded
            | Class::Unknown => None,
        }
    }

    /// Whether many that begin at once mean that no customer can lift it. A policy of Microsoft's can begin at many, and
    /// each of them is then the one to except us.
    pub const fn is_ours_if_many(self) -> bool {
        match self {
            Class::MfaRequired
            | Class::CapSignInFrequency
            | Class::InteractionRequiredUnknown
            | Class::ConsentMissing
            | Class::AppMissing
            | Class::RelationshipMissing
            | Class::GraphForbidden => true,
            Class::CapBlock
            | Class::CapDevice
            | Class::CapAppProtection
            | Class::CapTokenProtection
            | Class::CapAuthFlow
            | Class::CapExternalControl
            | Class::SecurityDefaults
            | Class::RiskHomeTenant
            | Class::RefreshTokenExpired
            | Class::RefreshTokenRevoked
            | Class::RefreshTokenInvalid
            | Class::ResourceMissing
            | Class::AssignmentMissing
            | Class::CrossTenantPolicy
            | Class::TenantUnavailable
            | Class::WrongCloud
            | Class::ClientCredential
            | Class::ServiceUser
            | Class::Transient
            | Class::Throttled
            | Class::RequestBug
            | Class::DeviceFlowPending
            | Class::DeviceFlowEnded
            | Class::GraphTokenRejected
            | Class::GraphClaimsChallenge
            | Class::GraphNotLicensed
            | Class::PartnerCenterMfa
            | Class::PartnerCenterForbidden
            | Class::Network
            | Class::BadAnswer
            | Class::Unknown => false,
        }
    }

    /// The name in JSON rows.
    pub const fn name(self) -> &'static str {
        self.facts().0
    }

    /// What it means, as the middle of a sentence: "Adatum: …".
    pub const fn meaning(self) -> &'static str {
        self.facts().1
    }

    /// A word or two for a column: at most 13 characters.
    pub const fn short(self) -> &'static str {
        self.facts().2
    }

    /// Who acts first where the answer does not say more.
    pub const fn owner(self) -> Owner {
        match self {
            Class::CapBlock
            | Class::CapDevice
            | Class::CapAppProtection
            | Class::CapTokenProtection
            | Class::CapAuthFlow
            | Class::CapExternalControl
            | Class::CapSignInFrequency
            | Class::MfaRequired
            | Class::SecurityDefaults
            | Class::AssignmentMissing
            | Class::InteractionRequiredUnknown => Owner::CustomerAdmin,
            Class::Transient
            | Class::Throttled
            | Class::DeviceFlowPending
            | Class::GraphTokenRejected
            | Class::GraphClaimsChallenge
            | Class::Network
            | Class::BadAnswer => Owner::Retry,
            Class::RiskHomeTenant
            | Class::RefreshTokenExpired
            | Class::RefreshTokenRevoked
            | Class::RefreshTokenInvalid
            | Class::ConsentMissing
            | Class::AppMissing
            | Class::ResourceMissing
            | Class::RelationshipMissing
            | Class::CrossTenantPolicy
            | Class::TenantUnavailable
            | Class::WrongCloud
            | Class::ClientCredential
            | Class::ServiceUser
            | Class::RequestBug
            | Class::DeviceFlowEnded
            | Class::GraphForbidden
            | Class::GraphNotLicensed
            | Class::PartnerCenterMfa
            | Class::PartnerCenterForbidden
            | Class::Unknown => Owner::Partner,
        }
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
            Class::Network => ("network", "no connection, or no answer in time", "no connection"),
            Class::BadAnswer => ("bad_answer", "the answer cannot be read", "broken answer"),
            Class::Unknown => ("unknown", "the answer is not known to us; the raw text is kept", "unknown"),
        }
    }
}

impl Failure {
    /// The refusal in at most 16 characters for a column: `53003 2 pol`, `65001 consent`, `Graph 503`,
    /// `no connection`.
    pub fn cause(&self) -> String {
        let text = self.by_code().unwrap_or_else(|| self.by_class());
        text.chars().take(16).collect()
    }

    /// What is known of the number that decided; nothing where something else did, such as the status.
    pub(super) fn code(&self) -> Option<&'static Code> {
        let number = *self.codes.first()?;
        let code =
            if self.service == Service::PartnerCenter { Code::of_partner_center(number) } else { Code::find(number) };
        code.filter(|code| code.class == self.class)
    }

    fn by_code(&self) -> Option<CompactString> {
        let number = *self.codes.first()?;
        let Some(code) = self.code() else {
            // Where the status decided, the number is only what else was said.
            let passing = matches!(self.class, Class::Transient | Class::Throttled);
            return match self.cap {
                Cap::Probable => Some(format_compact!("{number} CAP?")),
                Cap::No if passing => None,
                Cap::Yes | Cap::No => Some(format_compact!("{number} {}", self.class.short())),
            };
        };
        let named = self.policies.len();
        Some(if code.class == Class::CapBlock && named > 0 {
            // The number says no more than that a policy refused; how many it named does.
            format_compact!("{number} {named} pol")
        } else if self.service == Service::PartnerCenter {
            format_compact!("PC {number} {}", code.short)
        } else {
            format_compact!("{number} {}", code.short)
        })
    }

    fn by_class(&self) -> CompactString {
        let (class, short) = (self.class, self.class.short());
        let passing = matches!(class, Class::Transient | Class::Throttled);
        let told_by_status = matches!(
            class,
            Class::GraphForbidden
                | Class::GraphTokenRejected
                | Class::GraphClaimsChallenge
                | Class::RequestBug
                | Class::Unknown
        );
        match self.status {
            Some(status) if passing => match self.service {
                Service::Graph => format_compact!("Graph {status}"),
                Service::Entra => format_compact!("Entra {status}"),
                Service::PartnerCenter => format_compact!("PC {status}"),
                Service::Unknown => format_compact!("HTTP {status}"),
            },
            Some(status) if told_by_status => format_compact!("{status} {short}"),
            Some(_) | None if class.is_policy() && !self.policies.is_empty() => {
                format_compact!("{short} {} pol", self.policies.len())
            }
            Some(_) | None => short.into(),
        }
    }
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

impl Again {
    /// The name in JSON rows.
    pub const fn name(self) -> &'static str {
        match self {
            Again::No => "no",
            Again::Fix => "fix",
            Again::Yes => "yes",
            Again::Once => "once",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Answer, CODES, Hop, classify};

    #[test]
    fn names_are_those_of_serde_and_none_is_forgotten() {
        for (at, class) in Class::ALL.into_iter().enumerate() {
            assert_eq!(serde_json::to_value(class).unwrap(), class.name());
            assert_eq!(class as usize, at, "in the order of the declaration, without a gap");
            assert!(class.meaning().is_ascii() && class.short().len() <= 13, "{class:?}");
        }
        assert_eq!(Class::ALL.last(), Some(&Class::Unknown), "the last one declared");
        for owner in [Owner::CustomerAdmin, Owner::Partner, Owner::Microsoft, Owner::Retry] {
            assert_eq!(serde_json::to_value(owner).unwrap(), owner.name());
        }
    }

    fn check(status: u16, service: Service, body: &str, want: &str) {
        let hop = if service == Service::PartnerCenter { Hop::Partner } else { Hop::Customer };
        let answer = Answer { status: Some(status), headers: &[], body: body.as_bytes(), hop, service };
        assert_eq!(classify(answer, jiff::Timestamp::UNIX_EPOCH).cause(), want, "{status} {body}");
    }

    #[test]
    fn the_cause_fits_its_column() {
        use Service as S;
        let policies = r#"{"error_codes":[53003],"claims":{"capolids":["3f0c6a52-8d1e-4b7a-9c55-0e2f6b1d7a90","b71d9e04-27aa-4c61-8f3d-5a6c90e4d218"]}}"#;
        check(400, S::Entra, policies, "53003 2 pol");
        check(400, S::Entra, r#"{"error_codes":[53003]}"#, "53003 block");
        check(400, S::Entra, r#"{"error_codes":[50078]}"#, "50078 MFA age");
        check(400, S::Entra, r#"{"error_codes":[65001]}"#, "65001 consent");
        check(400, S::Entra, r#"{"error_codes":[530099]}"#, "530099 CAP?");
        check(400, S::Entra, r#"{"error":"invalid_client","error_codes":[7000999]}"#, "7000999 credenti");
        check(503, S::Entra, r#"{"error_codes":[53003]}"#, "Entra 503");
        check(503, S::Graph, "", "Graph 503");
        check(429, S::PartnerCenter, "", "PC 429");
        check(403, S::Graph, "", "403 role");
        check(401, S::PartnerCenter, r#"{"code":900421}"#, "PC 900421 MFA");
        check(403, S::PartnerCenter, r#"{"code":900309}"#, "PC 900309 policy");
        check(400, S::Unknown, "", "400 unknown");
        let local = |class| Failure::local(class, S::Graph, Hop::Customer, "", jiff::Timestamp::UNIX_EPOCH).cause();
        assert_eq!(
            (local(Class::Network).as_str(), local(Class::BadAnswer).as_str()),
            ("no connection", "broken answer")
        );
        for code in CODES {
            let body = format!(r#"{{"error_codes":[{}]}}"#, code.number);
            check(400, S::Entra, &body, &format!("{} {}", code.number, code.short));
        }
    }
}
