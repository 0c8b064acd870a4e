"""Views of a text: the same words with disguises undone, each character mapped to its origin.

The **plain** view folds case, width, traditional characters, circled digits and punctuation one
code point at a time through a table, drops what cannot be seen, and puts one private character
for every slot (``{姓名}``) and stage direction (``（停顿）``). The **inserted** view additionally
drops symbols, spaces, fillers and stutter between Han characters, only in sentences that hold
some. Both are NumPy arrays of code points with two arrays of origins, so that
``text[index[start] : lasts[end - 1] + 1]`` is what the user wrote. No view ever joins two
sentences: sentence ends are kept in all of them.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from checker.data import load_yaml
from checker.document import Document
from checker.late import late
from checker.literals import distinct
from checker.stored import cached_arrays
from checker.types import Span

Codes = npt.NDArray[np.uint32]
Indices = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

#: What stands for a slot or a stage direction in a view; it matches no term and no pattern.
SLOT = "\ue000"
#: What a reader sees in its place.
SHOWN_SLOT = "…"
#: How a sentence may be read, from the literal to the guessed.
READINGS = ("plain", "inserted", "shape", "sound")
SENTENCE_ENDS = "。！？；…\n"
CLAUSE_ENDS = "，：、"
#: Sentences longer than this are cut at a clause end, so that no input makes a rule slow.
LONGEST_SENTENCE = 400

_DROP = 0
_LIMIT = 0x110000
_FULL_WIDTH = {",": "，", "!": "！", "?": "？", ";": "；", ":": "：", "(": "（", ")": "）"}
_SAME = {
    "｡": "。", "､": "、", "﹐": "，", "﹑": "、", "﹒": ".", "﹔": "；", "﹕": "：", "﹖": "？", "﹗": "！",
    "〜": "~", "～": "~", "–": "-", "—": "-", "―": "-", "−": "-", "•": "·", "・": "·", "‧": "·", "∙": "·",
    "⋯": "…", "‥": "…", "\r": "\n", "\t": " ", "\u2028": "\n", "\u2029": "\n", "\x0b": "\n", "\x0c": "\n",
    "\u2800": " ", "\u3164": " ", "壹": "一", "弌": "一", "弍": "二", "贰": "二", "貳": "二", "弎": "三", "叁": "三",
    "參": "参", "柒": "七", "捌": "八", "玖": "九", "“": '"', "”": '"', "„": '"', "「": '"', "」": '"', "『": '"', "』": '"',
    "‘": "'", "’": "'", **dict(zip("āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜü", "aaaaeeeeiiiioooouuuuvvvvv")),
}  # fmt: skip
_MARKS = ("Mn", "Me")
_CHINESE_DIGITS = "零一二三四五六七八九"


@lru_cache(maxsize=1)
def fold_table() -> Codes:
    """uint32 of shape (0x110000,): the folded code point of each code point, 0 to drop it.

    NFKC where it gives one character, then lower case, traditional to simplified (OpenCC's
    ``t2s``), then Chinese punctuation to one width. Built in about 50 ms, then kept.
    """
    name = f"fold-2-{unicodedata.unidata_version}"
    return cached_arrays(name, lambda: {"table": _make_fold_table()})["table"]


def _make_fold_table() -> Codes:
    table = np.arange(_LIMIT, dtype=np.uint32)
    odd = [
        *range(0x20),
        *range(0x7F, 0x3400),
        *range(0xA000, 0xAC00),
        *range(0xD7B0, 0xD800),
        *range(0xF900, 0x10000),
        *range(0x1D100, 0x1F300),
        *range(0x2F800, 0x2FA20),
        *range(0xE0000, 0xE0200),
    ]
    for code in odd:
        character = chr(code)
        category = unicodedata.category(character)
        if category in ("Cf", *_MARKS) or (category == "Cc" and character not in "\n\r\t\x0b\x0c"):
            table[code] = _DROP
            continue
        folded = unicodedata.normalize("NFKC", character)
        if len(folded) > 1:
            # ⑴ ⒈ ㈠ carry one meaningful character between brackets or before a dot.
            inner = folded.strip("(). ,〔〕")
            folded = inner if len(inner) == 1 else character
        table[code] = ord(folded.lower()) if len(folded.lower()) == 1 else ord(folded)
    table[ord("A") : ord("Z") + 1] = np.arange(ord("a"), ord("z") + 1)
    for first in (0x2776, 0x2780, 0x278A):  # dingbat circled digits have no NFKC form
        table[first : first + 9] = np.arange(ord("1"), ord("1") + 9)
    table[0xD800:0xE000] = 0xFFFD  # lone surrogates are no text for the scanners
    table[0xE000:0xF900] = 0xFFFD  # the private characters are ours
    _fold_traditional(table)
    for source, target in (_SAME | _FULL_WIDTH).items():
        table[ord(source)] = ord(target)
    for source, target in _FULL_WIDTH.items():
        table[ord(source) + 0xFEE0] = ord(target)
    table[0x3000] = ord(" ")
    return table


def _fold_traditional(table: Codes) -> None:
    from opencc import OpenCC

    codes = np.concatenate(
        [np.arange(0x3400, 0xA000), np.arange(0xF900, 0xFB00), np.arange(0x20000, 0x2A6E0)]
    )
    folded = table[codes]
    # A line break between characters keeps the converter from reading words into the list.
    converted = OpenCC("t2s").convert("\n".join(map(chr, folded.tolist()))).split("\n")
    table[codes] = [ord(new) if len(new) == 1 else int(old) for new, old in zip(converted, folded)]


def _flags(characters: str) -> Mask:
    flags = np.zeros(_LIMIT, dtype=np.bool_)
    flags[[ord(character) for character in characters]] = True
    return flags


_HAN = ((0x3400, 0x9FFF), (0x20000, 0x3FFFF), (0x3007, 0x3007))


def _is_han(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in _HAN)


@lru_cache(maxsize=1)
def _reduplicated() -> frozenset[str]:
    return frozenset(load_yaml("confusions.yaml")["reduplicated"])


@lru_cache(maxsize=1)
def _character_classes() -> dict[str, Mask]:
    han = np.zeros(_LIMIT, dtype=np.bool_)
    for first, last in _HAN:
        han[first : last + 1] = True
    digit = _flags("0123456789")
    script = load_yaml("script.yaml")
    fillers = [filler for filler in script["fillers"] if len(filler) == 1]
    hesitations = load_yaml("confusions.yaml")["hesitations"]
    return {
        "han": han,
        "digit": digit,
        "symbol": _symbols(),
        "filler": _flags("".join(fillers)),
        "hesitation": _flags(" " + "".join({word[0] for words in hesitations.values() for word in words})),
        "sentence": _flags(SENTENCE_ENDS),
        "clause": _flags(SENTENCE_ENDS + CLAUSE_ENDS),
        "word": han | digit | _flags("abcdefghijklmnopqrstuvwxyz%"),
    }


def _symbols() -> Mask:
    """Flags of what may be put between characters: symbols, punctuation and blanks that end no clause.

    Signs of money and of limits (发芽率≥85%) say something where they stand.
    """

    def make() -> dict[str, Mask]:
        flags = np.zeros(_LIMIT, dtype=np.bool_)
        kept = set(SENTENCE_ENDS + CLAUSE_ENDS + "%$¥￥+≥≤≧≦" + SLOT)
        for code in [*range(0x20, 0x3400), *range(0xFE00, 0xFFFF), *range(0x1F000, 0x1FB00)]:
            character = chr(code)
            if character not in kept and unicodedata.category(character)[0] in "SPZ":
                flags[code] = True
        return {"flags": flags}

    return cached_arrays(f"symbols-2-{unicodedata.unidata_version}", make)["flags"]


#: One of these is in every text with a slot or a stage direction; looking for each takes less than a pattern.
_BLANK_MARKS = (*"{[【（(<《［〔", *(one + other for one in "Xx×" for other in "Xx×"), "某某", "___")


@lru_cache(maxsize=1)
def _blanks() -> re.Pattern[str]:
    """Slots and stage directions, as written."""
    script = load_yaml("script.yaml")
    longest = script["slots"]["max_braced"]
    nouns = "|".join(map(re.escape, sorted(script["slots"]["nouns"], key=len, reverse=True)))
    stage = "|".join(map(re.escape, sorted(script["stage_directions"], key=len, reverse=True)))
    return late(
        # One look tells of nearly every character that nothing begins there.
        r"(?=[${<【\[［〔《（(Xx×某_])(?:"
        rf"\$?\{{{{1,3}}[^{{}}\n。！？]{{1,{longest}}}\}}+|<[A-Za-z_][A-Za-z_0-9]{{0,{longest}}}>"
        rf"|[【\[［〔<《](?:{nouns})[】\]］〕>》]"
        rf"|[（(【\[](?:{stage})[^（()）\n]{{0,30}}[）)】\]]"
        r"|(?<![A-Za-z])[Xx×]{2,6}(?![A-Za-z])|某某+|_{3,})"
    )


def encode(text: str) -> Codes:
    """Code points of a string, uint32 of shape (len(text),); lone surrogates are kept."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def decode(codes: Codes) -> str:
    """The string of an array of code points."""
    return codes.astype("<u4", copy=False).tobytes().decode("utf-32-le", "surrogatepass")


