"""The tables of docs/readers.md, whose cells are what scenarios see."""

import pathlib

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/readers.md"


def expect_rows(cells, scenario):
    """That the page has these rows, of which another cell names the scenario."""
    page = PAGE.read_text().splitlines()
    missing = [row for what, cell in cells.items() if (row := f"| {what} | {cell} | tested: {scenario} |") not in page]
    assert not missing, "docs/readers.md should have:\n" + "\n".join(missing)
