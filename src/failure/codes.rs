use super::{Again, Class, Owner};

/// What a number of Entra means (reference on Entra, section 6). All of it may change at any time on Microsoft's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// The digits after `AADSTS`, or Partner Center's `code`.
    pub number: u32,
    /// What kind of refusal.
    pub class: Class,
    /// Who acts first when a customer's tenant says it.
    pub owner: Owner,
    /// Whether asking again can help.
    pub again: Again,
    /// Which control of a policy it is; empty if it is none or not known.
    pub control: &'static str,
    /// What stands beside the number in a column: with it and a blank at most 16 characters.
    pub short: &'static str,
}

const fn row(
    number: u32,
    class: Class,
    owner: Owner,
    again: Again,
    control: &'static str,
    short: &'static str,
) -> Code {
    Code { number, class, owner, again, control, short }
}

/// Numbers that say little: a more specific one anywhere in the answer, or a telling suberror, goes before them.
const GENERIC: [u32; 4] = [70_000, 70_002, 50_131, 90_010];

impl Code {
    /// What is known of a number.
    pub fn find(number: u32) -> Option<&'static Code> {
        let at = CODES.binary_search_by_key(&number, |code| code.number).ok()?;
        CODES.get(at)
    }

    /// What is known of a number of Partner Center.
    pub fn of_partner_center(number: u32) -> Option<&'static Code> {
        let at = PARTNER_CENTER.binary_search_by_key(&number, |code| code.number).ok()?;
        PARTNER_CENTER.get(at)
    }

    /// Whether it says little.
    pub fn is_generic(&self) -> bool {
        GENERIC.contains(&self.number)
    }
}

