"""Lists the public items of the crate, from what `cargo doc` wrote, and compares the list with the one that is kept.

usage: public_api.py DOC_DIR LISTING [--write]
"""

import re
import sys
from pathlib import Path

# What follows belongs to traits of others.
FOREIGN = re.compile(r'id="(?:trait-implementations|synthetic-implementations|blanket-implementations|implementors)-list"')
MEMBER = re.compile(r'id="(structfield|variant|method|tymethod|associatedconstant|associatedtype)\.(\w+)"')
ITEM = re.compile(r'<li><a href="([^"]+)">([^<]+)</a></li>')


def members(page: str) -> list[str]:
    """The public parts of an item: fields, variants, methods of its own."""
    foreign = FOREIGN.search(page)
    own = page[: foreign.start()] if foreign else page
    return sorted({f"{kind} {name}" for kind, name in MEMBER.findall(own)})


def listing(docs: Path) -> str:
    lines = []
    index = (docs / "all.html").read_text()
    for link, path in ITEM.findall(index[index.index('<section id="main-content"') :]):
        kind = Path(link).name.split(".")[0]
        lines.append(f"{path}  ({kind})")
        lines.extend(f"    {member}" for member in members((docs / link).read_text()))
    return "\n".join(lines) + "\n"


def main() -> int:
    docs, kept = Path(sys.argv[1]), Path(sys.argv[2])
    now = listing(docs)
    if "--write" in sys.argv[3:]:
        kept.write_text(now)
        return 0
    before = set(kept.read_text().splitlines()) if kept.exists() else set()
    if kept.exists() and kept.read_text() == now:
        return 0
    for line in now.splitlines():
        if line not in before:
            print(f"+ {line}")
    for line in sorted(before - set(now.splitlines())):
        print(f"- {line}")
    print(f"the public API is not what {kept} lists; if that is meant: just public-api")
    return 1


if __name__ == "__main__":
    sys.exit(main())
