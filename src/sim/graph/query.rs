//! The query options of `/users`.

use std::collections::BTreeMap;

use url::form_urlencoded;

use super::super::people::{BASIC, Selected};
use super::{Refused, bad_request, refused};

/// Properties that Graph has for a single user only.
const SINGLE_ONLY: [&str; 9] =
    ["aboutMe", "birthday", "hireDate", "interests", "mySite", "pastProjects", "preferredName", "schools", "skills"];

/// What is asked of the users.
pub(super) struct Wanted {
    pub(super) selected: Selected,
    pub(super) manager: Option<Selected>,
    pub(super) top: u64,
    pub(super) cost: u32,
    /// The query as the next link repeats it.
    pub(super) query: String,
}

/// The names in a list with commas.
pub(super) fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|word| !word.is_empty())
}

fn select(list: &str) -> Result<Selected, Refused> {
    Selected::of(words(list)).map_err(|name| {
        if SINGLE_ONLY.contains(&name) {
            return refused(501, "NotImplemented", "This operation target is not yet supported.");
        }
        bad_request(format!("Could not find a property named '{name}' on type 'microsoft.graph.user'."))
    })
}

impl Wanted {
    /// Out of the query's options, decoded.
    pub(super) fn read(options: &BTreeMap<String, String>) -> Result<Self, Refused> {
        let basic = BASIC.join(",");
        let mut wanted = Self { selected: select(&basic)?, manager: None, top: 100, cost: 2, query: String::new() };
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in options {
            match name.as_str() {
                "$select" => {
                    wanted.selected = select(value)?;
                    wanted.cost -= 1;
                }
                "$expand" => {
                    wanted.manager = Some(expand(value, &basic)?);
                    wanted.cost += 1;
                }
                "$top" => {
                    wanted.top = value.parse().ok().filter(|top| (1..=999).contains(top)).ok_or_else(|| {
                        bad_request(format!("Invalid page size specified: '{value}'. Must be between 1 and 999."))
                    })?;
                    wanted.cost -= u32::from(wanted.top < 20);
                }
                "$skiptoken" => continue,
                "$skip" => return Err(bad_request("'$skip' is not supported by the service.")),
                "$filter" | "$search" | "$orderby" | "$count" => {
                    return Err(refused(400, "Request_UnsupportedQuery", "Unsupported Query."));
                }
                name if name.starts_with('$') => {
                    return Err(bad_request(format!("The query option '{name}' is not recognized.")));
                }
                _ => continue,
            }
            query.append_pair(name, value);
        }
        wanted.cost = wanted.cost.max(1);
        // A link is read by people too: what a query may hold as it is stays as it is.
        let mut text = query.finish();
        for (encoded, plain) in [("%24", "$"), ("%2C", ","), ("%28", "("), ("%29", ")"), ("%3D", "=")] {
            text = text.replace(encoded, plain);
        }
        wanted.query = text;
        Ok(wanted)
    }
}

fn expand(value: &str, basic: &str) -> Result<Selected, Refused> {
    let unsupported = || {
        refused(
            400,
            "ExpandNotSupported",
            format!("Expand is not allowed for '{value}' according to the entity schema."),
        )
    };
    let rest = value.trim().strip_prefix("manager").ok_or_else(unsupported)?;
    if rest.is_empty() {
        return select(basic);
    }
    let inner = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).ok_or_else(unsupported)?;
    if inner.contains("$levels") {
        return Err(refused(400, "Request_UnsupportedQuery", "Unsupported Query."));
    }
    select(inner.strip_prefix("$select=").ok_or_else(unsupported)?)
}