_ANY_DIGIT = late("[0-9]")


def fold(text: str) -> str:
    """A short text (a term of a lexicon) as the plain view shows it; nothing is masked."""
    folded = text.translate(_folding())
    return decode(_fix_numbers(encode(folded))) if _ANY_DIGIT.search(folded) else folded


class _Folding(dict[int, int | None]):
    """The fold table for :meth:`str.translate`, of the characters that were met."""

    def __missing__(self, code: int) -> int | None:
        folded = int(fold_table()[code])
        self[code] = None if folded == _DROP else folded
        return self[code]


@lru_cache(maxsize=1)
def _folding() -> _Folding:
    return _Folding()


def fold_in_place(text: str) -> str:
    """As :func:`fold`, character by character: offsets stay, and what is dropped is a space."""
    codes = fold_table()[encode(text)]
    return decode(np.where(codes == _DROP, np.uint32(ord(" ")), codes))


def _fix_numbers(codes: Codes) -> Codes:
    """Separators inside numbers back to ASCII, ``第1`` to ``第一``; the length stays."""
    if len(codes) < 2:
        return codes
    digit = _character_classes()["digit"].take(codes)
    if not digit.any():
        return codes
    between = (digit[:-2] & digit[2:]).nonzero()[0] + 1
    fixed = {
        place: _ASCII_MARK[code]
        for place, code in zip(between.tolist(), codes.take(between).tolist())
        if code in _ASCII_MARK
    }
    ordinal = ((codes[:-1] == ord("第")) & digit[1:]).nonzero()[0] + 1
    for place, code in zip(ordinal.tolist(), codes.take(ordinal).tolist()):
        if place + 1 == len(codes) or not digit[place + 1]:
            fixed[place] = ord(_CHINESE_DIGITS[code - ord("0")])
    if fixed:
        codes = codes.copy()
        codes[list(fixed)] = list(fixed.values())
    return codes


