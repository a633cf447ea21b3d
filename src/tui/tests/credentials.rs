//! Credentials whose files cannot be used.

use super::{Desk, options, sample};
use crate::model::{AppKey, Change, Credentials};

#[test]
fn what_ends_names_the_partner_whose_credential_cannot_be_read() {
    let mut desk = Desk::of(sample::ending(), options());
    desk.press("E");
    let said = "emea: a secret file is broken (doctor)";
    assert!(!desk.text().contains(said), "{}", desk.text());
    let mut known = Credentials { stored_at: None, app_key: AppKey::Secret, app_key_ends: None, trouble: None };
    known.trouble = Some("/etc/tenantop/emea.secret can be read by others".into());
    desk.tell(Change::Credentials { partner: "emea".into(), credentials: known.clone() });
    desk.wait(600);
    assert!(desk.text().contains(said), "{}", desk.text());
    desk.tell(Change::Credentials { partner: "emea".into(), credentials: Credentials { trouble: None, ..known } });
    desk.wait(600);
    assert!(!desk.text().contains(said), "{}", desk.text());
}
