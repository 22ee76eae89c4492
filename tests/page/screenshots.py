"""Writes docs/images/ui-light.png and ui-dark.png: the page with a prompt and an answer. Names are invented.

Run by `make screenshots`; look at the pictures before committing them.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.page import scene

IMAGES = Path(__file__).parents[2] / "docs" / "images"
MOST_BYTES = 300_000
PROMPT = (
    "I am Amara Okafor from Leeds. My card 4111 1111 1111 1111 was charged twice for order 4471-0092. "
    "Please write a short reply to amara.okafor@mail-example.org."
)
ANSWER = (
    "Dear <PERSON_1>, we are sorry that your card was charged twice. We will write to <EMAIL_ADDRESS_1> "
    "once the money has left; our colleague is at help.desk@other-example.com."
)


def main() -> None:
    """Raises SystemExit if a picture is too large for a README."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, scene.site(Path(directory)) as site, scene.browser() as browser:
        site.upstream.says(ANSWER)
        for scheme in ("light", "dark"):
            page = browser.new_page(viewport={"width": 1180, "height": 900})
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            scene.enter(page, site, "jane")
            page.locator("#prompt").evaluate("at => { at.rows = 5; }")
            scene.write(page, PROMPT)
            page.get_by_role("button", name="Ask the model").click()
            page.locator("#answer").wait_for()
            page.locator("h1").click()
            file = IMAGES / f"ui-{scheme}.png"
            page.screenshot(path=file, full_page=True)
            page.close()
            if file.stat().st_size > MOST_BYTES:
                raise SystemExit(f"{file} is larger than {MOST_BYTES} bytes")


if __name__ == "__main__":
    main()
