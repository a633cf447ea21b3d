//! German, in the formal address.
//!
//! Menu entries without quotes are the words of the German admin center. Where Microsoft's own pages disagree, as for
//! cross-tenant access, What If, report-only and the fields of the sign-in log, the English name stands in quotes, so
//! that nobody searches for a name that does not exist. The exclusion is said in both languages: many admin centers are
//! set to English.

use super::letter::Words;
use super::{Ask, Demand};

pub(super) const WORDS: Words = Words {
    subject,
    hello: "Guten Tag,",
    we: [
        "als Ihr Microsoft-Partner liest {partner} regelmäßig die Benutzer und die Lizenzzahlen Ihres Mandanten \
         (Lizenzimport).",
        "als Ihr Microsoft-Partner lesen wir regelmäßig die Benutzer und die Lizenzzahlen Ihres Mandanten \
         (Lizenzimport).",
    ],
    refused: [
        "Seit {since} kann sich dieser Import nicht bei {tenant} anmelden.",
        "Zurzeit kann sich dieser Import nicht bei {tenant} anmelden.",
    ],
    unread: [
        "Seit {since} kann sich dieser Import zwar bei {tenant} anmelden, Microsoft Graph verweigert ihm jedoch \
         den Zugriff auf Daten.",
        "Zurzeit kann sich dieser Import zwar bei {tenant} anmelden, Microsoft Graph verweigert ihm jedoch den \
         Zugriff auf Daten.",
    ],
    tries: ["Bisher wurde ein Versuch abgewiesen.", "Bisher wurden {tries} Versuche in Folge abgewiesen."],
    tenant: ["Ihrem Mandanten ({customer})", "Ihrem Mandanten"],
    organization: ["{id} (unsere Mandanten-ID)", "unsere Organisation (die Mandanten-ID senden wir Ihnen gern)"],
    our_app: "unsere App",
    our_account: "unser Dienstkonto",
    cause,

    named: [
        "Die Antwort von Microsoft nennt diese Richtlinie (nur die ID; den Namen kennen wir nicht):",
        "Die Antwort von Microsoft nennt diese Richtlinien (nur die IDs; die Namen kennen wir nicht):",
    ],
    by_id: "Im Microsoft Entra Admin Center unter Bedingter Zugriff > Richtlinien ist die ID einer Richtlinie Teil \
            der Adresse ihrer Seite.",
    unnamed: "Die Antwort von Microsoft nennt keine Richtlinie. Welche es war, zeigt Ihr Protokoll: Microsoft \
              Entra Admin Center > Anmeldeprotokolle > \"User sign-ins (non-interactive)\", gefiltert nach:",
    filter_kind: "\"Cross tenant access type\": \"Service provider\", Status: \"Failure\"",
    look: "Öffnen Sie den Eintrag: Die Registerkarte Bedingter Zugriff führt alle Richtlinien auf und zeigt, \
           welche die Anmeldung abgewiesen hat.",

    exclude: [
        "Bitte fügen Sie dieser Richtlinie den folgenden Ausschluss hinzu:",
        "Bitte fügen Sie jeder dieser Richtlinien den folgenden Ausschluss hinzu:",
        "Bitte fügen Sie jeder Richtlinie, die die Anmeldung abgewiesen hat, diesen Ausschluss hinzu:",
        "Falls dort eine Richtlinie die Anmeldung abgewiesen hat, fügen Sie ihr bitte diesen Ausschluss hinzu:",
    ],
    exclusion: &[
        "Benutzer > Ausschließen > Gastbenutzer oder externe Benutzer > Dienstanbieterbenutzer (englisch: Users > \
         Exclude > Guest or external users > Service provider users)",
        "Externe Microsoft Entra-Organisationen angeben > Auswählen > {organization}",
        "Bitte lassen Sie bestehende Ausschlüsse unverändert und ergänzen Sie nur diesen.",
        "Bitte testen Sie vor dem Speichern mit \"What If\": derselbe Benutzertyp (Dienstanbieterbenutzer), \
         dieselbe Organisation.",
    ],
    managed: "Falls eine von Microsoft verwaltete Richtlinie diese Auswahl nicht anbietet, erstellen Sie bitte \
              eine Kopie mit dem Ausschluss, beobachten Sie die Kopie zunächst im reinen Berichtsmodus \
              (\"Report-only\") und verwenden Sie sie dann an deren Stelle.",
    or_trust: "Alternativ kann Ihr Mandant der MFA unseres Mandanten vertrauen:",
    trust: &[
        "\"External Identities\" > \"Cross-tenant access settings\" > \"Organizational settings\"",
        "Falls dort noch nicht vorhanden, bitte hinzufügen: {organization}",
        "\"Inbound access\" > \"Trust settings\": der Multi-Faktor-Authentifizierung aus Microsoft Entra-Mandanten \
         vertrauen",
    ],
    no_policies: "Ohne Microsoft Entra ID P1 hat ein Mandant keine eigenen Richtlinien. Dann verlangen die \
                  Sicherheitsstandards (\"security defaults\") oder eine MFA je Benutzer den zweiten Faktor, und \
                  der Weg ist diese Alternative.",
    ways: [
        "Erster Weg: Ihr Mandant vertraut der MFA unseres Mandanten.",
        "Zweiter Weg (erfordert Microsoft Entra ID P1): Richtlinien für bedingten Zugriff ersetzen die \
         Sicherheitsstandards. In jeder Richtlinie:",
    ],
    please: "Wir bitten Sie um Folgendes:",
    steps,
    role: "Dafür ist die Rolle \"{role}\" nötig.",
    opens: "Zugelassen werden damit nur Benutzer eines unserer Mandanten, und nur mit den Rollen, die Sie uns \
            gewährt haben (GDAP). In unserem eigenen Mandanten melden sie sich mit MFA an.",
    after: "Eine Änderung wirkt nach einigen Minuten. Mehr ist von Ihrer Seite nicht zu tun: Unser Import läuft \
            von selbst wieder. Er liest nur und ändert nichts in Ihrem Mandanten.",

    facts: "Angaben zur letzten Abweisung:",
    colon: ": ",
    code: "Code",
    answer: "Antwort",
    time: "Zeit (UTC)",
    correlation: "Korrelations-ID",
    trace: "\"Request ID\" (Trace-ID)",
    policy: "Richtlinien-ID",
    account: "Benutzer",
    app: "Anwendung",
    app_id: "Anwendungs-ID",
    us: "Unsere Organisation",
    our_tenant: "Unsere Mandanten-ID",
    address: "Unsere IP-Adresse",
    regards: "Mit freundlichen Grüßen",
};

