"use strict";
// Sorts and filters the table of cases, and opens the case that a link leads to. Without it the page says the same.
(() => {
  const byId = (id) => document.getElementById(id);
  const list = byId("list");
  if (!list) return;
  const body = list.tBodies[0];
  const rows = [...body.rows];
  const numbers = rows.map((row) => row.cells[0].textContent.trim());
  const cases = new Map([...document.querySelectorAll("details.case")].map((each) => [each.dataset.n, each]));
  const status = byId("shown");

  const key = (row, column) => {
    const cell = row.cells[column];
    const value = cell.dataset.v;
    if (value !== undefined) return value === "" ? null : Number(value);
    const text = cell.textContent.trim();
    return /^\d+$/.test(text) ? Number(text) : text;
  };
  const collator = new Intl.Collator("en", { numeric: true });
  const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : collator.compare(String(a), String(b)));

  // What has no number stays at the end, whichever way it is sorted.
  const sort = (column, descending) => {
    const keyed = rows.map((row, index) => [key(row, column), index, row]);
    keyed.sort(([a, i], [b, j]) => {
      if (a === null || b === null) return (a === null) - (b === null) || i - j;
      return (descending ? compare(b, a) : compare(a, b)) || i - j;
    });
    body.append(...keyed.map(([, , row]) => row));
  };

  const heads = [...list.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    if (head.classList.contains("nosort")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      sort(column, descending);
    });
  });

  const form = byId("filter");
  const names = heads.map((head) => head.textContent.trim());
  const text = (row) => [...row.cells].map((cell, at) => `${names[at]}=${cell.textContent.trim()}`).join(" ").toLowerCase();
  // Reading a thousand rows takes a moment, which opening the page does not need.
  let texts;
  const filter = () => {
    texts ??= rows.map(text);
    const words = byId("words").value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set([...form.querySelectorAll("[name=outcome]:checked")].map((box) => box.value));
    const kept = new Set();
    let shown = 0;
    rows.forEach((row, index) => {
      // A trend has no verdicts.
      const fits = (row.dataset.o === undefined || wanted.has(row.dataset.o)) && words.every((word) => texts[index].includes(word));
      row.hidden = !fits;
      if (fits) kept.add(numbers[index]);
      shown += fits;
    });
    cases.forEach((full, number) => (full.hidden = !kept.has(number)));
    status.textContent = shown === rows.length ? `${shown} cases` : `${shown} of ${rows.length} cases`;
  };
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = rows.length < 2;
  // A browser that goes back to a page brings back what was typed, too.
  if (byId("words").value || form.querySelector("[name=outcome]:not(:checked)")) filter();
  else status.textContent = `${rows.length} cases`;

  const open = () => {
    const target = /^#c\d+$/.test(location.hash) && byId(location.hash.slice(1));
    if (!target) return;
    const full = target.closest("details");
    full.hidden = false;
    full.open = true;
    full.scrollIntoView();
    target.focus({ preventScroll: true });
  };
  addEventListener("hashchange", open);
  // A second click on the same link changes no hash.
  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a[href^='#c']");
    if (link && link.getAttribute("href") === location.hash) open();
  });
  open();
})();