_ASCII_MARK = {ord(full): ord(half) for half, full in _FULL_WIDTH.items() if full in "，："}


@dataclass(frozen=True)
class View:
    """Sentences of a document as they may be read.

    ``readings[k]`` is the number in :data:`READINGS` of how sentence ``k`` is read. ``text`` is what
    rules see. ``index[i]`` and ``lasts[i]`` are the first and the last code point of the document
    that the i-th character of the view was read from: one and the same but for disguises of several
    characters (zui好) and characters with marks on them. Sentence ``k`` of the view is
    ``text[starts[k]:ends[k]]`` without its final mark; ``sentences[k]`` is its number in the plain view.
    """

    readings: npt.NDArray[np.int8]
    text: str
    codes: Codes
    index: Indices
    lasts: Indices
    starts: Indices
    ends: Indices
    sentences: Indices

    @cached_property
    def sentence_of(self) -> Indices:
        """The sentence that each character of the view belongs to, its final mark included."""
        numbers = np.zeros(len(self.codes), dtype=np.int32)
        numbers[self.starts] = 1
        belongs: Indices = np.maximum(numbers.cumsum(dtype=np.int32) - 1, 0)
        return belongs

    @cached_property
    def edges(self) -> tuple[list[int], list[int]]:
        """Starts and ends of the sentences as lists, to look at a few places."""
        return self.starts.tolist(), self.ends.tolist()

    def sentence_at(self, place: int) -> int:
        """As :attr:`sentence_of`, of one place."""
        return max(bisect_right(self.edges[0], place) - 1, 0)

    @cached_property
    def clause_marks(self) -> list[int]:
        """The places of the characters that end a clause or a sentence, in order."""
        marks: list[int] = _character_classes()["clause"].take(self.codes).nonzero()[0].tolist()
        return marks

    def origin(self, start: int, end: int) -> Span:
        """The span of the document behind ``text[start:end]``; an empty span stays empty."""
        if end <= start:
            place = int(self.index[start]) if start < len(self.index) else int(self.lasts[-1]) + 1
            return Span(place, place)
        return Span(int(self.index[start]), int(self.lasts[end - 1]) + 1)