/// Every known number, sorted.
#[rustfmt::skip]
pub const CODES: &[Code] = &[
    row(16_000, Class::RelationshipMissing, Owner::Partner, Again::Fix, "", "no account"),
    row(16_003, Class::RelationshipMissing, Owner::Partner, Again::Fix, "", "no account"),
    row(28_002, Class::RequestBug, Owner::Partner, Again::No, "", "scope"),
    row(28_003, Class::RequestBug, Owner::Partner, Again::No, "", "scope"),
    row(50_000, Class::Transient, Owner::Microsoft, Again::Once, "", "fault"),
    row(50_001, Class::ResourceMissing, Owner::Partner, Again::Fix, "", "resource"),
    row(50_002, Class::CrossTenantPolicy, Owner::Partner, Again::Fix, "tenant restrictions", "proxy"),
    row(50_005, Class::CapDevice, Owner::CustomerAdmin, Again::No, "device platform", "platform"),
    row(50_011, Class::RequestBug, Owner::Partner, Again::No, "", "redirect"),
    row(50_012, Class::ClientCredential, Owner::Partner, Again::Fix, "", "cert"),
    row(50_013, Class::ClientCredential, Owner::Partner, Again::Fix, "", "assertion"),
    row(50_014, Class::RelationshipMissing, Owner::CustomerAdmin, Again::Fix, "", "guest"),
    row(50_020, Class::RelationshipMissing, Owner::Partner, Again::Fix, "", "GDAP?"),
    row(50_027, Class::ClientCredential, Owner::Partner, Again::Fix, "", "JWT"),
    row(50_033, Class::Transient, Owner::Retry, Again::Yes, "", "passing"),
    row(50_034, Class::RelationshipMissing, Owner::Partner, Again::Fix, "", "no account"),
    row(50_048, Class::ClientCredential, Owner::Partner, Again::No, "", "assertion"),
    row(50_053, Class::ServiceUser, Owner::Partner, Again::Fix, "", "locked"),
    row(50_055, Class::ServiceUser, Owner::Partner, Again::Fix, "", "password"),
    row(50_056, Class::ServiceUser, Owner::Partner, Again::Fix, "", "password"),
    row(50_057, Class::ServiceUser, Owner::Partner, Again::Fix, "", "disabled"),
    row(50_058, Class::RequestBug, Owner::Partner, Again::No, "", "session"),
    row(50_059, Class::RequestBug, Owner::Partner, Again::No, "", "no tenant"),
    row(50_064, Class::ServiceUser, Owner::Partner, Again::Fix, "", "password"),
    row(50_072, Class::MfaRequired, Owner::CustomerAdmin, Again::No, "MFA", "MFA setup"),
    row(50_074, Class::MfaRequired, Owner::CustomerAdmin, Again::No, "MFA / authentication strength", "MFA"),
    row(50_076, Class::MfaRequired, Owner::CustomerAdmin, Again::No, "MFA / security defaults", "MFA"),
    row(50_078, Class::MfaRequired, Owner::CustomerAdmin, Again::No, "MFA age / sign-in frequency", "MFA age"),
    row(50_079, Class::MfaRequired, Owner::CustomerAdmin, Again::No, "MFA", "MFA setup"),
    row(50_085, Class::RefreshTokenInvalid, Owner::Partner, Again::No, "", "social"),
    row(50_087, Class::Transient, Owner::Retry, Again::Yes, "", "MFA down"),
    row(50_088, Class::Throttled, Owner::Retry, Again::Yes, "", "MFA limit"),
    row(50_089, Class::RefreshTokenExpired, Owner::Partner, Again::No, "", "expired"),
    row(50_097, Class::CapDevice, Owner::CustomerAdmin, Again::No, "device state", "device"),
    row(50_105, Class::AssignmentMissing, Owner::CustomerAdmin, Again::Fix, "", "unassigned"),
    row(50_125, Class::ServiceUser, Owner::Partner, Again::Fix, "", "SSPR"),
    row(50_126, Class::ServiceUser, Owner::Partner, Again::Fix, "", "password"),
    row(50_127, Class::CapAppProtection, Owner::CustomerAdmin, Again::No, "app protection", "app"),
    row(50_128, Class::TenantUnavailable, Owner::Partner, Again::No, "", "domain"),
    row(50_129, Class::CapDevice, Owner::CustomerAdmin, Again::No, "registered device", "device"),
    row(50_131, Class::CapBlock, Owner::CustomerAdmin, Again::No, "", "CA failed"),
    row(50_132, Class::RefreshTokenRevoked, Owner::Partner, Again::No, "", "revoked"),
    row(50_133, Class::RefreshTokenRevoked, Owner::Partner, Again::No, "", "revoked"),
    row(50_134, Class::DeviceFlowEnded, Owner::Partner, Again::No, "", "datacenter"),
    row(50_135, Class::RiskHomeTenant, Owner::Partner, Again::Fix, "", "risk"),
    row(50_137, Class::ServiceUser, Owner::Partner, Again::Fix, "", "password"),
    row(50_142, Class::CapBlock, Owner::CustomerAdmin, Again::No, "require password change", "password"),
    row(50_144, Class::ServiceUser, Owner::Partner, Again::Fix, "", "password"),
    row(50_155, Class::CapDevice, Owner::CustomerAdmin, Again::No, "device state", "device"),
    row(50_158, Class::CapExternalControl, Owner::CustomerAdmin, Again::No, "terms of use / custom control", "terms/ext"),
    row(50_159, Class::CapExternalControl, Owner::CustomerAdmin, Again::No, "custom control / external MFA", "ext claims"),
    row(50_161, Class::CapExternalControl, Owner::CustomerAdmin, Again::No, "custom control", "custom"),
    row(50_166, Class::Transient, Owner::Retry, Again::Yes, "custom control", "ext MFA"),
    row(50_170, Class::CapExternalControl, Owner::CustomerAdmin, Again::No, "custom control", "custom"),
    row(50_172, Class::CapExternalControl, Owner::CustomerAdmin, Again::No, "custom control", "custom"),
    row(50_173, Class::RefreshTokenRevoked, Owner::Partner, Again::No, "", "revoked"),
    row(50_176, Class::CapExternalControl, Owner::CustomerAdmin, Again::No, "custom control", "custom"),
    row(50_177, Class::CapExternalControl, Owner::CustomerAdmin, Again::No, "terms of use / custom control", "terms"),
    row(50_178, Class::CapExternalControl, Owner::CustomerAdmin, Again::No, "session control", "session"),
    row(50_187, Class::CapDevice, Owner::CustomerAdmin, Again::No, "device state", "device"),
    row(50_194, Class::RequestBug, Owner::Partner, Again::No, "", "endpoint"),
    row(50_196, Class::Throttled, Owner::Retry, Again::Yes, "", "our loop"),
    row(51_004, Class::RelationshipMissing, Owner::Partner, Again::Fix, "", "no account"),
    row(53_000, Class::CapDevice, Owner::CustomerAdmin, Again::No, "compliant device", "device"),
    row(53_001, Class::CapDevice, Owner::CustomerAdmin, Again::No, "hybrid join", "device"),
    row(53_002, Class::CapAppProtection, Owner::CustomerAdmin, Again::No, "approved client app", "app"),
    row(53_003, Class::CapBlock, Owner::CustomerAdmin, Again::No, "block", "block"),
    row(53_004, Class::MfaRequired, Owner::CustomerAdmin, Again::No, "MFA + risk", "MFA risk"),
    row(53_005, Class::CapAppProtection, Owner::CustomerAdmin, Again::No, "app protection", "app"),
    row(53_009, Class::CapAppProtection, Owner::CustomerAdmin, Again::No, "app protection", "app"),
    row(53_010, Class::MfaRequired, Owner::CustomerAdmin, Again::No, "register security info", "MFA setup"),
    row(53_011, Class::RiskHomeTenant, Owner::Partner, Again::Fix, "", "risk"),
    row(54_005, Class::RequestBug, Owner::Partner, Again::No, "", "code used"),
    row(65_001, Class::ConsentMissing, Owner::Partner, Again::Fix, "", "consent"),
    row(65_002, Class::RequestBug, Owner::Partner, Again::No, "", "own app"),
    row(65_004, Class::ConsentMissing, Owner::Partner, Again::Fix, "", "declined"),
    row(65_005, Class::ConsentMissing, Owner::Partner, Again::Fix, "", "app perms"),
    row(70_000, Class::RefreshTokenInvalid, Owner::Partner, Again::No, "", "bad token"),
    row(70_001, Class::AppMissing, Owner::Partner, Again::Fix, "", "no app"),
    row(70_002, Class::ClientCredential, Owner::Partner, Again::Fix, "", "client"),
    row(70_003, Class::RequestBug, Owner::Partner, Again::No, "", "grant"),
    row(70_008, Class::RefreshTokenExpired, Owner::Partner, Again::No, "", "expired"),
    row(70_011, Class::RequestBug, Owner::Partner, Again::No, "", "scope"),
    row(70_016, Class::DeviceFlowPending, Owner::Retry, Again::Yes, "", "pending"),
    row(70_018, Class::DeviceFlowEnded, Owner::Partner, Again::No, "", "wrong code"),
    row(70_019, Class::DeviceFlowEnded, Owner::Partner, Again::No, "", "expired"),
    row(70_020, Class::DeviceFlowEnded, Owner::Partner, Again::No, "", "expired"),
    row(70_043, Class::CapSignInFrequency, Owner::CustomerAdmin, Again::No, "sign-in frequency", "frequency"),
    row(70_044, Class::CapSignInFrequency, Owner::CustomerAdmin, Again::No, "sign-in frequency", "frequency"),
    row(70_046, Class::CapSignInFrequency, Owner::CustomerAdmin, Again::No, "sign-in frequency or risk", "frequency"),
    row(90_002, Class::TenantUnavailable, Owner::Partner, Again::No, "", "no tenant"),
    row(90_004, Class::RequestBug, Owner::Partner, Again::No, "", "format"),
    row(90_006, Class::Transient, Owner::Retry, Again::Yes, "", "passing"),
    row(90_008, Class::ConsentMissing, Owner::Partner, Again::Fix, "", "consent"),
    row(90_010, Class::RequestBug, Owner::Partner, Again::No, "", "grant"),
    row(90_011, Class::RequestBug, Owner::Partner, Again::No, "", "two apps"),
    row(90_012, Class::Transient, Owner::Retry, Again::Yes, "", "timeout"),
    row(90_013, Class::RequestBug, Owner::Partner, Again::No, "", "input"),
    row(90_014, Class::RequestBug, Owner::Partner, Again::No, "", "field"),
    row(90_019, Class::RequestBug, Owner::Partner, Again::No, "", "no tenant"),
    row(90_023, Class::RequestBug, Owner::Partner, Again::No, "", "request"),
    row(90_024, Class::Transient, Owner::Retry, Again::Yes, "", "passing"),
    row(90_033, Class::Transient, Owner::Retry, Again::Yes, "", "directory"),
    row(90_036, Class::Transient, Owner::Microsoft, Again::Once, "", "directory"),
    row(90_038, Class::WrongCloud, Owner::Partner, Again::No, "", "cloud"),
    row(90_043, Class::WrongCloud, Owner::Partner, Again::No, "", "cloud"),
    row(90_051, Class::WrongCloud, Owner::Partner, Again::No, "", "cloud"),
    row(90_055, Class::Throttled, Owner::Retry, Again::Yes, "", "throttled"),
    row(90_056, Class::RequestBug, Owner::Partner, Again::No, "", "endpoint"),
    row(90_072, Class::RelationshipMissing, Owner::Partner, Again::Fix, "MFA", "GDAP/MFA"),
    row(90_090, Class::Transient, Owner::Retry, Again::Yes, "", "directory"),
    row(90_091, Class::Transient, Owner::Retry, Again::Yes, "", "directory"),
    row(90_093, Class::ConsentMissing, Owner::Partner, Again::Fix, "", "consent"),
    row(90_094, Class::ConsentMissing, Owner::Partner, Again::Fix, "", "consent"),
    row(90_095, Class::ConsentMissing, Owner::CustomerAdmin, Again::Fix, "", "consent"),
    row(90_099, Class::ConsentMissing, Owner::Partner, Again::Fix, "", "consent"),
    row(90_100, Class::RequestBug, Owner::Partner, Again::No, "", "parameter"),
    row(90_120, Class::DeviceFlowEnded, Owner::Partner, Again::No, "", "ended"),
    row(130_004, Class::RefreshTokenInvalid, Owner::Partner, Again::No, "", "key gone"),
    row(130_007, Class::RefreshTokenInvalid, Owner::Partner, Again::No, "", "device"),
    row(130_008, Class::RefreshTokenInvalid, Owner::Partner, Again::No, "", "device"),
    row(135_011, Class::RefreshTokenInvalid, Owner::Partner, Again::No, "", "device"),
    row(230_109, Class::Transient, Owner::Retry, Again::Yes, "", "backup"),
    row(500_011, Class::ResourceMissing, Owner::Partner, Again::Fix, "", "resource"),
    row(500_014, Class::ResourceMissing, Owner::CustomerAdmin, Again::Fix, "", "disabled"),
    row(500_021, Class::CrossTenantPolicy, Owner::Partner, Again::Fix, "tenant restrictions", "proxy"),
    row(500_022, Class::CrossTenantPolicy, Owner::Partner, Again::Fix, "tenant restrictions", "proxy"),
    row(500_133, Class::RequestBug, Owner::Partner, Again::Yes, "", "clock"),
    row(500_207, Class::RequestBug, Owner::Partner, Again::No, "", "account"),
    row(500_208, Class::RelationshipMissing, Owner::Partner, Again::No, "", "domain"),
    row(500_212, Class::CrossTenantPolicy, Owner::Partner, Again::Fix, "cross-tenant settings", "outbound"),
    row(500_213, Class::CrossTenantPolicy, Owner::CustomerAdmin, Again::Fix, "cross-tenant settings", "inbound"),
    row(500_341, Class::ServiceUser, Owner::Partner, Again::Fix, "", "deleted"),
    row(501_481, Class::RequestBug, Owner::Partner, Again::No, "", "PKCE"),
    row(530_002, Class::CapDevice, Owner::CustomerAdmin, Again::No, "compliant device", "device"),
    row(530_003, Class::CapDevice, Owner::CustomerAdmin, Again::No, "compliant or hybrid device", "device"),
    row(530_032, Class::CapBlock, Owner::CustomerAdmin, Again::No, "tenant security policy", "block"),
    row(530_034, Class::RiskHomeTenant, Owner::Partner, Again::No, "", "risk"),
    row(530_035, Class::SecurityDefaults, Owner::CustomerAdmin, Again::No, "security defaults", "defaults"),
    row(530_036, Class::CapAuthFlow, Owner::CustomerAdmin, Again::No, "authentication flows policy", "auth flow"),
    row(530_084, Class::CapTokenProtection, Owner::CustomerAdmin, Again::No, "token protection", "bound"),
    row(650_051, Class::AppMissing, Owner::Retry, Again::Yes, "", "app"),
    row(650_052, Class::ResourceMissing, Owner::CustomerAdmin, Again::Fix, "", "no sub"),
    row(650_054, Class::ResourceMissing, Owner::Partner, Again::Fix, "", "gone"),
    row(650_056, Class::ConsentMissing, Owner::Partner, Again::Fix, "", "consent"),
    row(650_057, Class::ConsentMissing, Owner::Partner, Again::Fix, "", "resource"),
    row(650_059, Class::AppMissing, Owner::Partner, Again::Fix, "", "1 tenant"),
    row(700_003, Class::RefreshTokenInvalid, Owner::Partner, Again::No, "", "device"),
    row(700_005, Class::RequestBug, Owner::Partner, Again::No, "", "tenant"),
    row(700_007, Class::RefreshTokenInvalid, Owner::Partner, Again::No, "", "other app"),
    row(700_011, Class::AppMissing, Owner::Partner, Again::Fix, "", "no app"),
    row(700_016, Class::AppMissing, Owner::Partner, Again::Fix, "", "no app"),
    row(700_020, Class::InteractionRequiredUnknown, Owner::Partner, Again::No, "", "person"),
    row(700_022, Class::RequestBug, Owner::Partner, Again::No, "", "scope"),
    row(700_023, Class::RequestBug, Owner::Partner, Again::No, "", "scope"),
    row(700_024, Class::ClientCredential, Owner::Partner, Again::Yes, "", "clock"),
    row(700_025, Class::ClientCredential, Owner::Partner, Again::No, "", "public"),
    row(700_027, Class::ClientCredential, Owner::Partner, Again::Fix, "", "cert"),
    row(700_030, Class::ClientCredential, Owner::Partner, Again::Fix, "", "cert"),
    row(700_082, Class::RefreshTokenExpired, Owner::Partner, Again::No, "", "expired"),
    row(700_084, Class::RefreshTokenExpired, Owner::Partner, Again::No, "", "SPA 24h"),
    row(900_023, Class::TenantUnavailable, Owner::Partner, Again::No, "", "bad id"),
    row(900_144, Class::RequestBug, Owner::Partner, Again::No, "", "field"),
    row(900_382, Class::WrongCloud, Owner::Partner, Again::No, "", "cloud"),
    row(900_432, Class::WrongCloud, Owner::Partner, Again::No, "", "cloud"),
    row(900_561, Class::RequestBug, Owner::Partner, Again::No, "", "GET"),
    row(901_002, Class::RequestBug, Owner::Partner, Again::No, "", "resource"),
    row(1_000_031, Class::AppMissing, Owner::Microsoft, Again::Fix, "", "app"),
    row(1_000_104, Class::WrongCloud, Owner::Partner, Again::No, "", "cloud"),
    row(1_000_502, Class::ClientCredential, Owner::Partner, Again::Fix, "", "cert"),
    row(5_000_224, Class::TenantUnavailable, Owner::Microsoft, Again::No, "", "blocked"),
    row(5_002_738, Class::ClientCredential, Owner::Partner, Again::No, "", "alg"),
    row(7_000_112, Class::AppMissing, Owner::CustomerAdmin, Again::Fix, "", "app off"),
    row(7_000_214, Class::ClientCredential, Owner::Partner, Again::Fix, "", "cert"),
    row(7_000_215, Class::ClientCredential, Owner::Partner, Again::Fix, "", "secret"),
    row(7_000_218, Class::ClientCredential, Owner::Partner, Again::No, "", "none"),
    row(7_000_222, Class::ClientCredential, Owner::Partner, Again::Fix, "", "expired"),
    row(7_000_229, Class::AppMissing, Owner::Partner, Again::Fix, "", "no app"),
    row(7_000_274, Class::ClientCredential, Owner::Partner, Again::Fix, "", "cert"),
    row(7_000_277, Class::ClientCredential, Owner::Partner, Again::Fix, "", "cert"),
    row(9_001_023, Class::RequestBug, Owner::Partner, Again::No, "", "endpoint"),
    row(9_002_313, Class::RequestBug, Owner::Partner, Again::No, "", "damaged"),
    row(9_002_327, Class::RequestBug, Owner::Partner, Again::No, "", "SPA"),
    row(9_002_341, Class::ConsentMissing, Owner::Partner, Again::Fix, "", "consent"),
];

