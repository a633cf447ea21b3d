use url::Url;

use super::SetupError;
use crate::config::{NationalCloud, Partner, check_endpoint};

/// Hosts and scopes of a partner's clouds (reference on Entra, section 1.8).
#[derive(Debug, Clone)]
pub(super) struct Places {
    pub(super) login: Url,
    pub(super) graph: Url,
    pub(super) partner_center: Url,
    pub(super) graph_scope: String,
    pub(super) partner_center_scope: String,
}

struct Hosts {
    login: &'static str,
    graph: &'static str,
    partner_center: &'static str,
}

const fn hosts(cloud: NationalCloud) -> Hosts {
    match cloud {
        NationalCloud::Global => Hosts {
            login: "https://login.microsoftonline.com",
            graph: "https://graph.microsoft.com",
            partner_center: "https://api.partnercenter.microsoft.com",
        },
        NationalCloud::UsGov => Hosts {
            login: "https://login.microsoftonline.us",
            graph: "https://graph.microsoft.us",
            partner_center: "https://api.partnercenter.microsoft.com",
        },
        NationalCloud::UsGovDod => Hosts {
            login: "https://login.microsoftonline.us",
            graph: "https://dod-graph.microsoft.us",
            partner_center: "https://api.partnercenter.microsoft.com",
        },
        NationalCloud::China => Hosts {
            login: "https://login.partner.microsoftonline.cn",
            graph: "https://microsoftgraph.chinacloudapi.cn",
            partner_center: "https://partner.partnercenterapi.microsoftonline.cn",
        },
    }
}

impl Places {
    pub(super) fn of(partner: &Partner) -> Result<Self, SetupError> {
        let hosts = hosts(partner.cloud);
        let place = |what: &str, own: &Option<Url>, default: &str| {
            let url = match own {
                Some(url) => url.clone(),
                None => Url::parse(default).map_err(|error| SetupError::new(partner, error))?,
            };
            check_endpoint(&url).map_err(|why| SetupError::new(partner, format!("endpoint {what}: {why}")))?;
            Ok(url)
        };
        Ok(Self {
            login: place("login", &partner.endpoints.login, hosts.login)?,
            graph: place("graph", &partner.endpoints.graph, hosts.graph)?,
            partner_center: place("partner_center", &partner.endpoints.partner_center, hosts.partner_center)?,
            // A scope names the cloud's own audience, also where a gateway stands before it.
            graph_scope: format!("{}/.default offline_access", hosts.graph),
            partner_center_scope: format!("{}/user_impersonation", hosts.partner_center),
        })
    }

    /// Where a tenant's tokens come from. It is also the audience of a client assertion.
    pub(super) fn token(&self, tenant: crate::model::TenantId) -> Result<Url, String> {
        below(&self.login, &format!("/{tenant}/oauth2/v2.0/token"))
    }

    /// Where a person signs in to a tenant with a browser.
    pub(super) fn authorize(&self, tenant: crate::model::TenantId) -> Result<Url, String> {
        below(&self.login, &format!("/{tenant}/oauth2/v2.0/authorize"))
    }

    /// Where device codes come from.
    pub(super) fn device_code(&self, tenant: crate::model::TenantId) -> Result<Url, String> {
        below(&self.login, &format!("/{tenant}/oauth2/v2.0/devicecode"))
    }
}

/// An address below a base; the base's path prefix is kept.
pub(super) fn below(base: &Url, path_and_query: &str) -> Result<Url, String> {
    let base = base.as_str().trim_end_matches('/');
    Url::parse(&format!("{base}{path_and_query}")).map_err(|error| error.to_string())
}

/// Whether a link leads to the same scheme, host and port as a base, and carries no name or password.
pub(super) fn same_origin(base: &Url, link: &Url) -> bool {
    base.origin() == link.origin() && link.username().is_empty() && link.password().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn plain_http_is_for_loopback_alone() {
        for good in [
            "https://graph.microsoft.com",
            "http://127.0.0.1:8400/graph",
            "http://127.9.9.9",
            "http://[::1]:1",
            "http://localhost:3/x",
        ] {
            assert_eq!(check_endpoint(&url(good)), Ok(()), "{good}");
        }
        for bad in [
            "http://10.0.0.1",
            "http://graph.microsoft.com",
            "http://localhost.evil.example",
            "ftp://127.0.0.1",
            "https://a:b@c.example",
            "https://c.example/?x=1",
        ] {
            assert!(check_endpoint(&url(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_prefix_is_kept() {
        let base = url("http://127.0.0.1:8400/graph/");
        assert_eq!(
            below(&base, "/v1.0/users?$top=9").unwrap().as_str(),
            "http://127.0.0.1:8400/graph/v1.0/users?$top=9"
        );
    }

    #[test]
    fn other_origins_are_seen() {
        let base = url("https://graph.microsoft.com");
        assert!(same_origin(&base, &url("https://graph.microsoft.com:443/v1.0/users?x")));
        for other in [
            "https://graph.microsoft.us/v1.0",
            "http://graph.microsoft.com/",
            "https://graph.microsoft.com:444/",
            "https://graph.microsoft.com@evil.example/",
            "https://x@graph.microsoft.com/",
        ] {
            assert!(!same_origin(&base, &url(other)), "{other}");
        }
    }
}
