//! Microsoft's published table of product names and service plan identifiers, as an operator downloaded it.
//!
//! A row for each product and each service plan in it, so most products come many times. What the table is known to
//! have is taken as it is: a byte order mark, blanks and tabs behind values, commas in quotes, columns in another order,
//! and products under two names since one was renamed. A table that a spreadsheet saved again, parted by `;` or tabs, is
//! read too.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{ConfigError, Loaded};
use crate::model::{Id, Listed, Text, clean};

/// The key that names the file.
const KEY: &str = "catalog.products_csv";
/// The largest file, in bytes. The table has about 1.1 MB.
const MOST_BYTES: u64 = 16 << 20;
/// The most rows. The table has about 6,000.
const MOST_ROWS: usize = 100_000;
/// The longest name, in bytes. The table's longest has about 160.
const LONGEST: usize = 300;

/// The columns, as their titles are told apart: letters and digits alone, in lower case.
const ID: &str = "guid";
const NAME: &str = "productdisplayname";
const PART: &str = "stringid";
const PLAN_ID: &str = "serviceplanid";
const PLAN_NAME: &str = "serviceplansincludedfriendlynames";

/// What was read of the table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Products {
    /// Its names.
    pub listed: Listed,
    /// Rows that name no product: no GUID, no name, or one that is too long. They are left out.
    pub left_out: u64,
    /// The first of them: its line, and why.
    pub first_left_out: Option<String>,
}

impl Products {
    /// Reads the text of a table. Refuses one that is none, or that is larger than any that was published.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return Err("the file is UTF-16; it has to be UTF-8".to_owned());
        }
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut rows =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter(text)).from_reader(text);
        let mut row = csv::ByteRecord::new();
        let mut next = |row: &mut csv::ByteRecord| rows.read_byte_record(row).map_err(|error| error.to_string());
        if !next(&mut row)? {
            return Err("the file is empty".to_owned());
        }
        let titles: Vec<String> = row.iter().map(title).collect();
        let find = |wanted: &str| titles.iter().position(|title| title == wanted);
        let (Some(id), Some(name)) = (find(ID), find(NAME)) else {
            let missing: Vec<&str> = [("GUID", find(ID)), ("Product_Display_Name", find(NAME))]
                .into_iter()
                .filter_map(|(title, at)| at.is_none().then_some(title))
                .collect();
            return Err(format!("the first line has no column {}", missing.join(" and no column ")));
        };
        let (part, plan_id, plan_name) = (find(PART), find(PLAN_ID), find(PLAN_NAME));
        let mut products = Said::default();
        let mut parts = Said::default();
        let mut plans = Said::default();
        let mut out = Self::default();
        let mut n = 0;
        while next(&mut row)? {
            n += 1;
            if n > MOST_ROWS {
                return Err(format!("the file has more than {MOST_ROWS} rows"));
            }
            let cell = |at: usize| value(row.get(at).unwrap_or_default());
            if row.iter().all(|cell| value(cell).is_empty()) {
                continue;
            }
            match checked(&cell(id), &cell(name)) {
                Err(why) => {
                    out.left_out += 1;
                    let at = row.position().map_or(0, csv::Position::byte);
                    out.first_left_out.get_or_insert_with(|| format!("line {}: {why}", line(text, at)));
                }
                Ok((id, name)) => {
                    products.hear(id, name);
                    if let Some(part) = part.map(cell).filter(|part| is_name(part)) {
                        parts.hear(id, &part);
                    }
                }
            }
            // A row whose product is wrong still names its plan.
            if let (Some(id), Some(name)) = (plan_id.map(cell), plan_name.map(cell))
                && let (Ok(id), true) = (id.parse(), is_name(&name))
            {
                plans.hear(id, &name);
            }
        }
        out.listed = Listed { products: products.settled(), parts: parts.settled(), plans: plans.settled() };
        if out.listed.products.is_empty() {
            return Err("no row has a GUID and a name".to_owned());
        }
        Ok(out)
    }

    /// Reads the file of a table.
    fn read(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        if !file.metadata().map_err(|error| error.to_string())?.is_file() {
            return Err("not a file".to_owned());
        }
        let mut bytes = Vec::new();
        file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(format!("the file has more than {} MiB", MOST_BYTES >> 20));
        }
        Self::parse(&bytes)
    }
}

impl Loaded {
    /// Reads the table that the configuration names; absent if it names none. A file that is gone or that is no such
    /// table is an error: products would lose their names without a word.
    pub fn products(&self) -> Result<Option<Products>, ConfigError> {
        let Some(path) = &self.config.catalog.products_csv else { return Ok(None) };
        let products = Products::read(path).map_err(|why| ConfigError::Wrong {
            place: format!("{}: {KEY}", self.origin(KEY)),
            why: format!(
                "product names cannot be read from {}: {why}; whoever keeps the configuration puts Microsoft's table \
                 there again, or takes the key out: then the built-in names hold",
                path.display()
            ),
        })?;
        if let Some(first) = &products.first_left_out {
            tracing::warn!(file = %path.display(), left_out = products.left_out, %first, "rows name no product");
        }
        Ok(Some(products))
    }
}

