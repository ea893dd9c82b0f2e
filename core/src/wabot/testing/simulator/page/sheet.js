// The sheet with a list message's rows.

import { byId, closeOnBackdrop, el, trapFocus } from "./dom.js";

let choose = null;

/** Wires the sheet once. */
export function prepareSheet() {
  const sheet = byId("sheet");
  trapFocus(sheet);
  closeOnBackdrop(sheet);
  byId("sheet-close").addEventListener("click", () => sheet.close());
  byId("sheet-form").addEventListener("change", () => (byId("sheet-send").disabled = false));
  byId("sheet-form").addEventListener("submit", sendChosen);
}

/** Shows the list's rows; calls `onChosen` with the row that was sent. Closing gives the focus back by itself. */
export function openSheet(list, onChosen) {
  const rows = list.sections.flatMap((section) => section.rows);
  choose = (index) => onChosen(rows[index]);
  byId("sheet-title").textContent = list.button;
  byId("sheet-send").disabled = true;
  let next = 0;
  const blocks = list.sections.map((section) => sectionBlock(section, () => next++));
  byId("sheet-sections").replaceChildren(...blocks);
  byId("sheet").showModal();
  byId("sheet-sections").scrollTop = 0;
}

function sectionBlock(section, nextIndex) {
  const title = section.title ? el("legend", { text: section.title }) : null;
  return el("fieldset", {}, title, ...section.rows.map((row) => rowLabel(row, nextIndex())));
}

// Rows are known by their place: two rows of a careless bot may share an id.
function rowLabel(row, index) {
  const text = el("span", { class: "row-text" }, el("b", { text: row.title }), row.description ? el("small", { text: row.description }) : null);
  return el("label", { class: "row", "data-testid": "list-row" }, text, el("input", { type: "radio", name: "row", value: index }));
}

function sendChosen(event) {
  const chosen = new FormData(event.target).get("row");
  if (chosen === null) event.preventDefault();
  else choose(Number(chosen));
}
