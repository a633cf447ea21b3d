//! French, in the formal address.
//!
//! Menu entries without quotes are the words of the French admin center. Where Microsoft's own pages disagree, as for
//! cross-tenant access, What If, report-only and the fields of the sign-in log, the English name stands in quotes, so
//! that nobody searches for a name that does not exist. The exclusion is said in both languages: many admin centers are
//! set to English. Apostrophes and quotes are plain, for ticket systems that spoil others.

use super::letter::Words;
use super::{Ask, Demand};

pub(super) const WORDS: Words = Words {
    subject,
    hello: "Bonjour,",
    we: [
        "En tant que partenaire Microsoft de votre organisation, {partner} lit régulièrement les utilisateurs et \
         le nombre de licences de votre locataire (import des licences).",
        "En tant que partenaire Microsoft de votre organisation, nous lisons régulièrement les utilisateurs et le \
         nombre de licences de votre locataire (import des licences).",
    ],
    refused: [
        "Depuis le {since}, cet import ne peut pas se connecter à {tenant}.",
        "Actuellement, cet import ne peut pas se connecter à {tenant}.",
    ],
    unread: [
        "Depuis le {since}, cet import peut bien se connecter à {tenant}, mais Microsoft Graph lui refuse l'accès \
         à des données.",
        "Actuellement, cet import peut bien se connecter à {tenant}, mais Microsoft Graph lui refuse l'accès à des \
         données.",
    ],
    tries: ["À ce jour, une tentative a été refusée.", "À ce jour, {tries} tentatives consécutives ont été refusées."],
    tenant: ["votre locataire ({customer})", "votre locataire"],
    organization: [
        "{id} (l'ID de notre locataire)",
        "notre organisation (nous vous enverrons volontiers l'ID de son locataire)",
    ],
    our_app: "notre application",
    our_account: "notre compte de service",
    cause,

    named: [
        "La réponse de Microsoft désigne cette stratégie (par son ID seulement ; nous n'en connaissons pas le nom) :",
        "La réponse de Microsoft désigne ces stratégies (par leurs ID seulement ; nous n'en connaissons pas les \
         noms) :",
    ],
    by_id: "Dans le centre d'administration Microsoft Entra, sous Accès conditionnel > Stratégies, l'ID d'une \
            stratégie fait partie de l'adresse de sa page.",
    unnamed: "La réponse de Microsoft ne désigne aucune stratégie. Votre journal montre laquelle c'était : centre \
              d'administration Microsoft Entra > Journaux de connexion > \"User sign-ins (non-interactive)\", avec \
              ces filtres :",
    filter_kind: "\"Cross tenant access type\" : \"Service provider\", \"Status\" : \"Failure\"",
    look: "Ouvrez l'entrée : l'onglet Accès conditionnel énumère toutes les stratégies et montre laquelle a refusé \
           la connexion.",

    exclude: [
        "Nous vous prions d'ajouter cette exclusion à la stratégie :",
        "Nous vous prions d'ajouter cette exclusion à chacune de ces stratégies :",
        "Nous vous prions d'ajouter cette exclusion à chaque stratégie qui a refusé la connexion :",
        "Si une stratégie y a refusé la connexion, nous vous prions d'y ajouter cette exclusion :",
    ],
    exclusion: &[
        "Utilisateurs > Exclure > Utilisateurs invités ou externes > Utilisateurs du fournisseur de services (en \
         anglais : Users > Exclude > Guest or external users > Service provider users)",
        "Spécifier les organisations Microsoft Entra externes > Sélectionner > {organization}",
        "Veuillez conserver les exclusions existantes et ajouter seulement celle-ci.",
        "Avant d'enregistrer, veuillez tester avec \"What If\" : même type d'utilisateur (Utilisateurs du \
         fournisseur de services), même organisation.",
    ],
    managed: "Si une stratégie gérée par Microsoft ne propose pas ce choix, veuillez en créer une copie avec \
              l'exclusion, observer d'abord la copie en mode rapport seul (\"Report-only\"), puis l'utiliser à sa \
              place.",
    or_trust: "Une autre possibilité est que votre locataire approuve la MFA de notre locataire :",
    trust: &[
        "\"External Identities\" > \"Cross-tenant access settings\" > \"Organizational settings\"",
        "Ajouter, si nécessaire : {organization}",
        "\"Inbound access\" > \"Trust settings\" : approuver l'authentification multifacteur des locataires \
         Microsoft Entra",
    ],
    no_policies: "Sans Microsoft Entra ID P1, un locataire n'a pas de stratégies propres. Dans ce cas, ce sont les \
                  paramètres de sécurité par défaut (\"security defaults\") ou la MFA par utilisateur qui \
                  l'exigent, et cette autre possibilité est la bonne.",
    ways: [
        "Première possibilité : votre locataire approuve la MFA de notre locataire.",
        "Deuxième possibilité (nécessite Microsoft Entra ID P1) : des stratégies d'accès conditionnel remplacent \
         les paramètres de sécurité par défaut. Dans chaque stratégie :",
    ],
    please: "Nous vous serions reconnaissants de procéder comme suit :",
    steps,
    role: "Cela nécessite le rôle \"{role}\".",
    opens: "Seuls les utilisateurs d'un de nos locataires sont ainsi admis, et uniquement avec les rôles que vous \
            nous avez accordés (GDAP). Dans notre propre locataire, ils se connectent avec la MFA.",
    after: "Une modification prend effet au bout de quelques minutes. Vous n'avez rien d'autre à faire : notre \
            import reprend de lui-même. Il ne fait que lire et ne modifie rien dans votre locataire.",

    facts: "Détails du dernier refus :",
    colon: " : ",
    code: "Code",
    answer: "Réponse",
    time: "Heure (UTC)",
    correlation: "ID de corrélation",
    trace: "\"Request ID\" (ID de trace)",
    policy: "ID de stratégie",
    account: "Utilisateur",
    app: "Application",
    app_id: "ID d'application",
    us: "Notre organisation",
    our_tenant: "ID de notre locataire",
    address: "Notre adresse IP",
    regards: "Cordialement",
};

