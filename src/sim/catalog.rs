//! The products that made-up customers buy: Microsoft's public ids of SKUs and service plans.

use uuid::Uuid;

use super::chance;

/// A part of a product that can be switched off for a person.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    /// Holds for the company as a whole, not for a person.
    pub(crate) company: bool,
}

/// A product.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Product {
    pub(crate) part: &'static str,
    /// As it is offered.
    pub(crate) name: &'static str,
    pub(crate) id: &'static str,
    /// A suite: nobody holds two of them.
    pub(crate) suite: bool,
    pub(crate) plans: &'static [Plan],
}

const fn plan(id: &'static str, name: &'static str) -> Plan {
    Plan { id, name, company: false }
}

const fn company(id: &'static str, name: &'static str) -> Plan {
    Plan { id, name, company: true }
}

const EXCHANGE_2: Plan = plan("efb87545-963c-4e0d-99df-69c6916d9eb0", "EXCHANGE_S_ENTERPRISE");
const EXCHANGE_1: Plan = plan("9aaf7827-d63c-4b61-89c3-182f06f82e5c", "EXCHANGE_S_STANDARD");
const EXCHANGE_K: Plan = plan("4a82b400-a79f-41a4-b4e2-e94f5787b113", "EXCHANGE_S_DESKLESS");
const EXCHANGE_0: Plan = company("113feb6c-3fe4-4440-bddc-54d774bf0318", "EXCHANGE_S_FOUNDATION");
const SHAREPOINT_2: Plan = plan("5dbe027f-2339-4123-9542-606e4d348a72", "SHAREPOINTENTERPRISE");
const SHAREPOINT_1: Plan = plan("c7699d2e-19aa-44de-8edf-1736da088ca1", "SHAREPOINTSTANDARD");
const SHAREPOINT_K: Plan = plan("902b47e5-dcb2-4fdc-858b-c63a90a2bdb9", "SHAREPOINTDESKLESS");
const TEAMS: Plan = plan("57ff2da0-773e-42df-b2af-ffb7a2317929", "TEAMS1");
const APPS: Plan = plan("43de0ff5-c92c-492b-9116-175376d08c38", "OFFICESUBSCRIPTION");
const APPS_SMALL: Plan = plan("094e7854-93fc-4d55-b2c0-3ab5369ebdc1", "OFFICE_BUSINESS");
const ENTRA_P1: Plan = plan("41781fb2-bc02-4b7c-bd55-b576c07bb09d", "AAD_PREMIUM");
const ENTRA_P2: Plan = plan("eec0eb4f-6444-4f95-aba0-50c24d67f998", "AAD_PREMIUM_P2");
const INTUNE: Plan = plan("c1ec4a95-1f05-45b3-a911-aa3fa01094f5", "INTUNE_A");
const MFA: Plan = plan("8a256a2b-b617-496d-b51b-e76466e88db0", "MFA_PREMIUM");
const RIGHTS: Plan = plan("bea4c11e-220a-4e6d-8eb8-8ea15d019f90", "RMS_S_ENTERPRISE");
const SWAY: Plan = plan("a23b959c-7ce8-4e57-9140-b90eb88a9e97", "SWAY");
const YAMMER: Plan = plan("7547a3fe-08ee-4ccb-b430-5077c5041653", "YAMMER_ENTERPRISE");
const FORMS: Plan = plan("2789c901-c14e-48ab-a76a-be334d9d793a", "FORMS_PLAN_E3");
const PLANNER: Plan = plan("b737dad2-2f6c-4c65-90e3-ca563267e8b9", "PROJECTWORKMANAGEMENT");
const FLOW: Plan = plan("76846ad7-7776-4c40-a281-a386362dd1b9", "FLOW_O365_P2");
const POWERAPPS: Plan = plan("c68f8d98-5534-41c8-bf36-22fa496fa792", "POWERAPPS_O365_P2");
const PHONE: Plan = plan("4828c8ec-dc2e-4779-b502-87ac9ce28ab7", "MCOEV");
const CONFERENCING: Plan = plan("3e26ee1f-8a5f-4d52-aee2-b81ce45c8f40", "MCOMEETADV");
const WINDOWS: Plan = plan("21b439ba-a0ca-424f-a6cc-52f954a5b111", "WIN10_PRO_ENT_SUB");
const DEFENDER: Plan = plan("f20fedf3-f3c3-43c3-8267-2bfdd51c0939", "ATP_ENTERPRISE");
const ENDPOINT: Plan = plan("871d91ec-ec1a-452b-a83f-bd76c7d770ef", "WINDEFATP");
const BI_PRO: Plan = plan("70d33638-9c74-4d01-bfd3-562de28bd4ba", "BI_AZURE_P2");
const BI_FREE: Plan = plan("2049e525-b859-401b-b2a0-e0a31c4b1fe4", "BI_AZURE_P0");
const VISIO: Plan = plan("663a804f-1c30-4ff0-9915-9db84f0d1cea", "VISIO_CLIENT_SUBSCRIPTION");
const VISIO_WEB: Plan = plan("2bdbaf8f-738f-4ac7-9234-3c3ee2ce7d0f", "VISIOONLINE");
const PROJECT: Plan = plan("fafd7243-e5c1-4a3a-9e40-495efcb1d3c3", "PROJECT_CLIENT_SUBSCRIPTION");
const PROJECT_WEB: Plan = plan("fe71d6c3-a2ea-4499-9778-da042bf08063", "SHAREPOINT_PROJECT");
const FLOW_FREE: Plan = plan("50e68c76-46c6-4674-81f9-75456511b170", "FLOW_P2_VIRAL");
const COPILOT: Plan = plan("0aedf20c-091d-420b-aadf-30c042609612", "M365_COPILOT_SHAREPOINT");