def _cut_long(starts: Indices, ends: Indices, codes: Codes) -> tuple[Indices, Indices]:
    clause = _character_classes()["clause"]
    out_starts: list[int] = []
    out_ends: list[int] = []
    for start, end in zip(starts.tolist(), ends.tolist()):
        while end - start > LONGEST_SENTENCE:
            stops = np.flatnonzero(clause[codes[start : start + LONGEST_SENTENCE]])
            stop = start + (int(stops[-1]) + 1 if len(stops) else LONGEST_SENTENCE)
            out_starts.append(start)
            out_ends.append(stop)
            start = stop
        out_starts.append(start)
        out_ends.append(end)
    return np.array(out_starts, dtype=np.int32), np.array(out_ends, dtype=np.int32)


def plain_view(document: Document, blank: Sequence[Span] = ()) -> View:
    """The folded text of a document; ``blank`` spans (inline comments) read as line breaks."""
    text = document.text
    origin = encode(text)
    codes = fold_table()[origin]
    copied = False
    masks: list[tuple[int, int, int]] = []
    if any(mark in text for mark in _BLANK_MARKS):
        masks += [(m.start(), m.end(), ord(SLOT)) for m in _blanks().finditer(text)]
    masks += [(span.start, span.end, ord("\n")) for span in blank]
    if document.turns:
        # What lies between turns (labels) is nobody's words.
        edge = 0
        for turn in document.turns:
            if turn.span.start > edge:
                masks.append((edge, turn.span.start, ord("\n")))
            edge = max(edge, turn.span.end)
        if edge < len(text):
            masks.append((edge, len(text), ord("\n")))
    for start, end, code in masks:
        if not copied:
            codes, copied = codes.copy(), True
        codes[start:end] = _DROP
        codes[start] = code
    kept = codes != _DROP
    if kept.all():
        index = lasts = np.arange(len(codes), dtype=np.int32)
    else:
        index = kept.nonzero()[0].astype(np.int32)
        lasts = _with_marks(text, index)
        codes = codes[kept]
    codes = _fix_numbers(codes)
    stops = np.flatnonzero(_character_classes()["sentence"][codes]).astype(np.int32)
    starts = np.concatenate([np.zeros(1, np.int32), stops + 1])
    ends = np.concatenate([stops, np.array([len(codes)], np.int32)])
    filled = ends > starts
    starts, ends = starts[filled], ends[filled]
    if len(starts) and int((ends - starts).max()) > LONGEST_SENTENCE:
        starts, ends = _cut_long(starts, ends, codes)
    numbers = np.arange(len(starts), dtype=np.int32)
    return View(np.zeros(len(starts), np.int8), decode(codes), codes, index, lasts, starts, ends, numbers)


def _with_marks(text: str, index: Indices) -> Indices:
    """The last code point of each character that was kept: its combining marks belong to it."""
    lasts = index.copy()
    gaps = (np.diff(index, append=len(text)) > 1).nonzero()[0]
    for place, last in zip(gaps.tolist(), index[gaps].tolist()):
        while last + 1 < len(text) and unicodedata.category(text[last + 1]) in _MARKS:
            last += 1
        lasts[place] = last
    return lasts