/// Where our GDAP request is found.
const LINK: &str = "Bitte öffnen Sie den Link unserer GDAP-Anfrage, den Sie von uns erhalten, oder Microsoft 365 \
                    Admin Center > \"Settings\" > \"Partner relationships\".";

/// What it asks for.
const APPROVE: &str = "Bitte genehmigen Sie die Anfrage. Sie umfasst die Rolle \"Directory Readers\", die nur \
                       liest. Eine Anfrage verfällt nach 90 Tagen.";

const fn subject(ask: Ask) -> &'static str {
    match ask {
        Ask::Exclude(Demand::Mfa | Demand::MfaAge) => "Lizenzimport durch MFA-Anforderung blockiert",
        Ask::Exclude(Demand::Unsaid | Demand::Probable) => "Lizenzimport kann sich nicht anmelden",
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
        ) => "Lizenzimport durch bedingten Zugriff blockiert",
        Ask::Defaults => "Lizenzimport durch Sicherheitsstandards blockiert",
        Ask::Inbound => "Lizenzimport durch Zugriffseinstellungen blockiert",
        Ask::Assignment => "Lizenzimport blockiert: App-Zuweisung erforderlich",
        Ask::Disabled => "Lizenzimport: unsere App ist deaktiviert",
        Ask::Consent => "Lizenzimport: Zustimmung für unsere App fehlt",
        Ask::Resource => "Lizenzimport: Microsoft Graph ist nicht verfügbar",
        Ask::Guest => "Lizenzimport: ein Gastkonto steht im Weg",
        Ask::Relationship => "Lizenzimport: Bitte um Genehmigung der GDAP-Anfrage",
        Ask::Role => "Lizenzimport: eine GDAP-Rolle fehlt",
    }
}

