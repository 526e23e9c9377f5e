/* The log of a run that goes on: new lines come as events and are put at the end. Where no events
   come through (too many open pages, a proxy that holds them back), the page asks each second. */
(() => {
  "use strict";
  /* How a run ended stands in its last lines. */
  const end = document.querySelector("[data-log-end]");
  if (end) end.scrollTop = end.scrollHeight;
  const log = document.querySelector("[data-live-log]");
  if (!log) return;
  const body = log.querySelector(".sp-log__body");
  const list = body.querySelector("ol");
  const state = log.querySelector("[data-log-state]");
  const button = log.querySelector("[data-log=follow]");
  const words = log.dataset;
  const MOST = 2000;
  const EVERY = 1000;
  const OPENS_WITHIN = 5000;
  const COMES_WITHIN = 15_000;
  const ASKS_BEFORE_EVENTS = 30;
  const SETTLES_AFTER = 30;
  let next = Number(words.next);
  let following = true;
  let ended = false;
  let source = null;
  let timer = 0;
  let turn = 0;
  let asksLeft = 0;
  let undrawn = [];

  const say = (text) => { if (state.textContent !== text) state.textContent = text; };
  const toEnd = () => { body.scrollTop = body.scrollHeight; };
  const tell = (name) => document.dispatchEvent(new CustomEvent(name));

  const part = (tag, text, css) => {
    const made = document.createElement(tag);
    made.textContent = text;
    if (css) made.className = css;
    return made;
  };
  const draw = () => {
    const items = undrawn.map((line) => {
      const item = part("li", "", `sp-log__${line.css}`);
      item.append(part("time", line.time), part("span", line.word, "sp-log__lvl"), part("span", line.text));
      return item;
    });
    undrawn = [];
    list.append(...items);
    while (list.children.length > MOST) list.firstChild.remove();
    log.querySelector("[data-log-empty]")?.remove();
    if (following) toEnd();
  };
  /* Once per frame, and never more than the page keeps, however fast they come. */
  const add = (line) => {
    if (!undrawn.length) requestAnimationFrame(draw);
    undrawn.push(line);
    if (undrawn.length > MOST * 2) undrawn = undrawn.slice(-MOST);
  };

  let clock = null;
  try {
    clock = new Intl.DateTimeFormat("en-GB", { timeZone: words.zone, timeStyle: "medium", hourCycle: "h23" });
  } catch { /* A zone that this browser does not know: the server writes the times then. */ }
  const KINDS = { ERROR: ["error", words.error], CRITICAL: ["error", words.error], WARNING: ["warn", words.note] };
  const shown = ({ ts, level, msg, cut }) => {
    const [css, word] = KINDS[level] ?? ["info", ""];
    return { css, word, time: ts ? clock.format(new Date(ts)) : "", text: cut ? `${msg} …` : msg };
  };

  const finish = () => {
    ended = true;
    stop();
    say(words.ended);
    button.remove();
    tell("sp:ended");
  };
  /* Of the six connections that a browser has for all its tabs, half stay free for pages. */
  const PLACES = ["sp-log-1", "sp-log-2", "sp-log-3"];
  let leave = null;
  const take = (name) => new Promise((taken) => {
    navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      if (!lock) { taken(null); return null; }
      return new Promise((free) => taken(free));
    });
  });
  const findPlace = async () => {
    if (!navigator.locks) return () => {};
    for (const name of PLACES) {
      const free = await take(name);
      if (free) return free;
    }
    return null;
  };

  const stop = () => {
    turn += 1;
    clearTimeout(timer);
    leave?.();
    leave = null;
    source?.close();
    source = null;
  };
  const askInstead = () => {
    stop();
    asksLeft = ASKS_BEFORE_EVENTS;
    ask();
  };
  const listen = async () => {
    const mine = turn;
    const free = await findPlace();
    if (mine !== turn) { free?.(); return; }
    if (!free) { askInstead(); return; }
    leave = free;
    source = new EventSource(`${words.stream}?after=${next}`);
    const on = (name, act) => source.addEventListener(name, (event) => {
      if (event.lastEventId) next = Number(event.lastEventId);
      act(event);
    });
    timer = setTimeout(askInstead, OPENS_WITHIN);
    source.addEventListener("open", () => { clearTimeout(timer); say(words.following); });
    source.addEventListener("error", () => {
      // It comes back by itself after a lost connection; a refusal closes it for good.
      if (source.readyState === EventSource.CLOSED) askInstead();
      else say(words.lost);
    });
    on("log", (event) => add(shown(JSON.parse(event.data))));
    on("gap", () => add({ css: "gap", time: "", word: words.cut, text: words.gap }));
    on("progress", () => tell("sp:progress"));
    on("end", finish);
  };
  const ask = async () => {
    let wait = EVERY;
    const mine = turn;
    const asked = new AbortController();
    const limit = setTimeout(() => asked.abort(), COMES_WITHIN);
    try {
      const answer = await fetch(`${words.liveLog}?after=${next}`, { signal: asked.signal });
      if (!answer.ok) throw new Error(String(answer.status));
      const found = await answer.json();
      if (mine !== turn) return;
      next = found.next;
      found.lines.forEach(add);
      say(words.following);
      if (found.ended) { finish(); return; }
    } catch {
      if (mine === turn) say(words.lost);
      wait = EVERY * 5;
    } finally {
      clearTimeout(limit);
    }
    asksLeft -= 1;
    if (mine === turn) timer = setTimeout(start, wait);
  };
  /* A tab that nobody sees holds no connection. */
  const start = () => {
    stop();
    if (ended || !following || document.hidden) return;
    if (words.stream && clock && asksLeft <= 0) listen();
    else ask();
  };

  /* Frames, and not a time: where there is much to do, a browser scrolls on for longer. */
  let settles = 0;
  const settle = () => {
    settles -= 1;
    if (settles > 0) requestAnimationFrame(settle);
  };
  const follow = (on) => {
    following = on;
    if (on && settles <= 0) requestAnimationFrame(settle);
    settles = on ? SETTLES_AFTER : 0;
    button.setAttribute("aria-pressed", String(on));
    say(on ? words.following : words.paused);
    if (on) toEnd();
    start();
  };
  button.addEventListener("click", () => follow(!following));
  /* Scrolling up pauses, by wheel, key, finger or scrollbar. What a smoothly scrolling browser still
     goes up of an earlier key, although Follow was pressed since, does not. */
  let top = 0;
  body.addEventListener("scroll", () => {
    const isAway = body.scrollTop + body.clientHeight < body.scrollHeight - 8;
    const isUp = body.scrollTop < top - 2;
    if (following && isAway && settles > 0) {
      settles = SETTLES_AFTER;
      toEnd();
    } else if (following && isAway && isUp) follow(false);
    top = body.scrollTop;
  }, { passive: true });
  for (const touch of ["wheel", "keydown", "pointerdown", "touchmove"]) {
    body.addEventListener(touch, () => { settles = 0; }, { passive: true });
  }
  document.addEventListener("visibilitychange", start);
  /* Somebody reads what is further up: the page stays as it is until the end is asked for. */
  document.addEventListener("sp:leaving", (event) => { if (!following) event.preventDefault(); });
  follow(true);
})();
