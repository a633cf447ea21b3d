//! Made-up companies and users: the same in every run, made when they are asked for and not held.

use std::fmt::Write;

/// A number from 0 up to `below`, fixed by a text and a salt.
pub(super) fn pick(text: &str, salt: u64, below: usize) -> usize {
    usize::try_from(hash(text, salt) % below.max(1) as u64).unwrap_or(0)
}

fn hash(text: &str, salt: u64) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325 ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    mix(hash)
}

fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A GUID, fixed by a text and a salt.
pub(super) fn guid(text: &str, salt: u64) -> String {
    let (a, b) = (hash(text, salt), hash(text, salt ^ 0xabcd));
    uuid::Builder::from_random_bytes((u128::from(a) << 64 | u128::from(b)).to_be_bytes()).into_uuid().to_string()
}

const FRONT: [&str; 24] = [
    "Adventure",
    "Bellows",
    "City Power",
    "Coho",
    "Consolidated",
    "Fabrikam",
    "First Up",
    "Graphic",
    "Lakeshore",
    "Lucerne",
    "Munson",
    "Nod",
    "Northwind",
    "Parnell",
    "Proseware",
    "School of",
    "Southridge",
    "Tailspin",
    "Trey",
    "Wide World",
    "Wingtip",
    "Woodgrove",
    "Blue Yonder",
    "Alpine",
];
const BACK: [&str; 18] = [
    "Works",
    "College",
    "Light",
    "Winery",
    "Messenger",
    "Residences",
    "Consulting",
    "Design",
    "Retreat",
    "Publishing",
    "Pickles",
    "Importers",
    "Aerospace",
    "Fine Art",
    "Toys",
    "Clinics",
    "Logistics",
    "Kliniken",
];
const FORM: [&str; 6] = ["Ltd", "GmbH", "BV", "SA", "AG", "Inc"];

/// Name of a made-up company.
pub(super) fn company(seed: u64, n: usize) -> String {
    let n = n + usize::try_from(seed).unwrap_or(0) * 37;
    let (front, back, form) = (FRONT[n % 24], BACK[(n / 24 * 5 + n * 7) % 18], FORM[(n * 5 + n / 24) % 6]);
    format!("{front} {back} {form}")
}

/// The id of a product. The common ones have their published ids.
pub(super) fn sku_id(part: &str) -> String {
    let id = match part {
        "SPE_E3" => "05e9a617-0261-4cee-bb44-138d3ef5d965",
        "SPE_F1" => "66b55226-6b4f-492c-910c-a3b7a3c9d993",
        "ENTERPRISEPACK" => "6fd2c87f-b296-42f0-b197-1e91e994b900",
        "POWER_BI_PRO" => "f8a1db68-be16-40ed-86d5-cb42ce701560",
        "VISIOCLIENT" => "c5928f49-12ba-48f7-ada3-0d743a3601d5",
        "PROJECTPROFESSIONAL" => "53818b1b-4a27-454b-8896-0dba576410e6",
        "EMS" => "efccb6f7-5641-4e0e-bd10-b4976e1bf68e",
        "FLOW_FREE" => "f30db892-07e9-47e9-837c-80727f46fd3d",
        other => return guid(other, 99),
    };
    id.to_owned()
}

/// Whether user `n` of a tenant holds its product number `k`.
pub(super) fn holds(tenant: &str, n: usize, k: usize) -> bool {
    const SHARE: [usize; 4] = [90, 30, 12, 5];
    pick(tenant, (n * 16 + k) as u64 + 1_000_000, 100) < SHARE[k.min(3)]
}

const FIRST: [&str; 20] = [
    "Anna", "Ben", "Carla", "David", "Elif", "Femke", "Giulia", "Hans", "Inês", "Jonas", "Kaya", "Liam", "Mara",
    "Nils", "Olga", "Jürgen", "Zoë", "Søren", "美咲", "Łukasz",
];
const LAST: [&str; 16] = [
    "Schmidt", "de Vries", "Rossi", "Novák", "Jansen", "Yılmaz", "Weber", "Moreau", "Silva", "Kowalski", "Peeters",
    "Müller", "Lindgren", "Costa", "O'Brien", "Brandt",
];
const DEPARTMENTS: [&str; 12] = [
    "Sales",
    "Finance",
    "Rail Operations",
    "Depot North",
    "Depot South",
    "IT Services",
    "Human Resources",
    "Legal",
    "Marketing",
    "Procurement",
    "Rolling stock",
    "Stations",
];
const CITIES: [&str; 8] = ["Berlin", "Rotterdam", "Lyon", "Milano", "Gent", "Hamburg", "Utrecht", "Köln"];

