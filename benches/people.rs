//! Made-up users on pages as Graph writes them: every fixed field, a third of the extension attributes, licenses, a
//! manager.

use std::fmt::Write;

use bytes::Bytes;

/// The SKUs that users hold.
pub(crate) const SKUS: [(&str, &str); 4] = [
    ("7e57c0de-5000-4000-8000-000000000001", "SPE_E3"),
    ("7e57c0de-5000-4000-8000-000000000002", "POWER_BI_PRO"),
    ("7e57c0de-5000-4000-8000-000000000003", "VISIOCLIENT"),
    ("7e57c0de-5000-4000-8000-000000000004", "EMS"),
];

/// A small generator: the same pages in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below another.
    pub(crate) fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below
    }

    /// An id as Graph writes it.
    pub(crate) fn guid(&mut self) -> String {
        let (a, b) = (self.next(1 << 30) as u64 * (1 << 30) + self.next(1 << 30) as u64, self.next(1 << 30) as u64);
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            b & 0xfff,
            (a ^ (b << 18)) & 0xffff_ffff_ffff
        )
    }
}

const FIRST: [&str; 16] = [
    "Anna", "Ben", "Carla", "David", "Elif", "Femke", "Giulia", "Hans", "Ines", "Jonas", "Kaya", "Liam", "Mara",
    "Nils", "Olga", "Jürgen",
];
const LAST: [&str; 16] = [
    "Schmidt", "de Vries", "Rossi", "Novak", "Jansen", "Yilmaz", "Weber", "Moreau", "Silva", "Kowalski", "Peeters",
    "Müller", "Lindgren", "Costa", "Haas", "Brandt",
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

/// A page of so many users as Graph writes it.
pub(crate) fn users_page(rows: usize, next: Option<String>, random: &mut Random) -> Bytes {
    let mut body = String::with_capacity(rows * 1500);
    body.push_str(r#"{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users""#);
    if let Some(next) = next {
        write!(body, r#","@odata.nextLink":"{next}""#).unwrap();
    }
    body.push_str(r#","value":["#);
    for row in 0..rows {
        if row > 0 {
            body.push(',');
        }
        user(&mut body, random);
    }
    body.push_str("]}");
    body.into()
}

fn user(body: &mut String, random: &mut Random) {
    let (first, last) = (FIRST[random.next(16)], LAST[random.next(16)]);
    let number = random.next(1_000_000);
    let (department, city) = (DEPARTMENTS[random.next(12)], CITIES[random.next(8)]);
    write!(
        body,
        r#"{{"id":"{}","displayName":"{first} {last}","companyName":"Contoso Rail AG","department":"{department}","mail":"{first}.{last}{number}@contoso.example","givenName":"{first}","surname":"{last}","jobTitle":"Specialist {department}","state":null,"postalCode":"{:05}","streetAddress":"Hauptstrasse {}","city":"{city}","preferredLanguage":"de-DE","usageLocation":"DE","userPrincipalName":"{first}.{last}{number}@contoso.example","officeLocation":"{city} {}","country":"Germany","userType":"Member","assignedLicenses":["#,
        random.guid(), random.next(100_000), random.next(200), random.next(40)
    )
    .unwrap();
    let count = random.next(4);
    for (n, (sku, _)) in SKUS.iter().enumerate().take(count) {
        let comma = if n == 0 { "" } else { "," };
        let plan = if random.next(3) == 0 { format!("\"{}\"", SKUS[random.next(4)].0) } else { String::new() };
        write!(body, r#"{comma}{{"disabledPlans":[{plan}],"skuId":"{sku}"}}"#).unwrap();
    }
    body.push_str(r#"],"onPremisesExtensionAttributes":{"#);
    for n in 1..=15 {
        let comma = if n == 1 { "" } else { "," };
        if random.next(10) < 3 {
            write!(body, r#"{comma}"extensionAttribute{n}":"CC-{:04}""#, random.next(500)).unwrap();
        } else {
            write!(body, r#"{comma}"extensionAttribute{n}":null"#).unwrap();
        }
    }
    let (boss, bossy) = (FIRST[random.next(16)], LAST[random.next(16)]);
    write!(
        body,
        r##"}},"manager":{{"@odata.type":"#microsoft.graph.user","id":"7e57c0de-b055-4000-8000-{:012x}","displayName":"{boss} {bossy}","userPrincipalName":"{boss}.{bossy}@contoso.example"}}}}"##,
        random.next(500)
    )
    .unwrap();
}
