//! The people of a made-up tenant, made one at a time from the tenant's id and a number: a tenant of a hundred
//! thousand is never held, only written page by page.

use std::fmt::Write as _;

use uuid::Uuid;

use super::chance::{guid_of, mix};
use super::changes::{Changed, Edit, Night, Picked, Picker};
use super::names::{LANDS, Land, ascii, shown};
use super::scenario::Sku;

/// The properties of a user that the collection can be asked for, as Graph names them; the place is the bit.
pub(crate) const PROPERTIES: [&str; 24] = [
    "id",
    "displayName",
    "companyName",
    "department",
    "mail",
    "givenName",
    "surname",
    "jobTitle",
    "state",
    "postalCode",
    "streetAddress",
    "city",
    "preferredLanguage",
    "usageLocation",
    "assignedLicenses",
    "userPrincipalName",
    "officeLocation",
    "onPremisesExtensionAttributes",
    "country",
    "userType",
    "accountEnabled",
    "businessPhones",
    "mobilePhone",
    "createdDateTime",
];

/// What comes when nothing is selected.
pub(crate) const BASIC: [&str; 11] = [
    "businessPhones",
    "displayName",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
];

/// A set of [`PROPERTIES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Selected(u32);

impl Selected {
    /// The set of the names; the name that is no property if there is one.
    pub(crate) fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, &'a str> {
        let mut set = 0;
        for name in names {
            let place = PROPERTIES.iter().position(|property| property.eq_ignore_ascii_case(name)).ok_or(name)?;
            set |= 1 << place;
        }
        Ok(Self(set))
    }

    fn has(self, property: &str) -> bool {
        PROPERTIES.iter().position(|known| *known == property).is_some_and(|place| self.0 & (1 << place) != 0)
    }
}

/// Who holds a product: a run of ranks in an order of all people.
#[derive(Debug, Clone)]
struct Holding {
    id: Uuid,
    part: String,
    plans: Vec<&'static str>,
    from: u64,
    count: u64,
    /// Which order: suites share one, so that nobody holds two of them.
    order: u64,
    /// First and last night; absent for all.
    nights: Option<[u32; 2]>,
}

/// The people of one tenant.
#[derive(Debug, Clone)]
pub(crate) struct People {
    seed: u64,
    count: u64,
    company: String,
    domain: String,
    land: usize,
    holdings: Vec<Holding>,
    /// What is otherwise in some nights.
    picked: Vec<Picked>,
}

/// A made-up person.
struct Person {
    id: Uuid,
    given: String,
    surname: String,
    display: String,
    upn: String,
    mail: Option<String>,
    guest: bool,
    draw: u64,
}

impl People {
    pub(crate) fn new(seed: u64, count: u64, company: &str, domain: &str, land: Option<usize>, skus: &[Sku]) -> Self {
        let land = land.unwrap_or_else(|| draw(seed, LANDS.len()));
        let mut next_suite = 0;
        let mut holdings: Vec<Holding> = Vec::new();
        for sku in skus.iter().filter(|sku| sku.to_people) {
            let held = sku.assigned.min(count);
            // Who holds a product in one night holds it in the next, as far as it is assigned.
            let before = holdings.iter().find(|holding| holding.id == sku.id);
            let (from, order) = match before {
                Some(before) => (before.from, before.order),
                None if sku.suite => (next_suite, 0),
                None => (0, 1 + holdings.len() as u64),
            };
            if sku.suite {
                next_suite = next_suite.max(from + held);
            }
            let plans = sku.plans.iter().filter(|plan| !plan.company).map(|plan| plan.id).collect();
            holdings.push(Holding {
                id: sku.id,
                part: sku.part.clone(),
                plans,
                from,
                count: held,
                order,
                nights: sku.nights,
            });
        }
        let picked = Vec::new();
        Self { seed, count, company: company.to_owned(), domain: domain.to_owned(), land, holdings, picked }
    }

