"""Puts what the book's pages link to outside of docs/ into the book, and checks that no link within the book is broken:
`book.py BOOK`, after `mdbook build`. Python's standard library alone.
"""

import re
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

REPOSITORY = Path(__file__).resolve().parent.parent
# Where the copies stand in the book.
COPIES = "repository"
OUTSIDE = re.compile(r'href="\.\./([^"#:]+)(#[^"]*)?"')


class Page(HTMLParser):
    """What a page links to, and where one can link to within it."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors = set(), set()
        self.feed(text)

    def handle_starttag(self, _, attributes):
        for name, value in attributes:
            if name == "id" and value:
                self.anchors.add(value)
            elif name in ("href", "src") and value:
                self.links.add(value)


def bring_in(book, page):
    """Copies what the page links to outside of docs/ into the book, and links to the copy. mdBook makes `.html` of `.md`."""

    def copied(link):
        source = REPOSITORY / link[1]
        if not source.exists() and source.suffix == ".html":
            source = source.with_suffix(".md")
        if not source.is_file():
            return link[0]
        copy = Path(COPIES) / source.relative_to(REPOSITORY)
        (book / copy).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, book / copy)
        return f'href="{copy.as_posix()}"'

    text = page.read_text(encoding="utf-8")
    page.write_text(OUTSIDE.sub(copied, text), encoding="utf-8")


def main(book):
    book = Path(book).resolve()
    paths = sorted(book.glob("*.html"))
    for path in paths:
        bring_in(book, path)
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in paths}
    broken, seen = [], 0
    for path, page in pages.items():
        for link in sorted(page.links):
            parts = urlsplit(link)
            # 404.html is shown at any address, and links from the root of the site.
            if parts.scheme or parts.netloc or path.name == "404.html":
                continue
            seen += 1
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_relative_to(book) or not target.exists():
                broken.append(f"{path.name}: {link}")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                broken.append(f"{path.name}: {link}: no such heading")
    if broken or not seen:
        raise SystemExit("links of the book that lead nowhere:\n" + "\n".join(broken))
    print(f"{len(pages)} pages, {seen} links, none broken")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
