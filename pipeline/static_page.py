"""A web page in one file: what every page that Muster writes into a file shares.

What belongs here: the frame, the look on screen and on paper, tables, escaping. What stays out:
what a page says. Nothing is loaded from anywhere, and no script is in it.
"""

from collections.abc import Iterable, Sequence
from html import escape


class Html(str):
    """Text that is markup already; every other text is escaped."""

    __slots__ = ()


_STYLE = """
:root { color-scheme: light; }
body { font: 1rem/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 0; }
main, header, footer { max-width: 64rem; margin: 0 auto; padding: 1rem 1.5rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 1rem 0 .5rem; }
h2 { font-size: 1.25rem; margin: 2rem 0 .5rem; }
p, li { max-width: 48rem; }
a { color: #0b4f8a; }
code { font-size: .92em; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.5rem; margin: 1rem 0; }
dt { font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .94rem; }
caption { text-align: left; font-weight: 600; padding: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0;
  border-bottom: 1px solid #767676; }
thead th { border-bottom: 2px solid #1a1a1a; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
footer { color: #444; font-size: .9rem; border-top: 1px solid #767676; }
@media print {
  main, header, footer { max-width: none; padding: 0; }
  body { font-size: 10pt; }
  thead { display: table-header-group; }
  tr, dl > * { break-inside: avoid; }
  .wide { overflow: visible; }
  a { color: inherit; text-decoration: none; }
}
"""


def page(title: str, body: Iterable[Html], footer: str) -> bytes:
    """A whole page in UTF-8. `title` is its first heading too."""
    return (
        "<!doctype html>\n"
        '<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<header><h1>{escape(title)}</h1></header>\n<main>\n"
        + "\n".join(body)
        + f"\n</main>\n<footer><p>{escape(footer)}</p></footer>\n</body>\n</html>\n"
    ).encode()


def heading(text: str) -> Html:
    return Html(f"<h2>{escape(text)}</h2>")


def paragraph(text: str) -> Html:
    return Html(f"<p>{_shown(text)}</p>")


def bullets(lines: Iterable[str]) -> Html:
    items = "".join(f"<li>{_shown(line)}</li>" for line in lines)
    return Html(f"<ul>{items}</ul>")


def facts(pairs: Iterable[tuple[str, str]]) -> Html:
    """Names and what they are, one under the other."""
    shown = "".join(f"<dt>{escape(name)}</dt><dd>{_shown(said)}</dd>" for name, said in pairs)
    return Html(f"<dl>{shown}</dl>")


def table(
    caption: str, headings: Sequence[str], rows: Iterable[Sequence[str | int | None]]
) -> Html:
    """A table whose first column names its rows; whole numbers stand on the right."""
    # A region that can be scrolled must be reachable without a mouse, and so has a name.
    lines = [
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(caption)}">'
        f"<table><caption>{escape(caption)}</caption><thead><tr>",
        *(f'<th scope="col">{escape(name)}</th>' for name in headings),
        "</tr></thead><tbody>",
    ]
    for row in rows:
        first, *others = row
        lines.append(f'<tr><th scope="row">{_cell(first)}</th>')
        lines += [
            f'<td class="number">{cell}</td>'
            if isinstance(cell, int)
            else f"<td>{_cell(cell)}</td>"
            for cell in others
        ]
        lines.append("</tr>")
    lines.append("</tbody></table></div>")
    return Html("".join(lines))


def link(to: str, text: str) -> Html:
    return Html(f'<a href="{escape(to)}">{escape(text)}</a>')


def _cell(cell: str | int | None) -> str:
    if cell is None:
        return ""
    return str(cell) if isinstance(cell, int) else _shown(cell)


def _shown(text: str) -> str:
    return text if isinstance(text, Html) else escape(text)
