"""Makes the README's pictures of a report: `pictures.py QUEUE_LOAD REPORT.json DIRECTORY`. Needs Chromium."""

import collections
import html
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from chromium import Chromium  # noqa: E402

TERMINAL = """<!doctype html><meta charset=utf-8><style>
body{{margin:0;display:inline-block;background:#16191d}}
pre{{margin:0;padding:18px 22px;color:#d6dbe1;font:14px/1.35 "DejaVu Sans Mono",monospace}}
b{{color:#7fc8a9;font-weight:400}}</style><pre><b>$ queue-load run {name}</b>
{text}</pre>"""


def main(program, report, directory):
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    text = subprocess.run([program, "show", report], check=True, capture_output=True, text=True).stdout
    with tempfile.TemporaryDirectory() as scratch, Chromium() as browser:
        scratch = Path(scratch)
        shown = scratch / "report.html"
        subprocess.run([program, "show", report, "--format", "html", "--output", shown], check=True)
        page = browser.page(width=1180, height=900)
        page.open(shown)
        page.run("scrollTo(0, 0)")
        end = page.run(
            "(document.querySelector('.mx') ?? document.querySelector('#list')).getBoundingClientRect().bottom + 8"
        )
        page.picture(directory / "report.png", height=min(end, 1_500))
        # The case that has most to tell: the first that does not pass, under `block` if there is one.
        page.run(
            "(() => { const all = [...document.querySelectorAll('details.case')];"
            " const failed = all.filter(e => e.querySelector('.v').className !== 'v pass');"
            " const one = failed.find(e => e.textContent.includes('strategy=block')) ?? failed[0] ?? all[0];"
            " all.forEach(e => e.open = e === one); one.querySelector('.charts').id = 'charts'; })()"
        )
        page.picture(directory / "case.png", selector="#charts")
        terminal = scratch / "table.html"
        lines = text.rstrip().splitlines()
        name = next((line.split("(")[1].split(")")[0] for line in lines[1:] if "(" in line), "SCENARIO")
        terminal.write_text(TERMINAL.format(name=html.escape(name), text=html.escape("\n".join(lines))), encoding="utf-8")
        page = browser.page(width=1180, height=900)
        page.open(terminal)
        page.picture(directory / "table.png", selector="pre")
    for picture in sorted(directory.glob("*.png")):
        picture.write_bytes(indexed(picture.read_bytes()))
        print(f"{picture}: {picture.stat().st_size / 1000:.0f} kB")


def pixels(png):
    """Width, height and the rows of an 8-bit RGB or RGBA picture, as RGB."""
    at, data, width, height, depth = 8, b"", 0, 0, 3
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at:at + 8])
        chunk = png[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, bits, colors = struct.unpack(">IIBB", chunk[:10])
            assert bits == 8 and colors in (2, 6), "not what Chromium writes"
            depth = 3 if colors == 2 else 4
        elif kind == b"IDAT":
            data += chunk
        at += 12 + length
    data, rows, above = zlib.decompress(data), [], bytes(width * depth)
    for start in range(0, height * (width * depth + 1), width * depth + 1):
        above = unfiltered(data[start], bytearray(data[start + 1:start + 1 + width * depth]), above, depth)
        rows.append(above if depth == 3 else bytes(value for index, value in enumerate(above) if index % 4 < 3))
    return width, height, rows


def unfiltered(kind, row, above, depth):
    """A row as it was before PNG's filter."""
    for index in range(len(row) if kind else 0):
        left, up = (row[index - depth] if index >= depth else 0), above[index]
        corner = above[index - depth] if index >= depth else 0
        if kind == 4:
            guess = min((left, up, corner), key=lambda value: abs(left + up - corner - value))
        else:
            guess = (0, left, up, (left + up) // 2)[kind]
        row[index] = (row[index] + guess) & 255
    return bytes(row)


def indexed(png):
    """The same picture in at most 256 colours, a third of the size."""
    width, height, rows = pixels(png)
    counts = collections.Counter(row[at:at + 3] for row in rows for at in range(0, len(row), 3))
    palette = [color for color, _ in counts.most_common(256)]
    near = {}

    def place(color):
        if color not in near:
            near[color] = min(range(len(palette)), key=lambda one: sum((a - b) ** 2 for a, b in zip(palette[one], color)))
        return near[color]

    near.update((color, index) for index, color in enumerate(palette))
    lines = b"".join(b"\0" + bytes(place(row[at:at + 3]) for at in range(0, len(row), 3)) for row in rows)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", b"".join(palette)), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""),
    ]
    framed = (struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
