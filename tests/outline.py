"""What a page is made of, and the text that no page may take for anything but text."""

from html.parser import HTMLParser

EVIL = "</p><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[2J\u202e$x^2$"


class Outline(HTMLParser):
    """Remembers the tags, attributes and texts of a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]
