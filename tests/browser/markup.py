"""A page taken apart, as a browser would, by the parser of the standard library."""

from dataclasses import dataclass
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "input", "hr", "col"}


@dataclass
class Element:
    """A start tag, and the text inside it."""

    tag: str
    attributes: dict[str, str]
    text: str = ""


class Page(HTMLParser):
    """Elements of a page in their order; AssertionError where tags do not match."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(source)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element; it stays open if it has content."""
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element of a drawing, which has no content."""
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element, which must be of this kind."""
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        """Add text to everything that is open."""
        for element in self._open:
            element.text += data

    def all(self, tag: str = "", **attributes: str) -> list[Element]:
        """Return the elements of a kind with these attributes; a class is one of several."""
        return [
            element
            for element in self.elements
            if (not tag or element.tag == tag)
            and all(
                value in element.attributes.get(name.strip("_"), "").split()
                for name, value in attributes.items()
            )
        ]

    @property
    def text(self) -> str:
        """What the page says, without its style and script."""
        return self.all("main")[0].text + self.all("header")[0].text
