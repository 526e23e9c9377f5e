/* The log of a run that goes on: asks for new lines and puts them at the end. */
(() => {
  "use strict";
  const log = document.querySelector("[data-live-log]");
  if (!log) return;
  const body = log.querySelector(".sp-log__body");
  const list = body.querySelector("ol");
  const state = log.querySelector("[data-log-state]");
  const button = log.querySelector("[data-log=follow]");
  const MOST = 2000;
  const EVERY = 1000;
  let next = Number(log.dataset.next);
  let following = true;

  const say = (text) => { if (state.textContent !== text) state.textContent = text; };
  const toEnd = () => { body.scrollTop = body.scrollHeight; };
  const follow = (on) => {
    following = on;
    button.setAttribute("aria-pressed", String(on));
    say(on ? log.dataset.following : log.dataset.paused);
    if (on) toEnd();
  };
  const add = (line) => {
    const item = document.createElement("li");
    const time = document.createElement("time");
    const word = document.createElement("span");
    const text = document.createElement("span");
    item.className = `sp-log__${line.css}`;
    word.className = "sp-log__lvl";
    time.textContent = line.time;
    word.textContent = line.word;
    text.textContent = line.text;
    item.append(time, word, text);
    list.append(item);
  };
  const ask = async () => {
    if (document.hidden || !following) return true;
    const answer = await fetch(`${log.dataset.liveLog}?after=${next}`);
    if (!answer.ok) throw new Error(String(answer.status));
    const part = await answer.json();
    next = part.next;
    part.lines.forEach(add);
    while (list.children.length > MOST) list.firstChild.remove();
    if (part.lines.length) toEnd();
    say(part.ended ? log.dataset.ended : log.dataset.following);
    return !part.ended;
  };
  const loop = async () => {
    let wait = EVERY;
    let goesOn = true;
    try { goesOn = await ask(); } catch { say(log.dataset.lost); wait = EVERY * 5; }
    if (goesOn) setTimeout(loop, wait);
    else button.remove();
  };

  button.addEventListener("click", () => follow(!following));
  body.addEventListener("wheel", (event) => { if (event.deltaY < 0) follow(false); }, { passive: true });
  body.addEventListener("keydown", (event) => { if (["ArrowUp", "PageUp", "Home"].includes(event.key)) follow(false); });
  follow(true);
  loop();
})();
