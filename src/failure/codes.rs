use super::{Again, Class, Owner};

/// What a number of Entra means (reference on Entra, section 6). All of it may change at any time on Microsoft's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// The digits after `AADSTS`.
    pub number: u32,
    /// What kind of refusal.
    pub class: Class,
    /// Who acts first when a customer's tenant says it.
    pub owner: Owner,
    /// Whether asking again can help.
    pub again: Again,
    /// Which control of a policy it is; empty if it is none or not known.
    pub control: &'static str,
}

const fn row(number: u32, class: Class, owner: Owner, again: Again, control: &'static str) -> Code {
    Code { number, class, owner, again, control }
}

/// Numbers that say little: a more specific one anywhere in the answer, or a telling suberror, goes before them.
const GENERIC: [u32; 4] = [70_000, 70_002, 50_131, 90_010];

impl Code {
    /// What is known of a number.
    pub fn find(number: u32) -> Option<&'static Code> {
        let at = CODES.binary_search_by_key(&number, |code| code.number).ok()?;
        CODES.get(at)
    }

    /// Whether it says little.
    pub fn is_generic(&self) -> bool {
        GENERIC.contains(&self.number)
    }
}

/// Every known number, sorted.
#[rustfmt::skip]
pub const CODES: &[Code] = &[
    row(16_000, Class::RelationshipMissing, Owner::Partner, Again::Fix, ""),
    row(16_003, Class::RelationshipMissing, Owner::Partner, Again::Fix, ""),
    row(28_002, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(28_003, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(50_000, Class::Transient, Owner::Microsoft, Again::Once, ""),
    row(50_001, Class::ResourceMissing, Owner::Partner, Again::Fix, ""),
    row(50_002, Class::CrossTenantPolicy, Owner::Partner, Again::Fix, "tenant restrictions"),
    row(50_005, Class::CapDevice, Owner::CustomerAdmin, Again::No, "device platform"),
    row(50_011, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(50_012, Class::ClientCredential, Owner::Partner, Again::Fix, ""),
    row(50_013, Class::ClientCredential, Owner::Partner, Again::Fix, ""),
    row(50_014, Class::RelationshipMissing, Owner::CustomerAdmin, Again::Fix, ""),
    row(50_020, Class::RelationshipMissing, Owner::Partner, Again::Fix, ""),
    row(50_027, Class::ClientCredential, Owner::Partner, Again::Fix, ""),
    row(50_033, Class::Transient, Owner::Retry, Again::Yes, ""),
    row(50_034, Class::RelationshipMissing, Owner::Partner, Again::Fix, ""),
    row(50_048, Class::ClientCredential, Owner::Partner, Again::No, ""),
    row(50_053, Class::ServiceUser, Owner::Partner, Again::Fix, ""),
    row(50_055, Class::ServiceUser, Owner::Partner, Again::Fix, ""),
    row(50_056, Class::ServiceUser, Owner::Partner, Again::Fix, ""),
    row(50_057, Class::ServiceUser, Owner::Partner, Again::Fix, ""),
    row(50_058, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(50_059, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(50_064, Class::ServiceUser, Owner::Partner, Again::Fix, ""),
    row(50_072, Class::MfaRequired, Owner::CustomerAdmin, Again::No, "MFA"),
    row(50_074, Class::MfaRequired, Owner::CustomerAdmin, Again::No, "MFA / authentication strength"),
    row(50_076, Class::MfaRequired, Owner::CustomerAdmin, Again::No, "MFA / security defaults"),
    row(50_078, Class::MfaRequired, Owner::CustomerAdmin, Again::No, "MFA age / sign-in frequency"),
    row(50_079, Class::MfaRequired, Owner::CustomerAdmin, Again::No, "MFA"),
    row(50_085, Class::RefreshTokenInvalid, Owner::Partner, Again::No, ""),
    row(50_087, Class::Transient, Owner::Retry, Again::Yes, ""),
    row(50_088, Class::Throttled, Owner::Retry, Again::Yes, ""),
    row(50_089, Class::RefreshTokenExpired, Owner::Partner, Again::No, ""),
    row(50_097, Class::CapDevice, Owner::CustomerAdmin, Again::No, "device state"),
    row(50_105, Class::AssignmentMissing, Owner::CustomerAdmin, Again::Fix, ""),
    row(50_125, Class::ServiceUser, Owner::Partner, Again::Fix, ""),
    row(50_126, Class::ServiceUser, Owner::Partner, Again::Fix, ""),
    row(50_127, Class::CapAppProtection, Owner::CustomerAdmin, Again::No, "app protection"),
    row(50_128, Class::TenantUnavailable, Owner::Partner, Again::No, ""),
    row(50_129, Class::CapDevice, Owner::CustomerAdmin, Again::No, "registered device"),
    row(50_131, Class::CapBlock, Owner::CustomerAdmin, Again::No, ""),
    row(50_132, Class::RefreshTokenRevoked, Owner::Partner, Again::No, ""),
    row(50_133, Class::RefreshTokenRevoked, Owner::Partner, Again::No, ""),
    row(50_134, Class::DeviceFlowEnded, Owner::Partner, Again::No, ""),
    row(50_135, Class::RiskHomeTenant, Owner::Partner, Again::Fix, ""),
    row(50_137, Class::ServiceUser, Owner::Partner, Again::Fix, ""),
    row(50_142, Class::CapBlock, Owner::CustomerAdmin, Again::No, "require password change"),
    row(50_144, Class::ServiceUser, Owner::Partner, Again::Fix, ""),
    row(50_155, Class::CapDevice, Owner::CustomerAdmin, Again::No, "device state"),
    row(50_158, Class::CapExternalControl, Owner::CustomerAdmin, Again::No, "terms of use / custom control"),
    row(50_159, Class::CapExternalControl, Owner::CustomerAdmin, Again::No, "custom control / external MFA"),
    row(50_161, Class::CapExternalControl, Owner::CustomerAdmin, Again::No, "custom control"),
    row(50_166, Class::Transient, Owner::Retry, Again::Yes, "custom control"),
    row(50_170, Class::CapExternalControl, Owner::CustomerAdmin, Again::No, "custom control"),
    row(50_172, Class::CapExternalControl, Owner::CustomerAdmin, Again::No, "custom control"),
    row(50_173, Class::RefreshTokenRevoked, Owner::Partner, Again::No, ""),
    row(50_176, Class::CapExternalControl, Owner::CustomerAdmin, Again::No, "custom control"),
    row(50_177, Class::CapExternalControl, Owner::CustomerAdmin, Again::No, "terms of use / custom control"),
    row(50_178, Class::CapExternalControl, Owner::CustomerAdmin, Again::No, "session control"),
    row(50_187, Class::CapDevice, Owner::CustomerAdmin, Again::No, "device state"),
    row(50_194, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(50_196, Class::Throttled, Owner::Retry, Again::Yes, ""),
    row(51_004, Class::RelationshipMissing, Owner::Partner, Again::Fix, ""),
    row(53_000, Class::CapDevice, Owner::CustomerAdmin, Again::No, "compliant device"),
    row(53_001, Class::CapDevice, Owner::CustomerAdmin, Again::No, "hybrid join"),
    row(53_002, Class::CapAppProtection, Owner::CustomerAdmin, Again::No, "approved client app"),
    row(53_003, Class::CapBlock, Owner::CustomerAdmin, Again::No, "block"),
    row(53_004, Class::MfaRequired, Owner::CustomerAdmin, Again::No, "MFA + risk"),
    row(53_005, Class::CapAppProtection, Owner::CustomerAdmin, Again::No, "app protection"),
    row(53_009, Class::CapAppProtection, Owner::CustomerAdmin, Again::No, "app protection"),
    row(53_010, Class::MfaRequired, Owner::CustomerAdmin, Again::No, "register security info"),
    row(53_011, Class::RiskHomeTenant, Owner::Partner, Again::Fix, ""),
    row(54_005, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(65_001, Class::ConsentMissing, Owner::Partner, Again::Fix, ""),
    row(65_002, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(65_004, Class::ConsentMissing, Owner::Partner, Again::Fix, ""),
    row(65_005, Class::ConsentMissing, Owner::Partner, Again::Fix, ""),
    row(70_000, Class::RefreshTokenInvalid, Owner::Partner, Again::No, ""),
    row(70_001, Class::AppMissing, Owner::Partner, Again::Fix, ""),
    row(70_002, Class::ClientCredential, Owner::Partner, Again::Fix, ""),
    row(70_003, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(70_008, Class::RefreshTokenExpired, Owner::Partner, Again::No, ""),
    row(70_011, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(70_016, Class::DeviceFlowPending, Owner::Retry, Again::Yes, ""),
    row(70_018, Class::DeviceFlowEnded, Owner::Partner, Again::No, ""),
    row(70_019, Class::DeviceFlowEnded, Owner::Partner, Again::No, ""),
    row(70_020, Class::DeviceFlowEnded, Owner::Partner, Again::No, ""),
    row(70_043, Class::CapSignInFrequency, Owner::CustomerAdmin, Again::No, "sign-in frequency"),
    row(70_044, Class::CapSignInFrequency, Owner::CustomerAdmin, Again::No, "sign-in frequency"),
    row(70_046, Class::CapSignInFrequency, Owner::CustomerAdmin, Again::No, "sign-in frequency or risk"),
    row(90_002, Class::TenantUnavailable, Owner::Partner, Again::No, ""),
    row(90_004, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(90_006, Class::Transient, Owner::Retry, Again::Yes, ""),
    row(90_008, Class::ConsentMissing, Owner::Partner, Again::Fix, ""),
    row(90_010, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(90_011, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(90_012, Class::Transient, Owner::Retry, Again::Yes, ""),
    row(90_013, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(90_014, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(90_019, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(90_023, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(90_024, Class::Transient, Owner::Retry, Again::Yes, ""),
    row(90_033, Class::Transient, Owner::Retry, Again::Yes, ""),
    row(90_036, Class::Transient, Owner::Microsoft, Again::Once, ""),
    row(90_038, Class::WrongCloud, Owner::Partner, Again::No, ""),
    row(90_043, Class::WrongCloud, Owner::Partner, Again::No, ""),
    row(90_051, Class::WrongCloud, Owner::Partner, Again::No, ""),
    row(90_055, Class::Throttled, Owner::Retry, Again::Yes, ""),
    row(90_056, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(90_072, Class::RelationshipMissing, Owner::Partner, Again::Fix, "MFA"),
    row(90_090, Class::Transient, Owner::Retry, Again::Yes, ""),
    row(90_091, Class::Transient, Owner::Retry, Again::Yes, ""),
    row(90_093, Class::ConsentMissing, Owner::Partner, Again::Fix, ""),
    row(90_094, Class::ConsentMissing, Owner::Partner, Again::Fix, ""),
    row(90_095, Class::ConsentMissing, Owner::CustomerAdmin, Again::Fix, ""),
    row(90_099, Class::ConsentMissing, Owner::Partner, Again::Fix, ""),
    row(90_100, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(90_120, Class::DeviceFlowEnded, Owner::Partner, Again::No, ""),
    row(130_004, Class::RefreshTokenInvalid, Owner::Partner, Again::No, ""),
    row(130_007, Class::RefreshTokenInvalid, Owner::Partner, Again::No, ""),
    row(130_008, Class::RefreshTokenInvalid, Owner::Partner, Again::No, ""),
    row(135_011, Class::RefreshTokenInvalid, Owner::Partner, Again::No, ""),
    row(230_109, Class::Transient, Owner::Retry, Again::Yes, ""),
    row(500_011, Class::ResourceMissing, Owner::Partner, Again::Fix, ""),
    row(500_014, Class::ResourceMissing, Owner::CustomerAdmin, Again::Fix, ""),
    row(500_021, Class::CrossTenantPolicy, Owner::Partner, Again::Fix, "tenant restrictions"),
    row(500_022, Class::CrossTenantPolicy, Owner::Partner, Again::Fix, "tenant restrictions"),
    row(500_133, Class::RequestBug, Owner::Partner, Again::Yes, ""),
    row(500_207, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(500_208, Class::RelationshipMissing, Owner::Partner, Again::No, ""),
    row(500_212, Class::CrossTenantPolicy, Owner::Partner, Again::Fix, "cross-tenant settings"),
    row(500_213, Class::CrossTenantPolicy, Owner::CustomerAdmin, Again::Fix, "cross-tenant settings"),
    row(500_341, Class::ServiceUser, Owner::Partner, Again::Fix, ""),
    row(501_481, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(530_002, Class::CapDevice, Owner::CustomerAdmin, Again::No, "compliant device"),
    row(530_003, Class::CapDevice, Owner::CustomerAdmin, Again::No, "compliant or hybrid device"),
    row(530_032, Class::CapBlock, Owner::CustomerAdmin, Again::No, "tenant security policy"),
    row(530_034, Class::RiskHomeTenant, Owner::Partner, Again::No, ""),
    row(530_035, Class::SecurityDefaults, Owner::CustomerAdmin, Again::No, "security defaults"),
    row(530_036, Class::CapAuthFlow, Owner::CustomerAdmin, Again::No, "authentication flows policy"),
    row(530_084, Class::CapTokenProtection, Owner::CustomerAdmin, Again::No, "token protection"),
    row(650_051, Class::AppMissing, Owner::Retry, Again::Yes, ""),
    row(650_052, Class::ResourceMissing, Owner::CustomerAdmin, Again::Fix, ""),
    row(650_054, Class::ResourceMissing, Owner::Partner, Again::Fix, ""),
    row(650_056, Class::ConsentMissing, Owner::Partner, Again::Fix, ""),
    row(650_057, Class::ConsentMissing, Owner::Partner, Again::Fix, ""),
    row(650_059, Class::AppMissing, Owner::Partner, Again::Fix, ""),
    row(700_003, Class::RefreshTokenInvalid, Owner::Partner, Again::No, ""),
    row(700_005, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(700_007, Class::RefreshTokenInvalid, Owner::Partner, Again::No, ""),
    row(700_011, Class::AppMissing, Owner::Partner, Again::Fix, ""),
    row(700_016, Class::AppMissing, Owner::Partner, Again::Fix, ""),
    row(700_020, Class::InteractionRequiredUnknown, Owner::Partner, Again::No, ""),
    row(700_022, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(700_023, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(700_024, Class::ClientCredential, Owner::Partner, Again::Yes, ""),
    row(700_025, Class::ClientCredential, Owner::Partner, Again::No, ""),
    row(700_027, Class::ClientCredential, Owner::Partner, Again::Fix, ""),
    row(700_030, Class::ClientCredential, Owner::Partner, Again::Fix, ""),
    row(700_082, Class::RefreshTokenExpired, Owner::Partner, Again::No, ""),
    row(700_084, Class::RefreshTokenExpired, Owner::Partner, Again::No, ""),
    row(900_023, Class::TenantUnavailable, Owner::Partner, Again::No, ""),
    row(900_144, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(900_382, Class::WrongCloud, Owner::Partner, Again::No, ""),
    row(900_432, Class::WrongCloud, Owner::Partner, Again::No, ""),
    row(900_561, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(901_002, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(1_000_031, Class::AppMissing, Owner::Microsoft, Again::Fix, ""),
    row(1_000_104, Class::WrongCloud, Owner::Partner, Again::No, ""),
    row(1_000_502, Class::ClientCredential, Owner::Partner, Again::Fix, ""),
    row(5_000_224, Class::TenantUnavailable, Owner::Microsoft, Again::No, ""),
    row(5_002_738, Class::ClientCredential, Owner::Partner, Again::No, ""),
    row(7_000_112, Class::AppMissing, Owner::CustomerAdmin, Again::Fix, ""),
    row(7_000_214, Class::ClientCredential, Owner::Partner, Again::Fix, ""),
    row(7_000_215, Class::ClientCredential, Owner::Partner, Again::Fix, ""),
    row(7_000_218, Class::ClientCredential, Owner::Partner, Again::No, ""),
    row(7_000_222, Class::ClientCredential, Owner::Partner, Again::Fix, ""),
    row(7_000_229, Class::AppMissing, Owner::Partner, Again::Fix, ""),
    row(7_000_274, Class::ClientCredential, Owner::Partner, Again::Fix, ""),
    row(7_000_277, Class::ClientCredential, Owner::Partner, Again::Fix, ""),
    row(9_001_023, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(9_002_313, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(9_002_327, Class::RequestBug, Owner::Partner, Again::No, ""),
    row(9_002_341, Class::ConsentMissing, Owner::Partner, Again::Fix, ""),
];

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
