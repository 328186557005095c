"""Somebody at the review desk in a browser, and everything their browser complained of."""

import re
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.review_desk import ReviewDesk


@dataclass
class Visitor:
    """A page of its own session; `trouble` is what console, scripts and policies reported."""

    page: Page
    desk: ReviewDesk
    trouble: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, browser: Browser, desk: ReviewDesk, **how: Any) -> "Visitor":
        usual = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
        context = browser.new_context(**{**usual, **how})
        visitor = cls(context.new_page(), desk)
        visitor.page.on(
            "console",
            lambda said: said.type in ("error", "warning") and visitor.trouble.append(said.text),
        )
        visitor.page.on("pageerror", lambda error: visitor.trouble.append(str(error)))
        visitor.page.on("dialog", lambda dialog: visitor.trouble.append(dialog.message))
        return visitor

    def sign_in(self, name: str) -> "Visitor":
        """By keyboard: the field has the focus."""
        self.page.goto(self.desk.url)
        expect(self.page.get_by_label("Your personal token")).to_be_focused()
        self.page.keyboard.type(self.desk.tokens[name])
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(re.compile("/label"))
        return self

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def answer(self, *keys: str) -> None:
        """Presses the keys and enter, and waits until the next thing stands there."""
        before = self.lease
        self.press(*keys, "Enter")
        self.page.wait_for_function(
            "before => (document.querySelector('.page').dataset.lease ?? '') !== before",
            arg=before,
        )

    @property
    def lease(self) -> str:
        """The lease on the screen, or nothing."""
        return self.page.locator(".page").get_attribute("data-lease") or ""

    @property
    def response(self) -> str:
        return self.page.locator(".response .said").inner_text()

    def sees(self, text: str) -> None:
        expect(self.page.locator("main")).to_contain_text(text)

    def width(self) -> int:
        return int(self.page.evaluate("document.documentElement.scrollWidth"))

    def close(self) -> None:
        self.page.context.close()
