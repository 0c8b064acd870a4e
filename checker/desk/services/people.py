"""People, passwords, sessions and API tokens.

Passwords are kept as argon2id hashes, session cookies and tokens as SHA-256 of secrets with 256
bits. A login fails equally slowly for an unknown name. Failures are counted in the store, by name
and by address, so that the limit holds across processes.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, joinedload

from checker.desk.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    TooManyError,
    UnauthenticatedError,
)
from checker.desk.services import audit
from checker.desk.services.core import ROLES, SCOPES, Actor
from checker.desk.store.models import Login, LoginFailure, Token, User, now

if TYPE_CHECKING:
    from checker.desk.services.core import Desk

_NAME = re.compile(r"[\w.@+-]{2,64}")
_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash(secrets.token_urlsafe(16))
LEAST_PASSWORD, MOST_PASSWORD = 10, 200
_TOKEN_MARK = "hs_"


def actor_of(user: User, scopes: frozenset[str] | None = None) -> Actor:
    """The person with all scopes of the role, or those that a token carries too."""
    granted = SCOPES[user.role]
    return Actor(user.id, user.name, user.display, user.role, granted if scopes is None else granted & scopes)


def anybody(desk: Desk) -> bool:
    """True once the first person exists."""
    with desk.database.reading() as session:
        return session.scalar(select(User.id).limit(1)) is not None


def set_up(desk: Desk, name: str, display: str, password: str) -> User:
    """Make the first administrator. Raises ConflictError when there is somebody already."""
    hashed = _hash(password, name)
    with desk.database.writing() as session:
        if session.scalar(select(User.id).limit(1)) is not None:
            raise ConflictError("管理员已经设置过")
        return _insert(session, desk, None, name, display, "admin", hashed)


def create(desk: Desk, actor: Actor | None, name: str, display: str, role: str, password: str | None) -> User:
    """Add a person; ``actor`` is None on the command line. Without password only OIDC lets in."""
    if actor is not None:
        actor.need("people:manage")
    hashed = _hash(password, name) if password is not None else None
    with desk.database.writing() as session:
        return _insert(session, desk, actor, name, display, role, hashed)


def _insert(
    session: Session,
    desk: Desk,
    actor: Actor | None,
    name: str,
    display: str,
    role: str,
    hashed: str | None,
    subject: str | None = None,
) -> User:
    if not _NAME.fullmatch(name):
        raise InvalidError("用户名为 2–64 个字母、数字、汉字或 . @ + - _")
    if role not in ROLES:
        raise InvalidError(f"未知角色：{role}")
    if session.scalar(select(User.id).where(User.name == name)) is not None:
        raise ConflictError("用户名已被使用")
    user = User(name=name, display=display.strip() or name, role=role, password_hash=hashed, subject=subject)
    session.add(user)
    audit.record(session, desk, actor, "user.create", user)
    return user


def _hash(password: str, name: str) -> str:
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        raise InvalidError(f"密码须为 {LEAST_PASSWORD}–{MOST_PASSWORD} 个字符")
    if len(set(password)) < 4 or password.lower() == name.lower():
        raise InvalidError("密码太简单")
    return _HASHER.hash(password)


def listing(desk: Desk, actor: Actor) -> list[User]:
    """All people."""
    actor.need("people:manage")
    with desk.database.reading() as session:
        return list(session.scalars(select(User).order_by(User.id)))


def change(
    desk: Desk,
    actor: Actor,
    user_id: int,
    *,
    display: str | None = None,
    role: str | None = None,
    active: bool | None = None,
    password: str | None = None,
) -> User:
    """Change a person; sessions and tokens of whoever loses rights end. One administrator remains."""
    actor.need("people:manage")
    if role is not None and role not in ROLES:
        raise InvalidError(f"未知角色：{role}")
    with desk.database.writing() as session:
        user = session.get(User, user_id)
        if user is None:
            raise NotFoundError("没有这个人")
        before = user.snapshot()
        user.display = (display or "").strip() or user.display
        user.role = role or user.role
        user.active = user.active if active is None else active
        if password is not None:
            user.password_hash = _hash(password, user.name)
        session.flush()
        if not session.scalar(select(func.count()).where(User.role == "admin", User.active)):
            raise ConflictError("至少要有一位启用的管理员")
        if user.snapshot() != before:
            audit.record(session, desk, actor, "user.change", user, before)
            session.execute(delete(Login).where(Login.user_id == user.id))
    return user


def change_password(desk: Desk, actor: Actor, old: str, new: str) -> None:
    """Change one's own password; other sessions end."""
    with desk.database.reading() as session:
        user = session.get_one(User, actor.id)
    if not _verified(user.password_hash, old):
        raise ForbiddenError("原密码不对")
    hashed = _hash(new, user.name)
    with desk.database.writing() as session:
        user = session.get_one(User, actor.id)
        before = user.snapshot()
        user.password_hash = hashed
        audit.record(session, desk, actor, "user.password", user, before)
        session.execute(delete(Login).where(Login.user_id == user.id))


# --- sessions ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Visit:
    """A browser's session: who, and the code its forms must carry."""

    actor: Actor
    csrf: str


