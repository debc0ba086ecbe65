#!/usr/bin/env python3
"""Finds the links in a site that lead nowhere: to no page, or to no heading of the page.

    tests/docs/site.py DIRECTORY
"""

import html.parser
import pathlib
import sys
import urllib.parse


class Page(html.parser.HTMLParser):
    """What a page has of links, and of places to which a link can lead."""

    def __init__(self, path: pathlib.Path):
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attributes: list) -> None:
        for name, value in attributes:
            if name == "id" and value:
                self.places.add(value)
            if name in ["href", "src"] and value:
                self.links.append(value)


def main(site: pathlib.Path) -> int:
    pages = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    assert len(pages) > 15, f"only {len(pages)} pages"
    dead = [f"{path.relative_to(site)}: {link}" for path, page in pages.items() for link in page.links if not leads(site, pages, path, link)]
    for line in dead:
        print(f"leads nowhere: {line}", file=sys.stderr)
    links = sum(len(page.links) for page in pages.values())
    print(f"{len(pages)} pages, {links} links, {len(dead)} lead nowhere")
    return 1 if dead else 0


def leads(site: pathlib.Path, pages: dict, path: pathlib.Path, link: str) -> bool:
    """Whether a link of a page leads to something. Links to other sites are not followed."""
    parts = urllib.parse.urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    # The page of errors is shown at any address, so its links begin at the top.
    base = site if path.name == "404.html" or parts.path.startswith("/") else path.parent
    target = (base / urllib.parse.unquote(parts.path).lstrip("/")).resolve() if parts.path else path
    if target.is_dir():
        target /= "index.html"
    if not target.is_relative_to(site) or not target.exists():
        return False
    place = urllib.parse.unquote(parts.fragment)
    return not place or target not in pages or place in pages[target].places


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
