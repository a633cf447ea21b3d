"""Lets MSAL, which nobody here wrote, talk to the made-up cloud.

Usage: python msal_check.py PATH_OF_TENANTOP_SIM      (needs the package msal)

It redeems a refresh token at a tenant that lets us in, and at one whose policy blocks us: there it must receive
AADSTS53003 with claims. MSAL insists on https for an authority, so a thin HTTP client maps one made-up https host to the
loopback address; the exchange itself is MSAL's own.
"""
import json
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

import msal

FAKE = "https://login.made-up.example"
CLIENT = "0f5b1c3e-7c1d-4b7e-8d0a-1f6f0d6b2a11"
PARTNER = "8c1f0f0e-52d3-4f0b-9a3a-6b1c7d2e9f44"
SECRET = "practice-secret-of-emea"
TOKEN = "0.practice-refresh-token-of-emea"


class Answer:
    def __init__(self, status, text, headers):
        self.status_code, self.text, self.headers = status, text, headers

    def raise_for_status(self):
        if self.status_code >= 400:
            raise RuntimeError(f"HTTP {self.status_code}")


class Loopback:
    """An HTTP client as MSAL wants it; the made-up host is the simulator."""

    def __init__(self, base):
        self.base = base

    def _ask(self, method, url, params=None, data=None, headers=None):
        url = url.replace(FAKE, self.base + "/login")
        if params:
            url += "?" + urllib.parse.urlencode(params)
        body = urllib.parse.urlencode(data).encode() if data is not None else None
        request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                text = reply.read().decode()
                if url.endswith("/openid-configuration"):
                    text = text.replace(self.base + "/login", FAKE)
                return Answer(reply.status, text, dict(reply.headers))
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read().decode(), dict(error.headers))

    def get(self, url, params=None, headers=None, **_):
        return self._ask("GET", url, params=params, headers=headers)

    def post(self, url, params=None, data=None, headers=None, **_):
        return self._ask("POST", url, params=params, data=data, headers=headers)

    def close(self):
        pass


def customers(base):
    """Tenant ids by name, as Partner Center's list has them."""
    form = {"grant_type": "refresh_token", "client_id": CLIENT, "client_secret": SECRET, "refresh_token": TOKEN,
            "scope": "https://api.partnercenter.microsoft.com/user_impersonation"}
    http = Loopback(base)
    token = json.loads(http.post(f"{base}/login/{PARTNER}/oauth2/v2.0/token", data=form).text)["access_token"]
    found, headers, query = {}, {"Authorization": f"Bearer {token}"}, "size=500"
    while True:
        page = json.loads(http.get(f"{base}/partner/v1/customers?{query}", headers=headers).text.lstrip("\ufeff"))
        for item in page["items"]:
            found[item["companyProfile"]["companyName"]] = item["companyProfile"]["tenantId"].lower()
        more = page["links"].get("next")
        if not more:
            return found
        headers.update({header["key"]: header["value"] for header in more["headers"]})
        query = "size=500&seekOperation=Next"


def redeem(base, tenant):
    app = msal.ConfidentialClientApplication(
        CLIENT, client_credential=SECRET, authority=f"{FAKE}/{tenant}", instance_discovery=False,
        validate_authority=False, http_client=Loopback(base))
    return app.acquire_token_by_refresh_token(TOKEN, scopes=["https://graph.microsoft.com/.default"])


def main():
    sim = subprocess.Popen([sys.argv[1], "serve", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        base = sim.stdout.readline().strip()
        assert base.startswith("http://127.0.0.1:"), f"the simulator said {base!r}"
        urllib.request.urlopen(urllib.request.Request(base + "/control/night", data=b"7", method="POST"), timeout=10)
        by_name = customers(base)

        good = redeem(base, by_name["Woodgrove Bank"])
        assert "access_token" in good, f"MSAL was refused: {good}"
        assert good.get("token_type") == "Bearer" and good.get("expires_in", 0) > 0, good

        blocked = redeem(base, by_name["Adatum Gesundheit GmbH"])
        assert blocked.get("error") in ("invalid_grant", "interaction_required"), blocked
        assert blocked.get("error_codes") == [53003], blocked
        policies = json.loads(blocked["claims"])["access_token"]["capolids"]["values"]
        assert len(policies) == 2, blocked
        assert blocked.get("correlation_id") and blocked.get("trace_id") and blocked.get("timestamp"), blocked

        wrong = msal.ConfidentialClientApplication(
            CLIENT, client_credential="wrong", authority=f"{FAKE}/{PARTNER}", instance_discovery=False,
            validate_authority=False, http_client=Loopback(base),
        ).acquire_token_by_refresh_token(TOKEN, scopes=["https://graph.microsoft.com/.default"])
        assert wrong.get("error") == "invalid_client" and wrong.get("error_codes") == [7000215], wrong
        print(f"msal {msal.__version__}: redeemed a token, received 53003 with {len(policies)} policies, and 7000215")
    finally:
        sim.kill()


if __name__ == "__main__":
    main()
