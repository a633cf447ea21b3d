//! The console.
use crate::client::Client;
use crate::model::{Clock, PartnerName, TenantId};
use std::collections::BTreeMap;
pub struct Options;
impl Options {
    pub fn from_environment(
        _operator: String,
        _banner: String,
        _partner_tenants: BTreeMap<PartnerName, TenantId>,
    ) -> Self {
        Self
    }
}
pub async fn run(_client: Client, _clock: Clock, _options: Options) -> color_eyre::Result<()> {
    Ok(())
}
