// Nothing here is needed to read the page: it sorts and filters tables and saves figures.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const number = (text) => (text.trim() === "" ? NaN : Number(text.replace("–", "NaN")));
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const keyed = [...body.rows].map((row) => [row.cells[column].textContent, row]);
      const isNumber = keyed.some(([text]) => !isNaN(number(text)))
        && keyed.every(([text]) => !isNaN(number(text)) || ["", "–"].includes(text.trim()));
      keyed.sort(([a], [b]) => {
        if (!isNumber) return (down ? -1 : 1) * a.localeCompare(b, "en", { numeric: true });
        const [x, y] = [number(a), number(b)];
        if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y); // what is missing comes last
        return (down ? -1 : 1) * (x - y);
      });
      body.append(...keyed.map(([, row]) => row));
    });
  });
  const filter = table.closest(".table").querySelector(".filter");
  filter.hidden = false;
  const told = filter.querySelector("output");
  filter.querySelector("input").addEventListener("input", (event) => {
    const wanted = event.target.value.toLowerCase();
    let shown = 0;
    for (const row of body.rows) {
      row.hidden = ![...row.cells].some((cell) => cell.textContent.toLowerCase().includes(wanted));
      shown += !row.hidden;
    }
    told.textContent = wanted ? `${shown} of ${body.rows.length} rows` : "";
  });
}
for (const link of document.querySelectorAll("a[data-figure]")) {
  link.addEventListener("click", () => {
    const drawing = document.querySelector(`#figure-${link.dataset.figure} svg`);
    link.href = URL.createObjectURL(new Blob([drawing.outerHTML], { type: "image/svg+xml" }));
  });
}
if (matchMedia("(max-width: 60rem)").matches) document.querySelector(".contents").open = false;
