/* The list of tasks: select all, and say how many are selected. */
(() => {
  "use strict";
  const form = document.querySelector("#changelist-form");
  const toggle = document.querySelector("#select-all");
  if (!form || !toggle) return;
  const boxes = [...form.querySelectorAll(".action-select")];
  const say = form.querySelector("[data-selected]");
  const idle = say.textContent;

  const show = () => {
    const count = boxes.filter((box) => box.checked).length;
    say.textContent = count ? say.dataset.selected.replace("%s", count) : idle;
    toggle.checked = count > 0 && count === boxes.length;
    toggle.indeterminate = count > 0 && count < boxes.length;
    for (const box of boxes) box.closest("tr").classList.toggle("selected", box.checked);
  };
  toggle.addEventListener("change", () => {
    for (const box of boxes) box.checked = toggle.checked;
    show();
  });
  form.addEventListener("change", show);
  show();
})();