    /// Whom changes are about. Refuses one that makes no sense.
    pub(crate) fn pick(&self, changes: &[Changed]) -> Result<Vec<Picked>, String> {
        /// The order in which people are picked.
        const ORDER: u64 = 1 << 40;
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let parts: Vec<String> = self.holdings.iter().map(|holding| holding.part.clone()).collect();
        let mut picker = Picker {
            free: (0..self.count).map(|at| self.rank(at, ORDER)).collect(),
            next: self.count,
            parts: &parts,
            holds: &|index, place| self.holds(index, place),
            guest: &|index| self.is_guest(index),
            leads: &|index| index * 8 + 1 < self.count,
        };
        changes.iter().map(|of| picker.pick(of)).collect()
    }

    /// The same people with what becomes of them.
    pub(crate) fn with(self, picked: Vec<Picked>) -> Self {
        Self { picked, ..self }
    }

    /// Who is there in a night.
    pub(crate) fn on(&self, night: u32) -> Night<'_> {
        Night::of(&self.picked, self.count, night)
    }

    /// By how many holders of a product there are more in a night than as a rule.
    pub(crate) fn drift(&self, night: &Night<'_>, product: Uuid) -> i64 {
        let place = self.holdings.iter().position(|holding| holding.id == product);
        place.map_or(0, |place| night.drift(place, |index| self.holds(index, place)))
    }

    /// How many there are as a rule.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Where somebody stands in one of the orders of all people: each rank is held by exactly one.
    fn rank(&self, index: u64, order: u64) -> u64 {
        self.turned(index, order, self.count)
    }

    /// The same among so many people.
    fn turned(&self, index: u64, order: u64, count: u64) -> u64 {
        let mut stride = (mix(self.seed, order) % count.max(1)) | 1;
        while gcd(stride, count) != 1 {
            stride += 2;
        }
        let start = mix(!self.seed, order) % count.max(1);
        let rank = (u128::from(index) * u128::from(stride) + u128::from(start)) % u128::from(count.max(1));
        u64::try_from(rank).unwrap_or(0)
    }

    /// Who came later is no guest.
    fn is_guest(&self, index: u64) -> bool {
        index < self.count && self.rank(index, 0) >= self.count - self.count * 3 / 100
    }

    /// Whether somebody holds the product of a place as a rule.
    fn holds(&self, index: u64, place: usize) -> bool {
        let Some(holding) = self.holdings.get(place) else { return false };
        let rank = self.rank(index, holding.order);
        // The ranks of a suite go on behind those of the one before and begin anew at the end.
        let behind = (rank + self.count - holding.from % self.count.max(1)) % self.count.max(1);
        behind < holding.count
    }

    fn person(&self, index: u64, edit: Option<&Edit>) -> Person {
        let draw_of = mix(self.seed, index.wrapping_mul(4));
        let land = &LANDS[self.land];
        // Most names are of the land, some of the others.
        let of = if draw_of.is_multiple_of(12) { &LANDS[draw(draw_of >> 8, LANDS.len())] } else { land };
        let given = of.given[draw(draw_of >> 16, of.given.len())];
        let surname = of.surnames[draw(draw_of >> 28, of.surnames.len())];
        let guest = self.is_guest(index);
        let local = format!("{}.{}{}", ascii(given), ascii(surname), index + 1);
        let married = edit.is_some_and(|edit| edit.renamed);
        let surname = if married { another(land.surnames, surname, draw_of) } else { surname };
        let (given, surname) = (shown(given).to_owned(), shown(surname).to_owned());
        let mut display = format!("{given} {surname}");
        if index == 11 && self.seed.is_multiple_of(4) && !married {
            display = format!("{given} \u{202e}{surname}\u{200b}");
        }
        let (upn, mail) = if guest {
            let outside = ["fabrikam.example", "adatum.example", "proseware.example"][draw(draw_of >> 40, 3)];
            display.push_str(" (ext.)");
            (
                format!("{local}_{outside}#EXT#@{}.onmicrosoft.com", self.domain.split('.').next().unwrap_or("x")),
                Some(format!("{local}@{outside}")),
            )
        } else {
            let mail = (!(draw_of >> 44).is_multiple_of(25)).then(|| format!("{local}@{}", self.domain));
            (format!("{local}@{}", self.domain), mail)
        };
        Person { id: guid_of(self.seed, index), given, surname, display, upn, mail, guest, draw: draw_of }
    }

    /// Writes whoever is at a place in a night, as Graph would. `licensed`: the night whose licenses are shown; absent if none
    /// are.
    pub(crate) fn write(
        &self,
        out: &mut String,
        (night, place): (&Night<'_>, u64),
        selected: Selected,
        manager: Option<Selected>,
        licensed: Option<u32>,
    ) {
        /// The order in which people come where it is another one.
        const ORDER: u64 = 1 << 41;
        let place = if night.shuffled { self.turned(place, ORDER, night.count()) } else { place };
        let index = night.index(place);
        let edit = night.edit(index);
        let person = self.person(index, edit);
        let land = &LANDS[self.land];
        let mut object = Object::open(out, selected);
        Self::write_identity(&mut object, &person, land);
        self.write_work(&mut object, &person, land, edit);
        if selected.has("assignedLicenses") {
            object.key("assignedLicenses");
            self.write_licenses(object.out, index, licensed, night);
        }
        if selected.has("onPremisesExtensionAttributes") {
            object.key("onPremisesExtensionAttributes");
            write_extension_attributes(object.out, &person);
        }
        if let Some(of_manager) = manager
            && index > 0
            && !person.guest
            && !(person.draw >> 50).is_multiple_of(10)
        {
            object.key("manager");
            let boss = (index - 1) / 8;
            self.write_manager(object.out, (boss, night.edit(boss)), &person, of_manager);
        }
        object.close();
    }

    fn write_identity(object: &mut Object<'_>, person: &Person, land: &Land) {
        object.text("id", Some(&person.id.to_string()));
        object.text("displayName", Some(&person.display));
        object.text("givenName", (!person.guest).then_some(person.given.as_str()));
        object.text("surname", (!person.guest).then_some(person.surname.as_str()));
        object.text("userPrincipalName", Some(&person.upn));
        object.text("mail", person.mail.as_deref());
        // Old accounts have no type.
        let kind = if person.guest { "Guest" } else { "Member" };
        object.text("userType", (!(person.draw >> 46).is_multiple_of(60)).then_some(kind));
        let language = (!(person.draw >> 22).is_multiple_of(3)).then_some(land.language);
        object.text("preferredLanguage", language);
        // Nobody set it for guests, nor for the odd account from before licenses were assigned.
        let placed = !person.guest && !(person.draw >> 54).is_multiple_of(150);
        object.text("usageLocation", placed.then_some(land.usage));
        object.raw("accountEnabled", "true");
        object.raw("businessPhones", "[]");
        object.text("mobilePhone", None);
        object.text("createdDateTime", Some("2021-03-04T08:15:00Z"));
    }

    fn write_work(&self, object: &mut Object<'_>, person: &Person, land: &Land, edit: Option<&Edit>) {
        let works = |rest: u64| !person.guest && !rest.is_multiple_of(16);
        let office = &land.offices[draw(person.draw >> 12, land.offices.len())];
        // Departments are uneven: the first ones are the large ones.
        let lot = draw(person.draw >> 6, land.departments.len());
        let department = land.departments[lot.min(draw(person.draw >> 34, land.departments.len()))];
        let subsidiary = format!("{} {}", self.company, ["Services", "Holding"][draw(person.draw >> 3, 2)]);
        let company = if (person.draw >> 20).is_multiple_of(7) { &subsidiary } else { &self.company };
        let title = land.titles[draw(person.draw >> 26, land.titles.len())];
        object.text("companyName", works(person.draw >> 1).then_some(company.as_str()));
        let moved = edit.is_some_and(|edit| edit.moved).then(|| another(land.departments, department, person.draw));
        object.text("department", moved.or(works(person.draw >> 2).then_some(department)));
        let promoted = edit.is_some_and(|edit| edit.promoted).then(|| another(land.titles, title, person.draw));
        object.text("jobTitle", promoted.or(works(person.draw >> 5).then_some(title)));
        object.text("officeLocation", works(person.draw >> 7).then_some(office.name));
        object.text("streetAddress", works(person.draw >> 9).then_some(office.street));
        object.text("postalCode", works(person.draw >> 9).then_some(office.postal_code));
        object.text("city", works(person.draw >> 9).then_some(office.city));
        object.text("state", works(person.draw >> 9).then_some(office.state).flatten());
        object.text("country", works(person.draw >> 9).then_some(land.country));
    }

    fn write_licenses(&self, out: &mut String, index: u64, licensed: Option<u32>, night: &Night<'_>) {
        out.push('[');
        let mut first = true;
        let edit = night.edit(index);
        let stands = |holding: &Holding| {
            licensed.is_some_and(|night| holding.nights.is_none_or(|[first, last]| (first..=last).contains(&night)))
        };
        let holds = |place: usize| match (night.hired_holds(index, place), edit) {
            (Some(holds), _) => holds,
            (None, None) => self.holds(index, place),
            (None, Some(edit)) => {
                edit.gains.contains(&place) || self.holds(index, place) && !edit.losses.contains(&place)
            }
        };
        let all = self.holdings.iter().enumerate().filter(|(place, holding)| stands(holding) && holds(*place));
        let mut held: Vec<&Holding> = all.map(|(_, holding)| holding).collect();
        if night.shuffled {
            held.reverse();
        }
        for holding in held {
            if !std::mem::take(&mut first) {
                out.push(',');
            }
            out.push_str("{\"disabledPlans\":[");
            let lot = mix(self.seed ^ holding.order, index);
            if lot.is_multiple_of(7) && !holding.plans.is_empty() {
                quote(out, holding.plans[draw(lot >> 8, holding.plans.len())]);
            }
            let _ = write!(out, "],\"skuId\":\"{}\"}}", holding.id);
        }
        out.push(']');
    }

    fn write_manager(&self, out: &mut String, (index, edit): (u64, Option<&Edit>), of: &Person, selected: Selected) {
        if (of.draw >> 52).is_multiple_of(150) {
            // Somebody outside the directory.
            out.push_str("{\"@odata.type\":\"#microsoft.graph.orgContact\"");
            let contact = guid_of(self.seed ^ 0x00c0_ffee, index).to_string();
            let mut object = Object { out, first: false, selected };
            object.text("id", Some(&contact));
            object.text("displayName", Some("Regional Office (contact)"));
            object.close();
            return;
        }
        let person = self.person(index, edit);
        out.push_str("{\"@odata.type\":\"#microsoft.graph.user\"");
        let mut object = Object { out, first: false, selected };
        Self::write_identity(&mut object, &person, &LANDS[self.land]);
        object.close();
    }
}