/// Where our GDAP request is found.
const LINK: &str = "Veuillez ouvrir le lien de notre demande GDAP, que vous recevez de notre part, ou le centre \
                    d'administration Microsoft 365 > \"Settings\" > \"Partner relationships\".";

/// What it asks for.
const APPROVE: &str = "Veuillez approuver la demande. Elle porte sur le rôle \"Directory Readers\", qui ne permet \
                       que la lecture. Une demande expire au bout de 90 jours.";

const fn subject(ask: Ask) -> &'static str {
    match ask {
        Ask::Exclude(Demand::Mfa | Demand::MfaAge) => "Import des licences bloqué par une exigence de MFA",
        Ask::Exclude(Demand::Unsaid | Demand::Probable) => "Import des licences : connexion impossible",
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
        ) => "Import des licences bloqué par l'accès conditionnel",
        Ask::Defaults => "Import des licences bloqué : sécurité par défaut",
        Ask::Inbound => "Import des licences bloqué : accès entre locataires",
        Ask::Assignment => "Import des licences bloqué : affectation requise",
        Ask::Disabled => "Import des licences : application désactivée",
        Ask::Consent => "Import des licences : consentement manquant",
        Ask::Resource => "Import des licences : Microsoft Graph indisponible",
        Ask::Guest => "Import des licences : un compte invité fait obstacle",
        Ask::Relationship => "Import des licences : demande GDAP à approuver",
        Ask::Role => "Import des licences : rôle GDAP manquant",
    }
}

