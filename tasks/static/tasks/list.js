/* The list of tasks: select all, and say how many are selected. */
(() => {
  "use strict";
  const form = document.querySelector("#changelist-form");
  const toggle = document.querySelector("#select-all");
  if (!form || !toggle) return;
  const boxes = [...form.querySelectorAll(".action-select")];
  const say = form.querySelector("[data-selected]");
  const idle = say.textContent;
  const across = document.querySelector("#across");

  const show = () => {
    const count = boxes.filter((box) => box.checked).length;
    const selected = across?.checked ? across.dataset.count : count;
    say.textContent = count ? say.dataset.selected.replace("%s", selected) : idle;
    toggle.checked = count > 0 && count === boxes.length;
    toggle.indeterminate = count > 0 && count < boxes.length;
    for (const box of boxes) box.closest("tr").classList.toggle("selected", box.checked);
  };
  toggle.addEventListener("change", () => {
    for (const box of boxes) box.checked = toggle.checked;
    show();
  });
  /* All of them are more than stand here: one that is unticked ends that. */
  across?.addEventListener("change", () => {
    for (const box of boxes) box.checked = across.checked;
  });
  form.addEventListener("change", (event) => {
    if (across && event.target !== across && !boxes.every((box) => box.checked)) across.checked = false;
    show();
  });
  show();
})();
