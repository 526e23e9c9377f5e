/* Keeps a part of a page fresh: fetches it again, and puts in only what changed. */
(() => {
  "use strict";
  const live = document.querySelector("#live[data-live]");
  if (!live) return;
  const every = Number(live.dataset.every);
  let misses = 0;
  let latest = 0;
  let leaving = false;
  let left = -Infinity;
  let asking = false;
  let again = false;
  const COMES_WITHIN = 15_000;
  /* Each answer carries fresh form tokens: they are no change. */
  const bare = (text) => text.replaceAll(/name="csrfmiddlewaretoken" value="[^"]*"/g, "");
  let shown = "";

  const keep = () => {
    const open = [...live.querySelectorAll("details[open][id]")].map((each) => each.id);
    const path = [];
    let node = document.activeElement;
    /* From what has a name, if anything: more or less may stand before that afterwards. */
    for (; live.contains(node) && node !== live && !node.id; node = node.parentElement) {
      path.unshift([...node.parentElement.children].indexOf(node));
    }
    return { open, path: live.contains(document.activeElement) ? path : null, from: node?.id };
  };
  const restore = ({ open, path, from }) => {
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (!path) return;
    let node = document.getElementById(from);
    for (const index of path) node = node?.children[index];
    node?.focus({ preventScroll: true });
  };
  /* What the answer says of the page around: the navigation has these places, once or more. */
  const around = () => {
    for (const part of live.querySelectorAll("template[data-part]")) {
      for (const place of document.querySelectorAll(`[data-part="${part.dataset.part}"]:not(template)`)) {
        place.innerHTML = part.innerHTML;
      }
      part.remove();
    }
  };
  const lost = (isLost) => {
    let banner = document.querySelector("#live-lost");
    if (!isLost) { banner?.remove(); return; }
    if (banner) return;
    banner = document.createElement("p");
    banner.id = "live-lost";
    banner.className = "sp-banner sp-banner--warning sp-banner--lg";
    banner.setAttribute("role", "status");
    banner.textContent = live.dataset.lost;
    live.before(banner);
  };
  /* What was pressed is on its way: a page that is read anew would call it off, and a new button could be pressed again. */
  addEventListener("beforeunload", () => { left = Date.now(); });
  addEventListener("pageshow", (event) => { if (event.persisted) left = -Infinity; });
  const busy = () => {
    const selection = document.getSelection();
    return Date.now() - left < COMES_WITHIN || live.querySelector("form :focus-visible, :is(a, button, summary):active") || (selection && !selection.isCollapsed && live.contains(selection.anchorNode));
  };
  /* The whole page is to be read anew then, once: what it has to say at the end is not put in before. */
  const isOver = (text) => {
    const next = document.createElement("template");
    next.innerHTML = text;
    return next.content.querySelector("[data-ended]") !== null;
  };
  const mayLeave = () => !document.activeElement?.matches("input, select, textarea") && document.dispatchEvent(new CustomEvent("sp:leaving", { cancelable: true }));
  const ask = async () => {
    latest = Date.now();
    try {
      const answer = await fetch(live.dataset.live, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(COMES_WITHIN) });
      if (answer.redirected || answer.status === 403) {
        if (!busy()) location.reload();
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const text = await answer.text();
      misses = 0;
      lost(false);
      /* Again: a button that is pressed meanwhile would be gone before it is let go. */
      if (busy()) return;
      if (isOver(text) && mayLeave()) { leaving = true; location.reload(); return; }
      if (bare(text) === shown) return;
      shown = bare(text);
      const kept = keep();
      live.innerHTML = text;
      around();
      restore(kept);
      document.dispatchEvent(new CustomEvent("sp:refreshed"));
    } catch {
      misses += 1;
      lost(misses > 1);
    }
  };
  /* One question at a time: of two, the answer to the earlier one could come last. */
  const refresh = async () => {
    if (document.hidden || leaving || busy()) return;
    if (asking) { again = true; return; }
    asking = true;
    await ask();
    asking = false;
    if (!again) return;
    again = false;
    refresh();
  };
  setInterval(() => { if (!asking) refresh(); }, every);
  /* Said by the log, which hears of news at once. */
  document.addEventListener("sp:progress", () => { if (Date.now() - latest > every / 2) refresh(); });
  document.addEventListener("sp:ended", refresh);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
})();