/// What parts the values: what the first line has most of.
fn delimiter(text: &[u8]) -> u8 {
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |wanted: u8| memchr::memchr_iter(wanted, first).count();
    [b'\t', b';', b','].into_iter().max_by_key(|byte| count(*byte)).unwrap_or(b',')
}

/// The line of a row that begins at a byte, or behind the end of the line that lies there; counted from 1.
fn line(text: &[u8], at: u64) -> usize {
    let at = usize::try_from(at).unwrap_or(usize::MAX).min(text.len());
    let (before, rest) = text.split_at(at);
    let ends = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    before.iter().chain(ends).filter(|byte| **byte == b'\n').count() + 1
}

fn title(cell: &[u8]) -> String {
    cell.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(|byte| char::from(byte.to_ascii_lowercase())).collect()
}

/// A value without what stands around it, safe to show.
fn value(cell: &[u8]) -> String {
    let text = String::from_utf8_lossy(cell);
    let outside = |c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}');
    clean(text.trim_matches(outside)).into_owned()
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST
}

/// The product of a row, or why it names none.
fn checked<'a, Of>(id: &str, name: &'a str) -> Result<(Id<Of>, &'a str), String> {
    let Ok(id) = id.parse() else {
        let shown: String = id.chars().take(40).collect();
        return Err(format!("`{shown}` is no GUID"));
    };
    if name.is_empty() {
        return Err("no name".to_owned());
    }
    if name.len() > LONGEST {
        return Err(format!("a name of {} bytes: is a quote left open?", name.len()));
    }
    Ok((id, name))
}

/// The names that each id was given, with how many rows gave it, in the order in which they came.
struct Said<Of>(HashMap<Id<Of>, Vec<(Text, usize)>>);

impl<Of> Default for Said<Of> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<Of: Eq + std::hash::Hash + Ord + Copy> Said<Of> {
    fn hear(&mut self, id: Id<Of>, name: &str) {
        let names = self.0.entry(id).or_default();
        match names.iter_mut().find(|(known, _)| known == name) {
            Some((_, times)) => *times += 1,
            None => names.push((name.into(), 1)),
        }
    }

    /// One name for each: not one all in capitals if there is another; the commonest; the first.
    fn settled(self) -> BTreeMap<Id<Of>, Text> {
        let best = |names: Vec<(Text, usize)>| {
            // The last of equals is the greatest, so the first stands last.
            names.into_iter().rev().max_by_key(|(name, times)| (!is_shouted(name), *times)).map(|(name, _)| name)
        };
        self.0.into_iter().filter_map(|(id, names)| Some((id, best(names)?))).collect()
    }
}

