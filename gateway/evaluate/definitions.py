"""The figures in words, for those who read the reports."""

from __future__ import annotations

DEFINITIONS = (
    ("char recall", "share of the marked characters (no white space) that were hidden"),
    ("span recall", "share of the marked values of which every letter and digit was hidden"),
    ("typed recall", "share of the marked values over which some finding has the right type"),
    ("precision", "share of the findings that overlap a marked value, or one that may be hidden too"),
    ("f1, f2", "of span recall and precision; F2 weighs recall four times as much"),
    ("zero leak", "share of the texts with marked values in which no marked character stayed readable"),
    ("negatives touched", "share of the texts without marked values in which something was hidden; less is better"),
    ("precision of a type", "share of the findings of this type that overlap anything marked, of whatever type"),
    ("leaked characters", "marked characters (no white space) that stayed readable"),
)
