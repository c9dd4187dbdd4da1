"use strict";
(() => {
  const collator = new Intl.Collator("en", { numeric: true });

  // Missing values stand last in either direction; equal ones keep their order.
  const compare = (kind, sign) => (a, b) => {
    const none = (value) => value === "" || value === null || value === undefined;
    if (none(a) || none(b)) return none(a) - none(b);
    return sign * (kind === "number" ? Number(a) - Number(b) : collator.compare(a, b));
  };

  // First click: the direction in which a number is mostly sought, best first; then the other; then
  // the order of the report again.
  const turn = (header, starts) => {
    const now = header.getAttribute("aria-sort");
    const other = starts === "descending" ? "ascending" : "descending";
    const next = now === null ? starts : now === starts ? other : null;
    for (const one of header.parentElement.children) one.removeAttribute("aria-sort");
    if (next !== null) header.setAttribute("aria-sort", next);
    return next;
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    const original = [...body.rows];
    table.tHead.rows[0].querySelectorAll("th").forEach((header, column) => {
      header.querySelector("button").addEventListener("click", () => {
        const kind = header.dataset.kind;
        const order = turn(header, kind === "number" ? "descending" : "ascending");
        const rows = [...original];
        if (order !== null) {
          const by = compare(kind, order === "ascending" ? 1 : -1);
          rows.sort((a, b) => by(a.cells[column].dataset.value, b.cells[column].dataset.value));
        }
        body.append(...rows);
      });
    });
  }

  const dialog = document.getElementById("large");
  for (const button of document.querySelectorAll(".enlarge")) {
    button.addEventListener("click", () => {
      const small = button.querySelector("img");
      const large = dialog.querySelector("img");
      large.src = small.src;
      large.alt = small.alt;
      dialog.showModal();
    });
  }

  const data = document.getElementById("worst-data");
  if (data === null) return;
  const { rows: total, columns } = JSON.parse(data.textContent);
  const value = (key, row) => {
    const column = columns[key];
    return column.values ? column.values[row] : column.names[column.codes[row]];
  };
  const step = 50;
  const form = document.getElementById("filters");
  const filters = [...form.querySelectorAll("[data-filter]")];
  const table = document.getElementById("worst-table");
  const headers = [...table.tHead.rows[0].cells];
  const more = document.getElementById("more");
  const count = document.getElementById("count");
  const number = new Intl.NumberFormat("en");
  const state = { sort: "dice", order: "ascending" };
  let shown = step;
  let found = [];

  for (const select of form.querySelectorAll("select")) {
    for (const name of columns[select.dataset.filter].names) select.append(new Option(name, name));
  }

  const text = (key, row) => {
    const given = value(key, row);
    if (given === null) return "";
    return key === "dice" ? given.toFixed(4) : key === "hd95_mm" ? given.toFixed(2) : String(given);
  };

  const draw = () => {
    const lines = found.slice(0, shown).map((row) => {
      const line = document.createElement("tr");
      headers.forEach((header, place) => {
        const cell = document.createElement(place === 0 ? "th" : "td");
        if (place === 0) cell.scope = "row";
        else if (header.dataset.kind === "text") cell.className = "lead";
        if (header.dataset.key === "source") cell.classList.add("source");
        cell.textContent = text(header.dataset.key, row);
        line.append(cell);
      });
      return line;
    });
    table.tBodies[0].replaceChildren(...lines);
    const here = Math.min(shown, found.length);
    const of = found.length === total ? "" : ` (of ${number.format(total)})`;
    count.textContent = `Showing ${number.format(here)} of ${number.format(found.length)}${of}`;
    more.hidden = here === found.length;
  };

  const choose = () => {
    found = [];
    const wanted = filters.filter((one) => one.value !== "");
    for (let row = 0; row < total; row += 1) {
      const fits = wanted.every((one) => {
        const given = String(value(one.dataset.filter, row));
        return one.tagName === "SELECT"
          ? given === one.value
          : given.toLowerCase().includes(one.value.trim().toLowerCase());
      });
      if (fits) found.push(row);
    }
    if (state.sort !== "") {
      const kind = headers.find((one) => one.dataset.key === state.sort).dataset.kind;
      const by = compare(kind, state.order === "ascending" ? 1 : -1);
      found.sort((a, b) => by(value(state.sort, a), value(state.sort, b)) || a - b);
    }
    shown = step;
    draw();
  };

  const remember = () => {
    const words = new URLSearchParams();
    for (const one of filters) if (one.value !== "") words.set(one.dataset.filter, one.value);
    if (state.sort !== "dice" || state.order !== "ascending") {
      words.set("sort", state.sort);
      words.set("order", state.order);
    }
    history.replaceState(null, "", `#worst?${words}`);
  };

  const recall = () => {
    if (!location.hash.startsWith("#worst?")) return;
    const words = new URLSearchParams(location.hash.slice("#worst?".length));
    for (const one of filters) {
      const wanted = words.get(one.dataset.filter) ?? "";
      one.value = wanted;
      if (one.value !== wanted) one.value = "";
    }
    const sort = words.get("sort");
    if (headers.some((one) => one.dataset.key === sort)) {
      state.sort = sort;
      state.order = words.get("order") === "descending" ? "descending" : "ascending";
      for (const one of headers) one.removeAttribute("aria-sort");
      headers.find((one) => one.dataset.key === sort).setAttribute("aria-sort", state.order);
    }
    document.getElementById("worst").scrollIntoView();
  };

  form.addEventListener("input", () => { choose(); remember(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  more.addEventListener("click", () => { shown += step; draw(); });
  for (const header of headers) {
    header.querySelector("button").addEventListener("click", () => {
      const order = turn(header, "ascending");
      state.sort = order === null ? "" : header.dataset.key;
      state.order = order ?? "ascending";
      choose();
      remember();
    });
  }
  form.hidden = false;
  recall();
  choose();
})();