const fn cause(ask: Ask) -> &'static str {
    match ask {
        Ask::Exclude(demand) => match demand {
            Demand::Block => "Une stratégie d'accès conditionnel de votre locataire bloque cette connexion.",
            Demand::Probable => {
                "Une stratégie d'accès conditionnel de votre locataire refuse probablement cette connexion ; la \
                 réponse de Microsoft contient un numéro qui n'est pas documenté."
            }
            Demand::Password => {
                "Une stratégie d'accès conditionnel de votre locataire exige un nouveau mot de passe. Notre compte \
                 ne peut pas changer son mot de passe dans un autre locataire."
            }
            Demand::Device => {
                "Une stratégie d'accès conditionnel de votre locataire exige un appareil connu (conforme, joint ou \
                 inscrit). Notre import est un service et n'a pas d'appareil de ce type."
            }
            Demand::App => {
                "Une stratégie d'accès conditionnel de votre locataire exige une application approuvée ou \
                 protégée. Notre import est un service et ne peut pas y satisfaire."
            }
            Demand::Binding => {
                "Une stratégie d'accès conditionnel de votre locataire exige des jetons liés à un appareil \
                 (\"Token protection\"). Notre import est un service et n'a pas d'appareil de ce type."
            }
            Demand::Flow => {
                "Une stratégie d'accès conditionnel de votre locataire refuse les connexions qui ont commencé par \
                 un code d'appareil (\"Authentication flows\")."
            }
            Demand::External => {
                "Une stratégie d'accès conditionnel de votre locataire exige des conditions d'utilisation, un \
                 contrôle personnalisé ou un contrôle de session. Les comptes d'un fournisseur de services ne \
                 peuvent pas y satisfaire dans le locataire d'un client."
            }
            Demand::Age => {
                "Une stratégie d'accès conditionnel de votre locataire exige une connexion plus récente (fréquence \
                 de connexion). Notre import fonctionne de manière autonome avec une connexion enregistrée ; une \
                 nouvelle n'aiderait que jusqu'à ce qu'elle soit à son tour trop ancienne."
            }
            Demand::Mfa => {
                "Votre locataire exige une authentification multifacteur (MFA) pour cette connexion. Notre compte \
                 l'effectue dans notre propre locataire ; le vôtre ne la reconnaît pas pour le moment."
            }
            Demand::MfaAge => {
                "Votre locataire exige une authentification multifacteur (MFA) plus récente que celle de notre \
                 compte. Une nouvelle n'aiderait que jusqu'à ce qu'elle soit à son tour trop ancienne."
            }
            Demand::Location => {
                "Une stratégie d'accès conditionnel de votre locataire n'admet pas l'adresse réseau depuis \
                 laquelle notre import travaille."
            }
            Demand::Unsaid => {
                "La réponse de Microsoft exige qu'une personne se connecte et n'indique pas de motif. Souvent, une \
                 stratégie d'accès conditionnel en est la cause."
            }
        },
        Ask::Defaults => {
            "Les paramètres de sécurité par défaut (\"security defaults\") de votre locataire refusent cette \
             connexion. Ils n'admettent aucune exclusion ; il y a donc deux possibilités."
        }
        Ask::Inbound => {
            "Les paramètres d'accès entre locataires de votre organisation (accès entrant) n'admettent pas notre \
             compte."
        }
        Ask::Assignment => {
            "Votre locataire exige que les comptes soient affectés à notre application, et le nôtre ne l'est pas. \
             L'accès conditionnel n'est pas en cause."
        }
        Ask::Disabled => "Notre application est désactivée dans votre locataire.",
        Ask::Consent => {
            "Notre application ne dispose pas, ou pas entièrement, du consentement nécessaire dans votre locataire."
        }
        Ask::Resource => {
            "Le service que lit notre application (Microsoft Graph) est désactivé dans votre locataire ou n'y a \
             pas d'abonnement actif."
        }
        Ask::Guest => {
            "Notre compte existe dans votre locataire en tant qu'invité qui n'a jamais accepté son invitation. Cet \
             invité fait obstacle à la relation de partenariat (GDAP)."
        }
        Ask::Relationship => {
            "D'après la réponse de Microsoft, notre compte n'a aucun droit dans votre locataire. En général, la \
             relation de partenariat (GDAP) avec nous manque ou a expiré."
        }
        Ask::Role => {
            "Il ne s'agit pas d'une stratégie : il manque à notre compte un rôle de la relation de partenariat \
             (GDAP) dans votre locataire."
        }
    }
}

const fn steps(ask: Ask) -> &'static [&'static str] {
    match ask {
        Ask::Exclude(_) | Ask::Defaults => WORDS.exclusion,
        Ask::Inbound => &[
            "Centre d'administration Microsoft Entra > \"External Identities\" > \"Cross-tenant access settings\" \
             > \"Organizational settings\"",
            "Ajouter, si nécessaire : {organization}",
            "\"Inbound access\" : veuillez autoriser nos utilisateurs à utiliser {app}.",
        ],
        Ask::Assignment => &[
            "Centre d'administration Microsoft Entra > \"Enterprise applications\" > {app}",
            "\"Properties\" > \"Assignment required?\" > \"No\"",
            "Enregistrer",
        ],
        Ask::Disabled => &[
            "Centre d'administration Microsoft Entra > \"Enterprise applications\" > {app}",
            "\"Properties\" > \"Enabled for users to sign-in?\" > \"Yes\"",
            "Enregistrer",
        ],
        Ask::Consent => &[
            "Centre d'administration Microsoft Entra > \"Enterprise applications\" > {app}",
            "\"Permissions\" > \"Grant admin consent\". Toutes les autorisations sont déléguées et en lecture \
             seule. Si l'application n'y figure pas, veuillez nous en informer ; nous la configurerons alors de \
             notre côté.",
            "Utilisateurs : si un invité y existe pour {account}, veuillez supprimer cet invité. Notre compte n'en \
             a pas besoin.",
        ],
        Ask::Resource => &[
            "Centre d'administration Microsoft Entra > \"Enterprise applications\", filtre \"Application type\" : \
             \"Microsoft Applications\" > Microsoft Graph",
            "\"Properties\" > \"Enabled for users to sign-in?\" > \"Yes\"",
            "Si vos abonnements ont pris fin volontairement, veuillez nous en informer ; nous arrêterons alors \
             l'import.",
        ],
        Ask::Guest => &[
            "Centre d'administration Microsoft Entra > Utilisateurs, filtre \"User type\" : \"Guest\" > {account}",
            "Veuillez supprimer cet invité. Notre compte travaille dans votre locataire par la relation de \
             partenariat et n'en a pas besoin.",
        ],
        Ask::Relationship => &[
            LINK,
            APPROVE,
            "Utilisateurs : si un invité existe dans votre locataire pour {account}, veuillez supprimer cet \
             invité. Notre compte n'en a pas besoin.",
        ],
        Ask::Role => &[LINK, APPROVE],
    }
}