const fn cause(ask: Ask) -> &'static str {
    match ask {
        Ask::Exclude(demand) => match demand {
            Demand::Block => "Eine Richtlinie für bedingten Zugriff in Ihrem Mandanten blockiert diese Anmeldung.",
            Demand::Probable => {
                "Vermutlich weist eine Richtlinie für bedingten Zugriff in Ihrem Mandanten diese Anmeldung ab; die \
                 Antwort von Microsoft enthält eine Nummer, die nicht dokumentiert ist."
            }
            Demand::Password => {
                "Eine Richtlinie für bedingten Zugriff in Ihrem Mandanten verlangt ein neues Kennwort. In einem \
                 fremden Mandanten kann unser Konto sein Kennwort nicht ändern."
            }
            Demand::Device => {
                "Eine Richtlinie für bedingten Zugriff in Ihrem Mandanten verlangt ein bekanntes Gerät (konform, \
                 eingebunden oder registriert). Unser Import ist ein Dienst und hat kein solches Gerät."
            }
            Demand::App => {
                "Eine Richtlinie für bedingten Zugriff in Ihrem Mandanten verlangt eine genehmigte oder geschützte \
                 App. Unser Import ist ein Dienst und kann das nicht erfüllen."
            }
            Demand::Binding => {
                "Eine Richtlinie für bedingten Zugriff in Ihrem Mandanten verlangt Token, die an ein Gerät \
                 gebunden sind (\"Token protection\"). Unser Import ist ein Dienst und hat kein solches Gerät."
            }
            Demand::Flow => {
                "Eine Richtlinie für bedingten Zugriff in Ihrem Mandanten weist Anmeldungen ab, die mit einem \
                 Gerätecode begonnen haben (\"Authentication flows\")."
            }
            Demand::External => {
                "Eine Richtlinie für bedingten Zugriff in Ihrem Mandanten verlangt Nutzungsbedingungen, ein \
                 benutzerdefiniertes Steuerelement oder eine Sitzungssteuerung. Konten eines Dienstanbieters \
                 können das im Mandanten eines Kunden nicht erfüllen."
            }
            Demand::Age => {
                "Eine Richtlinie für bedingten Zugriff in Ihrem Mandanten verlangt eine jüngere Anmeldung \
                 (Anmeldehäufigkeit). Unser Import arbeitet unbeaufsichtigt mit einer gespeicherten Anmeldung; \
                 eine neue würde nur so lange helfen, bis auch sie zu alt ist."
            }
            Demand::Mfa => {
                "Ihr Mandant verlangt für diese Anmeldung eine Multi-Faktor-Authentifizierung (MFA). Unser Konto \
                 führt sie in unserem eigenen Mandanten durch; Ihr Mandant erkennt sie derzeit nicht an."
            }
            Demand::MfaAge => {
                "Ihr Mandant verlangt eine jüngere Multi-Faktor-Authentifizierung (MFA) als die unseres Kontos. \
                 Eine neue würde nur so lange helfen, bis auch sie zu alt ist."
            }
            Demand::Location => {
                "Eine Richtlinie für bedingten Zugriff in Ihrem Mandanten lässt die Netzwerkadresse nicht zu, von \
                 der unser Import arbeitet."
            }
            Demand::Unsaid => {
                "Die Antwort von Microsoft verlangt, dass sich eine Person anmeldet, und nennt keinen Grund. Oft \
                 steht eine Richtlinie für bedingten Zugriff dahinter."
            }
        },
        Ask::Defaults => {
            "Die Sicherheitsstandards (\"security defaults\") Ihres Mandanten weisen diese Anmeldung ab. Sie \
             kennen keine Ausnahmen; deshalb gibt es zwei Wege."
        }
        Ask::Inbound => {
            "Die mandantenübergreifenden Zugriffseinstellungen Ihres Mandanten (eingehender Zugriff) lassen unser \
             Konto nicht zu."
        }
        Ask::Assignment => {
            "Ihr Mandant verlangt, dass Konten unserer App zugewiesen sind, und unser Konto ist es nicht. Der \
             bedingte Zugriff ist nicht die Ursache."
        }
        Ask::Disabled => "Unsere App ist in Ihrem Mandanten deaktiviert.",
        Ask::Consent => "Unserer App fehlt in Ihrem Mandanten die Zustimmung, ganz oder teilweise.",
        Ask::Resource => {
            "Der Dienst, den unsere App liest (Microsoft Graph), ist in Ihrem Mandanten deaktiviert oder hat dort \
             kein aktives Abonnement."
        }
        Ask::Guest => {
            "Unser Konto ist in Ihrem Mandanten als Gast angelegt, der seine Einladung nie angenommen hat. Dieser \
             Gast steht der Partnerbeziehung (GDAP) im Weg."
        }
        Ask::Relationship => {
            "Laut der Antwort von Microsoft hat unser Konto in Ihrem Mandanten keine Rechte. In der Regel fehlt \
             die Partnerbeziehung (GDAP) mit uns, oder sie ist abgelaufen."
        }
        Ask::Role => {
            "Es liegt nicht an einer Richtlinie: Unserem Konto fehlt in Ihrem Mandanten eine Rolle der \
             Partnerbeziehung (GDAP)."
        }
    }
}