def log_in(desk: Desk, name: str, password: str, address: str) -> str:
    """The cookie of a new session. Raises UnauthenticatedError or TooManyError."""
    settings = desk.settings
    keys = {
        f"name:{name[:100]}": settings.login_failures,
        f"from:{address[:100]}": settings.login_failures_per_address,
    }
    since = now() - timedelta(minutes=settings.login_minutes)
    with desk.database.reading() as session:
        for key, most in keys.items():
            failures = session.scalar(
                select(func.count()).where(LoginFailure.key == key, LoginFailure.at > since)
            )
            if (failures or 0) >= most:
                raise TooManyError(f"登录失败次数过多，请 {settings.login_minutes:g} 分钟后再试")
        user = session.scalars(select(User).where(User.name == name)).first()
    hashed = user.password_hash if user is not None and user.active else None
    if not _verified(hashed, password) or user is None:
        with desk.database.writing() as session:
            session.execute(delete(LoginFailure).where(LoginFailure.at <= since))
            session.add_all(LoginFailure(key=key) for key in keys)
        raise UnauthenticatedError("用户名或密码不对")
    with desk.database.writing() as session:
        session.execute(delete(LoginFailure).where(LoginFailure.key == f"name:{name[:100]}"))
        user = session.get_one(User, user.id)
        if user.password_hash and _HASHER.check_needs_rehash(user.password_hash):
            before = user.snapshot()
            user.password_hash = _HASHER.hash(password)
            audit.record(session, desk, None, "user.rehash", user, before)
        return _open(session, desk, user)


def _verified(hashed: str | None, password: str) -> bool:
    try:
        _HASHER.verify(hashed or _NOBODY, password[:MOST_PASSWORD])
    except (VerificationError, InvalidHashError):
        return False
    return hashed is not None


def _open(session: Session, desk: Desk, user: User) -> str:
    cookie = secrets.token_urlsafe(32)
    session.execute(delete(Login).where(Login.expires_at <= now()))
    session.add(
        Login(
            key=_key(cookie),
            user_id=user.id,
            csrf=secrets.token_urlsafe(32),
            expires_at=now() + timedelta(hours=desk.settings.session_hours),
        )
    )
    return cookie


def log_in_subject(desk: Desk, subject: str, name: str, display: str, role: str) -> str:
    """A session for a person whom a trusted provider vouches for; unknown ones are added."""
    with desk.database.writing() as session:
        user = session.scalars(select(User).where(User.subject == subject)).first()
        if user is None:
            user = _insert(session, desk, None, name, display, role, None, subject)
        if not user.active:
            raise ForbiddenError("账号已停用")
        return _open(session, desk, user)


def visit(desk: Desk, cookie: str) -> Visit | None:
    """The session of a cookie, prolonged by use; None when it is over."""
    with desk.database.reading() as session:
        login = session.get(Login, _key(cookie), options=[joinedload(Login.user)])
        if login is None or login.expires_at <= now() or not login.user.active:
            return None
    if now() - login.seen_at > timedelta(minutes=5):
        with desk.database.writing() as session:
            known = session.get(Login, login.key)
            if known is not None:
                known.seen_at = now()
                known.expires_at = now() + timedelta(hours=desk.settings.session_hours)
    return Visit(actor_of(login.user), login.csrf)


def log_out(desk: Desk, cookie: str) -> None:
    """End a session."""
    with desk.database.writing() as session:
        session.execute(delete(Login).where(Login.key == _key(cookie)))


def _key(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


# --- tokens ------------------------------------------------------------------------------------------


def create_token(
    desk: Desk, actor: Actor, name: str, scopes: list[str], days: int | None
) -> tuple[Token, str]:
    """A token with some of one's own scopes; its secret is shown once."""
    missing = sorted(set(scopes) - actor.scopes)
    if missing or not scopes:
        raise InvalidError(f"不能授予：{'、'.join(missing)}" if missing else "请选择权限")
    secret = _TOKEN_MARK + secrets.token_urlsafe(32)
    with desk.database.writing() as session:
        row = Token(
            user_id=actor.id,
            name=name.strip() or "令牌",
            key=_key(secret),
            scopes=sorted(set(scopes)),
            expires_at=now() + timedelta(days=days) if days else None,
        )
        session.add(row)
        audit.record(session, desk, actor, "token.create", row)
    return row, secret


def tokens(desk: Desk, actor: Actor) -> list[Token]:
    """One's own tokens that are not revoked."""
    with desk.database.reading() as session:
        query = select(Token).where(Token.user_id == actor.id, Token.revoked_at.is_(None))
        return list(session.scalars(query.order_by(Token.id)))


def revoke_token(desk: Desk, actor: Actor, token_id: int) -> Token:
    """End one of one's own tokens; administrators end any."""
    with desk.database.writing() as session:
        row = session.get(Token, token_id)
        if (
            row is None
            or row.revoked_at is not None
            or not (row.user_id == actor.id or actor.can("people:manage"))
        ):
            raise NotFoundError("没有这个令牌")
        before = row.snapshot()
        row.revoked_at = now()
        audit.record(session, desk, actor, "token.revoke", row, before)
    return row


def token_actor(desk: Desk, secret: str) -> Actor | None:
    """The person of a token; None when it is unknown, expired or revoked."""
    with desk.database.reading() as session:
        token = session.scalars(
            select(Token).where(Token.key == _key(secret)).options(joinedload(Token.user))
        ).first()
    if token is None or token.revoked_at is not None or not token.user.active:
        return None
    if token.expires_at is not None and token.expires_at <= now():
        return None
    if token.used_at is None or now() - token.used_at > timedelta(minutes=5):
        with desk.database.writing() as session:
            session.get_one(Token, token.id).used_at = now()
    return actor_of(token.user, frozenset(token.scopes))
