"""Login with an OpenID Connect provider: authorization code flow with PKCE, state and nonce."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Any
from urllib.parse import urlencode

import httpx
from fastapi import APIRouter, Request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.responses import RedirectResponse, Response

from checker.desk.errors import ForbiddenError, InvalidError
from checker.desk.services import people
from checker.desk.services.core import Desk
from checker.desk.settings import OidcSettings
from checker.desk.web.security import COOKIE, TheDesk

router = APIRouter(prefix="/desk/oidc", include_in_schema=False)
_FLOW = "huashu_oidc"
_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]


@router.get("/login")
def begin(request: Request, desk: TheDesk) -> Response:
    """Send the browser to the provider."""
    settings = _settings(desk)
    flow = {
        "state": secrets.token_urlsafe(24),
        "nonce": secrets.token_urlsafe(24),
        "proof": secrets.token_urlsafe(48),
    }
    challenge = (
        base64.urlsafe_b64encode(hashlib.sha256(flow["proof"].encode()).digest()).rstrip(b"=").decode()
    )
    query = {
        "response_type": "code",
        "client_id": settings.client_id,
        "redirect_uri": _callback(request, desk),
        "scope": "openid profile",
        "state": flow["state"],
        "nonce": flow["nonce"],
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    answer = RedirectResponse(f"{_discover(settings)['authorization_endpoint']}?{urlencode(query)}", 303)
    value = base64.urlsafe_b64encode(json.dumps(flow).encode()).decode()
    secure = desk.settings.secure_cookies
    answer.set_cookie(_FLOW, value, 600, path="/desk/oidc", httponly=True, secure=secure, samesite="lax")
    return answer


@router.get("/callback")
def finish(request: Request, desk: TheDesk, code: str = "", state: str = "") -> Response:
    """Take the provider's word, if it is the provider's and meant for this browser."""
    settings = _settings(desk)
    try:
        flow = json.loads(base64.urlsafe_b64decode(request.cookies.get(_FLOW, "")))
        known, nonce, proof = flow["state"], flow["nonce"], flow["proof"]
    except (ValueError, KeyError, TypeError):
        raise ForbiddenError("登录已过期，请重试") from None
    if not code or not secrets.compare_digest(known.encode(), state.encode("utf-8", "replace")):
        raise ForbiddenError("登录已过期，请重试")
    claims = _claims(settings, code, proof, _callback(request, desk), nonce)
    subject = f"{settings.issuer}#{claims['sub']}"
    name = str(claims.get(settings.name_claim) or claims["sub"])[:64]
    display = str(claims.get("name") or name)[:64]
    cookie = people.log_in_subject(desk, subject, name, display, settings.default_role)
    answer = RedirectResponse("/desk/", 303)
    secure = desk.settings.secure_cookies
    answer.set_cookie(COOKIE, cookie, path="/", httponly=True, secure=secure, samesite="lax")
    answer.delete_cookie(_FLOW, path="/desk/oidc")
    return answer


def _settings(desk: Desk) -> OidcSettings:
    if desk.settings.oidc is None:
        raise InvalidError("没有配置统一登录")
    return desk.settings.oidc


def _callback(request: Request, desk: Desk) -> str:
    base = desk.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
    return f"{base}/desk/oidc/callback"


def _discover(settings: OidcSettings) -> dict[str, Any]:
    found = _ask("GET", f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration")
    if found.get("issuer") != settings.issuer:
        raise ForbiddenError("统一登录服务的签发者不符")
    return found


def _claims(settings: OidcSettings, code: str, proof: str, callback: str, nonce: str) -> dict[str, Any]:
    found = _discover(settings)
    answer = _ask(
        "POST",
        found["token_endpoint"],
        data={
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": callback,
            "client_id": settings.client_id,
            "client_secret": settings.client_secret,
            "code_verifier": proof,
        },
    )
    try:
        keys = KeySet.import_key_set(_ask("GET", found["jwks_uri"]))  # type: ignore[arg-type]
        token = jwt.decode(str(answer["id_token"]), keys, algorithms=_ALGORITHMS)
        jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.client_id},
            exp={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        ).validate(token.claims)
    except (JoseError, KeyError, ValueError):
        raise ForbiddenError("统一登录服务的凭证无效") from None
    return dict(token.claims)


def _ask(method: str, url: str, **more: Any) -> dict[str, Any]:
    try:
        response = httpx.request(method, url, timeout=10, follow_redirects=False, **more)
        response.raise_for_status()
        found = response.json()
    except (httpx.HTTPError, ValueError):
        raise ForbiddenError("统一登录服务没有响应") from None
    if not isinstance(found, dict):
        raise ForbiddenError("统一登录服务没有响应")
    return found