const fn steps(ask: Ask) -> &'static [&'static str] {
    match ask {
        Ask::Exclude(_) | Ask::Defaults => WORDS.exclusion,
        Ask::Inbound => &[
            "Microsoft Entra Admin Center > \"External Identities\" > \"Cross-tenant access settings\" > \
             \"Organizational settings\"",
            "Falls dort noch nicht vorhanden, bitte hinzufügen: {organization}",
            "\"Inbound access\": Bitte lassen Sie unsere Benutzer zu, und als Anwendung: {app}",
        ],
        Ask::Assignment => &[
            "Microsoft Entra Admin Center > \"Enterprise applications\" > {app}",
            "\"Properties\" > \"Assignment required?\" > \"No\"",
            "Speichern",
        ],
        Ask::Disabled => &[
            "Microsoft Entra Admin Center > \"Enterprise applications\" > {app}",
            "\"Properties\" > \"Enabled for users to sign-in?\" > \"Yes\"",
            "Speichern",
        ],
        Ask::Consent => &[
            "Microsoft Entra Admin Center > \"Enterprise applications\" > {app}",
            "\"Permissions\" > \"Grant admin consent\". Alle Berechtigungen sind delegiert und erlauben nur das \
             Lesen. Falls die App dort nicht steht, sagen Sie uns bitte Bescheid; wir richten sie dann von unserer \
             Seite ein.",
            "Benutzer: Falls dort ein Gast für {account} besteht, löschen Sie diesen Gast bitte. Unser Konto \
             braucht keinen.",
        ],
        Ask::Resource => &[
            "Microsoft Entra Admin Center > \"Enterprise applications\", Filter \"Application type\": \"Microsoft \
             Applications\" > Microsoft Graph",
            "\"Properties\" > \"Enabled for users to sign-in?\" > \"Yes\"",
            "Falls Ihre Abonnements mit Absicht beendet wurden, sagen Sie uns bitte Bescheid; wir stellen den \
             Import dann ein.",
        ],
        Ask::Guest => &[
            "Microsoft Entra Admin Center > Benutzer, Filter \"User type\": \"Guest\" > {account}",
            "Bitte löschen Sie diesen Gast. Unser Konto arbeitet in Ihrem Mandanten über die Partnerbeziehung und \
             braucht keinen.",
        ],
        Ask::Relationship => &[
            LINK,
            APPROVE,
            "Benutzer: Falls dort ein Gast für {account} besteht, löschen Sie diesen Gast bitte. Unser Konto \
             braucht keinen.",
        ],
        Ask::Role => &[LINK, APPROVE],
    }
}
