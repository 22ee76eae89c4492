"""Numbers that states, health insurers and tax offices give to people, one file per group of countries.

Where python-stdnum knows the check digits of a number it checks them. A number whose form and check digits leave little
to chance is found wherever it stands; any other one needs a word before it that says what it is. All are registered
once, whatever the policy's languages are: people paste foreign numbers into English prompts.
"""

from __future__ import annotations

from gateway.redact.recognizers.national import (
    americas,
    dutch_polish,
    english,
    french,
    german,
    iberian,
    italian,
    nordic,
)
from gateway.redact.recognizers.table import Row


def rows() -> list[Row]:
    parts = (americas, dutch_polish, english, french, german, iberian, italian, nordic)
    return [row for part in parts for row in part.rows()]
