//! Dutch, in the formal address.
//!
//! Menu entries without quotes are the words of the Dutch admin center. Where Microsoft's own pages disagree, as for
//! cross-tenant access, What If, report-only and the fields of the sign-in log, the English name stands in quotes, so
//! that nobody searches for a name that does not exist. The exclusion is said in both languages: many admin centers are
//! set to English.

use super::letter::Words;
use super::{Ask, Demand};

pub(super) const WORDS: Words = Words {
    subject,
    hello: "Goedendag,",
    we: [
        "Als uw Microsoft-partner leest {partner} regelmatig de gebruikers en de licentieaantallen van uw tenant \
         (licentie-import).",
        "Als uw Microsoft-partner lezen wij regelmatig de gebruikers en de licentieaantallen van uw tenant \
         (licentie-import).",
    ],
    refused: [
        "Sinds {since} kan deze import zich niet aanmelden bij {tenant}.",
        "Op dit moment kan deze import zich niet aanmelden bij {tenant}.",
    ],
    unread: [
        "Sinds {since} kan deze import zich wel aanmelden bij {tenant}, maar weigert Microsoft Graph de toegang \
         tot gegevens.",
        "Op dit moment kan deze import zich wel aanmelden bij {tenant}, maar weigert Microsoft Graph de toegang \
         tot gegevens.",
    ],
    tries: ["Tot nu toe is één poging geweigerd.", "Tot nu toe zijn {tries} pogingen op rij geweigerd."],
    tenant: ["uw tenant ({customer})", "uw tenant"],
    organization: ["{id} (onze tenant-id)", "onze organisatie (de tenant-id sturen wij u graag toe)"],
    our_app: "onze app",
    our_account: "ons serviceaccount",
    cause,

    named: [
        "Het antwoord van Microsoft noemt dit beleid (alleen de id; de naam kennen wij niet):",
        "Het antwoord van Microsoft noemt deze beleidsregels (alleen de id's; de namen kennen wij niet):",
    ],
    by_id: "In het Microsoft Entra-beheercentrum, onder Voorwaardelijke toegang > Beleidsregels, maakt de id van \
            een beleid deel uit van het adres van de pagina.",
    unnamed: "Het antwoord van Microsoft noemt geen beleid. Uw logboek laat zien welk beleid het was: Microsoft \
              Entra-beheercentrum > Aanmeldingslogboeken > \"User sign-ins (non-interactive)\", gefilterd op:",
    filter_kind: "\"Cross tenant access type\": \"Service provider\", Status: \"Failure\"",
    look: "Open de vermelding: het tabblad Voorwaardelijke toegang somt alle beleidsregels op en laat zien welke \
           de aanmelding heeft geweigerd.",

    exclude: [
        "Wij verzoeken u aan dit beleid de volgende uitsluiting toe te voegen:",
        "Wij verzoeken u aan elk van deze beleidsregels de volgende uitsluiting toe te voegen:",
        "Wij verzoeken u aan elk beleid dat de aanmelding heeft geweigerd deze uitsluiting toe te voegen:",
        "Als daar een beleid de aanmelding heeft geweigerd, verzoeken wij u er deze uitsluiting aan toe te voegen:",
    ],
    exclusion: &[
        "Gebruikers > Uitsluiten > Gasten of externe gebruikers > Gebruikers van serviceproviders (Engels: Users > \
         Exclude > Guest or external users > Service provider users)",
        "Externe Microsoft Entra-organisaties opgeven > Selecteren > {organization}",
        "Laat bestaande uitsluitingen alstublieft ongewijzigd en voeg alleen deze toe.",
        "Test vóór het opslaan met \"What If\": hetzelfde gebruikerstype (Gebruikers van serviceproviders), \
         dezelfde organisatie.",
    ],
    managed: "Als een door Microsoft beheerd beleid deze keuze niet biedt, maak er dan alstublieft een kopie van \
              met de uitsluiting, bekijk de kopie eerst in de rapportmodus (\"Report-only\") en gebruik die daarna \
              in plaats van het origineel.",
    or_trust: "Als alternatief kan uw tenant de MFA van onze tenant vertrouwen:",
    trust: &[
        "\"External Identities\" > \"Cross-tenant access settings\" > \"Organizational settings\"",
        "Zo nodig toevoegen: {organization}",
        "\"Inbound access\" > \"Trust settings\": meervoudige verificatie van Microsoft Entra-tenants vertrouwen",
    ],
    no_policies: "Zonder Microsoft Entra ID P1 heeft een tenant geen eigen beleid. Dan vereisen de \
                  standaardinstellingen voor beveiliging (\"security defaults\") of MFA per gebruiker de tweede \
                  factor, en is dit alternatief de weg.",
    ways: [
        "Eerste manier: uw tenant vertrouwt de MFA van onze tenant.",
        "Tweede manier (vereist Microsoft Entra ID P1): beleid voor voorwaardelijke toegang vervangt de \
         standaardinstellingen voor beveiliging. In elk beleid:",
    ],
    please: "Wij verzoeken u om het volgende:",
    steps,
    role: "Hiervoor is de rol \"{role}\" nodig.",
    opens: "Hiermee worden alleen gebruikers van een van onze tenants toegelaten, en alleen met de rollen die u \
            ons hebt verleend (GDAP). In onze eigen tenant melden zij zich met MFA aan.",
    after: "Een wijziging is na enkele minuten van kracht. Verder hoeft u niets te doen: onze import wordt vanzelf \
            opnieuw uitgevoerd. De import leest alleen en wijzigt niets in uw tenant.",

    facts: "Gegevens van de laatste weigering:",
    colon: ": ",
    code: "Code",
    answer: "Antwoord",
    time: "Tijd (UTC)",
    correlation: "Correlatie-id",
    trace: "\"Request ID\" (trace-id)",
    policy: "Beleids-id",
    account: "Gebruiker",
    app: "Toepassing",
    app_id: "Toepassings-id",
    us: "Onze organisatie",
    our_tenant: "Onze tenant-id",
    address: "Ons IP-adres",
    regards: "Met vriendelijke groet",
};

