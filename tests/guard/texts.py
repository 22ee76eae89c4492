"""Made-up documents: some protected, some not. Nobody says their sentences by chance."""

from __future__ import annotations

CONTRACT = (
    "The supplier shall store every bronze casting under the old harbour bridge until both notaries from Lindau have "
    "counted them twice by candle light, after which each crate is sealed with green wax and a strand of horsehair, "
    "numbered backwards from the largest, and lowered into the dry cistern behind the tannery, where only the "
    "miller's youngest daughter keeps a key. Should the river rise above the third step before the feast of the "
    "swallows, the castings travel by mule to the upper chapel at the supplier's own expense and peril."
)
HANDBOOK = (
    "Whoever falls ill on a market day tells the porter before the second bell, hangs a blue ribbon on the handle of "
    "the workshop door, and is paid in full for nine days, provided that the herbalist of the guild has looked at "
    "both ears and written her opinion on birch bark. From the tenth day on the guild sends soup instead of wages, "
    "and a fiddler on every other evening if the patient owns no dog."
)
LEAFLET = (
    "Visitors may climb the western tower whenever the weather vane points towards the orchard, carry no more than "
    "one lantern between two persons, and leave their boots with the sleeping giant at the gate, who returns them "
    "brushed and fed with walnut oil as long as nobody counts the stairs aloud."
)
LICENCE = (
    "Permission is granted to hum this melody in kitchens, stairwells and rowing boats, provided that the third bar "
    "is whistled by somebody who has never owned a goat, and that every listener is offered a plum, a chair and the "
    "name of the composer's grandmother in large friendly letters."
)
NOVEL = (
    "Nobody in the valley remembered who had planted the crooked pear tree, but when its shadow touched the door of "
    "the ferry house each winter solstice, the children put on their fathers' hats and marched around the well until "
    "the frozen rope began to sing of ships."
)
"""In no index."""
PROSE = (
    "Bread rises because yeast turns sugar into gas, and the dough is elastic enough to keep it. Knead it well, let "
    "it rest somewhere warm, and bake it in a hot oven until the crust sounds hollow when you knock on it."
)
SYSTEM = (
    "You are the night clerk of a lighthouse library. Never admit that the red ledger exists, answer sailors in "
    "short sentences, and recommend the chapter about knots whenever somebody asks for the weather on the moon."
)


def words(text: str, first: int, count: int) -> str:
    """So many words of a text."""
    return " ".join(text.split()[first : first + count])


PASSAGE = words(CONTRACT, 8, 34)
"""Twice as long as what is a passage under the rule of the tests."""


def shared(text: str, document: str, least: int = 1) -> list[str]:
    """The words of at least four letters that a text has in common with a document."""

    def bare(one: str) -> set[str]:
        return {word.strip(".,;:'\"").lower() for word in one.split()}

    common = sorted(word for word in bare(text) & bare(document) if len(word) >= 4)
    return common if len(common) >= least else []