const fn suite(part: &'static str, name: &'static str, id: &'static str, plans: &'static [Plan]) -> Product {
    Product { part, name, id, suite: true, plans }
}

const fn extra(part: &'static str, name: &'static str, id: &'static str, plans: &'static [Plan]) -> Product {
    Product { part, name, id, suite: false, plans }
}

/// All products known by name.
pub(crate) const PRODUCTS: &[Product] = &[
    suite(
        "SPE_E3",
        "Microsoft 365 E3",
        "05e9a617-0261-4cee-bb44-138d3ef5d965",
        &[
            EXCHANGE_2,
            SHAREPOINT_2,
            TEAMS,
            APPS,
            ENTRA_P1,
            INTUNE,
            MFA,
            RIGHTS,
            SWAY,
            YAMMER,
            FORMS,
            PLANNER,
            FLOW,
            POWERAPPS,
            WINDOWS,
        ],
    ),
    suite(
        "SPE_E5",
        "Microsoft 365 E5",
        "06ebc4ee-1bb5-47dd-8120-11324bc54e06",
        &[
            EXCHANGE_2,
            SHAREPOINT_2,
            TEAMS,
            APPS,
            ENTRA_P1,
            ENTRA_P2,
            INTUNE,
            MFA,
            RIGHTS,
            SWAY,
            YAMMER,
            FORMS,
            PLANNER,
            FLOW,
            POWERAPPS,
            WINDOWS,
            PHONE,
            CONFERENCING,
            DEFENDER,
            ENDPOINT,
            BI_PRO,
        ],
    ),
    suite(
        "ENTERPRISEPACK",
        "Office 365 E3",
        "6fd2c87f-b296-42f0-b197-1e91e994b900",
        &[EXCHANGE_2, SHAREPOINT_2, TEAMS, APPS, RIGHTS, SWAY, YAMMER, FORMS, PLANNER, FLOW, POWERAPPS],
    ),
    suite(
        "ENTERPRISEPREMIUM",
        "Office 365 E5",
        "c7df2760-2c81-4ef7-b578-5b5392b571df",
        &[EXCHANGE_2, SHAREPOINT_2, TEAMS, APPS, RIGHTS, SWAY, YAMMER, FORMS, PLANNER, PHONE, CONFERENCING, DEFENDER],
    ),
    suite(
        "STANDARDPACK",
        "Office 365 E1",
        "18181a46-0d4e-45cd-891e-60aabd171b4e",
        &[EXCHANGE_1, SHAREPOINT_1, TEAMS, SWAY, YAMMER, FORMS, PLANNER],
    ),
    suite(
        "SPB",
        "Microsoft 365 Business Premium",
        "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46",
        &[EXCHANGE_1, SHAREPOINT_1, TEAMS, APPS_SMALL, ENTRA_P1, INTUNE, MFA, DEFENDER, SWAY, FORMS, PLANNER],
    ),
    suite(
        "O365_BUSINESS_PREMIUM",
        "Microsoft 365 Business Standard",
        "f245ecc8-75af-4f8e-b61f-27d8114de5f3",
        &[EXCHANGE_1, SHAREPOINT_1, TEAMS, APPS_SMALL, SWAY, FORMS, PLANNER],
    ),
    suite(
        "O365_BUSINESS_ESSENTIALS",
        "Microsoft 365 Business Basic",
        "3b555118-da6a-4418-894f-7df1e2096870",
        &[EXCHANGE_1, SHAREPOINT_1, TEAMS, SWAY, FORMS, PLANNER],
    ),
    suite(
        "O365_BUSINESS",
        "Microsoft 365 Apps for Business",
        "cdd28e44-67e3-425e-be4c-737fab2899d3",
        &[APPS_SMALL, SWAY, FORMS],
    ),
    suite(
        "SPE_F1",
        "Microsoft 365 F3",
        "66b55226-6b4f-492c-910c-a3b7a3c9d993",
        &[EXCHANGE_K, SHAREPOINT_K, TEAMS, ENTRA_P1, INTUNE, MFA, SWAY, WINDOWS],
    ),
    suite(
        "DESKLESSPACK",
        "Office 365 F3",
        "4b585984-651b-448a-9e53-3b10f069cf7f",
        &[EXCHANGE_K, SHAREPOINT_K, TEAMS, SWAY],
    ),
    suite(
        "M365_F1",
        "Microsoft 365 F1",
        "44575883-256e-4a79-9da4-ebe9acabe2b2",
        &[EXCHANGE_K, SHAREPOINT_K, TEAMS, INTUNE],
    ),
    extra("EXCHANGESTANDARD", "Exchange Online (Plan 1)", "4b9405b0-7788-4568-add1-99614e613b69", &[EXCHANGE_1]),
    extra("EXCHANGEENTERPRISE", "Exchange Online (Plan 2)", "19ec0d23-8335-4cbd-94ac-6050e30712fa", &[EXCHANGE_2]),
    extra(
        "EMS",
        "Enterprise Mobility + Security E3",
        "efccb6f7-5641-4e0e-bd10-b4976e1bf68e",
        &[ENTRA_P1, INTUNE, MFA, EXCHANGE_0],
    ),
    extra("AAD_PREMIUM", "Microsoft Entra ID P1", "078d2b04-f1bd-4111-bbd4-b4b1b354cef4", &[ENTRA_P1, MFA, EXCHANGE_0]),
    extra(
        "AAD_PREMIUM_P2",
        "Microsoft Entra ID P2",
        "84a661c4-e949-4bd2-a560-ed7766fcaf2b",
        &[ENTRA_P1, ENTRA_P2, MFA, EXCHANGE_0],
    ),
    extra("INTUNE_A", "Intune", "061f9ace-7d42-4136-88ac-31dc755f143f", &[INTUNE, EXCHANGE_0]),
    extra(
        "ATP_ENTERPRISE",
        "Microsoft Defender for Office 365 (Plan 1)",
        "4ef96642-f096-40de-a3e9-d83fb2f90211",
        &[DEFENDER],
    ),
    extra("MCOEV", "Microsoft Teams Phone Standard", "e43b5b99-8dfb-405f-9987-dc307f34bcbd", &[PHONE]),
    extra("MCOMEETADV", "Microsoft 365 Audio Conferencing", "0c266dff-15dd-4b49-8397-2bb16070ed52", &[CONFERENCING]),
    extra("VISIOCLIENT", "Visio Plan 2", "c5928f49-12ba-48f7-ada3-0d743a3601d5", &[VISIO, VISIO_WEB, EXCHANGE_0]),
    extra(
        "PROJECTPROFESSIONAL",
        "Planner and Project Plan 3",
        "53818b1b-4a27-454b-8896-0dba576410e6",
        &[PROJECT, PROJECT_WEB, EXCHANGE_0],
    ),
    extra("POWER_BI_PRO", "Power BI Pro", "f8a1db68-be16-40ed-86d5-cb42ce701560", &[BI_PRO, EXCHANGE_0]),
    extra(
        "POWER_BI_STANDARD",
        "Microsoft Fabric (Free)",
        "a403ebcc-fae0-4ca2-8c8c-7a907fd6c235",
        &[BI_FREE, EXCHANGE_0],
    ),
    extra(
        "FLOW_FREE",
        "Microsoft Power Automate Free",
        "f30db892-07e9-47e9-837c-80727f46fd3d",
        &[FLOW_FREE, EXCHANGE_0],
    ),
    extra(
        "Microsoft_365_Copilot",
        "Microsoft Copilot for Microsoft 365",
        "639dec6b-bb19-468b-871c-c5c441c4b0cb",
        &[COPILOT, EXCHANGE_0],
    ),
];

/// The product of a part number, whatever its case.
pub(crate) fn product(part: &str) -> Option<&'static Product> {
    PRODUCTS.iter().find(|product| product.part.eq_ignore_ascii_case(part))
}

/// The id of a product that stands in no public list: derived from its part number.
pub(crate) fn unlisted_id(part: &str) -> Uuid {
    chance::guid(&["sku", part])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_one_and_none_comes_twice() {
        let mut seen = std::collections::BTreeSet::new();
        for product in PRODUCTS {
            assert!(seen.insert(product.id.parse::<Uuid>().unwrap()), "{}", product.part);
            for plan in product.plans {
                plan.id.parse::<Uuid>().unwrap();
            }
        }
    }
}