/// Where our GDAP request is found.
const LINK: &str = "Open de koppeling van ons GDAP-verzoek, die u van ons ontvangt, of Microsoft 365-beheercentrum \
                    > \"Settings\" > \"Partner relationships\".";

/// What it asks for.
const APPROVE: &str = "Keur het verzoek alstublieft goed. Het vraagt om de rol \"Directory Readers\", die alleen \
                       leest. Een verzoek vervalt na 90 dagen.";

const fn subject(ask: Ask) -> &'static str {
    match ask {
        Ask::Exclude(Demand::Mfa | Demand::MfaAge) => "Licentie-import geblokkeerd door een MFA-vereiste",
        Ask::Exclude(Demand::Unsaid | Demand::Probable) => "Licentie-import kan zich niet aanmelden",
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
        ) => "Licentie-import geblokkeerd: voorwaardelijke toegang",
        Ask::Defaults => "Licentie-import geblokkeerd: security defaults",
        Ask::Inbound => "Licentie-import geblokkeerd: toegang tussen tenants",
        Ask::Assignment => "Licentie-import geblokkeerd: toewijzing vereist",
        Ask::Disabled => "Licentie-import: onze app is uitgeschakeld",
        Ask::Consent => "Licentie-import: toestemming voor onze app ontbreekt",
        Ask::Resource => "Licentie-import: Microsoft Graph niet beschikbaar",
        Ask::Guest => "Licentie-import: een gastaccount zit in de weg",
        Ask::Relationship => "Licentie-import: verzoek om GDAP goed te keuren",
        Ask::Role => "Licentie-import: een GDAP-rol ontbreekt",
    }
}

