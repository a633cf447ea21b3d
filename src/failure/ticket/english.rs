//! English. Names of menus, tabs and filters are those of the Microsoft Entra admin center.

use super::letter::Words;
use super::{Ask, Demand};

pub(super) const WORDS: Words = Words {
    subject,
    hello: "Hello,",
    we: [
        "As your Microsoft partner, {partner} regularly reads the users and the license counts of your tenant \
         (license import).",
        "As your Microsoft partner, we regularly read the users and the license counts of your tenant (license \
         import).",
    ],
    refused: [
        "Since {since}, this import has not been able to sign in to {tenant}.",
        "At present, this import cannot sign in to {tenant}.",
    ],
    unread: [
        "Since {since}, this import has been able to sign in to {tenant}, but Microsoft Graph refuses it access to \
         data.",
        "At present, this import can sign in to {tenant}, but Microsoft Graph refuses it access to data.",
    ],
    tries: ["So far, one attempt has been refused.", "So far, {tries} attempts in a row have been refused."],
    tenant: ["your tenant ({customer})", "your tenant"],
    organization: ["{id} (our tenant id)", "our organization (we will gladly send you its tenant id)"],
    our_app: "our app",
    our_account: "our service account",
    cause,

    named: [
        "Microsoft's answer names this policy (its id only; we do not know its name):",
        "Microsoft's answer names these policies (ids only; we do not know their names):",
    ],
    by_id: "In the Microsoft Entra admin center, under Conditional Access > Policies, the id of a policy is part \
            of the address of its page.",
    unnamed: "Microsoft's answer names no policy. Your log shows which one it was: Microsoft Entra admin center > \
              Sign-in logs > User sign-ins (non-interactive), filtered by:",
    filter_kind: "Cross tenant access type \"Service provider\", Status \"Failure\"",
    look: "Open the entry: its tab Conditional Access lists every policy and shows which one failed.",

    exclude: [
        "Please add this exclusion to the policy:",
        "Please add this exclusion to each of these policies:",
        "Please add this exclusion to each policy that failed:",
        "If a policy failed there, please add this exclusion to it:",
    ],
    exclusion: &[
        "Users > Exclude > Guest or external users > Service provider users",
        "Specify external Microsoft Entra organizations > Select > {organization}",
        "Please keep all exclusions that exist and only add this one.",
        "Before you save, please test with What If: same user type (Service provider users), same organization.",
    ],
    managed: "If a policy that Microsoft manages does not offer this choice, please make a copy of it with the \
              exclusion, watch the copy in report-only mode first, and then use it instead.",
    or_trust: "Alternatively, your tenant can trust the MFA of our tenant:",
    trust: &[
        "External Identities > Cross-tenant access settings > Organizational settings",
        "Add, if not listed yet: {organization}",
        "Inbound access > Trust settings: trust multifactor authentication from Microsoft Entra tenants",
    ],
    no_policies: "Without Microsoft Entra ID P1 a tenant has no policies of its own. Then security defaults or \
                  per-user MFA demand it, and the alternative is the way.",
    ways: [
        "First way: your tenant trusts the MFA of our tenant.",
        "Second way (needs Microsoft Entra ID P1): Conditional Access policies replace the security defaults. In \
         each policy:",
    ],
    please: "We kindly ask you to do the following:",
    steps,
    role: "This requires the role \"{role}\".",
    opens: "This admits only users of one tenant of ours, and only within the roles that you have granted us \
            (GDAP). In our own tenant they sign in with MFA.",
    after: "A change takes effect within a few minutes. There is nothing else for you to do: our import runs again \
            by itself. It only reads; it changes nothing in your tenant.",

    facts: "Details of the last refusal:",
    colon: ": ",
    code: "Code",
    answer: "Answer",
    time: "Time (UTC)",
    correlation: "Correlation ID",
    trace: "Request ID (trace id)",
    policy: "Policy ID",
    account: "User",
    app: "Application",
    app_id: "Application ID",
    us: "Our organization",
    our_tenant: "Our tenant ID",
    address: "Our IP address",
    regards: "Kind regards",
};

/// Where our GDAP request is found.
const LINK: &str = "Please open the link of our GDAP request, which you receive from us, or Microsoft 365 admin \
                    center > Settings > Partner relationships.";

/// What it asks for.
const APPROVE: &str = "Please approve the request. It asks for the role \"Directory Readers\", which only reads. A \
                       request lapses after 90 days.";

const fn subject(ask: Ask) -> &'static str {
    match ask {
        Ask::Exclude(Demand::Mfa | Demand::MfaAge) => "License import blocked by an MFA requirement",
        Ask::Exclude(Demand::Unsaid | Demand::Probable) => "License import cannot sign in",
        Ask::Exclude(
            Demand::Block
            | Demand::Password
            | Demand::Device
            | Demand::App
            | Demand::Binding
            | Demand::Flow
            | Demand::External
            | Demand::Age
            | Demand::Location,
        ) => "License import blocked by Conditional Access",
        Ask::Defaults => "License import blocked by security defaults",
        Ask::Inbound => "License import blocked by cross-tenant access",
        Ask::Assignment => "License import blocked: app assignment required",
        Ask::Disabled => "License import: our app is disabled",
        Ask::Consent => "License import: consent to our app is missing",
        Ask::Resource => "License import: Microsoft Graph is not available",
        Ask::Guest => "License import: a guest account is in the way",
        Ask::Relationship => "License import: please approve our GDAP request",
        Ask::Role => "License import: a GDAP role is missing",
    }
}