fn write_extension_attributes(out: &mut String, person: &Person) {
    if (person.draw >> 30).is_multiple_of(97) {
        out.push_str("null");
        return;
    }
    out.push('{');
    for number in 1..=15_u64 {
        if number > 1 {
            out.push(',');
        }
        let _ = write!(out, "\"extensionAttribute{number}\":");
        let lot = mix(person.draw, number);
        match number {
            1 if !lot.is_multiple_of(10) => {
                let _ = write!(out, "\"CC-{}\"", 4000 + lot % 40 * 10);
            }
            2 if !lot.is_multiple_of(8) => {
                let _ = write!(out, "\"{:06}\"", lot % 1_000_000);
            }
            4 if lot.is_multiple_of(3) => out.push_str("\"\""),
            7 if !lot.is_multiple_of(4) => quote(out, ["BU North", "BU South", "BU Central", "Shared"][draw(lot, 4)]),
            10 if lot.is_multiple_of(2) => out.push_str("\"hybrid\""),
            12 if !lot.is_multiple_of(5) => {
                let _ = write!(out, "\"PL{}\"", lot % 12);
            }
            _ => out.push_str("null"),
        }
    }
    out.push('}');
}

/// A number below `below` out of well-mixed bits.
fn draw(bits: u64, below: usize) -> usize {
    usize::try_from(mix(bits, 1) % below.max(1) as u64).unwrap_or(0)
}