@lru_cache(maxsize=1)
def _hesitations() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """(words of hesitation with their commas, single characters divided by one and the same mark)."""
    words = load_yaml("confusions.yaml")["hesitations"]
    spoken = "|".join(map(re.escape, sorted([*words["words"], *words["sounds"]], key=len, reverse=True)))
    sounds = "|".join(map(re.escape, words["sounds"]))
    word = r"[0-9a-z%\u3007\u3400-\u9fff]"
    return (
        late(
            # 国家，嗯，那个，级 / 国家，嗯级
            rf"[，、] *(?:(?:{spoken})+ *[，、] *)+|[，、] *(?:{sounds})+(?={word})"
        ),
        late(rf"{word}([^0-9a-z%\u3007\u3400-\u9fff{SENTENCE_ENDS}{SLOT}]){word}(?:\1{word})+"),
    )


def _drop_hesitation(
    plain: View, noise: Mask, drop: Mask, joins: Callable[[View, int, int], bool] | None
) -> None:
    """Marks fillers set off by commas, and marks put between each two characters (9_8_%_的, 全+港)."""
    classes = _character_classes()
    word = classes["word"].take(plain.codes)
    codes = plain.codes
    comma = (codes == ord("，")) | (codes == ord("、"))
    begins = (comma[:-1] & classes["hesitation"].take(codes[1:])).nonzero()[0]
    for start, end in _matches(0, plain.text, begins):
        if start > 0 and end < len(codes) and word[start - 1] and word[end]:
            drop[start:end] = joins is None or joins(plain, start, end)
    if len(codes) > 4 and (bool(noise.any()) or "+" in plain.text):
        mark = (~word | (codes >= 0xA000)) & ~classes["sentence"].take(codes)
        again = mark[1:-3] & (codes[1:-3] == codes[3:-1])
        begins = (again & word[:-4] & word[2:-2] & word[4:]).nonzero()[0]
        for start, end in _matches(1, plain.text, begins):
            if (
                codes[start + 1] not in (ord("，"), ord("、"), ord("："))
                and classes["han"][codes[start:end]].any()
            ):
                drop[start + 1 : end : 2] = True


