"""Opens reports and a comparison in a headless Chromium: `html_check.py QUEUE_LOAD REPORT.json DIRECTORY`.

Checks that nothing complains and nothing is asked of the network, that the charts hold what they must, that sorting,
filtering and links work by mouse and keyboard, that at usual widths no heading is broken inside a word and no column is
cut off, that the worst case is open, and that a thousand cases open within the limits, in a report and in a comparison. The
comparison is the report's own with a slower copy of it. The trend is that of two made-up cases, of which one changes.
Python's standard library alone; what is written goes to DIRECTORY.
"""

import copy
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from chromium import Chromium  # noqa: E402

MOST_BYTES = 5_000_000
# A page of a thousand cases opens in 0.9 s on a quiet machine, and in 1.9 to 2.6 s on one whose time is stolen: this guards
# against a page that has become slower by a multiple.
MOST_SECONDS = 4.0
# The brief form of a comparison takes 0.2 to 0.4 s of the main thread's work for a thousand cases of which 200 changed. The
# full form may take as long as it takes, within reason.
MOST_WORK = {"brief": 1.0, "full": 6.0}
TRIES = 5
HOSTILE = "</script><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">\u202e\x1b[31m"


def main(program, report, directory):
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with open(report, encoding="utf-8") as file:
        report = json.load(file)
    plain = page(program, report, directory / "html-plain")
    hostile = page(program, spoiled(report), directory / "html-hostile")
    failing = page(program, failed(report), directory / "html-failing")
    compared = comparison(program, directory / "html-plain.json", slower(report), directory / "html-compared")
    trend = trend_of(program, directory / "html-trend")
    thousand = page(program, many(report, 1_000), directory / "html-thousand")
    size = thousand.stat().st_size
    must(size < MOST_BYTES, f"1,000 cases take {size:,} bytes")
    many_compared = {form: comparison_of_many(program, report, directory, form) for form in MOST_WORK}
    with Chromium() as browser:
        contents(browser, plain, report)
        sorting(browser, plain, report)
        filtering(browser, plain, report)
        links(browser, plain)
        harmless(browser, hostile, report)
        trends(browser, trend)
        laid_out(browser, trend, "the trend")
        for shown, name in [(plain, "the report"), (failing, "a failing report"), (compared, "the comparison")]:
            laid_out(browser, shown, name)
            worst_is_open(browser, shown, name)
        links(browser, compared)
        laid_out(browser, many_compared["brief"], "the comparison of 1,000 cases")
        worst_is_open(browser, many_compared["brief"], "the comparison of 1,000 cases")
        folded(browser, many_compared["brief"])
        work = {form: opening(browser, path, changed_or_all(form), MOST_WORK[form]) for form, path in many_compared.items()}
        seconds, busy = opening(browser, thousand, 1_000, MOST_SECONDS)
    for form, (open_in, own) in work.items():
        print(f"comparison of 1,000 cases, {form}: {many_compared[form].stat().st_size / 1e6:.2f} MB, open in {open_in:.2f} s ({own:.2f} s of work)")
        must(min(open_in, own) < MOST_WORK[form], f"1,000 cases, {form}, take {own:.2f} s of work to open")
    print(f"1,000 cases: {size / 1e6:.2f} MB, open in {seconds:.2f} s ({busy:.2f} s of work); all pages hold what they must")
    must(min(seconds, busy) < MOST_SECONDS, f"1,000 cases take {seconds:.2f} s to open, {busy:.2f} s of it work")


def must(holds, text):
    if not holds:
        raise SystemExit(f"html: {text}")


def page(program, report, stem):
    """The page of a report. Its digest is that of another: that is said on stderr, and no more."""
    saved, shown = stem.with_suffix(".json"), stem.with_suffix(".html")
    saved.write_text(json.dumps(report), encoding="utf-8")
    subprocess.run([program, "show", saved, "--format", "html", "--output", shown], check=True, stderr=subprocess.DEVNULL)
    return shown


def comparison(program, base, new, stem, *options):
    """The page of a comparison."""
    saved, shown = stem.with_suffix(".json"), stem.with_suffix(".html")
    saved.write_text(json.dumps(new), encoding="utf-8")
    command = [program, "compare", base, saved, "--format", "html", "--output", shown, *options]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return shown


REMOVED, SLOWER = 180, 20


def changed_or_all(form):
    """Rows of the table."""
    return REMOVED + SLOWER if form == "brief" else 1_000


def comparison_of_many(program, report, directory, form):
    """The page of a comparison of 1,000 cases: the last of the baseline are gone, calls of the first take very much longer,
    so that the table has long numbers, and the rest is the same."""
    base, new = many(report, 1_000), many(report, 1_000)
    new["cases"] = new["cases"][:-REMOVED]
    slow_down(new["cases"][:SLOWER], 1_234.5)
    # Of another run: the same one is not compared with itself.
    new["created_at"] = "2026-01-01T00:00:00Z"
    (directory / "html-many.json").write_text(json.dumps(base), encoding="utf-8")
    stem = directory / f"html-many-{form}"
    return comparison(program, directory / "html-many.json", new, stem, *(["--full"] if form == "full" else []))


def folded(browser, path):
    """What did not change is one list, closed at first, and what is left out is said."""
    shown = opened(browser, path)
    must("--full" in shown.run("document.querySelector('main').textContent"), "it is not said how to see everything")
    must(not shown.run("document.querySelector('#unchanged li').checkVisibility()"), "the unchanged are open at first")
    shown.click("#unchanged summary")
    lines = shown.run("[...document.querySelectorAll('#unchanged li')].filter(e => e.checkVisibility()).length")
    must(lines == 1_000 - REMOVED - SLOWER, f"{lines} lines of cases that did not change")
    quiet(shown, "the brief comparison")


def trend_of(program, stem):
    """The page of the trend of two cases over 24 runs; from the 15th on, calls of the second take a quarter longer."""
    history, shown = stem.with_suffix(".jsonl"), stem.with_suffix(".html")
    entry = {"version": 1, "tool": "0", "commit": None, "kernel": None, "machine": "one", "scenario": "made-up"}
    entry |= {"queue_version": "1", "outcome": "pass", "repeats": 1}
    with open(history, "w", encoding="utf-8") as file:
        for run in range(24):
            for case, factor in [("maxsize=10", 1.0), ("maxsize=20", 1.25 if run >= 14 else 1.0)]:
                value = (1_000 + run * 7 % 11) * factor
                own = {"run": f"{run}", "created_at": f"2026-01-{run + 1:02}T00:00:00Z", "case": case}
                file.write(json.dumps(entry | own | {"metrics": {"enqueue.trimmed_mean": value}}) + "\n")
    subprocess.run([program, "trend", history, "--output", shown], check=True, stdout=subprocess.DEVNULL)
    return shown


def slower(report):
    """The report with calls that take three times as long, so that there is something to see in a comparison; of its last
    case nothing."""
    report = copy.deepcopy(report)
    slow_down(report["cases"], 3)
    if len(report["cases"]) > 1:
        report["cases"].pop()
    return report


def slow_down(cases, factor):
    for repeat in (repeat for case in cases for repeat in case["repeats"]):
        for name in ["mean_ns", "trimmed_mean_ns", "p50_ns", "p99_ns"]:
            if repeat["latency"]["enqueue"].get(name) is not None:
                repeat["latency"]["enqueue"][name] = round(repeat["latency"]["enqueue"][name] * factor)


def failed(report):
    """The report with a last case that fails and one that is invalid before it."""
    report = copy.deepcopy(report)
    for case, outcome in zip(reversed(report["cases"]), ["fail", "invalid"]):
        case["verdict"].update(outcome=outcome, reasons=[f"it is called {outcome}"])
    return report


def many(report, count):
    """The report with its cases over and over, each with a batch size of its own."""
    report = copy.deepcopy(report)
    cases = []
    for number in range(count):
        case = copy.deepcopy(report["cases"][number % len(report["cases"])])
        case["parameters"]["batch_size"] = 10 + number // len(report["cases"])
        case["id"] += f" batch_size={case['parameters']['batch_size']}"
        cases.append(case)
    report["cases"] = cases
    return report


def spoiled(report):
    """The report with names that are meant to do harm."""
    report = copy.deepcopy(report)
    report["scenarios"][0].update(name=HOSTILE, description=HOSTILE, file=HOSTILE)
    report["environment"]["cpu_model"] = HOSTILE
    for case in report["cases"]:
        case["id"] = HOSTILE + "y" * 10_000
        case["scenario"] = HOSTILE
        case["parameters"]["queue"] = HOSTILE
        case["verdict"]["outcome"] = "fail"
        case["verdict"]["reasons"] = [HOSTILE]
    return report


def opened(browser, path, **size):
    shown = browser.page(**size)
    shown.open(path)
    return shown


def quiet(shown, name):
    must(not shown.complaints(), f"{name}: the console says {shown.complaints()}")
    must(not shown.requests(), f"{name}: asks for {shown.requests()}")
    shown.close()


def contents(browser, path, report):
    """The marks of the charts, in number."""
    shown = opened(browser, path)
    count = lambda selector: shown.run(f"document.querySelectorAll({json.dumps(selector)}).length")
    measured = [case["summary"] for case in report["cases"] if case["summary"]]
    drawn = sum(summary["latency"][name]["count"] > 10 for summary in measured for name in ("enqueue", "response", "delivery"))
    first = "#each figure:first-child svg.ch > "
    curves = count(first + "path.c1") + count(first + "path.c2") + count(first + "path.c3")
    must(curves == drawn, f"{curves} curves instead of {drawn}")
    must(count(first + "path.tg") == len(measured), "the target is not in every chart")
    must(count("#list tbody tr") == len(report["cases"]), "not every case has a row")
    must(count("#each details.case") == len(report["cases"]), "not every case is there in full")
    must(count("#list svg.ba") == len(measured), "not every case has a bar")
    if len(report["cases"]) > 1:
        layers = count(".layer")
        must(count(".heat td a") == layers * len(report["cases"]), "the heat map lacks cases")
        visible = shown.run("[...document.querySelectorAll('.layer')].filter(e => e.checkVisibility()).length")
        must(visible == 1, f"{visible} heat maps are visible")
        shown.click("#m0")
        must(shown.run("document.querySelector('.y0').checkVisibility()"), "another metric cannot be picked")
    # A chart without a legend, an axis or a stroke would be no chart.
    strokes = shown.run(
        "(() => { document.querySelector('details.case').open = true;"
        " return [...document.querySelectorAll('details[open] figure path')].map(e => getComputedStyle(e).stroke); })()"
    )
    must(strokes and "none" not in strokes, "a line without a stroke")
    must(count("symbol text") > 10 and count("symbol path.gr") >= count("symbol") > 0, "axes without labels or grid")
    for scheme in ["light", "dark"]:
        shown.media(scheme)
        colors = shown.run("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
        must(colors[0] != colors[1], f"{scheme}: text of the colour of its background")
    unlabelled = shown.run(
        "[...document.querySelectorAll('svg[role=img]')].filter(e => !e.querySelector('title')).length"
        " + [...document.querySelectorAll('th')].filter(e => !e.scope).length"
        " + [...document.querySelectorAll('table')].filter(e => !e.caption).length"
    )
    must(unlabelled == 0, f"{unlabelled} charts, headings or tables without a name")
    shown.size(400, 800)
    wide = shown.run("document.documentElement.scrollWidth")
    must(wide <= 400, f"the page is {wide} pixels wide on a screen of 400")
    quiet(shown, "the report")


KEYS = "[...document.querySelector('#list').tBodies[0].rows].map(r => r.cells[{0}]).map(c => c.dataset.v ?? c.textContent)"


def sorting(browser, path, report):
    """By a click, and by the keyboard."""
    if len(report["cases"]) < 2:
        return
    shown = opened(browser, path)
    heads = shown.run("[...document.querySelector('#list').tHead.rows[0].cells].map(h => h.textContent.trim())")
    column = heads.index("enqueue mean")
    button = f"#list thead th:nth-child({column + 1}) button"
    sort_of = f"document.querySelector('#list thead th:nth-child({column + 1})').ariaSort"
    values = lambda: [float(key) for key in shown.run(KEYS.format(column)) if key not in ("", "–")]
    shown.click(button)
    must(values() == sorted(values()) and shown.run(sort_of) == "ascending", "a click on a heading does not sort")
    shown.run(f"document.querySelector({json.dumps(button)}).focus()")
    shown.press("Enter")
    must(values() == sorted(values(), reverse=True), "Enter on a heading does not sort the other way")
    must(shown.run(sort_of) == "descending", "the order is not told")
    shown.press("Tab")
    must(shown.run("document.activeElement.closest('th').cellIndex") == column + 1, "Tab does not lead to the next heading")
    quiet(shown, "sorting")


def filtering(browser, path, report):
    """By words, and by verdict."""
    if len(report["cases"]) < 2:
        return
    shown = opened(browser, path)
    visible = lambda: shown.run("[...document.querySelectorAll('#list tbody tr')].filter(r => r.checkVisibility()).length")
    wanted = sum(case["parameters"]["strategy"] == "block" for case in report["cases"])
    shown.click("#words")
    shown.type("strategy=block" if 0 < wanted < len(report["cases"]) else "no such case")
    wanted = wanted if 0 < wanted < len(report["cases"]) else 0
    must(visible() == wanted, f"the filter shows {visible()} cases instead of {wanted}")
    must(str(wanted) in shown.run("document.querySelector('#shown').textContent"), "the number of cases is not told")
    full = shown.run("[...document.querySelectorAll('details.case')].filter(r => r.checkVisibility()).length")
    must(full == wanted, "the filter leaves cases in full")
    shown.run("document.querySelector('#words').value = ''")
    passed = sum(case["verdict"]["outcome"] == "pass" for case in report["cases"])
    shown.click("input[name=outcome][value=pass]")
    must(visible() == len(report["cases"]) - passed, "the verdicts do not filter")
    quiet(shown, "filtering")


def trends(browser, path):
    """The cases are there, the one that has changed first; a curve for each; and words filter them."""
    shown = opened(browser, path)
    visible = "[...document.querySelectorAll('#list tbody tr')].filter(r => r.checkVisibility()).map(r => r.textContent)"
    rows = shown.run(visible)
    must(len(rows) == 2 and "+25%" in rows[0] and "+" not in rows[1], f"the trend shows {rows}")
    must(shown.run("document.querySelectorAll('details.case svg').length") == 2, "a case of the trend lacks its curve")
    shown.click("#words")
    shown.type("maxsize=10")
    must(len(shown.run(visible)) == 1, "the words do not filter the trend")
    quiet(shown, "the trend")


# Headings whose words do not stand on one line each: a word that is broken has more boxes than one.
BROKEN = r"""[...document.querySelectorAll('th')].filter(e => e.checkVisibility()).flatMap(head => {
  const walker = document.createTreeWalker(head, NodeFilter.SHOW_TEXT), broken = [];
  for (let node; (node = walker.nextNode());)
    for (const word of node.data.matchAll(/\S+/g)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const lines = new Set([...range.getClientRects()].map(box => Math.round(box.top)));
      if (lines.size > 1 && word[0].length < 25) broken.push(word[0]);
    }
  return broken;
})"""
# Elements that hold more than they show, and cannot be scrolled.
CUT_OFF = """[...document.querySelectorAll('body, body *')].filter(e => e.checkVisibility() && !e.closest('svg, .vh, .skip'))
  .filter(e => e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1)
  .filter(e => !['auto', 'scroll'].includes(getComputedStyle(e).overflowX) && getComputedStyle(e).display !== 'inline')
  .map(e => `${e.tagName}.${e.className}: ${e.scrollWidth} in ${e.clientWidth}`)"""


def laid_out(browser, path, name):
    """At usual widths no heading is broken inside a word and nothing is cut off; at 1,280 pixels all columns are there."""
    shown = opened(browser, path)
    for width in [1280, 800, 400]:
        shown.size(width, 900)
        broken = shown.run(BROKEN)
        must(not broken, f"{name} at {width} pixels: headings are broken inside words: {', '.join(broken[:5])}")
        cut = shown.run(CUT_OFF)
        must(not cut, f"{name} at {width} pixels: cut off: {'; '.join(cut[:3])}")
        wide = shown.run("document.documentElement.scrollWidth")
        must(wide <= width, f"{name} is {wide} pixels wide on a screen of {width}")
        if width == 1280:
            visible = "[...document.querySelectorAll('.scroll')].filter(e => e.checkVisibility())"
            more = shown.run(f"Math.max(0, ...{visible}.map(e => e.scrollWidth - e.clientWidth))")
            must(more == 0, f"{name} at {width} pixels: {more} pixels of a table are out of sight")
    captions = shown.run("[...document.querySelectorAll('.heat caption')].map(e => e.textContent)")
    must(not any(" by and " in text or ", and " in text for text in captions), f"{name}: a heat map lacks an axis: {captions[:1]}")
    quiet(shown, name)


def worst_is_open(browser, path, name):
    """The first of the worst cases is open, if any is bad; without the script, too."""
    shown = opened(browser, path)
    cases = shown.run("[...document.querySelectorAll('details.case')].map(e => [e.open, e.querySelector('.v').classList[1]])")
    for word in ["error", "fail", "regressed", "removed", "incomparable", "inconclusive", "invalid"]:
        those = [is_open for is_open, said in cases if said == word]
        if those:
            must(those[0], f"{name}: the first case that is {word} is not open")
            break
    must(sum(is_open for is_open, _ in cases) <= 1, f"{name}: more than the worst case is open")
    quiet(shown, name)


def links(browser, path):
    """A row leads to its case, which opens."""
    shown = opened(browser, path)
    shown.click("#list tbody tr:last-child a")
    last = "[...document.querySelectorAll('details.case')].at(-1)"
    for _ in range(50):
        if shown.run(f"{last}.open && {last}.contains(document.activeElement)"):
            break
        shown.run("new Promise(done => setTimeout(done, 20))")
    must(shown.run(f"{last}.open && {last}.contains(document.activeElement)"), "a link does not open its case")
    quiet(shown, "links")


def harmless(browser, path, report):
    """Names that are meant to do harm are text."""
    shown = opened(browser, path)
    must("taken" not in shown.run("document.title").split(":")[-1], "a name took the page over")
    must(shown.run("document.querySelectorAll('img, script:not(:last-of-type)').length") == 0, "a name became an element")
    must(shown.run("document.querySelectorAll('script').length") == 1, "a name became a script")
    must(shown.run("document.querySelectorAll('#list tbody tr').length") == len(report["cases"]), "a name broke the table")
    quiet(shown, "hostile names")


def opening(browser, path, expected, enough):
    """Seconds from the start of loading until the first frame after it, and the main thread's own work in them; the best
    of a few tries, since a busy machine says nothing of a page."""
    best = (float("inf"), float("inf"))
    for _ in range(TRIES):
        shown = opened(browser, path)
        frame = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() / 1000))))"
        # Frames after the load event cost little; the event itself is what a reader waits for.
        shown.run(frame)
        seconds = shown.run("performance.getEntriesByType('navigation')[0].loadEventEnd / 1000")
        paint = shown.run("Math.max(0, ...performance.getEntriesByType('paint').map(e => e.startTime)) / 1000")
        metrics = {metric["name"]: metric["value"] for metric in shown.call("Performance.getMetrics")["metrics"]}
        best = min(best, (max(seconds, paint), metrics.get("ThreadTime") or metrics["TaskDuration"]))
        if _ == 0:
            rows = shown.run("document.querySelectorAll('#list tbody tr').length")
            must(rows == expected, f"{path}: {rows} rows instead of {expected}")
        quiet(shown, "a thousand cases")
        if min(best) < enough:
            break
    return best


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
