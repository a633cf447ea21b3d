#!/usr/bin/env python3
"""The simulated cloud and Microsoft's own client: does MSAL, which nobody here wrote, get along with it?

    python3 -m venv VENV && VENV/bin/pip install msal
    cargo build --bin tenantop-sim
    VENV/bin/python .ci/msal_check.py target/debug/tenantop-sim

Starts `tenantop-sim serve` on a free port with a scenario of its own and ends it. MSAL believes that it talks to
https://login.microsoftonline.com; only the connection is led to loopback, as a gateway would. Everything that MSAL
does with an answer is its own code. Checked with a secret and with a certificate:

  1. a refresh token is redeemed, and a new one comes back that differs;
  2. the new one opens a customer's tenant, and Graph's users answer to the access token;
  3. a tenant with a Conditional Access policy answers 53003 with claims that name it;
  4. a wrong secret is refused as invalid_client.

Ends with 0 and one line if all holds, with 1 and what does not otherwise.
"""

import datetime
import json
import os
import subprocess
import sys
import tempfile

import msal
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

LOGIN = "https://login.microsoftonline.com"
SCOPES = ["https://graph.microsoft.com/.default"]
POLICY = "01234567-89ab-4def-8edc-ba9876543210"
PARTNER = "8c1f0f0e-52d3-4f0b-9a3a-6b1c7d2e9f44"
CLIENT = "5b0a2d5e-3c53-4f0e-8a55-1f0a7a3f2c10"
GOOD = "11111111-1111-4111-8111-111111111111"
BLOCKED = "22222222-2222-4222-8222-222222222222"
SECRET = "made-up-secret-of-the-check"
FIRST = "0.A" + "made-up-refresh-token-of-the-check-" * 4


class Gateway:
    """An HTTP client as MSAL wants one, that leads the sign-in host to the simulated cloud."""

    def __init__(self, base):
        self.base = base
        self.session = requests.Session()

    def lead(self, url, headers):
        if not url.startswith(LOGIN + "/"):
            raise AssertionError(f"MSAL wants to go to {url}")
        headers = dict(headers or {}, Host="login.microsoftonline.com")
        return self.base + "/login" + url[len(LOGIN) :], headers

    def get(self, url, params=None, headers=None, **kwargs):
        url, headers = self.lead(url, headers)
        return self.session.get(url, params=params, headers=headers, timeout=30)

    def post(self, url, params=None, data=None, headers=None, **kwargs):
        url, headers = self.lead(url, headers)
        return self.session.post(url, params=params, data=data, headers=headers, timeout=30)

    def close(self):
        self.session.close()


def certificate():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "app.example")])
    now = datetime.datetime.now(datetime.timezone.utc)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    pem = cert.public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return pem, private, cert.fingerprint(hashes.SHA1()).hex()


def scenario(pem, thumbprint):
    return f"""
[[partner]]
name = "emea"
tenant_id = "{PARTNER}"
client_id = "{CLIENT}"
secret = "{SECRET}"
refresh_token = "{FIRST}"
thumbprint = "{thumbprint}"
certificate = '''
{pem}'''

[[tenant]]
name = "Good"
id = "{GOOD}"
users = 7

[[tenant]]
name = "Blocked"
id = "{BLOCKED}"
trouble = [{{ step = "token", code = 53003, policies = ["{POLICY}"] }}]
"""


def want(holds, what, answer=None):
    if not holds:
        shown = {k: ("…" if "token" in k else v) for k, v in answer.items()} if isinstance(answer, dict) else answer
        sys.exit(f"msal_check: {what}\n  answer: {json.dumps(shown, ensure_ascii=False)}")


def redeem(base, tenant, credential, refresh_token):
    app = msal.ConfidentialClientApplication(
        CLIENT,
        client_credential=credential,
        authority=f"{LOGIN}/{tenant}",
        http_client=Gateway(base),
        instance_discovery=False,
        token_cache=msal.TokenCache(),
    )
    return app.acquire_token_by_refresh_token(refresh_token, scopes=SCOPES)


def check(base, name, credential):
    first = redeem(base, PARTNER, credential, FIRST)
    want("access_token" in first, f"{name}: hop 1 gave no access token", first)
    rotated = first.get("refresh_token")
    want(rotated and rotated != FIRST, f"{name}: the refresh token was not rotated", first)
    want(int(first.get("expires_in", 0)) > 600, f"{name}: the access token lives too short", first)

    second = redeem(base, GOOD, credential, rotated)
    want("access_token" in second, f"{name}: hop 2 gave no access token", second)
    users = requests.get(
        f"{base}/graph/v1.0/users?$select=id&$top=999",
        headers={"Authorization": "Bearer " + second["access_token"]},
        timeout=30,
    )
    want(users.status_code == 200 and len(users.json()["value"]) == 7, f"{name}: no users", users.text[:300])

    blocked = redeem(base, BLOCKED, credential, rotated)
    want("access_token" not in blocked, f"{name}: the policy let us in", blocked)
    want(blocked.get("error") == "invalid_grant", f"{name}: 53003 is not an invalid_grant", blocked)
    want(blocked.get("error_codes") == [53003], f"{name}: no 53003", blocked)
    want(POLICY in blocked.get("claims", ""), f"{name}: MSAL hands on no claims with the policy", blocked)
    json.loads(blocked["claims"])
    want(blocked.get("correlation_id"), f"{name}: no correlation id", blocked)


def main():
    if len(sys.argv) != 2 or not os.access(sys.argv[1], os.X_OK):
        sys.exit("usage: msal_check.py PATH-TO-tenantop-sim")
    pem, private, thumbprint = certificate()
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(scenario(pem, thumbprint))
        file.flush()
        cloud = subprocess.Popen(
            [sys.argv[1], "serve", "--scenario", file.name, "--port", "0"], stdout=subprocess.PIPE, text=True
        )
        try:
            base = cloud.stdout.readline().strip()
            want(base.startswith("http://127.0.0.1:"), "the simulated cloud did not start", base)
            check(base, "secret", SECRET)
            check(base, "certificate, PS256", {"private_key": private, "public_certificate": pem})
            check(base, "certificate, older thumbprint", {"private_key": private, "thumbprint": thumbprint})
            wrong = redeem(base, PARTNER, "its-id-not-its-value", FIRST)
            want(wrong.get("error") == "invalid_client", "a wrong secret is not an invalid_client", wrong)
            want(wrong.get("error_codes") == [7000215], "a wrong secret is not 7000215", wrong)
            counters = requests.get(base + "/control/counters", timeout=30).json()
            want(counters["misdirected"] == 0, "a token went where it does not belong", counters)
        finally:
            cloud.terminate()
            cloud.wait(timeout=30)
    print(f"msal_check: MSAL {msal.__version__} gets along with the simulated cloud")


if __name__ == "__main__":
    main()
