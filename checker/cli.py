"""The ``huashu`` command: translates arguments and files, decides nothing.

Exit codes: 0 nothing at or above the threshold, 1 findings, 2 usage, configuration or input
error. Results go to standard output, everything else to standard error. Imports are inside the
commands, so that ``--help`` and small checks start fast.
"""

from __future__ import annotations

import argparse
import atexit
import gc
import os
import sys
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from checker import __version__
from checker.admin import add_commands as add_desk_commands

if TYPE_CHECKING:
    from checker.config import Config
    from checker.document import Document
    from checker.pipeline import Checker
    from checker.rewrite_file import Left
    from checker.types import Finding, Report, Rewrite

    #: A finding that a person skips, and why.
    Skip = tuple[Finding, str]

OK, FOUND, FAILED = 0, 1, 2
#: Formats in which a comment may say why a finding is accepted; for others the baseline does.
_COMMENTED = (".md", ".txt")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    # A lexicon is many objects that stay: looking for garbage among them takes a twentieth of a short check.
    # At the end they are looked at once more, for another twentieth, unless they are left out of it.
    gc.set_threshold(50_000, 20, 20)
    atexit.register(gc.freeze)
    parser = build_parser()
    options = parser.parse_args(arguments)
    if not hasattr(options, "run"):
        parser.print_help(sys.stderr)
        return FAILED
    try:
        code = int(options.run(options))
        _tell_unkept(options)
        return code
    except BrokenPipeError:
        _abandon_output()
        return OK
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        # Files that are read have errors of their own: what is left is no room or no right to write.
        place = f"{error.filename}: " if error.filename else "the output: "
        print(
            f"huashu: {place}{error.strerror or error}; free some room or choose another place",
            file=sys.stderr,
        )
        _abandon_output()
        return FAILED
    except MemoryError:
        print("huashu: the memory is too small; check fewer or smaller files at once", file=sys.stderr)
        return FAILED
    except Exception as error:
        if not _expected(error):
            traceback.print_exc()  # never the exit code of findings
        else:
            print(f"huashu: {error}", file=sys.stderr)
        return FAILED


def _tell_unkept(options: argparse.Namespace) -> None:
    """Say why the start took seconds, and will again."""
    from checker.stored import unkept

    reason = unkept()
    if reason and not getattr(options, "quiet", False):
        print(
            f"huashu: {reason}; every start takes seconds while nothing can be kept there: "
            "make it writable or let HUASHU_CACHE_DIR name another folder",
            file=sys.stderr,
        )


