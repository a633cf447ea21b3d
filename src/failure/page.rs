use std::fmt::Write;

use super::{CODES, Cap, Class, Code, Context, Failure, Hop, PARTNER_CENTER, Service};

/// The documentation of all classes, as a page: what each means, who acts, what to do, and its numbers.
pub fn page() -> String {
    let mut page = String::from(
        "# What a failure means\n\n\
         Written by a test from the classifier; do not edit it (`UPDATE=1 cargo test --test it failures`).\n\n\
         *Who acts* is said for a customer's tenant. Where our own tenant refused, nothing is a customer's: a policy\n\
         there is our own. Where most customers of a partner refuse alike, or many begin to within minutes, it is ours as well.\n\n\
         *Again*: `no`, the same request fails until somebody acts; `fix`, it works once its owner has acted; `yes`,\n\
         after a while; `once`, one more time.\n",
    );
    for class in Class::ALL {
        of_class(&mut page, class);
    }
    page
}

/// Appends what is known of a class. Writing to a String cannot fail.
fn of_class(page: &mut String, class: Class) {
    let policy = class.is_policy();
    let _ = writeln!(page, "\n## `{}`\n\n{}.\n", class.name(), capital(class.meaning()));
    let _ = writeln!(page, "- Who acts: {}", class.owner().word());
    let _ = writeln!(page, "- Conditional Access: {}\n", if policy { "yes" } else { "no, unless the answer says so" });
    let plain = Failure::local(class, Service::Entra, Hop::Customer, "", jiff::Timestamp::UNIX_EPOCH);
    let cap = if policy { Cap::Yes } else { Cap::No };
    page.push_str("```text\n");
    for step in (Failure { cap, ..plain }).remedy(Context::default()).steps {
        let _ = writeln!(page, "{step}");
    }
    page.push_str("```\n");
    numbers(page, "AADSTS", CODES, class);
    numbers(page, "Partner Center", PARTNER_CENTER, class);
}

fn numbers(page: &mut String, heading: &str, codes: &[Code], class: Class) {
    let mut codes = codes.iter().filter(|code| code.class == class).peekable();
    if codes.peek().is_none() {
        return;
    }
    let _ = writeln!(page, "\n| {heading} | in short | control | who acts | again |\n|---|---|---|---|---|");
    for Code { number, short, control, owner, again, .. } in codes {
        let _ = writeln!(page, "| {number} | {short} | {control} | {} | {} |", owner.word(), again.name());
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
