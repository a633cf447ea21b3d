//! The words that made-up companies and people are made of.

/// A part of the world: its names, places and units.
pub(crate) struct Land {
    /// As the scenario names it.
    pub(crate) key: &'static str,
    pub(crate) country: &'static str,
    pub(crate) usage: &'static str,
    pub(crate) language: &'static str,
    /// `shown|ascii`, or only `shown` where [`ascii`] can fold it.
    pub(crate) given: &'static [&'static str],
    pub(crate) surnames: &'static [&'static str],
    pub(crate) offices: &'static [Office],
    pub(crate) departments: &'static [&'static str],
    pub(crate) titles: &'static [&'static str],
}

/// A place where people work.
pub(crate) struct Office {
    pub(crate) name: &'static str,
    pub(crate) street: &'static str,
    pub(crate) postal_code: &'static str,
    pub(crate) city: &'static str,
    pub(crate) state: Option<&'static str>,
}

const fn office(
    name: &'static str,
    street: &'static str,
    postal_code: &'static str,
    city: &'static str,
    state: Option<&'static str>,
) -> Office {
    Office { name, street, postal_code, city, state }
}

const DEPARTMENTS: &[&str] = &[
    "Finance",
    "Sales",
    "Marketing",
    "Human Resources",
    "IT",
    "Operations",
    "Research & Development",
    "Legal",
    "Customer Service",
    "Procurement",
    "Logistics",
    "Quality Assurance",
    "Facilities",
    "Executive Office",
];
const TITLES: &[&str] = &[
    "Analyst",
    "Senior Analyst",
    "Account Manager",
    "Engineer",
    "Senior Engineer",
    "Team Lead",
    "Consultant",
    "Assistant",
    "Director",
    "Specialist",
    "Technician",
    "Controller",
    "Buyer",
    "Trainee",
];