def _abandon_output() -> None:
    """Keep the interpreter from writing again, when it ends, what could not be written."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        return
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _expected(error: Exception) -> bool:
    """Errors with a message for the user; anything else is a bug and shows its traceback."""
    names = {
        "ReaderError",
        "ConfigError",
        "BaselineError",
        "LexiconError",
        "UsageError",
        "ModelError",
        "DeskError",
        "UnknownIndustryError",
    }
    return bool(names & {base.__name__ for base in type(error).__mro__})


class UsageError(Exception):
    """Arguments that cannot be used together, or values that do not exist."""


def _fail(message: str) -> NoReturn:
    raise UsageError(message)


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command."""
    parser = argparse.ArgumentParser(
        prog="huashu",
        description="Checks Chinese sales-call scripts: which words break the law, why, and what to say instead.",
    )
    parser.add_argument("--version", action="version", version=f"huashu {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_check(commands)
    _add_rewrite(commands)
    _add_rules(commands)
    _add_explain(commands)
    _add_lint(commands)
    _add_train(commands)
    _add_evaluate(commands)
    _add_calibrate(commands)
    _add_serve(commands)
    _add_lsp(commands)
    _add_mcp(commands)
    add_desk_commands(commands)
    _add_batch(commands)
    return parser


# --- doors for other programs ----------------------------------------------------------------------


def _add_serve(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("serve", help="HTTP server: LanguageTool API, JSON API, and the desk")
    parser.add_argument("--settings", type=Path, metavar="FILE", help="YAML file with the server's settings")
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (default 8181; 0 takes a free one)")
    parser.add_argument("--config", type=Path, help="the huashu.yaml by which everything is judged")
    parser.add_argument("--industry", help="industry of texts that name none")
    parser.add_argument("--channel", help="channel of texts that name none")
    parser.add_argument(
        "--store", metavar="URL", help="database of the desk; default: desk.db in the user's data folder"
    )
    parser.add_argument("--no-desk", action="store_true", help="only the APIs")
    parser.set_defaults(run=_serve)


def _serve(options: argparse.Namespace) -> int:
    with _extra("desk"):
        import uvicorn

        from checker.admin import desk_settings
        from checker.desk.logs import configure
        from checker.web.app import create_app
        from checker.web.settings import load_settings
    names = ("host", "port", "config", "industry", "channel", "store")
    settings = load_settings(options.settings, **{name: getattr(options, name) for name in names})
    store = None if options.no_desk else desk_settings(settings).url
    settings = settings.model_copy(update={"store": store})
    configure()
    # Requests hold people's words; the log has methods, paths and status codes only.
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=15,
    )
    return OK


def _add_lsp(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("lsp", help="language server on standard input and output, for editors")
    parser.add_argument("--stdio", action="store_true", help="accepted for clients that always pass it")
    parser.set_defaults(run=_lsp)


def _lsp(options: argparse.Namespace) -> int:
    with _extra("lsp"):
        from checker.lsp.server import serve
    serve()
    return OK


def _add_mcp(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("mcp", help="Model Context Protocol server on standard input and output")
    parser.add_argument("--config", type=Path, help="the huashu.yaml by which everything is judged")
    parser.add_argument(
        "--show-personal-data", action="store_true", help="do not star out numbers, codes and addresses"
    )
    parser.set_defaults(run=_mcp)


def _mcp(options: argparse.Namespace) -> int:
    with _extra("mcp"):
        from checker.mcp_server import make_server
    make_server(options.config, show_personal_data=options.show_personal_data).run()
    return OK


@contextmanager
def _extra(name: str) -> Iterator[None]:
    """Turns a missing package into the advice to install an extra."""
    try:
        yield
    except ModuleNotFoundError as error:
        _fail(f"this command needs {error.name}; install it with: pip install 'huashu[{name}]'")


# --- batch ------------------------------------------------------------------------------------------


def _add_batch(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("batch", help="check an archive of calls and sum it up in a report")
    parser.add_argument(
        "archive", type=Path, help="jsonl, csv, parquet or xlsx file, or a folder of call files"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder for the results"
    )
    parser.add_argument("--config", type=Path, help="a huashu.yaml (default: the nearest above the archive)")
    parser.add_argument("--industry", help="industry of calls that name none")
    parser.add_argument("--channel", help="channel of calls that name none")
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="YAML with limits for hours and numbers of calls"
    )
    parser.add_argument("--jobs", type=int, default=0, metavar="N", help="processes (default: all cores)")
    parser.add_argument(
        "--show-personal-data", action="store_true", help="do not star out numbers, codes and addresses"
    )
    parser.set_defaults(run=_batch)


def _batch(options: argparse.Namespace) -> int:
    with _extra("batch"):
        import polars  # noqa: F401
        import pyarrow  # noqa: F401

        from checker.batch.records import archive_size
        from checker.batch.run import BatchOptions, run_batch
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from checker.config import Config, find_config, load_config

    place = options.config or find_config(os.path.realpath(options.archive))
    config = load_config(place) if place else Config()
    wanted = BatchOptions(
        industry=options.industry,
        channel=options.channel,
        config=config,
        jobs=options.jobs,
        policy=options.policy or config.record_policy,
        show_personal_data=options.show_personal_data,
    )
    columns = (
        TextColumn("{task.completed:.0%}"),
        BarColumn(),
        TextColumn("{task.fields[calls]} calls, {task.fields[rate]:.0f} a minute, left"),
        TimeRemainingColumn(),
    )
    size = archive_size(options.archive) or 1
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("", total=1, calls=0, rate=0)

        def tell(calls: int, done: int) -> None:
            elapsed = progress.tasks[task].elapsed or 1
            progress.update(task, completed=min(done / size, 1), calls=calls, rate=60 * calls / elapsed)

        counts = run_batch(options.archive, options.output, wanted, tell)
    print(
        f"{counts['calls']} calls, {counts['findings']} findings, {counts['records']} record findings, "
        f"{counts['rejects']} rows rejected; report: {options.output / 'report.html'}",
        file=sys.stderr,
    )
    return OK


# --- lint-lexicons -------------------------------------------------------------------------------


def _add_lint(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("lint-lexicons", help="validate lexicon files and run every example in them")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="only files, rule ids or categories with these names"
    )
    parser.add_argument(
        "--lexicon", action="append", default=[], metavar="DIR", help="folder layered over ours"
    )
    parser.set_defaults(run=_lint)


def _lint(options: argparse.Namespace) -> int:
    from checker.lexicon import load
    from checker.lint import ExampleRunner, cases

    lexicon = load(options.lexicon, examples=True)
    runner = ExampleRunner(lexicon)
    failures = total = 0
    for case in cases(lexicon):
        if options.names and not any(name in f"{case.place} {case.owner.id}" for name in options.names):
            continue
        total += 1
        failure = runner.failure(case)
        if failure:
            failures += 1
            print(failure)
    terms = sum(len(rule.terms) for rule in lexicon.rules)
    patterns = sum(len(rule.patterns) for rule in lexicon.rules)
    print(
        f"{len(lexicon.rules)} rules, {terms} terms, {patterns} patterns, {len(lexicon.exemptions)} exemptions; "
        f"{total} examples run, {failures} failed",
        file=sys.stderr,
    )
    return FOUND if failures else OK


def _add_calibrate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "calibrate",
        help="measure how often each rule is right on labelled sentences: the source of confidence",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="FILE", help="JSON lines with text and labels")
    parser.add_argument(
        "--lexicon", action="append", default=[], metavar="DIR", help="folder layered over ours"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write here, not to standard output"
    )
    parser.set_defaults(run=_calibrate)


def _calibrate(options: argparse.Namespace) -> int:
    import yaml

    from checker import calibrate
    from checker.data import folder
    from checker.pipeline import Checker

    rows, digest = calibrate.read_labelled(options.paths)
    if not rows:
        _fail("no labelled sentence; a line is an object with text and labels")
    confusions = yaml.safe_load((folder("lexicons") / "confusions.yaml").read_text(encoding="utf-8"))
    shapes = {written: look[0] for written, look in confusions["shapes"].items()}
    checker = Checker(lexicons=options.lexicon, rewrites=False)
    _write(calibrate.as_yaml(calibrate.count(checker, rows, shapes), rows, digest), options.output)
    return OK


# --- check -----------------------------------------------------------------------------------------


def _add_check(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("check", help="check scripts and transcripts")
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files or folders; - reads standard input")
    parser.add_argument(
        "--format",
        default=None,
        help="console (default), concise, json, json-lines, sarif, github, html, ...",
    )
    parser.add_argument("--output", "-o", type=Path, help="write the report to this file")
    parser.add_argument(
        "--annotate",
        type=Path,
        metavar="FILE",
        help="write a copy of the one docx with comments on the words",
    )
    parser.add_argument("--industry", help="industry of the texts, such as insurance")
    parser.add_argument(
        "--channel", help="call_1to1 (default), call_ai, call_broadcast, sms, im, live, page, offline_event"
    )
    parser.add_argument("--config", type=Path, help="a huashu.yaml; default: the nearest one above each file")
    parser.add_argument("--no-config", action="store_true", help="use no configuration file")
    parser.add_argument(
        "--lexicon", action="append", default=[], metavar="DIR", help="folder of lexicons layered over ours"
    )
    parser.add_argument(
        "--select", action="append", default=[], metavar="RULE", help="only these rules or categories"
    )
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="RULE", help="not these rules or categories"
    )
    parser.add_argument(
        "--min-level",
        default="hint",
        choices=["hint", "review", "block"],
        help="show findings from this level on",
    )
    parser.add_argument(
        "--fail-level", choices=["hint", "review", "block"], help="exit 1 from this level on (default review)"
    )
    parser.add_argument(
        "--exit-zero", action="store_true", help="exit 0 in spite of findings (never hides errors)"
    )
    parser.add_argument("--show-excused", action="store_true", help="also show what the law excuses, and why")
    parser.add_argument(
        "--show-personal-data",
        action="store_true",
        help="do not star out identity, card and telephone numbers, codes and addresses",
    )
    parser.add_argument("--fix", action="store_true", help="write safe rewrites into the files")
    parser.add_argument(
        "--unsafe-fixes", action="store_true", help="with --fix or --diff: suggested rewrites too"
    )
    parser.add_argument("--diff", action="store_true", help="show what --fix would change, write nothing")
    parser.add_argument(
        "--interactive",
        action="store_true",
        help="walk through the findings, choose, edit or skip; then write",
    )
    parser.add_argument("--baseline", type=Path, help="accept the findings recorded in this file")
    parser.add_argument("--write-baseline", type=Path, metavar="FILE", help="record the present findings")
    parser.add_argument("--stdin-filename", default="<stdin>", help="name (and format) of standard input")
    parser.add_argument("--encoding", help="encoding of text files; default: detected")
    parser.add_argument("--text-column", help="csv, xlsx, jsonl: column that holds the words")
    parser.add_argument("--role-column", help="csv, xlsx, jsonl: column that names the speaker")
    parser.add_argument("--id-column", help="csv, xlsx, jsonl: column that names the call")
    parser.add_argument("--sheet", help="xlsx: only this sheet")
    parser.add_argument("--color", choices=["auto", "always", "never"], default="auto")
    parser.add_argument("--quiet", "-q", action="store_true", help="no remarks on standard error")
    parser.set_defaults(run=_check)


def _check(options: argparse.Namespace) -> int:
    from checker.baseline import write_baseline
    from checker.personal import masked_report
    from checker.report import FORMATS, RenderOptions
    from checker.types import Level

    if not options.paths:
        _fail("give files to check, or - for standard input")
    name = options.format or ("html" if options.output and options.output.suffix == ".html" else "console")
    if name not in FORMATS:
        _fail(f"unknown format {name!r}; use one of {', '.join(FORMATS)}")
    checkers = _Checkers(options)
    reports: list[Report] = []
    errors = 0
    for source in _sources(options.paths):
        try:
            config = checkers.config_for(source)
            if source != "-" and _excluded(source, config):
                continue
            documents = _read(source, options, config)
        except Exception as error:
            if not _expected(error):
                raise
            print(f"huashu: {error}", file=sys.stderr)
            errors += 1
            continue
        checker = checkers.checker_for(config)
        for document in documents:
            if not options.quiet:
                for note in document.notes:
                    print(f"{document.path}: {note}", file=sys.stderr)
            reports.append(_accepted(_narrow(checker.check(document), options), options, config))
    if options.write_baseline:
        write_baseline(options.write_baseline, reports)
        print(f"recorded {sum(len(r.findings) for r in reports)} findings", file=sys.stderr)
        return FAILED if errors else OK
    if options.annotate:
        _annotate(reports, options)
    if options.unsafe_fixes and not (options.fix or options.diff):
        _remark(options, "--unsafe-fixes does nothing without --fix or --diff")
    if options.fix or options.diff or options.interactive:
        reports = _fix(reports, options, checkers)
    if not options.diff:
        shown = RenderOptions(color=_wants_color(options), show_excused=options.show_excused, width=_width())
        masked = reports if options.show_personal_data else list(map(masked_report, reports))
        _write(FORMATS[name].render(masked, options=shown), options.output)
    threshold = Level(options.fail_level or checkers.fail_level)
    over = any(f.level.rank >= threshold.rank for report in reports for f in report.findings)
    if errors:
        return FAILED
    return FOUND if over and not options.exit_zero else OK


def _annotate(reports: list[Report], options: argparse.Namespace) -> None:
    from checker.annotate import annotate

    target: Path = options.annotate

    if len(reports) != 1 or Path(reports[0].document.path).suffix.lower() not in (".docx", ".docm"):
        _fail("--annotate needs exactly one docx file")
    shows = options.show_personal_data
    written = annotate(reports[0].document.path, reports[0], target, show_personal_data=shows)
    print(f"{target}: {written} comments", file=sys.stderr)


def _sources(paths: Sequence[str]) -> list[str]:
    """Files to read: folders are walked, hidden entries skipped, order kept."""
    from checker.readers import FORMATS

    found: list[str] = []
    for name in paths:
        path = Path(name)
        if name != "-" and path.is_dir():
            for file in sorted(path.rglob("*")):
                hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
                if file.is_file() and not hidden and file.suffix.lower() in FORMATS:
                    found.append(str(file))
        else:
            found.append(name)
    return found


def _excluded(source: str, config: Config) -> bool:
    from fnmatch import fnmatch

    return any(fnmatch(source, glob) or fnmatch(Path(source).name, glob) for glob in config.exclude)


def _read(source: str, options: argparse.Namespace, config: Config) -> list[Document]:
    from checker.readers import ReadOptions, read_bytes, read_path

    wanted = ReadOptions(
        encoding=options.encoding or config.encoding,
        text_column=options.text_column or config.text_column,
        role_column=options.role_column or config.role_column,
        id_column=options.id_column or config.id_column,
        sheet=options.sheet,
    )
    if source == "-":
        return read_bytes(sys.stdin.buffer.read(), options.stdin_filename, wanted)
    if not options.quiet and not source.startswith("/dev/") and Path(source).is_fifo():
        print(f"huashu: {source} is a pipe; waiting for what another program writes into it", file=sys.stderr)
    return read_path(source, wanted)


class _Checkers:
    """One checker for each configuration file that governs some input."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._configs: dict[str, Config] = {}
        self._made: dict[int, Checker] = {}
        self.fail_level = "review"

    def config_for(self, source: str) -> Config:
        """The configuration that governs a file. Raises ConfigError."""
        from checker.config import Config, find_config, load_config

        if self._options.config:
            path: Path | None = self._options.config
        elif self._options.no_config:
            path = None
        else:
            path = find_config(Path.cwd() if source == "-" else os.path.realpath(source))
        key = str(path)
        if key not in self._configs:
            self._configs[key] = load_config(path) if path else Config()
            self.fail_level = self._configs[key].fail_level or self.fail_level
        return self._configs[key]

    def checker_for(self, config: Config) -> Checker:
        """The checker of a configuration, built once."""
        from checker.pipeline import Checker

        if id(config) not in self._made:
            try:
                self._made[id(config)] = Checker(
                    industry=self._options.industry,
                    channel=self._options.channel,
                    config=config,
                    lexicons=self._options.lexicon,
                )
            except ValueError as error:
                raise UsageError(str(error)) from error
        return self._made[id(config)]


def _narrow(report: Report, options: argparse.Namespace) -> Report:
    """The report without findings that were not asked for."""
    from dataclasses import replace

    from checker.types import Level

    least = Level(options.min_level).rank

    def named(finding: Finding, names: list[str]) -> bool:
        wanted = [part for name in names for part in name.split(",")]
        return finding.rule_id in wanted or finding.category in wanted

    findings = tuple(
        finding
        for finding in report.findings
        if finding.level.rank >= least
        and (not options.select or named(finding, options.select))
        and not named(finding, options.ignore)
    )
    return report if len(findings) == len(report.findings) else replace(report, findings=findings)


def _accepted(report: Report, options: argparse.Namespace, config: Config) -> Report:
    """The report without what a baseline accepts."""
    from checker.baseline import apply_baseline, load_baseline

    baseline = options.baseline or config.baseline
    return apply_baseline(report, load_baseline(Path(baseline))) if baseline else report


def _fix(reports: list[Report], options: argparse.Namespace, checkers: _Checkers) -> list[Report]:
    """Write rewrites into the files, or show the difference; the reports after the fixes."""
    by_path: dict[str, list[Report]] = {}
    for report in reports:
        by_path.setdefault(report.document.path, []).append(report)
    after: list[Report] = []
    for path, found in by_path.items():
        checker = checkers.checker_for(checkers.config_for(path))
        skips = _Skips()
        edits = [(report, _edits(report, options, checker, skips)) for report in found]
        if options.diff:
            for report, changes in edits:
                _show_diff(report, changes, show_personal_data=options.show_personal_data)
        elif any(changes for _, changes in edits) or skips.stored:
            found, _ = _write_edits(path, edits, path, options, checkers, skips)
        else:
            _remark(options, f"{path}: 0 fixed")
        if not options.interactive:
            _tell_waiting(path, found, options, changed=any(changes for _, changes in edits))
        after += found
    return after


def _remark(options: argparse.Namespace, words: str) -> None:
    if not options.quiet:
        print(words, file=sys.stderr)


def _tell_waiting(
    path: str, reports: Sequence[Report], options: argparse.Namespace, *, changed: bool
) -> None:
    """Say how many findings have a suggestion that only ``--unsafe-fixes`` takes, or that nothing can be shown."""
    from checker.rewrite import best
    from checker.types import Apply

    findings = [finding for report in reports for finding in report.findings]
    offered = [rewrite for rewrite in map(best, findings) if rewrite is not None]
    waiting = sum(rewrite.apply is not Apply.SAFE for rewrite in offered)
    if waiting and not options.unsafe_fixes:
        look = "add it to see them" if options.diff else "look at them with --diff --unsafe-fixes"
        _remark(options, f"{path}: {waiting} with suggestions to look at, which need --unsafe-fixes; {look}")
    elif options.diff and findings and not changed:
        _remark(options, f"{path}: nothing to change, {len(findings)} left to a person")


@dataclass
class _Skips:
    """What a person skipped in a file: ``written`` comments in its text, and findings ``stored`` elsewhere."""

    written: int = 0
    stored: list[Skip] = field(default_factory=list)


def _edits(report: Report, options: argparse.Namespace, checker: Checker, skips: _Skips) -> Sequence[Rewrite]:
    """The edits that the options ask for: chosen by a person, proven together, or safe by themselves.

    What a person skips is written into the text as a comment, or stored where the format holds no
    comments; ``skips`` tells which.
    """
    from checker.rewrite import best, disjoint
    from checker.types import Apply, Rewrite, Span

    if options.interactive:
        from checker.interactive import choose
        from checker.personal import masked_report
        from checker.rewrite.proof import changed
        from checker.suppress import comment_above

        shown = report if options.show_personal_data else masked_report(report)
        checker.rewrites, proves = False, checker.rewrites

        def recheck(edits: Sequence[Rewrite]) -> Sequence[Finding]:
            return checker.check(changed(report.document, edits)).findings

        try:
            choices = choose(report, _ask, lambda line: print(line, file=sys.stderr), recheck, shown)
        finally:
            checker.rewrites = proves
        suffix = Path(report.document.path).suffix.lower()
        comments = []
        for finding, reason in choices.skipped:
            place = report.document.locate(finding.span.start)
            print(
                f"{report.document.path}:{place.line}: {finding.rule_id} 跳过：{reason}",
                file=sys.stderr,
            )
            if suffix not in _COMMENTED:
                skips.stored.append((finding, reason))
                continue
            text = report.document.text
            line = text.rfind("\n", 0, finding.span.start) + 1
            line = min([line, *(e.span.start for e in choices.edits if e.span.start < line < e.span.end)])
            comment = comment_above(finding.rule_id, reason, markdown=suffix == ".md")
            ending = "\r\n" if "\r\n" in text else "\n"
            comments.append(Rewrite(Span(line, line), comment + ending, Apply.MANUAL))
        skips.written += len(comments)
        return sorted([*comments, *choices.edits], key=lambda edit: edit.span)
    if options.unsafe_fixes:
        return report.rewriting.edits
    return disjoint(r for f in report.findings if (r := best(f)) and r.apply is Apply.SAFE)


def _ask(prompt: str) -> str:
    """What a person answers; the prompt goes to standard error, where it is in nobody's results."""
    with redirect_stdout(sys.stderr):
        return input(prompt)


def _show_diff(report: Report, edits: Sequence[Rewrite], *, show_personal_data: bool) -> None:
    import difflib

    from checker.personal import mask
    from checker.rewrite import apply_rewrites

    document = report.document
    text = apply_rewrites(document.text, edits)
    lines = difflib.unified_diff(
        document.text.splitlines(keepends=True),
        text.splitlines(keepends=True),
        document.path,
        f"{document.path} (rewritten)",
    )
    for line in lines if show_personal_data else map(mask, lines):
        print(line, end="" if line.endswith("\n") else "\n")


def _write_edits(
    source: str,
    edits: Sequence[tuple[Report, Sequence[Rewrite]]],
    target: str,
    options: argparse.Namespace,
    checkers: _Checkers,
    skips: _Skips,
) -> tuple[list[Report], list[Left]]:
    """Write a file with its edits, record what was skipped, check what was written, and say what is fixed."""
    from checker.baseline import accept
    from checker.rewrite_file import write_rewritten

    unwritten = write_rewritten(source, edits, target)
    config = checkers.config_for(source)
    checker = checkers.checker_for(config)
    documents = _read(target, options, config)
    reports = [_narrow(report, options) for report in checker.check_many(documents)]
    if skips.stored:
        # The words around a finding are part of what a baseline knows it by: those that are there now.
        left = list(skips.stored)
        accepted = []
        for report in reports:
            for finding in report.findings:
                same = ((s.rule_id, s.matched) == (finding.rule_id, finding.matched) for s, _ in left)
                place = next((n for n, is_same in enumerate(same) if is_same), None)
                if place is not None:
                    accepted.append((report, finding, left.pop(place)[1]))
        baseline = Path(options.baseline or config.baseline or "huashu-baseline.json")
        if accepted:
            accept(baseline, accepted)
            print(f"{baseline}: {len(accepted)} accepted; check with --baseline {baseline}", file=sys.stderr)
        options.baseline = baseline
    after = [_accepted(report, options, config) for report in reports]
    # What is fixed are findings, not edits: one edit may cure several, and one that is not written cures none.
    fixed = _counted([report for report, _ in edits]) - _counted(after)
    noted = f", {skips.written} skipped with a comment" if skips.written else ""
    _remark(options, f"{target}: {fixed.total()} fixed{noted}")
    for item in unwritten:
        _remark(options, f"{target}:{item.place}: 没有写入：{item.reason}")
    return after, unwritten


def _counted(reports: Sequence[Report]) -> Counter[str]:
    """Rules found, with counts; what is skipped by a comment or a baseline is there all the same."""
    found = [finding for report in reports for finding in report.findings]
    found += [item.finding for report in reports for item in report.suppressed]
    return Counter(finding.rule_id for finding in found if finding.category != "suppression")


# --- rewrite -----------------------------------------------------------------------------------------


def _add_rewrite(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "rewrite", help="write a copy of a file with compliant wording, in its own format"
    )
    parser.add_argument(
        "file", metavar="FILE", help="txt, md, docx (tracked changes), xlsx, csv, json, jsonl, srt, vtt"
    )
    parser.add_argument("--output", "-o", required=True, metavar="OUT", help="the file to write")
    parser.add_argument("--interactive", action="store_true", help="choose in the terminal")
    parser.add_argument("--industry", help="industry of the texts, such as insurance")
    parser.add_argument("--channel", help="how the words reach people: call_1to1 (default), sms, live, ...")
    parser.add_argument("--config", type=Path, help="a huashu.yaml; default: the nearest one above the file")
    parser.add_argument("--no-config", action="store_true", help="use no configuration file")
    parser.add_argument(
        "--lexicon", action="append", default=[], metavar="DIR", help="folder layered over ours"
    )
    parser.add_argument("--encoding", help="encoding of text files; default: detected")
    parser.set_defaults(
        run=_rewrite,
        text_column=None,
        role_column=None,
        id_column=None,
        sheet=None,
        select=[],
        ignore=[],
        min_level="hint",
        unsafe_fixes=True,
        baseline=None,
        show_personal_data=False,
        quiet=False,
    )


def _rewrite(options: argparse.Namespace) -> int:
    if Path(options.output).suffix.lower() != Path(options.file).suffix.lower():
        _fail(f"{options.output}: the copy keeps the format; use the suffix {Path(options.file).suffix}")
    checkers = _Checkers(options)
    config = checkers.config_for(options.file)
    reports = list(checkers.checker_for(config).check_many(_read(options.file, options, config)))
    skips = _Skips()
    edits = [(report, _edits(report, options, checkers.checker_for(config), skips)) for report in reports]
    after, unwritten = _write_edits(options.file, edits, options.output, options, checkers, skips)
    left = [(report, finding) for report in after for finding in report.findings]
    for report, finding in left:
        place = report.document.locate(finding.span.start)
        asked = _left_because(finding, place.label, unwritten) or _asked(finding)
        print(f"{options.output}:{place.line}:{place.column}: {finding.rule_id} 需人工处理：{asked}")
    return FOUND if any(finding.level.rank > 0 for _, finding in left) else OK


def _left_because(finding: Finding, label: str, unwritten: Sequence[Left]) -> str:
    """Why words that could be replaced are there still; empty when no edit of them was left out."""
    for item in unwritten:
        start, end = item.edit.span
        if item.document.locate(start).label == label and finding.matched in item.document.text[start:end]:
            return f"{item.reason}，请自行改为“{item.edit.text}”"
    return ""


def _asked(finding: Finding) -> str:
    """What a person must answer or do."""
    from checker.types import Apply

    questions = (rewrite.note for rewrite in finding.rewrites if rewrite.apply is Apply.MANUAL)
    return next(filter(None, questions), finding.message)


def _wants_color(options: argparse.Namespace) -> bool:
    import os

    if options.color != "auto":
        return bool(options.color == "always")
    return options.output is None and sys.stdout.isatty() and "NO_COLOR" not in os.environ


def _width() -> int:
    import shutil

    return shutil.get_terminal_size((100, 24)).columns


def _write(text: str, output: Path | None) -> None:
    if output is None:
        stream = sys.stdout
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
        stream.write(text if text.endswith("\n") else text + "\n")
        stream.flush()
        return
    from checker.stored import write_whole

    try:
        write_whole(output, text.encode())
    except OSError as error:
        _fail(f"cannot write {output}: {error.strerror}; choose another --output")


# --- rules and explain -------------------------------------------------------------------------------


def _add_rules(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("rules", help="list the rules")
    parser.add_argument("names", nargs="*", metavar="RULE", help="only these rules or categories")
    parser.add_argument(
        "--lexicon", action="append", default=[], metavar="DIR", help="folder layered over ours"
    )
    parser.add_argument("--stats", action="store_true", help="counts by category, kind, level and industry")
    parser.add_argument(
        "--pages", type=Path, metavar="DIR", help="write one Markdown page a category into this folder"
    )
    parser.set_defaults(run=_rules)


def _rules(options: argparse.Namespace) -> int:
    from checker import pages
    from checker.lexicon import load

    lexicon = load(options.lexicon, examples=True)
    if options.pages:
        written = pages.write_pages(lexicon, options.pages)
        print(f"wrote {written} pages", file=sys.stderr)
    elif options.stats:
        _write(pages.statistics(lexicon), None)
    else:
        _write(pages.listing(lexicon, options.names), None)
    return OK


def _add_explain(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "explain", help="print the page of a rule: what, why, articles, cure, examples"
    )
    parser.add_argument("rule", metavar="RULE")
    parser.add_argument(
        "--lexicon", action="append", default=[], metavar="DIR", help="folder layered over ours"
    )
    parser.add_argument("--channel", default="call_1to1")
    parser.set_defaults(run=_explain)


def _explain(options: argparse.Namespace) -> int:
    from checker import pages
    from checker.lexicon import load

    lexicon = load(options.lexicon, examples=True)
    page = pages.page(lexicon, options.rule, options.channel)
    if page is None:
        near = pages.similar(lexicon, options.rule)
        _fail(
            f"no rule or exemption {options.rule!r}" + (f"; did you mean {', '.join(near)}?" if near else "")
        )
    _write(page, None)
    return OK


# --- train and evaluate --------------------------------------------------------------------------------


def _learning() -> None:
    """Raises UsageError when what training and evaluating need is not installed."""
    try:
        import sklearn  # noqa: F401
    except ImportError as error:
        raise UsageError("this command needs scikit-learn: pip install 'huashu[train]'") from error


def _add_train(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("train", help="learn the classifier from our sentences and your own")
    parser.add_argument(
        "--add",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help='your labelled sentences, JSON lines {"text": "…", "labels": ["price"]}; [] when innocent',
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="where the model goes (default: our models folder, with --add huashu-model.npz)",
    )
    parser.add_argument("--compare", action="store_true", help="only compare models and features, as a table")
    parser.set_defaults(run=_train)


def _train(options: argparse.Namespace) -> int:
    _learning()
    from checker import train
    from checker.classifier import MODEL_FILE
    from checker.data import folder
    from checker.stored import write_whole

    def progress(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    # The customer's come first: of two that are alike the first stays, and theirs is right for them.
    examples = [e for path in options.add for e in train.read_examples(path, train.ADDED_WEIGHT)]
    examples += [e for path in train.own_files() for e in train.read_examples(path)]
    if options.compare:
        from checker.pipeline import Checker

        checker = Checker(rewrites=False)

        def rules(texts: Sequence[str]) -> list[set[str]]:
            return [
                {f.category for f in report.findings if f.explanation.source != "model"}
                for report in checker.check_many(texts)
            ]

        _write(train.compare(examples, progress, rules), options.output)
        return OK
    ours = Path(str(folder("models"))) / MODEL_FILE
    output = options.output or (Path(MODEL_FILE) if options.add else ours)
    content = train.train(examples, progress)
    try:
        write_whole(output, content)
    except OSError as error:
        _fail(f"cannot write {output}: {error.strerror}; choose another --output")
    progress(f"wrote {output}, {len(content) / 1e6:.2f} MB")
    return OK


def _add_evaluate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("evaluate", help="score the checker and the model on labelled sentences")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="JSON lines with text and labels")
    parser.add_argument("--model", type=Path, metavar="FILE", help="a model that 'huashu train' wrote")
    parser.add_argument("--format", choices=["markdown", "html"], default="markdown")
    parser.add_argument("--output", type=Path, metavar="FILE")
    parser.add_argument(
        "--lexicon", action="append", default=[], metavar="DIR", help="folder layered over ours"
    )
    parser.set_defaults(run=_evaluate)


def _evaluate(options: argparse.Namespace) -> int:
    _learning()
    from checker.evaluate import FORMATS, evaluate
    from checker.pipeline import Checker
    from checker.train import read_examples

    examples = [example for path in options.files for example in read_examples(path)]
    if not examples:
        _fail("the files hold no labelled sentences")
    checker = Checker(lexicons=options.lexicon, model=options.model, rewrites=False)
    _write(FORMATS[options.format](evaluate(examples, checker)), options.output)
    return OK


if __name__ == "__main__":
    sys.exit(main())
