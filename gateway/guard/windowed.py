"""Reads a stream in windows and takes out what is found there, before it leaves.

A window ends where a sentence or a line does, or after 200 characters. Where it ends depends on the text alone, never
on how the text was cut. What has left is read once more as the context of the next window, so that a value which
goes over the end of a sentence is found, and its rest stays here. Where a window has to end within a sentence, it
leaves only as far as no value can go on: the last 64 characters, and any word or finding that they cut, are read again
with what follows. A finding that is too long even for that is decided at once: nothing more leaves until it ends.

Where all that is taken out has digits or signs, plain words need not wait for the end of their window: they leave once
three more of them follow, since no value begins with so many. They are read with their window all the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.guard.edits import Edit

WINDOW_CHARS = 200
"""The most that is held."""
LEAST_CHARS = 60
"""A window ends with the first sentence that makes it this long: each window costs a call of the detector."""
AHEAD_CHARS = 64
"""What is read again where a window ends within a sentence: more than an account number or a telephone number has."""
_MOST_READ_AGAIN = 136
CONTEXT_CHARS = 160
"""What is read before a window: more than the words that say what a value is."""
WITHHELD = "[withheld]"
"""What stands in place of a value. It has nothing that a placeholder has, so it is never taken for one."""

_PLAIN = r"[^\W\d_][^\W\d_A-Z]{0,19}+[,.;!?]?+[ \t]"
_PLAIN_WORDS = re.compile(rf"(?:{_PLAIN})+(?=(?:{_PLAIN}){{3}})")
"""Words of prose within a line, with three more behind them."""
# It begins with one set of characters, which the library skips to.
_BORDER = re.compile(r"[.!?…。！？\n](?:(?<=[.!?…])[\"'”’»)\]*_]*\s+|(?<=[。！？\n])\s*)(?=\S)")
_CLOSERS = "\"'”’»)]*_"
_SPACE = re.compile(r"\s")
_STEP_CHARS = 4096


@dataclass(frozen=True, slots=True)
class Ending:
    """What ends a finding that is longer than a window. The pattern matches at most `chars` characters."""

    pattern: re.Pattern[str]
    chars: int


WORD_ENDING = Ending(re.compile(r"(?=[\s\"'<>])"), 1)


@dataclass(frozen=True, slots=True)
class Judged:
    """Code points [start, end) of a window and what is done with them. `ending`: they go on until it comes.

    `is_open`: only what follows tells whether they are anything.
    """

    start: int
    end: int
    kind: str
    action: str
    rule: str
    ending: Ending | None = None
    is_open: bool = False


Judge = Callable[[str], Sequence[Judged]]
"""What is found in a text: disjoint, in order."""
Note = Callable[[Judged], None]


class WindowedEditor:
    """Takes out what a judge says is to be masked, and tells `note` of each thing that is found.

    The answer stops where the judge says so. Raises whatever the judge raises. `words_flow`: nothing that is masked or
    blocked is made of plain words alone.
    """

    hold_chars = WINDOW_CHARS

    def __init__(self, judge: Judge, note: Note, *, words_flow: bool = False) -> None:
        self._judge = judge
        self._note = note
        self._words_flow = words_flow
        self._text = ""
        # The characters before it have been judged and have left; they are kept as context.
        self._start = 0
        # Those before it have left.
        self._left = 0
        # Whether the last of them belong to a finding that may go on.
        self._is_going_on = False
        self._run: Ending | None = None
        # No window that begins at the start ends before it.
        self._searched = 0

    def push(self, text: str) -> list[Edit]:
        edits: list[Edit] = []
        # What has been judged is dropped after each step, not with each window all that comes after it moved.
        for at in range(0, len(text), _STEP_CHARS):
            self._text += text[at : at + _STEP_CHARS]
            edits += self._edits(final=False)
            if edits and edits[-1].stop:
                break
        return edits

    def flush(self) -> list[Edit]:
        return self._edits(final=True)

    def _edits(self, *, final: bool) -> list[Edit]:
        edits: list[Edit] = []
        while self._start < len(self._text):
            if self._run is not None:
                edits += self._run_on(self._run, final=final)
                if self._run is not None:
                    break
                continue
            end, is_whole = self._window(final=final)
            if end is None:
                edits += self._plain_words(len(self._text))
                break
            edits += self._decide(end, is_whole=is_whole, final=final and end == len(self._text))
            if edits and edits[-1].stop:
                break
        return edits

    def _window(self, *, final: bool) -> tuple[int | None, bool]:
        """Where the next window ends, if that is known, and whether no value goes on there."""
        text, start = self._text, self._start
        last = start + WINDOW_CHARS
        # A border is one once something follows it.
        known = len(text[start : last + 1].rstrip()) + start
        searched = self._searched = max(self._searched, start)
        for match in _BORDER.finditer(text, searched, known):
            if match.end() - start >= LEAST_CHARS and not _is_within_number(text, match):
                return match.end(), True
            searched = match.end()
        # The end of a sentence may be the last that is known.
        self._searched = max(searched, len(text[searched:known].rstrip(_CLOSERS)) + searched - 1)
        if len(text) > last:
            return last, False
        return (len(text), True) if final else (None, True)

    def _plain_words(self, end: int) -> list[Edit]:
        """Let go of plain words before `end`, never beyond the window: so it is the same however the text is cut."""
        begin = self._left = max(self._left, self._start)
        if not self._words_flow or self._is_going_on or (begin and not self._text[begin - 1].isspace()):
            return []
        match = _PLAIN_WORDS.match(self._text, begin, end)
        if match is None:
            return []
        self._left = match.end()
        return [Edit(self._left - begin)]

    def _decide(self, end: int, *, is_whole: bool, final: bool) -> list[Edit]:
        start = self._start
        found = [judged for judged in self._judge(self._text[:end]) if judged.end > start]
        if is_whole and not found:
            # By far the most windows.
            return [self._all_stays(end)]
        edits = self._plain_words(end)
        # What may be the beginning of something long begins the next window; if it began this one, it is one.
        undecided = [judged.start for judged in found if judged.is_open and judged.start > start]
        found = [judged for judged in found if not judged.is_open or not (final or judged.start > start)]
        cut = end if is_whole else self._cut(found, end)
        if undecided and not final:
            cut = min(cut, *undecided)
        endless = next((judged for judged in found if judged.ending is not None and judged.start < cut), None)
        if endless is not None:
            found = [judged for judged in found if judged.start < endless.start]
            cut = max(start, endless.start)
        edits += self._taken_out(found, cut)
        if edits[-1].stop:
            return edits
        if endless is not None:
            edits += self._begin(endless)
        elif self._is_going_on and not is_whole and cut == end:
            self._run = WORD_ENDING
        self._forget()
        return edits

    def _all_stays(self, end: int) -> Edit:
        edit = Edit(max(0, end - max(self._start, self._left)))
        self._start = end
        self._left = max(self._left, end)
        self._is_going_on = False
        self._forget()
        return edit

    def _cut(self, found: Sequence[Judged], end: int) -> int:
        """How far a window may leave that ends within a sentence."""
        earliest = end - _MOST_READ_AGAIN
        cut = end - AHEAD_CHARS
        for at in range(cut, earliest, -1):
            if self._text[at - 1].isspace():
                cut = at
                break
        for judged in found:
            if judged.start < cut < judged.end:
                cut = judged.start if judged.start >= earliest else judged.end
        return cut

    def _taken_out(self, found: Sequence[Judged], cut: int) -> list[Edit]:
        """What becomes of the text up to `cut`."""
        edits: list[Edit] = []
        at, was_going_on = max(self._start, self._left), self._is_going_on
        self._is_going_on = False
        for judged in found:
            if judged.start >= cut:
                break
            goes_on = judged.start < self._start and was_going_on
            begin, stop = max(judged.start, at), max(min(judged.end, cut), at)
            if not goes_on:
                self._note(judged)
            if judged.action == "block":
                return [*edits, Edit(begin - at), Edit(0, stop=judged.rule)]
            if judged.action == "mask" and stop > begin:
                edits += [Edit(begin - at), Edit(stop - begin, "" if goes_on else WITHHELD)]
                at = stop
            self._is_going_on = judged.end >= cut and judged.action == "mask"
        edits.append(Edit(max(0, cut - at)))
        self._start = cut
        self._left = max(self._left, cut)
        return edits

    def _begin(self, endless: Judged) -> list[Edit]:
        self._note(endless)
        if endless.action == "block":
            return [Edit(0, stop=endless.rule)]
        begin = max(self._start, self._left)
        self._start = max(begin, endless.end)
        if endless.action != "mask":
            return [Edit(self._start - begin)]
        self._run = endless.ending
        return [Edit(self._start - begin, WITHHELD)]

    def _run_on(self, ending: Ending, *, final: bool) -> list[Edit]:
        """Within a finding that is taken out whole, however long it is."""
        begin = self._start
        match = ending.pattern.search(self._text, begin)
        if match is not None:
            self._start, self._run, self._is_going_on = match.end(), None, False
        else:
            self._start = len(self._text) if final else max(begin, len(self._text) - ending.chars + 1)
        taken = Edit(self._start - begin, "")
        self._forget()
        return [taken]

    def _forget(self) -> None:
        """Keep the context only, from the beginning of a word."""
        self._searched = 0
        keep = self._start - CONTEXT_CHARS
        if keep <= 0:
            return
        if space := _SPACE.search(self._text, keep, self._start):
            keep = space.end()
        self._text = self._text[keep:]
        self._start -= keep
        self._left = max(0, self._left - keep)


def _is_within_number(text: str, border: re.Match[str]) -> bool:
    """Whether digits stand on both sides: numbers are written over lines and with dots."""
    before = text[max(0, border.start() - 2) : border.end()]
    return text[border.end()].isdigit() and any(character.isdigit() for character in before)
