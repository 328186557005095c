// The review desk without page loads: answers are sent in the background and the next task put in
// place. Every form works without this script. Texts are kept in this page alone, never in storage.
"use strict";
(() => {
  const root = document.documentElement;
  const main = document.getElementById("main");
  const live = document.getElementById("live");
  const trouble = document.getElementById("trouble");
  const help = document.getElementById("keys");
  const WARN_SECONDS = 120;
  const RETRY_SECONDS = [2, 4, 8, 15, 30];
  const drafts = new Map();
  let page, lease, undo, watch;
  let sending = false;
  let leaving = false;

  const find = (selector, within = page) => within.querySelector(selector);
  const all = (selector, within = page) => [...within.querySelectorAll(selector)];
  const answerForm = () => find("form[data-answer]");
  const announce = (text) => { live.textContent = ""; setTimeout(() => { live.textContent = text; }, 50); };
  const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
  const pause = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });
  const make = (tag, text, also = {}) => Object.assign(document.createElement(tag), { textContent: text }, also);

  // --- A page comes in -------------------------------------------------------------------------

  function enter() {
    page = find(".page", main) ?? main;
    const until = (element) => (element?.dataset.secondsLeft === undefined
      ? null : Date.now() + 1000 * Number(element.dataset.secondsLeft));
    const end = until(page);
    lease = page.dataset.lease === undefined ? null : {
      id: page.dataset.lease, until: end, lost: false, warned: false, active: false, beatAt: Date.now(),
      every: end === null ? 60_000 : Math.min(60_000, Math.max(5_000, (end - Date.now()) / 4)),
    };
    undo = until(find("[data-last]"));
    watch = { seconds: 0, since: document.hidden ? null : performance.now() };
    restoreDraft();
    markCriterion();
    for (const time of all("time[datetime]")) {
      time.textContent = new Intl.DateTimeFormat(undefined, {
        weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit",
      }).format(new Date(time.dateTime));
    }
    fit();
    tick();
  }

  /** Beside the conversation, the panel ends with the window and scrolls by itself. */
  const wide = window.matchMedia("(min-width: 62.01rem)");
  const fit = () => {
    const panel = find(".judging");
    if (!panel) return;
    const room = window.innerHeight - Math.max(16, panel.getBoundingClientRect().top) - 8;
    panel.style.maxHeight = wide.matches ? `${Math.max(320, room)}px` : "";
  };

  function swap(html, address) {
    const incoming = new DOMParser().parseFromString(html, "text/html");
    saveDraft();
    for (const part of all("template[data-replace]", incoming)) {
      if (part.dataset.replace === "title") document.title = part.content.textContent.trim();
      else document.getElementById(part.dataset.replace)?.replaceChildren(part.content);
      part.remove();
    }
    const whole = incoming.getElementById("main");
    if (whole !== null) {
      document.title = incoming.title;
      for (const id of ["menu", "progress"]) {
        const fresh = incoming.getElementById(id);
        if (fresh !== null) document.getElementById(id)?.replaceChildren(...fresh.childNodes);
      }
    }
    main.replaceChildren(...(whole ?? incoming.body).childNodes);
    complain(trouble, []);
    enter();
    const path = address || page.dataset.path;
    if (path && path !== location.pathname) history.pushState(null, "", path);
    window.scrollTo(0, 0);
    (find("[data-focus]") ?? main).focus({ preventScroll: true });
    const recorded = find("[data-last] p")?.firstChild && find("[data-last] b");
    const week = document.querySelector("#progress p")?.textContent.replace(/\s+/g, " ").trim();
    announce([recorded ? `Recorded: ${recorded.textContent}.` : "", week ?? ""].join(" ").trim());
  }

  async function load(path) {
    try {
      const response = await fetch(path, { headers: { "X-Desk-Fragment": "1" } });
      const html = await response.text();
      if (!response.ok || signedOut(response, html)) throw new Error("not the page that was asked for");
      swap(html, response.headers.get("X-Desk-Location"));
    } catch {
      leaving = true;
      location.assign(path);
    }
  }

  // --- What is typed ---------------------------------------------------------------------------

  const typed = () => all("textarea", main).some((field) => field.value !== field.defaultValue);

  function saveDraft() {
    const form = page && answerForm();
    if (!form || lease === null || form.dataset.sent !== undefined) return;
    const touched = typed() || all("input[type=radio]", form).some((field) => field.checked !== field.defaultChecked);
    if (touched) drafts.set(lease.id, { fields: [...new FormData(form)], seconds: elapsed() });
  }

  function restoreDraft() {
    const form = answerForm();
    const draft = lease && drafts.get(lease.id);
    if (!form || !draft) return;
    for (const [name, value] of draft.fields) {
      if (name === "csrf" || name === "seconds") continue;
      const field = form.elements.namedItem(name);
      if (field === null) continue;
      field.value = value;
      if (value && field.closest) field.closest("details")?.setAttribute("open", "");
    }
    watch.seconds = draft.seconds;
  }

  const elapsed = () => watch.seconds + (watch.since === null ? 0 : (performance.now() - watch.since) / 1000);

  // --- Sending ---------------------------------------------------------------------------------

  const signedOut = (response, html) => response.status === 401
    || (response.redirected && new URL(response.url).pathname === "/sign-in") || html.includes('data-page="sign-in"');

  async function send(form) {
    if (sending) return;
    sending = true;
    const place = find("[data-trouble]", form) ?? trouble;
    const button = find("button:not([type=button])", form);
    const isAnswer = form.matches("[data-answer]");
    if (isAnswer) form.elements.namedItem("seconds").value = elapsed().toFixed(1);
    // What is sent again is the same to the byte, so that it is recorded once.
    const body = new URLSearchParams(new FormData(form));
    if (isAnswer && body.get("label") !== "fail") body.delete("failure_mode");
    form.setAttribute("aria-busy", "true");
    button?.setAttribute("aria-disabled", "true");
    try {
      await deliver(form, body, place);
    } finally {
      sending = false;
      form.removeAttribute("aria-busy");
      button?.removeAttribute("aria-disabled");
      hold(form, place, false);
    }
  }

  async function deliver(form, body, place) {
    let renewed = false;
    for (let attempt = 0; ; attempt += 1) {
      let response = null;
      let html = "";
      try {
        response = await fetch(form.getAttribute("action"), { method: "POST", body, headers: { "X-Desk-Fragment": "1" } });
        html = await response.text();
      } catch {
        response = null;
      }
      if (response !== null && signedOut(response, html)) {
        offerSignIn(form, place);
        return;
      }
      if (response?.ok) {
        form.dataset.sent = "";
        if (lease !== null && form.getAttribute("action").includes(`/${lease.id}/`)) drafts.delete(lease.id);
        swap(html, response.headers.get("X-Desk-Location"));
        return;
      }
      if (response?.status === 403 && !renewed) {
        renewed = true;
        if (await renewToken(body)) continue;
      }
      if (response !== null && response.status < 500 && response.status !== 429) {
        refuse(place, response.status, html);
        return;
      }
      const wait = Number(response?.headers.get("Retry-After")) || RETRY_SECONDS[Math.min(attempt, RETRY_SECONDS.length - 1)];
      if (!(await waitToRetry(form, place, response, wait))) return;
    }
  }

  /** Waits, or until someone says now (true) or wants the form back (false). */
  function waitToRetry(form, place, response, seconds) {
    hold(form, place, true);
    return new Promise((done) => {
      const finish = (again) => { clearInterval(timer); complain(place, []); done(again); };
      const until = Date.now() + 1000 * seconds;
      const why = response === null ? "The desk cannot be reached."
        : response.status === 429 ? "That was faster than the desk allows." : "The desk had trouble with that.";
      const count = make("span", "");
      const show = () => {
        const left = Math.ceil((until - Date.now()) / 1000);
        if (left <= 0) finish(true);
        else count.textContent = ` Sent again in ${left} s.`;
      };
      count.setAttribute("aria-hidden", "true");
      const text = make("p", `${why} Nothing is lost: it is kept here until it has arrived.`);
      text.append(count);
      complain(place, [text, make("button", "Send now", { type: "button", className: "small", onclick: () => finish(true) }),
        make("button", "Change it first", { type: "button", className: "small quiet", onclick: () => finish(false) })]);
      const timer = setInterval(show, 500);
      show();
    });
  }

  const hold = (form, place, held) => {
    for (const part of form.children) if (part !== place && !part.contains(place)) part.inert = held;
  };

  function complain(place, parts) {
    place.replaceChildren(...parts);
  }

  function refuse(place, status, html) {
    const said = new DOMParser().parseFromString(html, "text/html").querySelector("[data-error]")?.textContent.trim();
    const parts = [make("p", said || `That was not taken (${status}).`)];
    if ([404, 409, 410].includes(status)) {
      const path = page.dataset.path === "/adjudicate" ? "/adjudicate" : "/label";
      const next = make("a", "Take the next task", { href: path, className: "button" });
      next.dataset.next = "";
      parts.push(next);
    }
    complain(place, parts);
  }

  function offerSignIn(form, place) {
    complain(place, [
      make("p", "You are signed out. Sign in again in another tab, then send this: what you typed is kept here."),
      make("a", "Sign in in a new tab", { href: "/sign-in", target: "_blank", rel: "noopener", className: "button" }),
      make("button", "Send again", { type: "button", className: "small", onclick: async () => {
        const fresh = new URLSearchParams();
        if (await renewToken(fresh)) {
          for (const field of all("input[name=csrf]", document)) field.value = fresh.get("csrf");
        }
        complain(place, []);
        form.requestSubmit();
      } }),
    ]);
  }

  /** Puts the session's present token into what is sent; false if there is no session. */
  async function renewToken(body) {
    try {
      const response = await fetch("/mine");
      const html = await response.text();
      if (!response.ok || signedOut(response, html)) return false;
      const token = new DOMParser().parseFromString(html, "text/html").querySelector("meta[name=csrf-token]")?.content;
      if (!token || token === body.get("csrf")) return false;
      body.set("csrf", token);
      return true;
    } catch {
      return false;
    }
  }

  // --- The lease -------------------------------------------------------------------------------

  async function beat() {
    const mine = lease;
    mine.active = false;
    mine.beatAt = Date.now();
    try {
      const csrf = find("input[name=csrf]")?.value ?? "";
      const response = await fetch(`/leases/${mine.id}/heartbeat`, { method: "POST", body: new URLSearchParams({ csrf }) });
      if (response.ok) {
        const { expires_at: end } = await response.json();
        const now = Date.parse(response.headers.get("Date") ?? "") || Date.now();
        mine.until = Date.now() + Math.max(0, Date.parse(end) - now);
        mine.warned = false;
      } else if ([404, 409, 410].includes(response.status)) {
        mine.lost = true;
      }
    } catch {
      // The next beat tries again; until then the warning stands for itself.
    }
    if (mine === lease) tick();
  }

  function tick() {
    const countdown = find("[data-countdown]");
    if (countdown && undo !== null) {
      const left = (undo - Date.now()) / 1000;
      if (left > 0) countdown.textContent = `can be undone for ${clock(left)}`;
      else find("[data-last]")?.remove();
    }
    if (lease === null) return;
    const due = lease.active && !document.hidden && !lease.lost;
    const left = lease.until === null ? Infinity : (lease.until - Date.now()) / 1000;
    const every = left < WARN_SECONDS ? 5_000 : lease.every;
    if (due && Date.now() - lease.beatAt >= every) beat();
    noteLease(left);
  }

  function noteLease(left) {
    const note = find("[data-lease-note]");
    if (!note) return;
    note.classList.toggle("soon", lease.lost || left < WARN_SECONDS);
    if (lease.lost) note.textContent = "This task is no longer kept for you. You can still send your answer; if it is settled by now, you are told so.";
    else if (left <= 0) note.textContent = "The time for this task has run out. Your answer still counts unless somebody was quicker.";
    else if (left < WARN_SECONDS) note.textContent = `Kept for you for another ${clock(left)}. Go on and it stays yours.`;
    else note.textContent = "";
    if (left < WARN_SECONDS && !lease.warned) {
      lease.warned = true;
      announce(left > 0 ? "This task goes back to the others in two minutes unless you go on." : note.textContent);
    }
  }

  // --- Keys ------------------------------------------------------------------------------------

  const remembered = (key, value) => {
    try {
      if (value === undefined) return localStorage.getItem(key);
      localStorage.setItem(key, value);
    } catch {
      // Storage is shut off: the choice holds for this page.
    }
    return null;
  };
  let keysOn = remembered("desk-keys") !== "off";

  const isField = (element) => element.matches?.("textarea, select, input:not([type=radio]):not([type=checkbox])") || element.isContentEditable;

  function choose(input) {
    if (!input) return;
    input.click();
    input.focus({ preventScroll: true });
    input.closest("label").scrollIntoView({ block: "nearest" });
  }

  function pick(label) {
    const form = answerForm();
    if (!form) return;
    choose(find(`input[name=label][value=${label}]`, form));
    const modes = find("[data-modes]", form);
    if (label === "fail" && modes) {
      const chosen = find("input:checked", modes) ?? find("input", modes);
      chosen.focus({ preventScroll: true });
      modes.scrollIntoView({ block: "nearest" });
    }
  }

  function digit(number) {
    const list = document.activeElement.closest("[data-list]") ?? find(".decision");
    if (!list) return;
    if (list.matches(".decision")) {
      const label = [null, "pass", "fail", "cannot_tell"][number];
      if (label) pick(label);
    } else {
      const entries = all("input[type=radio]", list);
      if (number > 0) choose(entries[number - 1]?.value === "" ? null : entries[number - 1]);
      else choose(entries.find((entry) => entry.value === ""));
    }
  }

  const criteria = () => all("[data-criterion]");
  const nextCriterion = () => criteria().find((each) => !find("input:checked", each)) ?? null;
  function markCriterion() {
    const next = nextCriterion();
    for (const each of criteria()) each.classList.toggle("next", each === next);
  }
  function judgeCriterion(value) {
    const each = document.activeElement.closest("[data-criterion]") ?? nextCriterion();
    if (!each) return;
    find(`input[value=${value}]`, each).click();
    const number = criteria().indexOf(each) + 1;
    announce(`Criterion ${number}: ${{ yes: "met", no: "not met", unsure: "unsure" }[value]}`);
    if (each.contains(document.activeElement)) criteria()[number]?.querySelector("input").focus();
  }

  function move(step) {
    const stops = all("[data-stop]").filter((each) => each.offsetParent !== null);
    const here = stops.indexOf(document.activeElement.closest("[data-stop]"));
    const next = stops[here === -1 ? (step > 0 ? 0 : -1) : here + step];
    if (!next) {
      if (step < 0) {
        window.scrollTo({ top: 0 });
        find("[data-focus]")?.focus({ preventScroll: true });
      }
      return;
    }
    (find(".said.tall", next) && next.matches(".turn, .response") ? find(".said.tall", next) : next).focus({ preventScroll: true });
    next.scrollIntoView({ block: next.offsetHeight > window.innerHeight ? "start" : "nearest" });
  }

  function open(id) {
    const field = document.getElementById(id);
    if (!field) return;
    field.closest("details")?.setAttribute("open", "");
    field.focus();
  }

  function openSkip() {
    const skip = find("[data-skip]");
    if (!skip) return;
    skip.open = true;
    find("input[type=radio]", skip).focus();
    skip.scrollIntoView({ block: "nearest" });
  }

  const press = (key) => find(`form[data-key=${key}]`)?.requestSubmit();
  const confide = (value) => find(`input[name=confidence][value=${value}]`)?.click();
  const KEYS = {
    p: () => pick("pass"), f: () => pick("fail"), c: () => pick("cannot_tell"),
    y: () => judgeCriterion("yes"), n: () => judgeCriterion("no"), x: () => judgeCriterion("unsure"),
    l: () => confide("low"), m: () => confide("medium"), h: () => confide("high"),
    r: () => open("rationale"), e: () => open("reference"),
    j: () => move(1), k: () => move(-1),
    s: openSkip, u: () => press("u"), v: () => press("v"),
  };

  function goOn(event) {
    if (event.target.closest("button, a, summary, input")) return;
    const form = answerForm();
    const next = find("a[data-next]");
    if (form) form.requestSubmit();
    else if (next) next.click();
    else return;
    event.preventDefault();
  }

  function leave(target) {
    const skip = target.closest("[data-skip]");
    if (skip) {
      skip.open = false;
      find("summary", skip).focus();
    } else if (isField(target)) {
      (target.closest("[data-stop]") ?? main).focus({ preventScroll: true });
    }
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    const { target } = event;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && target.form?.matches("[data-answer]")) {
      event.preventDefault();
      target.form.requestSubmit();
      return;
    }
    if (event.ctrlKey || event.metaKey || help?.open || !help) return;
    if (event.key === "Escape") {
      leave(target);
      return;
    }
    if (isField(target) || !keysOn) return;
    const key = event.key.toLowerCase();
    if (sending) return;
    if (key === "enter") {
      goOn(event);
      return;
    }
    const act = /^[0-9]$/.test(key) ? () => digit(Number(key)) : key === "?" ? () => help.showModal() : KEYS[key];
    if (!act || (event.repeat && key !== "j" && key !== "k")) return;
    event.preventDefault();
    act();
  });

  // --- Everything else that happens ------------------------------------------------------------

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-swap]")) {
      event.preventDefault();
      send(form);
    } else if (form.method !== "dialog") {
      leaving = true;
    }
  });
  document.addEventListener("click", (event) => {
    const next = event.target.closest("a[data-next]");
    if (!next || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || page.dataset.page === "error") return;
    event.preventDefault();
    load(next.getAttribute("href"));
  });
  document.addEventListener("change", (event) => {
    markCriterion();
    if (event.target.name !== "label" || event.target.value === "fail") return;
    const none = find("[data-modes] input[value='']");
    if (none) none.checked = true;
  });
  for (const kind of ["keydown", "pointerdown", "input", "wheel", "touchmove"]) {
    document.addEventListener(kind, () => { if (lease !== null) lease.active = true; }, { passive: true });
  }
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) watch = { seconds: elapsed(), since: null };
    else watch.since = performance.now();
  });
  window.addEventListener("beforeunload", (event) => { if (!leaving && typed()) event.preventDefault(); });
  for (const kind of ["resize", "scroll", "load"]) window.addEventListener(kind, fit, { passive: true });
  window.addEventListener("popstate", () => load(location.pathname));
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  const helpButton = document.getElementById("help-button");
  if (helpButton) {
    helpButton.hidden = false;
    helpButton.addEventListener("click", () => help.showModal());
    const box = document.getElementById("keys-on");
    const show = () => { box.checked = keysOn; root.classList.toggle("no-keys", !keysOn); };
    box.addEventListener("change", () => { keysOn = box.checked; remembered("desk-keys", keysOn ? "on" : "off"); show(); });
    show();
  }
  root.classList.add("js");
  enter();
  setInterval(tick, 1000);
})();
