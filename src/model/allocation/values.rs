//! What rules looked at of users when a month was closed: enough to explain each of them afterwards, and no more.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::sorter::Link;
use super::{Attribute, Rules, Sorter, Subject, Then};
use crate::model::{Manager, Text, TextField, User, UserId};

/// Whom users report to, of those who are above somebody: by id, with what that one is called.
pub type Above = BTreeMap<UserId, (Option<UserId>, Text)>;

/// A user who is above others, as rules on the chain of managers need to know him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Superior {
    /// Who.
    pub user: UserId,
    /// Whom he reports to, and what chain conditions say of that one.
    pub link: Link,
    /// Whom he reports to.
    pub manager: Option<UserId>,
    /// What that one is called.
    pub name: Text,
}

impl Rules {
    /// The attributes that rules look at.
    pub fn attributes(&self) -> BTreeSet<Attribute> {
        let by = |then: &Then| match then {
            Then::Each { by, .. } => by.clone(),
            Then::Unit(_) | Then::Split(_) => Vec::new(),
        };
        let of = |rule: &super::Rule| {
            let conditions = rule.when.iter().map(|condition| condition.attribute);
            conditions.chain(by(&rule.then)).collect::<Vec<_>>()
        };
        self.rules.iter().flat_map(of).collect()
    }
}

/// A user with nothing but these attributes, and his mail, by which he is found. Names stand in his lines.
pub fn with_only(user: &impl Subject, attributes: &BTreeSet<Attribute>) -> User {
    let mut kept = User::new(user.id());
    let mut text = |field: TextField| {
        if let Some(place) = kept.texts.get_mut(field as usize) {
            *place = user.text(field).map(Text::from);
        }
    };
    text(TextField::Mail);
    for attribute in attributes {
        if let Attribute::Text(field) = attribute {
            text(*field);
        }
    }
    for attribute in attributes {
        match attribute {
            Attribute::Text(_) => {}
            Attribute::Extension(n) => {
                let value = user.extension(*n).map(Text::from);
                if let (Some(_), Some(at)) = (&value, usize::from(*n).checked_sub(1))
                    && let Some(place) = kept.extension.get_or_insert_default().get_mut(at)
                {
                    *place = value;
                }
            }
            Attribute::Manager | Attribute::ManagerChain => {
                kept.manager = user.manager().map(|(id, name, sign_in)| Manager {
                    id,
                    display_name: name.map(Text::from),
                    user_principal_name: sign_in.map(Text::from),
                });
            }
            Attribute::License => kept.licenses = Some(user.licenses().to_vec()),
        }
    }
    kept
}

/// What a manager is called: by what he signs in with, else by his name.
fn called((id, name, sign_in): (Option<UserId>, Option<&str>, Option<&str>)) -> (Option<UserId>, Text) {
    (id, sign_in.or(name).map(Text::from).unwrap_or_default())
}

impl Superior {
    /// A user, should he be above somebody; nothing of one who reports to nobody.
    pub fn of(user: &impl Subject, sorter: &Sorter<'_>) -> Option<Self> {
        let (manager, name) = called(user.manager()?);
        Some(Self { user: user.id(), link: sorter.link(user), manager, name })
    }
}

/// The managers of a user, from the one that he reports to upward, by what they are called.
pub fn names_above(user: &impl Subject, above: &Above) -> Vec<Text> {
    /// So many are told.
    const MOST: usize = 64;
    let mut names: Vec<Text> = Vec::new();
    let mut next = user.manager().map(called);
    while let Some((manager, name)) = next {
        if names.len() >= MOST || names.contains(&name) {
            break;
        }
        names.push(name);
        next = manager.and_then(|id| above.get(&id)).cloned();
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_kept_with_what_rules_look_at_and_nothing_else() {
        let rules = Rules::from_toml(
            "[[rule]]\nunit = \"A\"\nwhen = [{ attribute = \"extensionAttribute3\", is = \"x\" }]\n\
             [[rule]]\neach = [\"department\"]\n[[rule]]\nunit = \"B\"\nwhen = [{ attribute = \"manager\", is = \"m\" }]\n",
        )
        .unwrap();
        let attributes = rules.attributes();
        let named: Vec<String> = attributes.iter().map(ToString::to_string).collect();
        assert_eq!(named, ["department", "extensionAttribute3", "manager"]);
        let mut user = User::new(UserId::new(uuid::Uuid::from_u128(7)));
        for field in TextField::ALL {
            user.texts[field as usize] = Some(field.name().into());
        }
        user.extension = Some(Box::new(std::array::from_fn(|n| Some(format!("e{}", n + 1).into()))));
        let manager = Manager { id: None, display_name: Some("M".into()), user_principal_name: None };
        (user.manager, user.licenses) = (Some(manager.clone()), Some(Vec::new()));
        let kept = with_only(&user, &attributes);
        let texts: Vec<&str> = TextField::ALL.into_iter().filter_map(|field| kept.text(field)).collect();
        assert_eq!(texts, ["department", "mail"]);
        assert_eq!((kept.licenses.is_none(), &kept.manager), (true, &Some(manager)));
        let extension: Vec<&str> =
            kept.extension.iter().flat_map(|all| all.iter().flatten()).map(Text::as_str).collect();
        assert_eq!(extension, ["e3"]);
    }

    #[test]
    fn a_circle_of_managers_is_told_once_round() {
        let id = |n: u128| UserId::new(uuid::Uuid::from_u128(n));
        let mut user = User::new(id(1));
        user.manager = Some(Manager { id: Some(id(2)), display_name: None, user_principal_name: Some("b".into()) });
        let above: Above = [(id(2), (Some(id(3)), "c".into())), (id(3), (Some(id(2)), "b".into()))].into();
        assert_eq!(names_above(&user, &above), ["b", "c"]);
        assert_eq!(names_above(&User::new(id(9)), &above), Vec::<Text>::new());
    }
}
