// Keeps a page as it is now. Without it nothing is lost: the page is whole, and loading it again shows the same.
"use strict";
(() => {
  const live = document.querySelector("[data-live]");
  const light = document.getElementById("live");
  if (!live || !live.children.length || !window.EventSource) return;
  const EVERY = 15000; // milliseconds, where no events can be had
  const SELDOM = "looks every 15 s";
  let busy = false, missed = false, timer = 0;

  const away = document.getElementById("away"), since = document.getElementById("away-since");
  const time = () => new Date().toISOString().slice(11, 19);
  let asOf = time();

  const tell = (words, isAway = false) => {
    if (light && light.textContent !== words) light.textContent = words;
    if (light) light.classList.toggle("is-away", isAway);
    if (since && isAway && away.hidden) since.textContent = asOf;
    if (away) away.hidden = !isAway;
  };

  const isRead = () => {
    const chosen = document.getSelection();
    return chosen && !chosen.isCollapsed && live.contains(chosen.anchorNode);
  };

  const put = (fresh) => {
    const open = new Set([...live.querySelectorAll("details[open][id]")].map((one) => one.id));
    const held = live.contains(document.activeElement) ? document.activeElement : null;
    const place = held && held.getAttribute("href");
    live.replaceChildren(...fresh.childNodes);
    for (const one of live.querySelectorAll("details[id]")) if (open.has(one.id)) one.open = true;
    if (held && place) for (const one of live.querySelectorAll("a[href]"))
      if (one.getAttribute("href") === place) { one.focus({ preventScroll: true }); break; }
  };

  const refresh = async () => {
    if (document.hidden || busy || isRead()) { missed = true; return; }
    busy = true; missed = false;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (answer.redirected) { location.reload(); return; }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-live]");
      if (answer.ok && fresh && !isRead()) { put(fresh); asOf = time(); }
      if (timer) tell(SELDOM);
    } catch (error) { tell("not connected", true); }
    finally { busy = false; }
  };

  const poll = () => { if (!timer) timer = setInterval(refresh, EVERY); tell(SELDOM); };

  const listen = () => {
    const events = new EventSource("/events");
    events.addEventListener("open", () => tell("live"));
    events.addEventListener("changed", refresh);
    events.addEventListener("error", () => {
      if (events.readyState === EventSource.CLOSED) poll(); else tell("not connected", true);
    });
    addEventListener("pagehide", () => events.close());
    addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  };

  document.addEventListener("visibilitychange", () => { if (!document.hidden && missed) refresh(); });
  document.addEventListener("selectionchange", () => { if (missed && !isRead()) refresh(); });
  listen();
})();