/// Every known number of Partner Center, sorted. Its tenant is always the partner's.
#[rustfmt::skip]
pub const PARTNER_CENTER: &[Code] = &[
    row(1000, Class::TenantUnavailable, Owner::Partner, Again::No, "", "not found"),
    row(1002, Class::PartnerCenterForbidden, Owner::Partner, Again::Fix, "", "role"),
    row(2032, Class::PartnerCenterForbidden, Owner::Partner, Again::Fix, "", "role"),
    row(3000, Class::PartnerCenterForbidden, Owner::Partner, Again::Fix, "", "partner"),
    row(20_002, Class::PartnerCenterForbidden, Owner::Partner, Again::Fix, "", "no tie"),
    row(60_003, Class::TenantUnavailable, Owner::Partner, Again::No, "", "no tenant"),
    row(90_000, Class::RequestBug, Owner::Partner, Again::No, "", "token"),
    row(600_006, Class::PartnerCenterForbidden, Owner::Partner, Again::Fix, "", "role"),
    row(800_003, Class::Transient, Owner::Retry, Again::Yes, "", "fault"),
    row(900_150, Class::PartnerCenterForbidden, Owner::Partner, Again::Fix, "", "role"),
    row(900_308, Class::PartnerCenterForbidden, Owner::Partner, Again::Fix, "", "role"),
    row(OWN_POLICY, Class::PartnerCenterForbidden, Owner::Partner, Again::Fix, "our own tenant's policy", "policy"),
    row(900_316, Class::RequestBug, Owner::Partner, Again::No, "", "token"),
    row(900_329, Class::PartnerCenterForbidden, Owner::Partner, Again::Fix, "", "app-only"),
    row(900_420, Class::RequestBug, Owner::Partner, Again::No, "", "audience"),
    row(900_421, Class::PartnerCenterMfa, Owner::Partner, Again::Fix, "", "MFA"),
];

