"""The OpenID provider by which people log in: where it wants to be asked, and what it says of somebody."""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from perdure_server.settings import OidcSettings

logger = logging.getLogger("perdure.server")

# By the provider's private key only: with a shared secret (HS…) or none, others could sign, too.
_ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
_BASIC = "client_secret_basic"  # how the client shows its secret, unless told otherwise
_TIMEOUT_S = 5.0
_KEEP_S = 3600.0  # what was found out about the provider
_LEEWAY_S = 60  # between its clock and ours


class ProviderAway(Exception):
    """The provider does not answer as one: worth another attempt."""


class NotVouchedFor(Exception):
    """The provider does not say who it is, or cannot be believed; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One login on its way by the provider; all from a secret that only the browser keeps."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def of(cls, secret: str) -> Attempt:
        """The attempt of a browser that keeps this secret."""

        def derive(use: str) -> str:
            return hmac.digest(secret.encode(), f"perdure oidc {use} v1".encode(), hashlib.sha256).hex()

        return cls(derive("state"), derive("nonce"), derive("verifier"))


@dataclass(frozen=True, slots=True)
class Person:
    """Who somebody is, as the provider says."""

    subject: str
    """Its own id of them."""
    email: str
    """Verified by it."""
    name: str


class OidcProvider:
    """Asks the provider, when somebody logs in and not before: the server starts without it.

    Args:
        settings: which one it is.
        client: not closed here.
    """

    def __init__(self, settings: OidcSettings, client: httpx.AsyncClient) -> None:
        self.settings = settings
        self._client = client
        self._found: tuple[Mapping[str, Any], KeySet] | None = None
        self._found_at = 0.0

    async def login_url(self, attempt: Attempt, redirect_uri: str) -> str:
        """Where to send the browser.

        Raises:
            ProviderAway: it cannot be found out.
        """
        metadata, _ = await self._find()
        digest = hashlib.sha256(attempt.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": self.settings.scopes,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        endpoint = metadata["authorization_endpoint"]
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(query)}"

    async def person(self, code: str, attempt: Attempt, redirect_uri: str) -> Person:
        """Who came back with this code.

        Raises:
            ProviderAway: it does not answer.
            NotVouchedFor: it does not say so, or what it says is not for this attempt, or not verified.
        """
        metadata, keys = await self._find()
        tokens = await self._exchange(metadata, code, attempt, redirect_uri)
        try:
            claims = await self._verified(tokens.get("id_token"), keys, attempt)
        except (JoseError, ValueError, TypeError) as error:
            logger.warning("a login by %s was refused: %s", self.settings.issuer, error)
            raise NotVouchedFor("what it says of you cannot be believed") from error
        if "email" not in claims:
            claims |= await self._userinfo(metadata, tokens, claims["sub"])
        email, name = claims.get("email"), claims.get("name")
        if not isinstance(email, str) or claims.get("email_verified") not in (True, "true"):
            raise NotVouchedFor("it has not verified your email")
        return Person(claims["sub"], email, name if isinstance(name, str) else "")

    async def _find(self, *, anew: bool = False) -> tuple[Mapping[str, Any], KeySet]:
        if self._found is None or anew or time.monotonic() - self._found_at > _KEEP_S:
            issuer = self.settings.issuer
            metadata = await self._get_json(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if metadata.get("issuer") != issuer:
                raise self._away(f"calls itself {metadata.get('issuer')!r} and not {issuer!r}")
            missing = {"authorization_endpoint", "token_endpoint", "jwks_uri"} - metadata.keys()
            if missing:
                raise self._away(f"does not say its {', '.join(sorted(missing))}")
            documents = await self._get_json(metadata["jwks_uri"])
            try:
                keys = KeySet.import_key_set(documents)  # type: ignore[arg-type]  # it checks the shape
            except (JoseError, ValueError, TypeError, KeyError) as error:
                raise self._away(f"has no usable keys: {error}") from error
            self._found, self._found_at = (metadata, keys), time.monotonic()
        return self._found

    async def _exchange(
        self, metadata: Mapping[str, Any], code: str, attempt: Attempt, redirect_uri: str
    ) -> dict[str, Any]:
        settings = self.settings
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": attempt.verifier,
        }
        auth: tuple[str, str] | None = None
        if _BASIC in metadata.get("token_endpoint_auth_methods_supported", [_BASIC]):
            auth = (quote(settings.client_id, safe=""), quote(settings.client_secret, safe=""))
        else:
            form |= {"client_id": settings.client_id, "client_secret": settings.client_secret}
        status, answer = await self._ask("POST", metadata["token_endpoint"], data=form, auth=auth)
        if status != 200:
            logger.warning("%s refuses a code with %s: %s", self.settings.issuer, status, answer.get("error"))
            raise NotVouchedFor("it does not know of this login any more")
        return answer

    async def _verified(self, id_token: Any, keys: KeySet, attempt: Attempt) -> dict[str, Any]:
        """The claims of an ID token, all of them checked."""
        if not isinstance(id_token, str):
            raise TypeError("there is no ID token")
        registry = JWSRegistry(algorithms=_ALGORITHMS, strict_check_header=False)
        try:
            token = jwt.decode(id_token, keys, registry=registry)
        except InvalidKeyIdError:  # it may have another key by now
            _, keys = await self._find(anew=True)
            token = jwt.decode(id_token, keys, registry=registry)
        claims = token.claims
        jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": self.settings.issuer},
            sub={"essential": True},
            aud={"essential": True, "value": self.settings.client_id},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": attempt.nonce},
        ).validate(claims)
        # Of several parties that it is for, the one that asked.
        if claims.get("azp", self.settings.client_id) != self.settings.client_id:
            raise ValueError("the ID token was made for somebody else")
        return claims

    async def _userinfo(
        self, metadata: Mapping[str, Any], tokens: Mapping[str, Any], subject: str
    ) -> dict[str, Any]:
        """What some providers do not put into the ID token."""
        if "userinfo_endpoint" not in metadata or not isinstance(tokens.get("access_token"), str):
            return {}
        headers = {"authorization": f"Bearer {tokens['access_token']}"}
        status, answer = await self._ask("GET", metadata["userinfo_endpoint"], headers=headers)
        if status != 200 or answer.get("sub") != subject:
            raise NotVouchedFor("it does not say your email")
        return {name: answer[name] for name in ("email", "email_verified", "name") if name in answer}

    async def _get_json(self, url: str) -> dict[str, Any]:
        status, answer = await self._ask("GET", url)
        if status != 200:
            raise self._away(f"answers {url} with {status}")
        return answer

    async def _ask(self, method: str, url: str, **options: Any) -> tuple[int, dict[str, Any]]:
        """The status and the JSON object of an answer below 500; of a refusal that has none, an empty one."""
        try:
            response = await self._client.request(method, url, timeout=_TIMEOUT_S, **options)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._away(f"does not answer: {error!r}") from error
        if response.status_code >= 500:
            raise self._away(f"answers {url} with {response.status_code}")
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            if response.status_code == 200:
                raise self._away(f"answers {url} with no JSON object")
            answer = {}
        return response.status_code, answer

    def _away(self, why: str) -> ProviderAway:
        logger.warning("the OpenID provider %s %s", self.settings.issuer, why)
        return ProviderAway(why)