/// One of several texts, but not this one.
fn another(of: &[&'static str], but: &str, bits: u64) -> &'static str {
    let from = draw(bits, of.len());
    let mut others = of.iter().cycle().skip(from).take(of.len()).copied();
    others.find(|text| *text != but).unwrap_or("another")
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A JSON object that is being written; shows only what is selected.
struct Object<'a> {
    out: &'a mut String,
    first: bool,
    selected: Selected,
}

impl<'a> Object<'a> {
    fn open(out: &'a mut String, selected: Selected) -> Self {
        out.push('{');
        Self { out, first: true, selected }
    }

    fn key(&mut self, key: &str) {
        if !std::mem::take(&mut self.first) {
            self.out.push(',');
        }
        self.out.push('"');
        self.out.push_str(key);
        self.out.push_str("\":");
    }

    fn raw(&mut self, key: &str, json: &str) {
        if self.selected.has(key) {
            self.key(key);
            self.out.push_str(json);
        }
    }

    fn text(&mut self, key: &str, value: Option<&str>) {
        if self.selected.has(key) {
            self.key(key);
            match value {
                Some(value) => quote(self.out, value),
                None => self.out.push_str("null"),
            }
        }
    }

    fn close(self) {
        self.out.push('}');
    }
}

/// Writes a text as a JSON string.
pub(crate) fn quote(out: &mut String, text: &str) {
    if text.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        out.push_str(&serde_json::Value::from(text).to_string());
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn people(count: u64, skus: &[&str]) -> People {
        let skus: Vec<Sku> = skus.iter().map(|text| Sku::parse(text, count).unwrap()).collect();
        People::new(4, count, "Contoso", "contoso.example", None, &skus)
    }

    fn all(people: &People) -> Vec<Value> {
        let selected = Selected::of(PROPERTIES).unwrap();
        let manager = Selected::of(["id", "displayName", "userPrincipalName"]).unwrap();
        (0..people.count())
            .map(|index| {
                let mut out = String::new();
                people.write(&mut out, (&people.on(0), index), selected, Some(manager), Some(0));
                serde_json::from_str(&out).unwrap()
            })
            .collect()
    }

    #[test]
    fn exactly_as_many_hold_a_product_as_are_assigned_and_nobody_two_suites() {
        for count in [1, 7, 40, 812, 1000] {
            let people = people(count, &["SPE_E3:500:50%", "SPE_F1:400:30%", "VISIOCLIENT:20:10%"]);
            let mut held = std::collections::BTreeMap::new();
            for user in all(&people) {
                let licenses = user["assignedLicenses"].as_array().unwrap();
                assert!(licenses.len() <= 2, "one suite and one extra");
                for license in licenses {
                    *held.entry(license["skuId"].as_str().unwrap().to_owned()).or_insert(0) += 1;
                }
            }
            for holding in &people.holdings {
                let held = held.get(&holding.id.to_string()).copied().unwrap_or(0);
                assert_eq!(held, holding.count, "of {count}");
            }
        }
    }

    #[test]
    fn people_look_like_people() {
        let users = all(&people(400, &["SPE_E3:400:90%"]));
        let ids: std::collections::BTreeSet<_> = users.iter().map(|user| user["id"].as_str().unwrap()).collect();
        let upns: std::collections::BTreeSet<_> =
            users.iter().map(|user| user["userPrincipalName"].as_str().unwrap()).collect();
        assert_eq!((ids.len(), upns.len()), (400, 400));
        let guests = upns.iter().filter(|upn| upn.contains("#EXT#")).count();
        assert_eq!(guests, 12);
        assert!(users[0].get("manager").is_none(), "the first has none");
        assert!(users.iter().filter(|user| user.get("manager").is_some()).count() > 250);
        assert!(users.iter().any(|user| user["department"].is_null()));
        assert!(users.iter().any(|user| user["displayName"].as_str().unwrap().contains('\u{202e}')));
        let bytes: usize = users.iter().map(|user| user.to_string().len()).sum();
        assert!((900..1600).contains(&(bytes / users.len())), "{} bytes a user", bytes / users.len());
    }

    #[test]
    fn only_what_is_selected_comes() {
        let mut out = String::new();
        let people = people(5, &[]);
        people.write(&mut out, (&people.on(0), 3), Selected::of(["id", "displayName"]).unwrap(), None, Some(0));
        let user: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(user.as_object().unwrap().keys().collect::<Vec<_>>(), ["displayName", "id"]);
        assert_eq!(Selected::of(["id", "shoeSize"]), Err("shoeSize"));
    }

    #[test]
    fn changes_pick_as_many_as_they_say_and_nobody_twice() {
        let mut people = people(400, &["SPE_E3:400:50%", "VISIOCLIENT:20:10%"]);
        let changes = r#"
            [[changes]]
            nights = [1, 5]
            hired = 7
            hired_hold = "SPE_E3"
            gone = 4
            renamed = 3
            moved = 5
            promoted = 6
            gained = { VISIOCLIENT = 8 }
            lost = { SPE_E3 = 9 }
            [[changes]]
            nights = [3, 3]
            gone = 2
            shuffled = true
        "#;
        let changes: std::collections::BTreeMap<String, Vec<Changed>> = toml::from_str(changes).unwrap();
        people = people.clone().with(people.pick(&changes["changes"]).unwrap());
        let all = |night: u32| -> std::collections::BTreeMap<String, Value> {
            let selected = Selected::of(PROPERTIES).unwrap();
            let on = people.on(night);
            let users = (0..on.count()).map(|place| {
                let mut out = String::new();
                people.write(&mut out, (&on, place), selected, None, Some(0));
                serde_json::from_str::<Value>(&out).unwrap()
            });
            users.map(|user| (user["id"].as_str().unwrap().to_owned(), user)).collect()
        };
        let (before, now, later) = (all(0), all(1), all(3));
        assert_eq!((before.len(), now.len(), later.len()), (400, 403, 401), "each once, in any order");
        assert_eq!(all(6), before);
        let stayed = |field: &str| {
            now.iter().filter(|(id, user)| before.get(*id).is_some_and(|was| was[field] != user[field])).count()
        };
        assert_eq!(before.keys().filter(|id| !now.contains_key(*id)).count(), 4);
        let counts = ["surname", "department", "jobTitle", "assignedLicenses", "userPrincipalName"].map(stayed);
        assert_eq!(counts, [3, 5, 6, 17, 0]);
        for holding in &people.holdings {
            let held = |users: &std::collections::BTreeMap<String, Value>| {
                let has = |user: &&Value| user["assignedLicenses"].to_string().contains(&holding.id.to_string());
                i64::try_from(users.values().filter(has).count()).unwrap()
            };
            for (night, users) in [(0, &before), (1, &now), (3, &later)] {
                assert_eq!(held(&before) + people.drift(&people.on(night), holding.id), held(users), "night {night}");
            }
        }
    }
}
