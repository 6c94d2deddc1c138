// "Present" plays a notebook as slides in JupyterLab. jupyterlab-slideshow shows them; what a lecture
// needs besides stands here: one key for each step, a clicker's keys, and a start that always works.
//
// JupyterLab loads this file as it loads any extension. It is written by hand, so that there is nothing
// to build: a container in the sense of webpack's module federation is an object with `init` and `get`.
(() => {
  const NAME = "course-present";
  const COMMAND = "course:present";
  const SETTINGS = "jupyterlab-slideshow:plugin";
  const STOPS = ["slide", "subslide", "fragment"];
  const FORWARD = ["PageDown", "ArrowRight", "ArrowDown", " "];
  const BACK = ["PageUp", "ArrowLeft", "ArrowUp"];
  const CONTROLS = "input, select, textarea, button, audio, summary, a, [contenteditable=true]";
  let shared; // the modules that JupyterLab shares with its extensions

  const share = async (name) => (await Object.values(shared[name])[0].get())();
  const kind = (cell) => cell.model.getMetadata("slideshow")?.slide_type;
  const heading = ({ model }) => {
    if (model.type !== "markdown") return undefined;
    return model.sharedModel.source.match(/^#+ (.*)/)?.[1].replace(/[`*]/g, "");
  };
  const presenting = () => document.body.dataset.jpDeckMode === "presenting";

  // Return the numbers of the cells at which a deck stops, in their order.
  function stops(notebook) {
    return notebook.widgets.flatMap((cell, i) => (STOPS.includes(kind(cell)) ? [i] : []));
  }

  // One step on or back, at most to the ends; cells that are already seen are no step of their own.
  function step(notebook, forward) {
    const all = stops(notebook), here = notebook.activeCellIndex;
    const next = forward ? all.find((i) => i > here) : all.findLast((i) => i < all.findLast((j) => j <= here));
    if (next !== undefined) go(notebook, next);
  }

  function go(notebook, index) {
    notebook.deselectAll();
    notebook.activeCellIndex = index;
    notebook.node.scrollTop = 0;
  }

  // If a slide is too high, its figures shrink until all fits, at most to half of their height.
  const FULL = 80, LEAST = 40, STEP = 2; // hundredths of the window's height
  function fit(notebook) {
    const cells = [...notebook.node.querySelectorAll(".jp-deck-mod-onscreen")];
    for (const image of cells.flatMap((cell) => [...cell.querySelectorAll("img")])) {
      if (image.naturalWidth) image.style.setProperty("--course-width", image.naturalWidth);
    }
    const room = document.querySelector(".course-foot")?.getBoundingClientRect().top; // none: it has ended
    const bottom = () => Math.max(...cells.map((cell) => cell.getBoundingClientRect().bottom));
    for (let height = FULL; height >= LEAST; height -= STEP) {
      document.body.style.setProperty("--course-figure", `${height}vh`);
      if (bottom() <= room) return;
    }
  }

  // The foot of a slide: the question that it belongs to, its number, and whether the cells still run.
  class Foot {
    constructor(notebook) {
      this.notebook = notebook;
      this.state = "";
      this.node = Object.assign(document.createElement("div"), { className: "course-foot" });
      this.show = this.show.bind(this);
      notebook.activeCellChanged.connect(this.show);
      // A cell's size changes with the window, with a picture that is loaded, with what its code shows.
      this.sized = new ResizeObserver(() => requestAnimationFrame(() => fit(notebook)));
      for (const { node } of notebook.widgets) this.sized.observe(node);
      document.body.append(this.node);
      this.show();
    }

    say(state) {
      this.state = state;
      this.show();
    }

    show() {
      const { widgets, activeCellIndex } = this.notebook;
      const slides = widgets.flatMap((c, i) => (["slide", "subslide"].includes(kind(c)) ? [i] : []));
      const here = slides.filter((i) => i <= activeCellIndex);
      const headings = widgets.slice(0, here.at(-1)).flatMap((c) => heading(c) ?? []);
      const question = heading(widgets[here.at(-1)]) ? "" : headings.at(-1); // it stands on the slide
      const parts = [question, this.state, `${here.length} / ${slides.length}`];
      this.node.replaceChildren(...parts.filter(Boolean).map((part) => {
        return Object.assign(document.createElement("span"), { textContent: part });
      }));
      fit(this.notebook);
    }

    end() {
      this.notebook.activeCellChanged.disconnect(this.show);
      this.sized.disconnect();
      this.node.remove();
    }
  }

  // Run all cells that this kernel has not run, without moving the deck. Return the number of the
  // cell that failed, or undefined.
  const ran = new WeakMap(); // notebook: the kernel that has run it
  async function runAll(panel) {
    const { content: notebook, sessionContext: session } = panel, kernel = session.session?.kernel?.id;
    if (kernel && ran.get(notebook) === kernel) return;
    const { NotebookActions } = await share("@jupyterlab/notebook");
    for (const [i, cell] of notebook.widgets.entries()) {
      if (cell.model.type !== "code") continue;
      if (!(await NotebookActions.runCells(notebook, [cell], session))) return i;
    }
    ran.set(notebook, kernel);
  }

  // Wait until the cells are drawn, and for what JupyterLab does in the frame after that: a notebook
  // that becomes a deck before gives an error in the page.
  async function drawn(notebook) {
    const frame = () => new Promise(requestAnimationFrame);
    while (!notebook.widgets.some((cell) => cell.inViewport)) await frame();
    for (let i = 0; i < 3; i++) await frame();
  }

  async function present(app, panel, stored = false) {
    const { content: notebook } = panel;
    await panel.context.ready;
    await panel.revealed;
    await drawn(notebook);
    const [first] = stops(notebook);
    if (first === undefined) throw new Error(`${panel.title.label} has no slides: no cell is one`);
    app.shell.activateById(panel.id);
    notebook.mode = "command";
    go(notebook, first);
    await app.commands.execute("deck:start");
    const foot = new Foot(notebook);
    const keys = (event) => onKey(event, app, notebook);
    document.addEventListener("keydown", keys, true);
    const ended = new MutationObserver(() => {
      if (presenting()) return;
      ended.disconnect();
      document.removeEventListener("keydown", keys, true);
      foot.end();
    });
    ended.observe(document.body, { attributes: true, attributeFilter: ["data-jp-deck-mode"] });
    if (stored) return;
    await panel.sessionContext.ready;
    foot.say("running");
    const failed = await runAll(panel);
    foot.say(failed === undefined ? "" : `cell ${failed} failed`);
  }

  // The keys of a lecture. A control, an editor and a player keep those that they use, but for a
  // clicker's two, which always turn the slide.
  function onKey(event, app, notebook) {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || notebook.mode === "edit") return;
    const clicker = key === "PageDown" || key === "PageUp";
    if (!clicker && target.closest?.(CONTROLS)) return;
    if (key === "f") toggleFullScreen();
    else if (key === "Home") go(notebook, stops(notebook)[0]);
    else if (key === "End") go(notebook, stops(notebook).at(-1));
    else if (key === "Escape") app.commands.execute("deck:stop");
    else if (BACK.includes(key) || (key === " " && event.shiftKey)) step(notebook, false);
    else if (FORWARD.includes(key)) step(notebook, true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function toggleFullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen();
  }

  // Whether a deck is shown is a state of this page. jupyterlab-slideshow stores it as a setting, and
  // a browser that was closed in a lecture would open every notebook as a deck ever after. So its
  // settings are kept here, not on the server.
  function keepInPage(settings) {
    const fetch = settings.fetch.bind(settings), save = settings.save.bind(settings);
    let kept = "{}";
    settings.fetch = async (id) => ({ ...(await fetch(id)), ...(id === SETTINGS && { raw: kept }) });
    settings.save = async (id, raw) => {
      if (id !== SETTINGS) return save(id, raw);
      kept = raw;
    };
  }

  function addStyles() {
    for (const name of ["slide.css", "deck.css"]) {
      const { href } = new URL(name, here);
      document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
    }
  }

  function activate(app, palette) {
    palette?.addItem({ command: COMMAND, category: "Course" });
    keepInPage(app.serviceManager.settings);
    addStyles();
    const notebookPanel = () => {
      const panel = app.shell.currentWidget;
      return panel?.content?.widgets && panel.sessionContext ? panel : null;
    };
    app.commands.addCommand(COMMAND, {
      label: "Present",
      caption: "Run all cells and show the notebook as slides",
      isEnabled: () => Boolean(notebookPanel()) && app.commands.hasCommand("deck:start"),
      execute: ({ stored }) => present(app, notebookPanel(), stored), // stored: without running the cells
    });
    app.restored.then(async () => {
      if (asked === null) return;
      while (!notebookPanel()) await new Promise((wait) => setTimeout(wait, 50));
      app.commands.execute(COMMAND, { stored: asked === "stored" });
    });
  }

  const here = document.currentScript.src;
  const asked = new URLSearchParams(location.search).get("present"); // JupyterLab drops it
  const container = {
    init: (modules) => {
      shared = modules;
    },
    get: async () => {
      const { ICommandPalette } = await share("@jupyterlab/apputils");
      const plugin = { id: `${NAME}:plugin`, autoStart: true, optional: [ICommandPalette], activate };
      return () => ({ __esModule: true, default: plugin });
    },
  };
  window._JUPYTERLAB = { ...window._JUPYTERLAB, [NAME]: container };
})();