/// The number by which Partner Center says that a Conditional Access policy refuses.
pub(super) const OWN_POLICY: u32 = 900_309;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_found_in() {
        assert!(CODES.is_sorted_by(|a, b| a.number < b.number));
        for code in CODES {
            assert_eq!(Code::find(code.number), Some(code));
        }
        assert_eq!(Code::find(1), None);
        assert!(PARTNER_CENTER.is_sorted_by(|a, b| a.number < b.number));
        for code in PARTNER_CENTER {
            assert_eq!(Code::find(code.number), None, "no number means two things");
        }
    }

    #[test]
    fn number_and_word_fit_a_column() {
        for code in CODES.iter().chain(PARTNER_CENTER) {
            let width = code.number.to_string().len() + 1 + code.short.len();
            assert!(!code.short.is_empty() && code.short.is_ascii() && width <= 16, "{}", code.number);
        }
    }

    #[test]
    fn a_control_is_named_only_where_a_policy_can_be_behind_it() {
        for code in CODES.iter().filter(|code| !code.control.is_empty()) {
            let policy = code.class.is_policy()
                || matches!(code.class, Class::CrossTenantPolicy | Class::Transient | Class::RelationshipMissing);
            assert!(policy, "{}: {}", code.number, code.control);
        }
    }
}