def _matches(which: int, text: str, begins: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """(start, end) of the matches, disjoint, of a pattern of hesitation; none begins elsewhere."""
    if not len(begins):
        return
    pattern = _hesitations()[which]
    done = 0
    for start in begins.tolist():
        match = pattern.match(text, start) if start >= done else None
        if match is not None:
            done = match.end()
            yield start, done


def _drop_repeats(plain: View, drop: Mask) -> None:
    """Marks what is said twice in a row: 最最好, 全、全港, 全国全国第一; the last one stays."""
    codes, text = plain.codes, plain.text
    kept = (~drop).nonzero()[0] if drop.any() else None
    if kept is not None:
        codes = codes.take(kept)
        text = decode(codes)
    if len(codes) < 4:
        return
    again: list[int] = []
    # Where the same stands one, two and three characters further.
    one, two, three = ((codes[step:] == codes[:-step]).nonzero()[0].tolist() for step in (1, 2, 3))
    for place in one:
        if _is_han(text[place]) and text[place] not in _reduplicated():
            again.append(place + 1)
    further = set(two)
    for place in two:
        first, second = text[place], text[place + 1]
        is_pair = place + 1 in further and first != second and _is_han(second)
        if (is_pair or second in "，、") and _is_han(first):
            again += (place, place + 1)
    further = set(three)
    for place in three:
        if place + 1 in further and text[place + 2] in "，、" and _is_han(text[place]):
            again += (place, place + 1, place + 2)
    if again:
        drop[again if kept is None else kept.take(again)] = True


def inserted_view(plain: View, joins: Callable[[View, int, int], bool] | None = None) -> View | None:
    """The plain view without what was put between characters; None when nothing was.

    Symbols, spaces, emoji and one-character fillers between word characters are dropped where a
    Han character stands on at least one side; so are fillers set off by commas (国家，嗯，级) and
    one mark between each two characters (9_8_%_的), and what is said twice in a row (最最最好,
    全、全港) is left once. Only sentences with something to drop are part of the view. ``joins``
    may veto that the clauses on both sides of a filler, ``text[start:end]``, are read as one.
    """
    codes = plain.codes
    if len(codes) < 3:
        return None
    classes = _character_classes()
    symbol, filler = classes["symbol"].take(codes), classes["filler"].take(codes)
    if symbol.any() and filler.any():
        # In 全 额 退 款 the spaces are the noise and 额 is a word.
        beside = np.zeros(len(codes), dtype=np.bool_)
        beside[1:] = symbol[:-1]
        beside[:-1] &= symbol[1:]
        filler &= ~beside
    noise = symbol | filler
    drop = np.zeros(len(codes), dtype=np.bool_)
    if noise.any():
        edges = (noise[1:] != noise[:-1]).nonzero()[0] + 1
        # Runs of noise between two characters.
        edges = edges[int(noise[0]) :]
        firsts, lasts = edges[: len(edges) // 2 * 2].reshape(-1, 2).T
        left, right = codes.take(firsts - 1), codes.take(lasts)
        inside = classes["word"].take(left) & classes["word"].take(right)
        inside &= classes["han"].take(left) | classes["han"].take(right)
        for first, last, is_inside in zip(firsts.tolist(), lasts.tolist(), inside.tolist()):
            drop[first:last] = is_inside
    _drop_hesitation(plain, noise, drop, joins)
    _drop_repeats(plain, drop)
    if not drop.any():
        return None
    numbers = plain.starts.searchsorted(drop.nonzero()[0], side="right") - 1
    return select(plain, distinct(numbers), "inserted", drop=drop)


def select(
    plain: View,
    numbers: Indices | npt.NDArray[np.int64],
    name: str,
    *,
    drop: Mask | None = None,
    codes: Codes | None = None,
) -> View:
    """A view of some sentences of the plain view, with characters dropped or respelled.

    ``numbers`` are sentence numbers, ``drop`` a mask over the plain view, ``codes`` a respelling
    of the same length as the plain view.
    """
    source = plain.codes if codes is None else codes
    numbers = np.asarray(numbers, dtype=np.int64)
    lengths = (plain.ends[numbers] - plain.starts[numbers]).astype(np.int64) + 1
    lasts = lengths.cumsum() - 1
    places = np.arange(int(lasts[-1]) + 1 if len(lasts) else 0)
    places += np.repeat(plain.starts[numbers] - (lasts + 1 - lengths), lengths)
    places[lasts] -= 1  # what parts two sentences stands where the first one ends
    view_codes = source[places]
    view_codes[lasts] = ord("\n")
    if drop is not None:
        kept = ~drop[places]
        kept[lasts] = True
        places, view_codes = places[kept], view_codes[kept]
        lasts = kept.cumsum()[lasts] - 1
    view_codes = _fix_numbers(view_codes)
    ends = lasts.astype(np.int32)
    starts = np.concatenate([np.zeros(min(len(ends), 1), np.int32), ends[:-1] + 1])
    return View(
        np.full(len(ends), READINGS.index(name), dtype=np.int8),
        decode(view_codes),
        view_codes,
        plain.index[places],
        plain.lasts[places],
        starts,
        ends,
        plain.sentences[numbers],
    )


def join(one: View, other: View | None) -> View:
    """The sentences of two views in one, those of ``one`` first."""
    if other is None:
        return one
    place = len(one.codes) + 1
    codes = np.concatenate([one.codes, np.array([ord("\n")], np.uint32), other.codes])
    return View(
        np.concatenate([one.readings, other.readings]),
        f"{one.text}\n{other.text}",
        codes,
        np.concatenate([one.index, one.index[-1:], other.index]),
        np.concatenate([one.lasts, one.lasts[-1:], other.lasts]),
        np.concatenate([one.starts, other.starts + np.int32(place)]),
        np.concatenate([one.ends, other.ends + np.int32(place)]),
        np.concatenate([one.sentences, other.sentences]),
    )