/// Whether a name is all in capitals. One of a script that has none is not.
fn is_shouted(name: &str) -> bool {
    name.chars().any(char::is_uppercase) && !name.chars().any(char::is_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PlanId, SkuId};

    const HEAD: &str =
        "Product_Display_Name,String_Id,GUID,Service_Plan_Name,Service_Plan_Id,Service_Plans_Included_Friendly_Names";
    const A: &str = "00000000-0000-0000-0000-00000000000a";
    const B: &str = "00000000-0000-0000-0000-00000000000b";

    fn name(products: &Products, id: &str) -> Option<String> {
        products.listed.products.get(&id.parse::<SkuId>().unwrap()).map(ToString::to_string)
    }

    fn plan(products: &Products, id: &str) -> Option<String> {
        products.listed.plans.get(&id.parse::<PlanId>().unwrap()).map(ToString::to_string)
    }

    /// The file of the tests has what the published table has: see there.
    #[test]
    fn a_nasty_table_is_read() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/catalog/nasty.csv");
        let products = Products::read(&path).unwrap();
        for (id, want) in [
            // The byte order mark, a tab and blanks behind the values, the commas.
            ("00000000-0000-0000-0000-0000000000a1", Some("Widget Suite, yearly")),
            // Renamed: two rows say the new name, one the old.
            ("00000000-0000-0000-0000-0000000000a2", Some("Widget Analytics")),
            // As many say it in capitals.
            ("00000000-0000-0000-0000-0000000000a3", Some("Widget Phone \u{201c}Plus\u{201d}")),
            // One name for two ids.
            ("00000000-0000-0000-0000-0000000000a4", Some("Widget Calling")),
            ("00000000-0000-0000-0000-0000000000a5", Some("Widget Calling")),
            // Nothing but capitals.
            ("00000000-0000-0000-0000-0000000000a6", Some("WIDGET X")),
            // What would move the text is shown.
            ("00000000-0000-0000-0000-0000000000a7", Some("Widget ?evil")),
            // A row that ends early.
            ("00000000-0000-0000-0000-0000000000a8", Some("Widget Short")),
            ("00000000-0000-0000-0000-0000000000a9", None),
        ] {
            assert_eq!(name(&products, id).as_deref(), want, "{id}");
        }
        assert_eq!(products.listed.products.len(), 8);
        assert_eq!(products.listed.parts[&"00000000-0000-0000-0000-0000000000a1".parse::<SkuId>().unwrap()], "WID, 1");
        assert_eq!(plan(&products, "00000000-0000-0000-0000-0000000000b1").as_deref(), Some("Widget Mail (Plan 1)"));
        assert_eq!(plan(&products, "00000000-0000-0000-0000-0000000000b2").as_deref(), Some("Widget Files"));
        assert_eq!(plan(&products, "00000000-0000-0000-0000-0000000000b3").as_deref(), Some("Widget Boards"));
        assert_eq!(products.left_out, 3);
        assert_eq!(products.first_left_out.as_deref(), Some("line 13: `not-a-guid` is no GUID"));
    }

    #[test]
    fn columns_are_found_by_their_names_in_any_order_and_case() {
        for text in [
            format!("guid,PRODUCT_DISPLAY_NAME\n{A},X"),
            format!("Product Display Name ;GUID;Other\r\nX;{A};1\r\n"),
            format!("\u{feff}\"Product_Display_Name\"\tGUID\nX\t{{{A}}}"),
        ] {
            let products = Products::parse(text.as_bytes()).unwrap();
            assert_eq!(name(&products, A).as_deref(), Some("X"), "{text}");
            assert!(products.listed.plans.is_empty() && products.listed.parts.is_empty());
        }
    }

    #[test]
    fn of_two_names_the_commonest_that_is_not_shouted_holds_and_of_equals_the_first() {
        let table = |names: &[&str]| {
            let rows: Vec<String> = names.iter().map(|name| format!("{name},X,{A},,,")).collect();
            name(&Products::parse(format!("{HEAD}\n{}", rows.join("\n")).as_bytes()).unwrap(), A).unwrap()
        };
        assert_eq!(table(&["Old", "New", "New"]), "New");
        assert_eq!(table(&["Old", "New"]), "Old");
        assert_eq!(table(&["LOUD", "LOUD", "LOUD", "Calm"]), "Calm");
        assert_eq!(table(&["LOUD 1", "LOUD 2"]), "LOUD 1");
        assert_eq!(table(&["LOUD", "東京 365"]), "東京 365");
    }

    #[test]
    fn what_is_no_such_table_is_refused_with_what_is_missing() {
        for (text, why) in [
            (String::new(), "the file is empty"),
            ("\u{feff}".to_owned(), "the file is empty"),
            ("a,b\n1,2".to_owned(), "no column GUID and no column Product_Display_Name"),
            (format!("GUID,b\n{A},2"), "no column Product_Display_Name"),
            ("Product_Display_Name,b\nX,2".to_owned(), "no column GUID"),
            (format!("{HEAD}\n\n,,,\nX,Y,Z,,,"), "no row has a GUID and a name"),
            (format!("{HEAD}\n{}", format!("X,Y,{A},,,\n").repeat(MOST_ROWS + 1)), "more than 100000 rows"),
        ] {
            let error = Products::parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(HEAD.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert!(Products::parse(&utf16).unwrap_err().contains("UTF-16"));
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Products::read(dir.path()).unwrap_err(), "not a file");
        let large = dir.path().join("large.csv");
        File::create(&large).unwrap().set_len(MOST_BYTES + 1).unwrap();
        assert_eq!(Products::read(&large).unwrap_err(), "the file has more than 16 MiB");
    }

    #[test]
    fn a_quote_left_open_and_a_name_without_end_are_told() {
        let text = format!("{HEAD}\nX,Y,{A},,,\n\"open,Y,{B},,,\n{}", format!("X,Y,{A},,,\n").repeat(99));
        let products = Products::parse(text.as_bytes()).unwrap();
        assert_eq!((products.left_out, name(&products, B)), (1, None));
        assert!(products.first_left_out.unwrap().starts_with("line 3: "));
        let text = format!("{HEAD}\nX,Y,{A},,,\n{},Y,{B},,,", "x".repeat(LONGEST + 1));
        let products = Products::parse(text.as_bytes()).unwrap();
        assert_eq!(products.first_left_out.unwrap(), "line 3: a name of 301 bytes: is a quote left open?");
    }

    #[test]
    fn any_bytes_are_read_or_refused() {
        let mut bytes = HEAD.as_bytes().to_vec();
        bytes.extend(b"\nGr\xfc\xdfe,X,00000000-0000-0000-0000-00000000000a,,,\n\0\xff\xfe\"\n");
        assert_eq!(name(&Products::parse(&bytes).unwrap(), A).as_deref(), Some("Gr\u{fffd}\u{fffd}e"));
        for end in 0..bytes.len() {
            let _ = Products::parse(&bytes[..end]);
            let _ = Products::parse(&bytes[end..]);
        }
    }
}
