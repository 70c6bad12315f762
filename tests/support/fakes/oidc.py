"""An OpenID provider: discovery, the authorization code flow with PKCE, real RS256 signatures."""

from __future__ import annotations

import hashlib
import secrets
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from joserfc import jwt
from joserfc.jwk import Key, RSAKey
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from tests.support.fakes.service import FakeService

CLIENT_ID, CLIENT_SECRET = "dashboard", "a client's secret: /+"


class FakeProvider(FakeService):
    """Lets everybody in as ``person``, without asking.

    ``person`` has the claims about them; ``claims`` replace any others of the ID token, such as its nonce,
    and ``header`` members of its header; ``userinfo`` is what the user info endpoint says.
    """

    def __init__(self) -> None:
        super().__init__()
        self.person: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self._codes: dict[str, dict[str, str]] = {}
        self.key: Key
        self.sign_anew()

    def sign_anew(self) -> None:
        """Make another key, the only one from now on."""
        self.key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, private=True)
        self.key.ensure_kid()

    def routes(self) -> Sequence[BaseRoute]:
        """Those that the discovery document names, and itself."""
        return [
            Route("/.well-known/openid-configuration", self._discover),
            Route("/keys", self._keys),
            Route("/authorize", self._authorize),
            Route("/token", self._token, methods=["POST"]),
            Route("/userinfo", self._userinfo),
        ]

    async def _discover(self, _request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def _keys(self, _request: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        if asked["client_id"] != CLIENT_ID or asked["response_type"] != "code":
            return JSONResponse({"error": "unauthorized_client"}, 400)
        code = secrets.token_hex(8)
        self._codes[code] = asked
        back = urlencode({"code": code, "state": asked["state"], "iss": self.url})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}", 302)

    async def _token(self, request: Request) -> Response:
        kind, _, basic = request.headers.get("authorization", "").partition(" ")
        if kind != "Basic" or b64decode(basic) != b"dashboard:a%20client%27s%20secret%3A%20%2F%2B":
            return JSONResponse({"error": "invalid_client"}, 401)
        form = dict(parse_qsl((await request.body()).decode()))
        asked = self._codes.pop(form.get("code", ""), None)  # used once
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            asked is None
            or asked["redirect_uri"] != form.get("redirect_uri")
            or (asked["code_challenge_method"], asked["code_challenge"]) != ("S256", challenge)
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **self.person,
            **self.claims,
        }
        header = {"alg": "RS256", "kid": self.key.kid, **self.header}
        id_token = jwt.encode(
            header, {name: value for name, value in claims.items() if value is not None}, self.key
        )
        return JSONResponse({"access_token": "access", "token_type": "Bearer", "id_token": id_token})

    async def _userinfo(self, request: Request) -> Response:
        if request.headers.get("authorization") != "Bearer access":
            return JSONResponse({"error": "invalid_token"}, 401)
        return JSONResponse(self.userinfo)
