"use strict";
// Filters: each row is shown when it holds the text and has the chosen verdict.
for (const bar of document.querySelectorAll(".filter")) {
  const rows = Array.from(document.getElementById(bar.dataset.for).tBodies[0].rows);
  const [field, choice, told] = [bar.querySelector("input"), bar.querySelector("select"), bar.querySelector("output")];
  const texts = rows.map((row) => (row.textContent + " " + (row.dataset.words || "")).toLowerCase());
  for (const word of new Set(rows.map((row) => row.dataset.verdict))) {
    choice.add(new Option(word, word));
  }
  const apply = () => {
    const wanted = field.value.trim().toLowerCase();
    let shown = 0;
    rows.forEach((row, at) => {
      const fits = texts[at].includes(wanted) && (choice.value === "" || row.dataset.verdict === choice.value);
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    });
    told.textContent = shown + " of " + rows.length;
  };
  field.addEventListener("input", apply);
  choice.addEventListener("change", apply);
  bar.hidden = false;
  apply();
}
// A button copies the command beside it; where the clipboard is refused the command is selected instead.
for (const button of document.querySelectorAll(".copy")) {
  button.addEventListener("click", async () => {
    const code = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = "Press Ctrl-C";
    }
  });
}
// A link to a finding opens it.
const openTarget = () => {
  const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) target.open = true;
};
addEventListener("hashchange", openTarget);
openTarget();