/// All lands. The order is part of what is derived: append, do not insert.
pub(crate) const LANDS: &[Land] = &[
    Land {
        key: "us",
        country: "United States",
        usage: "US",
        language: "en-US",
        given: &[
            "Adele",
            "Alex",
            "Diego",
            "Grady",
            "Henrietta",
            "Isaiah",
            "Johanna",
            "Joni",
            "Lee",
            "Lidia",
            "Lynne",
            "Megan",
            "Miriam",
            "Nestor",
            "Patti",
            "Pradeep",
            "Emily",
            "Lynette",
            "Christie",
            "Enrico",
        ],
        surnames: &[
            "Vance",
            "Wilber",
            "Siciliani",
            "Archie",
            "Mueller",
            "Langer",
            "Lorenz",
            "Sherman",
            "Gu",
            "Holloway",
            "Robbins",
            "Bowen",
            "Graham",
            "Wilke",
            "Fernandez",
            "Gupta",
            "Braun",
            "O'Connor",
            "Cline",
            "Cattaneo",
            "MacDonald",
            "Nguyen",
        ],
        offices: &[
            office("18/2111", "One Harbor Way", "98052", "Redmond", Some("WA")),
            office("20/1101", "4300 Elm Street, Suite 12", "15212", "Pittsburgh", Some("PA")),
            office("HQ 3rd floor", "77 Lakeshore Drive", "60611", "Chicago", Some("IL")),
            office("Austin", "901 Congress Plaza", "78701", "Austin", Some("TX")),
        ],
        departments: DEPARTMENTS,
        titles: TITLES,
    },
    Land {
        key: "de",
        country: "Deutschland",
        usage: "DE",
        language: "de-DE",
        given: &[
            "Jürgen",
            "Anna",
            "Lukas",
            "Käthe",
            "Sören",
            "Birgit",
            "Maximilian",
            "Heike",
            "Jörg",
            "Sabine",
            "Tobias",
            "Ute",
            "Wolfgang",
            "Zoë",
            "Friederike",
            "Günther",
        ],
        surnames: &[
            "Müller",
            "Schäfer",
            "Weiß",
            "Köhler",
            "Schmidt",
            "Fischer",
            "Weber",
            "Hoffmann",
            "Groß",
            "Krüger",
            "Vogel",
            "Jäger",
            "von der Heide",
            "Schröder",
            "Neumann",
            "Böhm",
            "Lang",
            "Götz",
            "Ernst",
            "Yıldız",
        ],
        offices: &[
            office("Zentrale", "Kaiserstraße 12", "60311", "Frankfurt am Main", Some("Hessen")),
            office("Werk Nord", "An der Schleuse 4\r\nGebäude C", "21079", "Hamburg", None),
            office("München", "Rosenheimer Straße 145", "81671", "München", Some("Bayern")),
            office("Außenstelle Köln", "Domhof 3", "50667", "Köln", Some("NRW")),
        ],
        departments: &[
            "Vertrieb",
            "Einkauf",
            "Buchhaltung",
            "Personal",
            "IT",
            "Produktion",
            "Qualitätssicherung",
            "Geschäftsführung",
            "Logistik",
            "Kundendienst",
            "Recht & Compliance",
            "Forschung und Entwicklung",
        ],
        titles: &[
            "Sachbearbeiter",
            "Teamleiterin",
            "Abteilungsleiter",
            "Ingenieurin",
            "Prüfer",
            "Monteur",
            "Assistenz",
            "Geschäftsführerin",
            "Auszubildender",
            "Referent",
        ],
    },
    Land {
        key: "fr",
        country: "France",
        usage: "FR",
        language: "fr-FR",
        given: &["Hélène", "Benoît", "Chloé", "François", "Amélie", "Loïc", "Margaux", "Théo", "Zélie", "René"],
        surnames: &["Lefèvre", "Dubois", "Moreau", "Garnier", "Béranger", "D'Aubigné", "Rousseau", "Noël", "Petit"],
        offices: &[
            office("Siège", "14 rue de l'Église", "75011", "Paris", Some("Île-de-France")),
            office("Lyon", "8 quai Perrache", "69002", "Lyon", None),
        ],
        departments: &[
            "Comptabilité",
            "Ventes",
            "Achats",
            "Ressources humaines",
            "Informatique",
            "Logistique",
            "Qualité",
            "Direction générale",
        ],
        titles: &["Chargée d'études", "Directeur", "Technicien", "Cheffe de projet", "Assistant", "Ingénieure"],
    },
    Land {
        key: "nl",
        country: "Nederland",
        usage: "NL",
        language: "nl-NL",
        given: &["Sanne", "Daan", "Femke", "Joris", "Lieke", "Thijs", "Noor", "Bram", "Maud", "Jeroen"],
        surnames: &["de Vries", "van den Berg", "Bakker", "Visser", "'t Hart", "Smit", "Mulder", "Dekker", "Kuiper"],
        offices: &[
            office("Hoofdkantoor", "Keizersgracht 412", "1016 GC", "Amsterdam", Some("Noord-Holland")),
            office("Rotterdam", "Wilhelminakade 9", "3072 AP", "Rotterdam", Some("Zuid-Holland")),
        ],
        departments: &["Verkoop", "Inkoop", "Financiën", "Personeelszaken", "ICT", "Operations", "Klantenservice"],
        titles: &["Medewerker", "Adviseur", "Teamleider", "Directeur", "Monteur", "Planner"],
    },
    Land {
        key: "se",
        country: "Sverige",
        usage: "SE",
        language: "sv-SE",
        given: &["Åsa", "Björn", "Maja", "Elias", "Freja", "Gustav", "Øystein", "Kåre", "Sigrid", "Aino", "Lærke"],
        surnames: &["Lindström", "Håkansson", "Øvergård", "Nyström", "Berg", "Korhonen", "Sørensen", "Dahl", "Ek"],
        offices: &[
            office("Stockholm", "Sveavägen 44", "111 34", "Stockholm", None),
            office("Göteborg", "Östra Hamngatan 17", "411 10", "Göteborg", Some("Västra Götaland")),
        ],
        departments: &["Ekonomi", "Försäljning", "Inköp", "HR", "IT", "Produktion", "Kundtjänst", "Ledning"],
        titles: &["Handläggare", "Chef", "Ingenjör", "Tekniker", "Säljare", "Controller"],
    },
    Land {
        key: "jp",
        country: "Japan",
        usage: "JP",
        language: "ja-JP",
        given: &["健太|kenta", "美咲|misaki", "翔|sho", "さくら|sakura", "大輔|daisuke", "陽子|yoko", "蓮|ren"],
        surnames: &["佐藤|sato", "鈴木|suzuki", "高橋|takahashi", "田中|tanaka", "渡辺|watanabe", "伊藤|ito"],
        offices: &[
            office("本社", "丸の内2-7-3", "100-0005", "千代田区", Some("東京都")),
            office("大阪支店", "梅田3-1-1", "530-0001", "大阪市北区", Some("大阪府")),
        ],
        departments: &["営業部", "経理部", "人事部", "情報システム部", "製造部", "総務部"],
        titles: &["係長", "課長", "部長", "主任", "担当"],
    },
];

