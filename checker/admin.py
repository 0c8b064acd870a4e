"""Commands for who runs the desk: ``huashu desk``, ``huashu audit`` and ``huashu impact``.

They work on the store directly, with the settings that ``huashu serve`` uses, while the server
runs or not. Heavy imports are inside the commands.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from checker.desk.services.core import Desk
    from checker.desk.settings import DeskSettings
    from checker.web.settings import Settings

OK, FOUND = 0, 1
Commands = Any


def add_commands(commands: Commands) -> None:
    """Add the three commands to the parser of ``huashu``."""
    _add_desk(commands)
    _add_audit(commands)
    _add_impact(commands)


def desk_settings(settings: Settings) -> DeskSettings:
    """The desk's settings within the server's; the server's ``store`` wins."""
    from checker.desk.settings import desk_settings as read

    return read(settings.desk | ({"store": settings.store} if settings.store else {}))


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--settings", type=Path, metavar="FILE", help="YAML file with the server's settings")
    parser.add_argument("--store", metavar="URL", help="database of the desk")
    parser.add_argument("--data", type=Path, metavar="DIR", help="the desk's folder of evidence and keys")


def _settings(options: argparse.Namespace) -> tuple[Settings, DeskSettings]:
    from checker.web.settings import load_settings

    settings = load_settings(options.settings, store=options.store)
    found = desk_settings(settings)
    if options.data:
        found = found.model_copy(update={"data": options.data})
    return settings, found


def _open(options: argparse.Namespace, lexicons: list[Path] | None = None) -> Desk:
    """The desk of the settings, its store migrated."""
    from functools import lru_cache

    from checker.config import Config, load_config
    from checker.desk.services.core import Desk
    from checker.desk.store.database import Database
    from checker.pipeline import Checker

    settings, found = _settings(options)

    @lru_cache(maxsize=1)
    def checker() -> Checker:
        config = load_config(settings.config) if settings.config else Config()
        folders = [*settings.lexicons, *(lexicons or [])]
        return Checker(settings.industry, settings.channel, config, lexicons=folders)

    found.data.mkdir(parents=True, exist_ok=True)
    database = Database(found.url)
    database.migrate()
    return Desk(found, database, checker)


# --- desk --------------------------------------------------------------------------------------------


def _add_desk(commands: Commands) -> None:
    parser = commands.add_parser("desk", help="run the approval desk: people, backup, restore, exports")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    made = actions.add_parser("create-admin", help="add an administrator")
    made.add_argument("name", help="user name")
    made.add_argument("--display", default="", help="name as people read it")
    made.add_argument(
        "--password-file", type=Path, help="file with the password; default: asked, or HUASHU_DESK_PASSWORD"
    )
    _common(made)
    made.set_defaults(run=_create_admin)

    made = actions.add_parser("backup", help="write everything into one archive; the desk may run meanwhile")
    made.add_argument("file", type=Path, help="the archive, such as desk-2027-03-31.tar.gz")
    _common(made)
    made.set_defaults(run=_backup)

    made = actions.add_parser("restore", help="fill an empty desk from an archive, on either kind of store")
    made.add_argument("file", type=Path)
    _common(made)
    made.set_defaults(run=_restore)

    made = actions.add_parser("export", help="decisions as labelled sentences, or the precision of rules")
    made.add_argument("what", choices=["sentences", "precision"])
    _common(made)
    made.set_defaults(run=_export)

    made = actions.add_parser("verify", help="check the signature of an exported approval")
    made.add_argument("file", type=Path, help="the JSON of an approval")
    made.add_argument("--public-key", help="the server's key; default: the key in the file")
    made.set_defaults(run=_verify_approval)


def _create_admin(options: argparse.Namespace) -> int:
    from getpass import getpass

    from checker.desk.services import people

    if options.password_file:
        password = options.password_file.read_text(encoding="utf-8").strip()
    else:
        password = os.environ.get("HUASHU_DESK_PASSWORD") or getpass("password: ")
    user = people.create(_open(options), None, options.name, options.display, "admin", password)
    print(f"administrator {user.name} created", file=sys.stderr)
    return OK


def _backup(options: argparse.Namespace) -> int:
    from checker.desk.services.backup import backup

    counts = backup(_open(options), options.file)
    print(f"{options.file}: {sum(counts.values())} rows, {counts['scripts']} scripts", file=sys.stderr)
    return OK


def _restore(options: argparse.Namespace) -> int:
    from checker.desk.services import audit
    from checker.desk.services.backup import restore

    _, found = _settings(options)
    counts = restore(options.file, found.data, found.url)
    result = audit.verify(_open(options))
    for problem in result.problems:
        print(problem)
    print(f"{sum(counts.values())} rows restored, {len(result.problems)} problems", file=sys.stderr)
    return OK if result.ok else FOUND


def _export(options: argparse.Namespace) -> int:
    from checker.desk.services import learning
    from checker.desk.services.core import SCOPES, Actor

    desk = _open(options)
    operator = Actor(0, "operator", "operator", "admin", SCOPES["admin"])
    if options.what == "sentences":
        for line in learning.sentences(desk, operator):
            print(line)
    else:
        for row in learning.precision(desk, operator):
            print(json.dumps(row, ensure_ascii=False))
    return OK


def _verify_approval(options: argparse.Namespace) -> int:
    from checker.desk.services.certificates import check

    try:
        content = json.loads(options.file.read_text(encoding="utf-8"))
    except ValueError:
        content = None
    problem = check(content, options.public_key)
    print(problem or "签名成立，内容未被改动")
    return FOUND if problem else OK


# --- audit, impact -----------------------------------------------------------------------------------


def _add_audit(commands: Commands) -> None:
    parser = commands.add_parser("audit", help="the desk's audit log")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    made = actions.add_parser("verify", help="find any tampering: chain, rows, signatures, evidence files")
    _common(made)
    made.set_defaults(run=_verify_audit)


def _verify_audit(options: argparse.Namespace) -> int:
    from checker.desk.services import audit

    result = audit.verify(_open(options))
    for problem in result.problems:
        print(problem)
    print(f"{result.entries} entries, {result.rows} rows, {len(result.problems)} problems", file=sys.stderr)
    return OK if result.ok else FOUND


def _add_impact(commands: Commands) -> None:
    parser = commands.add_parser("impact", help="which approved scripts today's rules would judge otherwise")
    parser.add_argument(
        "--lexicon",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="try rules before they are used",
    )
    parser.add_argument("--format", choices=["console", "json-lines"], default="console")
    parser.add_argument("--record", action="store_true", help="keep the result, mark the scripts for a look")
    _common(parser)
    parser.set_defaults(run=_impact)


def _impact(options: argparse.Namespace) -> int:
    from checker.desk.services import impact
    from checker.labels import VERDICT_NAMES

    desk = _open(options, options.lexicon)
    checked = changed = 0
    for change in impact.compare(desk):
        checked += 1
        if not change.changed:
            continue
        changed += 1
        if options.format == "json-lines":
            print(json.dumps(change.to_dict(), ensure_ascii=False))
            continue
        print(
            f"话术 {change.script_id} {change.title}：{VERDICT_NAMES[change.before]} → {VERDICT_NAMES[change.after]}"
        )
        for item in change.added:
            print(f"  + {item['rule']} “{item['text']}”：{item['message']}（{item['because']}）")
        for item in change.removed:
            print(f"  - {item['rule']} “{item['text']}”")
    if options.record:
        impact.run(desk)
    print(f"{checked} approvals checked, {changed} would change", file=sys.stderr)
    return FOUND if changed else OK
