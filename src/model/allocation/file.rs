//! Rules as a file that people review.

use super::Rules;

/// What stands at the top of an exported file.
const HEAD: &str = "\
# Business units: users with a place of their own first ([[assign]]), then rules in their order; the first hit wins.
# A rule: when = conditions that all hold (none: everybody), and one of
#   unit = \"Name\" or [\"Company\", \"Department\"];  split = [{ unit = ..., percent = 70 }, ...];  each = [\"department\"]
# A condition: attribute, and one of is, in, starts, matches (* and ?), absent = true; any_case and trim by choice.
";

impl Rules {
    /// The longest file, in bytes.
    pub const FILE: usize = 512 << 10;

    /// Rules from a file, checked. What is wrong is said with its place.
    pub fn from_toml(text: &str) -> Result<Self, String> {
        if text.len() > Self::FILE {
            return Err(format!("{} bytes: a file of rules has {} at most", text.len(), Self::FILE));
        }
        let rules: Self = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        rules.checked()
    }

    /// Rules as a file.
    pub fn to_toml(&self) -> Result<String, String> {
        let body = toml::to_string(self).map_err(|error| error.to_string())?;
        Ok(format!("{HEAD}\n{body}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::allocation::{Percent, Then};

    const FILE: &str = r#"
        levels = ["company", "depot"]
        [[unit]]
        path = ["Rail", "Depot South"]
        code = "4711"
        [[rule]]
        name = "Depots"
        unit = ["Rail", "Depot North"]
        when = [
            { attribute = "companyName", is = "Tasmanian Fr.", any_case = true, trim = true },
            { attribute = "officeLocation", starts = "Depot" },
        ]
        [[rule]]
        split = [{ unit = "A", percent = 70 }, { unit = "B", percent = "30.0" }]
        when = [{ attribute = "jobTitle", in = ["Director", "VP"] }, { attribute = "extensionAttribute7", absent = true }]
        [[rule]]
        each = ["companyName", "department"]
        under = "Others"
        fold = true
        [[assign]]
        user = "lena@x.example"
        unit = "A"
    "#;

    #[test]
    fn a_file_comes_back_as_it_was() {
        let rules = Rules::from_toml(FILE).unwrap();
        assert_eq!((rules.units.len(), rules.rules.len(), rules.assigned.len()), (1, 3, 1));
        let Then::Split(parts) = &rules.rules[1].then else { panic!("{rules:?}") };
        assert_eq!(parts[1].percent, Percent::of_millionths(300_000));
        let text = rules.to_toml().unwrap();
        assert_eq!(Rules::from_toml(&text).unwrap(), rules, "{text}");
        assert!(text.contains("path = [\"Rail\", \"Depot South\"]") && text.contains("percent = \"30\""), "{text}");
        let start = Rules::start();
        assert_eq!(Rules::from_toml(&start.to_toml().unwrap()).unwrap(), start);
        let json = serde_json::to_string(&rules).unwrap();
        assert_eq!(serde_json::from_str::<Rules>(&json).unwrap(), rules, "{json}");
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_place() {
        for (file, why) in [
            ("[[rule]]\nunit = \"A\"\nsplit = []", "one of: unit, split, each"),
            ("[[rule]]\nwhen = []", "one of: unit, split, each"),
            ("[[rule]]\nunit = \"A\"\nfold = true", "under and fold go with each"),
            ("[[rule]]\nunit = []", "rule R1: a unit has 1 to 8 levels"),
            ("[[rule]]\nunit = \" \"", "is no name of a unit"),
            ("[[rule]]\nsplit = [{ unit = \"A\", percent = 99 }]", "rule R1: the split adds up to 99 %, not to 100"),
            ("[[rule]]\nsplit = [{ unit = \"A\", percent = 50 }, { unit = \"A\", percent = 50 }]", "split twice"),
            ("[[rule]]\nsplit = [{ unit = \"A\", percent = \"0.00001\" }]", "no percentage"),
            ("[[rule]]\nsplit = [{ unit = \"A\", percent = 33.3 }]", "did not match"),
            ("[[rule]]\neach = [\"managerChain\"]", "several units"),
            ("[[rule]]\neach = []", "1 to 8 levels"),
            ("[[rule]]\nunit = \"A\"\nwhen = [{ attribute = \"shoeSize\", is = \"9\" }]", "no attribute `shoeSize`"),
            ("[[rule]]\nunit = \"A\"\nwhen = [{ attribute = \"city\", is = \"A\", starts = \"A\" }]", "has one of: is"),
            ("[[rule]]\nunit = \"A\"\nwhen = [{ attribute = \"city\", is = \"\" }]", "is no value"),
            ("[[rule]]\nunit = \"A\"\nwhen = [{ attribute = \"city\", in = [] }]", "holds for nobody"),
            ("[[assign]]\nuser = \"a\"\nunit = \"A\"\n[[assign]]\nuser = \"A\"\nunit = \"B\"", "A is assigned twice"),
            ("[[unit]]\npath = \"A\"\n[[unit]]\npath = \"A\"", "unit A is there twice"),
            ("[[rules]]\nunit = \"A\"", "unknown field"),
        ] {
            let said = Rules::from_toml(file).unwrap_err();
            assert!(said.contains(why), "{file}\n{said}");
        }
    }
}
