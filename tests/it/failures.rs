//! The page of failures is what the classifier says.

use tenantop::failure::{CODES, Class, PARTNER_CENTER, page};

use crate::docs::same_as_file;

#[test]
fn the_page_of_failures_is_up_to_date() {
    same_as_file("docs/failures.md", &page());
}

#[test]
fn every_class_and_every_number_stands_on_the_page_once() {
    let page = page();
    for class in Class::ALL {
        assert_eq!(page.matches(&format!("## `{}`\n", class.name())).count(), 1, "{class:?}");
    }
    for code in CODES.iter().chain(PARTNER_CENTER) {
        assert_eq!(page.matches(&format!("\n| {} |", code.number)).count(), 1, "{}", code.number);
    }
}
