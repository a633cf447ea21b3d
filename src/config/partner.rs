use std::net::IpAddr;
use std::path::PathBuf;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::failure::PartnerFacts;
use crate::model::{PartnerName, TenantId};

/// The clouds that Microsoft keeps apart (reference on Entra, section 1.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NationalCloud {
    /// Worldwide, and GCC.
    #[default]
    Global,
    /// US Government L4, GCC High.
    UsGov,
    /// US Government L5, `DoD`.
    UsGovDod,
    /// China, by `21Vianet`.
    China,
}

/// `[[partner]]`: a partner tenant with its app and service account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    /// The operator's name of it, unique in the file.
    pub name: PartnerName,
    /// The partner's own Entra tenant.
    pub tenant_id: TenantId,
    /// The app's client id.
    pub client_id: uuid::Uuid,
    /// A file with the app's client secret. Either this, or certificate and key. Each may be `credential:NAME`, a file of
    /// systemd's credentials directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_file: Option<PathBuf>,
    /// The day on which that secret ends, as the portal shows it: a file cannot tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_expires: Option<jiff::civil::Date>,
    /// A PEM file with the app's certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_file: Option<PathBuf>,
    /// A PEM file with its private key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_key_file: Option<PathBuf>,
    /// The account that signs in.
    pub service_account: CompactString,
    /// Where a browser ends after a sign-in, as the app registers it under Web; [`Partner::REDIRECT_URI`] if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// The name that customers know us by; the operator's own if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<CompactString>,
    /// The app's name, as customers see it among their enterprise applications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_name: Option<CompactString>,
    /// The address from which Microsoft and customers see us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outgoing_address: Option<IpAddr>,
    /// Which of Microsoft's clouds.
    #[serde(default)]
    pub cloud: NationalCloud,
    /// Hosts to use instead of the cloud's own.
    #[serde(default)]
    pub endpoints: Endpoints,
}

impl Partner {
    /// Where a browser ends after a sign-in unless the configuration says otherwise. Nothing has to listen there.
    pub const REDIRECT_URI: &str = "http://localhost/tenantop";

    /// Where a browser ends after a sign-in, letter for letter: Entra compares it so.
    pub fn redirect_uri(&self) -> &str {
        self.redirect_uri.as_deref().unwrap_or(Self::REDIRECT_URI)
    }

    /// When the client secret ends, if that is known: as its day begins, in UTC.
    pub fn client_secret_ends(&self) -> Option<jiff::Timestamp> {
        jiff::tz::TimeZone::UTC.to_timestamp(self.client_secret_expires?.at(0, 0, 0, 0)).ok()
    }

    /// What its customers may know of it.
    pub fn facts(&self) -> PartnerFacts {
        PartnerFacts {
            name: self.display_name.clone().unwrap_or_else(|| self.name.0.clone()),
            tenant: Some(self.tenant_id.0),
            app: self.app_name.clone().unwrap_or_default(),
            app_id: Some(self.client_id),
            account: self.service_account.clone(),
            address: self.outgoing_address.map(|address| address.to_string().into()).unwrap_or_default(),
        }
    }
}

/// `[partner.endpoints]`: a simulator or a gateway. A path prefix is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Endpoints {
    /// Before `/{tenant}/oauth2/v2.0/token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<Url>,
    /// Before `/v1.0/users`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graph: Option<Url>,
    /// Before `/v1/customers`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner_center: Option<Url>,
}

/// Checks an address of a service: TLS, unless it is this host itself; no name, password, query or fragment.
pub fn check_endpoint(url: &Url) -> Result<(), &'static str> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an address holds no name and no password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("an address ends with its path");
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(url) => Ok(()),
        "http" => Err("http:// is for this host alone; use https://"),
        _ => Err("use https://"),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