/// What a page of users is made with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) manager: bool,
    pub(super) licenses: bool,
    /// Only what is answered without `$select`.
    pub(super) few: bool,
}

/// User `n` of a tenant as Graph would write it.
pub(super) fn user(out: &mut String, tenant: &str, domain: &str, skus: &[String], n: usize, shape: Shape) {
    let of = |salt: u64, below: usize| pick(tenant, (n as u64) << 8 | salt, below);
    let (first, last) = (FIRST[of(1, 20)], LAST[of(2, 16)]);
    let department = DEPARTMENTS[of(3, 12)];
    let city = CITIES[of(4, 8)];
    let guest = of(5, 25) == 0;
    let odd = if n == 3 { "\\u202e" } else { "" };
    let login = format!("user{n}");
    let upn = if guest { format!("{login}_other.example#EXT#@{domain}") } else { format!("{login}@{domain}") };
    let or_null = |there: bool, text: &str| if there { format!("\"{text}\"") } else { "null".to_owned() };
    // Writing to a String cannot fail.
    let _ = write!(out, r#"{{"id":"{}","displayName":"{odd}{first} {last}""#, guid(tenant, n as u64 + 10));
    let _ = write!(
        out,
        r#","givenName":"{first}","surname":"{last}","jobTitle":{},"mail":{},"officeLocation":"{city} {}","preferredLanguage":{},"userPrincipalName":"{upn}""#,
        or_null(of(6, 4) > 0, &format!("Specialist {department}")),
        or_null(of(7, 12) > 0, &format!("{login}@{domain}")),
        of(8, 30),
        or_null(of(9, 3) > 0, "de-DE")
    );
    if shape.few {
        out.push('}');
        return;
    }
    let _ = write!(
        out,
        r#","companyName":{},"department":{},"state":null,"postalCode":"{:05}","streetAddress":"Hauptstrasse {}\r\nHaus {}","city":"{city}","usageLocation":{},"country":"Germany","userType":{}"#,
        or_null(of(10, 5) > 0, "Contoso Holding"),
        or_null(of(11, 9) > 0, department),
        of(12, 99_999),
        of(13, 200),
        of(14, 9),
        or_null(of(15, 20) > 0, "DE"),
        or_null(of(16, 40) > 0, if guest { "Guest" } else { "Member" })
    );
    out.push_str(r#","assignedLicenses":["#);
    let mut comma = "";
    for (k, part) in skus.iter().enumerate().filter(|(k, _)| shape.licenses && holds(tenant, n, *k)) {
        let plan = if of(17 + k as u64, 3) == 0 { format!("\"{}\"", guid(part, 5)) } else { String::new() };
        let _ = write!(out, r#"{comma}{{"disabledPlans":[{plan}],"skuId":"{}"}}"#, sku_id(part));
        comma = ",";
    }
    out.push_str(r#"],"onPremisesExtensionAttributes":{"#);
    for k in 1..=15u64 {
        let comma = if k == 1 { "" } else { "," };
        let value = or_null(of(30 + k, 10) < 3, &format!("CC-{:04}", of(50 + k, 400)));
        let _ = write!(out, r#"{comma}"extensionAttribute{k}":{value}"#);
    }
    out.push('}');
    if shape.manager && n > 0 {
        let boss = of(80, n.min(40));
        let kind = if of(81, 50) == 0 { "orgContact" } else { "user" };
        let _ = write!(
            out,
            r##","manager":{{"@odata.type":"#microsoft.graph.{kind}","id":"{}","displayName":"{} {}","userPrincipalName":{}}}"##,
            guid(tenant, boss as u64 + 10),
            FIRST[pick(tenant, (boss as u64) << 8 | 1, 20)],
            LAST[pick(tenant, (boss as u64) << 8 | 2, 16)],
            or_null(kind == "user", &format!("user{boss}@{domain}"))
        );
    }
    out.push('}');
}