/// The names that made-up companies begin with.
pub(crate) const FIRMS: &[&str] = &[
    "A. Datum",
    "Adventure Works",
    "Alpine",
    "Bellows",
    "Best For You",
    "Blue Yonder",
    "City Power",
    "Coho",
    "Consolidated",
    "Contoso",
    "Fabrikam",
    "Fincher",
    "First Up",
    "Fourth",
    "Graphic",
    "Humongous",
    "Lamna",
    "Liberty",
    "Litware",
    "Lucerne",
    "Margie's",
    "Munson's",
    "Nod",
    "Northwind",
    "Parnell",
    "Proseware",
    "Relecloud",
    "Southridge",
    "Tailspin",
    "Tailwind",
    "Trey",
    "VanArsdel",
    "Wide World",
    "Wingtip",
    "Woodgrove",
];

/// What the made-up companies do.
pub(crate) const TRADES: &[&str] = &[
    "Logistics",
    "Foods",
    "Pharma",
    "Energy",
    "Media",
    "Textiles",
    "Insurance",
    "Motors",
    "Foundry",
    "Optics",
    "Travel",
    "Clinics",
    "Robotics",
    "Paper",
    "Shipping",
    "Dairy",
    "Analytics",
    "Timber",
    "Apparel",
    "Instruments",
    "Water",
];

/// The forms in which they are incorporated.
pub(crate) const FORMS: &[&str] = &["Ltd", "GmbH", "SA", "BV", "AB", "Inc.", "AG", "Oy", "SARL", "A/S"];

/// What a name is written as in addresses: lower-case ASCII letters and dots.
pub(crate) fn ascii(name: &str) -> String {
    if let Some((_, ascii)) = name.split_once('|') {
        return ascii.to_owned();
    }
    let mut out = String::new();
    for letter in name.chars().flat_map(char::to_lowercase) {
        match letter {
            'a'..='z' | '0'..='9' => out.push(letter),
            'ä' | 'æ' => out.push_str("ae"),
            'ö' | 'ø' => out.push_str("oe"),
            'ü' => out.push_str("ue"),
            'ß' => out.push_str("ss"),
            'é' | 'è' | 'ê' | 'ë' => out.push('e'),
            'î' | 'ï' | 'ı' => out.push('i'),
            'å' | 'à' => out.push('a'),
            'ç' => out.push('c'),
            _ => {}
        }
    }
    out
}

/// What a name is shown as.
pub(crate) fn shown(name: &str) -> &str {
    name.split_once('|').map_or(name, |(shown, _)| shown)
}
