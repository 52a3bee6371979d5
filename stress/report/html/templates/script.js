// The page is whole without this: it lights up the arrows of a step, copies a command, and hides
// what hovering shows when Escape is pressed.
"use strict";
const lit = [];
function light(event) {
  document.documentElement.classList.remove("quiet");
  while (lit.length) lit.pop().classList.remove("lit");
  const row = event.target.closest && event.target.closest("tr[data-arrows]");
  if (!row) return;
  const table = row.closest("table");
  for (const number of row.dataset.arrows.split(" ").filter(Boolean)) {
    for (const part of table.querySelectorAll(`[data-arrow="${number}"]`)) {
      part.classList.add("lit");
      lit.push(part);
    }
  }
}
document.addEventListener("mouseover", light);
document.addEventListener("focusin", light);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.documentElement.classList.add("quiet");
});
for (const button of document.querySelectorAll("button.copy")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const code = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "copied";
    } catch {
      getSelection().selectAllChildren(code);
    }
  });
}
