"""Which page of a list is shown, and how many there are.

What stays out: fetching it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

PER_PAGE: Final = 25
_FARTHEST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Pager:
    """One page of `total` lines; pages are counted from 1."""

    page: int
    total: int | None
    query: Mapping[str, str]
    """What else the address asks for, which every page of the list keeps."""
    name: str = "page"
    per_page: int = PER_PAGE
    more: bool = False
    """Whether there is another page, where the total is not known."""
    anchor: str = ""

    @property
    def pages(self) -> int | None:
        if self.total is None:
            return None
        return max((self.total + self.per_page - 1) // self.per_page, 1)

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.per_page

    @property
    def before(self) -> str | None:
        return self._address(self.page - 1) if self.page > 1 else None

    @property
    def after(self) -> str | None:
        is_last = not self.more if self.pages is None else self.page >= self.pages
        return None if is_last else self._address(self.page + 1)

    def _address(self, page: int) -> str:
        kept = {k: v for k, v in self.query.items() if k != self.name and v}
        return f"?{urlencode({**kept, self.name: page})}{self.anchor}"


def page_asked(query: Mapping[str, str], name: str = "page") -> int:
    """The page that an address asks for; the first one for what is no number."""
    said = query.get(name, "")
    if not (said.isascii() and said.isdigit()):
        return 1
    return min(max(int(said[:9]), 1), _FARTHEST)