const fn cause(ask: Ask) -> &'static str {
    match ask {
        Ask::Exclude(demand) => match demand {
            Demand::Block => "A Conditional Access policy of your tenant blocks this sign-in.",
            Demand::Probable => {
                "Most likely a Conditional Access policy of your tenant refuses this sign-in; Microsoft's answer \
                 carries a number that is not documented."
            }
            Demand::Password => {
                "A Conditional Access policy of your tenant demands a new password. Our account cannot change its \
                 password in another tenant."
            }
            Demand::Device => {
                "A Conditional Access policy of your tenant demands a known device (compliant, joined or \
                 registered). Our import is a service and has no such device."
            }
            Demand::App => {
                "A Conditional Access policy of your tenant demands an approved or protected app. Our import is a \
                 service and cannot meet this."
            }
            Demand::Binding => {
                "A Conditional Access policy of your tenant demands tokens that are bound to a device (token \
                 protection). Our import is a service and has no such device."
            }
            Demand::Flow => {
                "A Conditional Access policy of your tenant refuses sign-ins that began with a device code \
                 (authentication flows)."
            }
            Demand::External => {
                "A Conditional Access policy of your tenant demands terms of use, a custom control or a session \
                 control. Accounts of a service provider cannot meet these in a customer's tenant."
            }
            Demand::Age => {
                "A Conditional Access policy of your tenant demands a more recent sign-in (sign-in frequency). Our \
                 import works unattended with a stored sign-in; a new one would help only until it is too old \
                 again."
            }
            Demand::Mfa => {
                "Your tenant demands multifactor authentication (MFA) for this sign-in. Our account does MFA in \
                 our own tenant, which yours does not accept at present."
            }
            Demand::MfaAge => {
                "Your tenant demands a more recent multifactor authentication (MFA) than that of our account. A \
                 new one would help only until it is too old again."
            }
            Demand::Location => {
                "A Conditional Access policy of your tenant does not accept the network address from which our \
                 import works."
            }
            Demand::Unsaid => {
                "Microsoft's answer demands that a person signs in and gives no reason. Often a Conditional Access \
                 policy is behind it."
            }
        },
        Ask::Defaults => {
            "The security defaults of your tenant refuse this sign-in. They know no exclusions, so there are two ways."
        }
        Ask::Inbound => "The cross-tenant access settings of your tenant (inbound access) do not admit our account.",
        Ask::Assignment => {
            "Your tenant demands that accounts are assigned to our app, and ours is not. Conditional Access is not \
             the cause."
        }
        Ask::Disabled => "Our app is disabled in your tenant.",
        Ask::Consent => "Our app lacks consent in your tenant, wholly or in part.",
        Ask::Resource => {
            "The service that our app reads (Microsoft Graph) is disabled in your tenant or has no active \
             subscription there."
        }
        Ask::Guest => {
            "Our account exists in your tenant as a guest who never accepted the invitation. That guest is in the \
             way of the partner relationship (GDAP)."
        }
        Ask::Relationship => {
            "By Microsoft's answer, our account has no rights in your tenant. As a rule, the partner relationship \
             (GDAP) with us is missing or has expired."
        }
        Ask::Role => {
            "It is not a matter of a policy: our account lacks a role of the partner relationship (GDAP) in your \
             tenant."
        }
    }
}

const fn steps(ask: Ask) -> &'static [&'static str] {
    match ask {
        Ask::Exclude(_) | Ask::Defaults => WORDS.exclusion,
        Ask::Inbound => &[
            "Microsoft Entra admin center > External Identities > Cross-tenant access settings > Organizational \
             settings",
            "Add, if not listed yet: {organization}",
            "Inbound access: please allow our users to use {app}.",
        ],
        Ask::Assignment => &[
            "Microsoft Entra admin center > Enterprise applications > {app}",
            "Properties > Assignment required? > No",
            "Save",
        ],
        Ask::Disabled => &[
            "Microsoft Entra admin center > Enterprise applications > {app}",
            "Properties > Enabled for users to sign-in? > Yes",
            "Save",
        ],
        Ask::Consent => &[
            "Microsoft Entra admin center > Enterprise applications > {app}",
            "Permissions > Grant admin consent. All permissions are delegated and read-only. If the app is not \
             listed, please tell us; we will then set it up from our side.",
            "Users: if {account} exists there as a guest, please delete that guest. Our account needs none.",
        ],
        Ask::Resource => &[
            "Microsoft Entra admin center > Enterprise applications, filter Application type \"Microsoft \
             Applications\" > Microsoft Graph",
            "Properties > Enabled for users to sign-in? > Yes",
            "If your subscriptions have ended on purpose, please tell us; we will then stop the import.",
        ],
        Ask::Guest => &[
            "Microsoft Entra admin center > Users, filter User type \"Guest\" > {account}",
            "Please delete this guest. Our account works in your tenant through the partner relationship and needs \
             none.",
        ],
        Ask::Relationship => &[
            LINK,
            APPROVE,
            "Users: if {account} exists there as a guest, please delete that guest. Our account needs none.",
        ],
        Ask::Role => &[LINK, APPROVE],
    }
}