const fn cause(ask: Ask) -> &'static str {
    match ask {
        Ask::Exclude(demand) => match demand {
            Demand::Block => "Een beleid voor voorwaardelijke toegang in uw tenant blokkeert deze aanmelding.",
            Demand::Probable => {
                "Waarschijnlijk weigert een beleid voor voorwaardelijke toegang in uw tenant deze aanmelding; het \
                 antwoord van Microsoft bevat een nummer dat niet gedocumenteerd is."
            }
            Demand::Password => {
                "Een beleid voor voorwaardelijke toegang in uw tenant vereist een nieuw wachtwoord. Ons account \
                 kan zijn wachtwoord niet wijzigen in een andere tenant."
            }
            Demand::Device => {
                "Een beleid voor voorwaardelijke toegang in uw tenant vereist een bekend apparaat (compatibel, \
                 gekoppeld of geregistreerd). Onze import is een service en heeft zo'n apparaat niet."
            }
            Demand::App => {
                "Een beleid voor voorwaardelijke toegang in uw tenant vereist een goedgekeurde of beveiligde app. \
                 Onze import is een service en kan daar niet aan voldoen."
            }
            Demand::Binding => {
                "Een beleid voor voorwaardelijke toegang in uw tenant vereist tokens die aan een apparaat zijn \
                 gebonden (\"Token protection\"). Onze import is een service en heeft zo'n apparaat niet."
            }
            Demand::Flow => {
                "Een beleid voor voorwaardelijke toegang in uw tenant weigert aanmeldingen die met een \
                 apparaatcode zijn begonnen (\"Authentication flows\")."
            }
            Demand::External => {
                "Een beleid voor voorwaardelijke toegang in uw tenant vereist gebruiksvoorwaarden, een aangepast \
                 besturingselement of een sessiebesturingselement. Accounts van een serviceprovider kunnen daar in \
                 de tenant van een klant niet aan voldoen."
            }
            Demand::Age => {
                "Een beleid voor voorwaardelijke toegang in uw tenant vereist een recentere aanmelding \
                 (aanmeldingsfrequentie). Onze import werkt zonder toezicht met een opgeslagen aanmelding; een \
                 nieuwe zou alleen helpen tot ook die te oud is."
            }
            Demand::Mfa => {
                "Uw tenant vereist meervoudige verificatie (MFA) voor deze aanmelding. Ons account voert die uit \
                 in onze eigen tenant; uw tenant erkent die op dit moment niet."
            }
            Demand::MfaAge => {
                "Uw tenant vereist een recentere meervoudige verificatie (MFA) dan die van ons account. Een nieuwe \
                 zou alleen helpen tot ook die te oud is."
            }
            Demand::Location => {
                "Een beleid voor voorwaardelijke toegang in uw tenant staat het netwerkadres van waaruit onze \
                 import werkt niet toe."
            }
            Demand::Unsaid => {
                "Het antwoord van Microsoft vereist dat een persoon zich aanmeldt en noemt geen reden. Vaak zit er \
                 een beleid voor voorwaardelijke toegang achter."
            }
        },
        Ask::Defaults => {
            "De standaardinstellingen voor beveiliging (\"security defaults\") van uw tenant weigeren deze \
             aanmelding. Ze kennen geen uitzonderingen; daarom zijn er twee manieren."
        }
        Ask::Inbound => {
            "De instellingen voor toegang tussen tenants in uw organisatie (binnenkomende toegang) laten ons \
             account niet toe."
        }
        Ask::Assignment => {
            "Uw tenant vereist dat accounts aan onze app zijn toegewezen, en ons account is dat niet. \
             Voorwaardelijke toegang is niet de oorzaak."
        }
        Ask::Disabled => "Onze app is in uw tenant uitgeschakeld.",
        Ask::Consent => "Onze app heeft in uw tenant geen of geen volledige toestemming.",
        Ask::Resource => {
            "De service die onze app leest (Microsoft Graph) is in uw tenant uitgeschakeld of heeft daar geen \
             actief abonnement."
        }
        Ask::Guest => {
            "Ons account bestaat in uw tenant als gast die de uitnodiging nooit heeft geaccepteerd. Die gast zit \
             de partnerrelatie (GDAP) in de weg."
        }
        Ask::Relationship => {
            "Volgens het antwoord van Microsoft heeft ons account geen rechten in uw tenant. Meestal ontbreekt de \
             partnerrelatie (GDAP) met ons of is die verlopen."
        }
        Ask::Role => {
            "Het ligt niet aan een beleid: ons account mist in uw tenant een rol van de partnerrelatie (GDAP)."
        }
    }
}

const fn steps(ask: Ask) -> &'static [&'static str] {
    match ask {
        Ask::Exclude(_) | Ask::Defaults => WORDS.exclusion,
        Ask::Inbound => &[
            "Microsoft Entra-beheercentrum > \"External Identities\" > \"Cross-tenant access settings\" > \
             \"Organizational settings\"",
            "Zo nodig toevoegen: {organization}",
            "\"Inbound access\": sta onze gebruikers alstublieft toe {app} te gebruiken.",
        ],
        Ask::Assignment => &[
            "Microsoft Entra-beheercentrum > \"Enterprise applications\" > {app}",
            "\"Properties\" > \"Assignment required?\" > \"No\"",
            "Opslaan",
        ],
        Ask::Disabled => &[
            "Microsoft Entra-beheercentrum > \"Enterprise applications\" > {app}",
            "\"Properties\" > \"Enabled for users to sign-in?\" > \"Yes\"",
            "Opslaan",
        ],
        Ask::Consent => &[
            "Microsoft Entra-beheercentrum > \"Enterprise applications\" > {app}",
            "\"Permissions\" > \"Grant admin consent\". Alle machtigingen zijn gedelegeerd en alleen-lezen. Als de \
             app er niet staat, laat het ons dan weten; wij richten die dan van onze kant in.",
            "Gebruikers: als daar een gast voor {account} bestaat, verwijder die gast dan alstublieft. Ons account \
             heeft er geen nodig.",
        ],
        Ask::Resource => &[
            "Microsoft Entra-beheercentrum > \"Enterprise applications\", filter \"Application type\": \"Microsoft \
             Applications\" > Microsoft Graph",
            "\"Properties\" > \"Enabled for users to sign-in?\" > \"Yes\"",
            "Als uw abonnementen bewust zijn beëindigd, laat het ons dan weten; wij stoppen dan met de import.",
        ],
        Ask::Guest => &[
            "Microsoft Entra-beheercentrum > Gebruikers, filter \"User type\": \"Guest\" > {account}",
            "Verwijder deze gast alstublieft. Ons account werkt in uw tenant via de partnerrelatie en heeft er \
             geen nodig.",
        ],
        Ask::Relationship => &[
            LINK,
            APPROVE,
            "Gebruikers: als daar een gast voor {account} bestaat, verwijder die gast dan alstublieft. Ons account \
             heeft er geen nodig.",
        ],
        Ask::Role => &[LINK, APPROVE],
    }
}
