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
  const tick = ({ checked }) => {
    for (const box of boxes) box.checked = checked;
  };
  toggle.addEventListener("change", () => {
    tick(toggle);
    show();
  });
  /* All of them are more than stand here: one that is unticked ends that. */
  across?.addEventListener("change", () => tick(across));
  form.addEventListener("change", (event) => {
    if (across && event.target !== across && !boxes.every((box) => box.checked)) across.checked = false;
    show();
  });
  /* Ticked before this ran. */
  if (toggle.checked || across?.checked) tick({ checked: true });
  show();
})();
